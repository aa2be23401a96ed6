"""The identity that variables name, and options in their place: ``--os-NAME`` is ``OS_NAME``, and wins over it.

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
"""The kinds of identity; where variables name several, the first one wins."""

LOCAL = "STORLET_SHELL_LOCAL"
"""Says yes where the embedded Swift is to be used."""

_PARTS = ("OS_CLOUD", *(name for kind in KINDS for name in kind.parts))

SECRET_VARIABLES = tuple(dict.fromkeys(name for kind in KINDS for name in kind.secrets))
"""The variables that hold secrets."""

VARIABLES = tuple(
    sorted(
        {LOCAL, *_PARTS, *SECRET_VARIABLES, *(name for kind in KINDS for name in kind.variables)}
        | {"OS_AUTH_TYPE", "OS_AUTH_PLUGIN"}
        | {"OS_CACERT", "OS_CERT", "OS_KEY", "OS_INSECURE"}
    )
)
"""Every variable that an identity is made of, or chosen by."""

PREFIXES = tuple({f"{name.split('_')[0]}_" for kind in KINDS for name in kind.variables})
"""What the names of the variables that an identity is read from begin with."""


def kind_of(credentials: Credentials) -> Kind:
    """Return the kind of credentials."""
    return next(kind for kind in KINDS if kind.scheme == credentials.scheme)


def kind_of_type(auth_type: str) -> Kind:
    """Return the kind that an auth type belongs to: Keystone's, if it isn't another one's."""
    return next((kind for kind in KINDS if auth_type in kind.auth_types), _KEYSTONE)


def discover(environ: Mapping[str, str], given: Mapping[str, str] = MappingProxyType({})) -> Credentials:
    """Return the identity that variables name, and the options that stand for some.

    :param given: what options say, by the names of the variables
    :raises IdentityError: when there is none, or half of one; the message names what is missing
    """
    variables = Variables(environ, given)
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
    """Tell whether variables name no identity at all, nor a part of one."""
    return not any(variables.get(name) for name in _PARTS)
