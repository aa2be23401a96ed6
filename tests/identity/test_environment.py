"""Identities from variables and options: precedence, and defaults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from storlet_shell.errors import IdentityError, StorletShellError
from storlet_shell.identity import environment
from storlet_shell.identity.environment import VARIABLES, discover
from storlet_shell.identity.values import Credentials

URL = {"OS_AUTH_URL": "http://host:5000/v3"}
PASSWORD = {**URL, "OS_USERNAME": "user", "OS_PASSWORD": "secret", "OS_PROJECT_NAME": "project"}
APPLICATION = {**URL, "OS_APPLICATION_CREDENTIAL_ID": "app", "OS_APPLICATION_CREDENTIAL_SECRET": "secret"}
TOKEN = {**URL, "OS_TOKEN": "secret", "OS_PROJECT_ID": "p"}


def scope(found: Credentials) -> dict[str, str]:
    """Return the options that keystoneauth is given."""
    return dict(found.scope)


def test_every_variable_that_is_read_is_listed() -> None:
    """``local env`` unsets all of them, so that no other identity remains."""
    sources = (path.read_text() for path in Path(environment.__file__).parent.glob("*.py") if path.stem != "clouds")
    read = re.findall(r'"((?:OS|ST)_[A-Z_]*[A-Z])"', "".join(sources))
    assert {"OS_CERT", "ST_KEY", "OS_DEFAULT_DOMAIN"} <= set(read) <= set(VARIABLES)
    assert {"OS_PROJECT_DOMAIN_ID", "OS_TENANT_NAME", "OS_APPLICATION_CREDENTIAL_SECRET"} <= set(VARIABLES)


@pytest.mark.parametrize(
    ("environ", "auth_type", "options"),
    [
        (APPLICATION, "v3applicationcredential", {"application_credential_id": "app"}),
        (APPLICATION | {"OS_AUTH_TYPE": "v3applicationcredential"}, "v3applicationcredential", None),
        (
            APPLICATION | {"OS_PROJECT_NAME": "not sent"},
            "v3applicationcredential",
            {"application_credential_id": "app"},
        ),
        (TOKEN, "v3token", {"project_id": "p"}),
        (URL | {"OS_AUTH_TOKEN": "secret", "OS_PROJECT_ID": "p"}, "v3token", {"project_id": "p"}),
        (TOKEN | PASSWORD | {"OS_AUTH_TYPE": "token"}, "token", None),
        (PASSWORD | {"OS_AUTH_TYPE": "password"}, "password", None),
        (PASSWORD | {"OS_AUTH_PLUGIN": "v3password"}, "v3password", None),
    ],
)
def test_auth_type_is_named_or_follows_from_the_variables(
    environ: dict[str, str], auth_type: str, options: dict[str, str] | None
) -> None:
    """An application credential takes no project, and a token no user."""
    found = discover(environ)
    assert (found.scheme, found.auth_type, found.secret) == ("v3", auth_type, "secret")
    assert options is None or scope(found) == options


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({}, {"user_domain_id": "default", "project_domain_id": "default"}),
        ({"OS_DEFAULT_DOMAIN": "d"}, {"user_domain_id": "d", "project_domain_id": "d"}),
        ({"OS_DEFAULT_DOMAIN_NAME": "D"}, {"user_domain_name": "D", "project_domain_name": "D"}),
        ({"OS_DOMAIN_NAME": "all"}, {"user_domain_name": "all", "project_domain_name": "all"}),
        ({"OS_USER_DOMAIN_NAME": "u"}, {"user_domain_name": "u", "project_domain_id": "default"}),
    ],
)
def test_missing_domains_are_completed(extra: dict[str, str], expected: dict[str, str]) -> None:
    """As python-openstackclient does: one domain for both, a default domain, or Keystone's own."""
    options = scope(discover(PASSWORD | extra))
    assert {name: value for name, value in options.items() if "domain" in name} == expected


def test_ids_need_no_domain() -> None:
    """An id is of one domain only."""
    found = discover(URL | {"OS_USER_ID": "u", "OS_PASSWORD": "secret", "OS_PROJECT_ID": "p"})
    assert scope(found) == {"user_id": "u", "project_id": "p"}


@pytest.mark.parametrize("name", ["OS_SYSTEM_SCOPE", "OS_DOMAIN_NAME", "OS_DOMAIN_ID"])
def test_login_without_a_project_is_explained(name: str) -> None:
    """A system or a domain has no object store."""
    environ = {key: value for key, value in PASSWORD.items() if key != "OS_PROJECT_NAME"}
    with pytest.raises(IdentityError, match=f"an object store requires a project: {name} without OS_PROJECT_NAME"):
        discover(environ | {name: "all"})


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        (URL | {"OS_APPLICATION_CREDENTIAL_ID": "app"}, "OS_APPLICATION_CREDENTIAL_SECRET"),
        (URL | {"OS_AUTH_TYPE": "v3applicationcredential"}, "OS_APPLICATION_CREDENTIAL_ID"),
        (URL | {"OS_AUTH_TYPE": "v3token"}, "OS_TOKEN"),
        ({"OS_APPLICATION_CREDENTIAL_ID": "app"}, "OS_AUTH_URL"),
        ({"OS_AUTH_TYPE": "v1password", "OS_USERNAME": "u", "OS_PASSWORD": "secret"}, "OS_AUTH_URL"),
    ],
)
def test_half_of_an_identity_names_what_is_missing(environ: dict[str, str], missing: str) -> None:
    """For each auth type; the secret is not shown."""
    with pytest.raises(IdentityError, match=f"without {missing}") as caught:
        discover(environ)
    assert "secret" not in str(caught.value)


def test_version_2_is_refused() -> None:
    """Keystone removed it in 2018."""
    with pytest.raises(IdentityError, match="only version 3"):
        discover(PASSWORD | {"OS_AUTH_TYPE": "v2password"})


def test_tempauth_has_an_auth_type_too() -> None:
    """``v1password`` is what swiftclient registers for it."""
    found = discover(PASSWORD | {"OS_AUTH_TYPE": "v1password"})
    assert (found.scheme, found.user, found.secret) == ("v1", "user", "secret")


def test_other_auth_types_get_every_variable() -> None:
    """What they take is known to keystoneauth alone; their secrets are known to be secrets."""
    found = discover(PASSWORD | {"OS_AUTH_TYPE": "v3oidcpassword", "OS_CLIENT_SECRET": "hidden"})
    assert (found.auth_type, scope(found)["client_secret"]) == ("v3oidcpassword", "hidden")
    assert set(found.secrets) == {"secret", "hidden"}
    assert "hidden" not in repr(found)


@pytest.mark.parametrize("environ", [PASSWORD, {"ST_AUTH": "http://h/a", "ST_USER": "u", "ST_KEY": "k"}])
def test_storage_url_overrides_the_login(environ: dict[str, str]) -> None:
    """The same as in python-swiftclient."""
    assert discover(environ | {"OS_STORAGE_URL": "http://other/v1/A"}).storage_url == "http://other/v1/A"


def test_connection_comes_from_the_variables() -> None:
    """CA bundle, client certificate, and the lack of any check."""
    extra = {"OS_CACERT": "ca.pem", "OS_CERT": "me.pem", "OS_KEY": "me.key", "OS_INSECURE": "true"}
    how = discover(PASSWORD | extra).connection
    assert (how.cacert, how.cert, how.key, how.insecure) == ("ca.pem", "me.pem", "me.key", True)


def test_options_win_over_variables() -> None:
    """And the source tells which were used; one that is empty takes a variable away."""
    found = discover(PASSWORD | {"OS_REGION_NAME": "one"}, {"OS_USERNAME": "other", "OS_REGION_NAME": ""})
    assert (found.user, found.region) == ("other", "")
    assert found.source == "OS_AUTH_URL, --os-username, OS_PASSWORD and OS_PROJECT_NAME"


def test_token_as_an_option_wins_over_a_password_in_a_variable() -> None:
    """Options have priority."""
    found = discover(PASSWORD, {"OS_TOKEN": "typed"})
    assert (found.auth_type, found.secret) == ("v3token", "typed")


def test_password_that_is_missing_alone_can_be_asked_for() -> None:
    """All else is known by then, so the question can say for whom."""
    found = discover({name: value for name, value in PASSWORD.items() if name != "OS_PASSWORD"})
    assert (found.user, found.secret) == ("user", "")
    assert "without OS_PASSWORD" in found.missing_password


@pytest.mark.parametrize("environ", [{"OS_USERNAME": "u"}, {"OS_TOKEN": "t"}, {"OS_USER_ID": "u"}])
def test_part_of_an_identity_is_not_taken_for_none(environ: dict[str, str]) -> None:
    """The message names the missing URL, not every way in the world."""
    with pytest.raises(StorletShellError, match="without OS_AUTH_URL"):
        discover(environ)
