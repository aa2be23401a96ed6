"""A program's own keystoneauth session at a real Keystone: used unchanged, and everything that can be wrong."""

from __future__ import annotations

from typing import Any

import pytest
from keystoneauth1.adapter import Adapter
from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token

from storlet_shell import connect
from storlet_shell.errors import IdentityError, ServiceError
from storlet_shell.identity.program import login_of
from storlet_shell.values import Connection
from tests.support.keystone import KeystoneSwift


class Counting(v3.Password):
    """An identity that counts its own logins; Swift and other tests log in at the same Keystone."""

    logins = 0

    def get_auth_ref(self, session: Session, **options: Any) -> Any:
        """Log in."""
        self.logins += 1
        return super().get_auth_ref(session, **options)


def session_of(keystone: KeystoneSwift, **changes: str) -> Session:
    """Return a session of the documented user, as a program has it."""
    who = keystone.environment()
    options = {name[3:].lower(): who[name] for name in who if name.startswith(("OS_USER", "OS_PROJECT", "OS_PASSWORD"))}
    return Session(Counting(**{"auth_url": keystone.auth_url, **options, **changes}))


@pytest.mark.slow
def test_session_is_used_as_it_is(keystone_swift: KeystoneSwift) -> None:
    """Its token and its catalog: one login serves all requests, and the environment is not read."""
    session = session_of(keystone_swift)
    token = session.get_token()
    with connect(session=session, environ={"OS_AUTH_URL": "http://127.0.0.1:1"}) as store:
        assert store.account == keystone_swift.running.account
        assert store.exists("")
        assert len(list(store.list())) >= 3
        with store._clients.lent() as client:
            assert client.login.token() == token
    assert session.auth.logins == 1


def test_revoked_token_is_renewed(keystone_swift: KeystoneSwift) -> None:
    """The session logs in again, once, when the server refuses its token."""
    session = session_of(keystone_swift)
    keystone_swift.revoke(str(session.get_token()))
    with connect(session=session) as store:
        assert store.exists("")
    assert session.auth.logins == 2


def test_adapter_chooses_region_and_interface(keystone_swift: KeystoneSwift) -> None:
    """One for the object store, as openstacksdk has it, too; a region that is not there is told."""
    session = session_of(keystone_swift)
    with connect(session=Adapter(session, service_type="object-store", region_name="RegionOne")) as store:
        assert store.exists("")
    with (
        connect(session=Adapter(session, region_name="RegionTwo")) as store,
        pytest.raises(IdentityError, match="has no such object store"),
    ):
        store.head()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"password": "wrong"}, IdentityError, "Keystone refused the session passed to connect"),
        ({"auth_url": "http://127.0.0.1:1/v3"}, ServiceError, "can't reach Keystone"),
        ({"project_name": "", "project_domain_name": ""}, IdentityError, "no such object store"),
    ],
)
def test_session_that_is_no_use_is_told(
    keystone_swift: KeystoneSwift, changes: dict[str, str], kind: type[Exception], message: str
) -> None:
    """In one line, without the password, when the first request is made."""
    with connect(session=session_of(keystone_swift, **changes)) as store, pytest.raises(kind, match=message) as refusal:
        store.head()
    assert keystone_swift.environment()["OS_PASSWORD"] not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_token_that_cant_be_renewed_is_told(keystone_swift: KeystoneSwift) -> None:
    """A session with nothing but a token, which has expired."""
    session = Session(Token(keystone_swift.running.storage_url, "gone"))
    with connect(session=session) as store, pytest.raises(IdentityError, match="has expired or was revoked"):
        store.head()


def test_what_is_no_session_is_refused() -> None:
    """At once."""
    with pytest.raises(IdentityError, match="a keystoneauth1 Session or Adapter, not dict"):
        connect(session={}, environ={})  # type: ignore[arg-type]
    with (
        connect(session=Session(), environ={}) as store,
        pytest.raises(IdentityError, match="Keystone refused the session"),
    ):
        store.head()


@pytest.mark.parametrize(
    ("options", "connection"),
    [
        ({}, Connection()),
        ({"verify": False, "timeout": 5}, Connection(insecure=True, timeout=5)),
        ({"verify": "/ca.pem", "cert": "/both.pem"}, Connection(cacert="/ca.pem", cert="/both.pem")),
        ({"cert": ("/cert.pem", "/key.pem")}, Connection(cert="/cert.pem", key="/key.pem")),
    ],
)
def test_servers_are_reached_as_the_session_says(options: dict[str, Any], connection: Connection) -> None:
    """CA bundle, client certificate and timeout are its own; of an adapter, its session's."""
    session = Session(**options)
    assert login_of(session).connection == connection
    assert login_of(Adapter(session)).connection == connection
    assert login_of(session, timeout=7).connection == connection._replace(timeout=7)


def test_session_without_proxies_goes_without() -> None:
    """A requests session that ignores the environment's proxies carries over."""
    import requests

    with requests.Session() as carrier:
        carrier.trust_env = False
        assert login_of(Session(session=carrier)).connection.direct
