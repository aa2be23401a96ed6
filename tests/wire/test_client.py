"""What the client sends and retries, and how it treats every kind of response, over a real socket."""

from __future__ import annotations

import io
import socket
import threading
from contextlib import suppress
from itertools import pairwise

import pytest

from storlet_shell.errors import (
    Action,
    ConnectionFailedError,
    Hint,
    IdentityError,
    IncompleteBodyError,
    LocalFileError,
    NotFoundError,
    ServiceError,
    StorletShellError,
    UsageError,
)
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.values import Connection
from storlet_shell.wire import client as client_module
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import Body, bytes_body, stream_body
from storlet_shell.wire.client import ATTEMPTS, Client
from storlet_shell.wire.requests import Request
from storlet_shell.wire.statuses import STATUS_ERRORS
from storlet_shell.wire.transport import Transport
from tests.support.responder import CUT, KEY, RESET, USER, Answer, Responder, html, ok, page

RUN = {"X-Run-Storlet": "upper.py"}
UNRUNNABLE = [html(500), html(503), CUT, RESET]
NAMES = ["500", "503", "cut", "reset"]
DONE = {"PUT": 201, "COPY": 201, "POST": 202, "DELETE": 204}


def storlet_get() -> Request:
    """Return a GET through a storlet."""
    return Request("GET", "c", "o", headers=RUN)


# --- what goes over the wire


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("a/../b", "a/../b"),
        ("../../x", "../../x"),
        ("a//b", "a//b"),
        ("/a", "/a"),
        (".", "."),
        ("..", ".."),
        ("a/", "a/"),
        ("%2F", "%252F"),
        ("a b", "a%20b"),
        ("a\nb", "a%0Ab"),
        ("a\tb", "a%09b"),
        ("a?b=c", "a%3Fb%3Dc"),
        ("a#b", "a%23b"),
        ("ü", "%C3%BC"),
        ("日本", "%E6%97%A5%E6%9C%AC"),
        ("a;b", "a%3Bb"),
        ("a\\b", "a%5Cb"),
        ("~a", "~a"),
        ("a+b&c", "a%2Bb%26c"),
        ("http://x/y", "http%3A//x/y"),
    ],
)
def test_object_names_arrive_as_they_are_spelled(client: Client, responder: Responder, name: str, quoted: str) -> None:
    """No part of the way normalises a name: neither dots nor slashes nor percent signs."""
    responder.on("GET", "*", ok(b"x"))
    assert client.send(Request("GET", "c", name)).read() == b"x"
    assert [request.target for request in responder.requests] == [f"/v1/AUTH_test/c/{quoted}"]


@pytest.mark.parametrize("container", ["a b", "ü", ".", "..", "a%2Fb", "a?b", "a#b", "a\nb"])
def test_container_names_arrive_as_they_are_spelled(client: Client, responder: Responder, container: str) -> None:
    """A container named by dots or reserved characters is that container."""
    from urllib.parse import unquote

    responder.on("PUT", "*", ok(status=201))
    client.send(Request("PUT", container)).read()
    assert unquote(responder.requests[0].path.removeprefix("/")) == container


def test_query_is_quoted_and_keeps_its_order(client: Client, responder: Responder) -> None:
    """Markers and prefixes with reserved characters arrive whole."""
    responder.on("GET", "/c", ok(b"[]"))
    client.send(Request("GET", "c", query=(("marker", "a&b=ü/#"), ("prefix", "x y+"), ("limit", "1")))).read()
    assert responder.requests[0].target == "/v1/AUTH_test/c?marker=a%26b%3D%C3%BC%2F%23&prefix=x%20y%2B&limit=1"


def test_request_carries_the_token_and_no_referer(client: Client, responder: Responder) -> None:
    """A Referer that names storlets is answered 403 by the middleware; none is ever sent."""
    responder.on("GET", "/c/o", ok(b"x"))
    client.send(Request("GET", "c", "o", headers={"Accept-Encoding": "identity", **RUN})).read()
    (request,) = responder.requests
    assert request.names() == {"host", "user-agent", "x-auth-token", "accept-encoding", "x-run-storlet"}
    assert request.header("X-Auth-Token") == "token-1"
    assert request.header("X-Run-Storlet") == "upper.py"
    assert request.header("User-Agent") == "storlet-shell"


def test_empty_header_is_sent(client: Client, responder: Responder) -> None:
    """Run-on-proxy is a header without a value; it must not be dropped on the way."""
    responder.on("GET", "/c/o", ok())
    client.send(Request("GET", "c", "o", headers={wire.RUN_ON_PROXY: ""})).read()
    assert responder.requests[0].header("X-Storlet-Run-On-Proxy") == ""


def test_non_ascii_header_is_sent_as_utf8(client: Client, responder: Responder) -> None:
    """A content type or metadata value outside ASCII goes as UTF-8, Swift's own encoding."""
    responder.on("PUT", "/c/o", ok(status=201))
    client.send(Request("PUT", "c", "o", headers={"X-Object-Meta-Note": "grün €"}), bytes_body(b"x")).read()
    value = responder.requests[0].header("X-Object-Meta-Note")
    assert value is not None
    assert value.encode("latin-1").decode("utf-8") == "grün €"


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX-Evil: 1", " a"])
def test_header_that_can_not_be_sent_is_a_usage_error(client: Client, responder: Responder, value: str) -> None:
    """A content type with a line end is the line's mistake, and not the connection's."""
    with pytest.raises(UsageError):
        client.send(Request("PUT", "c", "o", headers={"Content-Type": value}), bytes_body(b"x"))
    assert responder.requests == []


@pytest.mark.parametrize(
    ("raw", "text"),
    [("grün €".encode(), "grün €"), ("grün".encode("latin-1"), "grün"), (b"plain", "plain")],
    ids=["utf-8", "latin-1", "ascii"],
)
def test_answered_headers_are_decoded(client: Client, responder: Responder, raw: bytes, text: str) -> None:
    """Swift answers UTF-8, a storlet's metadata may be Latin-1; both are read."""
    answer = Answer(headers=(("X-Object-Meta-Note", raw.decode("utf-8", "surrogateescape")),))
    responder.on("HEAD", "/c/o", answer)
    reply = client.send(Request("HEAD", "c", "o"))
    reply.close()
    assert reply.headers["x-object-meta-note"] == text


def test_answer_in_gzip_is_not_unpacked(client: Client, responder: Responder) -> None:
    """An object stored with a content encoding is returned as it was stored."""
    import gzip

    packed = gzip.compress(b"text")
    responder.on("GET", "/c/o", ok(packed, Content_Encoding="gzip"))
    assert client.send(Request("GET", "c", "o")).read() == packed


def test_redirect_is_not_followed(client: Client, responder: Responder) -> None:
    """A redirect would carry the token to wherever it points."""
    responder.on("GET", "/c/o", page(302, "", Location="http://127.0.0.1:1/elsewhere"))
    with pytest.raises(StorletShellError, match="HTTP 302"):
        client.send(Request("GET", "c", "o"))
    assert len(responder.requests) == 1


def test_connection_is_kept_for_many_requests(client: Client, responder: Responder) -> None:
    """Requests that are read to their end share one connection, HEAD and 204 too."""
    responder.on("GET", "/c/o", ok(b"x" * 100_000), Answer(body=[b"x", b"y"], chunked=True), ok(b""))
    responder.on("HEAD", "/c/o", ok())
    responder.on("DELETE", "/c/o", Answer(204))
    responder.on("GET", "/c/none", html(404))
    for method in ("GET", "HEAD", "GET", "DELETE", "HEAD", "GET"):
        reply = client.send(Request(method, "c", "o"))
        reply.read()
        reply.close()
        assert client.find(Request("GET", "c", "none")) is None
    assert {request.connection for request in responder.requests} == {responder.requests[0].connection}


def test_head_leaves_its_connection_open(client: Client, responder: Responder) -> None:
    """A HEAD has no body; closing its reply unread costs no new connection."""
    responder.on("HEAD", "/c/o", ok(b"x" * 10))
    for _ in range(3):
        client.send(Request("HEAD", "c", "o")).close()
    assert len({request.connection for request in responder.requests}) == 1


def test_body_given_up_is_not_read_to_its_end(client: Client, responder: Responder) -> None:
    """Closing a reply half way closes its connection; the next request has a new one."""
    responder.on("GET", "/c/o", Answer(body=(b"x" * 65536 for _ in range(1000)), length=65536 * 1000), ok(b"small"))
    reply = client.send(Request("GET", "c", "o"))
    next(reply.chunks())
    reply.close()
    assert client.send(Request("GET", "c", "o")).read() == b"small"


@pytest.mark.slow
def test_head_that_drips_is_given_up() -> None:
    """A server can't keep a client waiting by a byte now and then: the time-out is for the whole head."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 200 + b"\r\nContent-Length: 0\r\n\r\n":
                    connection.sendall(bytes([byte]))
                    if ended.wait(0.05):
                        return

        server = threading.Thread(target=drip)
        server.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1/AUTH_test/c/o"
        transport = Transport(url, Connection(timeout=0.5))
        with pytest.raises(ConnectionFailedError, match=r"no response from http://127\.0\.0\.1:\d+: timed out"):
            transport.send("GET", url, {})
        ended.set()
        transport.close()
        server.join()


def test_two_clients_share_a_login(client: Client, responder: Responder) -> None:
    """Completion has a connection of its own, but no login of its own."""
    responder.on("GET", "/c/o", ok(b"x"))
    other = client.another()
    client.send(Request("GET", "c", "o")).read()
    other.send(Request("GET", "c", "o")).read()
    other.close()
    assert len(responder.logins) == 1
    assert len({request.connection for request in responder.requests}) == 2


def test_trace_never_shows_the_token(client: Client, responder: Responder, traced: list[str]) -> None:
    """What --debug shows of a request names its method and URL and no secret."""
    responder.on("GET", "/c/o", ok(b"x"))
    client.send(Request("GET", "c", "o")).read()
    assert traced == [f"GET {responder.storage_url}/c/o"]


def test_capabilities_are_asked_for_once(client: Client, responder: Responder) -> None:
    """The containers' names come from one GET /info; a cluster that has other names is believed."""
    responder.info["storlet_handler"] = {"storlet_container": "code", "storlet_dependency": "libs"}
    assert (client.storlet_container, client.dependency_container, client.storlet_container) == ("code", "libs", "code")
    assert len(responder.infos) == 1


@pytest.mark.parametrize("answer", [CUT, RESET, Answer(body=b"{", length=99, end="cut"), html(429), html(503)])
def test_info_that_does_not_come_is_asked_for_again(client: Client, responder: Responder, answer: Answer) -> None:
    """A server that has just ended is not taken for another kind of cluster; one that stays away is an error."""
    told = ok(b'{"storlet_handler": {"storlet_container": "code"}}', Content_Type="application/json")
    responder.on("GET", "/info", answer, told)
    assert client.storlet_container == "code"


def test_info_that_never_comes_is_an_error(client: Client, responder: Responder) -> None:
    """What is deployed on a cluster of which nothing is known might not run there."""
    responder.on("GET", "/info", CUT)
    with pytest.raises(ConnectionFailedError):
        client.capabilities()


@pytest.mark.parametrize("answer", [html(404), html(503), ok(b"no json")], ids=["404", "503", "no JSON"])
def test_cluster_without_info_has_the_default_containers(client: Client, responder: Responder, answer: Answer) -> None:
    """Many clouds hide /info; the documented names hold then."""
    responder.on("GET", "/info", answer)
    assert (client.storlet_container, client.dependency_container) == ("storlet", "dependency")


# --- storlet runs are sent once: see also tests/store/test_failures.py


def test_storlet_run_survives_a_connection_that_idled_out(client: Client, responder: Responder) -> None:
    """A server closes idle connections; a shell that was idle for an hour does not fail its next run."""
    responder.on("GET", "/c/o", ok(b"x"))
    client.send(storlet_get()).read()
    responder.drop_connections()
    assert client.send(storlet_get()).read() == b"x"
    assert len(responder.requests) == 2


# --- plain requests are repeated


@pytest.mark.parametrize("answer", [html(503), CUT, RESET], ids=["503", "cut", "reset"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "COPY", "DELETE", "POST"])
def test_plain_request_is_repeated_until_it_succeeds(
    client: Client, responder: Responder, method: str, answer: Answer
) -> None:
    """A failed connection or a 503 is retried, with the whole body."""
    content = bytes(range(256)) * 1000
    responder.on(method, "/c/o", answer, answer, ok(status=DONE.get(method, 200)))
    client.send(Request(method, "c", "o"), bytes_body(content) if method in ("PUT", "POST") else None).read()
    assert len(responder.requests) == 3
    expected = content if method in ("PUT", "POST") else b""
    assert all(request.body == expected for request in responder.requests)


def test_plain_request_is_given_up_after_the_last_attempt(client: Client, responder: Responder) -> None:
    """A server that stays unavailable is asked as often as the constant says."""
    responder.on("GET", "/c/o", html(503))
    with pytest.raises(ServiceError, match=r"path:/c/o.*\(HTTP 503\).*tx0123"):
        client.send(Request("GET", "c", "o"))
    assert len(responder.requests) == ATTEMPTS


def test_pauses_between_attempts_grow(client: Client, responder: Responder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pause lasts at least twice as long as the shortest possible one before it."""
    monkeypatch.setattr(client_module, "BACK_OFF", 0.04)
    responder.on("GET", "/c/o", html(503))
    with pytest.raises(ServiceError):
        client.send(Request("GET", "c", "o"))
    arrived = [request.arrived for request in responder.requests]
    pauses = [after - before for before, after in pairwise(arrived)]
    assert all(pause >= 0.75 * 0.04 * 2**number for number, pause in enumerate(pauses))


@pytest.mark.parametrize("answer", [CUT, RESET], ids=["cut", "reset"])
def test_deletion_whose_answer_was_lost_has_succeeded(client: Client, responder: Responder, answer: Answer) -> None:
    """The second attempt finds nothing any more, since the first has done it."""
    responder.on("DELETE", "/c/o", answer, html(404))
    client.send(Request("DELETE", "c", "o")).read()
    assert len(responder.requests) == 2


def test_deletion_of_what_is_not_there_is_not_found(client: Client, responder: Responder) -> None:
    """Only a lost answer explains a 404 away, not a server that was busy."""
    responder.on("DELETE", "/c/o", html(503), html(404))
    with pytest.raises(NotFoundError):
        client.send(Request("DELETE", "c", "o"))


@pytest.mark.parametrize("status", sorted(set(STATUS_ERRORS) - {401, 503}))
def test_other_statuses_are_final(client: Client, responder: Responder, status: int) -> None:
    """A request is repeated after 401 and 503 only."""
    responder.on("GET", "/c/o", html(status))
    with pytest.raises(STATUS_ERRORS[status][0]):
        client.send(Request("GET", "c", "o"))
    assert len(responder.requests) == 1


def test_stream_is_sent_once(client: Client, responder: Responder) -> None:
    """Standard input can't be read again, so what hangs on it is not repeated."""
    responder.on("PUT", "/c/o", html(503))
    with pytest.raises(ServiceError):
        client.send(Request("PUT", "c", "o"), stream_body(io.BytesIO(b"once")))
    (request,) = responder.requests
    assert (request.body, request.header("Transfer-Encoding")) == (b"once", "chunked")


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 200_000], ids=["empty", "one byte", "200 kB"])
def test_body_of_known_length_is_sent_with_it(client: Client, responder: Responder, content: bytes) -> None:
    """An upload of a file says its length, also when that is nothing."""
    responder.on("PUT", "/c/o", ok(status=201))
    client.send(Request("PUT", "c", "o"), bytes_body(content)).read()
    (request,) = responder.requests
    assert request.body == content
    assert request.header("Content-Length") == str(len(content))
    assert request.header("Transfer-Encoding") is None


def test_empty_stream_makes_an_empty_object(client: Client, responder: Responder) -> None:
    """A stream that ends at once is an upload of nothing."""
    responder.on("PUT", "/c/o", ok(status=201))
    client.send(Request("PUT", "c", "o"), stream_body(io.BytesIO())).read()
    assert responder.requests[0].body == b""


def test_file_that_grows_is_sent_as_long_as_it_was(client: Client, responder: Responder) -> None:
    """A log that is written to meanwhile does not spill into the next request on the connection."""
    responder.on("PUT", "/c/o", ok(status=201))
    responder.on("GET", "/c/o", ok(b"next"))
    body = Body(io.BytesIO(b"0123456789-grown"), 10, replayable=True, label="a log")
    client.send(Request("PUT", "c", "o"), body).read()
    assert client.send(Request("GET", "c", "o")).read() == b"next"
    assert responder.requests[0].body == b"0123456789"
    assert [request.method for request in responder.requests] == ["PUT", "GET"]


def test_file_that_shrinks_is_a_local_failure(client: Client, responder: Responder) -> None:
    """A file that is cut while it is sent ends the upload at once; nobody waits for the missing bytes."""
    responder.on("PUT", "/c/o", ok(status=201))
    body = Body(io.BytesIO(b"01234"), 10, replayable=True, label="10 bytes of a log")
    with pytest.raises(LocalFileError, match="a log"):
        client.send(Request("PUT", "c", "o"), body)


class _Failing(io.RawIOBase):
    def readable(self) -> bool:
        """Be a stream."""
        return True

    def read(self, _: int = -1) -> bytes:
        """Fail as a damaged disk does."""
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("length", [None, 10])
def test_input_that_can_not_be_read_is_a_local_failure(
    client: Client, responder: Responder, length: int | None
) -> None:
    """A disk error while sending is not blamed on the server, nor repeated."""
    responder.on("PUT", "/c/o", ok(status=201))
    body = Body(_Failing(), length, replayable=False, label="standard input")  # type: ignore[arg-type]
    with pytest.raises(LocalFileError, match=r"standard input.*Input/output error"):
        client.send(Request("PUT", "c", "o"), body)


def test_early_refusal_of_a_large_upload_is_understood(client: Client, responder: Responder) -> None:
    """A server may refuse before it has read the body; its answer is what the user sees."""
    responder.on("PUT", "/c/o", Answer(413, b"quota", early=True))
    with pytest.raises(StorletShellError):
        client.send(Request("PUT", "c", "o"), bytes_body(b"x" * 50_000))


# --- 401


def test_expired_token_is_renewed_once(client: Client, responder: Responder) -> None:
    """A 401 leads to one new login, and the request goes again with the new token."""
    responder.on("GET", "/c/o", ok(b"1"), html(401), ok(b"2"))
    assert client.send(Request("GET", "c", "o")).read() == b"1"
    assert client.send(Request("GET", "c", "o")).read() == b"2"
    assert [request.header("X-Auth-Token") for request in responder.requests] == ["token-1", "token-1", "token-2"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_token_refused_twice_is_an_identity_error(client: Client, responder: Responder, method: str) -> None:
    """A new token that is refused as well ends it."""
    responder.on(method, "/c/o", html(401))
    with pytest.raises(IdentityError):
        client.send(Request(method, "c", "o"), bytes_body(b"x") if method == "PUT" else None)
    assert len(responder.requests) == 2
    assert len(responder.logins) == 2


def test_expired_token_of_a_storlet_run_is_renewed(client: Client, responder: Responder) -> None:
    """An expired token means that nothing has run yet, so the run may be sent again."""
    responder.on("GET", "/c/o", html(401), ok(b"run"))
    assert client.send(storlet_get()).read() == b"run"
    assert len(responder.requests) == 2


def test_each_request_may_renew(client: Client, responder: Responder) -> None:
    """A long session outlives many tokens."""
    responder.on("GET", "/c/o", html(401), ok(b"1"), html(401), ok(b"2"))
    assert client.send(Request("GET", "c", "o")).read() == b"1"
    assert client.send(Request("GET", "c", "o")).read() == b"2"
    assert len(responder.logins) == 3


# --- bodies that end early


CUT_BODIES = [
    Answer(body=b"x" * 10, length=1000, end="cut"),
    Answer(body=b"", length=1000, end="cut"),
    Answer(body=b"x" * 10, length=1000, end="reset"),
    Answer(body=[b"one", b"two"], chunked=True, end="cut"),
    Answer(body=[], chunked=True, end="cut"),
    Answer(body=[b"one"], chunked=True, end="mid"),
    Answer(body=[b"one"], chunked=True, end="reset"),
]
CUT_NAMES = [
    "short length",
    "nothing of a length",
    "length, reset",
    "chunk border",
    "before the first chunk",
    "mid-chunk",
    "chunked, reset",
]


@pytest.mark.parametrize("answer", CUT_BODIES, ids=CUT_NAMES)
@pytest.mark.parametrize("headers", [{}, RUN], ids=["plain", "storlet"])
def test_body_that_ends_early_is_incomplete(
    client: Client, responder: Responder, answer: Answer, headers: dict[str, str]
) -> None:
    """However a body is cut, reading it raises; it never looks like a shorter body."""
    responder.on("GET", "/c/o", answer)
    with pytest.raises(IncompleteBodyError, match="tx0123"):
        client.send(Request("GET", "c", "o", headers=headers)).read()
    assert len(responder.requests) == 1


def test_connection_of_a_cut_body_is_not_used_again(client: Client, responder: Responder) -> None:
    """The next request after a cut body is answered."""
    responder.on("GET", "/c/o", CUT_BODIES[5], ok(b"whole"))
    with pytest.raises(IncompleteBodyError):
        client.send(Request("GET", "c", "o")).read()
    assert client.send(Request("GET", "c", "o")).read() == b"whole"


def test_error_page_that_is_cut_is_still_its_status(client: Client, responder: Responder) -> None:
    """A 404 whose page is cut is a 404."""
    responder.on("GET", "/c/o", Answer(404, b"<html>", length=1000, end="cut"))
    with pytest.raises(NotFoundError):
        client.send(Request("GET", "c", "o"))


def test_chunks_arrive_as_they_are_sent(client: Client, responder: Responder) -> None:
    """A storlet's slow output is passed on piece by piece, not gathered."""
    from threading import Event

    go_on = Event()

    def pieces() -> object:
        yield b"first"
        assert go_on.wait(10)
        yield b"second"

    responder.on("GET", "/c/o", Answer(body=pieces(), chunked=True))  # type: ignore[arg-type]
    chunks = client.send(storlet_get()).chunks()
    assert next(chunks) == b"first"
    go_on.set()
    assert list(chunks) == [b"second"]


# --- statuses and pages


@pytest.mark.parametrize("status", sorted(STATUS_ERRORS))
def test_error_names_its_subject_status_and_transaction(client: Client, responder: Responder, status: int) -> None:
    """Each error is one line: which thing, what, the status, the transaction."""
    responder.on("GET", "/c/o", html(status))
    with pytest.raises(STATUS_ERRORS[status][0]) as caught:
        client.send(Request("GET", "c", "o"))
    text = str(caught.value)
    assert text.startswith("path:/c/o: ")
    assert text.endswith(f"(HTTP {status}) (transaction tx0123)")
    assert "<" not in text
    assert "\n" not in text


@pytest.mark.parametrize(("status", "kind"), [(418, StorletShellError), (599, ServiceError)])
def test_unknown_status_goes_by_its_class(
    client: Client, responder: Responder, status: int, kind: type[StorletShellError]
) -> None:
    """A status that no table knows is the server's failure from 500 on, else the request's."""
    responder.on("GET", "/c/o", html(status))
    with pytest.raises(kind) as caught:
        client.send(Request("GET", "c", "o"))
    assert type(caught.value) is kind


def test_text_of_a_bad_request_is_passed_on(client: Client, responder: Responder) -> None:
    """Where the server says in text why, the user reads it, on one line."""
    responder.on("PUT", "/c/o", page(400, "Metadata name\ncontains  slash", "text/html; charset=UTF-8"))
    with pytest.raises(StorletShellError, match=r"Metadata name contains\s+slash"):
        client.send(Request("PUT", "c", "o"), bytes_body(b"x"))


def test_html_page_is_not_shown(client: Client, responder: Responder) -> None:
    """A page of HTML repeats the status and is left out."""
    responder.on("GET", "/c/o", html(412))
    with pytest.raises(StorletShellError) as caught:
        client.send(Request("GET", "c", "o"))
    assert "html" not in str(caught.value)


def test_account_that_is_not_enabled_says_how(client: Client, responder: Responder) -> None:
    """The middleware's 400 becomes a hint at what helps."""
    responder.on("GET", "/c/o", page(400, "Account disabled for storlets", "text/html; charset=UTF-8"))
    with pytest.raises(StorletShellError, match="path:/c/o: the account isn't enabled for storlets") as caught:
        client.send(storlet_get())
    assert (caught.value.hint, caught.value.status) == (Hint(Action.ENABLE_ACCOUNT), 400)


def test_missing_container_of_an_upload_says_how(client: Client, responder: Responder) -> None:
    """A PUT of an object is answered 404 when its container is missing."""
    responder.on("PUT", "/c/o", html(404))
    with pytest.raises(NotFoundError, match="container c doesn't exist") as caught:
        client.send(Request("PUT", "c", "o"), bytes_body(b"x"))
    error = caught.value
    assert (error.subject, error.status, error.hint) == ("c", 404, Hint(Action.MAKE_CONTAINER, ("c",)))


# --- servers that are not there


def test_server_that_is_not_there_is_a_service_error(quick_retries: None) -> None:
    """A refused connection is one line that names the host."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    login = Login(Credentials("the test", "token", url + "/v1/AUTH_x", secret="t"), Connection(timeout=5))
    client = Client(login)
    with pytest.raises(ServiceError, match=f"can't connect to {url}"):
        client.send(Request("GET", "c", "o"))
    client.close()


def test_silent_server_is_given_up_after_the_time_out(responder: Responder, quick_retries: None) -> None:
    """A server that accepts and never answers does not hang the line."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1/AUTH_x"
        client = Client(Login(Credentials("the test", "token", url, secret="t"), Connection(timeout=0.1)))
        with pytest.raises(ServiceError, match="timed out"):
            client.send(storlet_get())
        client.close()


def test_answer_that_is_no_http_is_a_service_error(quick_retries: None) -> None:
    """A port where something else listens is one line, not a traceback."""
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            for _ in range(ATTEMPTS):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"220 mail.example.org ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1/AUTH_x"
        client = Client(Login(Credentials("the test", "token", url, secret="t"), Connection(timeout=5)))
        with pytest.raises(ServiceError):
            client.send(Request("GET", "c", "o"))
        client.close()
        thread.join()


@pytest.mark.parametrize("url", ["nonsense", "ftp://host/v1/AUTH_x", "http://", "http://[::1/v1", "http://host:port/"])
def test_storage_url_that_is_none_is_an_error_of_one_line(quick_retries: None, url: str) -> None:
    """A mistyped OS_STORAGE_URL is said, not shown as a traceback."""
    client = Client(Login(Credentials("the test", "token", url, secret="t"), Connection(timeout=5)))
    with pytest.raises(StorletShellError):
        client.send(Request("GET", "c", "o"))
    client.close()


def test_key_is_shown_by_nothing(responder: Responder) -> None:
    """The secret is in no representation of the credentials."""
    credentials = Credentials("the test", "v1", responder.auth_url, USER, KEY)
    assert KEY not in repr(credentials)
    assert KEY not in str(credentials)
