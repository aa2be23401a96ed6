"""Drivers: what other packages may add to schedulers and executors, loaded by name. The only import of stevedore."""

from __future__ import annotations

from typing import Any, TypeVar

from storlet_shell.errors import PluginError, UsageError
from storlet_shell.plugins.installed import Plugin, installed, running

Driver = TypeVar("Driver")


def names(namespace: str) -> list[str]:
    """Return the names of the drivers that are installed; none of them is imported."""
    return sorted({plugin.name for plugin in installed(namespace)})


def load(namespace: str, name: str, kind: type[Driver]) -> Driver:
    """Make a driver of the class that is installed under a name.

    :param kind: the class that it has to inherit; messages call the driver by its name, too
    :raises UsageError: when there is none of that name
    :raises PluginError: when it can't be imported or made, or is no such driver
    """
    named = next((plugin for plugin in installed(namespace) if plugin.name == name), None)
    if named is None:
        known = ", ".join(names(namespace))
        raise UsageError(f"there is no {kind.__name__.lower()} {name!r}; there are: {known}")
    try:
        return make(named, kind)
    except PluginError as error:
        raise PluginError(f"the {kind.__name__.lower()} {named} can't be used: {error}") from error


def make(plugin: Plugin, kind: type[Driver]) -> Driver:
    """Make the driver that an entry point leads to.

    :raises PluginError: why that can't be
    """
    from stevedore import DriverManager  # with its look-up it takes 60 ms

    class Manager(DriverManager):  # type: ignore[type-arg]  # it takes none where it runs
        """Loads what was found: not what stevedore's cache says, and of one name the first."""

        def list_entry_points(self) -> list[Any]:
            return [plugin.entry]

    with running(plugin):
        made = Manager(plugin.entry.group, plugin.name, invoke_on_load=True)[plugin.name].obj
    if not isinstance(made, kind):
        raise PluginError(f"{plugin.entry.value} makes no {kind.__name__.lower()} but a {type(made).__name__}")
    return made
