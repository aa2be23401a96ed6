"""The standard storlet ``mask``."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, BinaryIO, Literal

from storlet_shell.shelf.parameters import parse_delimiter, parse_names, unknown_column
from storlet_shell.shelf.reading import encoded, read_lines
from storlet_shell.shelf.records import detect_json, json_encoder, read_objects, read_table, table_encoder, with_columns


def mask(
    file: BinaryIO,
    columns: str = "",
    pattern: str = "",
    method: Literal["redact", "hash", "truncate"] = "redact",
    replacement: str = "***",
    salt: str = "",
    keep: int = 4,
    delimiter: str = ",",
    header: bool = True,
) -> Iterator[bytes]:
    """Replace sensitive values in CSV or JSON lines.

    With columns, their whole values are replaced; with a pattern, all that matches it; with both, what matches it in
    these columns. Empty values and null stay. A column that doesn't exist fails the run.

    :param columns: names with commas; of JSON lines, keys of the objects
    :param pattern: a regular expression of Python
    :param method: how values are replaced: by a text, by a hash, or by a part of them
    :param replacement: the text for ``redact``
    :param salt: for ``hash``, required: a secret; equal values and salts have equal hashes (HMAC-SHA-256, 128 bits)
    :param keep: for ``truncate``: the number of characters to keep, if negative at the end
    :param delimiter: the character between the fields of CSV; or ``tab``
    :param header: whether CSV has a header; else its columns are ``_1``, ``_2``, and so on
    :raises ValueError: if a parameter or a row is malformed
    """
    delimiter = parse_delimiter(delimiter)
    names = parse_names(columns)
    if not names and not pattern:
        raise ValueError("parameter columns: pass columns, a pattern, or both")
    change = _matches_changed(pattern, _method(method, replacement, salt, keep))
    is_json, lines = detect_json(read_lines(file, "", strict=True))
    if is_json:
        masked = _mask_objects(with_columns(read_objects(lines), names), names, change, is_whole=not pattern)
    else:
        masked = _mask_table(*read_table(lines, delimiter, header), names, change, table_encoder(delimiter), header)
    yield from map(encoded, masked)


_Change = Callable[[str], str]


def _method(method: str, replacement: str, salt: str, keep: int) -> _Change:
    """Return the function that replaces a value."""
    if method == "redact":
        return lambda _: replacement
    if method == "truncate":
        return lambda text: text[:keep] if keep >= 0 else text[keep:]
    if not salt:
        raise ValueError("parameter salt: hash needs one, or values could be guessed from their hashes")
    keyed = hmac.new(salt.encode("utf-8", "surrogateescape"), digestmod="sha256")

    def hashed(text: str) -> str:
        digest = keyed.copy()
        digest.update(text.encode("utf-8", "backslashreplace"))
        return digest.hexdigest()[:32]

    return hashed


def _matches_changed(pattern: str, change: _Change) -> _Change:
    """Return the function that replaces what matches in a value; without a pattern, the whole value."""
    if not pattern:
        return lambda text: change(text) if text else text
    try:
        substitute = re.compile(pattern).sub
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"parameter pattern: not a regular expression: {error}") from None
    return lambda text: substitute(lambda match: change(match[0]) if match[0] else "", text)


def _mask_table(
    names: list[str],
    rows: Iterator[list[str]],
    masked: Collection[str],
    change: _Change,
    encode: Callable[[list[str]], str],
    header: bool,
) -> Iterator[str]:
    if not names:
        return
    for name in masked:
        if name not in names:
            raise unknown_column(name, names)
    places = [names.index(name) for name in masked] or list(range(len(names)))
    if header:
        yield encode(names)
    for fields in rows:
        for place in places:
            fields[place] = change(fields[place])
        yield encode(fields)


def _mask_objects(
    rows: Iterator[dict[str, Any]], masked: Collection[str], change: _Change, is_whole: bool
) -> Iterator[str]:
    encode = json_encoder()
    for row in rows:
        for name in masked or list(row):
            if name in row:
                row[name] = _mask_value(row[name], change, encode, is_whole)
        yield encode(row) + "\n"


def _mask_value(value: Any, change: _Change, encode: Callable[[object], str], is_whole: bool) -> Any:
    """Mask a value of JSON; what is in objects and arrays as a whole, or each value."""
    if value is None or value == "":
        return value
    if isinstance(value, str):
        return change(value)
    if not is_whole and isinstance(value, list):
        return [_mask_value(item, change, encode, is_whole) for item in value]
    if not is_whole and isinstance(value, dict):
        return {name: _mask_value(item, change, encode, is_whole) for name, item in value.items()}
    text = encode(value)
    changed = change(text)
    return value if changed == text else changed
