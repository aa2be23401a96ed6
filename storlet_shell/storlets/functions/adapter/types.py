"""What annotations stand for, and the texts of parameters."""

from __future__ import annotations

import ast as _ast
import re as _re

_STORLET_PLAIN = (str, int, float, bool)
_STORLET_OPTIONAL = _re.compile(r"[\w.]*\bOptional\[(.*)\]|(.*?) ?\| ?None|None ?\| ?(.*)")
_STORLET_LITERAL = _re.compile(r"[\w.]*\bLiteral\[.*\]")
_STORLET_NUMBER = _re.compile("[-+.0-9a-zA-Z]+")  # Python also takes 1_000, and the digits of any script
_STORLET_TRUE_OR_FALSE: dict[str, object] = {"true": True, "yes": True, "on": True, "1": True}
_STORLET_TRUE_OR_FALSE.update({"false": False, "no": False, "off": False, "0": False})


def storlet_input(annotation: str) -> tuple[str, bool]:
    """Return what an annotation of the first parameter stands for, and whether it is a list of inputs.

    :param annotation: its source text
    :returns: ``rows``, or a type: BinaryIO, TextIO, bytes, str, Iterator[bytes], Iterator[str]; empty if it is unfit
    """
    text = _re.sub(r"\s|['\"]|[\w.]*\.", "", annotation)
    several = _re.fullmatch(r"[Ll]ist\[(.*)\]", text)
    kind = _re.sub("^Iterable", "Iterator", several.group(1) if several else text)
    kind = {"IO[bytes]": "BinaryIO", "IO[str]": "TextIO"}.get(kind, kind)
    if _re.fullmatch(r"Iterator\[(dict|Dict|Mapping)\b.*\]", kind):
        kind = "rows"
    is_known = kind in ("rows", "BinaryIO", "TextIO", "bytes", "str", "Iterator[bytes]", "Iterator[str]")
    return kind if is_known else "", several is not None


def storlet_is_table(annotation: object) -> bool:
    """Tell whether an annotation of the result says that it is rows.

    :param annotation: its source text, or anything else without one
    """
    text = _re.sub(r"\s|['\"]|[\w.]*\.", "", annotation) if isinstance(annotation, str) else ""
    outer = "[Ll]ist|[Tt]uple|Sequence|Collection|Iterator|Iterable|Generator"
    return bool(_re.match(rf"({outer})\[([Dd]ict|Mapping)\b", text))


def storlet_type(annotation: str, default: object = None) -> str:
    """Return a parameter's type: str, int, float, bool or Literal[…], with ``| None`` if it may be None.

    :param annotation: its source text; empty to go by the default
    :raises ValueError: if it is another type
    """
    text = annotation.strip("'\" ") or type(default).__name__
    optional = _STORLET_OPTIONAL.fullmatch(text)
    end = " | None" if optional else ""
    if optional:
        text = next(filter(None, optional.groups()), "")
    if _STORLET_LITERAL.fullmatch(text):
        try:
            return f"Literal[{', '.join(map(repr, storlet_choices(text)))}]{end}"
        except (ValueError, SyntaxError):
            pass
    elif text.rpartition(".")[2] in [kind.__name__ for kind in _STORLET_PLAIN]:
        return text.rpartition(".")[2] + end
    raise ValueError(f"must be str, int, float, bool or a Literal of these, perhaps with | None, not {text}")


def storlet_choices(literal: str) -> tuple[object, ...]:
    """Return the values of a ``Literal[…]``.

    :raises ValueError: if they can't be parameters
    """
    choices: tuple[object, ...] = _ast.literal_eval(f"({literal[literal.index('[') + 1 : -1]},)")
    if len(choices) == 1 and isinstance(choices[0], tuple):  # Python 3.8 puts parentheses around several
        choices = choices[0]
    if not all(type(choice) in _STORLET_PLAIN for choice in choices):
        raise ValueError("only texts, numbers, True and False can be parameters")
    return choices


def storlet_text(value: object) -> str:
    """Return the text that stands for a parameter's value."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def storlet_convert(kind: str, text: str) -> object:
    """Return the value that a text stands for.

    :param kind: a parameter's type, from :func:`storlet_type`
    :raises ValueError: if the text doesn't fit
    """
    kind = kind[: -len(" | None")] if kind.endswith(" | None") else kind
    values: dict[str, object] = {}
    if kind == "str":
        return text
    if kind == "bool":
        values, text, wanted = _STORLET_TRUE_OR_FALSE, text.lower(), "true or false"
    elif kind in ("int", "float"):
        wanted = "an integer" if kind == "int" else "a number"
        try:
            if _STORLET_NUMBER.fullmatch(text):
                return int(text) if kind == "int" else float(text)
        except ValueError:
            pass
    else:
        values = {storlet_text(choice): choice for choice in storlet_choices(kind)}
        wanted = f"one of {', '.join(values)}"
    if text not in values:
        raise ValueError(f"must be {wanted}, not {text!r}")
    return values[text]
