"""Logins that are shared, renewed, prompted for, and refused by a scripted server."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from storlet_shell.errors import ExitStatus, IdentityError, ServiceError, StorletShellError
from storlet_shell.identity.environment import discover
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.session import Options, Session, Surroundings
from storlet_shell.values import Connection
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.lines import Runner, one_line
from tests.support.responder import ACCOUNT, KEY, RESET, USER, Answer, Recorded, Responder, html, ok, page

THREADS = 8


def keystone(responder: Responder, **extra: str) -> dict[str, str]:
    """Return the variables of a Keystone that the scripted server plays below its account."""
    named = {"OS_USERNAME": "user", "OS_PASSWORD": "pass-w0rd", "OS_PROJECT_NAME": "project"}
    return {"OS_AUTH_URL": f"http://127.0.0.1:{responder.port}/v1/{ACCOUNT}/v3", **named, **extra}


def token(responder: Responder, number: int, **changes: object) -> Answer:
    """Answer a login at Keystone."""
    domain = {"id": "default", "name": "Default"}
    endpoint = {"id": "1", "interface": "public", "region": "r", "region_id": "r", "url": responder.storage_url}
    body: dict[str, object] = {
        "methods": ["password"],
        "expires_at": "2099-01-01T00:00:00.000000Z",
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "user": {"id": "u", "name": "user", "domain": domain},
        "project": {"id": "p", "name": "project", "domain": domain},
        "roles": [{"id": "1", "name": "member"}],
        "catalog": [{"type": "object-store", "name": "swift", "id": "s", "endpoints": [endpoint]}],
    } | changes
    content = json.dumps({"token": {key: value for key, value in body.items() if value is not None}}).encode()
    return ok(content, 201, X_Subject_Token=f"keystone-{number}", Content_Type="application/json")


class Logins:
    """Gives out tokens, and takes the latest only."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self.count = 0

    def log_in(self, _: Recorded) -> Answer:
        """Answer a login."""
        self.count += 1
        return token(self._responder, self.count)

    def log_in_to_tempauth(self, _: Recorded) -> Answer:
        """Answer a login of tempauth."""
        self.count += 1
        return ok(X_Auth_Token=f"keystone-{self.count}", X_Storage_Url=self._responder.storage_url)

    def answer(self, request: Recorded) -> Answer:
        """Answer a request by its token."""
        return ok() if request.header("X-Auth-Token") == f"keystone-{max(self.count, 2)}" else html(401)


@pytest.mark.parametrize("scheme", ["v1", "v3"])
def test_expired_token_is_renewed_once_for_all_threads(responder: Responder, scheme: str) -> None:
    """Each client meets the 401 with the same token; the first renews, the others take what it got."""
    logins = Logins(responder)
    responder.on("POST", "/v3/auth/tokens", logins.log_in)
    responder.on("GET", "/auth", logins.log_in_to_tempauth)
    together = threading.Barrier(THREADS)

    def answer(request: Recorded) -> Answer:
        if request.header("X-Auth-Token") == "keystone-1":
            together.wait(30)
        return logins.answer(request)

    responder.on("HEAD", "/c", answer)
    environ = keystone(responder) if scheme == "v3" else responder.environ
    with Session(Surroundings(environ)) as session:
        session.client.login.token()
        clients = [session.another_client() for _ in range(THREADS)]
        with ThreadPoolExecutor(THREADS) as pool:
            replies = list(pool.map(lambda client: client.send(Request("HEAD", "c")), clients))
        assert [reply.status for reply in replies] == [200] * THREADS
        for client in clients:
            client.close()
    assert logins.count == 2


def test_clients_before_the_first_login_share_one(responder: Responder) -> None:
    """Completion may be quicker than the first command."""
    responder.on("HEAD", "", ok())
    with Session(Surroundings(responder.environ)) as session:
        for client in (session.another_client(), session.another_client(), session.client):
            assert client is not None
            client.send(Request("HEAD"))
            client.close()
    assert len(responder.logins) == 1


def test_storlet_is_not_run_twice_for_an_expired_token(run_scripted: Runner, responder: Responder) -> None:
    """A 401 means that nothing has run: one renewal, one more request, and a second 401 is the end."""
    responder.on("GET", "/c/o", html(401), Answer(body=[b"done"], chunked=True))
    assert run_scripted("get", "c/o", "--storlet", "s.py").text == "done"
    assert (len(responder.sent("GET")), len(responder.logins)) == (2, 2)
    responder.on("GET", "/c/o", html(401))
    refused = run_scripted("get", "c/o", "--storlet", "s.py")
    assert refused.status == 3
    assert len(responder.sent("GET")) == 4


def test_token_alone_can_not_be_renewed(run_scripted: Runner, responder: Responder) -> None:
    """The message says so."""
    responder.on("HEAD", "", html(401))
    environ = {"ST_AUTH": "", "ST_USER": "", "ST_KEY": "", "OS_STORAGE_URL": responder.storage_url}
    refused = run_scripted("whoami", environ={**environ, "OS_AUTH_TOKEN": "an-old-token"})
    assert refused.status == 3
    assert "OS_STORAGE_URL and OS_AUTH_TOKEN was refused: it has expired or was revoked" in one_line(refused)


# --- what is not Keystone, or not a project's token


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (ok(b"<html>It works!</html>", Content_Type="text/html"), IdentityError, "isn't a Keystone server: "),
        (ok(b'{"hello": 1}', Content_Type="application/json"), IdentityError, "isn't a Keystone server: "),
        (html(404), IdentityError, "isn't a Keystone server: "),
        (html(405), IdentityError, "isn't a Keystone server: "),
        (
            html(401),
            IdentityError,
            "check the user user of domain default, the password, and the access to project",
        ),
        (html(500), ServiceError, "failed: "),
        (html(503), ServiceError, "failed: "),
        (RESET, ServiceError, "connection to http://127.0.0.1:.* failed: Connection reset by peer"),
    ],
    ids=["page", "json", "404", "405", "401", "500", "503", "reset"],
)
def test_answer_of_keystone_is_one_line(
    responder: Responder, answer: Answer, kind: type[StorletShellError], said: str
) -> None:
    """Whatever answers, nothing of the password is said."""
    responder.on("POST", "/v3/auth/tokens", answer)
    with pytest.raises(kind, match=said) as caught:
        Login(discover(keystone(responder)), Connection(timeout=5)).token()
    assert len(str(caught.value).splitlines()) == 1
    assert "pass-w0rd" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"project": None}, "is for no project"),
        ({"project": None, "domain": {"id": "d", "name": "Dom"}}, "is for domain Dom"),
        ({"project": None, "system": {"all": True}}, "is for the whole system"),
        ({"catalog": []}, "it has no object store at all"),
        ({"catalog": None}, "it has no object store at all"),
    ],
)
def test_login_without_a_project_or_catalog_is_explained(
    responder: Responder, changes: dict[str, object], said: str
) -> None:
    """An object store needs a project."""
    responder.on("POST", "/v3/auth/tokens", token(responder, 1, **changes))
    with pytest.raises(IdentityError, match=said):
        Login(discover(keystone(responder)), Connection(timeout=5)).storage_url()


@pytest.mark.parametrize("ending", ["/v3", "/v3/", "", "/", "/v2.0", "/v2.0/"])
def test_url_of_keystone_may_end_in_any_way(responder: Responder, ending: str) -> None:
    """Version 3 is used, with or without version and slash, without a request for versions."""
    responder.on("POST", "/v3/auth/tokens", token(responder, 1))
    environ = keystone(responder)
    environ["OS_AUTH_URL"] = environ["OS_AUTH_URL"].removesuffix("/v3") + ending
    assert Login(discover(environ), Connection(timeout=5)).token() == "keystone-1"
    assert len(responder.requests) == 1


def test_proxy_is_named_without_its_password(responder: Responder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that resets is not taken for the server."""
    monkeypatch.setenv("http_proxy", f"http://me:pr0xy-pass@127.0.0.1:{responder.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    responder.on("*", "*", RESET)
    for credentials in (
        discover({**keystone(responder), "OS_AUTH_URL": "http://keystone.test/v3"}),
        Credentials("the test", "v1", "http://swift.test/auth/v1.0", USER, KEY),
    ):
        with pytest.raises(
            ServiceError, match=rf"through the HTTP proxy http://127\.0\.0\.1:{responder.port} failed: Conn"
        ) as caught:
            Login(credentials, Connection(timeout=5)).token()
        assert "pr0xy-pass" not in str(caught.value)


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        (
            "127.0.0.1:9",
            "can't connect to http://swift.test through the HTTP proxy http://127.0.0.1:9: connection refused",
        ),
        ("http://[::1", "connection to http://swift.test through the HTTP proxy http://[::1 failed: "),
        ("http://me:pr0xy-pass@[::1", "connection to http://swift.test through the HTTP proxy [::1 failed: "),
        (
            "http:///x",
            "can't connect to http://swift.test through the HTTP proxy http:///x: the proxy's URL is invalid",
        ),
    ],
)
@pytest.mark.parametrize("scheme", ["v1", "v3"])
def test_proxy_is_named_as_it_is_used(monkeypatch: pytest.MonkeyPatch, proxy: str, shown: str, scheme: str) -> None:
    """A proxy without a scheme is one of HTTP; one that is no URL is an error in one line, without its password."""
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    credentials = Credentials("the test", scheme, "http://swift.test/v3", USER, KEY)
    with pytest.raises(ServiceError) as caught:
        Login(credentials, Connection(timeout=5)).token()
    assert str(caught.value).startswith(shown)
    assert "pr0xy-pass" not in str(caught.value)


def test_url_with_a_password_in_it_is_refused_without_being_shown() -> None:
    """It would be in every message."""
    for scheme in ("v1", "v3", "token"):
        with pytest.raises(IdentityError, match="contains a user or a password") as caught:
            Login(Credentials("x", scheme, "http://me:hunter22@host/v3", "u", "s"), Connection()).storage_url()
        assert "hunter22" not in str(caught.value)


# --- passwords that are asked for


class Watched(Surroundings):
    """A process with somebody who knows passwords."""

    def __init__(self, environ: Mapping[str, str], *answers: str) -> None:
        super().__init__(environ)
        self.answers = list(answers)
        self.questions: list[str] = []

    def ask_secret(self, question: str) -> str:
        """Answer with the next password."""
        self.questions.append(question)
        return self.answers.pop(0)


def test_missing_password_is_asked_for_once(responder: Responder) -> None:
    """A shell asks at its first request, not at every one, and completion never asks."""
    responder.on("POST", "/v3/auth/tokens", token(responder, 1))
    environ = keystone(responder, OS_PASSWORD="")
    watched = Watched(environ, "typed-passw0rd")
    with Session(watched) as session:
        assert session.another_client() is None
        assert session.where
        assert watched.questions == []
        for _ in range(2):
            assert session.client.login.token() == "keystone-1"
        assert session.another_client() is not None
        assert session.secrets == ("typed-passw0rd",)
    assert watched.questions == [f"Password of user at {environ['OS_AUTH_URL']}: "]
    assert b"typed-passw0rd" in responder.requests[0].body


def test_mistyped_password_is_asked_for_again(responder: Responder) -> None:
    """One that Keystone refused is forgotten."""
    responder.on("POST", "/v3/auth/tokens", html(401), token(responder, 1))
    with Session(Watched(keystone(responder, OS_PASSWORD=""), "wrong", "right")) as session:
        with pytest.raises(IdentityError, match="login refused by"):
            session.client.login.token()
        assert session.client.login.token() == "keystone-1"
    assert [b"right" in request.body for request in responder.requests] == [False, True]


def test_nobody_to_ask_is_one_line(run_scripted: Runner, responder: Responder) -> None:
    """A cron job learns which variable is missing."""
    refused = run_scripted("whoami", environ={**keystone(responder, OS_PASSWORD="")})
    assert refused.status == 3
    assert "without OS_PASSWORD" in one_line(refused)
    assert responder.requests == []


# --- options


@pytest.mark.parametrize("words", [["ls"], ["-c", "ls"], ["-f", "-"]], ids=["line", "-c", "-f"])
def test_options_work_in_every_front_end(run_scripted: Runner, responder: Responder, words: list[str]) -> None:
    """They name user, URL and interface; the environment's tempauth is not asked."""
    responder.on("POST", "/v3/auth/tokens", token(responder, 1))
    responder.on("GET", "", ok(b"[]"))
    given = {f"--os-{name[3:].lower().replace('_', '-')}": value for name, value in keystone(responder).items()}
    options = [word for name, value in given.items() if name != "--os-password" for word in (name, value)]
    outcome = run_scripted(*options, *words, stdin=b"ls\n", environ={"OS_PASSWORD": "pass-w0rd"})
    assert (outcome.status, outcome.err) == (0, "")
    assert responder.logins == []


def test_options_after_the_command_are_told_their_place(run_scripted: Runner) -> None:
    """The line is refused, and says how it would work."""
    refused = run_scripted("whoami", "--os-cloud", "x")
    assert refused.status == 2
    assert "--os-* options go before the command" in one_line(refused)


def test_local_and_another_identity_are_one_too_many(run_scripted: Runner) -> None:
    """Refuse both instead of choosing one silently."""
    refused = run_scripted("--local", "--os-cloud", "x", "whoami")
    assert refused.status == 2
    assert "--local" in one_line(refused)


def test_option_wins_over_the_local_variable(responder: Responder) -> None:
    """An option has priority over STORLET_SHELL_LOCAL."""
    environ = {**keystone(responder), "STORLET_SHELL_LOCAL": "1"}
    with Session(Surroundings(environ), options=Options(identity={"OS_USERNAME": "typed"})) as session:
        assert session.credentials().user == "typed"


def test_timeout_of_the_line_wins_over_the_default(responder: Responder) -> None:
    """The default for a silent server is one minute."""
    for given, expected in ((3.0, 3.0), (None, 60.0)):
        with Session(Surroundings(responder.environ), options=Options(timeout=given)) as session:
            assert session.client.login.connection.timeout == expected


def test_client_without_a_login_is_never_shared(responder: Responder) -> None:
    """Two sessions are two logins."""
    responder.on("HEAD", "", ok())
    for _ in range(2):
        with Session(Surroundings(responder.environ)) as session:
            client: Client = session.client
            client.send(Request("HEAD"))
    assert len(responder.logins) == 2


@pytest.mark.slow
@pytest.mark.parametrize("status", [408, 429, 498, 500, 503])
def test_login_that_fails_for_now_is_no_refusal(run_scripted: Runner, responder: Responder, status: int) -> None:
    """A script may try again, and does not ask for another password."""
    responder.on("GET", "/auth", page(status))
    ended = run_scripted("ls")
    assert ended.status == ExitStatus.SERVICE
    assert one_line(ended).endswith(f"as {USER} (HTTP {status})")


@pytest.mark.parametrize("status", [401, 503])
def test_info_tells_that_the_login_fails(run_scripted: Runner, responder: Responder, status: int) -> None:
    """A failed login isn't reported as a cluster without /info."""
    responder.on("GET", "/auth", page(status))
    ended = run_scripted("info")
    assert ended.status == (ExitStatus.IDENTITY if status == 401 else ExitStatus.SERVICE)
    assert "/auth/v1.0" in one_line(ended)


def test_error_page_of_tempauth_names_no_password(responder: Responder) -> None:
    """The same guarantee for the other protocol."""
    responder.on("GET", "/auth", page(400, KEY))
    with pytest.raises(IdentityError) as caught:
        Login(Credentials("the test", "v1", responder.auth_url, USER, KEY), Connection(timeout=5)).token()
    assert KEY not in str(caught.value)
