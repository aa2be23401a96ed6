"""Header codecs and ACLs: what is encoded is decoded, and any header of a server can be read."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storlet_shell.deployments import access
from storlet_shell.errors import UsageError
from storlet_shell.values import ByteRange, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.transport import _decode_headers
from tests.test_values import CONTAINERS, OBJECTS, RANGES, STORLET_NAMES

pytestmark = pytest.mark.slow

LATIN = st.text(st.characters(max_codepoint=255), max_size=40)
USERS = st.text("abcXYZ019._- ", min_size=1, max_size=12).filter(lambda text: text == text.strip())
ENTRIES = st.lists(st.text("abc019.:*-_", min_size=1, max_size=12), max_size=5).map(tuple)


@given(st.builds(ObjectPath, CONTAINERS, OBJECTS), st.none() | CONTAINERS)
def test_origin_arrives_as_it_was_given(path: ObjectPath, account: str | None) -> None:
    """A copy's source, in another account too."""
    headers = wire.encode_origin(path, account)
    assert unquote(headers["X-Copy-From"]) == f"/{path.container}/{path.name}"
    assert unquote(headers["X-Copy-From-Account"]) == account if account else len(headers) == 1
    assert all(value.isascii() and value.isprintable() for value in headers.values())


@given(RANGES, st.integers(0, 10**16))
def test_answer_is_of_the_range_that_was_asked_for(asked: ByteRange, length: int) -> None:
    """In the spelling of HTTP, and in that of the storlets middleware."""
    assert wire.encode_range(asked) == {"Range": f"bytes={asked}"}
    within = asked.within(length)
    if within is not None:
        first, last = within
        assert wire.is_of_range(f"bytes {first}-{last}/{length}", asked)
        assert wire.is_of_range(f"bytes={first}-{last}/{length}", asked)
        assert not wire.is_of_range(f"bytes {first}-{last + 1}/{length + 2}", ByteRange(first, last))


@given(st.text(max_size=40), RANGES)
def test_any_text_is_of_no_range_or_of_one(told: str, asked: ByteRange) -> None:
    """Never an error."""
    assert wire.is_of_range(told, asked) in (True, False)


@given(st.booleans(), STORLET_NAMES)
def test_permissions_are_read_as_they_were_written(executable: bool, version: str) -> None:
    """A dependency's description is decoded by what engines make of it."""
    headers = wire.encode_dependency(version, executable=executable)
    assert bool(wire.decode_permissions(headers) & 0o100) == executable
    assert headers[wire.DEPENDENCY_VERSION] == version


@given(st.dictionaries(LATIN, LATIN, max_size=5))
def test_any_headers_are_decoded(headers: dict[str, str]) -> None:
    """Their values hold no line ends, and what is read of them is of its type."""
    decoded = _decode_headers(headers)
    assert not any(char in value for value in decoded.values() for char in "\r\n\0")
    assert wire.decode_length(decoded) is None or isinstance(wire.decode_length(decoded), int)
    assert isinstance(wire.decode_permissions(decoded), int)
    wire.decode_storlet(decoded)
    wire.decode_metadata(decoded)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40).map(str.strip))
def test_text_comes_as_it_was_sent(text: str) -> None:
    """``http.client`` takes the UTF-8 of Swift for Latin-1."""
    assert _decode_headers({"X-A": text.encode().decode("latin-1")}) == {"X-A": text.strip(" ")}


@given(ENTRIES)
def test_entries_are_read_as_they_were_written(entries: tuple[str, ...]) -> None:
    """One header holds them all; without any, it is removed."""
    headers = wire.encode_acl("X-Container-Read", entries)
    if entries:
        assert access.read_entries(headers["X-Container-Read"]) == entries
    else:
        assert headers == {"X-Remove-Container-Read": "all"}


@given(USERS, STORLET_NAMES)
def test_grant_is_read_as_it_was_made(user: str, storlet: str) -> None:
    """Of user and storlet, either may hold the sign that joins them."""
    grant = access.Grant.of(user, storlet)
    assert access.is_grant(grant.entry)
    assert access.read_grant(grant.entry, {storlet.lower()}).storlet == storlet.lower()
    assert grant.user in access.users_of(f".r:*,{grant.entry}", storlet)
    assert access.check_entry(grant.entry) == grant.entry


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_acl_is_read_or_refused_in_one_line(text: str, user: str) -> None:
    """What a container holds was perhaps written by another client."""
    for entry in access.read_entries(text):
        if access.is_grant(entry):
            assert access.read_grant(entry).entry.lower() == entry.lower()
        assert access.names_ids(entry) in (True, False)
    access.users_of(text, "s.py")
    for check in (access.check_entry, lambda name: access.Grant.of(name, "s.py")):
        try:
            check(user)
        except UsageError as error:
            assert len(str(error).splitlines()) == 1
