"""The display of a response, the peek behind it, its lines, and its data frames."""

from __future__ import annotations

import io
import json
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from importlib import import_module

import pandas
import pytest

from storlet_shell.errors import IncompleteBodyError, StorletShellError, UsageError
from storlet_shell.results import Response, Table, frames

MIB = 2**20


def response(content: bytes | Iterator[bytes], kind: str = "", name: str = "o", **headers: str) -> Response:
    """Make a response with a body."""
    body = iter([content]) if isinstance(content, bytes) else content
    told = {"Content-Type": kind} if kind else {}
    return Response(200, {**told, **headers}, body, subject=f"path:/c/{name}", seconds=0.0123)


def shown(made: Response) -> tuple[str, str]:
    """Return how a response is shown: as text and as HTML."""
    bundle = made._repr_mimebundle_()
    return bundle["text/plain"], bundle["text/html"]


def png() -> bytes:
    """Return an image of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


# --- shown


def test_facts_come_first() -> None:
    """Status, type, size, time, what ran where; the headers are folded."""
    made = response(b"x", "text/plain", **{"X-A": "<b>"})
    made.ran = "through s.py on the proxy server"
    text, html = shown(made)
    assert text.splitlines()[0] == "path:/c/o · 200 OK · text/plain · 1 B · 12 ms · through s.py on the proxy server"
    assert "<details><summary>2 headers</summary>" in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    ("content", "kind", "name", "text", "html"),
    [
        (b"name,age\nann,3\n", "text/csv", "o", "name  age\nann     3", ">ann</td>"),
        (b"name,age\nann,3\n", "application/octet-stream", "o.csv", "name  age\nann     3", ">ann</td>"),
        (b"ann,3\nbo,4\n", "text/csv", "o", "ann  3\nbo   4", "<table><tbody><tr><td"),
        (b"\n", "text/csv", "o", "1 B", "<pre"),
        (b"a\tb\n<i>\t2\n", "text/tab-separated-values", "o", "a    b\n<i>  2", ">&lt;i&gt;</td>"),
        (b"one\n<two>\n", "text/plain; charset=utf-8", "o", "one\n<two>", "&lt;two&gt;"),
        (b'{"a": [1, "<x>"]}', "application/json", "o", '"<x>"', "<code>a</code>"),
        (b"{no json", "application/json", "o", "{no json", "{no json"),
        (png(), "image/png", "o", "(an image: image/png", '<img style="max-width:100%" alt="o"'),
        (b"\x00\x01\xff", "application/x-y", "o", "00000000  00 01 ff", "3 B"),
        (b"", "text/plain", "o", "(an empty body)", "an empty body"),
        ("grün\n".encode("latin-1"), "text/plain; charset=latin-1", "o", "grün", "grün"),
    ],
    ids=[
        "CSV",
        "by name",
        "headless",
        "no rows",
        "tabs",
        "text",
        "JSON",
        "no JSON",
        "image",
        "bytes",
        "empty",
        "charset",
    ],
)
def test_content_is_shown_by_its_type(content: bytes, kind: str, name: str, text: str, html: str) -> None:
    """Show a table, a tree, an image, text, or a dump."""
    as_text, as_html = shown(response(content, kind, name))
    assert text in as_text
    assert html in as_html


@pytest.mark.parametrize(
    ("content", "kind", "note"),
    [
        (b"n\n" + b"1\n" * 100, "text/csv", "20 of 100 rows"),
        (b"line\n" * 100, "text/plain", "20 of 100 lines"),
        (b"x" * 1000, "text/plain", "cut: lines of over 400 characters"),
        (b"line\n" * MIB, "text/plain", "cut: only the start of 5.0 MiB is shown"),
        (b"1,2\n" * 100, "text/csv", "20 of 100 rows"),
        (b"1,2\n" * MIB, "text/csv", "the first 20 rows of 4.0 MiB"),
        (json.dumps(list(range(100))).encode(), "application/json", "50 of 100 items"),
        (b"\x00" * 1000, "application/x-y", "cut: the first 128 bytes of 1000 B"),
        (b"\x00" * MIB, "application/x-y", "cut: the first 128 bytes of 1.0 MiB"),
        ((",".join(map(str, range(99))) + "\n").encode(), "text/csv", "30 of 99 columns"),
    ],
)
def test_what_is_cut_says_so(content: bytes, kind: str, note: str) -> None:
    """The message describes it, next to the part that is shown."""
    made = response(content, kind, **{"Content-Length": str(len(content))})
    assert note in shown(made)[1]


def test_showing_uses_nothing_up() -> None:
    """The body can be shown again, read and saved afterwards."""
    made = response(iter([b"a" * 50_000] * 10), "text/plain")
    assert shown(made) == shown(made)
    assert made.content == b"a" * 500_000


def test_large_body_is_not_loaded() -> None:
    """Read only the start of a body of one GiB."""
    taken = []

    def chunks() -> Iterator[bytes]:
        for number in range(16 * 1024):
            taken.append(number)
            yield b"x" * 65536

    tracemalloc.start()
    try:
        text, _ = shown(response(chunks(), "text/plain", **{"Content-Length": str(1024 * MIB)}))
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()
    assert "1.0 GiB" in text
    assert len(taken) <= 3


def test_body_that_is_gone_is_said_to_be() -> None:
    """Streamed away, it does not keep the rest from being shown."""
    made = response(b"text", "text/plain")
    list(made)
    assert "was read before and not kept" in shown(made)[0]


def test_long_table_shows_its_head_and_keeps_the_rest() -> None:
    """A listing of a million rows is shown in part, and can still be read whole."""
    table = Table(("n",), ((number,) for number in range(100_000)))
    assert "the first 200 rows; there are more" in table._repr_mimebundle_()["text/html"]
    assert sum(1 for _ in table.rows()) == 100_000


# --- peek


def test_broken_body_stays_broken_after_a_peek() -> None:
    """A preview doesn't make a truncated body look complete."""

    def cut() -> Iterator[bytes]:
        yield b"half"
        raise IncompleteBodyError("cut")

    made = response(cut())
    for read in (lambda: made.peek(100), lambda: made.peek(100), lambda: made.content):
        with pytest.raises(IncompleteBodyError):
            read()


def test_interrupted_read_closes_the_connection() -> None:
    """Ctrl-C frees it, and what is left is not taken for the end."""
    closed = []

    def chunks() -> Iterator[bytes]:
        yield b"x" * 10
        raise KeyboardInterrupt

    made = Response(200, {}, chunks(), subject="o", close=lambda: closed.append(1))
    with pytest.raises(KeyboardInterrupt):
        made.peek(100)
    assert closed
    with pytest.raises(StorletShellError, match="interrupted"):
        made.content  # noqa: B018  reading is what is tested


# --- lines


@pytest.mark.parametrize(
    ("chunks", "kind", "lines"),
    [
        ([b"a\nb\n"], "", ["a", "b"]),
        ([b"a\r", b"\nb"], "", ["a", "b"]),
        ([b"\xc3", b"\xbc\n"], "text/plain", ["ü"]),
        (["ü\n".encode("utf-16")], "text/plain; charset=utf-16", ["ü"]),
        (["ü\n".encode(f"utf-16-{sys.byteorder[0]}e")], "text/plain; charset=utf-16", ["ü"]),
        ([b"", b"\n\n"], "", ["", ""]),
        ([], "", []),
    ],
)
def test_lines_are_text_without_their_ends(chunks: list[bytes], kind: str, lines: list[str]) -> None:
    """Decoded as they arrive, wherever the chunks end."""
    assert list(response(iter(chunks), kind).lines()) == lines


# --- data frames


@pytest.mark.parametrize(
    ("content", "kind", "name"),
    [
        (b"a,b\n1,x\n2,y\n", "text/csv", "o"),
        (b"a\tb\n1\tx\n2\ty\n", "text/tab-separated-values", "o"),
        (b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n', "application/x-ndjson", "o"),
        (b'[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]', "application/json", "o"),
        (b"a,b\n1,x\n2,y\n", "application/octet-stream", "o.csv"),
        (b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n', "", "o.jsonl"),
    ],
    ids=["CSV", "tabs", "JSON lines", "JSON", "CSV by name", "JSON lines by name"],
)
def test_body_becomes_a_data_frame(content: bytes, kind: str, name: str) -> None:
    """By content type, or else by the object's name."""
    frame = response(content, kind, name).dataframe()
    assert frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_parquet_becomes_a_data_frame(library: str) -> None:
    """Both libraries read it."""
    file = io.BytesIO()
    import_module("polars").DataFrame({"a": [1, 2]}).write_parquet(file)
    frame = response(file.getvalue(), "application/vnd.apache.parquet").dataframe(library)
    assert list(frame["a"]) == [1, 2]
    assert type(frame).__module__.split(".")[0] == library


def test_options_go_to_the_reader() -> None:
    """Pass options on under the library's own names."""
    assert response(b"a;b\n1;2\n", "text/csv").dataframe(sep=";").shape == (1, 2)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"x", "image/png"), (b"", "text/csv"), (b"{", "application/json"), (b"no", "application/x-parquet")],
)
def test_what_is_no_data_is_one_line(content: bytes, kind: str) -> None:
    """The type, or what the library says."""
    with pytest.raises(StorletShellError) as caught:
        response(content, kind).dataframe()
    assert "\n" not in str(caught.value)


def test_unknown_library_is_a_usage_error() -> None:
    """The message names the known ones."""
    with pytest.raises(UsageError, match="pandas and polars"):
        response(b"a\n1\n", "text/csv").dataframe("dask")


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pandas and polars the line says what to install."""

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(frames.importlib, "import_module", missing)
    with pytest.raises(StorletShellError, match="pip install pandas"):
        response(b"a\n1\n", "text/csv").dataframe()


def test_pandas_is_preferred() -> None:
    """Where both are installed."""
    assert isinstance(response(b"a\n1\n", "text/csv").dataframe(), pandas.DataFrame)
