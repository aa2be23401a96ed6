"""Find the identity in environment variables and in the options that override them.

The kinds of identity are listed here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from storlet_shell.errors import Action, Hint, IdentityError
from storlet_shell.identity.account_token import AccountToken
from storlet_shell.identity.keystone import Keystone
from storlet_shell.identity.tempauth import Tempauth
from storlet_shell.identity.variables import Variables

if TYPE_CHECKING:
    from storlet_shell.identity.kind import Kind
    from storlet_shell.identity.values import Credentials

_KEYSTONE = Keystone()

KINDS: tuple[Kind, ...] = (_KEYSTONE, Tempauth(), AccountToken())
"""The kinds of identity; if the variables name several, the first one wins."""

LOCAL = "STORLET_SHELL_LOCAL"
"""The variable that selects the embedded Swift."""

_PARTS = ("OS_CLOUD", *(name for kind in KINDS for name in kind.parts))

SECRET_VARIABLES = tuple(dict.fromkeys(name for kind in KINDS for name in kind.secrets))
"""The variables with secret values."""

VARIABLES = tuple(
    sorted(
        {LOCAL, *_PARTS, *SECRET_VARIABLES, *(name for kind in KINDS for name in kind.variables)}
        | {"OS_AUTH_TYPE", "OS_AUTH_PLUGIN"}
        | {"OS_CACERT", "OS_CERT", "OS_KEY", "OS_INSECURE"}
    )
)
"""Every variable that identifies the user or selects an identity."""

PREFIXES = tuple({f"{name.split('_')[0]}_" for kind in KINDS for name in kind.variables})
"""Prefixes of the names of these variables."""


def kind_of(credentials: Credentials) -> Kind:
    """Return the kind of credentials."""
    return next(kind for kind in KINDS if kind.scheme == credentials.scheme)


def kind_of_type(auth_type: str) -> Kind:
    """Return the kind that an auth type belongs to; Keystone unless another kind claims it."""
    return next((kind for kind in KINDS if auth_type in kind.auth_types), _KEYSTONE)


def state(variables: Mapping[str, str]) -> object:
    """Return a value that changes whenever a file from which an identity is read changes."""
    return [kind.state(variables) for kind in KINDS]


def discover(environ: Mapping[str, str], options: Mapping[str, str] = MappingProxyType({})) -> Credentials:
    """Return the identity that variables, and options that override them, name.

    :param options: values of command-line options, by the name of the corresponding variable
    :raises IdentityError: if it is missing or incomplete; the message names what is missing
    """
    variables = Variables(environ, options)
    kind = kind_of_type(variables.auth_type)
    if kind is not _KEYSTONE:
        return kind.read(variables)
    for kind in KINDS:
        if kind.is_named(variables):
            return kind.read(variables)
    if not holds_none(variables.all):
        variables.require(_KEYSTONE.url, *(name for name in _PARTS if variables.holds(name)))
    raise IdentityError("no identity", hint=Hint(Action.LOG_IN))


def holds_none(variables: Mapping[str, str]) -> bool:
    """Tell whether no variable names an identity, or a part of one."""
    return not any(variables.get(name) for name in _PARTS)
