"""Run lines: the one place that catches what they raise.

A front end opens a line and shows its result, and both happen in here: a line can be wrong, a body can break off while
it is shown, its reader can leave, and Ctrl-C can come at any moment. The :class:`Outcome` says how the line ended; each
front end shows that in its own way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from signal import SIGPIPE
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import ExitStatus, PluginError, StorletShellError, TerminatedError
from storlet_shell.results import Response, Result
from storlet_shell.session import Session
from storlet_shell.spec.command import Call

BROKEN_PIPE = 128 + SIGPIPE
"""The exit status when the reader of standard output has gone, as in ``… | head -1``: a shell's for SIGPIPE."""

Line = AbstractContextManager[Call | int]
"""An open line: a context manager that returns the call, and closes at its end what the line has opened.

It returns an exit status instead of a call if the line has already run, as a word of the front end does.
``SystemExit`` ends it silently with its status: argparse raises it after showing help.
"""

Show = Callable[[Call, Result], None]
"""Shows a result, unless the line stores it."""


@typed_equality
class Outcome(NamedTuple):
    """The end of a line.

    :param status: its exit status
    :param result: the command's result; None if it didn't return
    :param error: the error that ended the line, or the one that its result reports; None on success
    """

    status: int
    result: Result | None = None
    error: Exception | KeyboardInterrupt | None = None

    @property
    def was_shown(self) -> bool:
        """Whether the whole result was shown or stored; an error is about a part of it then."""
        return self.error is None or (isinstance(self.error, StorletShellError) and self.error.result is not None)

    @property
    def partial(self) -> Result | None:
        """The result in spite of an error, if it is useful: the finished part of a batch."""
        if self.error is None or self.result is None:
            return None
        is_interrupted = isinstance(self.error, KeyboardInterrupt) and self.result.keeps_part
        return self.result if is_interrupted or self.was_shown else None


def execute(line: Line, session: Session, show: Show) -> Outcome:
    """Run a line and show its result.

    :param line: entered and left in here
    :raises TerminatedError: when the process must end
    """
    result, status = None, int(ExitStatus.OK)
    try:
        with line as call:
            if isinstance(call, int):
                status = int(call)
            else:
                result = call.start(session)
                _explain_later(result, session)
                call.keep(result, session)
                show(call, result)
                _raise_problem(result)
    except TerminatedError:
        raise
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):  # Python would print it
            return failure(PluginError(str(end.code)), session, result)
        return Outcome(status or int(end.code or 0), result)
    except (Exception, KeyboardInterrupt) as error:
        return failure(error, session, result)
    finally:
        session.outdate()
    return Outcome(status, result)


def failure(error: Exception | KeyboardInterrupt, session: Session, result: Result | None = None) -> Outcome:
    """Return the outcome of a line that ended with an error."""
    if isinstance(error, StorletShellError):
        _explain(session, error)
    return Outcome(exit_status_of(error), result, error)


def exit_status_of(error: BaseException) -> int:
    """Return the exit status of an error."""
    if isinstance(error, KeyboardInterrupt):
        return ExitStatus.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    return error.exit_status if isinstance(error, StorletShellError) else ExitStatus.ERROR


def _raise_problem(result: Result) -> None:
    """Raise the problem of a result that was shown, so that the line's context managers see it fail."""
    problem = result.problem
    if problem is not None:
        problem.result = result
        raise problem


def _explain_later(result: Result, session: Session) -> None:
    """Let a body explain its failure even if it is read after the line."""
    if isinstance(result, Response):
        result.explain = partial(_explain, session)


def _explain(session: Session, error: StorletShellError) -> None:
    """Add the storlet's source lines to the traceback of an error, and spell its hint for the front end."""
    error.spell = session.surroundings.spell
    if error.details and session.sources:
        from storlet_shell.storlets.excerpts import with_code  # only failing storlets need it

        error.details = with_code(error.details, session.sources)
