"""Interpret why the run of a storlet failed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import (
    Action,
    Hint,
    IncompleteBodyError,
    NotFoundError,
    OverloadedError,
    ServiceError,
    StorletFailedError,
    StorletShellError,
    UnrunError,
)

_CURES = {
    "OSError: Body should be sent after metadata is sent": "call out_files[0].set_metadata({}) before it writes",
}
"""Remedies for errors that upstream's files raise without one (storlets ``agent/daemon/files.py``)."""

_KINDS: Mapping[str, type[StorletShellError]] = {
    "busy": OverloadedError,
    "engine": ServiceError,
    "input": ServiceError,
    "missing": NotFoundError,
}
"""Kinds of failures on the embedded Swift (docs/embedded.md) that aren't the storlet's fault; all others are."""

_HINTS = {"unread": Hint(Action.ALLOW_UNREAD)}
"""Hints by kind of failure."""

_NOT_THE_STORLETS = {"ok", "abandoned", *_KINDS}

_HEADING = re.compile(r"--- \S+ \S+ (?:-|\S+ \S+): (\w+)(?:: (.*?))?(?: \([0-9.]+ s\))?")
"""The heading of a run in a storlet's log: its end and the reason (``embedded/engine/journal.py: Record.render``)."""


def with_cure(reason: str) -> str:
    """Append the remedy to a reason, if one is known."""
    return f"{reason}; {_CURES[reason]}" if reason in _CURES else reason


@typed_equality
class Failure(NamedTuple):
    """Why a run failed.

    :param reason: a description; empty if unknown, or if it wasn't the storlet's fault
    :param kind: the class of its error
    :param hint: how to make the run succeed
    :param log: the run's log; empty if unknown
    """

    reason: str = ""
    kind: type[StorletShellError] = StorletFailedError
    hint: Hint | None = None
    log: str = ""

    def error(self, storlet: str, subject: str, transaction: str, status: int | None) -> StorletShellError:
        """Return the error for a run that was reported as failed.

        :param status: the HTTP status of the server's report; None if it came from the storlet itself
        """
        verb = "failed on" if self.kind is StorletFailedError else "didn't run over"
        return self.kind(
            f"storlet {storlet} {verb} {{subject}}: {self.reason}",
            subject=subject,
            status=status,
            hint=self.hint,
            transaction_id=transaction,
            details=self.log,
        )

    def broken(self, storlet: str, subject: str, error: IncompleteBodyError) -> StorletShellError:
        """Return the error for a run whose body was cut short: the storlet failed if its log proves it."""
        kind: type[StorletShellError] = StorletFailedError
        hint = self.hint
        text = f"storlet {storlet} failed on {{subject}}: {self.reason}{'{hint}' if hint else ''}; {error.message}"
        if not self.reason:
            kind, hint = IncompleteBodyError, Hint(Action.SEE_LOGS, (storlet,))
            text = f"{storlet} over {{subject}}: {error.message}, as when a storlet fails midway"
        return kind(text, subject=subject, hint=hint, transaction_id=error.transaction_id, details=self.log)


def answered(kind: str, text: str, log: str) -> Failure:
    """Return a failure that the embedded Swift reported.

    :param kind: its name on the wire
    :param text: the reason
    :param log: the run's log
    """
    return Failure(with_cure(text), _KINDS.get(kind, StorletFailedError), _HINTS.get(kind), log)


def logged(lines: Iterable[str], transaction: str) -> Failure:
    """Read a failure from the embedded engine's log; the reason is left out if it wasn't the storlet's fault."""
    reason, hint, log = "", None, []
    for line in lines:
        if line.startswith("--- ") and transaction in line:
            heading = _HEADING.fullmatch(line)
            reason, hint = "", None
            if heading is not None and heading[1] not in _NOT_THE_STORLETS:
                reason, hint = heading[2] or heading[1], _HINTS.get(heading[1])
        else:
            log.append(line)
    return Failure(reason, hint=hint, log="\n".join(log))


def unrun(subject: str, storlet: str, transaction: str) -> UnrunError:
    """Return the error for an object that was returned without running the storlet.

    :param transaction: the id of the request
    """
    return UnrunError(
        f"object servers return it as is, without running {storlet}",
        subject=subject,
        hint=Hint(Action.DROP_ON_NODE),
        transaction_id=transaction,
    )
