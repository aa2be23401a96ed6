"""Values: they can be spelled and parsed back, servers read the same, and other text is refused in one line."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storlet_shell.batches.templates import Template
from storlet_shell.commands.arguments.headers import Header
from storlet_shell.errors import UsageError
from storlet_shell.patterns import Pattern
from storlet_shell.session.parameters import merge_parameters
from storlet_shell.values import ByteRange, Location, Metadatum, Parameter, read_count
from storlet_shell.wire.requests import Request
from tests.test_values import CONTAINERS, KEYS, OBJECTS, PRINTABLE, RANGES

pytestmark = pytest.mark.slow

SURROGATES = st.text(st.characters(), max_size=60)
"""Any text that a command line can hold: bytes that are no UTF-8 come as lone surrogates."""

TOKENS = st.text("abcXYZ019!#$%&'*+-.^`|~", min_size=1, max_size=20)
SHOWN = PRINTABLE.map(str.strip).filter(bool)


@given(TOKENS, SHOWN)
def test_metadatum_spells_itself(key: str, value: str) -> None:
    """Whatever its value holds, ``=`` too."""
    metadatum = Metadatum(key, value)
    assert Metadatum.parse(str(metadatum)) == metadatum


@given(TOKENS.map("X-Own-{}".format), PRINTABLE.map(str.strip))
def test_header_spells_itself(name: str, value: str) -> None:
    """Whatever its value holds, ``:`` too."""
    header = Header(name, value)
    assert Header.parse(str(header)) == header
    assert Header.parse(f"{name}: {value}") == header


@pytest.mark.parametrize(
    "parse",
    [
        *(Metadatum.parse, Metadatum.parse_key, Header.parse, Pattern.parse, Location.parse, Parameter.parse),
        *(Template.parse, Template.parse_output, Template.parse_files, ByteRange.parse),
    ],
    ids=lambda parse: parse.__qualname__,
)
@given(text=st.one_of(SURROGATES, SURROGATES.map("path:/c/{}".format), SURROGATES.map("a={}".format)))
def test_any_text_is_read_or_refused_in_one_line(parse: object, text: str) -> None:
    """And what is read can be spelled."""
    try:
        str(parse(text))  # type: ignore[operator]
    except UsageError as error:
        assert len(str(error).splitlines()) == 1


@given(st.binary(max_size=200), RANGES | st.builds(ByteRange, st.integers(0, 200), st.none() | st.integers(0, 200)))
def test_range_takes_what_a_slice_takes(content: bytes, taken: ByteRange) -> None:
    """Of any length, nothing included."""
    found = taken.within(len(content))
    last = None if taken.last is None else taken.last + 1
    sliced = content[-(taken.last or 0) :] if taken.first is None else content[taken.first : last]
    assert (b"" if found is None else content[found[0] : found[1] + 1]) == sliced


@given(CONTAINERS, OBJECTS, st.lists(st.tuples(KEYS, PRINTABLE), max_size=3))
def test_request_leads_to_what_it_names(container: str, name: str, query: list[tuple[str, str]]) -> None:
    """Slashes, question marks, percent signs and every script survive the server's reading."""
    path = Request("GET", container, name, tuple(query)).path
    assert path.isascii()
    named, _, asked = path.partition("?")
    assert tuple(map(unquote, named.split("/", 2))) == ("", container, name)
    assert parse_qsl(asked, keep_blank_values=True) == query


@given(st.dictionaries(KEYS, PRINTABLE, max_size=4), st.lists(st.builds(Parameter, KEYS, PRINTABLE), max_size=4))
def test_line_wins_over_the_dict(mapping: dict[object, object], given_: list[Parameter]) -> None:
    """Each key comes once, with what was said of it last."""
    assert dict(merge_parameters(mapping, given_)) == {**mapping, **dict(given_)}


@given(st.integers(0, 10**18 - 1))
def test_count_is_read(count: int) -> None:
    """As it is written."""
    assert read_count(str(count)) == count


@given(SURROGATES)
def test_count_is_ascii_digits(text: str) -> None:
    """And nothing that Python takes for a number besides."""
    count = read_count(text)
    assert count is None or str(count) == (text.lstrip("0") or "0")
