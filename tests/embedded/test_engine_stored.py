"""Metadata of a stored result: either complete in the object, or a failure that stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from storlet_shell.embedded import control

from .storlets import PROXY, Answer, Client, storlet

STORING = {"put": ("PUT", {}), "copy": ("COPY", PROXY), "copy on the node": ("COPY", {}), "put of a copy": ("PUT", {})}


EACH = [pytest.param(way, marks=() if way in ("put", "copy") else pytest.mark.slow) for way in STORING]


@pytest.fixture(scope="module")
def writer(strict: control.Running) -> Iterator[Client]:
    """Deploy a storlet that sets any metadata."""
    client = Client(strict)
    client.request("PUT", "/stored")
    client.put("/stored/o", b"content")
    client.deploy("sets.py", storlet("source.read(); out.set_metadata(eval(params['metadata'])); out.write(b'made')"))
    yield client
    client.close()


def store(writer: Client, way: str, metadata: str) -> tuple[Answer, Answer]:
    """Store a result in one way; return the answer, and that to a look at the object."""
    method, where = STORING[way]
    headers = {"X-Run-Storlet": "sets.py", "X-Storlet-Parameter-1": f"metadata:{quote(metadata, safe='')}", **where}
    writer.request("DELETE", "/stored/made")
    if way == "put of a copy":
        headers["X-Copy-From"] = "stored/o"
    if method == "COPY":
        answer = writer.request("COPY", "/stored/o", {**headers, "Destination": "stored/made"})
    else:
        answer = writer.request("PUT", "/stored/made", headers, b"" if way == "put of a copy" else b"content")
    return answer, writer.request("HEAD", "/stored/made")


@pytest.mark.parametrize("way", EACH)
@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("{'a': 'b', 'C_d': 3, 'e': ''}", {"X-Object-Meta-A": "b", "X-Object-Meta-C-D": "3", "X-Object-Meta-E": ""}),
        ("{'a' * 128: 'b' * 256}", {f"X-Object-Meta-A{'a' * 127}": "b" * 256}),
        (
            "{'Content-Length': '3', 'x-delete-after': '1'}",
            {"X-Object-Meta-X-Delete-After": "1", "Content-Length": "4"},
        ),
        ("{f'k{number}': 'x' for number in range(80)}", {"X-Object-Meta-K79": "x"}),
    ],
)
def test_metadata_are_stored_whole(writer: Client, way: str, metadata: str, expected: dict[str, str]) -> None:
    """Up to Swift's limits."""
    answer, head = store(writer, way, metadata)
    assert (answer.status, head.status) == (201, 200)
    assert head.headers.items() >= expected.items()


@pytest.mark.parametrize("way", EACH)
@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ("{'first name': 'x'}", "can't be a header name"),
        ("{'\\u00e9': 'x'}", "can't be a header name"),
        ("{'storlet-a': 'x'}", "the middleware drops"),
        ("{'a' * 129: 'x'}", "has 129 bytes, but Swift stores at most 128"),
        ("{'a': 'x' * 257}", "has 257 bytes, but Swift stores at most 256"),
        ("{f'k{number}': '' for number in range(91)}", "it set 91 metadata, but Swift stores at most 90"),
        ("{'content-type': ' '}", "starts or ends with a blank"),
    ],
)
def test_metadata_that_cannot_be_stored_are_the_runs_failure(
    writer: Client, way: str, metadata: str, reason: str
) -> None:
    """Nothing is stored then."""
    answer, head = store(writer, way, metadata)
    assert (answer.failure, head.status) == ("metadata", 404)
    assert reason in answer.text


@pytest.mark.parametrize("way", STORING)
def test_a_content_type_is_stored_or_a_failure(writer: Client, way: str) -> None:
    """A copy takes none from an object server."""
    answer, head = store(writer, way, "{'Content-Type': 'application/x-made'}")
    if way in ("put", "copy"):
        assert head.headers["Content-Type"] == "application/x-made"
    else:
        assert (answer.failure, head.status) == ("metadata", 404)
        assert "run it on the proxy" in answer.text


@pytest.mark.parametrize("where", [{}, PROXY], ids=["node", "proxy"])
def test_a_get_takes_more_than_can_be_stored(writer: Client, where: dict[str, str]) -> None:
    """Swift's limits are of objects; nobody makes a get one of something that is stored."""
    for metadata in ("{'a' * 129: 'x'}", "{'a': 'x' * 257}", "{'content-type': 'a/b'}"):
        headers = {**where, "X-Storlet-Shell-Stored": "True"}
        assert writer.run("sets.py", "/stored/o", headers, metadata=metadata).status == 200
