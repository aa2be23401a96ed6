"""Run a Java storlet: this process, the first of its namespace, has one JVM below it.

The JVM is started at once, so that it has loaded the storlet when the order comes. It opens the descriptors that come
with the order by their paths in ``/proc``.

Standard library only: worker processes import this.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from storlet_shell.embedded.processes import messages
from storlet_shell.embedded.processes.descendants import descendants
from storlet_shell.embedded.processes.jvm import Jvm
from storlet_shell.embedded.processes.messages import Message
from storlet_shell.embedded.sandbox import linux, trees
from storlet_shell.java import failures, program

_LARGEST_CONSOLE = 64 * 1024
_EXIT_SECONDS = 2.0  # for the shutdown hooks of a JVM; less if the time limit is short

# A jar may start with anything, such as a script. It ends with this record and a comment of up to 64 KiB.
_ZIP_END, _ZIP_END_BYTES = b"PK\x05\x06", 22 + 65535
_DESCRIPTORS = "/proc/{}/fd"


class JavaStorlet:
    """A Java storlet of a deployed version.

    :param order: the order to start the version: ``folder``, ``storlet``, ``main``, and ``java``, with ``command``,
        ``class_path``, ``seconds``, and ``is_reusing``
    """

    def __init__(self, order: Message) -> None:
        self._main: str = order["main"]
        self._jar = Path(order["folder"], order["storlet"])
        self._java: Message = order["java"]
        self._loading_limit = self._java["seconds"] * 3 / 4  # the rest is for reporting what was printed meanwhile

    def load(self) -> Message | None:
        """Check what can be checked without a JVM; return a failure, or None."""
        if not Path(_DESCRIPTORS.format("self")).is_dir():
            return failures.failed("engine", "Java storlets need /proc, which this machine's sandbox can't provide")
        with self._jar.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _ZIP_END_BYTES))
            if _ZIP_END not in file.read():
                return failures.failed("raised", f"{self._jar.name} isn't a jar")
        return None

    def run(self, channel: socket.socket, scratch: str, shared: str) -> None:
        """Run an invocation that comes over a channel, and report the result; continue while the JVM can be reused.

        :param scratch: the folder for temporary files, which is emptied after each invocation
        :param shared: as for :meth:`.task.PythonStorlet.run`
        """
        console = _open_console(scratch)
        for standard in (1, 2):
            os.dup2(console, standard)  # instead of what other invocations have as well
        linux.let_be_inspected()
        linux.adopt_orphans()  # as the first process of a namespace does anyway
        process = _Process(
            lambda: Jvm(self._command(scratch), _environment(scratch), console), console, self._loading_limit
        )
        messages.send(channel, {"event": "hello"})
        while True:
            order, descriptors = messages.receive(channel)
            if order is None:
                return
            if shared and order["alone"]:
                trees.empty(shared)
            end = process.run(order, descriptors)
            messages.send(channel, self._report(end, process))
            if end[:1] != ["done"] or not order["is_reusable"] or not process.is_idle():
                return  # which ends everything that the run has left behind
            trees.empty(scratch)
            messages.send(channel, {"event": "idle"})

    def _command(self, scratch: str) -> list[str]:
        class_path = os.pathsep.join(self._java["class_path"])
        folders = [f"-Djava.io.tmpdir={scratch}", f"-Duser.home={scratch}"]
        extent = [program.REUSABLE] if self._java["is_reusing"] else []
        return [*self._java["command"], *folders, "-cp", class_path, program.MAIN, self._main, *extent]

    def _report(self, end: list[str], process: _Process) -> Message:
        """Return the message about the end of an invocation."""
        if end[:1] == ["done"]:
            return {"event": "done"}
        if process.is_late:
            text = f"loading its class took longer than {self._loading_limit:g} s, three quarters of the time limit"
            return failures.failed("timeout", text)
        if end[:1] == ["failed"] and len(end) == 4:
            return failures.thrown(self._jar.name, self._main, *end[1:])
        return failures.ended(process.jvm.status, process.exit_frames, process.printed)


class _Process:
    """A JVM, and a position in the file that it prints to.

    :param start: starts a JVM
    :param limit: the time limit for loading the storlet, in seconds
    :ivar is_late: whether the JVM was killed because it exceeded the limit
    :ivar exit_frames: the stack of a call of ``System.exit``; None if there was no call
    :ivar printed: the output of the JVM itself since the beginning of the run; only the end of it if it is long
    """

    def __init__(self, start: Callable[[], Jvm], console: int, limit: float) -> None:
        self.is_late = False
        self._console, self._console_at = console, 0
        self._start, self._limit = start, limit
        signal.signal(signal.SIGALRM, self._expire)
        self._start_jvm()

    def _start_jvm(self) -> None:
        self.exit_frames: str | None = None  # before the JVM is replaced: an alarm may still come
        self.printed = b""
        self.jvm = self._start()
        self._is_loaded = False
        signal.setitimer(signal.ITIMER_REAL, self._limit)

    def run(self, order: Message, descriptors: Sequence[int]) -> list[str]:
        """Run an invocation; return the JVM's last answer, which is empty if it has ended."""
        self.printed = b""
        log, *streams = descriptors
        folder = _DESCRIPTORS.format(Path("/proc/self").readlink())  # with this process's ID in the namespace of /proc
        metadata, body, *paths = (f"{folder}/{descriptor}" for descriptor in streams)
        inputs = list(zip(paths, order["inputs"], strict=True))
        target = os.open(f"{folder}/{log}", os.O_WRONLY | os.O_APPEND)
        texts = program.order(f"{folder}/{log}", metadata, body, inputs, order["parameters"])
        try:
            end = self._open(texts, target)
            if end == ["opened"]:
                _close(streams)
                streams = []
                end = self._next()
            self._copy_console(target)
            return end
        finally:
            _close([*streams, log, target])

    def is_idle(self) -> bool:
        """Wait until the JVM can run another invocation; return False if it can't, or if a process is left behind."""
        if self.jvm.answer() != ["idle"]:
            return False
        self.jvm.reap_orphans()
        # These IDs belong to the namespace of /proc, in which the JVM's ID isn't known; the only process is the JVM.
        return len(descendants(int(Path("/proc/self").readlink().name))) == 1

    def _open(self, texts: Sequence[str], log: int) -> list[str]:
        """Order an invocation; return the JVM's answer, which is ``opened`` if it could open the streams.

        A JVM may have ended while it was idle, for example because the kernel killed it when memory ran out. If it
        hasn't answered, another one can take its place, because a JVM uses the streams only after its answer.
        """
        end = self._load(log)
        if end == ["loaded"] and not (end := self._send(texts)):
            self.jvm.close()
            self._start_jvm()
            end = self._load(log)
            if end == ["loaded"]:
                end = self._send(texts)
        return end

    def _send(self, texts: Sequence[str]) -> list[str]:
        """Send an order; return the answer, which is empty if the JVM has ended, or has answered before the order."""
        if self.jvm.has_answered:
            return []
        self.jvm.send(texts)
        return self._next()

    def _load(self, log: int) -> list[str]:
        """Wait until the storlet is loaded, and log what has been printed; return the JVM's answer."""
        answer = ["loaded"]
        if not self._is_loaded:
            answer = self._next()
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._is_loaded = answer == ["loaded"]
        self._copy_console(log)
        return answer

    def _next(self) -> list[str]:
        """Return the next answer; record a call to ``System.exit``, after which the JVM must end soon."""
        answer = self.jvm.answer()
        while answer[:1] == ["exiting"]:
            self.exit_frames = "".join(answer[1:])
            signal.setitimer(signal.ITIMER_REAL, min(_EXIT_SECONDS, self._limit / 4))
            answer = self.jvm.answer()
        return answer

    def _expire(self, *_: object) -> None:
        """Kill the JVM if it takes too long to load the storlet, whether or not there is an order, or to exit."""
        if self.exit_frames is not None:
            self.jvm.kill()
        elif not self._is_loaded and not self.jvm.has_answered:
            self.is_late = True
            self.jvm.kill()

    def _copy_console(self, log: int) -> None:
        """Append to a log what the JVM itself has printed since the last time."""
        size = os.fstat(self._console).st_size
        start = max(self._console_at, size - _LARGEST_CONSOLE)
        text, self._console_at = os.pread(self._console, size - start, start), size
        self.printed = (self.printed + text)[-_LARGEST_CONSOLE:]
        with suppress(OSError):  # the log may have reached its size limit
            os.write(log, text)


def _open_console(scratch: str) -> int:
    """Create an unnamed file for everything that a JVM itself prints."""
    path = Path(scratch, ".console")
    console = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    path.unlink()
    return console


def _environment(scratch: str) -> dict[str, str]:
    # One arena of glibc's for all threads: it would reserve 64 MiB of address space for each.
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": scratch, "TMPDIR": scratch, "MALLOC_ARENA_MAX": "1"}


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
