"""The aliases in a real xonsh."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

from tests.adapters.conftest import Outcome
from tests.support.lines import ROOT

BINARY = bytes(range(256)) * 300 + b"\r\n\n\r"


class Xonsh:
    """Runs xonsh with an environment and a home of its own."""

    def __init__(self, environ: dict[str, str], home: Path) -> None:
        self.home = home
        self.environ = {**environ, "HOME": str(home), "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(home)}

    def __call__(self, *lines: str, stdin: bytes = b"") -> Outcome:
        """Run lines as a script."""
        script = self.home / "script.xsh"
        script.write_text("\n".join(lines))
        command = [sys.executable, "-m", "xonsh", str(script)]
        done = subprocess.run(
            command, input=stdin, env=self.environ, cwd=self.home, capture_output=True, timeout=120, check=False
        )
        return Outcome(done.returncode, done.stdout, done.stderr.decode())


@pytest.fixture
def xonsh(environ: dict[str, str], tmp_path: Path) -> Xonsh:
    """Return what runs lines in xonsh."""
    return Xonsh(environ, tmp_path)


@pytest.mark.slow
def test_bytes_go_through_unchanged(xonsh: Xonsh, container: str) -> None:
    """To a file, through pipes at both ends, from one command of ours to another, and to xonsh's own output."""
    (xonsh.home / "in").write_bytes(BINARY)
    outcome = xonsh(
        f"put in {container}/a > /dev/null",
        f"get {container}/a > out",
        f"cat in | put - {container}/b > /dev/null",
        f"get {container}/b | put - {container}/c > /dev/null",
        f"get {container}/c | cat > piped",
        f"get {container}/a | head -c 1 > first",
        f"get {container}/c",
    )
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == BINARY
    assert [(xonsh.home / name).read_bytes() for name in ("out", "piped", "first")] == [BINARY, BINARY, BINARY[:1]]


@pytest.mark.slow
def test_hint_is_a_line_of_xonsh(xonsh: Xonsh) -> None:
    """What to do next can be copied: mkdir is the system's there."""
    (xonsh.home / "in").write_bytes(b"x")
    outcome = xonsh("put in no-container/o")
    assert "(create it: storlet mkdir no-container) (transaction tx" in outcome.err


@pytest.mark.slow
def test_variables_are_the_users_own(xonsh: Xonsh, container: str) -> None:
    """Results go to Python variables, parameters come from them, output can be captured."""
    outcome = xonsh(
        f"storlet ls {container} -o listed",
        f"echo hello | put - {container}/o -o stored",
        f"text = $(get {container}/o)",
        "print(type(listed).__name__, stored.status, repr(text))",
        "chosen = {'a': 1}",
        "storlet vars chosen",
    )
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.decode().splitlines() == ["Table 201 'hello'", "a: 1"]


@pytest.mark.slow
def test_variables_of_a_function_are_its_own(xonsh: Xonsh, container: str) -> None:
    """Parameters come from the function that runs the line; a result goes where Python lets it, or nowhere."""
    code = "class Main:\n    def __init__(self, logger): pass\n    def __call__(self, i, out_files, params):\n"
    code += "        out_files[0].set_metadata({})\n        out_files[0].write(params.get('a', '-').encode())\n"
    (xonsh.home / "told.py").write_text(code)
    is_new = sys.version_info >= (3, 13)
    outcome = xonsh(
        f"storlet deploy told.py > /dev/null ; echo x | put - {container}/o > /dev/null",
        "p = {'a': 'prompt'}",
        "r = 'prompt'",
        "def f(p):",
        f"    return $(get {container}/o --storlet told.py -i p)",
        "def nested(p):",
        "    def inner():",
        f"        return $(get {container}/o --storlet told.py -i p)",
        "    return inner()",
        "def local():",
        "    r = None",
        f"    get {container}/o -o r",
        "    return r.text",
        "def other():",
        f"    get {container}/o -o r",
        "def declared():",
        "    global r",
        f"    get {container}/o -o r",
        "def tried(g, *given):",
        "    try:",
        "        return g(*given)",
        "    except Exception as error:",
        "        return type(error).__name__",
        "$XONSH_SUBPROC_RAISE_ERROR = $XONSH_SUBPROC_CMD_RAISE_ERROR = True",
        "print(f({'a': 'function'}), [f({'a': each}) for each in 'xy'], tried(nested, {'a': 'outer'}))",
        "print(tried(local).strip(), r)",
        "print(tried(other), r)",
        "declared()",
        "print(r.text.strip())",
    )
    assert outcome.status == 0, outcome.err
    first, second, third, last = outcome.out.decode().splitlines()
    assert (first.startswith("function ['x', 'y'] "), "prompt" in first, "outer" in first) == (True, False, False)
    assert (second.split()[-1], second.split()[0] == "x") == ("prompt", is_new)
    assert (third.split()[-1], last) == ("prompt", "x")
    assert "p is a variable of nested" in outcome.err
    assert "other has no variable r; say global r there" in outcome.err


@pytest.mark.slow
def test_failed_objects_end_a_script(xonsh: Xonsh, container: str) -> None:
    """The rows are shown, the status is that of a failed storlet, and the next line does not run."""
    code = "class Main:\n    def __init__(self, logger): pass\n    def __call__(self, i, o, p): raise ValueError('x')\n"
    (xonsh.home / "fails.py").write_text(code)
    batch = f"storlet map --storlet fails.py --input path:/{container}/*"
    before = f"storlet deploy fails.py > /dev/null ; echo x | put - {container}/o > /dev/null"
    outcome = xonsh(before, f"{batch} --allow-failures", batch, "print('on')")
    assert "non-zero exit status 6" in outcome.err
    assert outcome.out.decode().count(f"path:/{container}/o") >= 2
    assert b"0 of 1 object done, 1 failed" in outcome.out
    assert b"on\n" not in outcome.out.splitlines(keepends=True)


@pytest.mark.slow
def test_names_of_others_are_left_alone(xonsh: Xonsh) -> None:
    """``ls`` is the system's, ``help`` and ``vars`` Python's; ``storlet`` takes any command."""
    outcome = xonsh(
        "ls -a",
        "print([name for name in ('get', 'help', 'ls', 'map', 'mkdir', 'rm', 'storlet', 'vars') if name in aliases])",
        "storlet help get | head -n 1",
        "storlet | head -n 1",
        "get --help | head -n 1",
    )
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.decode().splitlines()
    assert "script.xsh" in lines
    assert "['get', 'ls', 'storlet']" in lines  # xonsh has an alias ls of its own
    assert len([line for line in lines if line.startswith("usage: get ")]) == 2
    assert "Objects" in lines


@pytest.mark.slow
def test_completion_comes_from_the_registry(xonsh: Xonsh, container: str) -> None:
    """Names of commands, options, containers and objects; what needs quotes gets them."""
    lines = [
        "storlet upl",
        "get --sto",
        f"get {container[:-1]}",
        f"get {container}/",
        f"get '{container}/a",
        "storlet get --ra",
    ]
    outcome = xonsh(
        f"echo x | put - '{container}/a b' > /dev/null",
        f"echo x | put - {container}/ab > /dev/null",
        "from xonsh.completer import Completer",
        "import json",
        f"for line in {lines!r}:",
        "    found, _ = Completer().complete_line(line)",
        "    print(json.dumps(sorted(str(one).strip() for one in found)))",
    )
    assert outcome.status == 0, outcome.err
    assert [json.loads(line) for line in outcome.out.splitlines()] == [
        ["upload", "uploadfile"],
        ["--storlet"],
        [f"{container}/"],
        [f"'{container}/a b'", f"{container}/ab"],
        [f"{container}/a b", f"{container}/ab"],
        ["--range"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("get nowhere/o", 4, "path:/nowhere/o: not found (HTTP 404)"),
        ("get", 2, "must be given"),
        ("storlet xyzzy", 127, "unknown command 'xyzzy'"),
        ("put /no/such/file c/o", 4, "/no/such/file"),
    ],
)
def test_failing_line_ends_a_script_with_its_status(xonsh: Xonsh, line: str, status: int, said: str) -> None:
    """In one line of ours, without a traceback; xonsh stops, and what follows does not run."""
    outcome = xonsh(line, "print('on')")
    assert (outcome.status != 0, outcome.out) == (True, b"")
    (ours,) = [each for each in outcome.err.splitlines() if each.startswith("storlet-shell: ")]
    assert said in ours
    assert f"non-zero exit status {status}" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.slow
def test_environment_is_the_one_of_the_moment(xonsh: Xonsh, container: str) -> None:
    """An identity may be set by a line of xonsh, for all that follow or for one."""
    auth = xonsh.environ.pop("ST_AUTH")
    outcome = xonsh(
        f"$ST_AUTH = '{auth}'",
        f"storlet ls {container}",
        "del $ST_AUTH",
        f"$ST_AUTH='{auth}' storlet ls {container}",
        f"storlet ls {container}",
    )
    assert outcome.status != 0
    assert outcome.err.count("storlet-shell: ") == 1
    assert "ST_AUTH" in outcome.err


class Terminal:
    """An interactive xonsh at a terminal."""

    def __init__(self, xonsh: Xonsh) -> None:
        environ = {**xonsh.environ, "TERM": "dumb", "XONSH_SHOW_TRACEBACK": "0"}
        command = ["-m", "xonsh", "--no-rc", "--shell-type", "readline", "-i", "-DPROMPT=READY> "]
        self.child = pexpect.spawn(sys.executable, command, env=environ, cwd=str(xonsh.home), timeout=20)
        self.expect("READY> ")
        self.line("xontrib load -f storlet_shell.adapters.xonsh.xontrib")

    def expect(self, text: str) -> str:
        """Wait for a text, and return what came before it."""
        self.child.expect_exact(text)
        shown: bytes = self.child.before
        return shown.decode(errors="replace")

    def line(self, text: str) -> str:
        """Type a line, and return what is shown up to the next prompt."""
        self.child.sendline(text)
        return self.expect("READY> ")


@pytest.mark.slow
def test_terminal(xonsh: Xonsh, container: str) -> None:
    """What is not ours is said once; a body that would garble the screen is not shown raw; a question is asked."""
    terminal = Terminal(xonsh)
    (xonsh.home / "in").write_bytes(BINARY)
    said = terminal.line(f"put in {container}/a")
    assert "already defined, not replaced: " in said
    assert "help, " in said
    shown = terminal.line(f"get {container}/a")
    assert "not replaced" not in shown
    assert "--save FILE" in shown
    terminal.child.sendline(f"storlet rm {container}")
    terminal.expect("[y/N] ")
    assert "nothing was changed" in terminal.line("n")
    assert "a" in terminal.line(f"storlet ls {container}")


@pytest.mark.slow
def test_interrupt_ends_a_line_and_not_the_shell(xonsh: Xonsh, container: str) -> None:
    """While a line asks, and while it transfers; the next line gets what is typed then."""
    terminal = Terminal(xonsh)
    os.mkfifo(xonsh.home / "endless")
    terminal.child.sendline(f"put endless {container}/o")
    with (xonsh.home / "endless").open("wb") as file:
        file.write(b"x" * 1000)
        file.flush()
        time.sleep(0.3)
        terminal.child.sendintr()
        terminal.expect("READY> ")
    assert "41 again" in terminal.line("print(40 + 1, 'again')")
    assert terminal.line(f"storlet ls {container}").count("\n") <= 2
