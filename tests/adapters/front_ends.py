"""Each front end as a way to run a line, so that a contract is written once and tested in all of them."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from IPython.core.error import UsageError as IPythonUsageError

from storlet_shell.adapters.console import Console
from storlet_shell.adapters.execution import exit_status_of
from storlet_shell.adapters.shell.app import make_class
from storlet_shell.errors import ExitStatus
from storlet_shell.session import Session
from storlet_shell.spec.registry import Registry
from tests.notebook.cells import Cells
from tests.support.lines import Runner

_COLOR = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Ended:
    """How a line ended.

    :param out: what it has shown, and what it said, where that is not told apart
    :param err: what it said
    """

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its result as JSON."""
        return json.loads(self.out)


class FrontEnd(Protocol):
    """Runs lines, one after the other."""

    def __call__(self, *words: str, body: str | None = None) -> Ended:
        """Run a line of words, with a body."""


def one_shot(run: Runner) -> FrontEnd:
    """Run lines each by a process's ``main``."""

    def front_end(*words: str, body: str | None = None) -> Ended:
        outcome = run(*words, stdin=(body or "").encode())
        return Ended(outcome.status, outcome.out.decode(), outcome.err)

    return front_end


def as_line(words: tuple[str, ...], body: str | None) -> str:
    """Spell words, and a body as a heredoc, as they are typed."""
    line = shlex.join(words)
    return line if body is None else f"{line} <<EOF\n{body}EOF"


def command_file(run: Runner) -> FrontEnd:
    """Run lines each as a command file."""

    def front_end(*words: str, body: str | None = None) -> Ended:
        outcome = run("-f", "-", stdin=as_line(words, body).encode())
        return Ended(outcome.status, outcome.out.decode(), outcome.err)

    return front_end


@contextmanager
def interactive(run: Runner) -> Iterator[FrontEnd]:
    """Run lines in one interactive shell."""
    out, err = io.BytesIO(), io.StringIO()
    stdout = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    environ = {**run.environ, "STORLET_SHELL_HISTORY": f"{run.environ['HOME']}/history"}
    console = Console(environ, stdout=lambda: stdout, stderr=lambda: err)
    with Session(console) as session:
        shell = make_class(Registry())(session, console, Registry())

        def front_end(*words: str, body: str | None = None) -> Ended:
            for stream in (out, err):
                stream.seek(0)
                stream.truncate()
            shell.onecmd_plus_hooks(as_line(words, body))
            return Ended(int(shell.status), out.getvalue().decode(), err.getvalue())

        yield front_end


def magics(cells: Cells) -> FrontEnd:
    """Run lines as cells."""

    def front_end(*words: str, body: str | None = None) -> Ended:
        line = f"storlet {shlex.join(words)}"
        done = cells(f"%{line}" if body is None else f"%%{line}\n{body}")
        said = _COLOR.sub("", done.out + done.err)
        if done.error is None:
            return Ended(ExitStatus.OK, json.dumps(done.value) if "--json" in words else f"{said}{done.text}", said)
        is_usage = isinstance(done.error, IPythonUsageError)
        return Ended(ExitStatus.USAGE if is_usage else exit_status_of(done.error), said, said)

    return front_end


ALIASES = """\
import json, sys
xontrib load -f storlet_shell.adapters.xonsh.xontrib
$RAISE_SUBPROC_ERROR = $XONSH_SUBPROC_RAISE_ERROR = $XONSH_SUBPROC_CMD_RAISE_ERROR = False
for text in sys.stdin:
    words, body = json.loads(text)
    path = body or '/dev/null'
    ended = !(storlet @(words) < @(path))
    ended.end()
    print(json.dumps([ended.returncode, ended.out, ended.err or '']), flush=True)
"""
"""A script of xonsh that runs lines as it is told."""


@contextmanager
def aliases(run: Runner, folder: Path) -> Iterator[FrontEnd]:
    """Run lines as aliases in one xonsh."""
    (folder / "script.xsh").write_text(ALIASES)
    environ = {**run.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "xonsh", str(folder / "script.xsh")]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as xonsh:
        assert xonsh.stdin is not None
        assert xonsh.stdout is not None

        def front_end(*words: str, body: str | None = None) -> Ended:
            if body is not None:
                (folder / "body").write_text(body)
            xonsh.stdin.write(json.dumps([words, body and str(folder / "body")]) + "\n")
            xonsh.stdin.flush()
            return Ended(*json.loads(xonsh.stdout.readline()))

        yield front_end
        xonsh.stdin.close()
