"""Kinds of identity: each is one file and one entry in the list, and everything else follows from that."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from storlet_shell.errors import IdentityError
from storlet_shell.identity import environment
from storlet_shell.identity.environment import KINDS, SECRET_VARIABLES, VARIABLES, discover
from storlet_shell.identity.finder import Finder
from storlet_shell.identity.kind import Cloud, Kind
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.identity.variables import Variables
from storlet_shell.values import Connection


class Ticket:
    """A kind of identity that only this test knows: a ticket for a URL, torn at each login."""

    scheme = "ticket"
    auth_types = frozenset({"v1ticket"})
    parts = ("OS_TICKET",)
    secrets = ("OS_TICKET",)
    usage = ("OS_TICKET", "a ticket")
    variables = frozenset({"OS_TICKET", "OS_STORAGE_URL", "OS_TICKET_FILE"})

    def state(self, variables: Mapping[str, str]) -> object:
        """Return the size and the date of the file that holds the ticket, if one does."""
        path = variables.get("OS_TICKET_FILE")
        return path and (os.stat(path).st_size, os.stat(path).st_mtime_ns)  # noqa: PTH116

    def is_named(self, variables: Variables) -> bool:
        """Tell whether there is a ticket."""
        return variables.holds("OS_TICKET")

    def read(self, variables: Variables) -> Credentials:
        """Return ticket and URL."""
        url, ticket = variables.require("OS_STORAGE_URL", "OS_TICKET")
        if variables.holds("OS_TICKET_FILE"):
            ticket = Path(variables.use("OS_TICKET_FILE")).read_text()
        return variables.credentials(self.scheme, url, "bearer", ticket)

    def read_cloud(self, cloud: Cloud) -> Credentials:
        """Return them of a cloud."""
        cloud.demand("auth_url", "ticket")
        return cloud.credentials(self.scheme, cloud.auth["ticket"])

    def log_in(self, credentials: Credentials, connection: Connection) -> TicketLogin:
        """Return what tears tickets."""
        return TicketLogin(credentials)


class TicketLogin:
    """Counts its logins."""

    known_storage_url = ""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._token = ""
        self.count = 0

    def token(self) -> str:
        """Return the token of the last login."""
        if not self._token:
            self.count += 1
            self._token = f"{self._credentials.secret}-{self.count}"
        return self._token

    def storage_url(self) -> str:
        """Return the URL."""
        return self._credentials.auth_url + "/"

    def storage_urls(self) -> dict[str, str]:
        """Return two regions."""
        return {"b": "http://b/", "a": "http://a"}

    def facts(self) -> dict[str, Any]:
        """Return the user."""
        return {"user": self._credentials.user}

    def forget(self) -> None:
        """Forget the token, twice at most."""
        if self.count == 2:
            raise IdentityError("no ticket is left")
        self._token = ""


@pytest.fixture
def ticket(monkeypatch: pytest.MonkeyPatch) -> Kind:
    """List a fourth kind."""
    kind = Ticket()
    monkeypatch.setattr(environment, "KINDS", (*KINDS, kind))
    return kind


ENVIRON = {"OS_TICKET": "t", "OS_STORAGE_URL": "http://host/v1/a"}


@pytest.mark.parametrize(
    ("environ", "scheme"),
    [
        ({"OS_AUTH_TYPE": "v1ticket", "OS_TICKET": "t", "OS_STORAGE_URL": "http://host"}, "ticket"),
        ({"OS_TICKET": "t", "ST_AUTH": "http://h", "ST_USER": "u", "ST_KEY": "k"}, "v1"),
        (ENVIRON | {"OS_AUTH_TOKEN": "x"}, "token"),
    ],
)
def test_kind_is_chosen_by_its_auth_type_or_by_its_place(ticket: Kind, environ: dict[str, str], scheme: str) -> None:
    """A type that is named wins; otherwise the first kind of the list that the variables mean."""
    assert discover(environ).scheme == scheme


def test_login_serves_a_kind_that_it_does_not_know(ticket: Kind) -> None:
    """It checks URLs, shares one login among threads, and renews once for all that were refused."""
    login = Login(ticket.read(Variables({"OS_TICKET": "t", "OS_STORAGE_URL": "http://host/v1/a"}, {})), Connection())
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: login.token(), range(50))) == {"t-1"}
        list(pool.map(lambda _: login.renew("t-1"), range(50)))
        assert set(pool.map(lambda _: login.token(), range(50))) == {"t-2"}
    assert (login.storage_url(), login.storage_urls()) == ("http://host/v1/a", {"a": "http://a", "b": "http://b"})
    assert (login.facts(), login.was_refused) == ({"user": "bearer"}, False)
    with pytest.raises(IdentityError, match="no ticket is left"):
        login.renew("t-2")
    assert login.was_refused


def test_url_of_any_kind_is_checked(ticket: Kind) -> None:
    """A kind needs no check of its own."""
    credentials = ticket.read(Variables(ENVIRON | {"OS_STORAGE_URL": "ftp://host"}, {}))
    with pytest.raises(IdentityError, match="the storage URL isn't an http or https URL"):
        Login(credentials, Connection()).storage_url()


def test_file_of_a_kind_is_read_again_when_it_changes(ticket: Kind, tmp_path: Path) -> None:
    """Before each request its state is asked for; the file itself is read only if that has changed."""
    file = tmp_path / "ticket"
    file.write_text("first")
    finder, environ = Finder(), {**ENVIRON, "OS_AUTH_TYPE": "v1ticket", "OS_TICKET_FILE": str(file)}
    first = finder.find(environ)
    assert (first.secret, finder.find(environ)) == ("first", first)
    assert finder.find(environ) is first
    file.write_text("the second")
    assert finder.find(environ).secret == "the second"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.scheme)
def test_kind_tells_its_variables(kind: Kind) -> None:
    """What marks it, and what is secret, is among what it reads; the lists for all kinds have them."""
    assert {*kind.parts, *kind.secrets} <= kind.variables <= set(VARIABLES)
    assert set(kind.secrets) <= set(SECRET_VARIABLES)


def test_kinds_can_be_told_apart() -> None:
    """By their names, by their auth types, and by the variables that mark them."""
    for lists in ([(kind.scheme,) for kind in KINDS], [kind.auth_types for kind in KINDS], [k.parts for k in KINDS]):
        names = [name for some in lists for name in some]
        assert len(names) == len(set(names))
