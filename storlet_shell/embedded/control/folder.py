"""The data folder: what lies where in it, whose it is, and the locks that say who uses it.

::

    FOLDER/                 mode 0700
        storlet-shell       the marker: only a folder that carries it is ever deleted
        lock-running        held by the server as long as it lives
        lock-starting       held from before a server is started until it answers or is gone
        lock-users          held, shared, by everybody who needs a server that is not lasting
        lasting             there while the server is to stay without users
        ephemeral           the folder of the ephemeral server that stands in for this one
        credentials.json    mode 0600
        state.json          what the server says of itself while it can be joined; afterwards state-last.json
        log  log.1
        keystone/           Keystone's database, keys, passwords and log, once it has run on this folder
        etc/  run/  recon/  devices/  storlets/

The kernel drops a lock (``flock``) with the process that held it, whatever ended that process; so nothing that a dead
one left behind is ever in the way, and no process id is trusted unless its lock is held.
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

    :param folder: the user's own choice; None means the platform's folder for such data
    """
    return (folder or Path(platformdirs.user_data_path("storlet-shell")) / "swift").expanduser().absolute()


def temporary_folder() -> Path:
    """Make the folder of an ephemeral server, on the first disk that can hold objects."""
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
    raise EmbeddedError(f"no place for an ephemeral Swift: none of {spelled} is writable and keeps extended attributes")


def claim(folder: Path) -> None:
    """Make a folder ours, and give it our marker.

    :raises EmbeddedError: it can't be made or written, is somebody else's, or is no data folder of ours and not empty
    """
    with _translated(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_owner(folder)
        if not is_ours(folder) and any(folder.iterdir()):
            raise EmbeddedError(f"{folder} holds something else; name an empty folder or one that is not there yet")
        folder.chmod(0o700)
        (folder / MARKER).write_text(_MARK)


def check(folder: Path) -> None:
    """Find out whether a server can store objects in a folder.

    :raises EmbeddedError: it is somebody else's, its disk is full, or does not keep extended attributes
    """
    with _translated(folder):
        _require_owner(folder)
        if not _keeps_attributes(folder):
            raise EmbeddedError(
                f"the file system of {folder} keeps no extended attributes (user.*), where Swift stores metadata;"
                " name a folder on another one, e.g. ext4, xfs or btrfs"
            )
        if shutil.disk_usage(folder).free < _SMALLEST_SPACE:
            raise EmbeddedError(f"the disk of {folder} is full: fewer than {_SMALLEST_SPACE // 2**20} MiB are free")


def current(folder: Path) -> Path:
    """Return the folder of the ephemeral server that stands in for a data folder while it runs, else that folder."""
    try:
        ephemeral = Path((folder / EPHEMERAL).read_text())
    except OSError:
        return folder
    return ephemeral if is_ours(ephemeral) and is_locked(ephemeral, RUNNING) else folder


def is_ours(folder: Path) -> bool:
    """Tell whether a folder carries our marker."""
    with _translated(folder):
        return (folder / MARKER).is_file()


def remove(folder: Path) -> None:
    """Delete a data folder of ours with all that is in it."""
    with _translated(folder):
        # The marker goes last: what an interruption leaves can still be deleted.
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

    :returns: the file descriptor that holds it until it is closed, or None if somebody else has it
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
    """Tell whether somebody holds a lock alone."""
    if not (folder / name).exists():
        return False
    fd = lock(folder, name, shared=True)
    if fd is None:
        return True
    os.close(fd)
    return False


def read_secrets(folder: Path) -> Secrets | None:
    """Return the folder's secrets, or None if it has none yet."""
    fields = read_json(folder, CREDENTIALS)
    if fields is None:
        return None
    try:
        return Secrets(**fields)
    except TypeError:
        raise broken(folder, CREDENTIALS) from None


def renew_secrets(folder: Path) -> Secrets:
    """Make the secrets of a server that starts on a folder, and return them."""
    last = read_secrets(folder)
    secrets = Secrets.random(last.hash_suffix if last else "")
    write_json(folder / CREDENTIALS, asdict(secrets))
    return secrets


def read_state(folder: Path, name: str = STATE) -> dict[str, Any]:
    """Return what the folder's server said of itself when it was ready; empty if it is not there, or not yet ready."""
    return read_json(folder, name) or {}


def last_state(folder: Path) -> dict[str, Any]:
    """Return what the folder's last server said of itself; empty if there was none, or if it makes no sense."""
    try:
        return read_state(folder) or read_state(folder, LAST_STATE)
    except EmbeddedError:
        return {}


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Store what a server says of itself."""
    write_json(folder / STATE, state)


def open_log(folder: Path) -> int:
    """Open the log for a process that is about to start; return its file descriptor."""
    with _translated(folder):
        return os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def last_line(folder: Path) -> str:
    """Return the last thing that the log says."""
    with _translated(folder):
        return (folder / LOG).read_text(errors="replace").strip().rpartition("\n")[2] or "its log is empty"


def used_bytes(folder: Path) -> int:
    """Return how many bytes of the disk a folder takes."""
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
    """Return how many bytes are free on a folder's disk, also if the folder is not there yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def read_json(folder: Path, name: str) -> dict[str, Any] | None:
    """Read one of the folder's files, None if it is not there."""
    with _translated(folder):
        try:
            held = json.loads((folder / name).read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            raise broken(folder, name) from None
    if not isinstance(held, dict):
        raise broken(folder, name)
    return held


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Store a file whole or not at all, readable for its owner only."""
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
    """Return the error for a file that makes no sense."""
    return EmbeddedError(f"{folder / name} is damaged; put it right, or delete all local data with `local reset`")


def _require_owner(folder: Path) -> None:
    """Refuse another user's folder: root could write there, and then that user no more."""
    if folder.stat().st_uid != os.geteuid():
        raise EmbeddedError(f"{folder} belongs to another user; name a folder of your own")


def _keeps_attributes(folder: Path) -> bool:
    """Tell whether files in a folder can have extended attributes as large as Swift needs them."""
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
    """Turn the system's errors on a folder into one line."""
    try:
        yield
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
        raise EmbeddedError(f"the data folder {folder} can't be used: {reason}; name another one") from error
