"""Log in to Keystone; with ``program.py``, the only module that imports keystoneauth."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from keystoneauth1 import exceptions
from keystoneauth1.identity import v3  # imports stevedore
from keystoneauth1.session import Session

from storlet_shell.errors import IdentityError, LocalFileError, ServiceError, StorletShellError
from storlet_shell.identity.values import check_url
from storlet_shell.wire.transport import direct_session, leave_unverified, no_answer

if TYPE_CHECKING:
    from storlet_shell.identity.values import Credentials
    from storlet_shell.values import Connection

STORE = "object-store"
"""The service type of an object store in the catalog."""

_PLUGINS = {"password": v3.Password, "token": v3.Token, "applicationcredential": v3.ApplicationCredential}
"""keystoneauth's plug-ins for the common auth types; a lookup by name would search entry points."""


class KeystoneLogin:
    """Logs in to Keystone when first used, and again before its token expires.

    :param secret: keystoneauth's name for the secret; empty for the less common auth types
    :raises IdentityError: if the URL is invalid, or the auth type is unknown or requires further options
    """

    known_storage_url = ""

    def __init__(self, credentials: Credentials, connection: Connection, secret: str) -> None:
        check_url(credentials.auth_url, "login URL")
        self._credentials = credentials
        self._storage_url, self._region = "", credentials.region
        self._is_direct = connection.direct
        if connection.insecure:
            leave_unverified()
        verify = not connection.insecure and (connection.cacert or True)
        cert, key = connection.cert, connection.key
        carrier = direct_session() if connection.direct else None
        self._session = Session(
            session=carrier,
            verify=verify,
            cert=(cert, key) if cert and key else cert or None,
            timeout=connection.timeout,
        )
        self._session.user_agent = "storlet-shell"
        with self._translated():
            self._plugin: Any = self._create_plugin(secret)
        if not hasattr(self._plugin, "get_access"):
            raise IdentityError(
                f"auth type {credentials.auth_type} doesn't log in; use OS_STORAGE_URL and OS_AUTH_TOKEN instead"
            )

    def token(self) -> str:
        """Return a token that won't expire soon.

        :raises IdentityError: if the identity is refused
        :raises ServiceError: if Keystone can't be reached or fails
        """
        return str(self._access().auth_token)

    def storage_url(self) -> str:
        """Return the account's URL from the catalog, which is requested once.

        :raises IdentityError: if the identity is refused, has no project, or the catalog has no such endpoint
        :raises ServiceError: if Keystone can't be reached or fails
        """
        if not self._storage_url:
            self._storage_url, self._region = self._endpoint()
        return self._storage_url

    def _endpoint(self) -> tuple[str, str]:
        credentials, access = self._credentials, self._access()
        if not access.project_scoped:
            raise IdentityError(
                f"an object store requires a project, but the token of {self._subject()} is for {_scope_of(access)}; "
                "set OS_PROJECT_NAME, or project_name in the cloud's auth"
            )
        interface, region = credentials.interface, credentials.region
        try:
            endpoint = access.service_catalog.endpoint_data_for(STORE, interface, region or None)
        except exceptions.CatalogException:
            place = f"in region {region}" if region else "in any region"
            raise IdentityError(
                f"{credentials.auth_url}: the catalog for {self._subject()} has no {interface} object store {place}; "
                f"{_available(access.service_catalog)}"
            ) from None
        return str(endpoint.url), str(endpoint.region_name or "")

    def storage_urls(self) -> dict[str, str]:
        """Return the account's URL in each region of the catalog that has one, by region name.

        :raises IdentityError: if the identity is refused
        :raises ServiceError: if Keystone can't be reached or fails
        """
        return regions_of(self._access().service_catalog, self._credentials.interface)

    def facts(self) -> dict[str, Any]:
        """Return what Keystone says about the user, the project and the token; no secrets."""
        access = self._access()
        facts = {
            "auth_url": self._credentials.auth_url,
            "user": access.username,
            "user_id": access.user_id,
            "user_domain": access.user_domain_name,
            "project": access.project_name,
            "project_id": access.project_id,
            "project_domain": access.project_domain_name,
            "roles": sorted(access.role_names or []),
            "token_expires_at": access.expires and access.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "interface": self._credentials.interface,
        }
        return {"region": self._region or None, **{name: value for name, value in facts.items() if value}}

    def forget(self) -> None:
        """Forget the token."""
        self._plugin.invalidate()

    def _access(self) -> Any:
        with self._translated():
            return self._plugin.get_access(self._session)

    def _create_plugin(self, secret: str) -> Any:
        credentials, kind = self._credentials, self._credentials.auth_type.removeprefix("v3")
        options = dict(credentials.scope)
        url = _base_of(credentials.auth_url)
        if not secret:
            return self._load_plugin(options | {"auth_url": url})
        if kind == "password" and "user_id" not in options:
            options["username"] = credentials.user
        return _PLUGINS[kind](auth_url=url, **options, **{secret: credentials.secret})

    def _load_plugin(self, options: dict[str, str]) -> Any:
        from keystoneauth1 import loading

        name = self._credentials.auth_type
        try:
            loader: Any = loading.get_plugin_loader(name)
            return loader.load_from_options_getter(lambda option: _value_of(option, options))
        except exceptions.NoMatchingPlugin:
            names = sorted(loading.get_available_plugin_names())
            close = difflib.get_close_matches(name, names, 3)
            advice = f"did you mean {' or '.join(close)}?" if close else f"available: {', '.join(names)}"
            raise IdentityError(f"unknown auth type {name}; {advice}") from None
        except exceptions.MissingRequiredOptions as error:
            missing = ", ".join(f"OS_{option.dest.upper()}" for option in error.options)
            raise IdentityError(
                f"incomplete identity: auth type {name} requires {missing} (in clouds.yaml: in auth, without OS_)"
            ) from None
        except ImportError:
            raise IdentityError(
                f"auth type {name} requires packages that aren't installed; install keystoneauth1 with one of its "
                "extras: kerberos, saml2, oauth1"
            ) from None

    def _subject(self) -> str:
        """Describe the user, application credential or token that logs in."""
        options, kind = dict(self._credentials.scope), self._credentials.auth_type.removeprefix("v3")
        if kind == "applicationcredential":
            name = options.get("application_credential_name") or options.get("application_credential_id")
            return f"the application credential {name}"
        if kind == "token":
            return "the token"
        domain = options.get("user_domain_name") or options.get("user_domain_id")
        user = self._credentials.user
        return f"the user {user}" + (f" of domain {domain}" if domain and user else "")

    def _refused(self) -> str:
        """Describe a 401 with all possible causes: Keystone never says which one it is."""
        options, kind = dict(self._credentials.scope), self._credentials.auth_type.removeprefix("v3")
        project = options.get("project_name") or options.get("project_id")
        domain = options.get("project_domain_name") or options.get("project_domain_id")
        within = f" of domain {domain}" if domain and "project_name" in options else ""
        subject = self._subject()
        reason = {
            "applicationcredential": f"{subject} is unknown or has expired, or its secret is wrong",
            "token": f"the token has expired, was revoked, or isn't valid for project {project}{within}",
        }.get(kind, f"check {subject}, the password, and the access to project {project}{within}")
        return f"login refused by {self._credentials.auth_url}: {reason}"

    def _not_found(self, error: exceptions.ClientException) -> IdentityError:
        """Tell an unknown token, for which Keystone returns 404 as well, from a server that isn't Keystone."""
        if self._credentials.auth_type.endswith("token") and _is_of_keystone(getattr(error, "response", None)):
            return IdentityError(self._refused())
        return self._not_keystone(error)

    def _not_keystone(self, reason: object) -> IdentityError:
        return IdentityError(f"{self._credentials.auth_url} isn't a Keystone server: {reason}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate keystoneauth's exceptions; they may quote what was sent, so they aren't chained."""
        url = self._credentials.auth_url
        try:
            yield
        except exceptions.ConnectionError as error:
            raise no_answer(url, error, direct=self._is_direct) from None
        except exceptions.ClientException as error:
            table: tuple[tuple[type[Exception], StorletShellError], ...] = (
                (exceptions.Unauthorized, IdentityError(self._refused())),
                (exceptions.NotFound, self._not_found(error)),
                (exceptions.HttpServerError, ServiceError(f"{url} failed: {error}")),
                (exceptions.InvalidResponse, self._not_keystone("its response has no token")),
                (exceptions.MethodNotAllowed, self._not_keystone(error)),
                (exceptions.ClientException, IdentityError(f"can't log in to {url} as {self._subject()}: {error}")),
            )
            raise next(translated for kind, translated in table if isinstance(error, kind)) from None
        except OSError as error:  # a missing CA bundle or client certificate
            raise LocalFileError(f"can't log in to {url}: {error}") from None


def regions_of(catalog: Any, interface: str) -> dict[str, str]:
    """Return the account's URL in each region of a catalog that has one, by region name."""
    endpoints = catalog.get_endpoints_data(service_type=STORE, interface=interface)
    return {str(entry.region_name or ""): str(entry.url) for entries in endpoints.values() for entry in entries}


def _base_of(url: str) -> str:
    """Return a URL to which keystoneauth can append ``/v3`` if it is missing."""
    base = url.rstrip("/")
    return base.removesuffix("/v2.0") if urlsplit(base).path.endswith("/v2.0") else base


def _is_of_keystone(response: Any) -> bool:
    """Tell whether a response is one of Keystone's own errors, which are JSON documents.

    Source: keystone ``server/flask/request_processing/middleware/auth_context.py: render_exception``.
    """
    try:
        return isinstance(response.json()["error"]["code"], int)
    except (AttributeError, ValueError, LookupError, TypeError):
        return False


def _value_of(option: Any, options: dict[str, str]) -> str | None:
    """Return the value of one of keystoneauth's options, by its current or an old name."""
    names = (option.dest, *(old.dest for old in option.deprecated))
    return next((options[name] for name in names if options.get(name)), None)


def _scope_of(access: Any) -> str:
    if access.system_scoped:
        return "the whole system"
    return f"domain {access.domain_name}" if access.domain_scoped else "no project"


def _available(catalog: Any) -> str:
    """List the object stores in the catalog, as the end of a sentence."""
    endpoints = catalog.get_endpoints(service_type=STORE)
    names = sorted({f"{entry['region']} ({entry['interface']})" for entries in endpoints.values() for entry in entries})
    return f"available: {', '.join(names)}" if names else "it has no object store at all"
