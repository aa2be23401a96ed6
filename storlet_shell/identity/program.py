"""The identity of a Python program that passes its own keystoneauth session.

The session's token, catalog and TLS settings are used as they are; this module never logs in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from storlet_shell.errors import IdentityError, ServiceError
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.values import Connection

_SUBJECT = "the session passed to connect"


class KeystoneSession(Protocol):
    """The part of a keystoneauth ``Session`` that is used; an ``Adapter`` also knows a region and an interface."""

    def get_token(self) -> str | None:
        """Return a token that won't expire soon."""

    def get_endpoint(self, **filters: Any) -> str | None:
        """Return the URL of a service in the catalog."""

    def invalidate(self) -> bool:
        """Forget the token; return False if the session can't get another one."""


def login_of(session: KeystoneSession, timeout: float | None = None) -> Login:
    """Return a login that uses a session.

    :param timeout: response timeout in seconds; None for the session's own, or 60
    :raises IdentityError: if the object isn't a session
    """
    if not all(callable(getattr(session, name, None)) for name in ("get_token", "get_endpoint", "invalidate")):
        raise IdentityError(f"session must be a keystoneauth1 Session or Adapter, not {type(session).__name__}")
    credentials = Credentials(source=_SUBJECT, scheme="session", auth_url="")
    return Login(credentials, _connection(_session_of(session), timeout), ProgramSession(session))


class ProgramSession:
    """Issues the tokens of a session, which renews them before they expire."""

    known_storage_url = ""

    def __init__(self, session: KeystoneSession) -> None:
        self._session = session
        self._interface: str = getattr(session, "interface", None) or "public"

    def token(self) -> str:
        """Return the session's token.

        :raises IdentityError: if it has none, or its identity is refused
        :raises ServiceError: if Keystone can't be reached or fails
        """
        with _translated():
            token = self._session.get_token()
        if not token:
            raise IdentityError(f"{_SUBJECT} has no token")
        return token

    def storage_url(self) -> str:
        """Return the account's URL from the session's catalog.

        Version discovery is skipped: Swift's URLs name an account, and Swift doesn't support discovery there.

        :raises IdentityError: if the catalog has no such object store, or the identity is refused
        :raises ServiceError: if Keystone can't be reached or fails
        """
        from storlet_shell.identity.keystone_login import STORE  # imports keystoneauth

        with _translated():
            url = self._session.get_endpoint(service_type=STORE, interface=self._interface, skip_discovery=True)
        if not url:
            raise _no_store()
        return url

    def storage_urls(self) -> dict[str, str]:
        """Return the account's URL in each region of the catalog, by region name; empty without a catalog.

        :raises IdentityError: as :meth:`storage_url`
        :raises ServiceError: as :meth:`storage_url`
        """
        session = _session_of(self._session)
        get_access = getattr(getattr(session, "auth", None), "get_access", None)
        if get_access is None:
            return {}
        from storlet_shell.identity.keystone_login import regions_of  # imports keystoneauth

        with _translated():
            return regions_of(get_access(session).service_catalog, self._interface)

    def facts(self) -> dict[str, Any]:
        """Return an empty dict: the program knows its own session."""
        return {}

    def forget(self) -> None:
        """Make the session forget its token.

        :raises IdentityError: if it can't get another one
        """
        if not self._session.invalidate():
            raise IdentityError(f"the token of {_SUBJECT} was refused: it has expired or was revoked")


def _session_of(session: Any) -> Any:
    """Return the keystoneauth session of an adapter, or the session itself, whose ``session`` is one of requests."""
    inner = getattr(session, "session", None)
    return inner if hasattr(inner, "get_token") else session


def _connection(session: Any, timeout: float | None) -> Connection:
    """Return a session's connection settings."""
    verify, certificate = getattr(session, "verify", True), getattr(session, "cert", None)
    cert, key = certificate if isinstance(certificate, tuple) else (certificate or "", "")
    return Connection(
        cacert=verify if isinstance(verify, str) else "",
        insecure=verify is False,
        timeout=timeout or getattr(session, "timeout", None) or Connection().timeout,
        cert=cert,
        key=key,
        direct=getattr(getattr(session, "session", None), "trust_env", True) is False,
    )


@contextmanager
def _translated() -> Iterator[None]:
    """Translate keystoneauth's exceptions; they may quote what was sent, so they aren't chained."""
    from keystoneauth1 import exceptions  # the program has imported it: it made the session

    try:
        yield
    except (exceptions.ConnectionError, exceptions.HttpServerError) as error:
        raise ServiceError(f"{_SUBJECT} can't reach Keystone: {error}") from None
    except exceptions.CatalogException:
        raise _no_store() from None
    except exceptions.ClientException as error:
        raise IdentityError(f"Keystone refused {_SUBJECT}: {error}") from None


def _no_store() -> IdentityError:
    return IdentityError(
        f"the catalog of {_SUBJECT} has no such object store; to choose a region or interface, pass a keystoneauth1 "
        "Adapter"
    )
