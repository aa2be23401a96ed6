"""The ways in which an invocation can fail, and their messages."""

from __future__ import annotations

from dataclasses import dataclass

from storlets.gateway.common.exceptions import StorletRuntimeException

from storlet_shell.storlets import contract

PROXY, OBJECT = "proxy", "object"
"""The servers that run storlets, as named in answers and in the middleware's option ``execution_server``."""


def encode(text: str) -> bytes:
    """Encode text that may come from a storlet; what can't be encoded, such as a lone surrogate, is escaped."""
    return text.encode(errors="backslashreplace")


@dataclass(frozen=True)
class Failure:
    """The failure of an invocation.

    :ivar kind: ``raised``, ``exited``, ``killed``, ``timeout``, ``memory``, ``metadata``, ``unread``: caused by the
        storlet; ``language``, ``missing``: by its deployment; ``input``, ``busy``, ``engine``: by neither
    :ivar message: what happened, without the storlet's name
    :ivar traceback: the storlet's own frames; empty if there are none
    """

    kind: str
    message: str
    traceback: str = ""

    def line(self, storlet: str) -> str:
        """Describe it in one line."""
        return " ".join(f"Storlet {storlet} failed ({self.kind}): {self.message}".split())


class InvocationError(StorletRuntimeException):
    """An invocation failed; the middleware answers 500 or 503 if that happens before the storlet's metadata arrive."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.kind}: {failure.message}")
        self.failure = failure


def ended(status: object) -> Failure:
    """Describe a process that exited without reporting its result.

    :param status: its exit status, or the negated signal that killed it; None if unknown
    """
    return Failure(*contract.ended(status))


def too_slow(seconds: float) -> Failure:
    """Describe a storlet that neither read, wrote nor exited within its time limit."""
    return Failure("timeout", f"it made no progress for {seconds:g} s, the time limit")
