"""The interface of a kind of identity. Each kind has a file of its own; ``environment.py`` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from storlet_shell.errors import IdentityError
    from storlet_shell.identity.values import Credentials
    from storlet_shell.identity.variables import Variables
    from storlet_shell.values import Connection


class Kind(Protocol):
    """Reads credentials from variables or from a cloud, and logs in with them."""

    @property
    def scheme(self) -> str:
        """The name of the kind: the ``scheme`` of its credentials."""

    @property
    def auth_types(self) -> frozenset[str]:
        """The auth types (``OS_AUTH_TYPE``, a cloud's ``auth_type``) that belong to this kind only."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The variables that show, each by itself, that the user means an identity of this kind."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The variables with secret values."""

    @property
    def variables(self) -> frozenset[str]:
        """Every variable that it reads."""

    @property
    def usage(self) -> tuple[str, str]:
        """Its variables and their purpose, as the command reference lists them."""

    def state(self, variables: Mapping[str, str]) -> object:
        """Return a value that changes whenever a file that :meth:`read` reads changes; None if it reads none.

        Called before each request, so it must be cheap: a file's size and modification time, for example.
        """

    def is_named(self, variables: Variables) -> bool:
        """Tell whether variables without an auth type mean this kind."""

    def read(self, variables: Variables) -> Credentials:
        """Read credentials from variables.

        :raises IdentityError: if they are incomplete; the message names what is missing
        """

    def read_cloud(self, cloud: Cloud) -> Credentials:
        """Read credentials from a cloud.

        :raises IdentityError: if they are incomplete; the message names the file and the key
        """

    def log_in(self, credentials: Credentials, connection: Connection) -> Issuer:
        """Return an issuer of tokens, which logs in when it is first used.

        :raises IdentityError: if the login is known to fail
        """


class Issuer(Protocol):
    """Logs in and issues tokens; used by one thread at a time."""

    @property
    def known_storage_url(self) -> str:
        """The account's URL if a login has returned it already, else empty."""

    def token(self) -> str:
        """Return the token; log in first if necessary.

        :raises IdentityError: if the identity is refused
        :raises ServiceError: if the identity service can't be reached or fails
        """

    def storage_url(self) -> str:
        """Return the account's URL.

        :raises IdentityError: as :meth:`token`, and if the catalog has no such endpoint
        :raises ServiceError: as :meth:`token`
        """

    def storage_urls(self) -> dict[str, str]:
        """Return the account's URL in each region, by region name; empty without a catalog.

        :raises IdentityError: as :meth:`token`
        :raises ServiceError: as :meth:`token`
        """

    def facts(self) -> dict[str, Any]:
        """Return the identity service, if any, and what it says about the user; no secrets.

        :raises IdentityError: as :meth:`token`
        :raises ServiceError: as :meth:`token`
        """

    def forget(self) -> None:
        """Forget a refused token.

        :raises IdentityError: if another one can't be requested
        """


class Cloud(Protocol):
    """A cloud of ``clouds.yaml``, as openstacksdk has merged it."""

    @property
    def auth_type(self) -> str:
        """The cloud's auth type."""

    @property
    def auth(self) -> Mapping[str, str]:
        """The cloud's ``auth`` section; no value is empty."""

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment's variables, overridden by options."""

    def demand(self, *keys: str | tuple[str, ...]) -> None:
        """Check that keys are present in ``auth``; one of each tuple is enough.

        :raises IdentityError: if one is missing
        """

    def missing(self, key: str) -> IdentityError:
        """Return the error for a missing key."""

    def credentials(self, scheme: str, secret: str = "") -> Credentials:
        """Return credentials with the settings that all kinds share."""
