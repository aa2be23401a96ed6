"""One-shot lines as processes: exit statuses, broken streams, signals, and unusual environments."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from storlet_shell import __version__
from storlet_shell.errors import ExitStatus
from tests.support.lines import Runner, base_environment, one_line
from tests.support.responder import Answer, Recorded, Responder, html, ok, page
from tests.support.storlets import STORLETS
from tests.support.variants import fast_and_slow

LINE = [sys.executable, "-m", "storlet_shell"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (ok(b"x"), 0),
        (page(400, "bad"), 1),
        (html(401), 3),
        (html(403), 3),
        (html(404), 4),
        (html(409), 1),
        (html(429), 5),
        (html(498), 5),
        (html(500), 5),
        (html(503), 5),
        (html(507), 5),
        (Answer(body=b"x", length=100, end="cut"), 5),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else str(value.status),
)
def test_answer_becomes_an_exit_status(run_scripted: Runner, responder: Responder, answer: Answer, status: int) -> None:
    """Each kind of failure has the documented status and one line."""
    responder.on("GET", "/c/o", answer)
    responder.on("HEAD", "/c", ok())  # what is not found is looked for
    outcome = run_scripted("get", "c/o")
    assert outcome.status == status
    if status:
        assert one_line(outcome)


def test_version_is_shown(run_scripted: Runner) -> None:
    """And nothing else happens."""
    assert run_scripted("--version").text == f"storlet-shell {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [["--no-such-option"], ["--timeout", "soon", "whoami"], ["-n", "rm", "c/o"], ["-D", "A=1", "ls"], ["-k", "ls"]],
    ids=" ".join,
)
def test_wrong_global_option_is_2(run_scripted: Runner, responder: Responder, words: list[str]) -> None:
    """One line, before anything is sent; options of command files aren't ignored without one."""
    outcome = run_scripted(*words)
    assert outcome.status == 2
    assert len(outcome.err.splitlines()) == 1
    assert "_seconds" not in outcome.err
    assert responder.logins == []


def test_insecure_is_said(run_scripted: Runner, responder: Responder) -> None:
    """Who switches the verification off is reminded of it."""
    responder.on("GET", "", ok(b"[]"))
    assert "not verified" in run_scripted("--insecure", "ls").err


# --- streams


def test_broken_pipe_ends_quietly(run: Runner, container: str) -> None:
    """``| head`` ends the line without a message, with the status that a shell has for SIGPIPE."""
    run("upload", f"{container}/o", stdin=b"line\n" * 1_000_000)
    words = " ".join([*LINE, "get", f"{container}/o"])
    ended = subprocess.run(
        ["bash", "-c", f"{words} | head -1; echo ${{PIPESTATUS[0]}}"],
        env=run.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    first, status = ended.stdout.splitlines()
    assert (first, status) == ("line", "141")
    assert ended.stderr == ""


@pytest.mark.slow
def test_two_lines_into_one_file(run: Runner, container: str, tmp_path: Path) -> None:
    """Their output follows each other, whole, as it was."""
    run("upload", f"{container}/o", stdin=b"text\n")
    target = tmp_path / "both"
    with target.open("wb") as file:
        for words in (["ls", container], ["get", f"{container}/o"], ["ls", container, "--json", "--columns", "name"]):
            subprocess.run([*LINE, *words], env=run.environ, stdout=file, check=True)
    lines = target.read_text().splitlines()
    assert lines[:2] == ["o", "text"]
    assert [row["name"] for row in json.loads(lines[2])["rows"]] == ["o"]


@pytest.mark.parametrize(
    "words",
    fast_and_slow([["get", "{c}/o"], ["help"]], [["ls", "{c}"], ["get", "{c}/o", "--json"]]),
    ids=" ".join,
)
def test_full_disk_on_standard_output_is_a_failure(run: Runner, container: str, words: list[str]) -> None:
    """What can't be written is not taken for written."""
    run("upload", f"{container}/o", stdin=b"x" * 100_000)
    line = [word.replace("{c}", container) for word in words]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*LINE, *line], env=run.environ, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode != 0
    assert os.strerror(errno.ENOSPC) in ended.stderr


@pytest.mark.parametrize("closed", fast_and_slow([1], [0, 2]))
def test_closed_streams_are_no_traceback(run: Runner, closed: int) -> None:
    """A daemon may start a line with a stream closed."""
    ended = subprocess.run(
        ["bash", "-c", f"{' '.join(LINE)} whoami {closed}{'<' if closed == 0 else '>'}&-"],
        env=run.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    assert ended.returncode in (0, 1)


@pytest.mark.parametrize("locale", fast_and_slow(["C"], ["POSIX", "C.UTF-8"]))
def test_names_of_every_script_are_shown_in_every_locale(run: Runner, container: str, locale: str) -> None:
    """A cron job has no locale, and lists the same names."""
    run("upload", f"{container}/grün 日本", stdin=b"x")
    outcome = run.process("ls", container, environ={"LANG": locale, "LC_ALL": locale})
    assert (outcome.status, outcome.text, outcome.err) == (0, "grün 日本\n", "")


def test_names_on_the_line_that_are_no_utf8_are_refused(run: Runner, container: str) -> None:
    """A file name in Latin-1 as an object's name is one line."""
    ended = subprocess.run(
        [*LINE, "get", f"{container}/gr".encode() + b"\xfcn"], env=run.environ, capture_output=True, check=False
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.slow
def test_local_file_whose_name_is_no_utf8_can_be_used(run: Runner, container: str, tmp_path: Path) -> None:
    """On Linux a file may have any name; it is read and written all the same."""
    name = os.fsencode(tmp_path) + b"/gr\xfcn"
    with open(name, "wb") as file:  # noqa: PTH123  a path of bytes
        file.write(b"content")
    put = subprocess.run([*LINE, "put", name, f"{container}/o"], env=run.environ, capture_output=True, check=False)
    assert (put.returncode, put.stderr) == (0, b"")
    saved = subprocess.run(
        [*LINE, "get", f"{container}/o", "--save", name + b"2"], env=run.environ, capture_output=True, check=False
    )
    assert (saved.returncode, saved.stderr) == (0, b"")
    assert len(list(tmp_path.iterdir())) == 2


# --- signals


def await_bytes(child: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until a process has written to a file in a folder, with a name or without."""
    opened = Path(f"/proc/{child.pid}/fd")
    while True:
        assert child.poll() is None
        for descriptor in opened.iterdir():
            with suppress(FileNotFoundError):  # it was closed a moment ago
                if str(descriptor.readlink()).startswith(str(folder)) and descriptor.stat().st_size:
                    return
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_to_end_leaves_no_half_of_a_file(
    run_scripted: Runner, responder: Responder, tmp_path: Path, number: signal.Signals
) -> None:
    """As ``timeout``, cron's end, or a closed terminal sends it: the status is the signal's, nothing stays behind."""
    go_on = threading.Event()

    def pieces() -> object:
        yield b"x" * 200_000
        go_on.wait(20)

    responder.on("GET", "/c/o", Answer(body=pieces(), length=1_000_000))  # type: ignore[arg-type]
    folder = tmp_path / "target"
    folder.mkdir()
    child = subprocess.Popen([*LINE, "get", "c/o", "--save", str(folder / "f")], env=run_scripted.environ)
    await_bytes(child, folder)
    child.send_signal(number)
    assert child.wait(20) == 128 + number
    go_on.set()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("save", [False, True], ids=["to standard output", "to a file"])
def test_interrupt_ends_the_transfer_with_130(
    run_scripted: Runner, responder: Responder, tmp_path: Path, save: bool
) -> None:
    """Ctrl-C in the middle of a body: one line, and no half of a file."""
    begun, go_on = threading.Event(), threading.Event()

    def pieces() -> object:
        yield b"x" * 200_000
        begun.set()
        go_on.wait(20)

    responder.on("GET", "/c/o", Answer(body=pieces(), length=1_000_000))  # type: ignore[arg-type]
    folder = tmp_path / "target"
    folder.mkdir()
    words = ["--save", str(folder / "f")] if save else []
    child = subprocess.Popen(
        [*LINE, "get", "c/o", *words], env=run_scripted.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert begun.wait(20)
    if save:
        await_bytes(child, folder)
    else:
        assert child.stdout is not None
        child.stdout.read(65536)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    go_on.set()
    assert child.returncode == 130
    assert err == b"storlet-shell: interrupted\n"
    assert list(folder.iterdir()) == []


def test_interrupt_while_modules_are_read_shows_no_traceback(run_scripted: Runner, tmp_path: Path) -> None:
    """Ctrl-C in the first moments ends the process as it ends others."""
    (tmp_path / "argparse.py").write_text(
        "import pathlib, time\npathlib.Path(__file__).with_name('begun').touch()\ntime.sleep(60)\n"
    )
    path = f"{tmp_path}{os.pathsep}{run_scripted.environ['PYTHONPATH']}"
    child = subprocess.Popen(
        [*LINE, "--version"], env={**run_scripted.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE
    )
    while not (tmp_path / "begun").exists():
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=20) == (None, b"")
    assert child.returncode == -signal.SIGINT


@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGTERM, b""), (signal.SIGHUP, b""), (signal.SIGINT, b"storlet-shell: interrupted\n")],
)
def test_signal_that_comes_where_nothing_is_let_out_is_not_lost(
    run_scripted: Runner, tmp_path: Path, number: signal.Signals, said: bytes
) -> None:
    """In an object's end, Python drops whatever is raised, and goes on."""
    code = f"""
        import pathlib, time
        from storlet_shell.adapters.cli import main as cli
        class Ends:
            def __del__(self):
                pathlib.Path({str(tmp_path / "begun")!r}).touch()
                time.sleep(60)
        def main():
            Ends()
            time.sleep(60)
        cli.main = main
        cli.run()
    """
    words = [sys.executable, "-c", textwrap.dedent(code)]
    child = subprocess.Popen(words, env=run_scripted.environ, stderr=subprocess.PIPE)
    while not (tmp_path / "begun").exists():
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(number)
    assert child.communicate(timeout=20) == (None, said)
    assert child.returncode == 128 + number


# --- full disks


@pytest.mark.parametrize(
    "words",
    [
        ["get", "c/o", "--json"],
        pytest.param(["--json", "-c", "get c/o"], marks=pytest.mark.slow),
        pytest.param(["deploy", "upper.py", "--dry-run", "--input", "path:/c/o"], marks=pytest.mark.slow),
    ],
    ids=["one-shot", "command file", "dry run"],
)
def test_temporary_file_that_can_not_be_written_is_one_line(
    run_scripted: Runner, responder: Responder, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """A body that is larger than the room for temporary files."""
    responder.on("GET", "/c/o", ok(b"x" * 3_000_000))
    (tmp_path / "upper.py").write_text(STORLETS["upper.py"])
    ended = run_scripted.process(
        *words,
        environ={"TMPDIR": str(tmp_path)},
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )
    assert ended.status == ExitStatus.ERROR
    assert one_line(ended).endswith(f"can't write a temporary file in {tmp_path}: File too large")


@pytest.mark.parametrize("line", ["help", "no_such_command"])
def test_full_standard_output_of_a_command_file_is_one_line(run_scripted: Runner, line: str) -> None:
    """Neither a result nor a failure that can't be written as JSON brings a traceback, or a second line."""
    with Path("/dev/full").open("w") as full:
        child = subprocess.run(
            [*LINE, "--json", "-c", line], env=run_scripted.environ, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert child.returncode == (ExitStatus.ERROR if line == "help" else ExitStatus.UNKNOWN_COMMAND)
    (message,) = child.stderr.decode().splitlines()
    assert message.startswith("storlet-shell: -c:1: ")


# --- sizes


@pytest.mark.slow
def test_large_bodies_take_little_memory(run: Runner, container: str, tmp_path: Path) -> None:
    """The peak of a process that moves 48 MiB is that of one that moves one, both ways."""
    code = (
        "import resource, sys; from storlet_shell.adapters.cli.main import main; status = main(sys.argv[1:]);"
        "print(status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    peaks: dict[str, list[int]] = {"put": [], "get": []}
    for size in (2**20, 48 * 2**20):
        with (tmp_path / "f").open("wb") as file:
            file.truncate(size)
        for verb, words in (("put", ["f", f"{container}/o"]), ("get", [f"{container}/o"])):
            ended = subprocess.run(
                [sys.executable, "-c", code, verb, *words],
                env=run.environ,
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                check=True,
            )
            status, peak = map(int, ended.stderr.split())
            assert status == 0
            peaks[verb].append(peak)
    for small, large in peaks.values():
        assert large <= 1.2 * small


@pytest.mark.parametrize("count", [1, 60])
def test_many_parameters_arrive(storlets: Runner, container: str, count: int) -> None:
    """As many as the server's limit of headers leaves room for."""
    storlets("upload", f"{container}/o", stdin=b"x")
    words = [word for number in range(count) for word in ("-p", f"k{number}=v{number}")]
    outcome = storlets("get", f"{container}/o", "--storlet", "tell.py", *words)
    assert outcome.status == 0, outcome.err
    assert len(outcome.json) == count


@pytest.mark.parametrize(
    "words", [["-p", "k=" + "v" * 100_000], [f"-pk{n}=v" for n in range(300)]], ids=["long", "many"]
)
def test_more_parameters_than_the_server_takes_are_one_line(storlets: Runner, container: str, words: list[str]) -> None:
    """A server's refusal of the request itself is an expected error."""
    storlets("upload", f"{container}/o", stdin=b"x")
    given = [part for word in words for part in ([word[:2], word[2:]] if word.startswith("-pk") else [word])]
    outcome = storlets("get", f"{container}/o", "--storlet", "tell.py", *given)
    assert outcome.status in (1, 2)
    assert one_line(outcome)
    assert len(outcome.err) < 1000


def test_module_is_the_program(run: Runner, tmp_path: Path) -> None:
    """``python -m storlet_shell`` from any folder; nothing is written there."""
    ended = subprocess.run([*LINE, "help"], env=run.environ, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "help COMMAND" in ended.stdout
    assert ended.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_environment_without_home_is_enough(run: Runner, tmp_path: Path) -> None:
    """A container or a cron job may have next to nothing set."""
    environ = {name: value for name, value in run.environ.items() if name.startswith(("ST_", "PYTHON"))}
    ended = subprocess.run([*LINE, "whoami"], env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert base_environment(tmp_path)["HOME"] == str(tmp_path)


def test_proxy_variables_do_not_catch_loopback(run_scripted: Runner, responder: Responder) -> None:
    """A proxy that the environment names is used by the libraries' rules; NO_PROXY is honoured for every request."""
    seen: list[Recorded] = []
    responder.on("GET", "", lambda request: seen.append(request) or ok(b"[]"))
    environ = {"http_proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"}
    assert run_scripted("ls", environ=environ).status == 0
    assert len(seen) == 1


@pytest.mark.parametrize(
    "words", [["--timeout", "0", "ls"], ["--timeout", "-1", "ls"], ["--timeout", "nan", "ls"]], ids=" ".join
)
def test_time_out_that_is_none_is_2(run_scripted: Runner, responder: Responder, words: list[str]) -> None:
    """A time-out is more than nothing; anything else is refused before anything is sent."""
    outcome = run_scripted(*words)
    assert outcome.status == 2
    assert "Traceback" not in outcome.err
    assert responder.logins == []


@pytest.mark.parametrize("words", fast_and_slow([["ls"]], [["help"], ["ls", "--json"]]), ids=" ".join)
def test_full_disk_on_standard_output_is_one_line_and_1(run: Runner, words: list[str]) -> None:
    """The interpreter must not fail a second time when it flushes at its end (status 120)."""
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*LINE, *words], env=run.environ, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
