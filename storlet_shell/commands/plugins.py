"""``plugins``: list what installed packages add."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storlet_shell import schedulers
from storlet_shell.batches.executor import NAMESPACE, Executor
from storlet_shell.errors import PluginError
from storlet_shell.plugins import drivers
from storlet_shell.plugins.installed import Plugin, installed
from storlet_shell.results import Field, Result, Table
from storlet_shell.schedulers.base import Scheduler
from storlet_shell.session import Session
from storlet_shell.spec.command import command
from storlet_shell.spec.registry import ENTRY_POINTS, Registry

_DRIVERS = {schedulers.NAMESPACE: Scheduler, NAMESPACE: Executor}

_FIELDS = (
    Field("kind"),
    Field("name"),
    Field("package"),
    Field("version"),
    Field("problem", "state", lambda problem: f"not usable: {problem}" if problem else "ok"),
)


@command(
    "plugins",
    "List the commands, schedulers and executors that are installed.",
    category="Session",
    examples=(
        "plugins  # all of them",
        "plugins | grep scheduler  # those for map --scheduler",
        "plugins --json  # as a JSON document",
        "plugins --columns kind,name  # these columns only",
    ),
)
def plugins(session: Session) -> Result:  # noqa: ARG001  it needs nothing of the session
    """List the commands, schedulers and executors that are installed, with their packages.

    Packages add them by entry points. The list says why one can't be used: its import fails, its name is taken, or it
    is of the wrong type.
    """
    rows = [*_commands(), *_drivers()]
    return Table(_FIELDS, sorted(rows, key=lambda row: (row[0], row[1])))


def _commands() -> Iterator[tuple[Any, ...]]:
    registry = Registry()
    registry.all()
    broken = {unusable.plugin: unusable.reason for unusable in registry.broken}
    for plugin in installed(ENTRY_POINTS):
        yield _row("command", plugin, broken.get(plugin, ""))


def _drivers() -> Iterator[tuple[Any, ...]]:
    for namespace, kind in _DRIVERS.items():
        names = set()
        for plugin in installed(namespace):
            why = f"the name {plugin.name} is taken" if plugin.name in names else _problem(plugin, kind)
            names.add(plugin.name)
            yield _row(kind.__name__.lower(), plugin, why)


def _problem(plugin: Plugin, kind: type) -> str:
    try:
        drivers.make(plugin, kind)
    except PluginError as error:
        return error.message
    return ""


def _row(kind: str, plugin: Plugin, problem: str) -> tuple[Any, ...]:
    return kind, plugin.name, plugin.package, plugin.version, problem or None
