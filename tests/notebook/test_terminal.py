"""The IPython terminal, over a pty."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from storlet_shell.embedded import control
from tests.notebook.conftest import identity
from tests.support.lines import Runner, base_environment


@pytest.fixture
def terminal(swift: control.Running, container: str, run: Runner, tmp_path: Path) -> Iterator[pexpect.spawn[str]]:
    """Run ``ipython`` with the extension loaded, ``c`` naming a container with an object ``o``."""
    run("upload", f"{container}/o", stdin=b"some text\n")
    outer = {name: value for name, value in base_environment(tmp_path).items() if name != "PYTHONWARNINGS"}
    environ = {
        **outer,
        **identity(swift),
        "TERM": "dumb",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "CONTAINER": container,
    }
    words = ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor", "--ext=storlet_shell"]
    process = pexpect.spawn(sys.executable, words, env=environ, encoding="utf-8", timeout=30, dimensions=(50, 200))
    process.expect_exact("In [1]: ")
    process.sendline("import os; c = os.environ['CONTAINER']")
    process.expect_exact("In [2]: ")
    yield process
    process.sendline("exit")
    process.expect(pexpect.EOF)
    process.close()


def test_terminal_shows_the_same_as_text(terminal: pexpect.spawn[str]) -> None:
    """The value of a line, in plain text; an error in one line."""
    terminal.sendline("%get {c}/o")
    terminal.expect_exact("200 OK")
    terminal.expect_exact("some text")
    terminal.sendline("%get {nope}/o")
    terminal.expect_exact("UsageError: {nope}: there is no variable nope")
    terminal.sendline("%get {c}/missing")
    terminal.expect_exact("NotFoundError: ")
    assert "Traceback" not in str(terminal.before)


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
