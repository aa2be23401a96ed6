"""The folders from which the embedded Swift, and thus its storlets, import packages."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path


def import_path() -> list[str]:
    """Return the folders, for ``sys.path``: the same packages as in this process, wherever they come from.

    Not the working folder ("", or its path after ``python -m``) or the running program's folder: they may contain a
    user's modules of any name, or be a home folder, and storlets can read whatever is passed on.
    """
    here = str(Path(__file__).parents[2])
    entries = [entry for entry in sys.path if entry == here or (entry and not _is_users(entry))]
    return [*entries, here]


def installed_version(name: str) -> str | None:
    """Return the version of a package that the embedded Swift's storlets can import; None if they can't.

    :param name: the distribution's name
    """
    from importlib import metadata  # few lines ask

    return next((item.version for item in metadata.distributions(name=name, path=import_path())), None)


def _is_users(entry: str) -> bool:
    """Tell whether a folder is on the path only because this process runs in it, or its program is stored there."""
    import __main__  # whatever program this is

    program = getattr(__main__, "__file__", None)
    for place in (Path(), *([Path(program).parent] if program else [])):
        with suppress(OSError):  # either may not exist
            if Path(entry).samefile(place):
                return True
    return False
