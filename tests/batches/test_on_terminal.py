"""Batches on a real terminal: the pinned line, and Ctrl-C."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from tests.support.lines import base_environment
from tests.support.responder import Answer, Recorded, Responder

JOBS = 4

pytestmark = pytest.mark.slow


class Gate:
    """Runs that end when they may, except that of ``a``, which ends at once, and of ``b``, which fails at once.

    ``waiting`` counts those that have begun.
    """

    def __init__(self) -> None:
        self.waiting = threading.Semaphore(0)
        self.opened = threading.Event()

    def answer(self, request: Recorded) -> Answer:
        """Answer a run."""
        if request.path.endswith("/a"):
            return Answer(200, b"made", chunked=True)
        if request.path.endswith("/b"):
            return Answer(500, b"it failed")
        self.waiting.release()
        self.opened.wait(60)
        return Answer(200, b"made", chunked=True)

    def wait(self) -> None:
        """Wait until all threads of a batch are in a run."""
        for _ in range(JOBS):
            assert self.waiting.acquire(timeout=60)


@pytest.fixture
def gate(listed: Responder) -> Iterator[Gate]:
    """Return the gate of all runs."""
    gate = Gate()
    listed.on("GET", "*", gate.answer)
    yield gate
    gate.opened.set()


@pytest.fixture
def spawn(listed: Responder, tmp_path: Path) -> Iterator[Callable[..., pexpect.spawn]]:
    """Start batches on a terminal; those that are left at the end are ended."""
    started: list[pexpect.spawn] = []

    def start(*words: str) -> pexpect.spawn:
        line = ["map", "--storlet", "s.py", "--input", "path:/c/*", "-j", f"{JOBS}", *words]
        environ = {**os.environ, **base_environment(tmp_path), **listed.environ, "TERM": "xterm", "NO_COLOR": "1"}
        child = pexpect.spawn(
            sys.executable,
            ["-m", "storlet_shell", *line],
            env={**environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            encoding="utf-8",
            timeout=60,
            dimensions=(40, 160),
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def test_line_stays_below_the_rows(spawn: Callable[..., pexpect.spawn], gate: Gate) -> None:
    """It is taken away and drawn again with each row, counts failures, and leaves nothing behind."""
    child = spawn()
    gate.wait()
    threading.Timer(1.2, gate.opened.set).start()  # the line is drawn from the first second on
    child.expect(r"\d+ of 20 · 1 failed · [0-9.]+/s · 0:\d\d left\x1b\[K")
    child.expect(r"\r\x1b\[K +200 +4 B +[0-9.]+ +path:/c/\w\r\n")
    child.expect("19 of 20 objects done, 1 failed")
    child.expect(pexpect.EOF)
    assert child.wait() == 6
    assert not re.search(r" left(?!\x1b\[K)", child.before)


def test_first_interrupt_waits_for_the_runs_under_way(spawn: Callable[..., pexpect.spawn], gate: Gate) -> None:
    """They have their rows; no other object is begun."""
    child = spawn()
    gate.wait()
    child.sendintr()
    child.expect_exact("storlet-shell: waiting for 4 runs; Ctrl-C again drops them\r\n")
    gate.opened.set()
    child.expect_exact("storlet-shell: ended early: 5 of 20 objects done, 1 failed")
    child.expect_exact("storlet-shell: interrupted")
    child.expect(pexpect.EOF)
    assert child.wait() == 130


def test_second_interrupt_drops_the_runs(spawn: Callable[..., pexpect.spawn], gate: Gate) -> None:
    """It ends the batch at once; what was done has been shown."""
    child = spawn()
    gate.wait()
    child.sendintr()
    child.expect_exact("Ctrl-C again drops them")
    child.sendintr()
    child.expect_exact("storlet-shell: ended early: 1 of 20 objects done, 1 failed")
    child.expect(pexpect.EOF)
    assert child.wait() == 130


def test_batch_that_ends_at_a_failure_waits_for_nobody(spawn: Callable[..., pexpect.spawn], gate: Gate) -> None:
    """The user has not interrupted it, and is not told so."""
    child = spawn("--fail-fast")
    child.expect_exact("ended there, ")
    child.expect(pexpect.EOF)
    assert "waiting for" not in child.before
    assert child.wait() == 6
