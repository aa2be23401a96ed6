"""The context of commands: one login for many lines, the user's variables, and the host environment.

A front end opens one session. It logs in at the first request and keeps the login; if the identity in the environment
changes, it logs in again.
"""

from __future__ import annotations

import keyword
import threading
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storlet_shell.errors import Action, Hint, IdentityError, RefusedError, UsageError
from storlet_shell.identity.environment import LOCAL, SECRET_VARIABLES, discover, holds_none
from storlet_shell.identity.finder import Finder
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.identity.variables import says_yes
from storlet_shell.session.parameters import merge_parameters
from storlet_shell.session.surroundings import Attached, GuardedVariables, Options, Surroundings
from storlet_shell.values import Parameter

if TYPE_CHECKING:
    from storlet_shell.batches.executor import Access
    from storlet_shell.embedded.control import Lease
    from storlet_shell.wire.client import Client

__all__ = ["LOCAL_FOLDER", "Attached", "GuardedVariables", "Options", "Session", "Surroundings"]

LOCAL_FOLDER = "STORLET_SHELL_DATA"
"""The variable that names the data folder of the embedded Swift."""


class Session:
    """The context of commands; a context manager that closes its connections.

    :param surroundings: the host environment
    :param variables: the user's variables, by name
    :param login: an existing login; None to find an identity in options and environment

    ``attached`` holds state of front ends, by name; ``sources`` the code of storlets that were deployed or tried in the
    session, by name, to be quoted if one fails.
    """

    def __init__(
        self,
        surroundings: Surroundings | None = None,
        variables: MutableMapping[str, Any] | None = None,
        options: Options | None = None,
        login: Login | None = None,
    ) -> None:
        self.surroundings = surroundings or Surroundings()
        self.variables: MutableMapping[str, Any] = {} if variables is None else variables
        self.options = options or Options()
        self.attached: dict[str, Attached] = {}
        self.sources: dict[str, str] = {}
        self._has_adopted_local = False
        self._finder = Finder(self.options.identity)
        self._passwords: dict[Credentials, str] = {}
        self._lock = threading.Lock()
        self._fixed_login = login
        self._login: Login | None = None
        self._client: Client | None = None
        self._lease: Lease | None = None

    @property
    def uses_local(self) -> bool:
        """Whether the session uses the embedded Swift."""
        environ = self.surroundings.environ
        if not self.options.local and not holds_none(self.options.identity):
            return False
        adopted = self._has_adopted_local and holds_none(environ)
        return adopted or self.options.local or says_yes(environ, LOCAL)

    def adopt_local(self, *, adopt: bool) -> bool:
        """Use the embedded Swift, which the user has just started, unless the environment has an identity.

        :param adopt: False if it was stopped instead
        :returns: whether the following lines use it
        """
        self._has_adopted_local = adopt and self.surroundings.goes_on
        return self.uses_local

    def adopt_cloud(self, name: str) -> bool:
        """Use a cloud, which the user has just added, unless options choose another identity.

        :returns: whether the following lines use it
        """
        if not self.surroundings.goes_on or self.options.local or self.options.identity or self._fixed_login:
            return False
        self.options = self.options._replace(identity={"OS_CLOUD": name})
        self._finder = Finder(self.options.identity)
        return True

    @property
    def local_folder(self) -> Path | None:
        """The data folder of the embedded Swift that the user chose; None for the platform's default."""
        folder = self.surroundings.environ.get(LOCAL_FOLDER)
        return Path(folder) if folder else None

    @property
    def leased_folder(self) -> Path | None:
        """The data folder of the embedded Swift that this session currently keeps running; None without one."""
        return self._lease.running.folder if self._lease else None

    def credentials(self) -> Credentials:
        """Return the identity for the next request.

        :raises IdentityError: if it is missing or incomplete
        :raises EmbeddedError: if the embedded Swift can't be started
        """
        credentials = self._find_credentials()
        if not credentials.missing_password:
            return credentials
        if self._login is not None and self._login.was_refused:
            self._passwords.clear()
        if credentials not in self._passwords:
            raise IdentityError(credentials.missing_password, hint=credentials.hint)
        return credentials._replace(secret=self._passwords[credentials], missing_password="", hint=None)

    def _find_credentials(self) -> Credentials:
        """Return the identity in options and environment, perhaps without its password."""
        if not self.uses_local:
            with self._lock:
                return self._finder.find(self.surroundings.environ)
        if self._lease is not None and not self._lease.holds:
            self._disconnect()
        from storlet_shell.embedded import control

        if self._lease is None:
            folder = control.data_folder(self.local_folder)
            self._lease = control.join_or_start(folder, control.Settings(ephemeral=self.options.ephemeral))
        credentials = discover(control.environment(self._lease.running))
        connection = credentials.connection._replace(direct=True)
        return credentials._replace(source="the embedded Swift (--local)", connection=connection)

    def ask_for_password(self) -> None:
        """Ask the user for a password if only that is missing.

        :raises IdentityError: as :meth:`credentials`
        """
        credentials = self._find_credentials()
        is_refused = self._login is not None and self._login.was_refused
        if not credentials.missing_password or (credentials in self._passwords and not is_refused):
            return
        password = self.surroundings.ask_secret(f"Password of {credentials.user} at {credentials.auth_url}: ")
        if password:
            self._login = None
            self._passwords[credentials] = password

    def _login_of(self, credentials: Credentials) -> Login:
        """Return the shared login, which is replaced when the identity changes."""
        with self._lock:
            if self._login is None or self._login.credentials != credentials:
                connection = credentials.connection
                timeout = self.options.timeout or connection.timeout
                self._login = Login(credentials, connection._replace(timeout=timeout))
            return self._login

    @property
    def client(self) -> Client:
        """The client of the object store, which logs in at its first request.

        :raises IdentityError: as :meth:`credentials`
        """
        login = self.login
        if self._client is None or self._client.login is not login:
            from storlet_shell.wire.client import Client  # imports the HTTP libraries

            if self._client is not None:
                self._client.close()
            if login.connection.insecure:
                self.surroundings.warn("server certificates are not verified", Hint(Action.VERIFY))
            self._client = Client(login, self.options.trace)
        self._client.observer = self.surroundings  # in xonsh, each line has its own
        return self._client

    @property
    def login(self) -> Login:
        """The login that all clients of the session share.

        :raises IdentityError: as :meth:`credentials`
        """
        if self._fixed_login is not None:
            return self._fixed_login
        self.ask_for_password()
        return self._login_of(self.credentials())

    def another_client(self) -> Client | None:
        """Return a client for another thread, with its own connections over the same login, and without tracing.

        :returns: None if there has been no login yet, and one would start a server or has no identity
        """
        if self._client is None and self.uses_local and self._lease is None and not self._local_runs():
            return None
        from storlet_shell.wire.client import Client  # imports the HTTP libraries

        if self._client is not None:
            return Client(self._client.login, clusters=self._client.clusters)
        try:
            return Client(self._login_of(self.credentials()))
        except IdentityError:
            return None

    def _local_runs(self) -> bool:
        from storlet_shell.embedded import control

        folder = control.data_folder(self.local_folder)
        return not self.options.ephemeral and control.find(folder) is not None

    def another(self, surroundings: Surroundings) -> Session:
        """Return a session for another thread, with its own connections over the same login and variables."""
        session = Session(surroundings, self.variables, self.options)
        session.sources = self.sources
        session._has_adopted_local = self._has_adopted_local
        session._login = self._login
        session._client = self.another_client()
        return session

    @property
    def storage_urls(self) -> tuple[str, ...]:
        """The account's URL on each proxy server of the embedded Swift; else just the login's.

        :raises IdentityError: as :meth:`credentials`
        """
        url = self.client.storage_url
        return self._lease.running.storage_urls if self._lease else (url,)

    def access(self) -> Access:
        """Return what the workers of a batch need to reach the account.

        :raises IdentityError: as :meth:`credentials`
        """
        from storlet_shell.batches.executor import Access  # most lines aren't batches

        identity = {name: text for name, text in self.options.identity.items() if name not in SECRET_VARIABLES}
        urls = self.storage_urls
        return Access(self.client.another, urls, identity, self.options.timeout, self.leased_folder)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets of the session's identity that are known; none for a login that was passed in."""
        if self._fixed_login is not None:
            return ()
        if self.uses_local:
            return self._login.credentials.secrets if self._login else ()
        try:
            return self.credentials().secrets
        except IdentityError:
            return ()

    @property
    def where(self) -> str:
        """The cloud, and the project or account once it is known, for a prompt; empty without an identity."""
        return ":".join(filter(None, self.place))

    @property
    def place(self) -> tuple[str, str]:
        """The cloud, and the project or account once it is known; each is empty if it isn't."""
        account = self._client.known_account if self._client else ""
        if self._fixed_login is not None:
            return "", account
        if self._login and account:
            account = dict(self._login.credentials.scope).get("project_name") or account
        if self.uses_local:
            return "local", account
        try:
            return self._find_credentials().auth_url.split("//", 1)[-1].split("/", 1)[0], account
        except IdentityError:
            return "", ""

    def parameters(
        self, typed: tuple[Parameter, ...] = (), variables: Sequence[str] | None = None
    ) -> tuple[Parameter, ...]:
        """Merge the parameters of a line with those in variables; later variables override, and the line overrides all.

        :param typed: the parameters of the line
        :param variables: the names of variables that hold mappings
        :raises UsageError: if a variable doesn't exist, or isn't a mapping
        """
        merged: dict[object, object] = {}
        for name in variables or ():
            merged.update(self.mapping(name))
        return merge_parameters(merged, typed)

    def mapping(self, name: str) -> Mapping[object, object]:
        """Return the mapping in a variable, which may also be the text of a JSON object.

        :raises UsageError: if the variable doesn't exist, or isn't a mapping
        """
        if name not in self.variables:
            raise UsageError("not found", subject=f"variable {name}")
        value = self.variables[name]
        if isinstance(value, str):
            import json

            try:
                value = json.loads(value)
            except ValueError:
                raise UsageError("its text isn't a JSON object", subject=f"variable {name}") from None
        if not isinstance(value, Mapping):
            text = f"must be a mapping of parameters, not {type(value).__name__}"
            raise UsageError(text, subject=f"variable {name}")
        return value

    def check_variable(self, name: str) -> None:
        """Check that a result can be stored in a variable, before anything is run.

        :raises UsageError: if the name isn't an identifier or is a keyword, or if the variable can't be set here
        """
        if not name.isidentifier() or keyword.iskeyword(name):
            raise UsageError("must be a Python identifier and not a keyword", subject=f"variable {name}")
        if isinstance(self.variables, GuardedVariables):
            self.variables.check(name)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask the user to confirm a destructive action; go ahead if no user is present.

        :param yes: the user has confirmed already
        :raises RefusedError: if the answer is no
        """
        if not yes and self.surroundings.ask(question) is False:
            raise RefusedError("nothing was changed: you answered no")

    def outdate(self) -> None:
        """Mark all attached state as outdated: a line may have changed anything in the store."""
        for attached in self.attached.values():
            attached.outdate()

    def close(self) -> None:
        """Close the connections, and stop the embedded Swift unless others use it; a later request opens them again."""
        for attached in self.attached.values():
            attached.close()
        self._disconnect()

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        self._login = None
        if self._lease is not None:
            self._lease.close()
            self._lease = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
