"""Values compare by type as well as by content, so that a container ``x`` is never mistaken for a storlet ``x``."""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from typing import Any

import pytest

from storlet_shell.values import ContainerName, ObjectPath, StorletName
from tests.test_layers import modules, nodes


@cache
def value_classes() -> list[type[Any]]:
    """Return every class of named tuples in the package, but those of the embedded server: it imports eventlet."""
    return [
        getattr(import_module(f"storlet_shell.{module}"), node.name)
        for module, tree in modules().items()
        if not module.startswith("embedded.server.")
        for node in nodes(tree)
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "NamedTuple" for base in node.bases)
    ]


def values() -> dict[int, list[Any]]:
    """Return one value of every class, all holding the same, by their number of fields."""
    by_length: dict[int, list[Any]] = {}
    for kind in value_classes():
        by_length.setdefault(len(kind._fields), []).append(tuple.__new__(kind, ["x"] * len(kind._fields)))
    return by_length


def test_every_value_class_is_found() -> None:
    """The walk reaches all layers: the tests below would pass over an empty list."""
    names = {kind.__name__ for kind in value_classes()}
    assert {"Hint", "ContainerName", "Credentials", "Request", "Info", "Task", "Call"} <= names


def test_values_of_different_types_are_never_equal() -> None:
    """What they hold makes no difference, nor which side they are on."""
    for alike in values().values():
        for first in alike:
            for second in alike:
                assert (first == second) is (first is second), (type(first), type(second))
                assert (first != second) is (first is not second), (type(first), type(second))


def test_values_are_not_equal_to_plain_tuples() -> None:
    """A plain tuple of the same content is no value, on either side of the operator."""
    for alike in values().values():
        for value in alike:
            plain = tuple(value)
            assert [value == plain, plain == value] == [False, False], type(value)
            assert [value != plain, plain != value] == [True, True], type(value)


def test_equal_values_have_equal_hashes() -> None:
    """A copy finds the entry that its twin has made."""
    for alike in values().values():
        for value in alike:
            twin = tuple.__new__(type(value), tuple(value))
            assert [twin == value, twin != value] == [True, False], type(value)
            assert {value: 1}[twin] == 1, type(value)


def test_set_keeps_values_of_different_types() -> None:
    """Names of different things don't displace each other, though they are spelled alike."""
    assert len({ContainerName("x"), StorletName("x"), ("x",)}) == 3
    assert ObjectPath("c", "o") in {ObjectPath("c", "o")}


@pytest.mark.parametrize("other", ["x", None, 1, object()])
def test_value_is_not_equal_to_what_is_no_tuple(other: object) -> None:
    """Neither side fails."""
    assert ContainerName("x") != other
    assert other != ContainerName("x")
