"""Variables in the arguments of a magic: ``{name}``, ``$name``, ``${name}``.

Strict, unlike IPython's own expansion, which silently expands nothing when one piece can't be evaluated: an unknown
name is an error. ``{name}`` may be dotted. What can't be a name isn't expanded: ``{"a": 1}``, ``{2}``, ``$5``,
a ``$`` at the end. Doubled, the sign is itself: ``{{name}}`` is ``{name}``, ``$$name`` is ``$name``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from storlet_shell.errors import UsageError

_NAME = r"[^\W\d]\w*"
_PIECE = re.compile(
    rf"""\{{\{{(?P<braces>{_NAME}[^{{}}]*)\}}\}}
    |\$\$(?P<dollar>\{{{_NAME}[^{{}}]*\}}|{_NAME})
    |\$\{{(?P<named>{_NAME}[^{{}}]*)\}}
    |\$(?P<plain>{_NAME})
    |\{{(?P<path>{_NAME}[^{{}}]*)\}}""",
    re.VERBOSE,
)
_PATH = re.compile(rf"{_NAME}(?:\.{_NAME})*")
_BEGUN = re.compile(rf"(?:\{{\{{(?:{_NAME}[^{{}}]*\}}?)?|\$\$(?:\{{(?:{_NAME}[^{{}}]*)?)?)$")
"""A doubled sign that is still being typed."""


def expand(word: str, variables: Mapping[str, Any]) -> str:
    """Return a word with its variables replaced by their values, converted with ``str``.

    :raises UsageError: when the variable doesn't exist, or the text isn't a name
    """
    return _PIECE.sub(lambda piece: _value(piece, variables), word)


def doubled(text: str) -> str:
    """Return the word that stands for a text itself, whatever signs it holds."""
    return _PIECE.sub(lambda piece: f"{{{piece[0]}}}" if piece[0].startswith("{") else f"${piece[0]}", text)


def expand_begun(word: str, variables: Mapping[str, Any]) -> str:
    """Return what stands in a word so far, as :func:`expand` does; a doubled sign at its end may lack its own end.

    :raises UsageError: as :func:`expand`
    """
    begun = _BEGUN.search(word)
    if begun is None:
        return expand(word, variables)
    return expand(word[: begun.start()], variables) + begun[0][1:]


def go_on(word: str, text: str, variables: Mapping[str, Any]) -> str:
    """Return a word that goes on as a begun one does and stands for a text: its variables stay where they can.

    :param text: something that starts with :func:`expand_begun` of the word
    """
    longer = word + doubled(text[len(expand_begun(word, variables)) :])
    try:
        means = expand(longer, variables)
    except UsageError:
        means = ""
    return longer if means == text else doubled(text)


def _value(piece: re.Match[str], variables: Mapping[str, Any]) -> str:
    if piece["braces"] is not None:
        return f"{{{piece['braces']}}}"
    if piece["dollar"] is not None:
        return f"${piece['dollar']}"
    path = piece["named"] or piece["plain"] or piece["path"]
    if not _PATH.fullmatch(path):
        raise UsageError(
            f"{piece[0]}: only names are expanded; assign the value to a name first; for the text itself write "
            f"{doubled(piece[0])}"
        )
    name, *attributes = path.split(".")
    if name not in variables:
        raise UsageError(f"{piece[0]}: no variable {name}; for the text itself write {doubled(piece[0])}")
    value = variables[name]
    for attribute in attributes:
        try:
            value = getattr(value, attribute)
        except AttributeError:
            raise UsageError(f"{piece[0]}: {type(value).__name__} has no attribute {attribute}") from None
    return str(value)
