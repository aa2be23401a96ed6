"""Where an identity comes from, what is missing in an incomplete one, and when a session logs in."""

from __future__ import annotations

import re
import socket

import pytest

from storlet_shell.adapters.hints import in_line
from storlet_shell.errors import IdentityError, ServiceError, StorletShellError
from storlet_shell.identity.environment import discover
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.session import Session, Surroundings
from storlet_shell.spec.registry import Registry, parse
from storlet_shell.values import Connection
from storlet_shell.wire.requests import Request
from tests.support.responder import CUT, KEY, USER, Answer, Responder, html, ok, page

TEMPAUTH = {"ST_AUTH": "http://host/auth/v1.0", "ST_USER": "account:user", "ST_KEY": "secret"}
KEYSTONE = {
    "OS_AUTH_URL": "http://host:5000/v3",
    "OS_USERNAME": "user",
    "OS_PASSWORD": "secret",
    "OS_PROJECT_NAME": "project",
    "OS_USER_DOMAIN_NAME": "Default",
    "OS_PROJECT_DOMAIN_NAME": "Default",
}
TOKEN = {"OS_STORAGE_URL": "http://host/v1/AUTH_x", "OS_AUTH_TOKEN": "secret"}


# --- discovery


@pytest.mark.parametrize(
    ("environ", "scheme", "url"),
    [
        (TEMPAUTH, "v1", "http://host/auth/v1.0"),
        (KEYSTONE, "v3", "http://host:5000/v3"),
        (KEYSTONE | {"OS_AUTH_VERSION": "3"}, "v3", "http://host:5000/v3"),
        (KEYSTONE | {"OS_IDENTITY_API_VERSION": "3.14"}, "v3", "http://host:5000/v3"),
        (TOKEN, "token", "http://host/v1/AUTH_x"),
        (TEMPAUTH | TOKEN, "v1", "http://host/auth/v1.0"),
        (TEMPAUTH | KEYSTONE, "v3", "http://host:5000/v3"),
    ],
)
def test_environment_names_an_identity(environ: dict[str, str], scheme: str, url: str) -> None:
    """Keystone's variables win over tempauth's, and those over a token."""
    found = discover(environ)
    assert (found.scheme, found.auth_url, found.secret) == (scheme, url, "secret")


@pytest.mark.parametrize("missing", TEMPAUTH)
def test_half_a_tempauth_identity_names_what_is_missing(missing: str) -> None:
    """Each variable's absence is said by its name."""
    with pytest.raises(IdentityError, match=f"without {missing};"):
        discover({name: value for name, value in TEMPAUTH.items() if name != missing})


@pytest.mark.parametrize("missing", ["OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_PROJECT_NAME"])
def test_half_a_keystone_identity_names_what_is_missing(missing: str) -> None:
    """Each variable's absence is said by its name."""
    with pytest.raises(IdentityError, match=f"without {missing};"):
        Session(Surroundings({name: value for name, value in KEYSTONE.items() if name != missing})).credentials()


@pytest.mark.parametrize("missing", TOKEN)
def test_half_a_token_names_what_is_missing(missing: str) -> None:
    """A token without a storage URL is of no use, and the other way round."""
    with pytest.raises(IdentityError, match=f"without {missing};"):
        discover({name: value for name, value in TOKEN.items() if name != missing})


def test_several_missing_variables_are_all_named() -> None:
    """One message is enough to put an identity right."""
    with pytest.raises(IdentityError, match="OS_AUTH_URL without OS_USERNAME, OS_PASSWORD;"):
        discover({"OS_AUTH_URL": "http://host"})


@pytest.mark.parametrize("environ", [{}, {"HOME": "/root"}, {"ST_AUTH": "", "OS_AUTH_URL": ""}])
def test_no_identity_names_every_way_in(environ: dict[str, str]) -> None:
    """Without credentials nothing is chosen silently; clouds, Keystone, tempauth and --local are named."""
    with pytest.raises(IdentityError, match="no identity") as caught:
        discover(environ)
    assert caught.value.hint
    assert re.search(r"--local.*OS_CLOUD.*OS_AUTH_URL.*ST_AUTH", caught.value.explained(in_line))


def test_empty_variable_is_a_missing_one() -> None:
    """A variable that is set to nothing does not count."""
    with pytest.raises(IdentityError, match="without ST_KEY;"):
        discover(TEMPAUTH | {"ST_KEY": ""})


@pytest.mark.parametrize("version", ["2", "2.0", "1"])
def test_other_versions_of_keystone_are_refused(version: str) -> None:
    """Version 3 is spoken only, and the message says so."""
    with pytest.raises(IdentityError, match="only version 3"):
        discover(KEYSTONE | {"OS_AUTH_VERSION": version})


def test_version_is_blamed_on_the_variable_that_names_it() -> None:
    """Each of the two variables, and the option in its place, is named as the user set it."""
    with pytest.raises(IdentityError, match=r"^OS_IDENTITY_API_VERSION is v3; .*: set it to 3$"):
        discover(KEYSTONE | {"OS_IDENTITY_API_VERSION": "v3"})
    with pytest.raises(IdentityError, match=r"^--os-auth-version is 2; "):
        discover(KEYSTONE | {"OS_IDENTITY_API_VERSION": "3"}, {"OS_AUTH_VERSION": "2"})
    assert discover(KEYSTONE | {"OS_IDENTITY_API_VERSION": "3.14"}).scheme == "v3"


def test_tenant_is_an_old_name_of_project() -> None:
    """Old environment files have OS_TENANT_NAME."""
    environ = {name: value for name, value in KEYSTONE.items() if name != "OS_PROJECT_NAME"}
    assert dict(discover(environ | {"OS_TENANT_NAME": "old"}).scope)["project_name"] == "old"


@pytest.mark.parametrize("name", ["OS_INTERFACE", "OS_ENDPOINT_TYPE"])
def test_interface_has_two_names(name: str) -> None:
    """Both variables occur in environment files."""
    assert discover(KEYSTONE | {name: "internal"}).interface == "internal"
    assert discover(KEYSTONE).interface == "public"


@pytest.mark.parametrize("environ", [TEMPAUTH, KEYSTONE, TOKEN], ids=["tempauth", "keystone", "token"])
def test_secret_is_in_no_text(environ: dict[str, str]) -> None:
    """Printing credentials never reveals a secret."""
    assert "secret" not in repr(discover(environ))


# --- logins


def login(responder: Responder, key: str = KEY, url: str = "") -> Login:
    """Return a login at the scripted server."""
    return Login(Credentials("the test", "v1", url or responder.auth_url, USER, key), Connection(timeout=5))


def test_tempauth_is_asked_once_for_token_and_storage_url(responder: Responder) -> None:
    """One GET answers both."""
    made = login(responder)
    assert made.storage_url() == responder.storage_url
    assert (made.token(), made.token()) == ("token-1", "token-1")
    (request,) = responder.logins
    assert (request.method, request.header("X-Auth-User"), request.header("X-Auth-Key")) == ("GET", USER, KEY)


def test_storage_url_is_known_after_a_login_only(responder: Responder) -> None:
    """A prompt that names the account asks nobody for it."""
    made = login(responder)
    assert made.known_storage_url == ""
    assert responder.logins == []
    made.storage_url()
    assert made.known_storage_url == responder.storage_url


def test_wrong_password_is_an_identity_error(responder: Responder) -> None:
    """The message names the server and the user, and not the password."""
    with pytest.raises(IdentityError, match=f"{responder.auth_url}: check the user {USER} and the password") as caught:
        login(responder, key="wr0ng").token()
    assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (html(403), IdentityError),
        (html(404), IdentityError),
        (html(500), ServiceError),
        (html(503), ServiceError),
        (CUT, ServiceError),
        (ok(b"a web page"), IdentityError),
        (page(302, Location="http://127.0.0.1:1/"), StorletShellError),
    ],
    ids=["403", "404", "500", "503", "cut", "no tokens", "redirect"],
)
def test_identity_service_that_fails_is_one_line(
    responder: Responder, answer: Answer, kind: type[StorletShellError]
) -> None:
    """Every kind of answer is translated, none is a traceback."""
    responder.on("GET", "/auth", answer)
    with pytest.raises(kind) as caught:
        login(responder).token()
    assert KEY not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_identity_service_that_is_not_there_is_a_service_error() -> None:
    """A refused connection names the URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/auth/v1.0"
    with pytest.raises(ServiceError, match=f"can't connect to {url.removesuffix('/auth/v1.0')}"):
        Login(Credentials("the test", "v1", url, USER, KEY), Connection(timeout=5)).token()


def test_silent_identity_service_is_given_up(responder: Responder) -> None:
    """A server that accepts and never answers is a service error after the time-out."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/auth/v1.0"
        with pytest.raises(ServiceError):
            Login(Credentials("the test", "v1", url, USER, KEY), Connection(timeout=0.1)).token()


@pytest.mark.parametrize("url", ["nonsense", "host:8080/auth/v1.0", "ftp://host/auth", "http://", "http://[::1/"])
@pytest.mark.parametrize("scheme", ["v1", "v3"])
def test_identity_url_that_is_none_is_one_line(url: str, scheme: str) -> None:
    """A mistyped URL is an expected error for every scheme."""
    scope = (("project_name", "p"),) if scheme == "v3" else ()
    with pytest.raises(StorletShellError) as caught:
        Login(Credentials("the test", scheme, url, "u", "secret", scope), Connection(timeout=1)).token()
    assert len(str(caught.value).splitlines()) == 1
    assert "secret" not in str(caught.value)


def test_missing_ca_bundle_is_one_line() -> None:
    """A CA bundle that is not there is said with its name, before any server is blamed."""
    connection = Connection(cacert="/no/such/bundle.pem", timeout=1)
    with pytest.raises(StorletShellError, match=r"/no/such/bundle\.pem"):
        Login(Credentials("the test", "v1", "https://127.0.0.1:1/auth", USER, KEY), connection).token()


# --- Keystone


CATALOG = {
    "token": {
        "methods": ["password"],
        "expires_at": "2099-01-01T00:00:00.000000Z",
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "user": {"id": "u", "name": "user", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p", "name": "project", "domain": {"id": "default", "name": "Default"}},
        "roles": [],
        "catalog": [
            {
                "type": "object-store",
                "name": "swift",
                "id": "s",
                "endpoints": [
                    {"id": "1", "interface": "public", "region": "one", "region_id": "one", "url": "http://one/v1/A"},
                    {"id": "2", "interface": "internal", "region": "one", "region_id": "one", "url": "http://in/v1/A"},
                    {"id": "3", "interface": "public", "region": "two", "region_id": "two", "url": "http://two/v1/A/"},
                ],
            }
        ],
    }
}


def keystone(responder: Responder, **extra: str) -> Login:
    """Return a login at a Keystone that the scripted server plays."""
    import json

    from tests.support.responder import ACCOUNT

    answer = ok(json.dumps(CATALOG).encode(), 201, X_Subject_Token="keystone-token", Content_Type="application/json")
    responder.on("POST", "/v3/auth/tokens", answer)
    environ = KEYSTONE | {"OS_AUTH_URL": f"http://127.0.0.1:{responder.port}/v1/{ACCOUNT}/v3"} | extra
    return Login(discover(environ), Connection(timeout=5))


@pytest.mark.parametrize(
    ("extra", "url"),
    [
        ({}, "http://one/v1/A"),
        ({"OS_REGION_NAME": "two"}, "http://two/v1/A"),
        ({"OS_INTERFACE": "internal"}, "http://in/v1/A"),
        ({"OS_ENDPOINT_TYPE": "internalURL"}, "http://in/v1/A"),
    ],
)
def test_keystone_chooses_the_endpoint(responder: Responder, extra: dict[str, str], url: str) -> None:
    """Region and interface choose from the catalog; one password goes out once, for the project that was named."""
    import json

    made = keystone(responder, **extra)
    assert (made.storage_url(), made.token()) == (url, "keystone-token")
    (request,) = responder.requests
    sent = json.loads(request.body)["auth"]
    assert sent["identity"]["password"]["user"] == {
        "name": "user",
        "password": "secret",
        "domain": {"name": "Default"},
    }
    assert sent["scope"]["project"] == {"name": "project", "domain": {"name": "Default"}}


def test_region_that_is_not_there_is_an_identity_error(responder: Responder) -> None:
    """An endpoint that the catalog lacks is said, with the region that was asked for and those that there are."""
    said = r"no public object store in region three; available: one \(internal\), one \(public\), two \(public\)"
    with pytest.raises(IdentityError, match=said):
        keystone(responder, OS_REGION_NAME="three").storage_url()


# --- sessions


def whoami(session: Session) -> str:
    """Run a line that needs an identity; return the user."""
    call = parse(Registry(), ["whoami"])
    return str(call.run(session).fields()["user"])


def test_session_logs_in_once_for_many_lines(responder: Responder) -> None:
    """The second line uses the first one's token and connection."""
    responder.on("HEAD", "", ok())
    with Session(Surroundings(responder.environ)) as session:
        for _ in range(3):
            assert whoami(session) == USER
    assert len(responder.logins) == 1
    assert len({request.connection for request in responder.requests}) == 1


def test_session_without_requests_does_not_log_in(responder: Responder) -> None:
    """Help and mistakes cost no login."""
    with Session(Surroundings(responder.environ)) as session:
        parse(Registry(), ["help"]).run(session)
    assert responder.logins == []


def test_session_notices_a_changed_environment(responder: Responder) -> None:
    """A notebook sets os.environ after the extension was loaded; the next line logs in as that user."""
    responder.on("HEAD", "", ok())
    responder.on("GET", "/auth", ok(X_Auth_Token="t", X_Storage_Url=responder.storage_url))
    environ = dict(responder.environ)
    with Session(Surroundings(environ)) as session:
        assert whoami(session) == USER
        environ["ST_USER"] = "test:other"
        assert whoami(session) == "test:other"
        del environ["ST_KEY"]
        with pytest.raises(IdentityError, match="without ST_KEY"):
            whoami(session)
        environ["ST_KEY"] = "another"
        assert whoami(session) == "test:other"
    sent = [(login.header("X-Auth-User"), login.header("X-Auth-Key")) for login in responder.logins]
    assert sent == [(USER, KEY), ("test:other", KEY), ("test:other", "another")]


def test_session_survives_an_expired_token(responder: Responder) -> None:
    """A token that expired between two lines is renewed once, unseen."""
    responder.on("HEAD", "", ok(), html(401), ok())
    with Session(Surroundings(responder.environ)) as session:
        whoami(session)
        whoami(session)
    assert [request.header("X-Auth-Token") for request in responder.requests] == ["token-1", "token-1", "token-2"]


def test_closed_session_can_be_used_again(responder: Responder) -> None:
    """Closing ends connections; the next request opens new ones."""
    responder.on("GET", "", ok(b"[]"))
    session = Session(Surroundings(responder.environ))
    for _ in range(2):
        session.client.send(Request("GET")).read()
        session.close()
    assert len({request.connection for request in responder.requests}) == 2
