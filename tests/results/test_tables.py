"""Tables in programs, and as lines of text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pandas
import polars
import pytest

from storlet_shell.errors import ServiceError, StorletShellError, UsageError
from storlet_shell.results import Field, Rendering, Report, Response, Table
from storlet_shell.results.describe import describe
from storlet_shell.results.formats import FORMATS


class Server:
    """Rows that come from a server: once, and counted; the last may be an error."""

    def __init__(self, *rows: tuple[Any, ...], error: BaseException | None = None) -> None:
        self.asked = 0
        self._rows, self._error = rows, error

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for row in self._rows:
            self.asked += 1
            yield row
        if self._error is not None:
            raise self._error


LISTED = (("a", 5), ("b", None), ("c", 1000))


def listed() -> Table:
    """Return a table of three names."""
    return Table(("name", "bytes"), iter(LISTED))


# --- as a sequence


def test_row_is_a_named_tuple() -> None:
    """By the names of its fields, by its places, and as the tuple that it is."""
    first, *_ = listed()
    assert (first.name, first.bytes, first[1]) == ("a", 5, 5)
    assert first == ("a", 5)
    assert first._asdict() == {"name": "a", "bytes": 5}
    name, size = first
    assert (name, size) == ("a", 5)


def test_field_whose_name_is_no_python_name_is_reached_by_its_place() -> None:
    """A plug-in's columns may be called anything."""
    (row,) = Table(("class", "a b"), iter([(1, 2)]))
    assert (row[0], row[1]) == (1, 2)


def test_table_is_indexed_as_a_list() -> None:
    """From either end, and in slices."""
    table = listed()
    assert (table[0].name, table[2].name, table[-1].name) == ("a", "c", "c")
    assert [row.name for row in table[1:]] == ["b", "c"]
    with pytest.raises(IndexError):
        table[3]


def test_length_is_known_before_and_after_iteration() -> None:
    """Iterating twice yields the same rows twice."""
    table = listed()
    assert len(table) == 3
    assert list(table) == list(table) == list(LISTED)
    assert len(table) == 3
    assert table
    assert not Table(("name",), iter(()))


def test_rows_are_fetched_once_and_as_they_are_needed() -> None:
    """The first row of a million costs a page; iterators that take turns share what was fetched."""
    server = Server(*LISTED)
    table = Table(("name", "bytes"), server)
    assert server.asked == 0
    assert table[0].name == "a"
    assert bool(table)
    assert server.asked == 1
    one, other = iter(table), iter(table)
    assert [next(one), next(other), next(one), next(other)] == [("a", 5), ("a", 5), ("b", None), ("b", None)]
    assert len(table) == server.asked == 3


def test_table_is_described_without_fetching() -> None:
    """By the rows that are there, and its columns."""
    server = Server(*LISTED)
    table = Table(("name", "bytes"), server)
    assert (describe(table), server.asked) == ("0 rows so far: name, bytes", 0)
    assert repr(table) == "<Table: 0 rows so far: name, bytes>"
    table.keep()
    assert describe(table) == "3 rows: name, bytes"


def test_rows_that_were_shown_and_not_kept_are_not_taken_for_none() -> None:
    """Constant memory has its price, and the table says so."""
    table = listed()
    assert len(list(table.render())) == 3
    for use in (len, list, bool, Table.fields, Table.keep, lambda table: list(table.rows())):
        with pytest.raises(StorletShellError, match="read before and not kept"):
            use(table)


@pytest.mark.parametrize("error", [ServiceError("gone"), KeyboardInterrupt()])
def test_listing_that_broke_off_stays_broken(error: BaseException) -> None:
    """A part of it never looks like the whole, however often it is asked for; the rows before it are there."""
    table = Table(("name",), Server(("a",), error=error))
    with pytest.raises(type(error)):
        len(table)
    expected = ServiceError if isinstance(error, ServiceError) else StorletShellError
    for use in (len, list, lambda table: list(table.rows()), Table.dataframe):
        with pytest.raises(expected):
            use(table)
    assert table[0].name == "a"


def test_kept_table_is_shown_and_used_as_often_as_one_likes() -> None:
    """After ``-o``."""
    table = listed()
    table.keep()
    assert list(table.render()) == list(table.render())
    assert len(table) == 3
    assert json.loads("".join(table.json_pieces())) == table.fields()


def test_closed_table_lets_go_of_its_listing() -> None:
    """The generator that holds a connection ends."""
    ended = []

    def rows() -> Iterator[tuple[str]]:
        try:
            yield ("a",)
            yield ("b",)
        finally:
            ended.append(True)

    table = Table(("name",), rows())
    assert table[0].name == "a"
    table.close()
    assert ended
    assert table[0].name == "a"
    with pytest.raises(StorletShellError, match="closed before"):
        len(table)


def test_closing_a_table_that_is_whole_changes_nothing() -> None:
    """All its rows stay available."""
    table = listed()
    assert len(table) == 3
    table.close()
    assert len(table) == 3


# --- as a data frame


@pytest.mark.parametrize(("library", "kind"), [("pandas", pandas.DataFrame), ("polars", polars.DataFrame)])
def test_table_is_a_data_frame(library: str, kind: type) -> None:
    """Its columns are the table's, in order; an empty one has them, too."""
    table = listed()
    frame = table.dataframe(library)
    assert isinstance(frame, kind)
    assert list(frame.columns) == ["name", "bytes"]
    assert frame.shape == (3, 2)
    assert list(frame["name"]) == ["a", "b", "c"]
    assert len(table) == 3
    empty = Table(("name", "bytes"), iter(())).dataframe(library)
    assert (list(empty.columns), len(empty)) == (["name", "bytes"], 0)


def test_unknown_library_is_a_usage_error() -> None:
    """The same as for a response."""
    with pytest.raises(UsageError, match="dask"):
        listed().dataframe("dask")


# --- as text


def test_table_aligns_its_columns() -> None:
    """Numbers are right-aligned, text left, and a sum comes last."""
    table = Table(("bytes", "name"), iter([(5, "a"), (1000, "b")]), lambda: "2 names")
    assert list(table.render()) == ["   5  a", "1000  b", "2 names"]


def test_table_has_headings_where_people_read_it() -> None:
    """The fields' names stand above the first row, and make room; not above no rows, nor above one field."""
    table = Table(("last_modified", "name", "bytes"), iter([("now", "a", 5)] * 1001), lambda: "sum")
    table.is_headed = True
    first, second, *_, last, total = table.render()
    assert (first, second) == ("LAST MODIFIED  NAME  BYTES", "now            a         5")
    assert (last, total) == (second, "sum")
    for columns, rows in (("a", "b"), []), (("a",), [("x",)]):
        few = Table(columns, rows)
        few.is_headed = True
        assert list(few.render()) == [*map("".join, rows)]


def test_table_with_gaps_is_aligned() -> None:
    """A value that is missing leaves its column where it is, wherever it is missing."""
    assert list(Table(("bytes", "name"), iter([(None, "a/"), (1000, "b")])).render()) == ["      a/", "1000  b"]
    assert list(Table(("bytes", "name"), iter([(None, "a/"), (5, "b"), (1000, "c")])).render())[1] == "   5  b"


# --- in formats

SHOWN = (Field("name"), Field("bytes"), Field("needed_by", spell=",".join), Field("etag", is_shown=False))
ROWS = [("a b", 5, ["x", "y"], "e1"), ('say "hi", now', None, [], None), ("line\nend", 1000, ["z"], "e3")]


def shown() -> Table:
    """Return a table whose values people and programs see differently."""
    return Table(SHOWN, iter(ROWS), lambda: "3 names")


def test_csv_is_read_back_as_it_was() -> None:
    """All columns under their names, as RFC 4180 has it; null is empty, a list is JSON."""
    text = shown().formatted("csv")
    assert text.startswith("name,bytes,needed_by,etag\r\n")
    assert text.count("\r\n") == 4
    first, second, third = csv.DictReader(io.StringIO(text, newline=""))
    assert (first["name"], first["bytes"], json.loads(first["needed_by"])) == ("a b", "5", ["x", "y"])
    assert (second["name"], second["bytes"], second["etag"]) == ('say "hi", now', "", "")
    assert third["name"] == "line\nend"


def test_json_lines_are_the_rows_of_the_document() -> None:
    """One object a line, however long the name; the sum is for people."""
    lines = shown().formatted("jsonl").splitlines()
    assert [json.loads(line) for line in lines] == json.loads(shown().formatted("json"))["rows"]
    assert json.loads(lines[1]) == {"name": 'say "hi", now', "bytes": None, "needed_by": [], "etag": None}


def test_bare_values_are_what_people_see_without_the_looks() -> None:
    """Between tabs; the columns that people see."""
    first, *_ = shown().formatted("value").split("\n")
    assert first == 'a b\t5\t["x","y"]'
    assert Table(("a", "b"), [(True, 0.5)]).formatted("value") == "true\t0.5\n"


def test_table_is_for_people() -> None:
    """Render it for people if no format is given."""
    assert shown().formatted() == "".join(f"{line}\n" for line in shown().render())
    assert shown().formatted().startswith("a b               5  x,y\n")
    assert shown().formatted().endswith("3 names\n")


@pytest.mark.parametrize("name", FORMATS)
def test_columns_come_in_the_order_of_asking(name: str) -> None:
    """Hidden columns can be requested, too, in every format."""
    text = shown().formatted(name, ["etag", "bytes"])
    first = text.splitlines()[1 if name == "csv" else 0]
    expected = {"table": "e1     5", "csv": "e1,5", "jsonl": '{"etag": "e1", "bytes": 5}', "value": "e1\t5"}
    if name == "json":
        assert list(json.loads(text)["rows"][0]) == ["etag", "bytes"]
    else:
        assert first == expected[name]


def test_unknown_column_is_told_with_the_closest() -> None:
    """Fail before any row is fetched."""
    server = Server(*LISTED)
    table = Table(("name", "bytes"), server)
    with pytest.raises(UsageError, match=r"^unknown column 'byte'; did you mean bytes\?$"):
        table.pieces(Rendering("csv", ("byte",)))
    with pytest.raises(UsageError, match=r"^unknown column 'x'; columns: name, bytes$"):
        table.formatted("jsonl", ["x"])
    assert server.asked == 0


def test_unknown_format_is_a_usage_error() -> None:
    """The message lists the formats."""
    with pytest.raises(UsageError, match="unknown format 'yaml'; formats: table, csv, json, jsonl, value"):
        listed().formatted("yaml")


@pytest.mark.parametrize("name", FORMATS)
def test_result_that_is_no_listing_is_one_row(name: str) -> None:
    """Its fields, or some of them."""
    report = Report({"account": "AUTH_x", "roles": ["a"], "storlets_enabled": None})
    expected = {
        "table": "AUTH_x",
        "csv": "account\r\nAUTH_x",
        "json": '{"account": "AUTH_x"}',
        "jsonl": '{"account": "AUTH_x"}',
        "value": "AUTH_x",
    }
    assert report.formatted(name, ["account"]).rstrip() == expected[name]
    assert "AUTH_x" in report.formatted(name)


def test_body_is_no_row() -> None:
    """It may be of any size; its connection is given back."""
    closed: list[bool] = []
    body = Response(200, {}, iter([b"x"]), subject="o", close=lambda: closed.append(True))
    with pytest.raises(UsageError, match="a body isn't a table"):
        body.formatted("csv")
    assert closed


def test_names_from_data_are_headings_as_they_are() -> None:
    """The columns of a query keep their case and their underscores; others are words in capitals."""
    table = Table([Field("wind_speed", is_data=True), Field("Sky", is_data=True), "last_modified"], [(7, "fog", "x")])
    table.is_headed = True
    assert next(iter(table.render())).split("  ") == ["wind_speed", "Sky", "LAST MODIFIED"]
