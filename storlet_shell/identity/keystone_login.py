"""A login at Keystone. The only import of keystoneauth."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from keystoneauth1 import exceptions
from keystoneauth1.identity import v3  # with it comes stevedore
from keystoneauth1.session import Session

from storlet_shell.errors import IdentityError, LocalFileError, ServiceError, StorletShellError
from storlet_shell.identity.values import check_url
from storlet_shell.wire.transport import direct_session, leave_unverified, no_answer

if TYPE_CHECKING:
    from storlet_shell.identity.values import Credentials
    from storlet_shell.values import Connection

STORE = "object-store"
"""The service type of object stores in a catalog."""

_PLUGINS = {"password": v3.Password, "token": v3.Token, "applicationcredential": v3.ApplicationCredential}
"""keystoneauth's plug-ins of the common auth types; looking one up by its name is a search for entry points."""


class KeystoneLogin:
    """A login at Keystone; it logs in when first asked for something, and again when its token is about to expire.

    :param secret: keystoneauth's name of the secret; empty for an auth type that is not one of the common ones
    :raises IdentityError: when the URL is none, or the auth type is unknown or needs more
    """

    known_storage_url = ""

    def __init__(self, credentials: Credentials, how: Connection, secret: str) -> None:
        check_url(credentials.auth_url, "URL to log in at")
        self._who = credentials
        self._storage_url, self._region = "", credentials.region
        self._is_direct = how.direct
        if how.insecure:
            leave_unverified()
        verify = not how.insecure and (how.cacert or True)
        certificate = (how.cert, how.key) if how.cert and how.key else how.cert or None
        carrier = direct_session() if how.direct else None
        self._session = Session(session=carrier, verify=verify, cert=certificate, timeout=how.timeout)
        self._session.user_agent = "storlet-shell"
        with self._translated():
            self._plugin: Any = self._make_plugin(secret)
        if not hasattr(self._plugin, "get_access"):
            raise IdentityError(
                f"the auth type {credentials.auth_type} logs in nowhere; use OS_STORAGE_URL and OS_AUTH_TOKEN"
            )

    def token(self) -> str:
        """Return a token that does not expire soon.

        :raises IdentityError: when the identity is refused
        :raises ServiceError: when Keystone can't be reached or fails
        """
        return str(self._access().auth_token)

    def storage_url(self) -> str:
        """Return the URL of the account in the catalog, which is asked for once.

        :raises IdentityError: when the identity is refused, has no project, or the catalog has no such endpoint
        :raises ServiceError: when Keystone can't be reached or fails
        """
        if not self._storage_url:
            self._storage_url, self._region = self._endpoint()
        return self._storage_url

    def _endpoint(self) -> tuple[str, str]:
        who, access = self._who, self._access()
        if not access.project_scoped:
            raise IdentityError(
                f"{self._subject()} has a token of {_scope_of(access)}, and an object store needs a project: "
                "set OS_PROJECT_NAME, or project_name in the cloud's auth"
            )
        try:
            found = access.service_catalog.endpoint_data_for(STORE, who.interface, who.region or None)
        except exceptions.CatalogException:
            where = f"in region {who.region}" if who.region else "in any region"
            raise IdentityError(
                f"{who.auth_url} offers {self._subject()} no {who.interface} object store {where}"
                f"{_offered(access.service_catalog)}"
            ) from None
        return str(found.url), str(found.region_name or "")

    def storage_urls(self) -> dict[str, str]:
        """Return the URL of the account in each region of the catalog that has one, by the regions' names.

        :raises IdentityError: when the identity is refused
        :raises ServiceError: when Keystone can't be reached or fails
        """
        return regions_of(self._access().service_catalog, self._who.interface)

    def facts(self) -> dict[str, Any]:
        """Return what Keystone says of the user, the project and the token; secrets are not among it."""
        access = self._access()
        facts = {
            "auth_url": self._who.auth_url,
            "user": access.username,
            "user_id": access.user_id,
            "user_domain": access.user_domain_name,
            "project": access.project_name,
            "project_id": access.project_id,
            "project_domain": access.project_domain_name,
            "roles": sorted(access.role_names or []),
            "token_expires_at": access.expires and access.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "interface": self._who.interface,
        }
        return {"region": self._region or None, **{name: value for name, value in facts.items() if value}}

    def forget(self) -> None:
        """Forget the token."""
        self._plugin.invalidate()

    def _access(self) -> Any:
        with self._translated():
            return self._plugin.get_access(self._session)

    def _make_plugin(self, secret: str) -> Any:
        who, kind = self._who, self._who.auth_type.removeprefix("v3")
        options = dict(who.scope)
        url = _base_of(who.auth_url)
        if not secret:
            return self._load_plugin(options | {"auth_url": url})
        if kind == "password" and "user_id" not in options:
            options["username"] = who.user
        return _PLUGINS[kind](auth_url=url, **options, **{secret: who.secret})

    def _load_plugin(self, options: dict[str, str]) -> Any:
        from keystoneauth1 import loading

        name = self._who.auth_type
        try:
            loader: Any = loading.get_plugin_loader(name)
            return loader.load_from_options_getter(lambda option: _value_of(option, options))
        except exceptions.NoMatchingPlugin:
            names = sorted(loading.get_available_plugin_names())
            close = difflib.get_close_matches(name, names, 3)
            raise IdentityError(
                f"there is no auth type {name}; "
                + (f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(names)}")
            ) from None
        except exceptions.MissingRequiredOptions as error:
            missing = ", ".join(f"OS_{option.dest.upper()}" for option in error.options)
            raise IdentityError(
                f"half an identity: the auth type {name} needs {missing} (in clouds.yaml, auth has them without OS_)"
            ) from None
        except ImportError:
            raise IdentityError(
                f"the auth type {name} needs packages that are not installed; keystoneauth1 has extras for them: "
                "kerberos, saml2, oauth1"
            ) from None

    def _subject(self) -> str:
        """Return who logs in, in words."""
        options, kind = dict(self._who.scope), self._who.auth_type.removeprefix("v3")
        if kind == "applicationcredential":
            name = options.get("application_credential_name") or options.get("application_credential_id")
            return f"the application credential {name}"
        if kind == "token":
            return "the token"
        domain = options.get("user_domain_name") or options.get("user_domain_id")
        return f"the user {self._who.user}" + (f" of domain {domain}" if domain and self._who.user else "")

    def _refused(self) -> str:
        """Say that Keystone answered 401, with all that may be wrong: it tells nobody what it is."""
        options, kind = dict(self._who.scope), self._who.auth_type.removeprefix("v3")
        project = options.get("project_name") or options.get("project_id")
        domain = options.get("project_domain_name") or options.get("project_domain_id")
        within = f" of domain {domain}" if domain and "project_name" in options else ""
        reason = {
            "applicationcredential": ": it is unknown or has expired, or the secret is wrong",
            "token": f": it has expired, was revoked, or is of no use for the project {project}{within}",
        }.get(kind, f", or the password, or access to the project {project}{within}")
        return f"{self._who.auth_url} refuses {self._subject()}{reason}"

    def _not_found(self, error: exceptions.ClientException) -> IdentityError:
        """Tell an unknown token, which Keystone answers with 404 as well, from a server that is no Keystone."""
        if self._who.auth_type.endswith("token") and _is_of_keystone(getattr(error, "response", None)):
            return IdentityError(self._refused())
        return IdentityError(f"no Keystone answers at {self._who.auth_url}: {error}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate keystoneauth's exceptions, by a table; they may quote what was sent, so they are not chained."""
        url = self._who.auth_url
        try:
            yield
        except exceptions.ConnectionError as error:
            raise no_answer(url, error, direct=self._is_direct) from None
        except exceptions.ClientException as error:
            said = str(error)
            table: tuple[tuple[type[Exception], StorletShellError], ...] = (
                (exceptions.Unauthorized, IdentityError(self._refused())),
                (exceptions.NotFound, self._not_found(error)),
                (exceptions.HttpServerError, ServiceError(f"{url} fails: {said}")),
                (exceptions.InvalidResponse, IdentityError(f"no Keystone answers at {url}: no token in its answer")),
                (exceptions.MethodNotAllowed, IdentityError(f"no Keystone answers at {url}: {said}")),
                (exceptions.ClientException, IdentityError(f"can't log {self._subject()} in at {url}: {said}")),
            )
            raise next(translated for kind, translated in table if isinstance(error, kind)) from None
        except OSError as error:  # a CA bundle or a certificate that is not there
            raise LocalFileError(f"can't log in at {url}: {error}") from None


def regions_of(catalog: Any, interface: str) -> dict[str, str]:
    """Return the URL of the account in each region of a catalog that has one, by the regions' names."""
    endpoints = catalog.get_endpoints_data(service_type=STORE, interface=interface)
    return {str(entry.region_name or ""): str(entry.url) for entries in endpoints.values() for entry in entries}


def _base_of(url: str) -> str:
    """Return the URL of Keystone's version 3: keystoneauth adds ``/v3``, where it is missing, to what it is given."""
    base = url.rstrip("/")
    return base.removesuffix("/v2.0") if urlsplit(base).path.endswith("/v2.0") else base


def _is_of_keystone(response: Any) -> bool:
    """Tell whether an answer is one of Keystone's own errors, which are JSON documents.

    Source: keystone ``server/flask/request_processing/middleware/auth_context.py: render_exception``.
    """
    try:
        return isinstance(response.json()["error"]["code"], int)
    except (AttributeError, ValueError, LookupError, TypeError):
        return False


def _value_of(option: Any, options: dict[str, str]) -> str | None:
    """Return the value of an option of keystoneauth by any of its names."""
    names = (option.dest, *(old.dest for old in option.deprecated))
    return next((options[name] for name in names if options.get(name)), None)


def _scope_of(access: Any) -> str:
    if access.system_scoped:
        return "the whole system"
    return f"domain {access.domain_name}" if access.domain_scoped else "no project"


def _offered(catalog: Any) -> str:
    """Return the object stores that there are instead, as the end of a sentence."""
    found = catalog.get_endpoints(service_type=STORE)
    names = sorted({f"{entry['region']} ({entry['interface']})" for entries in found.values() for entry in entries})
    return f"; there are: {', '.join(names)}" if names else "; its catalog has no object store"
