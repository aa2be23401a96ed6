"""Lists of paths in the options of Java's programs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from storlet_shell.errors import UsageError


def join(paths: Sequence[Path], links: Path) -> str:
    """Join paths for an option that Java splits at ``os.pathsep``; a path that contains that is replaced by a link.

    :param links: a temporary folder for the links
    :raises UsageError: if links can't be created, or their folder's path contains the separator, too
    """
    return os.pathsep.join(str(_plain(path, links)) for path in paths)


def _plain(path: Path, links: Path) -> Path:
    if os.pathsep not in str(path):
        return path
    if os.pathsep in str(links):
        text = f"{links.parent}: Java can't use a temporary folder whose path contains '{os.pathsep}'"
        raise UsageError(f"{text}; set TMPDIR to another one")
    ending = ".jar" if path.suffix == ".jar" else ""
    link = links / f"link{len(list(links.glob('link*')))}{ending}"
    try:
        link.symlink_to(path.absolute())
    except OSError as error:  # on Windows, only some users may do that
        text = f"{path}: Java can't use a path that contains '{os.pathsep}'; move it to another folder"
        raise UsageError(text) from error
    return link
