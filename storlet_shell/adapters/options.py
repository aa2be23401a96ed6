"""The ``--os-*`` options, spelled as keystoneauth and python-openstackclient register them."""

from __future__ import annotations

import argparse

from storlet_shell.identity.environment import SECRET_VARIABLES

_SHOWN = {
    "cloud": ("NAME", "cloud in clouds.yaml"),
    "auth-url": ("URL", "URL of Keystone"),
    "auth-type": ("TYPE", "v3password, v3applicationcredential, v3token, or another type of keystoneauth"),
    "username": ("NAME", "user name"),
    "password": ("PASSWORD", "password; omit it to be asked"),
    "user-domain-name": ("NAME", "domain of the user"),
    "project-name": ("NAME", "project name"),
    "project-domain-name": ("NAME", "domain of the project"),
    "application-credential-id": ("ID", "application credential, used with its secret"),
    "token": ("TOKEN", "token instead of a password"),
    "region-name": ("REGION", "region of the object store"),
    "interface": ("INTERFACE", "endpoint interface: public, internal or admin"),
    "storage-url": ("URL", "URL of the account, instead of the catalog's"),
    "cacert": ("FILE", "CA certificates that servers are verified with"),
    "cert": ("FILE", "client certificate"),
    "key": ("FILE", "key of the client certificate"),
}
"""The options in help, by their names without ``--os-``: the name of the value, and the help text."""

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
        "identity", "each replaces a variable of the environment: --os-auth-url is OS_AUTH_URL; see docs/identity.md"
    )
    for name, (metavar, text) in _SHOWN.items():
        group.add_argument(f"--os-{name}", metavar=metavar, help=text)
    for name in _FURTHER:
        group.add_argument(f"--os-{name}", help=argparse.SUPPRESS)
    group.add_argument("--insecure", action="store_true", help="don't verify servers' certificates")


def identity(parsed: argparse.Namespace) -> dict[str, str]:
    """Return the options' values by the names of the variables that they replace."""
    values = {_variable(name): _value(parsed, name) for name in (*_SHOWN, *_FURTHER)}
    values["OS_INSECURE"] = "1" if parsed.insecure else None
    return {name: value for name, value in values.items() if value is not None}


def secrets(parsed: argparse.Namespace) -> dict[str, str]:
    """Return the secrets on the command line by their options."""
    names = [name for name in (*_SHOWN, *_FURTHER) if _variable(name) in SECRET_VARIABLES]
    return {f"--os-{name}": value for name in names if (value := _value(parsed, name))}


def _variable(name: str) -> str:
    return f"OS_{name.upper().replace('-', '_')}"


def _value(parsed: argparse.Namespace, name: str) -> str | None:
    value: str | None = getattr(parsed, f"os_{name.replace('-', '_')}")
    return value
