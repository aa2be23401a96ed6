"""The formats of listings. A new one is one function here, and its line in :data:`FORMATS`."""

from __future__ import annotations

import itertools
import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.results.fields import Field, bare

_BLOCK_ROWS = 1000
"""How many rows are aligned together, so that a table of any length takes the same memory."""


class Tabular(Protocol):
    """What a format needs to know of a table."""

    @property
    def fields_of_rows(self) -> tuple[Field, ...]:
        """The columns, in order."""

    @property
    def is_headed(self) -> bool:
        """Whether people read the columns' names above the rows."""

    @property
    def is_live(self) -> bool:
        """Whether each row is shown as soon as it comes, rather than with others that it is aligned with."""

    def rows(self) -> Iterator[Sequence[Any]]:
        """Yield the rows, in constant memory."""

    def last_line(self) -> str:
        """Return the line that sums the rows up, after the last of them; empty for none."""

    def figures(self) -> Mapping[str, Any]:
        """Return the totals, known after the last row."""


PEOPLE, DOCUMENT = "table", "json"
"""The format of lines that ask for none, and the one that has every result."""


@typed_equality
class Rendering(NamedTuple):
    """The format and the columns that a line asks for.

    :param format: a name of :data:`FORMATS`
    :param columns: the columns to show, in this order; empty for those that the format shows by itself
    """

    format: str = PEOPLE
    columns: tuple[str, ...] = ()

    @property
    def is_default(self) -> bool:
        """Whether the line asks for nothing, so that a body is shown as it is."""
        return self == Rendering()


@typed_equality
class Format(NamedTuple):
    """A format of tables.

    :param pieces: turns a table into pieces of text, in constant memory
    :param end: what is written after each piece: a line end, where each is a record; empty where all are one document
    :param shows_all: whether it has all columns, rather than those that people see
    """

    pieces: Callable[[Tabular], Iterator[str]]
    end: str = "\n"
    shows_all: bool = True


class Chosen:
    """Some columns of a table, in the order in which they are asked for.

    :param columns: the columns' names
    :raises UsageError: when the table has no such column
    """

    def __init__(self, table: Tabular, columns: Sequence[str]) -> None:
        fields = table.fields_of_rows
        names = [field.name for field in fields]
        check_columns(columns, names)
        self._places = [names.index(column) for column in columns]
        self._table = table
        self.fields_of_rows = tuple(fields[place]._replace(is_shown=True) for place in self._places)
        self.is_headed = table.is_headed
        self.is_live = table.is_live

    def rows(self) -> Iterator[Sequence[Any]]:
        """Yield the chosen columns of each row."""
        return ([row[place] for place in self._places] for row in self._table.rows())

    def last_line(self) -> str:
        """Return the table's own last line."""
        return self._table.last_line()

    def figures(self) -> Mapping[str, Any]:
        """Return the table's own figures."""
        return self._table.figures()


def check_columns(columns: Sequence[str], names: Sequence[str]) -> None:
    """Check that columns are among those that there are.

    :raises UsageError: when one isn't, with the closest name
    """
    for column in columns:
        if column not in names:
            import difflib  # for those who mistype

            close = difflib.get_close_matches(column, names, 1)
            hint = f"did you mean {close[0]}?" if close else f"columns: {', '.join(names)}"
            raise UsageError(f"unknown column {column!r}; {hint}")


class Formatted(str):
    """Text in a format; a notebook shows it as it is."""

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        printer.text(str(self))


def pieces(table: Tabular, rendering: Rendering) -> Iterator[str]:
    """Yield a table in a format, in pieces with their line ends.

    :raises UsageError: when the table has no such column, before the first piece
    """
    form = FORMATS[rendering.format]
    if rendering.columns:
        table = Chosen(table, rendering.columns)
    elif not form.shows_all:
        table = Chosen(table, [field.name for field in table.fields_of_rows if field.is_shown])
    return (piece + form.end for piece in form.pieces(table))


class Cells:
    """The cells of a table where a program may read them."""

    width: Callable[[str], int] = staticmethod(len)
    """Returns how many columns a cell takes."""

    def spelling(self, field: Field) -> Callable[[Any], str]:
        """Return the function that turns the values of a column into text."""
        return field.spell

    def heading(self, text: str) -> str:
        """Return a heading as it is written, in a cell of its own width."""
        return text

    def line(self, text: str) -> str:
        """Return a line that isn't a row."""
        return text


_PLAIN = Cells()


def table_lines(table: Tabular, look: Cells = _PLAIN) -> Iterator[str]:
    """Yield a line for each row, the columns as wide as the widest value so far in a block of rows.

    :param look: spells and measures the cells
    """
    fields = table.fields_of_rows
    spellings = list(map(look.spelling, fields))
    titles = [look.line(field.heading if field.is_data else field.heading.upper()) for field in fields]
    heading = [titles] if table.is_headed and len(fields) > 1 else []
    least = [
        max(field.width, look.width(titles[at]) if heading and table.is_live else 0) for at, field in enumerate(fields)
    ]
    for number, block in enumerate(_blocks(table.rows(), 1 if table.is_live else _BLOCK_ROWS)):
        cells = heading + [[spell(value) for spell, value in zip(spellings, row, strict=True)] for row in block]
        lengths = [list(map(look.width, row)) for row in cells]
        widths = [max(least[at], *(row[at] for row in lengths)) for at in range(len(fields))]
        to_the_right = [field.is_number or any(is_number(row[at]) for row in block) for at, field in enumerate(fields)]
        if heading:
            cells[0] = list(map(look.heading, titles))
        for row, row_lengths in list(zip(cells, lengths, strict=True))[len(heading) if number else 0 :]:
            padding = map(operator.sub, widths, row_lengths)
            yield "  ".join(_aligned(*cell) for cell in zip(row, padding, to_the_right, strict=True)).rstrip()
    if last := table.last_line():
        yield look.line(last)


def csv_records(table: Tabular) -> Iterator[str]:
    """Yield the columns' names and the rows as RFC 4180 has them; lists and mappings are JSON."""
    import csv  # few lines ask for it
    import io

    line = io.StringIO()
    writer = csv.writer(line)
    names = [field.name for field in table.fields_of_rows]
    for row in itertools.chain([names], (map(bare, row) for row in table.rows())):
        writer.writerow(row)
        yield line.getvalue().removesuffix("\r\n")
        line.seek(0)
        line.truncate()


def json_document(table: Tabular) -> Iterator[str]:
    """Yield one JSON document on one line, in pieces: the rows as they come, and then the figures."""
    yield from document_pieces(table)
    yield "\n"


def document_pieces(table: Tabular) -> Iterator[str]:
    """Yield a table as :func:`json_document` does, without the line end."""
    separator = ",\n" if table.is_live else ", "  # a reader of lines gets each row as it comes
    yield '{"rows": ['
    for number, record in enumerate(json_records(table)):
        yield (separator if number else "") + record
    figures = table.figures()
    yield f"], {json.dumps(figures, ensure_ascii=False)[1:]}" if figures else "]}"


def json_records(table: Tabular) -> Iterator[str]:
    """Yield a JSON object for each row."""
    names = [field.name for field in table.fields_of_rows]
    for row in table.rows():
        yield json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)


def json_array(table: Tabular) -> Iterator[str]:
    """Yield a JSON array with an object for each row, one on a line."""
    yield "["
    for number, record in enumerate(json_records(table)):
        yield (",\n " if number else "") + record
    yield "]\n"


def bare_values(table: Tabular) -> Iterator[str]:
    """Yield each row's values with tabs between them; lists and mappings are JSON."""
    return ("\t".join(map(bare, row)) for row in table.rows())


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "table": Format(table_lines, shows_all=False),
        "csv": Format(csv_records, end="\r\n"),
        "json": Format(json_document, end=""),
        "jsonl": Format(json_records),
        "value": Format(bare_values, shows_all=False),
    }
)
"""Every format, by the name that ``--format`` takes."""


FILE_FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        ".csv": FORMATS["csv"],
        ".json": Format(json_array, end=""),
        ".jsonl": FORMATS["jsonl"],
        ".ndjson": FORMATS["jsonl"],
    }
)
"""The formats of files that tables are saved to, by the names' suffixes."""


def file_format(path: str) -> Format:
    """Return the format of a file by the suffix of its name; CSV without a suffix.

    :raises UsageError: when no format has this suffix
    """
    suffix = Path(path).suffix
    if suffix.lower() not in ("", *FILE_FORMATS):
        raise UsageError(f"unknown suffix {suffix}; a table is saved as {', '.join(FILE_FORMATS)}", subject=path)
    return FILE_FORMATS[suffix.lower() or ".csv"]


def is_number(value: Any) -> bool:
    """Tell whether a value of a row is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _blocks(rows: Iterator[Sequence[Any]], count: int) -> Iterator[list[Sequence[Any]]]:
    while block := list(itertools.islice(rows, count)):
        yield block


def _aligned(text: str, padding: int, to_the_right: bool) -> str:
    return " " * padding + text if to_the_right else text + " " * padding
