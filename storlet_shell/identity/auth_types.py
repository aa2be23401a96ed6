"""Keystone's auth types: what identifies a user, what its secret is called, and which domains are meant."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from storlet_shell.errors import IdentityError

_USER = ("user_id", "username", "user_domain_id", "user_domain_name")
_PROJECT = ("project_id", "project_name", "project_domain_id", "project_domain_name", "trust_id")
_APPLICATION_CREDENTIAL = ("application_credential_id", "application_credential_name")

SECRETS: Mapping[str, str] = MappingProxyType(
    {"password": "password", "token": "token", "applicationcredential": "application_credential_secret"}
)
"""The auth types that are told apart here, without the ``v3`` in front, and keystoneauth's name of their secret."""

OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "password": (*_USER, *_PROJECT),
        "token": _PROJECT,
        "applicationcredential": (*_APPLICATION_CREDENTIAL, *_USER),
    }
)
"""What else keystoneauth's plug-ins for them take."""


def kind_of(auth_type: str) -> str:
    """Return an auth type without the version in front, which is always 3.

    :raises IdentityError: when it is one of version 2
    """
    if auth_type.startswith("v2"):
        raise IdentityError(f"the auth type {auth_type} is of version 2: Keystone is spoken in version 3 only")
    return auth_type.removeprefix("v3")


def with_domains(options: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return keystoneauth's options with the domains that they lack, as python-openstackclient completes them.

    One domain for all (``domain_id`` or ``domain_name``) stands for the user's and the project's; without any, it is
    ``OS_DEFAULT_DOMAIN``, or Keystone's own default, whose id is ``default``.
    """
    completed = dict(options)
    shared = {f"_domain_{how}": completed.pop(f"domain_{how}", "") for how in ("id", "name")}
    if not any(shared.values()):
        shared = {f"_domain_{how}": variables.get(f"OS_DEFAULT_DOMAIN_{how.upper()}", "") for how in ("id", "name")}
    if not any(shared.values()):
        shared = {"_domain_id": variables.get("OS_DEFAULT_DOMAIN") or "default"}
    for name, whose in (("username", "user"), ("project_name", "project")):
        if completed.get(name) and not any(completed.get(f"{whose}_domain_{how}") for how in ("id", "name")):
            completed.update({whose + ending: value for ending, value in shared.items() if value})
    return completed
