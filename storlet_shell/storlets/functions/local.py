"""Find the function that is a storlet in a local file or in typed code."""

from __future__ import annotations

import ast

from storlet_shell.errors import UsageError
from storlet_shell.storlets.functions.collect import Collection, collect
from storlet_shell.storlets.functions.signature import is_callable_class, is_marker
from storlet_shell.storlets.functions.units import Unit
from storlet_shell.storlets.source import StorletSource, decode


def find_function(
    source: StorletSource, wanted: str | None, *, storlet: str = "", force: bool = False
) -> Collection | None:
    """Return the function that is the storlet, with what it uses: the decorated one, or the only public one.

    :param wanted: its name, or a class's, if the user chose one
    :param storlet: the storlet's name, if the code was typed for one that isn't a class; among several functions, the
        one with this name is the storlet
    :param force: see :func:`.collect`
    :returns: None if the storlet is a class
    :raises UsageError: if several could be it, or it isn't fit for a storlet
    """
    body = source.tree.body
    functions = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if wanted is not None:
        candidates = [node for node in functions if node.name == wanted]
    else:
        candidates = [node for node in functions if any(map(is_marker, node.decorator_list))]
        if not candidates and (storlet or not any(map(is_callable_class, body))):
            candidates = [node for node in functions if not node.name.startswith("_")]
        candidates = [node for node in candidates if node.name == storlet] or candidates
    names = list(dict.fromkeys(node.name for node in candidates))
    if len(names) > 1:
        raise UsageError(
            f"{source.label}: several functions could be the storlet: {', '.join(names)}; mark one with @storlet, "
            "and start the others' names with _"
        )
    if not candidates:
        return None
    unit = Unit.of(decode(source.code), _file_name(source.label))
    unit.statement(names[0])
    return collect(unit, candidates[0], force=force)


def _file_name(label: str) -> str:
    return label.replace("\\", "/").rpartition("/")[2]
