"""How an invocation can fail, and what is said about it."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from storlets.gateway.common.exceptions import StorletRuntimeException

HEADER = "X-Storlet-Shell-Failure"
"""The response header that names the kind of a storlet's failure."""

RAN_ON = "X-Storlet-Shell-Ran-On"
"""The response header that names where the storlet ran whose result this is: :data:`PROXY` or :data:`OBJECT`."""

PROXY, OBJECT = "proxy", "object"
"""The servers that run storlets, as :data:`RAN_ON` and the middleware's ``execution_server`` name them."""

UNRUN = "unrun"
"""The kind of failure that is no storlet's: a copy whose source no server has run the storlet over."""


@dataclass(frozen=True)
class Failure:
    """One invocation's failure.

    :ivar kind: ``raised``, ``exited``, ``killed``, ``timeout``, ``memory``, ``metadata``: the storlet's doing;
        ``language``, ``missing``: its deployment's; ``input``, ``busy``, ``engine``: not the storlet's doing
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
    if not isinstance(status, int):
        return Failure("killed", "its process was killed")
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = str(-status)
        return Failure("killed", f"its process was killed by signal {name}")
    return Failure("exited", f"its process exited with status {status} in the middle of the invocation")


def too_slow(seconds: float) -> Failure:
    """Describe a storlet that neither read, wrote nor ended for as long as it may."""
    return Failure("timeout", f"it made no progress for {seconds:g} s, the time limit")
