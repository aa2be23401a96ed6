"""Remove folders that strangers have filled: however deep, however many files, whatever their modes.

Standard library only: this is imported by the worker processes.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Imported everywhere, but used on Linux only: Windows lacks these flags.
_FOLDER = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC"))


def remove(folder: str) -> None:
    """Remove a folder and all that is in it, as far as that can be done; nothing is raised."""
    empty(folder)
    with suppress(OSError):
        Path(folder).rmdir()


def empty(folder: str) -> None:
    """Remove all that is in a folder, as far as that can be done; nothing is raised.

    No recursion, no path that grows, and no new file where there may be no room for one: folders below others are
    moved up into the first one.
    """
    with suppress(OSError):  # where others may write to it, it need not be this process's
        Path(folder).chmod(0o700)
    with suppress(OSError):
        root = os.open(folder, _FOLDER)
        try:
            numbers = itertools.count(1)
            while _remove_folders(root, _remove_files(root), numbers):
                pass
        finally:
            os.close(root)


def _remove_files(folder: int) -> list[str]:
    """Remove a folder's files; return the names of its folders."""
    folders = []
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                with suppress(OSError):
                    os.unlink(entry.name, dir_fd=folder)
    return folders


def _remove_folders(root: int, names: list[str], numbers: Iterator[int]) -> bool:
    """Remove folders, and move those in them up into the root; False if nothing could be done."""
    is_changed = False
    for name in names:
        with suppress(OSError):
            _open_up(name, root)
            folder = os.open(name, _FOLDER, dir_fd=root)
            try:
                for inner in _remove_files(folder):
                    is_changed |= _move(inner, folder, root, next(numbers))
            finally:
                os.close(folder)
            os.rmdir(name, dir_fd=root)
            is_changed = True
    return is_changed


def _move(name: str, folder: int, root: int, number: int) -> bool:
    with suppress(OSError):
        _open_up(name, folder)  # a folder's own mode says whether it may be moved
        os.rename(name, f".moved-{number}", src_dir_fd=folder, dst_dir_fd=root)
        return True
    return False  # that name is a folder's already: the next time it is another one


def _open_up(name: str, folder: int) -> None:
    if os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode & 0o700 != 0o700:
        os.chmod(name, 0o700, dir_fd=folder)
