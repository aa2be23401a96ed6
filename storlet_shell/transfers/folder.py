"""A folder of files as objects, and objects as files of a folder."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, LocalFileError
from storlet_shell.values import ObjectPath
from storlet_shell.wire.bodies import FileVersion, open_file

_CHUNK_BYTES = 1024 * 1024


@typed_equality
class LocalFile(NamedTuple):
    """A file, or an empty folder, of a folder that is uploaded.

    :param name: its path below the folder
    :param size: in bytes
    :param modified: when it had last been changed, in seconds since 1970
    """

    path: Path
    name: str
    size: int
    modified: float
    is_folder: bool = False

    def at(self, version: FileVersion) -> LocalFile:
        """Return it as it is in a later state."""
        return self._replace(size=version.size, modified=version.modified / 1e9)


def walk(folder: Path) -> Iterator[LocalFile | LocalFileError]:
    """Yield the files below a folder and the empty folders, by name; and what can't be one of them, as an error.

    Links to files are followed; links to folders are not, since they may lead in a circle or out of the folder.
    """
    yield from _walk(folder, "")


def _walk(folder: Path, prefix: str) -> Iterator[LocalFile | LocalFileError]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield LocalFileError(f"can't read {{subject}}: {error.strerror or error}", subject=str(folder))
        return
    if not entries and prefix:
        yield LocalFile(folder, prefix.removesuffix("/"), 0, folder.stat().st_mtime, is_folder=True)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            yield local_file(Path(entry.path), f"{prefix}{entry.name}")


def local_file(path: Path, name: str) -> LocalFile | LocalFileError:
    """Describe a file, or say why it can't be uploaded."""
    try:
        status = path.stat()
    except OSError as error:
        return LocalFileError(f"can't read {{subject}}: {error.strerror or error}", subject=str(path))
    if stat.S_ISDIR(status.st_mode):
        return LocalFileError("a link to a folder is not followed", subject=str(path))
    if not stat.S_ISREG(status.st_mode):
        return LocalFileError("neither a file nor a folder", subject=str(path))
    return LocalFile(path, name, status.st_size, status.st_mtime_ns / 1e9)


def place(folder: Path, name: str, subject: ObjectPath) -> Path:
    """Return where an object's file belongs in a folder, which no name and no link of the folder leads out of.

    :param name: the object's name, or what is left of it
    :param subject: the object, for messages
    :raises LocalFileError: when the name would lead out of the folder, or is none of a file
    """
    parts = name.split("/")
    if "\x00" in name or not {"", ".", ".."}.isdisjoint(parts):
        hint = Hint(Action.SAVE_AS, (str(subject),))
        raise LocalFileError(
            "refused, since a file can't have this name within the folder", subject=str(subject), hint=hint
        )
    path = folder
    try:
        for part in parts:
            path = path / part
            if path.is_symlink():
                text = f"refused, since {path} is a link and may lead out of the folder"
                raise LocalFileError(text, subject=str(subject))
    except OSError as error:
        raise LocalFileError(f"can't be a file: {error.strerror or error}", subject=str(subject)) from error
    return path


class Conflicts:
    """Finds the object ``a/b`` among names where ``a`` is a file; names come in the order of a listing."""

    def __init__(self) -> None:
        self._files: list[str] = []

    def find(self, name: str, *, is_file: bool) -> str | None:
        """Return the file that would have to be a folder for this name.

        :param is_file: whether the name is of a file as well
        """
        while self._files and not name.startswith(self._files[-1]):
            self._files.pop()
        blocking = next((file for file in self._files if name.startswith(f"{file}/")), None)
        if is_file:
            self._files.append(name)
        return blocking


def md5_of(path: Path, size: int | None = None, start: int = 0) -> str:
    """Return the MD5 of a file, or of a piece of it.

    :raises LocalFileError: when it can't be read
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
