"""Bodies in any pieces, read in any order; any code, log, table, or archive."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.java.classfile import ClassFile
from storlet_shell.java.jar import StorletJar
from storlet_shell.results.display import bundle
from storlet_shell.results.response import Response
from storlet_shell.storlets.checks.calls import check_calls
from storlet_shell.storlets.checks.imports import find_imports, judge
from storlet_shell.storlets.checks.undefined import find_undefined
from storlet_shell.storlets.excerpts import with_code
from storlet_shell.storlets.source import StorletSource

CHUNKS = st.lists(st.binary(max_size=40), max_size=5)
KINDS = st.sampled_from(["", "text/csv", "text/plain", "application/json", "image/png", "text/html", "text/csv;a=b"])
CHARSETS = st.sampled_from(
    ["", "; charset=utf-16", "; charset=latin-1", "; charset=utf-7", "; charset=no", "; charset="]
)

pytestmark = pytest.mark.slow
CODE = st.lists(
    st.sampled_from(
        [
            *("class A:", "class B(A):", "    def __call__(self, i, o, p):", "    def __init__(self, logger):"),
            *(
                "        pass",
                "        o[0].set_metadata({})",
                "        o[0].write('x')",
                "        for x in i[0]: pass",
            ),
        ]
    )
    | st.text(max_size=10),
    max_size=8,
).map("\n".join)


@given(CHUNKS, KINDS, CHARSETS, st.lists(st.integers(0, 60), max_size=3))
def test_looks_use_nothing_up(chunks: list[bytes], kind: str, charset: str, looks: list[int]) -> None:
    """Whatever is looked at, and however it is shown, the body is read whole afterwards."""
    whole = b"".join(chunks)
    response = Response(200, {"Content-Type": kind + charset}, iter(chunks), subject="path:/c/o")
    for size in looks:
        assert response.peek(size) == whole[:size]
        bundle(response)
    assert b"".join(response) == whole


@given(CHUNKS, CHARSETS)
def test_lines_are_those_of_the_text(chunks: list[bytes], charset: str) -> None:
    """However the body comes, also cut within a character."""
    headers = {"Content-Type": f"text/plain{charset}"}
    text = Response(200, headers, iter(chunks)).text
    lines = list(Response(200, headers, iter(chunks)).lines())
    assert lines == [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else lines == []


@given(st.binary(max_size=60), st.sampled_from(["text/csv", "application/json", "application/jsonl"]))
def test_any_body_is_a_frame_or_one_error(content: bytes, kind: str) -> None:
    """Also what is none of its type."""
    with suppress(StorletShellError):
        Response(200, {"Content-Type": kind}, iter([content]), subject="path:/c/o").dataframe("polars")


@given(st.text(max_size=60) | st.builds('File "s.py", line {}\n    x = 1\n    ^'.format, st.integers()), CODE)
def test_any_log_is_shown(details: str, code: str) -> None:
    """With the lines that it speaks of, where there are such, and the first one as it is."""
    assert with_code(details, {"s.py": code}).split("\n")[:1] == (details.splitlines() or [""])[:1]


@given(CODE.map(str.encode) | st.binary(max_size=60))
def test_any_code_is_a_storlet_or_one_error(code: bytes) -> None:
    """Whatever it is written in."""
    try:
        source = StorletSource.parse(code, "s.py")
        main = source.main_class(None)
    except UsageError as error:
        assert len(str(error).splitlines()) == 1
        return
    find_undefined(source.tree)
    list(judge(find_imports(source.tree)))
    list(check_calls(source.tree, main))


@given(st.binary(max_size=60))
def test_any_archive_is_a_jar_or_one_error(content: bytes) -> None:
    """And any class file is read, or none."""
    with suppress(ValueError):
        ClassFile.parse(b"\xca\xfe\xba\xbe" + content)
    with suppress(UsageError):
        StorletJar(b"PK\x03\x04" + content, "a-1.jar").main_class(None)
