"""The data folder: its layout, its owner, and the locks that show who uses it.

::

    FOLDER/                 mode 0700
            storlet-shell       marker; only folders that contain it are ever deleted
            lock-running        held by the server while it lives
            lock-starting       held from before a server is started until it responds or has exited
            lock-users          held, shared, by every user of a server that isn't lasting
            lasting             exists while the server is to keep running without users
            ephemeral           path of the ephemeral server's folder that stands in for this one
            credentials.json    mode 0600
            state.json          the server's description of itself while it can be joined; afterwards state-last.json
            log  log.1
            keystone/           Keystone's database, keys, passwords and log, once it has run on this folder
            etc/  run/  recon/  devices/  storlets/

The kernel releases a lock (``flock``) when the process that holds it ends for any reason. So nothing that a dead
process left behind gets in the way, and no process ID is trusted unless its lock is held.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import platformdirs

from storlet_shell.embedded.control.settings import Secrets
from storlet_shell.embedded.sandbox import trees
from storlet_shell.errors import EmbeddedError

MARKER = "storlet-shell"
RUNNING, STARTING, USERS = "lock-running", "lock-starting", "lock-users"
LASTING, EPHEMERAL = "lasting", "ephemeral"
CREDENTIALS, STATE, LAST_STATE, LOG = "credentials.json", "state.json", "state-last.json", "log"

_MARK = "The data of an embedded Swift. `storlet-shell local reset` deletes this folder.\n"
_SMALLEST_SPACE = 32 * 2**20


def data_folder(folder: Path | None = None) -> Path:
    """Return the folder that the embedded Swift keeps its data in.

    :param folder: the user's choice; None for the platform's data folder
    """
    return (folder or Path(platformdirs.user_data_path("storlet-shell")) / "swift").expanduser().absolute()


def temporary_folder() -> Path:
    """Create the folder of an ephemeral server on the first disk that can hold objects."""
    places = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path(platformdirs.user_cache_path())]  # noqa: S108 - mkdtemp
    for place in places:
        try:
            folder = Path(tempfile.mkdtemp(prefix="storlet-shell-", dir=place))
        except OSError:
            continue
        with suppress(OSError):
            if _keeps_attributes(folder):
                claim(folder)
                return folder
        folder.rmdir()
    spelled = ", ".join(map(str, places))
    raise EmbeddedError(f"no place for an ephemeral Swift: {spelled} aren't writable or lack extended attributes")


def claim(folder: Path) -> None:
    """Create a folder if necessary, and mark it as ours.

    :raises EmbeddedError: if it can't be created or written, belongs to somebody else, or has other contents
    """
    with _translated(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_owner(folder)
        if not is_ours(folder) and any(folder.iterdir()):
            raise EmbeddedError(f"{folder} holds something else; name an empty or new folder")
        folder.chmod(0o700)
        (folder / MARKER).write_text(_MARK)


def check(folder: Path) -> None:
    """Check that a server can store objects in a folder.

    :raises EmbeddedError: if it belongs to somebody else, its disk is full, or lacks extended attributes
    """
    with _translated(folder):
        _require_owner(folder)
        if not _keeps_attributes(folder):
            raise EmbeddedError(
                f"the file system of {folder} lacks extended attributes (user.*), which Swift needs for metadata;"
                " use a folder on another one, such as ext4, xfs or btrfs"
            )
        if shutil.disk_usage(folder).free < _SMALLEST_SPACE:
            raise EmbeddedError(f"the disk of {folder} is full: less than {_SMALLEST_SPACE // 2**20} MiB are free")


def current(folder: Path) -> Path:
    """Return the folder of the ephemeral server that currently stands in for a data folder, or the folder itself."""
    try:
        ephemeral = Path((folder / EPHEMERAL).read_text())
    except OSError:
        return folder
    return ephemeral if is_ours(ephemeral) and is_locked(ephemeral, RUNNING) else folder


def is_ours(folder: Path) -> bool:
    """Tell whether a folder contains our marker."""
    with _translated(folder):
        return (folder / MARKER).is_file()


def remove(folder: Path) -> None:
    """Delete our data folder and everything in it."""
    with _translated(folder):
        # The marker is deleted last, so that an interrupted deletion can be repeated.
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                trees.remove(str(path))  # a storlet may have nested folders deeper than rmtree recurses
                if path.exists():
                    shutil.rmtree(path)  # raises the reason
            elif path.name != MARKER:
                path.unlink()
        (folder / MARKER).unlink()
        folder.rmdir()


def lock(folder: Path, name: str, *, shared: bool = False, wait: bool = False) -> int | None:
    """Take one of the folder's locks.

    :returns: the file descriptor that holds it until closed; None if somebody else has it
    """
    import fcntl  # the client imports this module on Windows, too

    with _translated(folder):
        fd = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        return fd


def is_locked(folder: Path, name: str) -> bool:
    """Tell whether somebody holds a lock exclusively."""
    if not (folder / name).exists():
        return False
    fd = lock(folder, name, shared=True)
    if fd is None:
        return True
    os.close(fd)
    return False


def read_secrets(folder: Path) -> Secrets | None:
    """Return the folder's secrets; None if it has none yet."""
    fields = read_json(folder, CREDENTIALS)
    if fields is None:
        return None
    try:
        return Secrets(**fields)
    except TypeError:
        raise broken(folder, CREDENTIALS) from None


def renew_secrets(folder: Path) -> Secrets:
    """Create and return the secrets for a server that starts on a folder."""
    last = read_secrets(folder)
    secrets = Secrets.random(last.hash_suffix if last else "")
    write_json(folder / CREDENTIALS, asdict(secrets))
    return secrets


def read_state(folder: Path, name: str = STATE) -> dict[str, Any]:
    """Return the description that the folder's server wrote when it was ready; empty if it isn't ready yet."""
    return read_json(folder, name) or {}


def last_state(folder: Path) -> dict[str, Any]:
    """Return the description that the folder's last server wrote; empty if it is missing or damaged."""
    try:
        return read_state(folder) or read_state(folder, LAST_STATE)
    except EmbeddedError:
        return {}


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Store a server's description of itself."""
    write_json(folder / STATE, state)


def open_log(folder: Path) -> int:
    """Open the log for a process that is about to start; return its file descriptor."""
    with _translated(folder):
        return os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def last_line(folder: Path) -> str:
    """Return the last line of the log."""
    with _translated(folder):
        return (folder / LOG).read_text(errors="replace").strip().rpartition("\n")[2] or "its log is empty"


def used_bytes(folder: Path) -> int:
    """Return the disk space that a folder takes, in bytes."""
    blocks, pending = 0, [os.fspath(folder)]
    while pending:
        with suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                with suppress(FileNotFoundError):  # a running server's files come and go
                    blocks += entry.stat(follow_symlinks=False).st_blocks
    return blocks * 512


def free_bytes(folder: Path) -> int:
    """Return the free space on a folder's disk, in bytes; the folder needn't exist."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def read_json(folder: Path, name: str) -> dict[str, Any] | None:
    """Read one of the folder's files; None if it doesn't exist."""
    with _translated(folder):
        try:
            value = json.loads((folder / name).read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            raise broken(folder, name) from None
    if not isinstance(value, dict):
        raise broken(folder, name)
    return value


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Store a file atomically, readable by its owner only."""
    fd, written = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(fd, "w") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(fd)
        Path(written).replace(path)
    except BaseException:
        Path(written).unlink(missing_ok=True)
        raise


def broken(folder: Path, name: str) -> EmbeddedError:
    """Return the error for a damaged file."""
    return EmbeddedError(f"{folder / name} is damaged; repair it, or delete all local data: local reset")


def _require_owner(folder: Path) -> None:
    """Refuse another user's folder: root could write to it and thereby lock that user out."""
    if folder.stat().st_uid != os.geteuid():
        raise EmbeddedError(f"{folder} belongs to another user; use a folder of your own")


def _keeps_attributes(folder: Path) -> bool:
    """Tell whether files in a folder can have extended attributes as large as Swift needs."""
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            os.setxattr(file.fileno(), "user.swift.metadata", b"x" * 254)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EPERM):
                return False
            raise
    return True


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Translate the system's errors about a folder to one line."""
    try:
        yield
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
        raise EmbeddedError(f"the data folder {folder} can't be used: {reason}; use another one") from error
