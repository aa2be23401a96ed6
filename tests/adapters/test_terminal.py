"""The interactive shell on a real terminal."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from tests.adapters.conftest import SlowStore
from tests.support.responder import Answer, Recorded, Responder, html

Upload = Callable[[str, bytes], None]
Spawn = Callable[..., "Terminal"]

# The terminal is told to mark pastes as the first thing of each prompt, when it answers keys already.
_PROMPT = re.compile(r"\x1b\[\?2004h[^>]*>.*?\x1b\[\?25h", re.DOTALL)
PASTE, END_OF_PASTE = "\x1b[200~", "\x1b[201~"


class Terminal:
    """A shell on a pseudo-terminal.

    :param environ: the shell's environment
    """

    def __init__(self, environ: dict[str, str], *words: str) -> None:
        path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), environ.get("PYTHONPATH"))))
        self.child = pexpect.spawn(
            sys.executable,
            ["-W", "error", "-m", "storlet_shell", *words],
            env={
                "PAGER": "cat",
                **environ,
                "TERM": "xterm",
                "PROMPT_TOOLKIT_NO_CPR": "1",
                "PYTHONPATH": path,
            },
            encoding="utf-8",
            timeout=15,
            dimensions=(40, 200),
        )
        self.child.delaybeforesend = None

    def prompt(self) -> str:
        """Wait for the prompt, and return what was shown before it."""
        self.child.expect(_PROMPT)
        return plain(self.child.before)

    def type(self, line: str) -> str:
        """Type a line, and return what was shown until the next prompt."""
        self.child.send(line + "\r")
        return self.prompt()

    def leave(self) -> int:
        """Type Ctrl-D, and return the exit status."""
        self.child.send("\x04")
        self.child.expect(pexpect.EOF)
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -self.child.signalstatus)


def plain(text: str) -> str:
    """Return what a terminal shows of a text, without what moves its cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", text)


@pytest.fixture
def spawn(environ: dict[str, str]) -> Iterator[Spawn]:
    """Give a way to start a shell on a terminal; those that are left at the end are ended."""
    started: list[Terminal] = []

    def start(*words: str, **changes: str) -> Terminal:
        terminal = Terminal({**environ, **changes}, *words)
        started.append(terminal)
        terminal.prompt()
        return terminal

    yield start
    for terminal in started:
        terminal.child.close(force=True)


def test_a_first_visit(spawn: Spawn, container: str) -> None:
    """Commands run, errors are a line, Tab completes, Ctrl-D leaves at status 0."""
    terminal = spawn()
    assert "created" in terminal.type(f"mkdir {container}-b")
    assert "unknown command 'gett'; did you mean get?" in terminal.type("gett")
    terminal.child.send(f"ls {container}-")
    for _ in range(10):  # a busy machine may need more than one deadline
        terminal.child.send("\t")
        if terminal.child.expect_exact(["b/", pexpect.TIMEOUT], timeout=2) == 0:
            break
    else:
        pytest.fail("Tab completes nothing")
    terminal.child.send("\x03")
    assert "^C" in terminal.prompt()
    assert f"{container}-b" in terminal.type(f"ls | grep '{container}-b'")
    assert terminal.leave() == 0


@pytest.mark.slow
def test_a_heredoc_is_typed_pasted_and_recalled(spawn: Spawn, container: str, environ: dict[str, str]) -> None:
    """What is typed or pasted is stored to the byte, and Up brings the whole back, in the next shell too."""
    typed = "class A:\n    def f(self):\n        return '${x}'\n\n    x = 1\n"
    pasted = typed + "\ty = 'é'\n\n"
    terminal = spawn()
    terminal.child.send(f"upload {container}/typed <<EOF\r" + typed.replace("\n", "\r") + "EOF\r")
    assert "stored" in terminal.prompt()
    terminal.child.send(f"{PASTE}upload {container}/pasted <<EOF\n{pasted}EOF\nls {container} | wc -l\n{END_OF_PASTE}")
    assert "stored" in terminal.prompt()
    assert terminal.prompt().splitlines()[-1].strip() == "2"
    for name, code in (("typed", typed), ("pasted", pasted)):
        assert hashlib.md5(code.encode()).hexdigest() in terminal.type(f"get {container}/{name} | md5sum")
    terminal.leave()
    terminal = spawn()
    terminal.child.send("\x1b[A" * 6)
    terminal.child.expect_exact("EOF")
    terminal.child.send("\r")
    assert "stored" in terminal.prompt()
    assert terminal.leave() == 0


@pytest.mark.slow
def test_ctrl_d_in_an_open_line_says_what_ends_it(spawn: Spawn, container: str) -> None:
    """It neither ends the shell nor is swallowed; what was typed goes on."""
    terminal = spawn()
    terminal.child.send(f"upload {container}/o <<EOF\rtext\r> EOF\r\x04")
    terminal.child.expect_exact("the heredoc isn't closed; end it with the line EOF; Ctrl-C drops what was typed")
    terminal.child.send("EOF\r")
    terminal.child.expect_exact("stored")
    terminal.prompt()
    assert "> EOF" in terminal.type(f"get {container}/o")
    assert terminal.leave() == 0


@pytest.mark.slow
def test_ctrl_c_ends_the_transfer_and_not_the_shell(spawn: Spawn, slow_store: SlowStore, tmp_path: Path) -> None:
    """An interrupt closes the transfer's connection at once, and the prompt is back."""
    terminal = spawn(**slow_store.environ)
    for line in (f"get slow/o > {tmp_path}/o", "get slow/o | cat > /dev/null", f"get slow/o --save {tmp_path}/saved"):
        slow_store.asked.clear()
        slow_store.hung_up.clear()
        terminal.child.send(f"{line}\r")
        assert slow_store.asked.wait(10)
        time.sleep(0.3)
        terminal.child.send("\x03")
        assert "storlet-shell: interrupted" in terminal.prompt()
        assert slow_store.hung_up.wait(5)
    assert not (tmp_path / "saved").exists()
    assert "slow" in terminal.type("ls")
    assert terminal.leave() == 0


@pytest.mark.slow
def test_progress_is_shown_and_wiped(spawn: Spawn, slow_store: SlowStore) -> None:
    """A transfer of over a second shows a line on the terminal, also while its output goes to a file."""
    terminal = spawn(**slow_store.environ)
    terminal.child.send("get slow/o > /dev/null\r")
    terminal.child.expect(r"path:/slow/o +\d+ % +.*/s")
    terminal.child.send("\x03")
    assert "interrupted" in terminal.prompt()
    assert terminal.leave() == 0


@pytest.mark.slow
def test_a_slow_server_does_not_hold_the_prompt(spawn: Spawn, slow_store: SlowStore) -> None:
    """While a Tab waits for a listing, Ctrl-C and further keys are answered."""
    slow_store.listing_seconds = 30
    terminal = spawn(**slow_store.environ)
    terminal.child.send("get \t")
    time.sleep(0.2)
    started = time.monotonic()
    terminal.child.send("\x03")
    terminal.prompt()
    assert time.monotonic() - started < 10
    assert terminal.leave() == 0


@pytest.mark.slow
def test_help_fits_the_terminal(spawn: Spawn) -> None:
    """No line is cut by its right edge, nor left short by how the text was written; nothing shows as escapes."""
    terminal = spawn()
    for columns in (60, 110):
        terminal.child.setwinsize(40, columns)
        for line in ("help download", "download --help"):
            terminal.child.send(f"{line}\r")
            terminal.child.expect_exact("usage: download")
            terminal.child.expect_exact("positional arguments:")
            assert columns - 10 < max(map(len, plain(terminal.child.before).splitlines())) < columns
    for name in ("alias", "history", "set", "run_script", "shell", "quit", "shortcuts"):
        terminal.child.send(f"help {name}\r")
        terminal.child.expect("[Uu]sage: ")
        terminal.child.expect_exact("-h, --help")
        assert "x1b" not in terminal.child.before


@pytest.mark.slow
def test_headings_are_for_the_terminal_alone(spawn: Spawn, container: str, upload: Upload, tmp_path: Path) -> None:
    """What a pipe or a file gets, programs read."""
    upload(f"path:/{container}/o", b"x")
    terminal = spawn()
    assert "BYTES" in terminal.type(f"ls -l {container}")
    assert "BYTES" not in terminal.type(f"ls -l {container} | cat")
    terminal.type(f"ls -l {container} > {tmp_path}/out")
    assert (tmp_path / "out").read_text().splitlines()[0].split()[-1] == "o"
    assert terminal.leave() == 0


@pytest.mark.slow
def test_empty_listings_say_so_on_the_terminal_alone(spawn: Spawn, container: str) -> None:
    """A pipe gets nothing, and a listing with rows has no such line."""
    terminal = spawn()
    expected = {
        "vars": "no variables; define one: vars NAME KEY=VALUE",
        f"ls {container}": f"path:/{container}: no objects",
        f"ls {container}/2026/": f"path:/{container}/2026/: no objects",
        f"storlets -c {container}": f"container {container}: no storlets; deploy one: deploy FILE",
    }
    for line, text in expected.items():
        assert text in terminal.type(line).splitlines()
        assert terminal.type(f"{line} | wc -c").splitlines()[-1].strip() == "0"
    terminal.type("vars limits least=20")
    assert "no variables" not in terminal.type("vars")


@pytest.mark.slow
def test_the_terminal_may_change_its_size(spawn: Spawn) -> None:
    """A resize, at the prompt and during a command, disturbs nothing."""
    terminal = spawn()
    terminal.child.send("!sleep 1; echo $((6")
    terminal.child.setwinsize(20, 60)
    terminal.child.send(" * 7))\r")
    time.sleep(0.3)
    terminal.child.setwinsize(50, 150)
    terminal.child.expect_exact("42\r\n")
    terminal.prompt()
    assert terminal.leave() == 0


@pytest.mark.slow
def test_questions_are_asked_on_the_terminal(spawn: Spawn, container: str, upload: Upload) -> None:
    """Rm asks; no is status 7, which changes nothing; Ctrl-D is no."""
    upload(f"{container}/o", b"")
    terminal = spawn()
    for answer in ("n\r", "\r", "\x04"):
        terminal.child.send(f"rm {container}/o\r")
        terminal.child.expect_exact("[y/N] ")
        terminal.child.send(answer)
        assert "nothing was changed" in terminal.prompt()
    terminal.child.send(f"rm {container}/o\r")
    terminal.child.expect_exact("[y/N] ")
    terminal.child.send("y\r")
    assert "deleted" in terminal.prompt()
    assert terminal.leave() == 0


@pytest.mark.slow
def test_a_body_that_is_missing_is_asked_for_as_a_heredoc(spawn: Spawn, container: str) -> None:
    """What is typed next is the next line, not the text of an object."""
    terminal = spawn()
    terminal.child.send(f"upload {container}/o\r")
    assert "let text follow: upload CONTAINER/OBJECT <<EOF" in terminal.prompt()
    assert terminal.leave() == 0


@pytest.mark.slow
def test_without_an_identity_the_shell_says_how_to_get_one(spawn: Spawn) -> None:
    """The shell starts without an identity, and its first line names the ways in; help works."""
    terminal = Terminal({"PATH": "/bin:/usr/bin", "STORLET_SHELL_HISTORY": "/dev/null"})
    shown = " ".join(terminal.prompt().split())
    assert "no identity: try the embedded Swift (--local, or local start), name a cloud of clouds.yaml" in shown
    assert "Objects" in terminal.type("help")
    assert terminal.leave() == 0


@pytest.mark.slow
def test_the_shell_uses_what_local_start_has_started(spawn: Spawn, tmp_path: Path) -> None:
    """As a notebook does: without an identity, the next line runs on the embedded Swift, until it is stopped."""
    environ = {"PATH": "/bin:/usr/bin", "STORLET_SHELL_HISTORY": "/dev/null", "STORLET_SHELL_DATA": str(tmp_path)}
    terminal = Terminal(environ)
    terminal.prompt()
    try:
        assert "this session uses it" in terminal.type("local start")
        assert "container adopted: created" in terminal.type("mkdir adopted")
    finally:
        assert "is stopped" in terminal.type("local stop")
    assert "no identity" in terminal.type("ls")
    assert terminal.leave() == 0


@pytest.mark.slow
def test_a_home_that_can_not_be_written_is_told_once(spawn: Spawn) -> None:
    """Where the history can't be kept the shell works without."""
    terminal = spawn(STORLET_SHELL_HISTORY="/proc/no/history")
    assert "history is not kept: /proc/no/history" in terminal.type("help syntax")
    assert "not kept: /proc" not in terminal.type("help syntax")
    assert terminal.leave() == 0


@pytest.mark.slow
def test_a_broken_plug_in_is_told_in_one_line(environ: dict[str, str], tmp_path: Path) -> None:
    """A plug-in that can't be imported is named once, and everything else works."""
    package = tmp_path / "acme-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[storlet_shell.commands]\nzip = acme_is_not_there:zip\n")
    terminal = Terminal({**environ, "PYTHONPATH": str(tmp_path)})
    assert terminal.prompt().count("not usable: zip (acme 1.0): acme_is_not_there:zip can't be loaded") == 1
    assert "unknown command 'zip'" in terminal.type("zip")
    assert terminal.leave() == 0


@pytest.mark.slow
def test_a_hangup_ends_the_shell(spawn: Spawn) -> None:
    """SIGTERM and a closed terminal end it."""
    terminal = spawn()
    terminal.child.kill(signal.SIGTERM)
    terminal.child.expect(pexpect.EOF)
    terminal.child.close()
    assert terminal.child.exitstatus == 128 + signal.SIGTERM


_SIGNAL_IN_THE_EVENT_LOOP = """
import asyncio, collections, os, signal
import cmd2

class Ready(collections.deque):
    taken = 0

    def popleft(self):
        callback = super().popleft()
        Ready.taken += 1
        if Ready.taken == {taken}:
            os.kill(os.getpid(), signal.SIGTERM)
        return callback

before = cmd2.Cmd.pre_prompt

def pre_prompt(self):
    loop = asyncio.get_running_loop()
    loop._ready = Ready(loop._ready)
    before(self)

cmd2.Cmd.pre_prompt = pre_prompt
"""


@pytest.mark.slow
@pytest.mark.parametrize("taken", [1, 7])
def test_sigterm_between_two_callbacks_ends_the_shell(environ: dict[str, str], tmp_path: Path, taken: int) -> None:
    """A signal that arrives while the prompt's event loop is about to run a callback loses none."""
    (tmp_path / "sitecustomize.py").write_text(_SIGNAL_IN_THE_EVENT_LOOP.format(taken=taken))
    terminal = Terminal({**environ, "PYTHONPATH": str(tmp_path)})
    terminal.child.expect(pexpect.EOF)
    terminal.child.close()
    assert terminal.child.exitstatus == 128 + signal.SIGTERM


def test_a_terminal_without_one_to_write_to_gives_a_command_file(environ: dict[str, str], tmp_path: Path) -> None:
    """With standard output in a file, what is typed up to Ctrl-D is run as a command file."""
    command = f"{sys.executable} -m storlet_shell > {tmp_path}/out"
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    child = pexpect.spawn("/bin/sh", ["-c", command], env={**environ, **path}, encoding="utf-8", timeout=15)
    child.send("vars x k=v\rvars x <<E\r\x04")
    child.expect_exact("standard input:2: the heredoc isn't closed")
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus, (tmp_path / "out").read_text()) == (2, "")


@pytest.mark.slow
def test_shell_logs_in_before_the_first_tab(spawn: Spawn, responder: Responder) -> None:
    """While the user begins to type; that alone asks for nothing else."""
    terminal = spawn(**responder.environ)
    deadline = time.monotonic() + 30
    while not responder.logins and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (len(responder.logins), responder.requests) == (1, [])
    assert terminal.leave() == 0


@pytest.mark.slow
def test_login_that_fails_beside_the_prompt_is_silent(spawn: Spawn, responder: Responder) -> None:
    """The first command says what is wrong, once."""
    terminal = spawn(**{**responder.environ, "ST_KEY": "wrong"})
    assert terminal.type("ls").count("login refused by") == 1
    assert terminal.leave() == 0


@pytest.mark.slow
def test_login_that_hangs_holds_nothing_up(spawn: Spawn, responder: Responder) -> None:
    """Neither the prompt nor the end."""
    asked, ends = threading.Event(), threading.Event()

    def hang(_: Recorded) -> Answer:
        asked.set()
        ends.wait(60)
        return html(503)

    responder.on("GET", "/auth", hang)
    terminal = spawn(**responder.environ)
    try:
        assert asked.wait(30)
        assert terminal.leave() == 0
    finally:
        ends.set()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_lines(spawn: Spawn, responder: Responder) -> None:
    """A shell that is open all day; without the collections, 200 lines take some 16 MiB more."""
    responder.on("HEAD", "*", Answer(204))
    terminal = spawn(**responder.environ)
    resident = []
    for count in (60, 200):
        for number in range(count):
            terminal.type(f"stat container-{count}-{number}")
        resident.append(int(Path(f"/proc/{terminal.child.pid}/statm").read_text().split()[1]) * 4)
    assert resident[1] - resident[0] < 6 * 1024
    assert terminal.leave() == 0


@pytest.mark.slow
def test_what_is_taller_than_the_screen_goes_to_the_pager(spawn: Spawn, container: str, upload: Upload) -> None:
    """Leaving it early is no error; what fits the screen, and what goes to a pipe, doesn't go there."""
    upload(f"{container}/tall", b"".join(b"line %d\n" % number for number in range(100_000)))
    upload(f"{container}/small", b"a small one\n")
    terminal = spawn(PAGER="sh -c 'head -1; echo paged; sleep 0.2'")
    shown = terminal.type(f"get {container}/tall")
    assert ("line 0" in shown, "paged" in shown, "line 1\n" in shown, "storlet-shell:" in shown) == (1, 1, 0, 0)
    assert "paged" not in terminal.type(f"get {container}/small")
    assert "100000" in terminal.type(f"get {container}/tall | wc -l")
    assert "paged" in terminal.type("help put")
    terminal.type("set pager none")
    assert "line 99999" in terminal.type(f"get {container}/tall | tail -1; ls")
    assert "paged" not in terminal.type("help put")
    terminal.type("set pager 'no-such-pager -x'")
    shown = terminal.type("help put")
    assert shown.count("pager 'no-such-pager -x' can't be started: No such file or directory") == 1
    assert "usage: put" in shown
    assert terminal.leave() == 0


@pytest.mark.slow
def test_ctrl_c_in_the_pager_is_the_pagers(spawn: Spawn, slow_store: SlowStore) -> None:
    """A body that never ends is given up once the pager is interrupted; the prompt is back."""
    terminal = spawn(**slow_store.environ, PAGER="cat -n")
    terminal.child.send("get slow/o\r")
    terminal.child.expect_exact("   100\tmore and more")
    terminal.child.send("\x03")
    assert "interrupted" in terminal.prompt()
    assert slow_store.hung_up.wait(10)
    assert terminal.leave() == 0


@pytest.mark.slow
def test_completions_are_shown_as_you_type(spawn: Spawn, container: str, upload: Upload) -> None:
    """With what each is; a slow server holds nothing up, and Enter runs what was typed."""
    upload(f"{container}/wanted", b"x" * 3000)
    terminal = spawn()
    terminal.type("set completion typing")
    terminal.child.send(f"stat {container}/w")
    terminal.child.expect("wanted.*2.9 KiB")
    terminal.child.send("anted\r")
    assert "3000 (2.9 KiB)" in terminal.prompt()
    terminal.child.send("get --sav")
    terminal.child.expect_exact("atomically")
    terminal.child.send("\x03")
    terminal.prompt()
    assert terminal.leave() == 0


@pytest.mark.slow
def test_a_slow_listing_does_not_hold_typing(spawn: Spawn, slow_store: SlowStore) -> None:
    """Neither keys nor Enter wait for completions."""
    slow_store.listing_seconds = 60
    terminal = spawn(**slow_store.environ)
    terminal.type("set completion typing")
    terminal.child.send("help sl\x7f\x7fsyntax")
    terminal.child.send("\r")
    assert "quoted as in sh" in terminal.prompt()
    terminal.child.send("stat sl")
    terminal.child.expect_exact("sl")
    terminal.child.send("\x03")
    terminal.prompt()
    assert terminal.leave() == 0
