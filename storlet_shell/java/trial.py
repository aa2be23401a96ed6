"""Run a Java storlet once on this machine, with the program that also runs it in the embedded engine."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from storlet_shell.java import failures, paths, program
from storlet_shell.java.compiler import interface_jar, runner_jar
from storlet_shell.java.jdk import find_program, libraries
from storlet_shell.storlets.trial import Order, Program
from storlet_shell.storlets.trial_run import Descriptors, TrialProcess

_START = f'order=$1 answers=$2; shift 2; exec "$@" </dev/null {program.ORDERS}<"$order" {program.ANSWERS}>"$answers"'
_LARGEST_LOG = 64 * 1024


class JavaProgram(Program):
    """A Java storlet."""

    no_metadata = "it ended without setMetadata()"

    def command(self, order: Order, descriptors: Descriptors) -> Sequence[str]:
        """Return the command of a JVM that gets only this order, and ends after it."""
        code, scratch, file = (order.folder / name for name in ("code", "scratch", "order"))
        log, metadata, body, source, report = (f"/proc/self/fd/{descriptor}" for descriptor in descriptors)
        texts = program.order(log, metadata, body, [(source, order.metadata)], order.parameters)
        file.write_bytes(program.encode(texts))
        others = sorted(path for path in code.glob("*.jar") if path.name != self.file)
        jars = (runner_jar(), interface_jar(), code / self.file, *others, *libraries())
        folders = (f"-Djava.io.tmpdir={scratch}", f"-Duser.home={scratch}")
        options = (*program.OPTIONS, *folders, "-classpath", paths.join(jars, order.folder))
        java = str(find_program("java"))
        return ["/bin/sh", "-c", _START, "sh", str(file), report, java, *options, program.MAIN, self.main]

    def result(self, process: TrialProcess, status: int | None) -> dict[str, Any]:
        """Return the last answer of the JVM; if it has ended early, the reason."""
        frames: str | None = None
        for event, *details in _answers(process.report):
            if event == "done":
                return {"event": event, "seconds": process.seconds}
            if event == "failed" and len(details) == 3:
                return failures.thrown(self.file, self.main, *details)
            if event == "exiting":
                frames = "".join(details)
        end = failures.ended(status, frames, process.log(_LARGEST_LOG)[0])
        return end if end["event"] == "failed" else {}


def _answers(report: bytes) -> Iterator[list[str]]:
    """Yield the JVM's answers, up to one that is cut off or malformed."""
    source = io.BytesIO(report)
    try:
        while True:
            yield program.decode(source.read) or [""]
    except (EOFError, ValueError):
        return
