"""What a kind of identity is. Each has a file of its own; ``environment.py`` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from storlet_shell.errors import IdentityError
    from storlet_shell.identity.values import Credentials
    from storlet_shell.identity.variables import Variables
    from storlet_shell.values import Connection


class Kind(Protocol):
    """Reads its credentials from variables or from a cloud, and logs in with them."""

    @property
    def scheme(self) -> str:
        """Its name: the ``scheme`` of its credentials."""

    @property
    def auth_types(self) -> frozenset[str]:
        """The auth types (``OS_AUTH_TYPE``, a cloud's ``auth_type``) that are its own."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The variables each of which says that there is an identity, or a part of one."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The variables that hold secrets."""

    @property
    def variables(self) -> frozenset[str]:
        """Every variable that it reads."""

    @property
    def usage(self) -> tuple[str, str]:
        """Its variables as the reference lists them, and what they are for."""

    def is_named(self, variables: Variables) -> bool:
        """Tell whether variables without an auth type mean this kind."""

    def read(self, variables: Variables) -> Credentials:
        """Return the credentials that variables hold.

        :raises IdentityError: when there is half of them; the message names what is missing
        """

    def read_cloud(self, cloud: Cloud) -> Credentials:
        """Return the credentials that a cloud holds.

        :raises IdentityError: when there is half of them; the message names the file and the key
        """

    def log_in(self, credentials: Credentials, connection: Connection) -> Issuer:
        """Return what logs in with credentials, when it is first asked for something.

        :raises IdentityError: when that can be known to fail
        """


class Issuer(Protocol):
    """Logs in, and tells what it was told; one thread at a time asks it."""

    @property
    def known_storage_url(self) -> str:
        """The account's URL, if a login that was made for a token has told it."""

    def token(self) -> str:
        """Return the token, logging in if there is none or it is about to expire.

        :raises IdentityError: when the identity is refused
        :raises ServiceError: when the identity service can't be reached or fails
        """

    def storage_url(self) -> str:
        """Return the URL of the account.

        :raises IdentityError: as :meth:`token`, and when there is no such endpoint
        :raises ServiceError: as :meth:`token`
        """

    def storage_urls(self) -> dict[str, str]:
        """Return the URL of the account in each region, by the regions' names; empty without a catalog.

        :raises IdentityError: as :meth:`token`
        :raises ServiceError: as :meth:`token`
        """

    def facts(self) -> dict[str, Any]:
        """Return the identity service, if there is one, and what it says of the user; no secret is among it.

        :raises IdentityError: as :meth:`token`
        :raises ServiceError: as :meth:`token`
        """

    def forget(self) -> None:
        """Forget a token that was refused.

        :raises IdentityError: when there is nothing to log in with
        """


class Cloud(Protocol):
    """A cloud of ``clouds.yaml``, as openstacksdk has put it together."""

    @property
    def auth_type(self) -> str:
        """Its auth type."""

    @property
    def auth(self) -> Mapping[str, str]:
        """What stands below ``auth``; no value is empty."""

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment, and options in its place."""

    def demand(self, *keys: str | tuple[str, ...]) -> None:
        """Check that keys stand below ``auth``; of a tuple, one is enough.

        :raises IdentityError: when one doesn't
        """

    def lacks(self, key: str) -> IdentityError:
        """Return the error of a key that is missing."""

    def credentials(self, scheme: str, secret: str = "") -> Credentials:
        """Return what is the same in the credentials of every kind."""
