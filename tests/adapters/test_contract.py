"""One contract for all front ends: the same line gives the same result, and fails with the same kind of error."""

from __future__ import annotations

import io
import json
import secrets
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError as IPythonUsageError

from storlet_shell.adapters.console import Console
from storlet_shell.adapters.shell.app import make_class
from storlet_shell.errors import ExitStatus, StorletShellError
from storlet_shell.session import Session
from storlet_shell.spec.registry import Registry
from tests.notebook.cells import FAILING, IDENTITY, Cells
from tests.notebook.conftest import bare_shell, cell, no_identity, stranger  # noqa: F401  fixtures
from tests.support.lines import Runner

CODE, FAILS = (text.split("\n", 1)[1] for text in (IDENTITY, FAILING))


@dataclass(frozen=True)
class Ended:
    """How a line ended.

    :param document: its result as JSON, None when it failed
    """

    status: int
    document: Any


FrontEnd = Callable[[list[str], str | None], Ended]


def one_shot(run: Runner) -> FrontEnd:
    """Run lines each by a process's ``main``."""

    def front_end(words: list[str], body: str | None) -> Ended:
        outcome = run(*words, "--json", stdin=(body or "").encode())
        return Ended(outcome.status, outcome.json if outcome.status == 0 else None)

    return front_end


def as_line(words: list[str], body: str | None) -> str:
    """Spell words, and a body as a heredoc, as they are typed."""
    line = shlex.join([*words, "--json"])
    return line if body is None else f"{line} <<EOF\n{body}EOF"


def command_file(run: Runner) -> FrontEnd:
    """Run lines each as a command file."""

    def front_end(words: list[str], body: str | None) -> Ended:
        outcome = run("-f", "-", stdin=as_line(words, body).encode())
        return Ended(outcome.status, outcome.json if outcome.status == 0 else None)

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

        def front_end(words: list[str], body: str | None) -> Ended:
            out.seek(0)
            out.truncate()
            shell.onecmd_plus_hooks(as_line(words, body))
            return Ended(int(shell.status), json.loads(out.getvalue()) if not shell.status else None)

        yield front_end


def magics(cells: Cells) -> FrontEnd:
    """Run lines as cells."""

    def front_end(words: list[str], body: str | None) -> Ended:
        line = f"storlet {shlex.join([*words, '--json'])}"
        done = cells(f"%{line}" if body is None else f"%%{line}\n{body}")
        if done.error is None:
            return Ended(ExitStatus.OK, done.value)
        if isinstance(done.error, IPythonUsageError):
            return Ended(ExitStatus.USAGE, None)
        assert isinstance(done.error, StorletShellError)
        return Ended(int(done.error.exit_status), None)

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
    print(json.dumps([ended.returncode, ended.out]), flush=True)
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

        def front_end(words: list[str], body: str | None) -> Ended:
            if body is not None:
                (folder / "body").write_text(body)
            xonsh.stdin.write(json.dumps([[*words, "--json"], body and str(folder / "body")]) + "\n")
            xonsh.stdin.flush()
            status, out = json.loads(xonsh.stdout.readline())
            return Ended(status, json.loads(out) if status == 0 else None)

        yield front_end
        xonsh.stdin.close()


@pytest.fixture(params=["one-shot", "command file", "shell", "magics", "xonsh"])
def front_end(request: pytest.FixtureRequest, run: Runner, tmp_path: Path) -> Iterator[FrontEnd]:
    """Run lines through each front end."""
    if request.param == "shell":
        with interactive(run) as made:
            yield made
    elif request.param == "xonsh":
        with aliases(run, tmp_path) as made:
            yield made
    elif request.param == "magics":
        yield magics(request.getfixturevalue("cell"))
    else:
        yield (one_shot if request.param == "one-shot" else command_file)(run)


LINES: list[tuple[list[str], str | None, int, Any]] = [
    (["mkdir", "{c}"], None, 0, {"container": "{c}"}),
    (["upload", "{c}/o.txt"], "some text\n", 0, {"object": "path:/{c}/o.txt", "status": 201}),
    (["get", "{c}/o.txt"], None, 0, {"object": "path:/{c}/o.txt", "status": 200, "content": "some text\n"}),
    (["deploy", "test.TestStorlet"], CODE, 0, {"main": "test.TestStorlet", "storlet": "test.py"}),
    (["get", "path:/{c}/o.txt", "--storlet", "test.py", "-p", "k=v w"], None, 0, {"content": "some text\n"}),
    (["copy", "{c}/o.txt", "{c}/p.txt", "--storlet", "test.py"], None, 0, {"object": "path:/{c}/p.txt", "status": 201}),
    (["get", "{c}/o.txt", "--range=-5", "--expect-bytes", "5"], None, 0, {"status": 206, "content": "text\n"}),
    (["get", "{c}/o.txt", "--expect-bytes", "9"], None, ExitStatus.SERVICE, None),
    (["get", "{c}/o.txt", "--storlet", "test.py", "--expect-lines", "2"], None, ExitStatus.SERVICE, None),
    (["get", "{c}/o.txt", "--range=-5", "--range=-4"], None, ExitStatus.USAGE, None),
    (["get", "{c}/o.txt", "--storlet", "test.py", "--on-proxy", "--on-node"], None, ExitStatus.USAGE, None),
    (["ls", "{c}", "-l", "-l", "--json"], None, 0, {}),
    (["dependencies", "rm", "-y", "{c}-none"], None, ExitStatus.NOT_FOUND, None),
    (["get", "{c}/o.txt", "-H", "X-Run-Storlet: test.py"], None, ExitStatus.USAGE, None),
    (["acl", "grant", "{c}", "p:u", "--read"], None, 0, {"who": "p:u", "right": "read"}),
    (["acl", "list", "{c}"], None, 0, {"rows": [{"right": "read", "who": "p:u", "storlet": None}]}),
    (["acl", "revoke", "{c}", "p:v", "--read"], None, ExitStatus.NOT_FOUND, None),
    (["ls", "{c}"], None, 0, {"rows": [{"name": "o.txt"}, {"name": "p.txt"}]}),
    (["map", "--storlet", "test.py", "--input", "path:/{c}/*.txt"], None, 0, {"done": 2, "failed": 0}),
    (["map", "--storlet", "test.py", "--input", "path:/{c}/*.csv"], None, ExitStatus.NOT_FOUND, None),
    (["deploy", "failing.Main"], FAILS, 0, {"storlet": "failing.py"}),
    (["map", "--storlet", "failing.py", "--input", "path:/{c}/*.txt"], None, ExitStatus.STORLET_FAILED, None),
    (
        ["map", "--storlet", "failing.py", "--input", "path:/{c}/*.txt", "--allow-failures"],
        None,
        0,
        {"done": 0, "failed": 2},
    ),
    (["pipe", "test.py|failing.py", "--input", "path:/{c}/*.txt"], None, ExitStatus.STORLET_FAILED, None),
    (["pipe", "failing.py", "--input", "path:/{c}/o.txt", "--allow-failures"], None, 0, {"failed": 1}),
    (
        ["map", "--storlet", "test.py", "--input", "path:/{c}/*.txt", "--allow-failures", "--fail-fast"],
        None,
        ExitStatus.USAGE,
        None,
    ),
    (["reduce", "--storlet", "test.py", "--input", "path:/{c}/o.*", "--output", "path:/{c}/r"], None, 0, {"runs": 1}),
    (["pipe", "test.py|test.py", "--input", "path:/{c}/r"], None, 0, {"content": "some text\n"}),
    (["rm", "-y", "{c}/r"], None, 0, {}),
    (["post", "{c}/o.txt", "-m", "k=v"], None, 0, {"subject": "path:/{c}/o.txt"}),
    (["stat", "{c}/o.txt"], None, 0, {"object": "path:/{c}/o.txt", "metadata": {"K": "v"}}),
    (["rm", "-r", "-y", "{c}/none"], None, ExitStatus.NOT_FOUND, None),
    (["get", "--input", "{c}/o.txt"], None, ExitStatus.USAGE, None),
    (["get"], None, ExitStatus.USAGE, None),
    (["get", "{c}/o.txt", "--nonsense"], None, ExitStatus.USAGE, None),
    (["get", "{c}/missing"], None, ExitStatus.NOT_FOUND, None),
    (["get", "{c}/o.txt", "--storlet", "missing.py"], None, ExitStatus.NOT_FOUND, None),
    (["get", "{c}/o.txt", "--storlet", "test.py", "-i", "nowhere"], None, ExitStatus.USAGE, None),
    (["deploy", "test.TestStorlet", "--with-invoke"], CODE, ExitStatus.USAGE, None),
    (["deploy", "test.Other"], CODE, ExitStatus.USAGE, None),
    (["nonsense"], None, ExitStatus.UNKNOWN_COMMAND, None),
    (["rm", "-y", "{c}"], None, ExitStatus.ERROR, None),
    (["rm", "-y", "{c}/o.txt", "{c}/p.txt", "{c}"], None, 0, {}),
]
"""Words, a body, the exit status, and what the result says among other things."""


def test_every_front_end_keeps_the_contract(front_end: FrontEnd) -> None:
    """The same lines, one after the other, through each of them."""
    container = f"contract-{secrets.token_hex(4)}"
    for words, body, status, wanted in LINES:
        ended = front_end([word.replace("{c}", container) for word in words], body)
        assert ended.status == status, words
        if wanted is None:
            assert ended.document is None
        else:
            told = json.loads(json.dumps(ended.document).replace(container, "{c}"))
            assert {**told, **wanted} == told, words
