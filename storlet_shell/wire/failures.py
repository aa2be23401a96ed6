"""What the failure of a storlet's run says, and what it asks for."""

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
"""What upstream's files raise (storlets ``agent/daemon/files.py``) without saying what to do."""

_KINDS: Mapping[str, type[StorletShellError]] = {
    "busy": OverloadedError,
    "engine": ServiceError,
    "input": ServiceError,
    "missing": NotFoundError,
}
"""Kinds of failures of the embedded Swift (docs/embedded.md) that are not the storlet's doing; the others are."""

_HINTS = {"unread": Hint(Action.ALLOW_UNREAD)}
"""What lets a run do what its kind of failure is about."""

_NOT_THE_STORLETS = {"ok", "abandoned", *_KINDS}

_ENDED = re.compile(r"--- \S+ \S+ (?:-|\S+ \S+): (\w+)(?:: (.*?))?(?: \([0-9.]+ s\))?")
"""The line above a run in a storlet's log: how it ended, and why (``embedded/engine/journal.py: Record.render``)."""


def with_cure(reason: str) -> str:
    """Return why a storlet failed, followed by what to do where that is known."""
    return f"{reason}; {_CURES[reason]}" if reason in _CURES else reason


@typed_equality
class Failure(NamedTuple):
    """Why a run failed.

    :param reason: in words; empty where it isn't known, or not the storlet's doing
    :param kind: the error that it is
    :param hint: what would let it run
    :param log: what the run wrote, where it is known
    """

    reason: str = ""
    kind: type[StorletShellError] = StorletFailedError
    hint: Hint | None = None
    log: str = ""

    def error(self, storlet: str, subject: str, transaction: str, status: int) -> StorletShellError:
        """Return the error of a run that was answered by this failure.

        :param status: the answer's
        """
        verb = "failed" if self.kind is StorletFailedError else "did not run"
        return self.kind(
            f"storlet {storlet} {verb} over {{subject}}: {self.reason}",
            subject=subject,
            status=status,
            hint=self.hint,
            transaction_id=transaction,
            details=self.log,
        )

    def broken(self, storlet: str, subject: str, error: IncompleteBodyError) -> StorletShellError:
        """Return the error of a run whose body ended early: the storlet failed, where its log proves it."""
        kind: type[StorletShellError] = StorletFailedError
        hint = self.hint
        what = f"storlet {storlet} failed over {{subject}}: {self.reason}{'{hint}' if hint else ''}; {error.message}"
        if not self.reason:
            kind, hint = IncompleteBodyError, Hint(Action.SEE_LOGS, (storlet,))
            what = f"{storlet} over {{subject}}: {error.message}, as when a storlet fails in the middle"
        return kind(what, subject=subject, hint=hint, transaction_id=error.transaction_id, details=self.log)


def answered(kind: str, text: str, log: str) -> Failure:
    """Return the failure that the embedded Swift answers.

    :param kind: how it calls it
    :param text: why, in words
    :param log: what the run wrote
    """
    return Failure(with_cure(text), _KINDS.get(kind, StorletFailedError), _HINTS.get(kind), log)


def logged(lines: Iterable[str], transaction: str) -> Failure:
    """Return what the embedded engine's log says of a run; a reason that is not the storlet's doing is left out."""
    reason, hint, log = "", None, []
    for line in lines:
        if line.startswith("--- ") and transaction in line:  # a run's heading
            ended = _ENDED.fullmatch(line)
            reason, hint = "", None
            if ended is not None and ended[1] not in _NOT_THE_STORLETS:
                reason, hint = ended[2] or ended[1], _HINTS.get(ended[1])
        else:
            log.append(line)
    return Failure(reason, hint=hint, log="\n".join(log))


def unrun(subject: str, storlet: str, transaction: str) -> UnrunError:
    """Return the error of an object that was answered as it is.

    :param transaction: of the request whose answer shows it
    """
    return UnrunError(
        f"object servers return it without running {storlet}",
        subject=subject,
        hint=Hint(Action.DROP_ON_NODE),
        transaction_id=transaction,
    )
