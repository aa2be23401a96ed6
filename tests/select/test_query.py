"""The text of a query: what is refused, with its place, and what is kept."""

from __future__ import annotations

import pytest

from storlet_shell.errors import UsageError
from storlet_shell.select.statement.binding import bind, check_early
from storlet_shell.select.statement.query import parse_query
from storlet_shell.select.statement.tree import Binary, Column, Literal

COLUMNS = ["sky", "degrees", "Name", "name", "two words"]

REFUSED = {
    "": "the query is empty",
    "  -- only a comment": "the query is empty",
    "SELECT a,, b FROM o": "unexpected , (line 1, column 10)",
    "SELECT FROM o": "unexpected FROM (line 1, column 8)",
    "SELECT sky\nFROM o\nWHERE degrees = = 3": "unexpected = (line 3, column 17)",
    "SELECT 'sky FROM o": "unclosed quote (line 1, column 8)",
    'SELECT "sky FROM o': "unclosed quote (line 1, column 8)",
    "SELECT sky FROM o WHERE sky = 'it's'": "unexpected s (line 1, column 35)",
    "SELECT sky FROM o WHERE qualify": "unsupported syntax",
    "SELECT # FROM o": "unknown token # (line 1, column 8)",
    "SELECT sky FROM o WHERE": "it ends too early (line 1, column 24)",
    "SELECT sky FROM o GROUP": "it ends too early (line 1, column 24)",
    "SELECT count(* FROM o": "unexpected FROM (line 1, column 16)",
    "SELECT order FROM o": 'unexpected order (line 1, column 8); a column of that name needs double quotes: "order"',
    "SELECT sky FROM o ORDER BY group": "unexpected group (line 1, column 28); a column of",
    "SELECT sky a b FROM o": "unexpected b (line 1, column 14)",
    "SELECT sky FROM o; SELECT degrees FROM o": "one query at a time; another one starts at line 1, column 20",
    "DELETE FROM o": "DELETE: a query starts with SELECT",
    "PRAGMA user_version": "PRAGMA: a query starts with SELECT",
    "WITH x AS (SELECT 1) SELECT * FROM x": "WITH isn't supported",
    "SELECT sky FROM o UNION SELECT degrees FROM o": "without UNION, INTERSECT or EXCEPT",
    "SELECT 1": "FROM is missing",
    "SELECT sky FROM o JOIN p ON 1": "doesn't support joins (line 1, column 19)",
    "SELECT sky FROM o, p": "doesn't support joins",
    "SELECT sky FROM (SELECT 1)": "doesn't support subqueries",
    "SELECT (SELECT 1) FROM o": "doesn't support subqueries",
    "SELECT sky IN (SELECT 1) FROM o": "doesn't support subqueries",
    "SELECT EXISTS (SELECT 1) FROM o": "doesn't support subqueries",
    "SELECT row_number() OVER () FROM o": "doesn't support window functions (OVER) (line 1, column 21)",
    "SELECT sky COLLATE nocase FROM o": "doesn't support COLLATE (line 1, column 12)",
    "SELECT sky FROM o WHERE degrees > ?": "doesn't support parameters",
    "SELECT :x FROM o": "doesn't support parameters",
    "SELECT x'00' FROM o": "doesn't support blobs",
    "SELECT (sky, degrees) IN ((1, 2)) FROM o": "doesn't support row values",
    "SELECT sky REGEXP 'a' FROM o": "doesn't support REGEXP",
    "SELECT sky->'a' FROM o": "doesn't support the operator ->",
    "SELECT CAST(sky AS BLOB) FROM o": "CAST to BLOB isn't supported",
    "SELECT sky FROM main.o": "FROM takes one name",
    "SELECT sky FROM generate_series(1, 2)": "FROM takes one name",
    "SELECT sky = degrees LIKE 'x' FROM o": "put the part with LIKE in parentheses: without them, SQLite",
    "SELECT sky FROM o LIMIT 'x'": "LIMIT takes a number",
    "SELECT foo(sky) FROM o": "no such function: foo",
    "SELECT abs(sky, degrees) FROM o": "wrong number of arguments to function abs()",
    "SELECT sky FROM o WHERE count(*) > 1": "misuse of aggregate",
    "SELECT sum(sum(degrees)) FROM o": "misuse of aggregate",
    "SELECT sky FROM o HAVING sky": "HAVING clause on a non-aggregate query",
    f"SELECT {'(' * 600}1{')' * 600} FROM o": "nested too deeply",
}


@pytest.mark.parametrize("query", REFUSED)
def test_query_is_refused_by_name(query: str) -> None:
    """In one line, with the place where one is known, before anything is sent."""
    with pytest.raises(UsageError) as caught:
        check_early(parse_query(query))
    assert REFUSED[query] in str(caught.value)
    assert "\n" not in str(caught.value)


UNBOUND = {
    "SELECT lest FROM o": "no column lest; there are: sky, degrees, Name, name, two words (line 1, column 8)",
    'SELECT sky FROM o WHERE sky = "fog"': "text needs single quotes: 'fog' (line 1, column 31)",
    "SELECT NAME FROM o": 'column NAME could be any of "Name", "name"; spell it as there (line 1, column 8)',
    "SELECT p.sky FROM o": "p.sky: FROM names o (line 1, column 8)",
    "SELECT o.sky FROM o AS p": "o.sky: FROM names p",
    "SELECT p.*, sky FROM o": "p.*: FROM names o (line 1, column 8)",
    "SELECT sky FROM o ORDER BY -1": "ORDER BY -1: the result has 1 column",
    "SELECT sky FROM o ORDER BY 2": "ORDER BY 2: the result has 1 column",
    "SELECT sky FROM o GROUP BY 0": "GROUP BY 0: the result has 1 column",
    "SELECT count(*) AS lest FROM o WHERE lest > 1": "misuse of aggregate",
}


@pytest.mark.parametrize("query", UNBOUND)
def test_unknown_name_is_refused(query: str) -> None:
    """With the columns that there are."""
    with pytest.raises(UsageError) as caught:
        bind(parse_query(query), COLUMNS)
    assert UNBOUND[query] in str(caught.value)


def test_columns_that_occur_twice_cannot_be_selected() -> None:
    """Nor does * stand for them; the others can."""
    for items in ("a", "*", "A"):
        with pytest.raises(UsageError, match=r'^column "a" occurs 2 times in the header; only the other columns'):
            bind(parse_query(f"SELECT {items} FROM o"), ["a", "b", "a"])
    with pytest.raises(UsageError, match=r'^column "" occurs 2 times'):
        bind(parse_query("SELECT * FROM o"), ["b", "", ""])
    assert bind(parse_query("SELECT b FROM o"), ["a", "b", "a", "", ""]).columns == ("b",)


def test_names_match_exactly_and_then_by_case() -> None:
    """A name in quotes is no exception, as in SQLite."""
    bound = bind(parse_query('SELECT SKY, "Degrees", name, [TWO words] FROM o'), COLUMNS)
    assert bound.columns == ("sky", "degrees", "name", "two words")


def test_result_columns_are_named_as_in_sqlite() -> None:
    """By their aliases, the columns' own names, or their texts; repeated ones get a number."""
    query = "SELECT SKY, degrees AS d, count( * ), 'a, b', sky IS DISTINCT FROM 'x', sky FROM o GROUP BY sky"
    names = [output.name for output in bind(parse_query(query), COLUMNS).outputs]
    assert names == ["sky", "d", "count( * )", "'a, b'", "sky IS DISTINCT FROM 'x'", "sky:1"]


def test_constants_are_exact() -> None:
    """The smallest integer included, whose digits alone are too large."""
    query = parse_query("SELECT -9223372036854775808, 9223372036854775808, 0x10, .5, 'it''s', NULL FROM o")
    values = [item.expression for item in query.items if item is not None]
    assert values == [Literal(value) for value in (-(2**63), 2.0**63, 16, 0.5, "it's", None)]


def test_true_is_a_column_if_there_is_one() -> None:
    """As in SQLite; otherwise it is 1. In double quotes, and with the table's name, it is always a column."""
    query = parse_query('SELECT true, false, "true", o.true, true IS true FROM o')
    column = Column(0)
    assert [output.expression for output in bind(query, ["True"]).outputs] == [
        *(column, Literal(0), column, column),
        Binary("is", column, column),
    ]
    assert bind(parse_query("SELECT true, sky AS false FROM o WHERE false"), COLUMNS).where == Column(0)


def test_keywords_can_be_columns() -> None:
    """A keyword in double quotes is a column; most keywords of other databases are plain names."""
    query = parse_query('SELECT "order", date, left, text, "qualify" FROM o')
    names = ["order", "date", "left", "text", "qualify"]
    assert [output.name for output in bind(query, names).outputs] == names
