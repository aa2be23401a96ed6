"""A JVM with the program that runs storlets, started in advance.

Standard library only: worker processes import this.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

from storlet_shell.embedded.sandbox import linux
from storlet_shell.java import program

_FREE = 16  # above all numbers that the program expects
_NOT_STARTED = 127  # as a shell reports it


class Jvm:
    """A JVM, the child of this process, whose standard input it has.

    :param command: the absolute path of ``java``, and its arguments
    :param environment: its variables
    :param console: a descriptor for everything that the JVM itself prints
    :ivar status: its exit status, or the negated signal that killed it; None while it runs
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], console: int) -> None:
        self.status: int | None = None
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _become(command, environment, {1: console, 2: console, program.ANSWERS: answers, program.ORDERS: orders})
        os.close(orders)
        os.close(answers)

    @property
    def has_answered(self) -> bool:
        """Whether an answer, or the JVM's end, can be read without waiting."""
        return bool(select.select([self._answers], [], [], 0)[0])

    def send(self, texts: Sequence[str]) -> None:
        """Send an order; if the JVM has ended, nothing happens."""
        rest = memoryview(program.encode(texts))
        with suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(self._orders, rest) :]

    def answer(self) -> list[str]:
        """Wait for the next answer, an event and its details.

        :returns: the answer; empty if the JVM has ended, or has been killed for a malformed answer
        """
        try:
            return program.decode(lambda count: os.read(self._answers, count))
        except EOFError:
            self._wait()
        except ValueError:
            self.kill()
            self._wait()
        return []

    def kill(self) -> None:
        """Kill the JVM, unless it has ended."""
        if self.status is None:
            with suppress(ProcessLookupError):  # a signal handler may call this just after the JVM was reaped
                os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill the JVM, and close its pipes."""
        self.kill()
        self._wait()
        os.close(self._orders)
        os.close(self._answers)

    def reap_orphans(self) -> None:
        """Reap adopted processes that have ended; the JVM must be running."""
        ended = os.WEXITED | os.WNOHANG | os.WNOWAIT
        while (end := os.waitid(os.P_ALL, 0, ended)) is not None and end.si_pid != self._pid:
            os.waitpid(end.si_pid, 0)

    def _wait(self) -> None:
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def _become(command: Sequence[str], environment: Mapping[str, str], descriptors: Mapping[int, int]) -> None:
    """Run a program in this process, which a fork has just created, with descriptors at the given numbers."""
    try:
        linux.die_with_parent()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it
        # Copied out of the way first: a descriptor may have the number that another one gets.
        copies = {number: fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, _FREE) for number, source in descriptors.items()}
        for number, copy in copies.items():
            os.dup2(copy, number)
        os.execve(command[0], list(command), environment)  # noqa: S606  no shell is wanted
    finally:
        os._exit(_NOT_STARTED)
