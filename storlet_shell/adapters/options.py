"""The ``--os-*`` options, spelled as keystoneauth and python-openstackclient register them."""

from __future__ import annotations

import argparse

from storlet_shell.identity.environment import SECRET_VARIABLES

_SHOWN = {
    "cloud": ("NAME", "a cloud of clouds.yaml"),
    "auth-url": ("URL", "where Keystone is"),
    "auth-type": ("TYPE", "v3password, v3applicationcredential, v3token, or another of keystoneauth's"),
    "username": ("NAME", "the user"),
    "password": ("PASSWORD", "better left out: it is asked for"),
    "user-domain-name": ("NAME", "the user's domain"),
    "project-name": ("NAME", "the project"),
    "project-domain-name": ("NAME", "the project's domain"),
    "application-credential-id": ("ID", "an application credential, with its secret"),
    "token": ("TOKEN", "a token in the place of a password"),
    "region-name": ("REGION", "the region of the object store"),
    "interface": ("INTERFACE", "public, internal or admin"),
    "storage-url": ("URL", "the account, in the place of what the catalog says"),
    "cacert": ("FILE", "the CA certificates to verify servers with"),
    "cert": ("FILE", "a client certificate"),
    "key": ("FILE", "its key"),
}
"""Options by their names without ``--os-``: what their values are called, and what they are for."""

_FURTHER = (
    *("user-id", "user-domain-id", "project-id", "project-domain-id", "domain-id", "domain-name", "trust-id"),
    *("default-domain", "default-domain-id", "default-domain-name", "system-scope", "tenant-id", "tenant-name"),
    *("application-credential-name", "application-credential-secret", "auth-token", "passcode", "endpoint-type"),
    *("identity-provider", "protocol", "client-id", "client-secret", "openid-scope", "discovery-endpoint"),
    *("access-token", "access-token-endpoint", "access-token-type", "code", "redirect-uri"),
    *("device-authorization-endpoint", "code-challenge-method", "auth-plugin", "auth-version", "identity-api-version"),
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    group = parser.add_argument_group(
        "identity", "each stands in the place of a variable: --os-auth-url is OS_AUTH_URL; more in docs/identity.md"
    )
    for name, (metavar, text) in _SHOWN.items():
        group.add_argument(f"--os-{name}", metavar=metavar, help=text)
    for name in _FURTHER:
        group.add_argument(f"--os-{name}", help=argparse.SUPPRESS)
    group.add_argument("--insecure", action="store_true", help="do not verify the servers' certificates")


def identity(given: argparse.Namespace) -> dict[str, str]:
    """Return what the options say, by the names of the variables in whose place they stand."""
    said = {_variable(name): _value(given, name) for name in (*_SHOWN, *_FURTHER)}
    said["OS_INSECURE"] = "1" if given.insecure else None
    return {name: value for name, value in said.items() if value is not None}


def secrets(given: argparse.Namespace) -> dict[str, str]:
    """Return the secrets that stand on the command line, by their options."""
    names = [name for name in (*_SHOWN, *_FURTHER) if _variable(name) in SECRET_VARIABLES]
    return {f"--os-{name}": value for name in names if (value := _value(given, name))}


def _variable(name: str) -> str:
    return f"OS_{name.upper().replace('-', '_')}"


def _value(given: argparse.Namespace, name: str) -> str | None:
    value: str | None = getattr(given, f"os_{name.replace('-', '_')}")
    return value
