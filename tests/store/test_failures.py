"""Failed runs of storlets: sent once, and their reason is looked up."""

from __future__ import annotations

import io
from contextlib import closing

import pytest

from storlet_shell.errors import (
    IdentityError,
    NotFoundError,
    OverloadedError,
    ServiceError,
    StorletFailedError,
    StorletShellError,
)
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.store.failures import send_run
from storlet_shell.values import Connection
from storlet_shell.wire.bodies import bytes_body, stream_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from storlet_shell.wire.statuses import STATUS_ERRORS
from tests.support.responder import CUT, RESET, Answer, Responder, html, ok, page

RUN = {"X-Run-Storlet": "upper.py"}
REFUSAL = page(
    401,
    "Failed to verify access to the storlet. Either the storlet does not exist or you are not authorized to run the "
    "storlet.",
    "text/html; charset=UTF-8",
)
UNRUNNABLE = [html(500), html(503), CUT, RESET]
NAMES = ["500", "503", "cut", "reset"]


def storlet_get() -> Request:
    """Return a GET through a storlet."""
    return Request("GET", "c", "o", headers=RUN)


@pytest.mark.parametrize("answer", UNRUNNABLE, ids=NAMES)
@pytest.mark.parametrize("method", ["GET", "PUT", "COPY"])
def test_storlet_run_is_sent_exactly_once(client: Client, responder: Responder, method: str, answer: Answer) -> None:
    """Whatever happens to a storlet's run, it is never repeated: it may have had effects."""
    responder.on(method, "/c/o", answer)
    responder.on("HEAD", "/c/o", html(404))
    body = bytes_body(b"content") if method == "PUT" else None
    with pytest.raises(StorletShellError):
        send_run(client, Request(method, "c", "o", headers=RUN), body)
    assert len(responder.sent(method)) == 1


@pytest.mark.parametrize("status", sorted(STATUS_ERRORS))
def test_storlet_run_is_sent_once_for_every_status(client: Client, responder: Responder, status: int) -> None:
    """Only a 401 that means an expired token is answered by a second attempt."""
    responder.on("GET", "/c/o", page(status, "Storlet execution failed"))
    with pytest.raises(StorletShellError) as caught:
        send_run(client, storlet_get())
    assert caught.value.status == status
    assert len(responder.sent("GET")) == (2 if status == 401 else 1)


def test_storlet_failure_that_names_itself_brings_its_log(client: Client, responder: Responder) -> None:
    """The embedded engine says how the storlet failed, and what this run wrote; it is asked once for each."""
    responder.info["storlet_shell"] = {"logs": True}
    responder.on("GET", "/c/o", page(503, "Storlet upper.py failed (raised): no", X_Storlet_Shell_Failure="raised"))
    responder.on("GET", "", page(200, "Traceback"))
    with pytest.raises(StorletFailedError, match=r"upper\.py failed on path:/c/o: no \(transaction tx") as caught:
        send_run(client, storlet_get())
    assert caught.value.details == "Traceback"
    assert [(request.path, request.query) for request in responder.requests] == [
        ("/c/o", {}),
        ("", {"storlet-log": "upper.py", "transaction": "tx0123"}),
    ]


def test_storlet_that_writes_before_its_metadata_is_told_what_to_do(client: Client, responder: Responder) -> None:
    """Upstream's own words say only what it refuses."""
    early = "Storlet upper.py failed (raised): OSError: Body should be sent after metadata is sent"
    responder.on("GET", "/c/o", page(503, early, X_Storlet_Shell_Failure="raised"))
    with pytest.raises(StorletFailedError, match=r"; call out_files\[0\]\.set_metadata\(\{\}\) before it writes"):
        send_run(client, storlet_get())


@pytest.mark.parametrize(
    ("kind", "error"),
    [("busy", OverloadedError), ("engine", ServiceError), ("input", ServiceError), ("missing", NotFoundError)],
)
def test_failure_that_is_not_the_storlets_is_not_called_so(
    client: Client, responder: Responder, kind: str, error: type[StorletShellError]
) -> None:
    """A full engine may pass, a missing dependency is not there: neither is status 6."""
    responder.info["storlet_shell"] = {"logs": True}
    responder.on("GET", "/c/o", page(503, f"Storlet upper.py failed ({kind}): why", X_Storlet_Shell_Failure=kind))
    responder.on("GET", "", page(404, ""))
    with pytest.raises(error, match=r"upper\.py didn't run over path:/c/o: why") as caught:
        send_run(client, storlet_get())
    assert caught.type is error
    assert [request.path for request in responder.requests].count("/c/o") == 1


@pytest.mark.parametrize("answer", [html(403), html(404), html(500), CUT], ids=["403", "404", "500", "cut"])
def test_log_that_can_not_be_had_does_not_hide_the_failure(
    client: Client, responder: Responder, answer: Answer
) -> None:
    """A user without the right to read logs still learns that the storlet failed, and why."""
    responder.on("GET", "/c/o", page(503, "Storlet upper.py failed (raised): no", X_Storlet_Shell_Failure="raised"))
    responder.on("GET", "/storletlog/upper.py.log", answer)
    with pytest.raises(StorletFailedError, match="no"):
        send_run(client, storlet_get())


def test_storlet_failure_on_the_proxy_takes_one_request(client: Client, responder: Responder) -> None:
    """The upstream middleware says on the proxy that an execution failed."""
    responder.on("PUT", "/c/o", page(500, "Storlet execution timed out"))
    with pytest.raises(StorletFailedError, match="timed out"):
        send_run(client, Request("PUT", "c", "o", headers=RUN), bytes_body(b"x"))
    assert len(responder.requests) == 1


def test_wordless_503_of_a_storlet_is_told_from_a_failing_server(client: Client, responder: Responder) -> None:
    """A GET on the object's node fails without words: a HEAD that succeeds says that it was the storlet."""
    responder.on("GET", "/c/o", html(503))
    responder.on("HEAD", "/c/o", ok())
    with pytest.raises(StorletFailedError):
        send_run(client, storlet_get())
    assert [request.method for request in responder.requests] == ["GET", "HEAD"]
    assert "x-run-storlet" not in responder.requests[1].names()


def test_503_of_a_server_that_is_down_is_not_blamed_on_the_storlet(client: Client, responder: Responder) -> None:
    """Where the HEAD fails as well, the server is the reason."""
    responder.on("GET", "/c/o", html(503))
    responder.on("HEAD", "/c/o", html(503))
    with pytest.raises(ServiceError):
        send_run(client, storlet_get())


def test_expired_token_that_looks_like_a_forbidden_storlet_is_renewed(client: Client, responder: Responder) -> None:
    """Behind Keystone's middleware it is the one of storlets that answers; looking for the storlet tells."""
    responder.on("GET", "/c/o", REFUSAL, ok(b"run"))
    responder.on("HEAD", "/storlet/upper.py", html(401), ok())
    assert send_run(client, storlet_get()).read() == b"run"
    assert [request.header("X-Auth-Token") for request in responder.sent("GET")] == ["token-1", "token-2"]


def test_expired_token_is_not_taken_for_a_forbidden_storlet(client: Client, responder: Responder) -> None:
    """Nor where the run can't be sent again: its input is read once, or there is nothing but a token."""
    responder.on("PUT", "/c/o", REFUSAL)
    responder.on("HEAD", "/storlet/upper.py", html(401), ok(), html(401))
    run = storlet_get()._replace(method="PUT")
    with pytest.raises(IdentityError, match="the token had expired, and the input can't be read again"):
        send_run(client, run, stream_body(io.BytesIO(b"x")))
    held = Credentials("the test", "token", responder.storage_url, secret="t")
    refused = pytest.raises(IdentityError, match=r"the token of the test was refused: it has expired")
    with closing(Client(Login(held, Connection()))) as client, refused:
        send_run(client, run, bytes_body(b"x"))


def test_storlet_that_is_not_deployed_is_not_an_expired_token(client: Client, responder: Responder) -> None:
    """The middleware answers 401 to an unknown storlet; a HEAD on its object says so, without a new login."""
    responder.on("GET", "/c/o", REFUSAL)
    responder.on("HEAD", "/storlet/upper.py", html(404))
    with pytest.raises(NotFoundError, match=r"storlet upper\.py isn't deployed"):
        send_run(client, storlet_get())
    assert [(request.method, request.path) for request in responder.requests] == [
        ("GET", "/c/o"),
        ("HEAD", "/storlet/upper.py"),
    ]
    assert len(responder.logins) == 1


def test_expired_token_that_looks_like_a_refused_storlet_is_renewed(client: Client, responder: Responder) -> None:
    """Keystone's middleware lets it pass as nobody's, and then the storlet is refused."""
    responder.on("GET", "/c/o", REFUSAL, ok(b"done"))
    responder.on("HEAD", "/storlet/upper.py", html(401), ok())
    assert send_run(client, storlet_get()).read() == b"done"
    assert len(responder.logins) == 2


def test_storlet_that_may_not_be_run_is_an_identity_error(client: Client, responder: Responder) -> None:
    """Where the storlet is there, the same 401 means that this user may not run it."""
    responder.on("GET", "/c/o", REFUSAL)
    responder.on("HEAD", "/storlet/upper.py", ok())
    with pytest.raises(IdentityError, match=r"may not run storlet upper\.py"):
        send_run(client, storlet_get())


def test_storlet_that_may_not_even_be_seen_is_an_identity_error(client: Client, responder: Responder) -> None:
    """A HEAD that is forbidden says so, too, and not that the storlet's object is forbidden to be read."""
    responder.on("GET", "/c/o", REFUSAL)
    responder.on("HEAD", "/storlet/upper.py", html(403))
    with pytest.raises(IdentityError):
        send_run(client, storlet_get())
