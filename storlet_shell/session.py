"""What a command runs in: one login for many lines, the user's variables, and what surrounds the process.

A session is opened once by a front end. It logs in when the first request is made and keeps that login; when the
environment's identity changes in between, it notices and logs in anew.
"""

from __future__ import annotations

import keyword
import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, IdentityError, RefusedError, UsageError
from storlet_shell.identity.environment import LOCAL, SECRET_VARIABLES, discover, holds_none
from storlet_shell.identity.finder import Finder
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.identity.variables import says_yes
from storlet_shell.values import Parameter, merge_parameters
from storlet_shell.wire.observer import Observer

if TYPE_CHECKING:
    from storlet_shell.batches.executor import Access
    from storlet_shell.embedded.control import Lease
    from storlet_shell.wire.client import Client

LOCAL_FOLDER = "STORLET_SHELL_DATA"


class Surroundings(Observer):
    """What is around the process, as a front end sees it; this one is a process that nobody watches.

    :param environ: the environment's variables, as they are at every look
    :param stdin: standard input, for commands that are asked to read it

    ``goes_on`` tells whether further lines of the user's follow in the same session.
    """

    goes_on = False

    def __init__(self, environ: Mapping[str, str] | None = None, stdin: IO[bytes] | None = None) -> None:
        self.environ: Mapping[str, str] = {} if environ is None else environ
        self.stdin = stdin

    def syntax(self) -> str:
        """Return how lines are written here, for people: what ``help syntax`` shows."""
        return "The words of a line are taken as they are given."

    def is_watched(self) -> bool:
        """Tell whether somebody is there to answer."""
        return False

    def ask(self, question: str) -> bool | None:  # noqa: ARG002  a watched process uses it
        """Ask the user a question; None when nobody is there to answer."""
        return None

    def ask_secret(self, question: str) -> str:  # noqa: ARG002  a watched process uses it
        """Ask the user for a password; nothing when nobody is there to answer."""
        return ""


class Attached(Protocol):
    """What a front end keeps for as long as a session lasts: what completion has looked up, say."""

    def outdate(self) -> None:
        """Take what it knows of the store for old: a line may have changed it."""

    def close(self) -> None:
        """Let go of what it holds; it may be used again afterwards."""


@typed_equality
class Options(NamedTuple):
    """What a front end was told about the whole session.

    :param local: use the embedded Swift, joining a running one or starting one
    :param ephemeral: with ``local``: in a temporary folder
    :param identity: what options say of the identity, by the names of the variables in whose place they stand
    :param timeout: seconds without an answer after which a request has failed; None for what the cloud says, or 60
    :param trace: told each request as it is sent, without secrets
    """

    local: bool = False
    ephemeral: bool = False
    identity: Mapping[str, str] = MappingProxyType({})
    timeout: float | None = None
    trace: Callable[[str], None] = lambda _: None


class GuardedVariables(MutableMapping[str, Any]):
    """Variables some of which can't be set, such as those of a running function."""

    @abstractmethod
    def check(self, name: str) -> None:
        """Check that a variable can be set.

        :raises UsageError: when it can't
        """


class Session:
    """What a command runs in; a context that closes what it opened.

    :param surroundings: the process's environment and terminal
    :param variables: the user's variables, by name
    :param login: a login that exists already; None to find an identity in options and environment

    ``attached`` holds what front ends keep with the session; ``sources`` the code of the storlets that were deployed or
    tried in it, by their names, to show where one failed.
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
        self._given_login = login
        self._login: Login | None = None
        self._client: Client | None = None
        self._lease: Lease | None = None

    @property
    def uses_local(self) -> bool:
        """Whether the identity is the embedded Swift's."""
        environ = self.surroundings.environ
        if not self.options.local and not holds_none(self.options.identity):
            return False
        adopted = self._has_adopted_local and holds_none(environ)
        return adopted or self.options.local or says_yes(environ, LOCAL)

    def adopt_local(self, *, adopt: bool) -> bool:
        """Use the embedded Swift, which the user has just started, for as long as the environment holds no identity.

        :param adopt: False when it was stopped
        :returns: whether the lines that follow use it
        """
        self._has_adopted_local = adopt and self.surroundings.goes_on
        return self.uses_local

    @property
    def local_folder(self) -> Path | None:
        """The embedded Swift's data folder when the user chose another than the platform's."""
        folder = self.surroundings.environ.get(LOCAL_FOLDER)
        return Path(folder) if folder else None

    @property
    def leased_folder(self) -> Path | None:
        """The data folder of the embedded Swift that this session holds at the moment; None without one."""
        return self._lease.running.folder if self._lease else None

    def credentials(self) -> Credentials:
        """Return the identity that the next request is made with.

        :raises IdentityError: when there is none or half of one
        :raises EmbeddedError: when the embedded Swift is wanted and can't be started
        """
        found = self._found()
        if not found.missing_password:
            return found
        if self._login is not None and self._login.was_refused:
            self._passwords.clear()
        if found not in self._passwords:
            raise IdentityError(found.missing_password, hint=found.hint)
        return found._replace(secret=self._passwords[found], missing_password="", hint=None)

    def _found(self) -> Credentials:
        if not self.uses_local:
            with self._lock:
                return self._finder.find(self.surroundings.environ)
        if self._lease is not None and not self._lease.holds:
            self._disconnect()
        from storlet_shell.embedded import control

        if self._lease is None:
            folder = control.data_folder(self.local_folder)
            self._lease = control.join_or_start(folder, control.Settings(ephemeral=self.options.ephemeral))
        found = discover(control.environment(self._lease.running))
        how = found.connection._replace(direct=True)
        return found._replace(source="the embedded Swift (--local)", connection=how)

    def ask_for_password(self) -> None:
        """Ask for a password if it is all that the identity lacks, and somebody is there to answer.

        :raises IdentityError: as :meth:`credentials`
        """
        found = self._found()
        if not found.missing_password or (found in self._passwords and not (self._login and self._login.was_refused)):
            return
        password = self.surroundings.ask_secret(f"Password of {found.user} at {found.auth_url}: ")
        if password:
            self._login = None
            self._passwords[found] = password

    def _login_of(self, credentials: Credentials) -> Login:
        """Return the login that all clients of the session share, for as long as the identity is the same."""
        with self._lock:
            if self._login is None or self._login.credentials != credentials:
                how = credentials.connection
                self._login = Login(credentials, how._replace(timeout=self.options.timeout or how.timeout))
            return self._login

    @property
    def client(self) -> Client:
        """The object store; the first use logs in.

        :raises IdentityError: as :meth:`credentials`
        """
        login = self.login
        if self._client is None or self._client.login is not login:
            from storlet_shell.wire.client import Client  # with it come the HTTP libraries

            if self._client is not None:
                self._client.close()
            if login.connection.insecure:
                self.surroundings.warn("the servers' certificates are not verified", Hint(Action.VERIFY))
            self._client = Client(login, self.options.trace)
        self._client.observer = self.surroundings  # in xonsh, those of each line are others
        return self._client

    @property
    def login(self) -> Login:
        """The login that all clients of the session share.

        :raises IdentityError: as :meth:`credentials`
        """
        if self._given_login is not None:
            return self._given_login
        self.ask_for_password()
        return self._login_of(self.credentials())

    def another_client(self) -> Client | None:
        """Return a client for another thread, with connections of its own, over the present login; it traces nothing.

        Before the first login it is one that will log in; None where that would start a server or lacks an identity.
        """
        if self._client is None and self.uses_local and self._lease is None and not self._local_runs():
            return None
        from storlet_shell.wire.client import Client  # with it come the HTTP libraries

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
        """Return a session for another thread, with connections of its own, over the present login and variables."""
        made = Session(surroundings, self.variables, self.options)
        made.sources = self.sources
        made._has_adopted_local = self._has_adopted_local
        made._login = self._login
        made._client = self.another_client()
        return made

    @property
    def storage_urls(self) -> tuple[str, ...]:
        """The account at each place that takes its requests: the embedded Swift's proxies, or where the login leads.

        :raises IdentityError: as :meth:`credentials`
        """
        own = self.client.storage_url
        return self._lease.running.storage_urls if self._lease else (own,)

    def access(self) -> Access:
        """Return how the workers of a batch reach the account.

        :raises IdentityError: as :meth:`credentials`
        """
        from storlet_shell.batches.executor import Access  # few lines are batches

        identity = {name: text for name, text in self.options.identity.items() if name not in SECRET_VARIABLES}
        urls = self.storage_urls
        return Access(self.client.another, urls, identity, self.options.timeout, self.leased_folder)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the session's identity keeps secret, as far as it is known; a login that was passed in keeps its own."""
        if self._given_login is not None:
            return ()
        if self.uses_local:
            return self._login.credentials.secrets if self._login else ()
        try:
            return self.credentials().secrets
        except IdentityError:
            return ()

    @property
    def where(self) -> str:
        """The cloud, and the project or account once a login has told it, in few words; empty without an identity."""
        account = self._client.known_account if self._client else ""
        if self._given_login is not None:
            return account
        if self._login and account:
            account = dict(self._login.credentials.scope).get("project_name") or account
        if self.uses_local:
            cloud = "local"
        else:
            try:
                cloud = self._found().auth_url.split("//", 1)[-1].split("/", 1)[0]
            except IdentityError:
                return ""
        return f"{cloud}:{account}" if account else cloud

    def parameters(
        self, given: tuple[Parameter, ...] = (), variables: Sequence[str] | None = None
    ) -> tuple[Parameter, ...]:
        """Merge the parameters of a line with those of the variables it names; the later variable wins, the line most.

        :raises UsageError: when there is no such variable, or it holds no mapping
        """
        merged: dict[object, object] = {}
        for name in variables or ():
            merged.update(self.mapping(name))
        return merge_parameters(merged, given)

    def mapping(self, name: str) -> Mapping[object, object]:
        """Return the mapping that a variable holds; text that is a JSON object counts as one.

        :raises UsageError: when there is no such variable, or it holds no mapping
        """
        if name not in self.variables:
            raise UsageError(f"-i {name}: there is no variable of that name")
        value = self.variables[name]
        if isinstance(value, str):
            import json

            try:
                value = json.loads(value)
            except ValueError:
                raise UsageError(f"-i {name}: the variable's text is no JSON object") from None
        if not isinstance(value, Mapping):
            raise UsageError(f"-i {name}: the variable holds no mapping but {type(value).__name__}")
        return value

    def check_variable(self, name: str) -> None:
        """Check that a result can be stored under a name, before anything is run.

        :raises UsageError: when the name is no Python name or is a keyword, or the variable can't be set here
        """
        if not name.isidentifier() or keyword.iskeyword(name):
            raise UsageError(f"-o {name}: a variable's name is a Python name and no keyword")
        if isinstance(self.variables, GuardedVariables):
            self.variables.check(name)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something is lost; where nobody can answer, the line itself is the answer.

        :param yes: the user has answered beforehand
        :raises RefusedError: when the answer is no
        """
        if not yes and self.surroundings.ask(question) is False:
            raise RefusedError("nothing was changed: the answer was no")

    def outdate(self) -> None:
        """Tell what front ends keep with the session that a line may have changed anything in the store."""
        for attached in self.attached.values():
            attached.outdate()

    def close(self) -> None:
        """Close the connections, and end the embedded Swift if nobody else uses it; a later request opens them anew."""
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
