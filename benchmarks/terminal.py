"""The terminal: a whole process on it against one into a pipe, and completion as you type."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator

from benchmarks.cluster import PLAIN, Wire, environment, tool
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, ratio
from storlet_shell.adapters.completion.cursor import candidates
from storlet_shell.embedded.control import Running
from storlet_shell.session import Session, Surroundings
from storlet_shell.spec.registry import Registry

SETTINGS = PLAIN
_OBJECTS = 1000


@gives("terminal-process")
def whole_process(lab: Lab, running: Running) -> Iterator[Measured]:
    """``storlet-shell ls -l`` of some objects, with colors on a terminal, and without into a pipe."""
    with Wire(running) as wire:
        wire.send("PUT", "terminal")
        for number in range(10):
            wire.send("PUT", f"terminal/{number}", body=b"x" * 1024)
    words = [tool("storlet-shell"), "ls", "-l", "terminal"]
    environ = {**environment(running), "TERM": "xterm-256color"}
    samples = lab.in_turns(
        25,
        ours=lambda: _on_terminal(words, environ),
        pipe=lambda: subprocess.run(words, env=environ, stdout=subprocess.PIPE, check=True),
    )
    yield ratio("terminal-process", samples["ours"], samples["pipe"], peer="pipe")


def _on_terminal(words: list[str], environ: dict[str, str]) -> None:
    outer, inner = pty.openpty()
    with subprocess.Popen(words, env=environ, stdin=inner, stdout=inner, stderr=inner):
        os.close(inner)
        try:
            while os.read(outer, 65536):
                pass
        except OSError:  # the process has ended
            pass
        os.close(outer)


@gives("completion")
def completion(lab: Lab, running: Running) -> Iterator[Measured]:
    """Completions of an object's name from a listing of 1,000 that is known."""
    with Wire(running) as wire:
        wire.send("PUT", "typed")
        for number in range(lab.size(_OBJECTS - 1, 10)):
            wire.send("PUT", f"typed/object-{number:04}", body=b"")
    with Session(Surroundings(environment(running))) as session:
        registry = Registry()
        candidates(session, registry, ["get"], "typed/", deadline=30)
        for name in ("typed/", "typed/o"):
            candidates(session, registry, ["get"], name, deadline=30)
        samples = lab.in_turns(25, ours=lambda: candidates(session, registry, ["get"], "typed/object-0", deadline=30))
    yield Measured("completion", samples["ours"].median, samples)


MEASUREMENTS = (whole_process, completion)
