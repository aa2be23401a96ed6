"""The edge: the one place where a line runs, and where whatever ends it early is caught.

A front end opens a line and shows its result, and both happen in here: a line may be wrong, a body may break off while
it is shown, its reader may leave, and Ctrl-C may come at any moment. What came of it is an :class:`Outcome`, which the
front end tells its user in its own way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import ExitStatus, PluginError, StorletShellError, TerminatedError
from storlet_shell.results import Response, Result
from storlet_shell.session import Session
from storlet_shell.spec.command import Call

Line = AbstractContextManager[Call | int]
"""A line on its way: entered, it gives the call that it stands for, and at its end it closes what it has opened.

An exit status in the place of a call says that the line has been run by itself: by a word of the front end's own, say.
``SystemExit`` ends it in silence, with its status: argparse raises it when it has shown help.
"""

Show = Callable[[Call, Result], None]
"""Shows a result, unless the line says that it is stored."""


@typed_equality
class Outcome(NamedTuple):
    """What came of a line.

    :param status: its exit status
    :param result: what the command returned, as far as it came to that
    :param error: what ended it, or what its result complains of; None when all is well
    """

    status: int
    result: Result | None = None
    error: Exception | KeyboardInterrupt | None = None

    @property
    def was_shown(self) -> bool:
        """Whether the result was shown or stored as a whole; its error, if there is one, is about a part of it."""
        return self.error is None or (isinstance(self.error, StorletShellError) and self.error.result is not None)

    @property
    def partial(self) -> Result | None:
        """The result, if it is worth having in spite of an error: of a batch, what is done."""
        if self.error is None or self.result is None:
            return None
        is_interrupted = isinstance(self.error, KeyboardInterrupt) and self.result.keeps_part
        return self.result if is_interrupted or self.was_shown else None


def execute(line: Line, session: Session, show: Show) -> Outcome:
    """Run a line and show its result.

    :param line: entered and left in here
    :raises TerminatedError: when the process is to end
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
        if end.code is not None and not isinstance(end.code, int):  # what Python would show
            return failure(PluginError(str(end.code)), session, result)
        return Outcome(status or int(end.code or 0), result)
    except (Exception, KeyboardInterrupt) as error:
        return failure(error, session, result)
    finally:
        session.outdate()
    return Outcome(status, result)


def failure(error: Exception | KeyboardInterrupt, session: Session, result: Result | None = None) -> Outcome:
    """Return the outcome of a line that an error has ended."""
    if isinstance(error, StorletShellError):
        _explain(session, error)
    return Outcome(exit_status_of(error), result, error)


def exit_status_of(error: BaseException) -> int:
    """Return the exit status that an error stands for."""
    if isinstance(error, KeyboardInterrupt):
        return ExitStatus.INTERRUPTED
    return error.exit_status if isinstance(error, StorletShellError) else ExitStatus.ERROR


def _raise_problem(result: Result) -> None:
    """End a line whose result was shown and has a problem, so that what the line has opened sees it fail."""
    problem = result.problem
    if problem is not None:
        problem.result = result
        raise problem


def _explain_later(result: Result, session: Session) -> None:
    """Have a body explain its failure also where it is read after the line."""
    if isinstance(result, Response):
        result.explain = partial(_explain, session)


def _explain(session: Session, error: StorletShellError) -> None:
    """Put the storlet's own lines beside the traceback that an error tells of, and spell its hint for the front end."""
    error.spell = session.surroundings.spell
    if error.details and session.sources:
        from storlet_shell.storlets.excerpts import with_code  # for storlets that fail

        error.details = with_code(error.details, session.sources)
