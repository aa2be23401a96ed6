"""The standard storlet ``convert``."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, BinaryIO, Literal

from storlet_shell.shelf.parameters import parse_delimiter, parse_names, unknown_column
from storlet_shell.shelf.reading import decompressed, read_lines
from storlet_shell.shelf.records import (
    detect_json,
    json_encoder,
    read_objects,
    read_table,
    table_encoder,
    with_columns,
)
from storlet_shell.shelf.select.values import numeric

_CHUNK = 65536
_CHARSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]*")


def convert(
    file: BinaryIO,
    metadata: dict[str, object],
    to: Literal["csv", "jsonl"] | None = None,
    columns: str = "",
    numbers: bool = False,
    delimiter: str = ",",
    to_delimiter: str | None = None,
    header: bool = True,
    charset: str = "utf-8",
    to_charset: str = "utf-8",
    gzip: bool = False,
) -> Iterator[bytes]:
    """Convert CSV to JSON lines or back, or change the delimiter, the charset, or the compression.

    A compressed object is decompressed first. Unless a format, columns, or a new delimiter is requested, the object
    can be any text, and with the same charset, any data. The content type of the result is set.

    :param to: the format of the result (default: the object's own)
    :param columns: names with commas, in the order of the result (default: all; of JSON lines, those in the first row)
    :param numbers: from CSV to JSON lines: numbers become JSON numbers, and empty fields null
    :param delimiter: the character between the fields of CSV; or ``tab``
    :param to_delimiter: the same, of the result (default: no change)
    :param header: whether CSV has a header; else its columns are ``_1``, ``_2``, and so on
    :param charset: the charset of the object, as Python names it
    :param to_charset: the charset of the result
    :param gzip: compress the result
    :raises ValueError: if a parameter or a row is malformed, or a character isn't in the charset
    """
    separators = parse_delimiter(delimiter), parse_delimiter(to_delimiter or delimiter, "to_delimiter")
    codec, to_codec = _codec("charset", charset), _codec("to_charset", to_charset)
    kind = ""
    if to is not None or columns or to_delimiter is not None:
        is_json, lines = detect_json(read_lines(file, "", strict=True, charset=codec))
        kind = to or ("jsonl" if is_json else "csv")
        read: Callable[..., Iterator[str]] = _from_objects if is_json else _from_table
        texts = read(lines, kind, parse_names(columns), header, separators, numbers)
        pieces = _encoded(texts, to_codec)
    elif codec != to_codec:
        pieces = _encoded(read_lines(file, "", strict=True, charset=codec), to_codec)
    else:
        pieces = iter(partial(decompressed(file).read, _CHUNK), b"")
    metadata.update(_content_type(kind, to_charset, gzip))
    yield from _compressed(pieces) if gzip else pieces


def _codec(name: str, charset: str) -> str:
    """Return Python's name of a charset."""
    try:
        if not _CHARSET.fullmatch(charset):  # Python would ignore what isn't a letter or a digit
            raise LookupError
        codecs.getincrementalencoder(charset)
        "".encode(charset)  # not all codecs are charsets
        codecs.getincrementaldecoder(charset)("surrogateescape").decode(b"a", True)
    except UnicodeDecodeError:  # of one that takes several bytes
        pass
    except (LookupError, UnicodeError):  # such as that of domain names, which can't pass on other bytes
        shown = charset if charset.isprintable() else repr(charset)
        raise ValueError(f"parameter {name}: unknown charset {shown}") from None
    return codecs.lookup(charset).name


def _content_type(kind: str, charset: str, is_compressed: bool) -> dict[str, object]:
    """Return the metadata with the result's content type; empty if it stays unknown."""
    if is_compressed:
        return {"Content-Type": "application/gzip"}
    if not kind:
        return {}
    return {"Content-Type": f"{'text/csv' if kind == 'csv' else 'application/x-ndjson'}; charset={charset.lower()}"}


def _from_table(
    lines: Iterator[str], kind: str, columns: list[str], header: bool, delimiters: tuple[str, str], numbers: bool
) -> Iterator[str]:
    """Yield the lines of the result for CSV."""
    names, rows = read_table(lines, delimiters[0], header)
    if not names:
        return
    for name in columns:
        if name not in names:
            raise unknown_column(name, names)
    columns = columns or names
    places = [names.index(name) for name in columns]
    if kind == "csv":
        encode_fields = table_encoder(delimiters[1])
        if header:
            yield encode_fields(columns)
        for fields in rows:
            yield encode_fields([fields[place] for place in places])
        return
    encode = json_encoder()
    for fields in rows:
        values = [fields[place] for place in places]
        yield encode(dict(zip(columns, map(_number, values) if numbers else values))) + "\n"


def _number(text: str) -> object:
    """Return the value that a field stands for; one that JSON can't express stays text."""
    value = numeric(text) if text else None
    return text if isinstance(value, float) and value in (float("inf"), float("-inf")) else value


def _from_objects(
    lines: Iterator[str], kind: str, columns: list[str], header: bool, delimiters: tuple[str, str], _: bool
) -> Iterator[str]:
    """Yield the lines of the result for JSON lines."""
    rows, encode = with_columns(read_objects(lines), columns), json_encoder()
    if kind == "jsonl":
        for row in rows:
            yield encode({name: row.get(name) for name in columns} if columns else row) + "\n"
        return
    encode_fields, names = table_encoder(delimiters[1]), columns
    for number, row in enumerate(rows, 1):
        if number == 1:
            names = columns or list(row)
            if header:
                yield encode_fields(names)
        if not columns and not set(names).issuperset(row):
            name = next(name for name in row if name not in names)
            raise ValueError(f"row {number}: column {name} isn't in row 1; pass columns")
        yield encode_fields([_field(row.get(name), encode) for name in names])


def _field(value: Any, encode: Callable[[object], str]) -> str:
    """Return a value of JSON as a field of CSV."""
    if value is None:
        return ""
    return value if isinstance(value, str) else encode(value)


def _encoded(texts: Iterable[str], codec: str) -> Iterator[bytes]:
    encoder = codecs.getincrementalencoder(codec)()
    for number, text in enumerate(texts, 1):
        try:
            yield encoder.encode(text)
        except UnicodeEncodeError as error:
            raise ValueError(f"line {number} of the result: {text[error.start]!r} isn't in {codec}") from None
    yield encoder.encode("", True)


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()
