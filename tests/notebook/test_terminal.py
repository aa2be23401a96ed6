"""The IPython terminal over a pty."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from storlet_shell.embedded import control
from tests.notebook.conftest import identity
from tests.notebook.old_notebook import steps
from tests.support.lines import Runner, base_environment

PROMPT = re.compile(r"In \[\d+\]: ")


@pytest.fixture
def bare_terminal(tmp_path: Path) -> Iterator[pexpect.spawn[str]]:
    """Run ``ipython`` in a folder of its own, without an identity."""
    outer = {name: value for name, value in base_environment(tmp_path).items() if name != "PYTHONWARNINGS"}
    process = pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
        env={**outer, "TERM": "dumb", "IPYTHONDIR": str(tmp_path / "ipython")},
        cwd=str(tmp_path),
        encoding="utf-8",
        timeout=30,
        dimensions=(50, 200),
    )
    process.expect(PROMPT)
    yield process
    process.sendline("exit")
    process.expect(pexpect.EOF)
    process.close()


def type_in(process: pexpect.spawn[str], source: str) -> str:
    """Type a cell, and return what is on the screen up to the next prompt."""
    if source.startswith("%%"):
        process.sendline(f"{source}\n\n")  # two empty lines end its body here
        process.expect(PROMPT)
    else:
        for line in source.splitlines():
            process.sendline(line)
            process.expect(PROMPT)
    return str(process.before).replace("\r\n", "\n")


@pytest.mark.slow
def test_old_notebook_in_the_terminal(
    bare_terminal: pexpect.spawn[str], swift: control.Running, container: str
) -> None:
    """A notebook of the removed extension, typed in: below each cell is what must be seen."""
    for step in steps(swift, container):
        step.check(type_in(bare_terminal, step.source))


@pytest.fixture
def terminal(
    bare_terminal: pexpect.spawn[str], swift: control.Running, container: str, run: Runner
) -> pexpect.spawn[str]:
    """Run ``ipython`` with the extension loaded, ``c`` naming a container with an object ``o``."""
    run("upload", f"{container}/o", stdin=b"some text\n")
    type_in(bare_terminal, f"import os; os.environ.update({identity(swift)!r}); c = {container!r}")
    type_in(bare_terminal, "%load_ext storlet_shell")
    return bare_terminal


@pytest.mark.slow
def test_terminal_shows_the_same_as_text(terminal: pexpect.spawn[str]) -> None:
    """The value of a line, in plain text; an error in one line."""
    terminal.sendline("%get {c}/o")
    terminal.expect_exact("200 OK")
    terminal.expect_exact("some text")
    terminal.sendline("%get {nope}/o")
    terminal.expect_exact("UsageError: {nope}: no variable nope")
    terminal.sendline("%get {c}/missing")
    terminal.expect_exact("NotFoundError: ")
    assert "Traceback" not in str(terminal.before)


@pytest.mark.slow
def test_terminal_is_asked_before_a_deletion(terminal: pexpect.spawn[str]) -> None:
    """No is an error, yes deletes."""
    terminal.sendline("%storlet rm {c}/o")
    terminal.expect_exact("[y/N] ")
    terminal.sendline("n")
    terminal.expect_exact("RefusedError: ")
    terminal.sendline("%storlet rm {c}/o")
    terminal.expect_exact("[y/N] ")
    terminal.sendline("y")
    terminal.expect_exact("deleted ")
