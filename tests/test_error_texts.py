"""No code decides by the English text of an error, or rewrites it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.test_layers import modules, nodes

TEXTS = ("message", "msg", "summary")
"""Attributes that are text for people."""

TEXT_METHODS = {"startswith", "endswith", "find", "index", "rfind", "count", "replace"}
PATTERN_METHODS = {"search", "match", "fullmatch", "findall", "finditer", "sub"}

OF_OTHERS = {"errors", "storlets", "embedded", "shelf"}
"""The error itself, which puts its text together; and where ``message`` is a storlet's, a wire's, or csv's."""


def functions(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield every function, and the module itself."""
    yield from (node for node in nodes(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module))


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of functions in it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)


def decisions_by_text(tree: ast.Module) -> list[str]:
    """Return what decides by an error's text, or takes it apart: comparisons, patterns, and methods of texts."""
    found = []
    for function in functions(tree):
        own = sorted(own_nodes(function), key=lambda node: getattr(node, "lineno", 0))
        caught = {node.name for node in own if isinstance(node, ast.ExceptHandler) and node.name} | {"error"}
        texts: set[str] = set()
        for node in own:
            if isinstance(node, ast.Assign) and is_text(node.value, caught, texts):
                texts |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        found += [f"{node.lineno}: {ast.unparse(node)}" for node in own if decides(node, caught, texts)]  # type: ignore[attr-defined]
    return found


def is_text(expression: ast.AST, caught: set[str], texts: set[str]) -> bool:
    """Tell whether an expression is the text of an error, or a part of it."""
    match expression:
        case ast.Attribute(attr=name) if name in TEXTS:
            return True
        case ast.Subscript(value=ast.Attribute(attr="args")):
            return True
        case ast.Name(id=name):
            return name in texts
        case ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(id=name)]):
            return name in caught
        case ast.Call(func=ast.Attribute(value=value)):
            return is_text(value, caught, texts)
        case ast.Subscript(value=value):
            return is_text(value, caught, texts)
        case ast.JoinedStr(values=values):
            return any(isinstance(value, ast.FormattedValue) and is_shown(value, caught, texts) for value in values)
    return False


def is_shown(value: ast.FormattedValue, caught: set[str], texts: set[str]) -> bool:
    """Tell whether a part of a formatted string is an error or its text."""
    inner = value.value
    return is_text(inner, caught, texts) or (isinstance(inner, ast.Name) and inner.id in caught)


def decides(node: ast.AST, caught: set[str], texts: set[str]) -> bool:
    """Tell whether a node decides by a text."""
    match node:
        case ast.Compare(left=left, comparators=others):
            return any(is_text(side, caught, texts) for side in (left, *others))
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=arguments):
            if name in TEXT_METHODS and is_text(value, caught, texts):
                return True
            return name in PATTERN_METHODS and any(is_text(argument, caught, texts) for argument in arguments)
        case ast.Match(subject=subject):
            return is_text(subject, caught, texts)
    return False


def test_nothing_decides_by_the_text_of_an_error() -> None:
    """Its class, status, subject and hint are fields; a text that is reworded or translated must break nothing."""
    for module, tree in modules().items():
        assert module.split(".")[0] in OF_OTHERS or not decisions_by_text(tree), module


def test_nothing_rewrites_an_error() -> None:
    """Whoever knows more makes a copy: about another subject, or with more to say."""
    for module, tree in modules().items():
        for node in nodes(tree):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                assert not isinstance(target, ast.Attribute) or target.attr != "args", (module, ast.unparse(node))


@pytest.mark.parametrize(
    "line",
    [
        "if 'gone' in error.message: pass",
        "if str(problem).startswith('gone'): pass",
        "if problem.args[0] == 'gone': pass",
        "said = str(problem).lower()\n    if 'gone' in said: pass",
        "if re.search('gone', f'{problem}'): pass",
        "if PATTERN.fullmatch(problem.message): pass",
        "text = problem.message.replace(path, 'it')",
        "if '(HTTP ' in response.summary: pass",
        "match error.message:\n        case 'gone': pass",
    ],
)
def test_decision_by_text_is_found(line: str) -> None:
    """What stands above can fail."""
    code = f"try:\n    pass\nexcept KeyError as problem:\n    {line}"
    assert decisions_by_text(ast.parse(code))


@pytest.mark.parametrize("line", ["raise OSError(f'no: {problem}')", "if problem.status == 404: pass", "x = a == b"])
def test_text_may_be_shown(line: str) -> None:
    """It is for people, and what code decides on is elsewhere."""
    assert not decisions_by_text(ast.parse(f"try:\n    pass\nexcept KeyError as problem:\n    {line}"))
