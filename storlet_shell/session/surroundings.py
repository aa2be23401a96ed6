"""What a front end gives a session: the host environment, options, guarded variables, and attached state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple, Protocol

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.wire.observer import Observer


class Surroundings(Observer):
    """The host environment; this default is non-interactive.

    :param environ: the environment variables; looked up again each time
    :param stdin: standard input; None if commands can't read it

    ``goes_on`` tells whether the user can enter further lines in the same session; ``further_commands`` are the
    summaries of commands that only this front end has.
    """

    goes_on = False
    further_commands: Sequence[Any] = ()

    def __init__(self, environ: Mapping[str, str] | None = None, stdin: IO[bytes] | None = None) -> None:
        self.environ: Mapping[str, str] = {} if environ is None else environ
        self.stdin = stdin

    def syntax(self) -> str:
        """Return the help text on the syntax of lines, for ``help syntax``."""
        return "The words of a line are used as they are."

    def own_words(self) -> Mapping[str, str]:
        """Return the words of the front end that aren't commands, with a sentence for each."""
        return {}

    def is_watched(self) -> bool:
        """Tell whether a user is present who can answer questions."""
        return False

    def ask(self, question: str) -> bool | None:  # noqa: ARG002  interactive front ends use it
        """Ask the user a yes-or-no question; return None if no user is present."""
        return None

    def ask_text(self, question: str) -> str:  # noqa: ARG002  interactive front ends use it
        """Ask the user for a line of text; return an empty text if no user is present."""
        return ""

    def ask_secret(self, question: str) -> str:  # noqa: ARG002  interactive front ends use it
        """Ask the user for a password; return an empty text if no user is present."""
        return ""

    def edit(self, file: Path) -> None:
        """Let the user edit a file, and return once they have.

        :raises UsageError: without a terminal or an editor
        :raises StorletShellError: if the editor fails
        """
        raise UsageError(f"editing {file.name} needs a terminal; here, get the object, change it, and upload it")


class Attached(Protocol):
    """State that a front end keeps with a session, such as a cache of names for completion."""

    def outdate(self) -> None:
        """Treat everything known about the store as outdated: a line may have changed it."""

    def close(self) -> None:
        """Release resources; they are acquired again if needed later."""


@typed_equality
class Options(NamedTuple):
    """Options for a whole session.

    :param local: use the embedded Swift; join a running one, or start one
    :param ephemeral: with ``local``, use a temporary data folder
    :param identity: options that override environment variables, by the variables' names
    :param timeout: response timeout in seconds; None for the cloud's, or 60
    :param trace: called with each request, without secrets
    """

    local: bool = False
    ephemeral: bool = False
    identity: Mapping[str, str] = MappingProxyType({})
    timeout: float | None = None
    trace: Callable[[str], None] = lambda _: None


class GuardedVariables(MutableMapping[str, Any]):
    """User variables of which some can't be set, such as the local variables of a running function."""

    @abstractmethod
    def check(self, name: str) -> None:
        """Check that a variable can be set.

        :raises UsageError: if it can't
        """
