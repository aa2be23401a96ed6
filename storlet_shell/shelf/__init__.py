"""Standard storlets: functions of the standard library that can be deployed by name."""

from __future__ import annotations

import storlet_shell.shelf.select
from storlet_shell.storlets.functions.joining import join_modules


def source(name: str) -> str:
    """Return the source of a standard storlet, a Python file with one function.

    :raises KeyError: if there is no standard storlet of that name
    """
    packages = {"select": storlet_shell.shelf.select}
    package = packages[name]
    return f'"""{package.__doc__}"""\n\nfrom __future__ import annotations\n\n{join_modules(package)}'
