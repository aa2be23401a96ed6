"""Check that the engine's calls of a storlet's main class can succeed.

Engines call ``Main(logger)(in_files, out_files, params)`` (storlets ``agent/daemon/server.py``). A method that is
inherited from another module, decorated, or assigned is never reported, since its signature isn't in the source.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from storlet_shell.storlets.checks.finding import Finding
from storlet_shell.storlets.inputs import bound_within

_ARGUMENTS = {"__init__": ("logger",), "__call__": ("in_files", "out_files", "params")}
"""The methods that the engine calls, with their positional arguments."""

_RECEIVERS = {"": 1, "classmethod": 1, "staticmethod": 0}
"""The number of further arguments of a method by its only decorator; empty for none."""

_Method = ast.FunctionDef | ast.AsyncFunctionDef


def check_calls(tree: ast.Module, main: str) -> Iterator[Finding]:
    """Find methods of the main class that the engine's calls can't run."""
    classes, is_complete = _lineage(tree, main)
    if not classes or any(_bindings(node, "__new__") for node in classes):
        return  # it may create an object of another class
    for name, arguments in _ARGUMENTS.items():
        if _is_set_elsewhere(tree, name):
            continue
        bindings = next((found for node in classes if (found := _bindings(node, name))), [])
        if not bindings:
            if is_complete:
                yield Finding(classes[0].lineno, f"{main} has no method {_signature(name)}", is_fatal=True)
        elif all(isinstance(statement, _Method) for statement in bindings):
            yield from _check(main, bindings[-1], arguments)


def _check(main: str, method: ast.stmt, arguments: tuple[str, ...]) -> Iterator[Finding]:
    """Check a method that the class statement defines."""
    assert isinstance(method, _Method)
    decorators = [ast.unparse(decorator) for decorator in method.decorator_list] or [""]
    if len(decorators) > 1 or decorators[0] not in _RECEIVERS:
        return  # the decorator may return anything
    name = f"{main}.{method.name}"
    if isinstance(method, ast.AsyncFunctionDef) or _yields(method):
        kind = "async def" if isinstance(method, ast.AsyncFunctionDef) else "a generator (it has a yield)"
        text = f"{name} is {kind}, but engines call it as a plain function, so nothing of it would run"
        yield Finding(method.lineno, text, is_fatal=True)
    if not _takes(method, len(arguments) + _RECEIVERS[decorators[0]]):
        yield Finding(method.lineno, f"{name} must accept the call {_signature(method.name)}", is_fatal=True)


def _signature(name: str) -> str:
    return f"{name}({', '.join(('self', *_ARGUMENTS[name]))})"


def _lineage(tree: ast.Module, name: str) -> tuple[list[ast.ClassDef], bool]:
    """Return a class and its bases in the order of method lookup, and whether these are all.

    The list is empty if the source doesn't show what the name stands for.
    """
    classes: list[ast.ClassDef] = []
    while name != "object":
        match [statement for statement in tree.body if name in bound_within(statement)]:
            case [ast.ClassDef(bases=bases, keywords=[], decorator_list=[]) as node] if node not in classes:
                classes.append(node)
            case _:
                return classes, False
        match bases:
            case []:
                break
            case [ast.Name(id=name)]:
                pass
            case _:
                return classes, False
    return classes, True


def _bindings(node: ast.ClassDef, name: str) -> list[ast.stmt]:
    """Return the statements of a class that bind a name."""
    return [statement for statement in node.body if name in bound_within(statement)]


def _is_set_elsewhere(tree: ast.Module, name: str) -> bool:
    """Tell whether a method may be replaced outside of the class statement, as by ``Main.__call__ = run``."""
    return any(
        (isinstance(node, ast.Attribute) and node.attr == name and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.Constant) and node.value == name)
        for node in ast.walk(tree)
    )


def _yields(function: ast.FunctionDef) -> bool:
    """Tell whether a function has a ``yield``, not counting functions within it."""
    nodes: list[ast.AST] = list(function.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            nodes += ast.iter_child_nodes(node)
    return False


def _takes(method: _Method, count: int) -> bool:
    """Tell whether a function can be called with a number of positional arguments."""
    arguments = method.args
    maximum = len(arguments.posonlyargs) + len(arguments.args)
    minimum = maximum - len(arguments.defaults)
    required_keywords = [default for default in arguments.kw_defaults if default is None]
    return minimum <= count and (count <= maximum or arguments.vararg is not None) and not required_keywords
