"""Previews of bodies and tables on the page of a notebook: what is shown, what is exported, and what is escaped."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import re
from importlib import import_module
from typing import Any

import pytest
from markdown_it import MarkdownIt

from storlet_shell.results import Field, Report, Response, Table
from storlet_shell.results.page import binary
from tests.results.test_display import png, response, shown


def as_parquet(frame: Any) -> bytes:
    """Return a frame of polars as the content of a Parquet file."""
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def as_arrow(frame: Any) -> bytes:
    """Return it as the content of an Arrow file."""
    file = io.BytesIO()
    frame.write_ipc(file)
    return file.getvalue()


def as_stream(frame: Any) -> bytes:
    """Return it as a stream of Arrow."""
    file = io.BytesIO()
    frame.write_ipc_stream(file)
    return file.getvalue()


def as_lines(frame: Any) -> bytes:
    """Return it as JSON lines."""
    return str(frame.write_ndjson()).encode()


def stations(count: int) -> Any:
    """Return a frame of polars with a text, a number, and a list, where every third number is missing."""
    numbers = range(count)
    columns = {"city": [f"<c{number}>" for number in numbers], "degrees": [number / 2 for number in numbers]}
    frame = import_module("polars").DataFrame({**columns, "tags": [["a", "b"] for _ in numbers]})
    return frame.with_columns(import_module("polars").Series("degrees", [n / 2 if n % 3 else None for n in numbers]))


# --- tables in bodies


@pytest.mark.slow  # imports pyarrow
@pytest.mark.parametrize(
    ("write", "name", "types"),
    [
        (as_parquet, "o.parquet", ("string", "double", "list&lt;string&gt;")),
        (as_arrow, "o.arrow", ("string", "double", "list&lt;string&gt;")),
        (as_arrow, "o.feather", ("string", "double", "list&lt;string&gt;")),
        (as_stream, "o.arrow", ("string", "double", "list&lt;string&gt;")),
        (as_lines, "o.jsonl", ("string", "number", "array")),
        (lambda frame: gzip.compress(as_lines(frame)), "o.ndjson.gz", ("string", "number", "array")),
        (lambda frame: bz2.compress(as_parquet(frame)), "o.parquet.bz2", ("string", "double", "list&lt;string&gt;")),
    ],
)
def test_typed_table_is_shown_with_its_types(write: Any, name: str, types: tuple[str, ...]) -> None:
    """Names, types, the first rows, missing values, and how many rows there are; numbers are right-aligned."""
    text, page = shown(response(write(stations(50)), "application/octet-stream", name))
    assert re.search(r"\n\(20 of 50 rows\)$", text)
    assert all(f">{kind}</small></th>" in page for kind in types)
    assert re.search(r'<th scope="col" style="text-align:right[^>]*>degrees', page)
    assert re.search(r'<td style="text-align:right[^>]*>9.5</td>', page)
    assert ">&lt;c19&gt;</td>" in page
    assert "c20" not in page
    assert "<i>null</i>" in page
    assert "[&quot;a&quot;, &quot;b&quot;]" in page


@pytest.mark.slow
def test_polars_reads_where_pyarrow_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are the same; without both, the preview says what to install."""
    real = import_module

    def without(*names: str) -> Any:
        def load(name: str) -> Any:
            if name.partition(".")[0] in names:
                raise ModuleNotFoundError(name=name)
            return real(name)

        return load

    content = as_parquet(stations(3))
    monkeypatch.setattr(binary.importlib, "import_module", without("pyarrow"))
    assert ">&lt;c2&gt;</td>" in shown(response(content, "", "o.parquet"))[1]
    monkeypatch.setattr(binary.importlib, "import_module", without("pyarrow", "polars"))
    assert "install pyarrow or polars" in shown(response(content, "", "o.parquet"))[0]


@pytest.mark.slow
@pytest.mark.parametrize(("start", "name"), [(b"PAR1", "o.parquet"), (b"ARROW1\x00\x00", "o.arrow")])
def test_damaged_table_is_one_line(start: bytes, name: str) -> None:
    """What the library says of it; the rest of the page is there."""
    text, page = shown(response(start + b"\xff" * 100, "", name))
    assert text.count("\n") == 1
    assert " that can&#x27;t be read: " in page


@pytest.mark.parametrize(
    ("content", "name", "remark"),
    [
        (b"plain\n", "o.parquet", "plain"),
        (b'{"a": 1}\nno json\n', "o.jsonl", "no json"),
        (b"[1]\n[2]\n", "o.jsonl", "[2]"),
        (b'a,b\n"1\n2",x\n', "o.csv", "1\\n2"),
    ],
)
def test_body_that_is_not_what_its_name_says_is_shown_as_it_is(content: bytes, name: str, remark: str) -> None:
    """Text stays text; a line end in a cell is no row."""
    assert remark in shown(response(content, "application/octet-stream", name))[0]


def test_large_parquet_is_not_fetched() -> None:
    """Its description is at its end, so only its start is read, and the line says how to read it all."""
    fetched = []

    def chunks() -> Any:
        for number in range(1000):
            fetched.append(number)
            yield (b"PAR1" if not number else b"") + b"\x00" * 65536

    made = response(chunks(), "", "o.parquet", **{"Content-Length": str(1000 * 65536)})
    assert "(Parquet, 62.5 MiB: too large for a preview; dataframe() reads it)" in shown(made)[0]
    assert len(fetched) <= 3


@pytest.mark.slow
@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("write", [as_arrow, as_stream])
def test_arrow_becomes_a_data_frame(write: Any, library: str) -> None:
    """A file and a stream of it."""
    frame = response(write(stations(3).select("degrees")), "", "o.arrow").dataframe(library)
    assert list(frame["degrees"])[1:] == [0.5, 1.0]
    assert type(frame).__module__.split(".")[0] == library


# --- trees, documents, code, images


def test_closed_nodes_of_a_tree_say_what_is_in_them() -> None:
    """Names of objects in a list, and the first items of an object; large nodes are closed at first."""
    value = {"stations": [{"id": number, "city": "<x>"} for number in range(30)], "where": {"x": {"lat": 1, "lon": 2}}}
    _, page = shown(response(json.dumps(value).encode(), "application/json"))
    assert re.search(r"<details><summary><code>stations</code>: \[30\]<small[^>]*> \{id, city\}, \{id, city\}, ", page)
    assert re.search(r"<details><summary><code>x</code>: \{2\}<small[^>]*> lat: 1, lon: 2</small>", page)
    assert re.search(r"<details open><summary><code>where</code>", page)
    assert "<x>" not in page


def test_markdown_is_rendered_and_can_not_act() -> None:
    """Headings and tables are; its HTML is text, its links lead elsewhere only, and its images aren't loaded."""
    text = "# Head\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1))\n"
    text += "[y](/api)\n![z](http://127.0.0.1/z.png)\n<https://example.org>\n\n```python\nimport os\n```\n~~~\n<b>\n"
    bundle = response(text.encode(), "text/markdown")._repr_mimebundle_()
    page = bundle["text/html"]
    assert "<h1>Head</h1>" in page
    assert "<td>1</td>" in page
    assert ">import</span>" in page
    assert re.findall(r'(?:href|src)="([^"]*)"', page) == ["https://example.org"]
    assert not re.search("<(script|img|b)[ >]", page)
    fences = [token for token in MarkdownIt().parse(bundle["text/markdown"]) if token.type == "fence"]
    assert [fence.content for fence in fences] == [text]


def test_code_is_highlighted_by_its_name() -> None:
    """In the notebook's own colors; plain text and a body that isn't what its name says have none."""
    code = b"def f(x):\n    return '<b>'\n"
    _, page = shown(response(code, "text/x-python", "warm.py"))
    assert re.search(r'<span style="color:var\(--jp-mirror-editor-keyword-color,#\w+\)">def</span>', page)
    assert "&lt;b&gt;" in page
    for name, kind in (("notes.txt", "text/plain"), ("o", ""), ("o.json", "application/json")):
        assert "<span" not in shown(response(code, kind, name))[1]


@pytest.mark.parametrize(("kind", "exported"), [("image/png", True), ("image/jpeg", True), ("image/svg+xml", False)])
def test_image_has_a_name_and_is_exported(kind: str, *, exported: bool) -> None:
    """The bundle holds the image itself, where every export can; its text is the object's name."""
    bundle = response(png(), kind, '"sky".png')._repr_mimebundle_()
    assert 'alt="&quot;sky&quot;.png"' in bundle["text/html"]
    assert (base64.b64decode(bundle.get(kind, "")) == png()) == exported
    assert "<" not in bundle["text/markdown"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("text/plain", "o"), ("text/x-python", "o.py"), ("text/markdown", "o.md"), ("image/png", "o.csv")],
)
def test_body_stays_html_in_an_export_to_markdown(kind: str, name: str) -> None:
    """Text after an empty line, or at the start of a line, isn't taken for Markdown."""
    page = shown(response(b"first\n\n# head\n\n    ![x](http://127.0.0.1/x.png)\n\n```\na\n\nb\n```\n", kind, name))[1]
    assert [token.type for token in MarkdownIt().parse(f"\n{page}\n")] == ["html_block"]


# --- tables


def test_page_hides_columns_in_which_there_is_nothing() -> None:
    """Unless there are no rows, or the columns are those of a query."""
    columns = [Field("name"), Field("error"), Field("seconds", is_number=True)]
    page = Table(columns, [("a", None, 1), ("b", "", 2)])._repr_mimebundle_()["text/html"]
    assert "error" not in page
    assert re.search(r'<td style="text-align:right[^>]*>1</td>', page)
    assert "error" in Table(columns, [])._repr_mimebundle_()["text/html"]
    assert "error" in Table([Field("error", is_data=True)], [(None,)])._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(("rows", "is_shown"), [([], True), ([("a",)], False)])
def test_page_says_that_a_listing_is_empty(rows: list[tuple[str]], is_shown: bool) -> None:
    """Below the headings, in each form of the page."""
    for bundle in (Table(["name"], source, empty="no names")._repr_mimebundle_() for source in (rows, iter(rows))):
        assert all(("no names" in text) == is_shown for text in bundle.values())


def test_page_shows_sizes_for_people_and_folds_transactions() -> None:
    """The exact size is a remark; the plain text keeps both as they are."""
    columns = [Field("bytes", is_size=True), Field("transaction")]
    bundle = Table(columns, [(14_472_345, "tx1234567890abcdef")])._repr_mimebundle_()
    assert re.search(r'<td [^>]* title="14,472,345 bytes">13.8 MiB</td>', bundle["text/html"])
    assert "<details><summary>tx123456…</summary>tx1234567890abcdef</details>" in bundle["text/html"]
    assert bundle["text/plain"] == "14472345  tx1234567890abcdef"


def test_page_keeps_the_lines_of_a_log() -> None:
    """It is a block of text with escaped control characters; in Markdown, it is on one line."""
    bundle = Table(["n", Field("text", is_block=True)], [(1, "<a>\n  b\x1b\n")])._repr_mimebundle_()
    assert re.search(r"<td[^>]*><pre [^>]*>&lt;a&gt;&#10;  b\\x1b</pre></td>", bundle["text/html"])
    assert bundle["text/markdown"].splitlines()[-1] == r"| 1 | \<a\> b\\x1b |"


def test_long_table_says_how_many_rows_there_are() -> None:
    """If that is known."""
    table = Table(("n",), ((number,) for number in range(500)))
    table.keep()
    assert table._repr_mimebundle_()["text/plain"].endswith("\n(200 of 500 rows)")


def test_report_is_a_table_of_facts() -> None:
    """Each label heads its row."""
    bundle = Report({"a": 1}, {"<a>": "<b>"})._repr_mimebundle_()
    assert re.search(r'<th scope="row"[^>]*>&lt;a&gt;</th><td[^>]*>&lt;b&gt;</td>', bundle["text/html"])


@pytest.mark.parametrize(
    "make",
    [
        lambda evil: Table(("name", "b"), [(evil, 1)]),
        lambda evil: Report({"name": evil}),
        lambda evil: response(f"a,b\n{json.dumps(evil)},2\n".replace('\\"', '""').encode(), "text/csv"),
    ],
)
def test_markdown_of_a_table_holds_text_only(make: Any) -> None:
    """Neither HTML nor TeX nor marks of Markdown come from a cell."""
    evil = "<b>|*x* `y` $z$ \\input{/etc/passwd} [l](u) _u_ ~~s~~ &lt; #1"
    made: Response | Table = make(evil)
    markdown = made._repr_mimebundle_()["text/markdown"]
    inline = [token for token in MarkdownIt("gfm-like", {"linkify": False}).parse(markdown) if token.type == "inline"]
    children = [child for token in inline[1 if isinstance(made, Response) else 0 :] for child in token.children or []]
    assert {child.type for child in children} <= {"text", "text_special", "softbreak"}
    assert "<b>|*x* `y` $z$ " in (text := "".join(child.content for child in children))
    assert "input{/etc/passwd} [l](u) _u_ ~~s~~ &lt; #1" in text
    assert not re.search(r"(?<!\\)[$<\\](?![\\!-~])", markdown)
