"""Bodies that are compressed, in other charsets, or begin with a byte order mark."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable

import pytest

from storlet_shell.errors import StorletShellError
from storlet_shell.results import Response
from storlet_shell.wire.media import type_of
from tests.support.lines import Runner

CSV = "name,place\nann,Grün\nbo,Öd\n"
FRAME = {"name": ["ann", "bo"], "place": ["Grün", "Öd"]}
MARK = b"\xef\xbb\xbf"


def response(content: bytes, kind: str, name: str = "o", **headers: str) -> Response:
    """Make a response with a body."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(200, {"Content-Type": kind, **headers}, iter([content]), subject=f"path:/c/{name}")


COMPRESSED: list[tuple[Callable[[bytes], bytes], str, str, str]] = [
    (gzip.compress, "text/csv", "a.csv.gz", ""),
    (gzip.compress, "application/gzip", "a.csv.gz", ""),
    (bz2.compress, "application/x-bzip2", "a.csv.bz2", ""),
    (lzma.compress, "application/octet-stream", "a.csv.xz", ""),
    (gzip.compress, "text/csv; charset=utf-8", "a.csv", "gzip"),
    (bytes, "text/csv", "a.csv.gz", ""),
    (bytes, "application/gzip", "a.csv.gz", "gzip"),
]
"""How content is compressed, its type, its name, its encoding; a storlet's result may be none of what its name says."""


@pytest.mark.parametrize(("compress", "kind", "name", "coding"), COMPRESSED)
def test_compressed_csv_is_shown_and_read_as_csv(
    compress: Callable[[bytes], bytes], kind: str, name: str, coding: str
) -> None:
    """By its name or its encoding, and by what it begins with; the content stays as it is stored."""
    content = compress(CSV.encode())
    headers = {"Content_Encoding": coding} if coding else {}
    body = response(content, kind, name, **headers)
    shown = body._repr_mimebundle_()
    assert "name  place\nann   Grün\nbo    Öd" in shown["text/plain"]
    assert ">Grün</td>" in shown["text/html"]
    assert body.dataframe("pandas").to_dict("list") == FRAME
    assert body.dataframe("polars").to_dict(as_series=False) == FRAME
    assert body.content == content


def test_preview_decompresses_no_more_than_it_shows() -> None:
    """A gigabyte of zeros is a megabyte; the preview says that it is cut."""
    bomb = gzip.compress(b"line\n" * 4_000_000)
    text = response(bomb, "text/plain", "a.txt.gz")._repr_mimebundle_()["text/plain"]
    assert text.count("\nline") == 20
    assert "cut: only the start of a body of unknown size is shown" in text


def test_damaged_archive_is_bytes_and_one_line() -> None:
    """Show its bytes; a data frame is an error."""
    damaged = gzip.compress(CSV.encode())[:10] + b"\xff" * 20
    body = response(damaged, "text/csv", "a.csv.gz")
    assert "1f 8b 08" in body._repr_mimebundle_()["text/plain"]
    with pytest.raises(StorletShellError, match=r"^path:/c/a.csv.gz: the body can't be decompressed \(gzip\): "):
        body.dataframe()


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (CSV.encode("latin-1"), "text/csv; charset=iso-8859-1"),
        (CSV.encode("cp1252"), 'text/csv; charset="windows-1252"'),
        (CSV.encode("utf-16"), "text/csv; charset=utf-16"),
        (CSV.encode("utf-16"), "text/csv"),
        (MARK + CSV.encode(), "text/csv"),
        (MARK + CSV.encode(), "text/csv; charset=utf-8"),
        (gzip.compress(CSV.encode("latin-1"), mtime=0), "text/csv; charset=latin-1"),
    ],
)
def test_data_frame_honors_the_charset(library: str, content: bytes, kind: str) -> None:
    """That of the content type, or else of a byte order mark, which is no part of the first heading."""
    coding = {"Content_Encoding": "gzip"} if content.startswith(b"\x1f\x8b") else {}
    frame = response(content, kind, "a.csv", **coding).dataframe(library)
    columns = frame.to_dict("list") if library == "pandas" else frame.to_dict(as_series=False)
    assert columns == FRAME


def test_encoding_of_an_option_wins() -> None:
    """The library decodes then."""
    body = response(CSV.encode("latin-1"), "text/csv; charset=utf-8")
    assert body.dataframe("pandas", encoding="latin-1").to_dict("list") == FRAME


def test_body_in_another_charset_than_it_says_is_one_line() -> None:
    """The error names the charset, and no data is replaced."""
    with pytest.raises(StorletShellError, match="path:/c/o: the body isn't text in utf-16"):
        response(b"\xff\xfe\x00", "text/csv; charset=utf-16").dataframe()


@pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=utf-8"])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_byte_order_mark_is_no_text(kind: str, size: int) -> None:
    """Neither in the text, nor in the first line, nor on the page, however it arrives."""
    content = MARK + "grün\nrot\n".encode()
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    body = Response(200, {"Content-Type": kind}, iter(chunks), subject="o")
    assert list(body.lines()) == ["grün", "rot"]
    body = response(content, kind)
    assert body.text == "grün\nrot\n"
    assert "\ufeff" not in "".join(body._repr_mimebundle_().values())
    assert body.content.startswith(MARK)


def test_text_of_utf16_is_known_by_its_mark() -> None:
    """Spreadsheets write it; a charset in the content type has priority."""
    content = "grün\nrot\n".encode("utf-16")
    assert response(content, "text/csv").text == "grün\nrot\n"
    assert list(response(content, "text/csv").lines()) == ["grün", "rot"]
    assert response(content, "text/csv; charset=latin-1").text.startswith("ÿþ")


def test_first_heading_has_no_mark() -> None:
    """Strip the byte order mark from a spreadsheet's CSV."""
    assert "\nname  place\n" in response(MARK + CSV.encode(), "text/csv")._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv.gz", "application/gzip"),
        ("a.tar.gz", "application/gzip"),
        ("a.tgz", "application/gzip"),
        ("a.json.bz2", "application/x-bzip2"),
        ("a.xz", "application/x-xz"),
        ("a.csv", "text/csv"),
        ("a", ""),
    ],
)
def test_compressed_file_has_the_type_of_its_compression(name: str, kind: str) -> None:
    """Reading it as CSV would yield garbage."""
    assert type_of(name) == kind


def test_compressed_file_is_stored_as_one(run: Runner, container: str) -> None:
    """By put and by upload; a browser leaves it as it is, since it has no encoding."""
    content = gzip.compress(CSV.encode())
    for words in (["put", "-"], ["upload"]):
        assert run(*words, f"{container}/a.csv.gz", stdin=content).status == 0
        headers = run("stat", f"{container}/a.csv.gz", "--json").json["headers"]
        assert headers["Content-Type"] == "application/gzip"
        assert "Content-Encoding" not in headers
        assert run("get", f"{container}/a.csv.gz").out == content
