"""Standard storlets: functions that can be deployed by name, and need nothing but Python's own library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from storlet_shell.storlets.parsing import parse_code
from storlet_shell.values import STANDARD_FILE, STANDARD_PREFIX

PREFIX = STANDARD_PREFIX

STANDARD: Mapping[str, str] = MappingProxyType(
    {
        "checksum": "size, number of lines, and checksums of an object",
        "convert": "an object in another format, charset, or compression",
        "grep": "lines that match a pattern",
        "head": "first lines or rows",
        "mask": "rows with sensitive values replaced",
        "sample": "random rows",
        "select": "what a query selects; run by the command select",
        "stats": "figures of each column",
        "thumbnail": "a small version of an image",
    }
)
"""The standard storlets by name, each with a description of its result."""

_PACKAGE = "storlet_shell.shelf."
_REFUSAL = re.compile(r"^Traceback .*\n(?:  .*\n)*ValueError: .*\n?", re.MULTILINE)


def file_of(name: str) -> str:
    """Return the name that a standard storlet is deployed under."""
    return STANDARD_FILE.format(name)


def standard_of(file: str) -> str:
    """Return the name of the standard storlet that is deployed under a name; empty if none is."""
    return next((name for name in STANDARD if file_of(name) == file), "")


def without_refusals(file: str, details: str) -> str:
    """Return a log or traceback without tracebacks of the errors by which a standard storlet refuses its input.

    Their messages, which users see anyway, say everything.

    :param file: the name of the deployed storlet; for another one, nothing changes
    """
    return _REFUSAL.sub("", details) if standard_of(file) else details


def source(name: str) -> str:
    """Return the source of a standard storlet: a Python file, one of whose functions has the storlet's name.

    :raises KeyError: if it doesn't exist
    """
    from storlet_shell import shelf  # the package, for its files; only deployments need the rest
    from storlet_shell.storlets.functions.joining import join_modules

    text = join_modules(shelf, modules_of(name))
    return f'"""The standard storlet {name}: {STANDARD[name]}."""\n\nfrom __future__ import annotations\n\n{text}'


def modules_of(name: str) -> tuple[str, ...]:
    """Return the modules of a standard storlet in an order in which they can run, that with its function last."""
    import ast

    from storlet_shell.shelf import select

    if name == "select":
        return tuple(f"select/{module}" for module in select.MODULES)
    modules: dict[str, None] = {}

    def add(module: str) -> None:
        for node in parse_code(module_text(module)).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE):
                add(str(node.module).replace(_PACKAGE, "", 1).replace(".", "/"))
        modules[module] = None

    add(name)
    return tuple(modules)


def module_text(module: str) -> str:
    """Return the text of a module of this package.

    :param module: its name, with a slash after a folder
    """
    import importlib.resources

    return (importlib.resources.files(__name__) / f"{module}.py").read_text("utf-8")
