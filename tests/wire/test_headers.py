"""Headers on the wire: encoded by the package, decoded by an independent reading of the servers' documentation."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storlet_shell.commands.arguments.headers import Header
from storlet_shell.errors import UsageError
from storlet_shell.values import (
    ByteRange,
    Connection,
    Invocation,
    Metadatum,
    ObjectPath,
    Parameter,
    StorletMain,
    StorletName,
)
from storlet_shell.wire import headers as wire
from storlet_shell.wire.transport import Transport
from tests.test_values import CONTAINERS, IDENTIFIERS, KEYS, OBJECTS, PRINTABLE, RANGES, STORLET_NAMES

STORLETS = STORLET_NAMES.map(StorletName)
PARAMETERS = st.dictionaries(KEYS, PRINTABLE, max_size=5).map(lambda d: tuple(Parameter(k, v) for k, v in d.items()))


def server_parameters(headers: dict[str, str]) -> dict[str, str]:
    """Read parameters as the middleware does: the whole header unquoted, then split at its first colon."""
    read = {}
    for name, value in headers.items():
        if name.lower().startswith("x-storlet-parameter"):
            key, _, rest = unquote(value).partition(":")
            read[key] = rest
    return read


def server_resources(headers: dict[str, str]) -> list[ObjectPath]:
    """Read extra resources as the middleware does: split at commas, each unquoted, ``/container/object``."""
    read = []
    for item in headers.get("X-Storlet-Extra-Resources", "").split(","):
        if item:
            empty, container, name = unquote(item).split("/", 2)
            assert empty == ""
            read.append(ObjectPath(container, name))
    return read


@given(PARAMETERS)
def test_parameters_arrive_as_they_were_given(parameters: tuple[Parameter, ...]) -> None:
    """Percent signs, colons, equals signs, spaces and every script survive the server's reading."""
    headers = wire.encode_invocation(Invocation(StorletName("s.py"), parameters))
    assert server_parameters(headers) == {parameter.key: parameter.value for parameter in parameters}


@pytest.mark.slow
@given(STORLETS, PARAMETERS, st.none() | RANGES, st.lists(st.builds(ObjectPath, CONTAINERS, OBJECTS), max_size=3))
def test_headers_are_plain_ascii(
    storlet: StorletName, parameters: tuple[Parameter, ...], byte_range: ByteRange | None, extra: list[ObjectPath]
) -> None:
    """No header of an invocation can break a line, whatever the user typed."""
    invocation = Invocation(storlet, parameters, byte_range, tuple(extra), on_proxy=True, generate_log=True)
    for name, value in wire.encode_invocation(invocation).items():
        assert (name + value).isascii()
        assert (name + value).isprintable()


@pytest.mark.slow
@given(st.lists(st.builds(ObjectPath, CONTAINERS, OBJECTS), max_size=4))
def test_extra_resources_arrive_as_they_were_given(extra: list[ObjectPath]) -> None:
    """Commas and spaces in names do not divide the list; the leading slash is there."""
    headers = wire.encode_invocation(Invocation(StorletName("s.py"), extra=tuple(extra)))
    assert server_resources(headers) == extra
    assert ("X-Storlet-Extra-Resources" in headers) == bool(extra)


@given(st.builds(ObjectPath, CONTAINERS, OBJECTS))
def test_destination_arrives_as_it_was_given(path: ObjectPath) -> None:
    """A copy's destination is quoted as a whole path."""
    destination = wire.encode_destination(path)["Destination"]
    assert destination.isascii()
    assert unquote(destination) == f"{path.container}/{path.name}"


@given(RANGES)
def test_range_runs_on_the_proxy(byte_range: ByteRange) -> None:
    """Only there is every form of a single range right."""
    headers = wire.encode_invocation(Invocation(StorletName("s.py"), range=byte_range))
    assert headers["X-Storlet-Range"] == f"bytes={byte_range}"
    assert headers["X-Storlet-Run-On-Proxy"] == ""
    assert "Range" not in headers


@pytest.mark.parametrize(("on_proxy", "sent"), [(None, False), (True, True), (False, False)])
def test_run_on_proxy_is_a_header_without_a_value(on_proxy: bool | None, sent: bool) -> None:
    """The middleware looks whether the header is there, not what it says."""
    headers = wire.encode_invocation(Invocation(StorletName("s.py"), on_proxy=on_proxy))
    assert ("X-Storlet-Run-On-Proxy" in headers) == sent
    assert headers.get("X-Storlet-Run-On-Proxy", "") == ""


def test_run_without_options_is_one_header() -> None:
    """Nothing is sent that was not asked for; the log above all, since that fails upstream."""
    assert wire.encode_invocation(Invocation(StorletName("s.py"))) == {"X-Run-Storlet": "s.py"}


def test_deployment_carries_what_the_middleware_demands() -> None:
    """Language, interface version, object metadata and main class, spelled as registered."""
    headers = wire.encode_storlet(wire.StorletDescription("python", "a.B", ("x.py", "y.so")))
    assert headers == {
        "Content-Type": "application/octet-stream",
        "X-Object-Meta-Storlet-Language": "python",
        "X-Object-Meta-Storlet-Interface-Version": "1.0",
        "X-Object-Meta-Storlet-Object-Metadata": "no",
        "X-Object-Meta-Storlet-Main": "a.B",
        "X-Object-Meta-Storlet-Dependency": "x.py,y.so",
    }


NAMES = st.lists(STORLET_NAMES, max_size=4).map(tuple)


@given(st.sampled_from(["python", "java"]), st.builds(StorletMain, IDENTIFIERS, IDENTIFIERS).map(str), NAMES)
def test_description_of_a_storlet_is_read_as_it_was_written(language: str, main: str, names: tuple[str, ...]) -> None:
    """What is stored with a storlet is what is listed of it."""
    description = wire.StorletDescription(language, main, names)
    assert wire.decode_storlet(wire.encode_storlet(description)) == description


def test_storlet_without_a_description_is_read_as_empty() -> None:
    """Somebody may have put any object into the storlet container."""
    assert wire.decode_storlet({}) == wire.StorletDescription("", "", ())


@pytest.mark.parametrize("executable", [True, False])
def test_dependency_is_readable_and_writable_by_its_owner(executable: bool) -> None:
    """The middleware refuses permissions that do not contain 0600."""
    headers = wire.encode_dependency("v1", executable=executable)
    mode = int(headers["X-Object-Meta-Storlet-Dependency-Permissions"], 8)
    assert mode & 0o600 == 0o600
    assert bool(mode & 0o100) == executable
    assert headers["X-Object-Meta-Storlet-Dependency-Version"] == "v1"


def test_metadata_is_read_under_the_storlets_names() -> None:
    """A trial feeds a storlet the metadata by the names that the engine gives them."""
    assert wire.decode_metadata({"x-object-meta-a": "1", "X-Object-Meta-B": "2", "ETag": "e"}) == {"a": "1", "B": "2"}


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x7f", "\x80", "\x85", "\x9b", "\x9f"])
def test_controls_are_in_no_header(char: str) -> None:
    """Those of ASCII, and those above it, which drive a terminal just so."""
    for parse, text in ((Metadatum.parse, f"k=a{char}b"), (Header.parse, f"X-A:a{char}b")):
        with pytest.raises(UsageError):
            parse(text)


@pytest.mark.parametrize("name", ["first name", "", "é", "a\tb", "a/b", "a(b", "\x85"])
def test_names_of_headers_are_tokens(name: str) -> None:
    """Wherever they come from: http.client would send a blank within one."""
    for parse, text in ((Metadatum.parse, f"{name}=v"), (Metadatum.parse_key, name), (Header.parse, f"{name} :v")):
        with pytest.raises(UsageError):
            parse(text)
    transport = Transport("http://127.0.0.1:1/v1/AUTH_a", Connection())
    with pytest.raises(UsageError):
        transport.send("GET", "http://127.0.0.1:1/v1/AUTH_a", {name: "v"})
    transport.close()
