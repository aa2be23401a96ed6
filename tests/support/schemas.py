"""Documents compared with the schemas of commands' results."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from storlet_shell.results.json_schema import schema_of
from storlet_shell.results.schemas import SCHEMAS
from storlet_shell.results.schemas.shared import Failure
from storlet_shell.spec.registry import Registry


@cache
def _validator(line: str) -> Draft202012Validator:
    return Draft202012Validator(schema_of(Failure if line == "failure" else SCHEMAS[line]))


def check(line: str, document: Any) -> None:
    """Check that a document is what a command, or one of its actions, is declared to return.

    :param line: the command and its action, or ``failure``
    """
    problems = [f"{error.json_path}: {error.message}" for error in _validator(line).iter_errors(document)]
    assert not problems, f"{line}: {problems}\n{document}"


def all_lines() -> list[str]:
    """Return every built-in command, or each of its actions."""
    registry = Registry()
    return [line.name for name in registry.builtin_names() for line in registry.get(name).lines]
