"""The packages that a user wants to deploy with a storlet: their names, and requirements files."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, NotFoundError, UsageError
from storlet_shell.values import expand

_PROVIDED = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:==([A-Za-z0-9.!+_-]+))?")
_FOLDER = re.compile(r"\.{0,2}/|\.{1,2}$|~")


@typed_equality
class Wanted(NamedTuple):
    """The packages that a storlet needs.

    :param packages: requirements as pip reads them: ``NAME``, ``NAME[EXTRA]==1.2``, or a wheel's path
    :param files: requirements files, as pip reads them
    :param provided: packages that the engine's Python has: their versions, or None for any, by their names
    :param python: the version of Python that runs the storlet, as ``3.11``
    :param is_unpacked: whether the storlet unpacks them when it is imported
    """

    packages: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    provided: tuple[tuple[str, str | None], ...] = ()
    python: str = f"{sys.version_info[0]}.{sys.version_info[1]}"
    is_unpacked: bool = False

    @classmethod
    def parse(
        cls,
        packages: Iterable[str] = (),
        files: Iterable[str | Path] = (),
        provided: Iterable[str] = (),
        python: str = "",
        *,
        is_unpacked: bool = False,
    ) -> Wanted | None:
        """Parse the texts that a user typed; None if there are none.

        :param python: ``3`` and an empty text stand for the version of the running Python
        :raises UsageError: if a text isn't a requirement, or no package is named
        :raises NotFoundError: if a file or a wheel doesn't exist
        :raises LocalFileError: if a file can't be read
        """
        wanted = cls(
            tuple(map(_requirement, packages)), tuple(map(_file, files)), tuple(map(_provided, provided))
        )._replace(is_unpacked=is_unpacked)
        if wanted.packages or wanted.files:
            return wanted._replace(python=python) if "." in python else wanted
        if wanted.provided or is_unpacked:
            raise UsageError("no package to deploy is named, so there's nothing to unpack or to leave out")
        return None

    @property
    def label(self) -> str:
        """The packages and files as the user named them, for messages."""
        return ", ".join([*self.packages, *map(str, self.files)])


def normalized(name: str) -> str:
    """Normalize a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirement(text: str) -> str:
    text = text.strip()
    if not text or text.startswith("-") or "\n" in text:
        raise UsageError(f"a package must be a name, as in NAME or NAME==1.2, not {text!r}")
    if text.endswith(".whl") and "://" not in text and not expand(text).is_file():
        raise NotFoundError("no such wheel", subject=text)
    if _FOLDER.match(text) and not text.endswith(".whl"):
        raise UsageError("a package must be a name or a wheel; build one of this folder (pip wheel)", subject=text)
    return text


def _provided(text: str) -> tuple[str, str | None]:
    match = _PROVIDED.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"a package that the engine has must be NAME or NAME==VERSION, not {text!r}")
    return normalized(match[1]), match[2]


def _file(name: str | Path) -> Path:
    path = expand(str(name))
    try:
        text = path.read_text("utf-8-sig", errors="replace")
    except FileNotFoundError:
        raise NotFoundError("no such requirements file", subject=str(name)) from None
    except OSError as error:
        raise LocalFileError(f"can't be read: {error.strerror}", subject=str(name)) from error
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        raise UsageError("names no packages", subject=str(name))
    return path
