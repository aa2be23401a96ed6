"""Documents compared with the schemas of commands' results."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from storlet_shell.results.json_schema import schema_of
from storlet_shell.results.schemas import SCHEMAS, Failure
from storlet_shell.spec.registry import Command, Registry


@cache
def _validator(line: str) -> Draft202012Validator:
    return Draft202012Validator(schema_of(Failure if line == "failure" else SCHEMAS[line]))


def check(line: str, document: Any) -> None:
    """Check that a document is what a command, or one of its actions, is declared to return.

    :param line: the command and its action, or ``failure``
    """
    problems = [f"{error.json_path}: {error.message}" for error in _validator(line).iter_errors(document)]
    assert not problems, f"{line}: {problems}\n{document}"


def lines_of(command: Command) -> list[str]:
    """Return a command, or the command with each of its actions."""
    for arg in command.args:
        if not arg.is_option and arg.dest == "action":
            return [f"{command.name} {action}" for action in arg.options["choices"]]
    return [command.name]


def all_lines() -> list[str]:
    """Return every built-in command, with each of its actions."""
    registry = Registry()
    return [line for name in registry.builtin_names() for line in lines_of(registry.get(name))]
