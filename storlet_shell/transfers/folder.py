"""Local files and folders, by the names of the objects that they become or come from."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, LocalFileError
from storlet_shell.values import ObjectPath
from storlet_shell.wire.bodies import FileVersion, open_file
from storlet_shell.wire.observer import remark

if TYPE_CHECKING:
    from storlet_shell.store.parallel import Tally
    from storlet_shell.wire.observer import Progress

_CHUNK_BYTES = 1024 * 1024


@typed_equality
class LocalFile(NamedTuple):
    """A file to upload, or an empty folder.

    :param name: its path below the folder
    :param size: in bytes
    :param modified: its modification time, in seconds since 1970
    """

    path: Path
    name: str
    size: int
    modified: float
    is_folder: bool = False

    def at(self, version: FileVersion) -> LocalFile:
        """Return the file with the size and date of another state of it."""
        return self._replace(size=version.size, modified=version.modified / 1e9)


def walk(folder: Path) -> Iterator[LocalFile | LocalFileError]:
    """Yield the files and empty folders below a folder, and an error for whatever can't be uploaded.

    They come in the order of a listing of their names, that is, of the bytes in UTF-8; a folder counts as its name
    with a slash.

    Links to files are followed. Links to folders aren't, since they may form a loop or lead out of the folder. Folders
    may be nested deeper than Python's recursion limit.
    """
    pending = [(os.fspath(folder), "", True)]
    while pending:
        path, name, is_folder = pending.pop()
        if not is_folder:
            yield local_file(Path(path), name)
            continue
        try:
            entries = sorted(os.scandir(path), key=_place_of, reverse=True)
        except OSError as error:
            yield LocalFileError(f"can't read {{subject}}: {error.strerror or error}", subject=path)
            continue
        if not entries and name:
            yield LocalFile(Path(path), name, 0, Path(path).stat().st_mtime, is_folder=True)
        prefix = f"{name}/" if name else ""
        pending += [(entry.path, f"{prefix}{entry.name}", entry.is_dir(follow_symlinks=False)) for entry in entries]


def place_in_listing(name: str) -> bytes:
    """Return what a name is sorted by in listings; a local name needn't be valid UTF-8."""
    return name.encode(errors="surrogateescape")


def _place_of(entry: os.DirEntry[str]) -> bytes:
    return place_in_listing(f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name)


def local_file(path: Path, name: str) -> LocalFile | LocalFileError:
    """Describe a file, or return the reason why it can't be uploaded."""
    try:
        status = path.stat()
    except OSError as error:
        return LocalFileError(f"can't read {{subject}}: {error.strerror or error}", subject=str(path))
    if stat.S_ISDIR(status.st_mode):
        return LocalFileError("links to folders aren't followed", subject=str(path))
    if not stat.S_ISREG(status.st_mode):
        return LocalFileError("not a regular file", subject=str(path))
    return LocalFile(path, name, status.st_size, status.st_mtime_ns / 1e9)


def place(folder: Path, name: str, subject: ObjectPath) -> Path:
    """Return the path of an object's file in a folder; neither the name nor a link can lead out of the folder.

    :param name: the object's name, or the rest of it below a prefix
    :param subject: the object, for messages
    :raises LocalFileError: if the name would lead out of the folder, or isn't a valid file name
    """
    parts = name.split("/")
    if "\x00" in name or not {"", ".", ".."}.isdisjoint(parts):
        hint = Hint(Action.SAVE_AS, (str(subject),))
        raise LocalFileError("refused: no file in the folder can have this name", subject=str(subject), hint=hint)
    path = folder
    try:
        for part in parts:
            path = path / part
            if path.is_symlink():
                text = f"refused: {path} is a link and may lead out of the folder"
                raise LocalFileError(text, subject=str(subject))
    except OSError as error:
        raise LocalFileError(f"can't create its file: {error.strerror or error}", subject=str(subject)) from error
    return path


class Conflicts:
    """Detects objects such as ``a/b`` next to ``a``, which would be a file; names must come in listing order."""

    def __init__(self) -> None:
        self._files: list[str] = []

    def find(self, name: str, *, is_file: bool) -> str | None:
        """Return the file that stands where this name needs a folder.

        :param is_file: whether this name is a file, too
        """
        while self._files and not name.startswith(self._files[-1]):
            self._files.pop()
        blocking = next((file for file in self._files if name.startswith(f"{file}/")), None)
        if is_file:
            self._files.append(name)
        return blocking


def md5_of(path: Path, size: int | None = None, start: int = 0) -> str:
    """Return the MD5 of a file or of a section of it.

    :raises LocalFileError: if it can't be read
    """
    digest = hashlib.md5(usedforsecurity=False)
    with open_file(path) as file:
        try:
            file.seek(start)
            rest = size
            while chunk := file.read(_CHUNK_BYTES if rest is None else min(_CHUNK_BYTES, rest)):
                digest.update(chunk)
                rest = None if rest is None else rest - len(chunk)
        except OSError as error:
            raise LocalFileError(f"can't read {path}: {error.strerror or error}") from error
    return digest.hexdigest()


class FileCount:
    """Adds ``files 12 of 3,000`` to the progress of a transfer; a context manager that ends counting.

    :param total: the number of files, if it is known
    :param files: else the files, which are counted in a thread once the progress is shown: a quick transfer, and one
        that nobody watches, spend no time on that
    :param sums_sizes: whether the files' sizes are the total of the progress
    """

    def __init__(
        self,
        progress: Progress,
        tally: Tally,
        total: int | None = None,
        files: Iterable[LocalFile | LocalFileError] = (),
        *,
        sums_sizes: bool = False,
    ) -> None:
        self._progress = progress
        self._tally = tally
        self._total = total
        self._files = files
        self._sums_sizes = sums_sizes
        self._is_over = False
        self._counter: threading.Thread | None = None

    def __enter__(self) -> Self:
        remark(self._progress, self._describe)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True

    def _describe(self) -> str:
        if self._counter is None and self._total is None and self._files:
            self._counter = threading.Thread(target=self._count, name="storlet-shell count", daemon=True)
            self._counter.start()
        number = self._tally.failed + sum(list(self._tally.counts.values()))
        return f"files {number:,}" + (f" of {self._total:,}" if self._total is not None else "")

    def _count(self) -> None:
        count = size = 0
        for count, file in enumerate(self._files, 1):  # noqa: B007  it is the result
            if self._is_over:
                return
            size += file.size if isinstance(file, LocalFile) else 0
        self._total = count
        if self._sums_sizes:
            self._progress.expect(size)
