"""Objects as they come: CSV of many kinds, JSON lines, Parquet, compressed, malformed, empty."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest

from storlet_shell.shelf.select.entry import select
from storlet_shell.shelf.select.sums import finish_state
from tests.shelf.select.oracle import Oracle, rows, run, same, table

BOTH: list[Any] = [["col", 0], ["col", 1]]


def end(data: bytes, **plan: Any) -> dict[str, Any]:
    """Run a plan, and return its last line."""
    last: dict[str, Any] = run(data, **plan)[-1]["end"]
    return last


def probe(data: bytes, **plan: Any) -> dict[str, Any]:
    """Return the answer to a probe."""
    first, _end = run(data, probe=True, **plan)
    answer: dict[str, Any] = first["probe"]
    return answer


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (b"a,b\n1,x\n2,\n", {}),
        (b"\xef\xbb\xbfa,b\r\n1,x\r\n2,\r\n", {}),
        (b"a,b\r1,x\r2,\r", {}),
        (b"\n" * 70_000 + b"a,b\n1,x\n2,\n", {}),
        (b"\xef\xbb\xbf\n\r\na,b\n1,x\n2,\n", {}),
        (b"\n\na,b\n\n1,x\n\n2,", {}),
        (b'"a","b"\n"1","x"\n"2",""', {}),
        (b"a;b\n1;x\n2;\n", {"delimiter": ";"}),
        (b"a\tb\n1\tx\n2\t\n", {"delimiter": "\t"}),
        (b"a,b\n'1','x'\n2,''\n", {"quote": "'"}),
        (b"a,b\n1,x\n2,\n", {"quote": ""}),
        (b"1,x\n2,\n", {"header": False}),
    ],
)
def test_csv_of_many_kinds_has_the_same_rows(data: bytes, options: dict[str, Any]) -> None:
    """Line ends, byte order marks, blank lines, quotes, delimiters; compressed, too."""
    names = ["a", "b"] if options.get("header", True) else ["_1", "_2"]
    for stored, is_compressed in ((data, False), (gzip.compress(data), True)):
        assert rows(stored, csv=options, columns=names, rows=BOTH) == [["1", "x"], ["2", None]]
        assert probe(stored, csv=options) == {"format": "csv", "columns": names, "compressed": is_compressed}
        assert end(stored, csv=options, columns=names, rows=BOTH)["rows"] == 2


@pytest.mark.parametrize(
    "members",
    [
        (b"\n", b"a,b\n1,x\n2,\n"),
        (b"", b"\r\n", b"a,b\n1,x\n", b"", b"2,\n"),
        (b"a", b",b\n1,x\n2,\n"),
        (b"\xef", b"\xbb\xbfa,b\r", b"\n1,x\n2,\n"),
        (b'{"a": "1"}\n', b'{"b": "x"}\n{"a": "2"}\n'),
    ],
)
def test_files_that_are_compressed_in_pieces_are_read_whole(members: tuple[bytes, ...]) -> None:
    """The first piece may contain nothing but a blank line, or a part of the header."""
    data = b"".join(gzip.compress(member, mtime=0) for member in members)
    assert probe(data)["columns"] == ["a", "b"]
    expected = [["1", "x"], ["2", None]] if members[0][:1] != b"{" else [["1", None], [None, "x"], ["2", None]]
    assert rows(data, columns=["a", "b"], rows=BOTH) == expected


def test_line_ends_in_quotes_are_none_of_rows() -> None:
    """Of either kind, whatever ends rows."""
    assert rows(b'a,b\r1,"x\ny"\r2,z\r', columns=["a", "b"], rows=BOTH) == [["1", "x\ny"], ["2", "z"]]
    assert rows(b'a,b\n1,"x\ry"\n2,z\n', columns=["a", "b"], rows=BOTH) == [["1", "x\ry"], ["2", "z"]]


def test_fields_come_as_they_are() -> None:
    """Line ends, quotes, delimiters, and NUL in them; 007 keeps its zeros."""
    fields = ["007", "x\ny", "x\r\ny", 'q"q', "a,b", " 1 ", "ä日", "a\x00b", "1_000"]
    data = table(["a", "n"], [[field, str(number)] for number, field in enumerate(fields)])
    assert [row[0] for row in rows(data, columns=["a"], rows=[["col", 0]])] == fields


def test_malformed_rows_are_counted_and_named() -> None:
    """The others count; three samples are enough."""
    data = b'a,b\n1,x\n2\n3,y,z\n4,"q"q\n5,\xff\n\n6,w\n7,"open\n8,v\n'
    result = run(data, columns=["a", "b"], rows=BOTH)
    assert result[0] == [["1", "x"], ["6", "w"]]
    assert result[1]["end"] == {
        "rows": 7,
        "kept": 2,
        "malformed": 5,
        "samples": [
            [2, "1 field instead of 2"],
            [3, "3 fields instead of 2"],
            [4, "unbalanced quotes"],
        ],
    }


def test_rows_before_and_after_what_is_not_utf8_count() -> None:
    """Wherever a block of the file ends."""
    lines = [b"%d,\xc3\xa4" % number for number in range(30_000)]
    lines[20_000] = b"20000,\xc3"
    lines[20_001] = b"20001,\xed\xa0\x80"
    data = b"a,b\n" + b"\n".join(lines) + b"\n"
    (line, last) = run(data, columns=["a"], groups={"keys": [], "aggregates": [["count", None]]})
    assert line["g"] == [[], [29_998]]
    assert last["end"]["samples"] == [[20_001, "not UTF-8"], [20_002, "not UTF-8"]]


def test_strict_runs_fail_at_the_first_malformed_row() -> None:
    """It is named."""
    for data, reason in (
        (b"a,b\n1,x\n2\n", "row 2: 1 field instead of 2"),
        (b'a,b\n1,"x\n', "row 1: unbalanced quotes"),
        (b"a,b\n1,\xff\n", "row 1: not UTF-8"),
        (b'{"a": 1, "b": 2}\n{"a" 1}\n', "row 2: not JSON: Expecting ':' delimiter at column 6"),
    ):
        with pytest.raises(ValueError, match=f"^{reason}$"):
            run(data, columns=["a", "b"], rows=BOTH, strict=True)


@pytest.mark.slow
def test_a_field_beyond_the_limit_is_malformed() -> None:
    """Larger ones than csv's default aren't."""
    wide, wider = b"w" * 2**20, b"w" * (2**24 + 1)
    data = b"a,b\n1," + wide + b"\n2," + wider + b"\n3,x\n"
    result = run(data, columns=["a", "b"], rows=[["col", 0], ["fn", "length", [["col", 1]]]])
    assert [row for line in result[:-1] for row in line] == [["1", 2**20], ["3", 1]]
    assert result[-1]["end"]["samples"] == [[2, "a field exceeds 16 MiB"]]


def test_a_line_without_end_is_refused() -> None:
    """Before it fills the memory."""

    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"x" * min(size, 65536) if size > 0 else b""

        read1 = read

    with pytest.raises(ValueError, match=r"^a line exceeds 48 MiB$"):
        list(select([Endless()], json.dumps({"v": 1, "columns": [], "rows": [], "csv": {"header": False}})))


@pytest.mark.parametrize(
    ("name", "position"),
    [("sky", 0), ("Degrees", 1), ("degrees", 2), ("STATION", 3), ("straße", 4), ("STRASSE", 4)],
)
def test_columns_match_exactly_or_else_by_case(name: str, position: int) -> None:
    """An exact name comes first."""
    data = table(["sky", "Degrees", "degrees", "Station", "Straße"], [["0", "1", "2", "3", "4"]])
    assert rows(data, columns=[name], rows=[["col", 0]]) == [[str(position)]]


@pytest.mark.parametrize(
    ("header", "name", "reason"),
    [
        ("sky,degrees", "lest", "no column lest; there are: sky, degrees"),
        ("sky,Sky", "SKY", "column SKY: ambiguous: sky, Sky"),
        ("sky,sky", "sky", "column sky occurs 2 times"),
    ],
)
def test_a_column_that_is_not_one_is_refused(header: str, name: str, reason: str) -> None:
    """The message names those that exist."""
    with pytest.raises(ValueError, match=f"^{reason}$"):
        run(f"{header}\n1,2\n".encode(), columns=[name], rows=[["col", 0]])
    assert rows(f"{header}\n1,2\n".encode(), columns=[], rows=[["lit", 1]]) == [[1]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'a,"b\n', "header: unbalanced quotes"),
        (b"\xff\xfea\x00,\x00", "header: not UTF-8"),
        (gzip.compress(b"a\n" + b"123456\n" * 9000, mtime=0)[:-20], "gzip: the data ends early"),
        (b"\x1f\x8bno", "gzip: .*"),
        pytest.param(b"PAR1no", "Parquet: .*", marks=pytest.mark.slow),
        (b'\n[{"a": 1},\n{"a": 2}]', "a JSON array, but only JSON lines can be read: one object on each line"),
        (
            b'{\r\n  "a": 1\n}',
            "JSON objects with line breaks, but only JSON lines can be read: one object on each line",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(data: bytes, reason: str) -> None:
    """The object isn't what it seems."""
    with pytest.raises(ValueError, match=f"^{reason}$") as caught:
        run(data, columns=["a"], rows=[["col", 0]])
    assert "\n" not in str(caught.value)


def test_another_format_than_the_plans_is_refused() -> None:
    """With the names that people use."""
    for data, fmt, reason in (
        (b'{"a": 1}\n', "csv", "JSON lines, but the query reads CSV"),
        (b"a\n1\n", "jsonl", "CSV, but the query reads JSON lines"),
        (b"a\n1\n", "parquet", "CSV, but the query reads Parquet"),
    ):
        with pytest.raises(ValueError, match=f"^{reason}$"):
            run(data, format=fmt, columns=["a"], rows=[["col", 0]])
    assert rows(b"{a},b\n1,2\n", format="csv", columns=["b"], rows=[["col", 0]]) == [["2"]]


@pytest.mark.parametrize("fmt", [None, "csv", "jsonl", "parquet"])
@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_empty_object_has_no_rows(data: bytes, fmt: str | None) -> None:
    """Of any format."""
    assert run(data, format=fmt, columns=["a"], rows=[["col", 0]]) == [
        {"end": {"rows": 0, "kept": 0, "malformed": 0, "samples": []}}
    ]
    assert probe(data, format=fmt)["columns"] == []


def test_json_values_keep_their_types() -> None:
    """Those of columns come as they are; in expressions, they are typed as a NUMERIC column types them."""
    values = ['"007"', "7", "7.0", "2.5", "true", "false", "null", '""', '{"x": [1, null]}', "12345678901234567890"]
    data = "\n".join(f'{{"a": {value}}}' for value in values).encode()
    got = rows(data, columns=["A"], rows=[["col", 0], ["fn", "typeof", [["col", 0]]]])
    assert got == [
        ["007", "integer"],
        [7, "integer"],
        [7.0, "integer"],
        [2.5, "real"],
        [1, "integer"],
        [0, "integer"],
        [None, "null"],
        ["", "text"],
        ['{"x":[1,null]}', "text"],
        [12345678901234567890, "real"],
    ]


def test_json_rows_may_lack_keys() -> None:
    """A missing key is NULL, even if no row has it: whether others do depends on how rows are split over objects."""
    data = (
        b'\n{"a": 1}\r\n{"b": 2}\n[1]\nnull\n{"a": NaN}\n' + b'{"a": "\xff"}\n' + b"[" * 100_000 + b"\n" + b'{"c": 3}'
    )
    result = run(data, columns=["a", "b", "c"], rows=[*BOTH, ["col", 2]])
    assert result[0] == [[1, None, None], [None, 2, None], [None, None, 3]]
    assert result[1]["end"]["malformed"] == 5
    assert result[1]["end"]["samples"][:2] == [[3, "not a JSON object"], [4, "not a JSON object"]]
    assert rows(b'{"a": 1}\n{"b": 1, "c": 2}\n', columns=["a", "d"], rows=BOTH) == [[1, None], [None, None]]
    late = b'{"a": 1}\n' * 20_000 + b'{"late": 2}\n'
    assert rows(late, columns=["late"], where=["col", 0], rows=[["col", 0]]) == [[2]]


def test_probe_of_json_lists_the_keys_of_the_first_rows() -> None:
    """In the order in which they occur."""
    assert probe(b'{"b": 1}\n{"a": 1, "b": 2}\n') == {"format": "jsonl", "columns": ["b", "a"], "compressed": False}


def parquet(columns: dict[str, Any]) -> bytes:
    """Return a Parquet file."""
    import pyarrow.parquet  # it takes a second, so only tests that need it import it

    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


@pytest.fixture
def arrow_as_before() -> Iterator[None]:
    """Restore what the storlet sets in its own process."""
    import pyarrow

    pool, count, io_count = pyarrow.default_memory_pool(), pyarrow.cpu_count(), pyarrow.io_thread_count()
    yield
    pyarrow.set_memory_pool(pool)
    pyarrow.set_cpu_count(count)
    pyarrow.set_io_thread_count(io_count)


@pytest.mark.slow
@pytest.mark.usefixtures("arrow_as_before")
def test_parquet_has_rows_of_the_same_kinds() -> None:
    """Numbers, texts, dates; only the columns used are read."""
    import pyarrow

    columns = {
        "text": ["007", None, "x"],
        "float": [2.0, float("nan"), 0.5],
        "day": [date(2026, 11, 29), None, date(1970, 1, 1)],
        "time": [datetime(2026, 11, 29, 12, 30, tzinfo=UTC), None, None],
        "flag": [True, False, None],
        "list": [[1, 2], None, []],
        "sum": [Decimal("1.50"), None, Decimal("-2.00")],
        "bytes": [b"ab", None, b"\xff"],
        "nan": [[float("nan"), 1.0], None, None],
        "large": pyarrow.array([2**64 - 1, 0, None], pyarrow.uint64()),
    }
    data = parquet(columns)
    assert probe(data) == {"format": "parquet", "columns": list(columns), "compressed": False}
    got = rows(data, columns=[*columns, "TEXT"], rows=[["col", number] for number in range(11)])
    assert got == [
        [
            "007",
            2.0,
            "2026-11-29",
            "2026-11-29 12:30:00+00:00",
            1,
            "[1,2]",
            "1.50",
            "ab",
            "[null,1.0]",
            2**64 - 1,
            "007",
        ],
        [None, None, None, None, 0, None, None, None, None, 0, None],
        ["x", 0.5, "1970-01-01", None, None, "[]", "-2.00", "\ufffd", None, None, "x"],
    ]
    typed = rows(
        data, columns=["text", "sum", "large"], rows=[["+", ["col", number], ["lit", 1]] for number in range(3)]
    )
    assert typed == [[8, 2.5, 2.0**64], [None, None, 1], [1, -1, None]]
    assert run(data, columns=[], groups={"keys": [], "aggregates": [["count", None]]})[0]["g"] == [[], [3]]


@pytest.mark.slow
@pytest.mark.usefixtures("arrow_as_before")
def test_parquet_columns_are_checked() -> None:
    """As those of CSV."""
    with pytest.raises(ValueError, match=r"^no column b; there are: a$"):
        run(parquet({"a": [1]}), columns=["b"], rows=[["col", 0]])


@pytest.mark.slow
@pytest.mark.usefixtures("arrow_as_before")
def test_parquet_times_are_exact() -> None:
    """To the nanosecond, which only further packages could give to Python's own types."""
    import pyarrow

    moment = 1_700_000_000_123_456_789
    columns = {
        "stamp": pyarrow.array([moment, moment // 1000 * 1000, -1, None], pyarrow.timestamp("ns")),
        "zoned": pyarrow.array([moment, 0, None, None], pyarrow.timestamp("ns", "+01:00")),
        "clock": pyarrow.array([1, 3_600_000_000_000, None, None], pyarrow.time64("ns")),
        "span": pyarrow.array([90_000_000_000_001, -1, None, None], pyarrow.duration("ns")),
    }
    got = rows(parquet(columns), columns=[*columns], rows=[["col", number] for number in range(4)])
    assert got == [
        [
            "2023-11-14 22:13:20.123456789",
            "2023-11-14 23:13:20.123456789+01:00",
            "00:00:00.000000001",
            "1 day, 1:00:00.000000001",
        ],
        ["2023-11-14 22:13:20.123456", "1970-01-01 01:00:00+01:00", "01:00:00", "-1 day, 23:59:59.999999999"],
        ["1969-12-31 23:59:59.999999999", None, None, None],
        [None, None, None, None],
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("arrow_as_before")
def test_parquet_that_cannot_be_read_is_refused_in_one_line() -> None:
    """Wherever it is damaged; a value that isn't one of Python's is refused with its column."""
    import pyarrow

    whole = parquet({"a": [f"{number}" for number in range(50_000)]})
    late = pyarrow.array([10**18], pyarrow.timestamp("us"))
    for data, reason in (
        (whole[:9000] + b"\xff" * 5000 + whole[14_000:], "Parquet: .*"),
        (whole[:4] + b"\xff" * 300 + whole[304:], "Parquet: .*"),
        (whole[:-100], "Parquet: .*"),
        (parquet({"a": late}), "Parquet: column a: date value out of range"),
    ):
        with pytest.raises(ValueError, match=f"^{reason}$"):
            run(data, columns=["a"], rows=[["col", 0]])


def test_nested_values_are_json() -> None:
    """Which has no infinite numbers."""
    assert rows(b'{"a": {"x": [1e999, "\xc3\xa9", 1.5]}}\n', columns=["a"], rows=[["col", 0]]) == [
        ['{"x":[null,"é",1.5]}']
    ]


def test_parquet_needs_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine without it says so."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        ValueError, match=r"^Parquet: the engine's Python has no pyarrow; ask the operator to install it$"
    ):
        run(b"PAR1", columns=["a"], rows=[["col", 0]])


@pytest.mark.parametrize("first", ["1", "1.5", "x", "2026-11-29", ""])
@pytest.mark.parametrize("then", ["2", "2.5", "y", "2026-11-30", "", "7e1", "1_0", "9" * 19])
def test_a_column_may_change_after_its_beginning(first: str, then: str) -> None:
    """What the first rows hold decides what is fast, not what is right."""
    records = [[first, "z" * 99]] * 700 + [[then, "z"]] * 200 + [[first, "z"]] * 2
    condition = [">", ["col", 0], ["lit", 1]]
    groups = {"keys": [], "aggregates": [["count", None], ["sum", ["col", 0]], ["max", ["col", 0]]]}
    (line, _end) = run(table(["a", "b"], records), columns=["a"], where=condition, groups=groups)
    oracle = Oracle(records).query("SELECT count(*), sum(c0), max(c0) FROM o WHERE c0 > 1")[0]
    states = zip(("count", "sum", "max"), line["g"][1], strict=True)
    assert all(map(same, [finish_state(name, state) for name, state in states], oracle))


def test_limit_stops_reading() -> None:
    """Rows come as soon as some are there, and the rest of the object stays unread."""

    class Counted(io.BytesIO):
        count = 0

        def read1(self, size: int = -1, /) -> bytes:
            self.count += size
            return super().read1(size)

    data = Counted(b"a\n" + b"1\n2\n" * 500_000)
    plan = {"v": 1, "columns": ["a"], "where": ["=", ["col", 0], ["lit", 2]], "rows": [["col", 0]], "limit": 3}
    lines = [json.loads(line) for line in select([data], json.dumps(plan))]
    assert lines[0] == [["2"]] * 3
    assert lines[1]["end"]["kept"] == 3
    assert data.count < 100_000
    assert run(b"a\n1\n", columns=["a"], rows=[["col", 0]], limit=0)[-1]["end"]["kept"] == 0


def test_lines_of_the_result_have_about_64_kib() -> None:
    """So that neither side holds much."""
    result = list(select([io.BytesIO(b"a\n" + b"x" * 99 + b"\n" + (b"y" * 99 + b"\n") * 30_000)], PLAN_OF_ALL))
    assert max(map(len, result)) < 130_000
    assert sum(len(json.loads(line)) for line in result[:-1]) == 30_001


PLAN_OF_ALL = json.dumps({"v": 1, "columns": ["a"], "rows": [["col", 0]]})


class Generated(io.RawIOBase):
    """A file whose content is made as it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the rest of a piece, at most."""
        self._rest = self._rest or next(self._pieces, b"")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "width", "work"),
    [
        (90, 2**20, {"rows": BOTH}),
        (90, 2**20, {"groups": {"keys": [], "aggregates": [["count", ["col", 1]]]}}),
        (1500, 2**16, {"groups": {"keys": [], "aggregates": [["max", ["col", 1]]]}}),
        (1500, 2**16, {"groups": {"keys": [["col", 1]], "aggregates": [["count", None]]}}),
        (1500, 2**16, {"groups": {"keys": [["col", 0]], "aggregates": [["min", ["col", 1]]]}}),
    ],
)
def test_large_rows_take_little_memory(count: int, width: int, work: dict[str, Any]) -> None:
    """As many rows are held as there is room for, not as many as of small ones."""
    content = chain([b"a,b\n"], (b"%d,%08d%s\n" % (number, number, b"x" * width) for number in range(count)))
    file = io.BufferedReader(Generated(content), 65536)
    tracemalloc.start()
    size = sum(map(len, select([file], json.dumps({"v": 1, "columns": ["a", "b"], **work}))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 * 2**20
    assert size > 0
