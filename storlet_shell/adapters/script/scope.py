"""The values of ``${NAME}`` in command files: definitions, the environment, arguments, and fields of stored results."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from storlet_shell.errors import UsageError
from storlet_shell.results import Response, Result
from storlet_shell.results.fields import bare

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[\w-]+)*|\d{1,9}", re.ASCII)
_TEXT = "text"


class NotYetRunError(UsageError):
    """A field of a result that a line will store, where lines are only checked."""


@dataclass(frozen=True)
class Scope:
    """The values of ``${NAME}`` in a command file.

    :param name: the file, as messages spell it; ``${0}``
    :param arguments: ``${1}`` and so on
    :param definitions: looked up before the environment
    :param depth: how many files run this one
    """

    name: str
    arguments: tuple[str, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    depth: int = 0

    def expand(self, name: str, variables: Mapping[str, Any]) -> str:
        """Return the value of a name.

        :param variables: the user's variables; ``${w.status}`` is a field of the one that ``-o w`` has stored
        :raises UsageError: when it isn't defined
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"${{{name}}} isn't a name; for the text itself write $${{{name}}}")
        if name.isdigit():
            return self._argument(int(name))
        first, *path = name.split(".")
        if path:
            return _field(name, first, path, variables)
        for values in (self.definitions, self.environ):
            if name in values:
                return values[name]
        if name in variables:
            raise UsageError(f"${{{name}}} is {_kind(variables[name])}; name one of its fields: ${{{name}.FIELD}}")
        raise UsageError(f"${{{name}}} is not defined; define it with -D {name}=VALUE, or in the environment")

    def _argument(self, number: int) -> str:
        words = (self.name, *self.arguments)
        if number < len(words):
            return words[number]
        raise UsageError(f"${{{number}}}: the file was given {len(self.arguments)} arguments")


def _kind(value: Any) -> str:
    return "a stored result" if isinstance(value, Result) else "a variable"


def _field(name: str, variable: str, path: list[str], variables: Mapping[str, Any]) -> str:
    """Return a field of a variable as text: what ``--json`` shows, or the text of a result.

    :raises UsageError: if the variable or the field doesn't exist
    """
    if variable not in variables:
        raise UsageError(f"${{{name}}}: variable {variable} not found; store a result in it with -o {variable}")
    value = variables[variable]
    if isinstance(value, Result):
        if path == [_TEXT]:
            return text_of(value).rstrip("\r\n")
        value = value.fields()
    for number, key in enumerate(path):
        try:
            value = value[int(key) if isinstance(value, list) else key]
        except (LookupError, ValueError, TypeError):
            place = ".".join([variable, *path[:number]])
            raise UsageError(f"${{{name}}}: {place} has no field {key}{_fields(value)}") from None
    return bare(value)


def text_of(result: Result) -> str:
    """Return a result as text: its body, or what people read; it must have been kept."""
    if isinstance(result, Response) and result.has_body:
        return result.text
    return "".join(result.pieces())


def _fields(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"; fields: {', '.join(map(str, value))}" if value else ""
    return f"; it has {len(value)} entries, from 0" if isinstance(value, list) else ""
