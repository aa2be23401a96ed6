"""The errors that users may see, and the exit status that each ends a command line with.

::

    StorletShellError                 anything expected that went wrong                       1
    ├── UsageError                    the line itself is wrong: options, spellings, values     2
    ├── IdentityError                 no identity, half an identity, or one that is refused    3
    ├── NotFoundError                 a container, object, storlet or file is not there        4
    │   └── NotDeployedError          the storlet of a run is not there; nothing has run       4
    ├── ServiceError                  the server, or the way to it, failed; may be temporary   5
    │   ├── ConnectionFailedError     the connection failed; whether it was done is not known  5
    │   │   └── UnreachedError        no connection was made, so that nothing was sent         5
    │   ├── OverloadedError           the server asks for fewer requests; nothing has run      5
    │   └── IncompleteBodyError       a body ended before its end                              5
    ├── StorletFailedError            the storlet ran and failed                               6
    │   └── PartFailedError           a batch was done, but for some of its objects            6
    ├── UnrunError                    object servers return the object as it is; nothing ran   1
    ├── RefusedError                  the user said no         7
    ├── UnknownCommandError           there is no such command                               127
    ├── LocalFileError                a local file can't be read or written                    1
    ├── PluginError                   what another package adds can't be used                  1
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
"""Stands in a hint's arguments for those that are left out."""

SUBJECT = "{subject}"
HINT = "{hint}"
"""Where a message spells its subject and its hint, if not first and last."""

_PLACES = re.compile(r"(\{subject\}|\{hint\})")
_LINE_ENDS = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")


_WAYS_IN = (
    "connect(cloud=NAME), connect(local=True), or set OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME "
    "(Keystone), or ST_AUTH, ST_USER and ST_KEY (tempauth)"
)


class ExitStatus(IntEnum):
    """What a line's end means to the process that ran it."""

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
    """What a user can do next: the sentence that a message ends with, and what stands in it in a Python program.

    Front ends whose users type lines have their own spelling of each (``adapters/hints.py``). The first ``{}`` of a
    spelling stands for the hint's arguments.
    """

    MAKE_CONTAINER = "; make it with: {}", "store.make_container({})"
    ENABLE_ACCOUNT = "; enable it with: {}", "storlet-shell enable"
    SEE_LOGS = "; see: {}", "store.logs({})"
    SEE_STORLETS = "; see: {}", "store.storlets()"
    SEE_STORLETS_IN = "; see: {}", "store.list({})"
    SEE_GRANTS = "; see: {}", "storlet-shell acl list {}"
    GRANT_READING = "; for a user of another project: {}", 'store.grant({}, "PROJECT_ID:USER_ID")'
    NAME_RIGHT = "; use {} there", 'right="read"'
    SEE_ENABLE = "; if not, the result is the object as it is: see {}", 'storlet-shell enable, or drop where="node"'
    DROP_ON_NODE = "; drop {}", 'where="node"'
    DROP_LOG = ": try without {}", "--generate-log"
    ALLOW_UNREAD = " ({} accepts that)", "storlet-shell get --allow-unread"
    PASS_AS_INPUT = "; a storlet takes more as an object ({})", "extra=[path]"
    DEPLOY_AGAIN = "; {} once the server answers", "deploy it again"
    DEPLOY_CODE = "; {}", "give the code to store.deploy(source, name={})"
    NAME_MAIN = "; name it by {}", "main=NAME"
    NAME_JAR_MAIN = " {}", "main=NAME"
    EMPTY = "; to delete what it holds as well: {}", "store.delete({}, recursive=True)"
    EMPTY_VERSIONS = "; if it keeps older versions, delete them as well: {}", "storlet-shell rm -r --versions {}"
    REMOVE = "; to delete them: {}", "for path in [{}]: store.delete(path)"
    REMOVE_ALL = "; to delete them: {}", "store.delete({}, recursive=True)"
    SEE_DEPENDENCIES = "; see: {}", "storlet-shell dependencies"
    FORCE = " ({} deletes it)", "force=True"
    REMOVE_DEPENDENCY = "; delete it with: {}", "storlet-shell dependencies rm {}"
    COPY = ": {}", "store.copy({})"
    SAVE_ONE = "; for one object: {}", "store.get(path).save(file)"
    SAVE_AS = "; {}", "store.get({}).save(file)"
    TRUST = "; if you trust it, name its CA's certificate: {}", "OS_CACERT"
    VERIFY = " ({})", "the identity says so"
    SET_IN_CLOUD = ": {}", "set it there"
    LOG_IN = ": {}", _WAYS_IN
    COMPLETE_LOGIN = "; {}", _WAYS_IN
    LOG_IN_AGAIN = "; the embedded Swift has a new password at each start: {}", "connect(local=True)"

    def __init__(self, sentence: str, in_python: str) -> None:
        self.sentence = sentence
        self.in_python = in_python


@typed_equality
class Hint(NamedTuple):
    """What to do about an error or a warning, as a value; each front end spells it in its own language.

    :param arguments: what it is done with: names, and paths as users spell them
    """

    action: Action
    arguments: tuple[str, ...] = ()


Spelling = Callable[[Hint], str]
"""Spells what a hint's sentence has a place for: a command line, or a call."""


def in_python(hint: Hint) -> str:
    """Spell a hint for those who call the library."""
    arguments = ", ".join(map(_quoted, hint.arguments))
    return hint.action.in_python.replace("{}", arguments, 1)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def advise(message: str, hint: Hint | None, spell: Spelling) -> str:
    """Return a message with its hint: where it says ``{hint}``, else at its end."""
    if hint is None:
        return message
    advice = hint.action.sentence.replace("{}", spell(hint), 1)
    return message.replace(HINT, advice, 1) if HINT in message else message + advice


class StorletShellError(Exception):
    """Anything expected that went wrong; its text is one line for the user.

    What code decides on is a field; its text is for people.

    :param what: what failed, and why, in one line. The subject comes first, or where the line says ``{subject}``; the
        hint comes last, or where it says ``{hint}``
    :param subject: what it is about, as users spell it: a path, a container, a storlet or a file; None for nothing
    :param status: the HTTP status of the request that failed; None if it wasn't answered, or no request failed
    :param hint: what to do next
    :param transaction_id: Swift's ``X-Trans-Id`` of the request that failed, if one was answered
    :param details: lines that go with it, where they are known: a storlet's log and traceback

    ``result`` is what was done all the same, of a batch that failed in part; else None. ``answer`` is what the server
    answered to the request that failed, if it did (:class:`~storlet_shell.wire.statuses.FailedAnswer`). ``spell``
    spells the hint in the error's text; a front end puts its own there.
    """

    exit_status = ExitStatus.ERROR
    result: object = None
    answer: object = None
    spell: Spelling = staticmethod(in_python)

    def __init__(
        self,
        what: str,
        *,
        subject: str | None = None,
        status: int | None = None,
        hint: Hint | None = None,
        transaction_id: str = "",
        details: str = "",
    ) -> None:
        super().__init__(what)
        self.subject = subject
        self.status = status
        self.hint = hint
        self.transaction_id = transaction_id
        self.details = details

    def __reduce__(self) -> tuple[object, ...]:
        """Take along what it says, but not what belongs to this process: how it is spelled, and what was done."""
        stays = ("spell", "result")
        return type(self), self.args, {name: value for name, value in vars(self).items() if name not in stays}

    def about(self, subject: str) -> Self:
        """Return a copy about another subject, which is alike in all else; raise it from this one."""
        return self._copy(self._what, subject=subject)

    def adding(self, more: str) -> Self:
        """Return a copy whose message goes on."""
        return self._copy(self._what + more)

    def _copy(self, what: str, **changes: object) -> Self:
        twin = type(self)(what)
        twin.__dict__.update(self.__dict__, **changes)
        return twin

    @property
    def _what(self) -> str:
        return str(self.args[0])

    @property
    def message(self) -> str:
        """What failed and why, on one line, without the hint and the transaction."""
        return _one_line(self._filled(""))

    def explained(self, spell: Spelling | None = None) -> str:
        """Return the message with the hint, on one line, without the transaction.

        :param spell: how the hint is spelled; None for the error's own way
        """
        return _one_line(self._filled(advise("", self.hint, spell or self.spell)))

    def _filled(self, advice: str) -> str:
        """Put the subject and the hint in their places; what is in the subject, or in the hint, is no place."""
        parts = _PLACES.split(self._what)
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
        """Return what IPython shows in the place of a traceback."""
        from storlet_shell.text import printable  # for those who see it

        return [printable(line) for line in (*self.details.splitlines(), f"{type(self).__name__}: {self}")]


def _one_line(text: str) -> str:
    """Return a text on one line; other blanks stay, since they may belong to a name."""
    return _LINE_ENDS.sub(" ", text).strip()


class UsageError(StorletShellError):
    """The line itself is wrong; nothing was sent."""

    exit_status = ExitStatus.USAGE


class IdentityError(StorletShellError):
    """There is no identity, half an identity, or one that the server refuses."""

    exit_status = ExitStatus.IDENTITY


class NotFoundError(StorletShellError):
    """A container, object, storlet or file is not there."""

    exit_status = ExitStatus.NOT_FOUND


class NotDeployedError(NotFoundError):
    """The storlet of a run is not deployed; nothing has run."""


class ServiceError(StorletShellError):
    """The server, or the way to it, failed; the same line may succeed later."""

    exit_status = ExitStatus.SERVICE


class ConnectionFailedError(ServiceError):
    """The connection failed before there was an answer; whether the request was done is not known."""


class UnreachedError(ConnectionFailedError):
    """No connection was made, so that nothing was sent: the request may be sent elsewhere, or again."""


class OverloadedError(ServiceError):
    """The server asks for fewer requests; nothing has run.

    :param retry_after: the seconds that the server wants to be left alone for; 0 when it does not say
    """

    def __init__(
        self,
        what: str,
        *,
        subject: str | None = None,
        status: int | None = None,
        hint: Hint | None = None,
        transaction_id: str = "",
        details: str = "",
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(
            what, subject=subject, status=status, hint=hint, transaction_id=transaction_id, details=details
        )
        self.retry_after = retry_after


class IncompleteBodyError(ServiceError):
    """A body ended before its end; what came of it is not to be trusted."""


class StorletFailedError(StorletShellError):
    """The storlet ran and failed."""

    exit_status = ExitStatus.STORLET_FAILED


class PartFailedError(StorletFailedError):
    """A batch was done, but for some of its objects; its result tells which."""


class UnrunError(StorletShellError):
    """Object servers return this object as it is, without running the storlet."""


class RefusedError(StorletShellError):
    """The user said no."""

    exit_status = ExitStatus.REFUSED


class UnknownCommandError(StorletShellError):
    """There is no command of that name."""

    exit_status = ExitStatus.UNKNOWN_COMMAND


class LocalFileError(StorletShellError):
    """A local file can't be read or written."""


class PluginError(StorletShellError):
    """What another package adds can't be used."""


class EmbeddedError(StorletShellError):
    """The embedded Swift can't be started, found or stopped."""

    exit_status = ExitStatus.SERVICE


class TerminatedError(SystemExit):
    """SIGTERM or SIGHUP has ended this process; unlike any other exit, no plug-in's doing."""
