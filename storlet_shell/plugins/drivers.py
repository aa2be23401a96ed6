"""Drivers: schedulers and executors of other packages, loaded by name. The only module that imports stevedore."""

from __future__ import annotations

from typing import Any, TypeVar

from storlet_shell.errors import PluginError, UsageError
from storlet_shell.plugins.installed import Plugin, installed, running

Driver = TypeVar("Driver")


def names(namespace: str) -> list[str]:
    """Return the names of the installed drivers, without importing them."""
    return sorted({plugin.name for plugin in installed(namespace)})


def load(namespace: str, name: str, kind: type[Driver]) -> Driver:
    """Create an instance of the driver installed under a name.

    :param kind: the base class that it must inherit; its name also names the driver in messages
    :raises UsageError: if no driver has that name
    :raises PluginError: if it can't be imported or created, or doesn't inherit the base class
    """
    named = next((plugin for plugin in installed(namespace) if plugin.name == name), None)
    if named is None:
        names_found = ", ".join(names(namespace))
        raise UsageError(f"unknown {kind.__name__.lower()} {name!r}; available: {names_found}")
    try:
        return make(named, kind)
    except PluginError as error:
        raise PluginError(f"the {kind.__name__.lower()} {named} can't be used: {error}") from error


def make(plugin: Plugin, kind: type[Driver]) -> Driver:
    """Create the driver that an entry point refers to.

    :raises PluginError: if that fails
    """
    from stevedore import DriverManager  # importing it and a look-up take 60 ms

    class Manager(DriverManager):  # type: ignore[type-arg]  # it takes none where it runs
        """Loads the given entry point, not the one in stevedore's cache."""

        def list_entry_points(self) -> list[Any]:
            return [plugin.entry]

    with running(plugin):
        driver = Manager(plugin.entry.group, plugin.name, invoke_on_load=True)[plugin.name].obj
    if not isinstance(driver, kind):
        raise PluginError(f"{plugin.entry.value} isn't a {kind.__name__} but a {type(driver).__name__}")
    return driver
