"""The help of a function storlet: its signature, its docstring, and a line that runs it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from storlet_shell.storlets.functions.signature import Parameter, Signature, deployed_function, local_function
from storlet_shell.storlets.parsing import parse_code

_FIELD = re.compile(r"^:(\w+)(?: (\w+))?:\s*(.*(?:\n(?!:).*)*)", re.MULTILINE)
"""A field of a docstring: ``:param NAME:`` or ``:raises NAME:``, with its text."""


def usage(storlet: str, signature: Signature, code: str) -> str:
    """Return how to use a function storlet.

    :param storlet: the name that it is deployed under
    :param code: its source, deployed or local
    """
    text, notes = _documented(code)
    lines = [str(signature), ""]
    if text:
        lines += [*text.splitlines(), ""]
    if signature.parameters:
        lines += ["parameters (-p NAME=VALUE):", *_parameters(signature, notes), ""]
    words = [f"-p {parameter.name}=…" for parameter in signature.parameters if parameter.default is None]
    return "\n".join([*lines, "example:", " ".join([f"  get CONTAINER/OBJECT --storlet {storlet}", *words])])


def _documented(code: str) -> tuple[str, dict[str, str]]:
    """Return the docstring of the code's function without its fields, and a sentence for each parameter by name."""
    tree = parse_code(code)
    node = deployed_function(tree) or local_function(tree)
    docstring = (ast.get_docstring(node) if node else None) or ""
    first = _FIELD.search(docstring)
    text = docstring[: first.start()] if first else docstring
    fields = (match.groups() for match in _FIELD.finditer(docstring))
    return text.strip(), {name: " ".join(note.split()) for kind, name, note in fields if kind == "param"}


def _parameters(signature: Signature, notes: dict[str, str]) -> Iterator[str]:
    width = max(len(parameter.name) for parameter in signature.parameters)
    for parameter in signature.parameters:
        note = notes.get(parameter.name, "")
        yield f"  {parameter.name:<{width}}  {f'{note} ' if note else ''}({_values(parameter)})"


def _values(parameter: Parameter) -> str:
    """Describe the values that a parameter takes, and its default."""
    kind = parameter.type.removesuffix(" | None")
    values = " or ".join(parameter.choices) if parameter.choices else kind
    if parameter.default is None:
        return f"{values}; required"
    if parameter.default == "None":
        return f"{values}; optional"
    default = parameter.default.lower() if kind == "bool" else parameter.default
    return f"{values}; default: {default}"
