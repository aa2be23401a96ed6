"""How an invocation can fail, and what is said about it."""

from __future__ import annotations

from dataclasses import dataclass

from storlets.gateway.common.exceptions import StorletRuntimeException

from storlet_shell.storlets import contract

PROXY, OBJECT = "proxy", "object"
"""The servers that run storlets, as answers and the middleware's ``execution_server`` name them."""


def encode(text: str) -> bytes:
    """Encode text that a storlet may have made: what can't be encoded, such as half a surrogate pair, is escaped."""
    return text.encode(errors="backslashreplace")


@dataclass(frozen=True)
class Failure:
    """One invocation's failure.

    :ivar kind: ``raised``, ``exited``, ``killed``, ``timeout``, ``memory``, ``metadata``, ``unread``: the storlet's
        doing; ``language``, ``missing``: its deployment's; ``input``, ``busy``, ``engine``: not the storlet's doing
    :ivar message: what happened, without the storlet's name
    :ivar traceback: of the storlet's own frames; empty if there is none
    """

    kind: str
    message: str
    traceback: str = ""

    def line(self, storlet: str) -> str:
        """Say it in one line."""
        return " ".join(f"Storlet {storlet} failed ({self.kind}): {self.message}".split())


class InvocationError(StorletRuntimeException):
    """An invocation failed; the middleware answers 500 or 503 before the storlet's metadata is there."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.kind}: {failure.message}")
        self.failure = failure


def ended(status: object) -> Failure:
    """Describe a process that ended without saying how it went.

    :param status: its exit status, or the negated signal that killed it; None if that is not known
    """
    return Failure(*contract.ended(status))


def too_slow(seconds: float) -> Failure:
    """Describe a storlet that neither read, wrote nor ended for as long as it may."""
    return Failure("timeout", f"it made no progress for {seconds:g} s, the time limit")
