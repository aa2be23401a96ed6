"""Full disks: a small file system, filled up to the last bytes, below everything that is written."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from faults.clients import Ended
from faults.count import Count, UntriedError
from faults.place import Place, judge, place
from faults.terminals import Terminal
from storlet_shell.embedded import control
from storlet_shell.embedded.sandbox.disk import RESERVED_BYTES
from storlet_shell.errors import ExitStatus
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.requests import Request
from tests.support.storlets import STORLETS

CLONE_NEWNS = 0x20000
SIZE = 2 * 2**20
FREE = (0, 4096, 5 * 4096, 64 * 1024, 512 * 1024)
"""Bytes left free on the disk."""

CONTENT = Random(3).randbytes(SIZE)
BEFORE = b"what was there before"
_OBJECTS = 8

LINES = {
    "get --save": "get full/body --save {disk}/file",
    "get --storlet --save": "get full/body --storlet twice.py --save {disk}/file",
    "download": "download full/body {disk}",
    "map --save": "map --storlet twice.py --input path:/full/body* --save {disk}",
    "get --json": "get full/body --json",
    "get > file": "-c get\tfull/body\t>\t{disk}/other",
    "--json -c get": "--json -c get\tfull/body",
    "deploy --dry-run --input": "deploy twice.py --dry-run --input path:/full/body",
}
"""Lines that need more space than there is; if they need a temporary folder, it is on that disk as well."""


def counts() -> Iterator[Count]:
    """Yield a row for each thing that is written."""
    _have_own_mounts()
    with place() as site, small_disk(site.folder / "disk", SIZE) as disk:
        client = site.client()
        client.send(Request("PUT", "full")).read()
        client.send(Request("PUT", "full", "body"), bytes_body(CONTENT)).read()
        for number in range(_OBJECTS):
            client.send(Request("PUT", "full", f"in/{number}"), bytes_body(b"abc" * number)).read()
        (site.folder / "twice.py").write_text(STORLETS["twice.py"])
        assert _run(site, "deploy twice.py").status == 0
        for name, words in LINES.items():
            yield _saved(site, disk, name, words)
        yield _journal(site, disk)
        yield _history(site, disk)
        client.close()
        yield _data_folder(site)


def _have_own_mounts() -> None:
    """Make mounts from now on visible to this process and its children only, and vanish with them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise UntriedError(f"can't mount a small disk: {os.strerror(ctypes.get_errno())}; run as root")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Provide a disk of this size."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "faults", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, free: int) -> Path:
    """Fill a disk up to this many free bytes; return the file that fills it."""
    ballast = disk / "ballast"
    space = os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - free)
    return ballast


def _run(site: Place, line: str, **variables: str) -> Ended:
    words = [word.replace("\t", " ") for word in line.split(" ")]
    with site.relay(lambda _number, _sent: None) as relay:
        return site.clients.run(words, {**site.environ(relay), **variables})


def _saved(site: Place, disk: Path, name: str, words: str) -> Count:
    count = Count(f"full disk: {name}")
    for free in FREE:
        (disk / "file").write_bytes(BEFORE)
        (disk / "body").write_bytes(BEFORE)
        ballast = fill(disk, free)
        ended = _run(site, words.format(disk=disk), TMPDIR=str(disk))
        whole = all((disk / name).read_bytes() == BEFORE for name in ("file", "body"))
        is_elsewhere = not free and "{disk}" not in words  # a full temporary folder is skipped in favor of another
        good = ended.is_clear and ended.status == (ExitStatus.OK if is_elsewhere else ExitStatus.ERROR)
        ballast.unlink()
        leftovers = [path for path in disk.iterdir() if path.name not in ("file", "body", "other")]
        judge(count, f"{name}, {free} bytes free", ended, good=good, whole=whole, files=len(leftovers))
        for path in disk.iterdir():
            path.unlink()
    return count


def _journal(site: Place, disk: Path) -> Count:
    """Fill the journal's disk before a batch and midway; with free space again, the batch completes."""
    count = Count("full disk: map --journal")
    folder = site.folder / "made"
    words = f"map --storlet twice.py --input path:/full/in/* --save {folder} --journal {disk}/journal -j 1"
    for free in FREE:
        ballast = fill(disk, free)
        ended = _run(site, words)
        ballast.unlink()
        again = _run(site, words)
        good = ended.is_clear and ended.status in (ExitStatus.OK, ExitStatus.ERROR)
        saved = {path.name: path.read_bytes() for path in (folder / "in").iterdir()}
        whole = again.status == 0 and saved == {str(n): b"abc" * n * 2 for n in range(_OBJECTS)}
        leftovers = [path for path in disk.iterdir() if path.name != "journal"]
        label = f"{free} bytes free; then status {again.status}, {again.last}"
        judge(count, label, ended, good=good, whole=whole, files=len(leftovers))
        (disk / "journal").unlink()
    return count


def _history(site: Place, disk: Path) -> Count:
    """Type lines whose history can't be saved: the shell says so once, and continues."""
    count = Count("full disk: history")
    for free in FREE[:1]:
        history = disk / "history"
        history.write_bytes(b"")
        ballast = fill(disk, free)
        with Terminal([sys.executable, "-m", "storlet_shell"], site.shell_environ(str(history))) as terminal:
            terminal.wait_for_prompt()
            for line in ("ls\r", "whoami\r", "\x04"):
                terminal.type(line)
                if line.endswith("\r"):
                    terminal.wait_for_prompt()
            ended, is_restored = terminal.end(), terminal.is_restored
        good = ended.status == 0 and ended.out.count(b"history is not kept") == 1 and is_restored
        judge(count, f"{free} bytes free", ended, good=good, whole=b"full" in ended.out)
        ballast.unlink()
        history.unlink()
    return count


def _data_folder(site: Place) -> Count:
    """Fill the embedded Swift's disk: stored objects stay, more are refused, and with free space it recovers."""
    count = Count("full disk: embedded data folder")
    with (
        small_disk(site.folder / "data", RESERVED_BYTES + 64 * 2**20) as disk,
        control.join_or_start(disk / "swift", control.Settings()) as lease,
    ):
        full = Place(lease.running, site.clients, site.folder)
        client = full.client()
        assert _run(full, "mkdir full").status == 0
        assert _run(full, "deploy twice.py").status == 0
        (site.folder / "body").write_bytes(CONTENT)
        assert _run(full, "put body full/body").status == 0
        for free in (0, RESERVED_BYTES // 2, RESERVED_BYTES - 2**20):
            ballast = fill(disk, free)
            for line in ("put body full/body", "upload body full/more", "copy full/body full/other", "deploy twice.py"):
                ended = _run(full, line)
                good = ended.is_clear and ended.status == ExitStatus.SERVICE
                whole = client.send(Request("GET", "full", "body")).read() == CONTENT
                judge(count, f"{line}, {free} bytes free", ended, good=good, whole=whole)
            ended = _run(full, "get full/body --storlet twice.py")
            judge(count, f"get, {free} bytes free", ended, good=True, whole=ended.out in (b"", CONTENT * 2))
            ballast.unlink()
            for line in ("put body full/again", "copy full/body full/other", "deploy twice.py", "rm -y full/again"):
                ended = _run(full, line)
                judge(count, f"{line}, room again", ended, good=ended.status == 0, whole=True)
        client.close()
    return count
