"""``select``: SQL over objects of the real Swift."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import storlet_shell
from storlet_shell.embedded import control
from storlet_shell.errors import NotFoundError, UsageError
from tests.select.oracle import Result as Answer
from tests.select.oracle import as_csv, as_json, assert_equal, parted, query_table
from tests.select.queries import COLUMNS, ROWS
from tests.support.lines import Runner, one_line
from tests.support.responder import Responder

pytestmark = pytest.mark.slow

PARTS = [as_csv(COLUMNS, part) for part in parted(ROWS, 4)]

QUERIES = {
    "SELECT * FROM o": False,
    "SELECT city, degrees FROM o WHERE degrees > 10 AND sky LIKE 'c%'": False,
    "SELECT sky, count(*) AS n, avg(n) AS mean FROM o GROUP BY sky ORDER BY n DESC, sky": True,
    "SELECT count(*), sum(n), total(degrees) FROM o WHERE degrees BETWEEN 0 AND 100": True,
    "SELECT DISTINCT sky FROM o ORDER BY sky": True,
    "SELECT n FROM o LIMIT 5 OFFSET 8": True,
    "SELECT city, n FROM o ORDER BY city, n LIMIT 7": True,
    "SELECT hex(city), n FROM o WHERE n > 30 ORDER BY n": True,
    "SELECT sky, group_concat(n) FROM o GROUP BY sky HAVING count(*) > 1": True,
    "SELECT city, max(n) FROM o GROUP BY city": True,
    "SELECT note FROM o WHERE note LIKE '%' || char(10) || '%'": False,
    "SELECT typeof(degrees), count(*) FROM o GROUP BY 1": True,
}


@pytest.fixture(scope="module")
def weather(selecting: Runner) -> str:
    """Store the awkward data as four objects; return their pattern."""
    assert selecting("mkdir", "selected").status == 0
    for number, part in enumerate(PARTS):
        assert selecting("upload", f"selected/weather/{number}.csv", stdin=part).status == 0
    return "selected/weather/*.csv"


@pytest.mark.parametrize("query", QUERIES)
def test_rows_are_those_of_sqlite(selecting: Runner, weather: str, query: str) -> None:
    """As JSON, with the types of SQLite."""
    outcome = selecting("select", query, weather, "--json")
    assert outcome.status == 0, outcome.err
    rows = [tuple(row.values()) for row in outcome.json["rows"]]
    expected = query_table(query, COLUMNS, ROWS)
    assert_equal(Answer(expected.columns, rows), expected, ordered=QUERIES[query])


def test_numbers_keep_their_text_where_people_read_them(selecting: Runner, weather: str) -> None:
    """In a table and in CSV; as JSON they are numbers."""
    line = ("select", "SELECT degrees, n FROM o WHERE n IN (8, 14, 24)", weather)
    assert selecting(*line).text == "007   8\n1e3  14\n3.0  24\n"
    assert selecting(*line, "--format", "csv").text == "degrees,n\r\n007,8\r\n1e3,14\r\n3.0,24\r\n"
    assert [row["degrees"] for row in selecting(*line, "--json").json["rows"]] == [7, 1000, 3]
    grouped = selecting("select", "SELECT degrees, count(*) FROM o WHERE n = 8 GROUP BY degrees", weather)
    assert grouped.text == "007  1\n"


def test_summary_is_on_standard_error(selecting: Runner, weather: str) -> None:
    """So that a program reads rows only; JSON has it next to the rows."""
    outcome = selecting("select", "SELECT count(*) FROM o", weather)
    assert outcome.text == "36\n"
    assert "4 objects, 36 rows, 1.1 KiB read next to the data; " in one_line(outcome)
    figures = selecting("select", "SELECT count(*) FROM o", weather, "--json").json
    assert (figures["objects"], figures["rows_read"], figures["bytes_read"]) == (4, 36, sum(map(len, PARTS)))


def test_limit_ends_the_query_early(selecting: Runner, weather: str) -> None:
    """With the first rows of the listing; later objects may be unread."""
    figures = selecting("select", "SELECT n FROM o LIMIT 2", weather, "-j", "1", "--json").json
    assert [row["n"] for row in figures["rows"]] == [1, 2]
    assert (figures["objects"], figures["rows_read"], figures["bytes_read"]) == (1, None, None)
    outcome = selecting("select", "SELECT n FROM o LIMIT 10", weather)
    assert one_line(outcome).startswith("ended by LIMIT in 2 objects; ")


def test_columns_and_formats_are_chosen_as_in_any_table(selecting: Runner, weather: str) -> None:
    """By the names of the query."""
    line = ("select", "SELECT n, city AS place FROM o LIMIT 2", weather)
    assert selecting(*line, "--columns", "place", "--format", "value").text == "Lima\nCairo\n"
    assert selecting(*line, "--format", "jsonl").text.splitlines()[1] == '{"n": 2, "place": "Cairo"}'
    assert "unknown column 'city'" in one_line(selecting(*line, "--columns", "city"))


def test_rows_are_saved(selecting: Runner, weather: str, tmp_path: Path) -> None:
    """In the format of the file's suffix."""
    for suffix in (".csv", ".json", ".jsonl", ""):
        outcome = selecting("select", "SELECT n FROM o LIMIT 2", weather, "--save", str(tmp_path / f"n{suffix}"))
        assert outcome.status == 0, outcome.err
        assert outcome.text.startswith(f"{tmp_path}/n{suffix}: ")
    assert (tmp_path / "n.csv").read_bytes() == (tmp_path / "n").read_bytes() == b"n\r\n1\r\n2\r\n"
    assert (tmp_path / "n.jsonl").read_text() == '{"n": 1}\n{"n": 2}\n'
    assert json.loads((tmp_path / "n.json").read_text()) == [{"n": 1}, {"n": 2}]


def test_file_in_an_unknown_format_is_refused(run_scripted: Runner, responder: Responder, tmp_path: Path) -> None:
    """Before anything is sent."""
    outcome = run_scripted("select", "SELECT n FROM o", "c/*", "--save", str(tmp_path / "n.xlsx"))
    assert outcome.status == 2
    assert one_line(outcome).endswith("n.xlsx: unknown suffix .xlsx; a table is saved as .csv, .json, .jsonl, .ndjson")
    assert responder.requests == []


def test_columns_are_those_of_the_first_object_with_rows(selecting: Runner, container: str) -> None:
    """Objects before it may contain only blank lines, even if they are compressed."""
    for name, content in (("a", b"\n\n"), ("b", gzip.compress(b"")), ("c", b"sky,n\nfog,1\n"), ("d", b'{"sky": 2}')):
        assert selecting("upload", f"{container}/{name}", stdin=content).status == 0
    assert selecting("select", "SELECT * FROM o", f"{container}/[a-c]").text == "fog  1\n"
    outcome = selecting("select", "SELECT sky FROM o", f"{container}/*")
    assert outcome.status == 6
    assert f"{container}/d: ValueError: JSON lines, but the query reads CSV" in one_line(outcome)
    assert "no column n; there are: sky" in selecting("select", "SELECT n FROM o", f"{container}/[abd]").err
    outcome = selecting("select", "SELECT * FROM o", f"{container}/[ab]")
    assert (outcome.status, one_line(outcome)) == (
        2,
        "the objects have no columns, so * stands for nothing",
    )


def test_dry_run_shows_the_request_for_the_columns(selecting: Runner, weather: str) -> None:
    """The others depend on its answer."""
    outcome = selecting("select", "SELECT n FROM o", weather, "--dry-run", "--json")
    (request,) = outcome.json["requests"]
    assert (request["method"], request["url"].partition("/AUTH_")[2].partition("/")[2]) == (
        "GET",
        "selected/weather/0.csv",
    )
    assert request["headers"]["X-Run-Storlet"] == "std_select.py"
    assert request["headers"]["X-Auth-Token"] == "(hidden)"


def test_query_may_come_from_a_body(selecting: Runner, weather: str, tmp_path: Path) -> None:
    """A heredoc, or standard input."""
    script = f"select {weather} --format value <<EOF\nSELECT count(*)\nFROM o\nEOF\n"
    assert selecting("-f", "-", stdin=script.encode()).text == "36\n"
    outcome = selecting("select", "-", weather, stdin=b"SELECT max(n) FROM o")
    assert outcome.text == "36\n", outcome.err


def test_explain_tells_what_runs_where(selecting: Runner, weather: str) -> None:
    """And reads three objects at most, to estimate what moves."""
    query = (
        "SELECT sky, count(*) AS c FROM o WHERE n > 3 AND hex(sky) <> '' GROUP BY sky HAVING c > 1 ORDER BY c LIMIT 3"
    )
    explained = selecting("select", query, weather, "--explain", "--json").json
    assert explained["at_the_data"] == ["columns sky, n", "WHERE in part"]
    assert explained["here"] == ["WHERE", "GROUP BY", "aggregates", "HAVING", "ORDER BY", "LIMIT"]
    assert explained["bytes"] == sum(map(len, PARTS))
    assert explained["measured"] == [f"path:/selected/weather/{number}.csv" for number in (0, 1, 3)]
    assert explained["measured_bytes"] == sum(len(PARTS[number]) for number in (0, 1, 3))
    rate = explained["measured_moved"] / explained["measured_bytes"]
    assert explained["estimated_moved"] == round(rate * explained["bytes"])
    pushed = selecting("select", "SELECT sky, avg(n) FROM o WHERE n > 3 GROUP BY sky", weather, "--explain").text
    assert "at the data: columns sky, n; WHERE; groups; aggregates avg\n" in pushed
    assert "here: merging the groups of 4 objects\n" in pushed
    summed = selecting("select", "SELECT avg(n) FROM o HAVING count(*) > 1", weather, "--explain").text
    assert "here: merging the aggregates of 4 objects, HAVING\n" in summed


def test_csv_is_described_by_options(selecting: Runner, container: str) -> None:
    """Without a header, with other delimiters and quotes, compressed, with a byte order mark."""
    selecting("upload", f"{container}/a", stdin=b"1;'x;y'\n2;z\n")
    line = ("select", "SELECT _2, _1 FROM o", f"{container}/a", "--no-header", "--delimiter", ";", "--quote", "'")
    assert selecting(*line).text == "x;y  1\nz    2\n"
    selecting("upload", f"{container}/b", stdin=b"\xef\xbb\xbfname\tn\nx\t1\n")
    assert selecting("select", "SELECT name, n FROM o", f"{container}/b", "--delimiter", "tab").text == "x  1\n"
    selecting("upload", f"{container}/c", stdin=gzip.compress(b"name,n\nx,1\n"))
    assert selecting("select", "SELECT n FROM o", f"{container}/c").text == "1\n"
    assert "delimiter must be one character" in one_line(
        selecting("select", "SELECT 1 FROM o", "c/d", "--delimiter", "ab")
    )


def test_json_lines_are_read(selecting: Runner, container: str) -> None:
    """Their values have types of their own; a missing key is NULL."""
    rows = [("x", 1.5, None), ("y", True, "7"), (None, 2, {"deep": 1})]
    selecting("upload", f"{container}/a", stdin=as_json(("name", "n", "v"), rows) + b'{"name": "z"}\n')
    outcome = selecting("select", "SELECT name, n, v, typeof(v) AS t FROM o", f"{container}/a", "--json")
    assert [tuple(row.values()) for row in outcome.json["rows"]] == [
        ("x", 1.5, None, "null"),
        ("y", 1, 7, "integer"),
        (None, 2, '{"deep":1}', "text"),
        ("z", None, None, "null"),
    ]


def test_malformed_rows_are_left_out_and_named(selecting: Runner, container: str) -> None:
    """With a warning, or as an error."""
    selecting("upload", f"{container}/a.csv", stdin=b"a,b\n1,2\n3\n4,5,6\n7,8\n")
    outcome = selecting("select", "SELECT sum(a) FROM o", f"{container}/a.csv")
    assert outcome.text == "8\n"
    assert f"warning: 2 malformed rows left out; first: {container}/a.csv row 2: " in outcome.err
    strict = selecting("select", "SELECT sum(a) FROM o", f"{container}/a.csv", "--strict")
    assert strict.status == 6
    assert "row 2: " in one_line(strict)


def test_query_for_everything_is_warned_of(selecting: Runner, weather: str) -> None:
    """With the bytes that it moves."""
    outcome = selecting("select", "SELECT * FROM o", weather)
    assert "brings back every column of every row, about 1.1 KiB" in outcome.err
    for query in (
        "SELECT * FROM o WHERE n > 3",
        "SELECT city FROM o",
        "SELECT count(*) FROM o",
        "SELECT * FROM o LIMIT 3",
    ):
        assert "every column" not in selecting("select", query, weather).err


REFUSED = {
    "SELECT a,, b FROM o": (2, "unexpected , (line 1, column 10)"),
    "SELECT lest FROM o": (2, "no column lest; there are: city, sky, degrees, note, n"),
    "SELECT n FROM o; SELECT n FROM o": (2, "one query at a time"),
    "SELECT order FROM o": (2, 'needs double quotes: "order"'),
    "SELECT 'n FROM o": (2, "unclosed quote (line 1, column 8)"),
    "DELETE FROM o": (2, "a query starts with SELECT"),
    "SELECT sum(9223372036854775807) FROM o": (1, "sum: integer overflow"),
    "SELECT abs(-9223372036854775808) FROM o": (6, "integer overflow"),
    "SELECT json(note) FROM o": (1, "SQLite can't run the query: malformed JSON"),
}


@pytest.mark.parametrize("query", REFUSED)
def test_bad_query_is_one_line(selecting: Runner, weather: str, query: str) -> None:
    """With its exit status, and nothing on standard output."""
    status, message = REFUSED[query]
    outcome = selecting("select", query, weather)
    assert message in one_line(outcome)
    assert outcome.status == status
    assert not outcome.out


def test_objects_that_do_not_fit_end_the_query(selecting: Runner, container: str) -> None:
    """Another format, a missing column, bytes that are no table; in one line, and nothing is shown."""
    selecting("upload", f"{container}/a.csv", stdin=b"a,b\n1,2\n")
    others = {
        "json": (b'{"a": 1}\n', "JSON lines, but the query reads CSV"),
        "lacks": (b"a,c\n1,2\n", "no column b; there are: a, c"),
        "binary": (b"\x00\xff\xfe" * 100, "header: not UTF-8"),
    }
    for name, (content, message) in others.items():
        selecting("upload", f"{container}/b.{name}", stdin=content)
        outcome = selecting("select", "SELECT count(b) FROM o", f"{container}/{{a.csv,b.{name}}}")
        assert message in one_line(outcome)
        assert f"path:/{container}/b.{name}" in one_line(outcome)
        assert (outcome.status, outcome.out) == (6, b"")
        allowed = selecting("select", "SELECT count(b) FROM o", f"{container}/{{a.csv,b.{name}}}", "--allow-failures")
        assert (allowed.status, allowed.text) == (0, "1\n")
        assert message in allowed.err
    missing = selecting("select", "SELECT a FROM o", f"{container}/none*")
    assert (missing.status, one_line(missing)) == (4, f"path:/{container}/none*: no object matches")


def test_empty_objects_have_no_rows(selecting: Runner, container: str) -> None:
    """Alone, they have the columns that the query names."""
    selecting("upload", f"{container}/a", stdin=b"")
    assert (
        selecting("select", "SELECT count(*), sum(x) FROM o WHERE x > 1", f"{container}/a").text
        == "0  \n".rstrip(" \n") + "\n"
    )
    selecting("upload", f"{container}/b", stdin=b"x\n2\n3\n")
    assert selecting("select", "SELECT count(*), sum(x) FROM o", f"{container}/*").text == "2  5\n"
    assert "no columns" in one_line(selecting("select", "SELECT * FROM o", f"{container}/a"))


def test_long_query_travels_as_an_object(selecting: Runner, weather: str) -> None:
    """In a container that is deleted at the end."""
    query = f"SELECT count(*) FROM o WHERE n IN ({', '.join(map(str, range(2000)))})"
    outcome = selecting("select", query, weather)
    assert outcome.text == "36\n", outcome.err
    assert "scratch" not in selecting("ls").text


def test_journal_has_its_own_file(selecting: Runner, weather: str, tmp_path: Path) -> None:
    """The saved rows would replace it."""
    line = ("select", "SELECT n FROM o", weather, "--save", f"{tmp_path}/n", "--journal", f"{tmp_path}/./n")
    outcome = selecting(*line)
    assert outcome.status == 2
    assert "the journal needs its own file, not that of the result" in one_line(outcome)
    assert list(tmp_path.iterdir()) == []


def test_query_is_resumed_from_a_journal(selecting: Runner, container: str, tmp_path: Path) -> None:
    """Objects that were read before aren't read again."""
    for name in "ab":
        selecting("upload", f"{container}/{name}.csv", stdin=f"x\n{ord(name)}\n".encode())
    line = ("select", "SELECT sum(x) FROM o", f"{container}/*.csv", "--journal", str(tmp_path / "j"), "--json")
    assert selecting(*line).json["rows"] == [{"sum(x)": 97 + 98}]
    selecting("rm", "-y", f"{container}/a.csv")
    selecting("upload", f"{container}/a.csv", stdin=b"x\n1000\n")
    again = selecting(*line)
    assert again.json["rows"] == [{"sum(x)": 97 + 98}], again.err
    other = selecting("select", "SELECT max(x) FROM o", f"{container}/*.csv", "--journal", str(tmp_path / "j"))
    assert "belongs to another batch (storlet was std_select.py with the plan " in one_line(other)


def test_long_query_is_resumed_from_a_journal(selecting: Runner, container: str, tmp_path: Path) -> None:
    """The object in which its plan travels isn't part of what the journal compares."""
    selecting("upload", f"{container}/a.csv", stdin=b"x\n1\n")
    many = ", ".join(map(str, range(2000)))
    line = ("select", f"SELECT sum(x) FROM o WHERE x IN ({many})", f"{container}/*", "--journal", str(tmp_path / "j"))
    assert selecting(*line).text == "1\n"
    selecting("upload", f"{container}/b.csv", stdin=b"x\n2\n")
    again = selecting(*line, "--json").json
    assert (again["rows"], again["objects"]) == ([{"sum(x)": 3}], 2)
    other = selecting(*line[:1], line[1].replace("0, 1,", "1,"), *line[2:])
    assert "belongs to another batch" in one_line(other)


def test_programs_get_a_table(selecting: Runner, weather: str, swift: control.Running) -> None:
    """With rows by name, data frames, and errors as anywhere."""
    environ = {"ST_AUTH": swift.auth_url, "ST_USER": swift.user, "ST_KEY": swift.key}
    with storlet_shell.connect(environ=environ) as store:
        table = store.select("SELECT sky, count(*) AS c FROM o GROUP BY sky ORDER BY c DESC", weather, jobs=2)
        assert table.columns == ("sky", "c")
        assert (table[0].sky, table[0].c, len(table)) == ("clear", 14, 10)
        assert table.dataframe("pandas")["c"].sum() == 36
        frame = store.select("SELECT degrees FROM o WHERE n IN (8, 24)", weather).dataframe("pandas")
        assert frame["degrees"].sum() == 10
        with pytest.raises(UsageError):
            store.select("SELECT", weather)
        with pytest.raises(UsageError):
            store.select("SELECT n FROM o", weather, delimiter="ab")
        with pytest.raises(NotFoundError):
            store.select("SELECT n FROM o", "selected/nothing*")
