"""Find plug-ins: entry points of installed packages in this product's namespaces.

Read from the packages' metadata, and again whenever a folder of packages has changed. stevedore's own look-up caches
in ``~/.cache``, which may lag an installation by two minutes, and doesn't name the packages.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import PluginError, TerminatedError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

OWN = "storlet-shell"
"""The package of built-in entries."""

_OWN_METADATA = ("storlet_shell-", "storlet_shell.egg-info")
"""How the names of its folders of metadata begin."""


@typed_equality
class Plugin(NamedTuple):
    """Something that a package adds under a name.

    :param entry: its entry point
    :param package: the package that provides it, with its version
    """

    name: str
    entry: EntryPoint
    package: str
    version: str

    @property
    def is_own(self) -> bool:
        """Whether it is built in."""
        return self.package == OWN

    def __str__(self) -> str:
        return f"{self.name} ({self.package} {self.version})"


@typed_equality
class Unusable(NamedTuple):
    """A plug-in that can't be used, and the reason."""

    plugin: Plugin
    reason: str

    def __str__(self) -> str:
        return f"{self.plugin}: {self.reason}"


def installed(namespace: str) -> list[Plugin]:
    """Return the plug-ins in a namespace by name; among equal names, built-in ones first, then by package."""
    plugins = []
    packages: dict[int, tuple[str, str]] = {}  # importlib parses the whole README for a name or version
    for entry in _entries(tuple(sys.path), tuple(map(_changed, sys.path))).select(group=namespace):
        if id(entry.dist) not in packages:
            packages[id(entry.dist)] = (entry.dist.name, entry.dist.version) if entry.dist else ("", "")
        plugins.append(Plugin(entry.name, entry, *packages[id(entry.dist)]))
    return sorted(plugins, key=lambda plugin: (plugin.name, not plugin.is_own, plugin.package))


def others_of(namespace: str) -> list[Plugin]:
    """Return what other packages add to a namespace, by name, then by package.

    Most environments add nothing. Looking for the namespace in the files of entry points takes a tenth of the time that
    ``importlib.metadata`` does.
    """
    return [plugin for plugin in installed(namespace) if not plugin.is_own] if _is_mentioned(namespace) else []


def _is_mentioned(namespace: str) -> bool:
    """Tell whether another package may have entry points in a namespace; True where that can't be told cheaply."""
    if any(hasattr(finder, "find_distributions") and finder is not PathFinder for finder in sys.meta_path):
        return True
    header = f"[{namespace}]".encode()
    return any(_mentions(folder or ".", header) for folder in sys.path)


def _mentions(folder: str, header: bytes) -> bool:
    try:
        names = os.listdir(folder)  # noqa: PTH208  a Path for each name takes longer than the rest
    except NotADirectoryError:
        return True  # an archive
    except OSError:
        return False
    for name in names:
        if not name.endswith((".dist-info", ".egg-info")) or name.startswith(_OWN_METADATA):
            continue
        try:
            with open(f"{folder}/{name}/entry_points.txt", "rb") as file:  # noqa: PTH123  as above
                if header in file.read():
                    return True
        except OSError:  # no entry points
            pass
    return folder.endswith(".egg")


@lru_cache(maxsize=1)
def _entries(folders: tuple[str, ...], changed: tuple[int, ...]) -> Any:  # noqa: ARG001  of another type in Python 3.11
    from importlib.metadata import entry_points  # takes 40 ms, which built-in commands don't need

    return entry_points()


def _changed(folder: str) -> int:
    """Return when packages were last added to a folder or removed, by the file system's clock."""
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0


@contextmanager
def running(plugin: Plugin) -> Iterator[None]:
    """Run a plug-in's own code; its prints go to standard error, and whatever ends it becomes an error.

    :raises PluginError: if it raises, exits or asserts
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except TerminatedError:
        raise
    except BaseException as error:  # includes SystemExit, and Ctrl-C during an import that hangs
        if plugin.is_own and isinstance(error, KeyboardInterrupt):
            raise
        text = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise PluginError(f"{plugin.entry.value} can't be loaded: {' '.join(text.split())}") from error
