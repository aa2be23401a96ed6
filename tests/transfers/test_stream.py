"""``upload_stream``: bytes and streams, in one request or in segments."""

from __future__ import annotations

import io

import pytest

from storlet_shell.errors import NotFoundError, UsageError
from storlet_shell.store.listing import list_entries
from storlet_shell.transfers.stream import TEXT, stream_request, upload_stream
from storlet_shell.transfers.targets import Choices
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.observers import Notebook
from tests.support.responder import Responder, html, ok


@pytest.mark.parametrize("is_stream", [False, True])
def test_stream_is_stored_in_one_request(observed: Client, observer: Notebook, container: str, is_stream: bool) -> None:
    """As bytes, whose length is known, or as a stream, which stays open; its type is that of the name, or a default."""
    path, stream = ObjectPath(container, "o"), io.BytesIO(b"hello")
    stored = upload_stream(observed, stream if is_stream else b"hello", path, default_type=TEXT)
    assert (stored.path, stored.bytes, stored.segments) == (path, 5, 0)
    assert stored.answer is not None
    assert stored.answer.status == 201
    reply = observed.send(Request("GET", *path))
    assert (reply.read(), reply.headers["Content-Type"]) == (b"hello", TEXT)
    assert (stream.closed, observer.sent("PUT")) == (False, [f"{container}/o"])


def test_stream_beyond_a_segment_is_stored_in_segments(observed: Client, observer: Notebook, container: str) -> None:
    """Its bytes and segments are told, and its progress has no total."""
    path = ObjectPath(container, "o.csv")
    stored = upload_stream(observed, io.BytesIO(b"0123456789"), path, Choices(segment_size=4))
    assert tuple(stored) == (path, 10, 3, None)
    reply = observed.send(Request("GET", *path))
    assert (reply.read(), reply.headers["Content-Type"]) == (b"0123456789", "text/csv")
    assert (observer.totals, observer.count) == ({str(path): None}, 10)


def test_broken_stream_leaves_no_segments(observed: Client, observer: Notebook, container: str) -> None:
    """Whatever its end is: here an error that is none of the library's."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 8:
                raise ValueError("broken on purpose")
            return super().read(size)

    with pytest.raises(ValueError, match="on purpose"):
        upload_stream(observed, Broken(b"0123456789"), ObjectPath(container, "o"), Choices(segment_size=4))
    assert len(observer.sent("DELETE")) >= 1
    assert list(list_entries(observed, Location(f"{container}_segments"))) == []
    assert observed.find(Request("HEAD", container, "o")) is None


def test_planned_request_is_the_one_that_is_sent(client: Client, responder: Responder) -> None:
    """Building it sends nothing."""
    path = ObjectPath("c", "o.json")
    planned = stream_request(path, label="a stream")
    assert (planned.body, responder.requests) == ("a stream", [])
    responder.on("HEAD", "/c/o.json", html(404))
    responder.on("PUT", "/c/o.json", ok(status=201))
    upload_stream(client, b"{}", path)
    (sent,) = responder.sent("PUT")
    assert (sent.header("Content-Type"), sent.body) == (planned.headers["Content-Type"], b"{}")


def test_container_that_is_not_there_is_raised(observed: Client, container: str) -> None:
    """Nothing is stored; nor in segments that the cluster doesn't accept."""
    with pytest.raises(NotFoundError, match=r"doesn't exist \(create it: "):
        upload_stream(observed, b"x", ObjectPath(f"{container}-not", "o"))
    with pytest.raises(UsageError, match="segments of it must have"):
        upload_stream(observed, io.BytesIO(bytes(2**20 + 1)), ObjectPath(container, "o"), Choices(segment_size=2**60))
    assert list(list_entries(observed, Location(container))) == []
