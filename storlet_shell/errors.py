"""The errors that users see, and the exit status for each.

::

    StorletShellError                 any expected failure                                     1
    ├── UsageError                    invalid command line: options, spelling, values          2
    ├── IdentityError                 identity missing, incomplete, or refused                 3
    ├── NotFoundError                 container, object, storlet or file not found             4
    │   └── NotDeployedError          storlet not deployed; nothing has run                    4
    ├── ServiceError                  server or network failure; a retry may help              5
    │   ├── ConnectionFailedError     connection failed; the request may have been carried out 5
    │   │   └── UnreachedError        no connection was made; nothing was sent                 5
    │   ├── OverloadedError           the server asks for fewer requests; nothing has run      5
    │   └── IncompleteBodyError       a response body was cut short                            5
    ├── StorletFailedError            the storlet ran and failed                               6
    │   └── PartFailedError           a batch failed for some of its objects                   6
    ├── UnrunError                    object servers return the object without running it      1
    ├── RefusedError                  the user said no                                         7
    ├── UnknownCommandError           unknown command                                        127
    ├── LocalFileError                a local file can't be read or written                    1
    ├── PluginError                   another package's plug-in can't be used                  1
    └── EmbeddedError                 the embedded Swift can't be started, found or stopped    5
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, IntEnum
from typing import NamedTuple, Self

from storlet_shell.equality import typed_equality

__all__ = [
    "Action",
    "ConnectionFailedError",
    "EmbeddedError",
    "ExitStatus",
    "Hint",
    "IdentityError",
    "IncompleteBodyError",
    "LocalFileError",
    "NotDeployedError",
    "NotFoundError",
    "OverloadedError",
    "PartFailedError",
    "PluginError",
    "RefusedError",
    "ServiceError",
    "StorletFailedError",
    "StorletShellError",
    "UnknownCommandError",
    "UnreachedError",
    "UnrunError",
    "UsageError",
]

ELLIPSIS = "…"
"""Stands for the arguments that a hint leaves out."""

SUBJECT = "{subject}"
HINT = "{hint}"
"""Placeholders in a message; without them, the subject comes first and the hint last."""

_PLACES = re.compile(r"(\{subject\}|\{hint\})")
_LINE_ENDS = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")


_WAYS_IN = (
    "connect(cloud=NAME), connect(local=True), or set OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME "
    "(Keystone), or ST_AUTH, ST_USER and ST_KEY (tempauth)"
)


class ExitStatus(IntEnum):
    """Exit statuses of a command line."""

    OK = 0
    ERROR = 1
    USAGE = 2
    IDENTITY = 3
    NOT_FOUND = 4
    SERVICE = 5
    STORLET_FAILED = 6
    REFUSED = 7
    UNKNOWN_COMMAND = 127
    INTERRUPTED = 130


class Action(Enum):
    """What a user can do next: the end of the message, and the Python spelling of its ``{}``.

    Front ends whose users type lines spell each action themselves (``adapters/hints.py``). The first ``{}`` of a
    spelling stands for the hint's arguments.
    """

    MAKE_CONTAINER = " (create it: {})", "store.make_container({})"
    ENABLE_ACCOUNT = "; enable it: {}", "storlet-shell enable"
    SEE_LOGS = "; see: {}", "store.logs({})"
    SEE_STORLETS = "; see: {}", "store.storlets()"
    DEPLOY_ONE = "; deploy one: {}", "store.deploy(file)"
    DEFINE_VARIABLE = "; define one: {}", "storlet-shell vars NAME KEY=VALUE"
    SEE_STORLETS_IN = "; see: {}", "store.list({})"
    SEE_GRANTS = "; see: {}", "storlet-shell acl list {}"
    GRANT_READING = "; to let a user of another project read: {}", 'store.grant({}, "PROJECT_ID:USER_ID")'
    NAME_RIGHT = "; use {} there", 'right="read"'
    SEE_ENABLE = "; if not, you get the object itself: see {}", 'storlet-shell enable, or drop where="node"'
    DROP_ON_NODE = "; drop {}", 'where="node"'
    DROP_LOG = "; try without {}", "--generate-log"
    ALLOW_UNREAD = " ({} allows that)", "storlet-shell get --allow-unread"
    PASS_AS_INPUT = "; pass more data as an object ({})", "extra=[path]"
    DEPLOY_AGAIN = "; {} once the server responds", "deploy it again"
    DEPLOY_CODE = "; {}", "pass the code to store.deploy(source, name={})"
    DEPLOY_STANDARD = "; deploy it: {}", "store.deploy({})"
    PROVIDE = ", then deploy with {}", "provided=[{}]"
    KEEP_PACKAGES = "; to keep them, deploy it with {}", "packages=[{}]"
    NAME_WHEEL = ", and name its file: {}", 'packages=["./FILE.whl"]'
    NAME_MAIN = "; name it with {}", "main=NAME"
    NAME_JAR_MAIN = " {}", "main=NAME"
    EMPTY = "; to delete its contents, too: {}", "store.delete({}, recursive=True)"
    EMPTY_VERSIONS = "; if it keeps older versions, delete them, too: {}", "storlet-shell rm -r --versions {}"
    REMOVE = "; to delete them: {}", "for path in [{}]: store.delete(path)"
    REMOVE_ALL = "; to delete them: {}", "store.delete({}, recursive=True)"
    SET_KEY = "; set one: {}", 'store.post("", {"Temp-URL-Key": secret})'
    REMOVE_METADATA = "; to remove one: {}", "store.post(path, {{}: None})"
    SEE_DEPENDENCIES = "; see: {}", "storlet-shell dependencies"
    FORCE = " (delete it anyway: {})", "force=True"
    REPLACE = " (replace it: {})", "force=True"
    DEPLOY_ANYWAY = " (deploy it anyway: {})", "force=True"
    REMOVE_DEPENDENCY = "; delete it: {}", "storlet-shell dependencies rm {}"
    COPY = ": {}", "store.copy({})"
    SAVE_ONE = "; for one object: {}", "store.get(path).save(file)"
    SAVE_AS = "; {}", "store.get({}).save(file)"
    TRUST = "; if you trust the server, name its CA certificate: {}", "OS_CACERT"
    VERIFY = " ({})", "the identity says so"
    SET_IN_CLOUD = ": {}", "set it there"
    LOG_IN = ": {}", _WAYS_IN
    COMPLETE_LOGIN = "; {}", _WAYS_IN
    LOG_IN_AGAIN = "; the embedded Swift gets a new password at each start: {}", "connect(local=True)"

    def __init__(self, sentence: str, in_python: str) -> None:
        self.sentence = sentence
        self.in_python = in_python


@typed_equality
class Hint(NamedTuple):
    """What to do about an error or a warning; each front end spells it in its own language.

    :param arguments: names, and paths as users spell them
    """

    action: Action
    arguments: tuple[str, ...] = ()


Spelling = Callable[[Hint], str]
"""Spells the action of a hint: as a command line, or as a call."""


def in_python(hint: Hint) -> str:
    """Spell a hint as Python code."""
    arguments = ", ".join(map(_quoted, hint.arguments))
    return hint.action.in_python.replace("{}", arguments, 1)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def advise(message: str, hint: Hint | None, spell: Spelling) -> str:
    """Insert a hint into a message at ``{hint}``, or append it."""
    if hint is None:
        return message
    advice = hint.action.sentence.replace("{}", spell(hint), 1)
    return message.replace(HINT, advice, 1) if HINT in message else message + advice


class StorletShellError(Exception):
    """An expected failure; its text is one line for the user.

    Code decides by the error's fields; the text is for people.

    :param text: what failed and why, in one line. The subject is put in front, or where the text says ``{subject}``;
        the hint at the end, or where it says ``{hint}``
    :param subject: the path, container, storlet or file that failed, as users spell it; None without one
    :param status: the HTTP status of the failed request; None without a response, or if no request failed
    :param hint: what to do next
    :param transaction_id: the ``X-Trans-Id`` of the failed request; empty without a response
    :param details: further lines, such as a storlet's log and traceback; empty without any

    ``result`` is the partial result of a batch that failed in part; else None. ``answer`` is the server's response to
    the failed request (:class:`~storlet_shell.wire.statuses.FailedAnswer`); None without one. ``spell`` spells the hint
    in the error's text; front ends replace it.
    """

    exit_status = ExitStatus.ERROR
    result: object = None
    answer: object = None
    spell: Spelling = staticmethod(in_python)

    def __init__(
        self,
        text: str,
        *,
        subject: str | None = None,
        status: int | None = None,
        hint: Hint | None = None,
        transaction_id: str = "",
        details: str = "",
    ) -> None:
        super().__init__(text)
        self.subject = subject
        self.status = status
        self.hint = hint
        self.transaction_id = transaction_id
        self.details = details

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle everything but what belongs to this process: the spelling of the hint, and the partial result."""
        local = ("spell", "result")
        return type(self), self.args, {name: value for name, value in vars(self).items() if name not in local}

    def about(self, subject: str) -> Self:
        """Return a copy with another subject; raise it from this one."""
        return self._copy(self._text, subject=subject)

    def adding(self, more: str) -> Self:
        """Return a copy with more text at the end of its message."""
        return self._copy(self._text + more)

    def without_subject(self) -> Self:
        """Return a copy for readers who see the subject anyway: its message starts after it."""
        return self._copy(self._text.rpartition(f"{SUBJECT}: ")[2], subject=None)

    def _copy(self, text: str, **changes: object) -> Self:
        twin = type(self)(text)
        twin.__dict__.update(self.__dict__, **changes)
        return twin

    @property
    def _text(self) -> str:
        return str(self.args[0])

    @property
    def message(self) -> str:
        """The text on one line, without the hint and the transaction id."""
        return _one_line(self._filled(""))

    def explained(self, spell: Spelling | None = None) -> str:
        """Return the message with the hint, on one line, without the transaction id.

        :param spell: spells the hint; None for the error's own ``spell``
        """
        return _one_line(self._filled(advise("", self.hint, spell or self.spell)))

    def _filled(self, advice: str) -> str:
        """Fill in the subject and the hint; placeholders within those stay as they are."""
        parts = _PLACES.split(self._text)
        places = {part: parts.index(part) for part in (SUBJECT, HINT) if part in parts}
        if self.hint is not None:
            at = places.get(HINT, len(parts))
            parts[at : at + 1] = [advice]
        if self.subject is not None and SUBJECT in places:
            parts[places[SUBJECT]] = self.subject
        elif self.subject is not None:
            parts.insert(0, f"{self.subject}: ")
        return "".join(parts)

    def __str__(self) -> str:
        transaction = _LINE_ENDS.sub(" ", self.transaction_id)
        return f"{self.explained()} (transaction {transaction})" if transaction else self.explained()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows instead of a traceback."""
        from storlet_shell.text import printable  # rarely needed

        return [printable(line) for line in (*self.details.splitlines(), f"{type(self).__name__}: {self}")]


def _one_line(text: str) -> str:
    """Join the lines of a text; other blanks stay, since they may belong to a name."""
    return _LINE_ENDS.sub(" ", text).strip()


class UsageError(StorletShellError):
    """The command line is invalid; nothing was sent."""

    exit_status = ExitStatus.USAGE


class IdentityError(StorletShellError):
    """The identity is missing or incomplete, or the server refuses it."""

    exit_status = ExitStatus.IDENTITY


class NotFoundError(StorletShellError):
    """A container, object, storlet or file wasn't found."""

    exit_status = ExitStatus.NOT_FOUND


class NotDeployedError(NotFoundError):
    """The storlet isn't deployed; nothing has run."""


class ServiceError(StorletShellError):
    """The server or the network failed; a retry may help."""

    exit_status = ExitStatus.SERVICE


class ConnectionFailedError(ServiceError):
    """The connection failed before a response came; the request may or may not have been carried out."""


class UnreachedError(ConnectionFailedError):
    """No connection was made, so nothing was sent; the request can safely be sent again, or elsewhere."""


class OverloadedError(ServiceError):
    """The server asks for fewer requests; nothing has run.

    :param retry_after: seconds to wait before the next request; 0 if the server doesn't say
    """

    def __init__(
        self,
        text: str,
        *,
        subject: str | None = None,
        status: int | None = None,
        hint: Hint | None = None,
        transaction_id: str = "",
        details: str = "",
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(
            text, subject=subject, status=status, hint=hint, transaction_id=transaction_id, details=details
        )
        self.retry_after = retry_after


class IncompleteBodyError(ServiceError):
    """A response body was cut short; what arrived of it can't be trusted."""


class StorletFailedError(StorletShellError):
    """The storlet ran and failed."""

    exit_status = ExitStatus.STORLET_FAILED


class PartFailedError(StorletFailedError):
    """A batch failed for some of its objects; its result tells which."""


class UnrunError(StorletShellError):
    """Object servers return this object without running the storlet."""


class RefusedError(StorletShellError):
    """The user said no."""

    exit_status = ExitStatus.REFUSED


class UnknownCommandError(StorletShellError):
    """The command doesn't exist."""

    exit_status = ExitStatus.UNKNOWN_COMMAND


class LocalFileError(StorletShellError):
    """A local file can't be read or written."""


class PluginError(StorletShellError):
    """A plug-in of another package can't be used."""


class EmbeddedError(StorletShellError):
    """The embedded Swift can't be started, found or stopped."""

    exit_status = ExitStatus.SERVICE


class TerminatedError(SystemExit):
    """SIGTERM or SIGHUP ended this process; no other exit raises this, so it is never a plug-in's doing."""
