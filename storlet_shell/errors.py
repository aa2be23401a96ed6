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
from enum import IntEnum

_LINE_ENDS = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")


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


class StorletShellError(Exception):
    """Anything expected that went wrong; its text is one line for the user.

    :param message: what failed, on which thing, why, and what to do next, in one line
    :param transaction_id: Swift's ``X-Trans-Id`` of the request that failed, if one was answered
    :param details: lines that go with it, where they are known: a storlet's log and traceback
    :param status: the HTTP status of the request that failed; None if it wasn't answered, or no request failed

    ``result`` is what was done all the same, of a batch that failed in part; else None.
    """

    exit_status = ExitStatus.ERROR
    result: object = None

    def __init__(self, message: str, *, transaction_id: str = "", details: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.transaction_id = transaction_id
        self.details = details
        self.status = status

    @property
    def message(self) -> str:
        """The text without the transaction, on one line; other blanks stay, since they may belong to a name."""
        return _LINE_ENDS.sub(" ", str(self.args[0])).strip()

    def __str__(self) -> str:
        transaction = _LINE_ENDS.sub(" ", self.transaction_id)
        return f"{self.message} (transaction {transaction})" if transaction else self.message

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in the place of a traceback."""
        from storlet_shell.text import printable  # for those who see it

        return [printable(line) for line in (*self.details.splitlines(), f"{type(self).__name__}: {self}")]


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
        message: str,
        *,
        transaction_id: str = "",
        details: str = "",
        status: int | None = None,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message, transaction_id=transaction_id, details=details, status=status)
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
