"""Drivers: what other packages may add to schedulers and executors, loaded by name. The only import of stevedore."""

from __future__ import annotations

from typing import TypeVar

from storlet_shell.errors import StorletShellError, UsageError

Driver = TypeVar("Driver")


def names(namespace: str) -> list[str]:
    """Return the names of the drivers that are installed; none of them is imported."""
    from importlib.metadata import entry_points

    return sorted({entry.name for entry in entry_points(group=namespace)})


def load(namespace: str, name: str, kind: type[Driver]) -> Driver:
    """Make a driver of the class that is installed under a name.

    :param kind: the class that it has to inherit; messages call the driver by its name, too
    :raises UsageError: when there is none of that name
    :raises StorletShellError: when it is no such driver
    """
    known = names(namespace)
    if name not in known:
        raise UsageError(f"there is no {kind.__name__.lower()} {name!r}; there are: {', '.join(known)}")
    from stevedore import DriverManager

    made: object = DriverManager(namespace, name, invoke_on_load=True).driver
    if not isinstance(made, kind):
        raise StorletShellError(f"{name} makes no {kind.__name__.lower()} but a {type(made).__name__}")
    return made
