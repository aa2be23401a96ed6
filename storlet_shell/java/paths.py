"""Lists of paths in the options of Java's programs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from storlet_shell.errors import UsageError


def join(paths: Sequence[Path], links: Path) -> str:
    """Join paths for an option that Java splits at ``os.pathsep``; use links for the paths that contain it.

    :param links: a temporary folder for the links
    :raises UsageError: if links can't be created, or their folder's path contains the separator, too
    """
    return os.pathsep.join(str(_plain(path, links)) for path in paths)


def require_plain(folder: Path, remedy: str) -> None:
    """Check that a list of paths can include files in a folder.

    :param remedy: how to use another folder
    :raises UsageError: if its path contains the separator, which can't be escaped
    """
    if os.pathsep in str(folder):
        raise UsageError(f"{folder}: Java can't use a folder whose path contains '{os.pathsep}'; {remedy}")


def _plain(path: Path, links: Path) -> Path:
    if os.pathsep not in str(path):
        return path
    require_plain(links.parent, "set TMPDIR to another one")
    ending = ".jar" if path.suffix == ".jar" else ""
    link = links / f"link{len(list(links.glob('link*')))}{ending}"
    try:
        link.symlink_to(path.absolute())
    except OSError as error:  # on Windows, only some users may create links
        text = f"{path}: Java can't use a path that contains '{os.pathsep}'; move it to another folder"
        raise UsageError(text) from error
    return link
