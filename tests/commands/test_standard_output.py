"""``-`` as an output file: standard output then gets the data and nothing else."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from storlet_shell.adapters.console import Console
from storlet_shell.adapters.script.interpreter import Interpreter
from storlet_shell.adapters.script.lines import split
from storlet_shell.errors import UsageError
from storlet_shell.results import Response
from storlet_shell.results.saving import descriptor_of, is_stdout
from storlet_shell.session import Session
from storlet_shell.spec.registry import Registry
from tests.support.fixtures import TEXT
from tests.support.lines import Runner, one_line

NAMES = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1", "/dev/../dev/stdout"]


@pytest.mark.parametrize("name", NAMES)
def test_body_alone_goes_to_standard_output(
    storlets: Runner, here: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The summary goes to standard error, and no file is made."""
    monkeypatch.chdir(tmp_path)
    for words, body in (([], TEXT), (["--storlet", "upper.py"], TEXT.upper()), (["--range", "0-3"], TEXT[:4])):
        outcome = storlets("get", f"{here}/o", "--save", name, *words)
        assert (outcome.status, outcome.out) == (0, body)
        assert one_line(outcome) == f"standard output: {len(body)} bytes from path:/{here}/o"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["/dev/stdout", "link", "/dev/fd/5"])
def test_what_standard_output_is_does_not_matter(storlets: Runner, here: str, name: str, tmp_path: Path) -> None:
    """A pipe, a file that already holds something, and a link or a further descriptor that leads there."""
    (tmp_path / "link").symlink_to("/dev/stdout")
    line = f'"$0" -m storlet_shell get {here}/o --save {name} 5>&1'
    for script, before in ((f"{line} | cat", b""), (f"echo before; {line}", b"before\n")):
        with (tmp_path / "out").open("wb") as file:
            ended = subprocess.run(
                ["/bin/sh", "-c", script, sys.executable],
                stdout=file,
                stderr=subprocess.PIPE,
                env=storlets.environ,
                cwd=tmp_path,
                check=False,
            )
        assert ended.returncode == 0, ended.stderr
        assert (tmp_path / "out").read_bytes() == before + TEXT
        assert ended.stderr.startswith(b"storlet-shell: standard output: ")


@pytest.mark.slow
def test_another_descriptor_is_written_as_it_is(storlets: Runner, here: str, tmp_path: Path) -> None:
    """What it leads to is not replaced by a new file."""
    script = f'exec 4>out; echo a >&4; "$0" -m storlet_shell get {here}/o --save /dev/fd/4; echo b >&4'
    ended = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable],
        stdout=subprocess.PIPE,
        env=storlets.environ,
        cwd=tmp_path,
        check=True,
    )
    assert (tmp_path / "out").read_bytes() == b"a\n" + TEXT + b"b\n"
    assert ended.stdout == f"/dev/fd/4: {len(TEXT)} bytes from path:/{here}/o\n".encode()


def test_closed_descriptor_is_an_error(storlets: Runner, here: str) -> None:
    """It is no file that could be created."""
    outcome = storlets("get", f"{here}/o", "--save", "/dev/fd/987")
    assert outcome.status == 1
    assert one_line(outcome) == "can't write /dev/fd/987: Bad file descriptor"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[:2])
@pytest.mark.parametrize(
    "line",
    [
        "map --storlet upper.py --input path:/{c}/* --save {name}",
        "pipe upper.py --input path:/{c}/* --save {name}",
        "pipe upper.py --input path:/{c}/o --save {name}",
        "map --storlet upper.py --input path:/{c}/* --journal {name}",
        "download {c} {name}",
    ],
)
def test_many_files_do_not_go_there(
    storlets: Runner, here: str, line: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be one after the other; nothing is run, and no folder of that name is made."""
    monkeypatch.chdir(tmp_path)
    outcome = storlets(*line.format(c=here, name=name).split())
    assert (outcome.status, outcome.out) == (2, b"")
    assert "standard output" in one_line(outcome)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["get", "--json"], ["--json", "get"]])
def test_document_and_data_are_not_mixed(storlets: Runner, here: str, words: list[str]) -> None:
    """Both want standard output; only one document is there, which says so."""
    outcome = storlets(*words, f"{here}/o", "--save", "-")
    assert outcome.status == 2
    assert TEXT not in outcome.out
    assert "--json and --save -" in outcome.json["message"]
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.slow
def test_redirect_takes_it_along(storlets: Runner, here: str, tmp_path: Path) -> None:
    """In a command file, standard output is where the line sends it."""
    for name in ("-", "/dev/stdout"):
        outcome = storlets("-c", f"get {here}/o --save {name} > {tmp_path}/file")
        assert (outcome.status, outcome.out) == (0, b"")
        assert (tmp_path / "file").read_bytes() == TEXT
        piped = storlets.process("-c", f"get {here}/o --save {name} | tr a-z A-Z")
        assert (piped.status, piped.out) == (0, TEXT.upper())


@pytest.mark.slow
def test_redirect_to_standard_output_does_not_empty_it(storlets: Runner, here: str, tmp_path: Path) -> None:
    """As with sh, ``> /dev/stdout`` goes on where it is."""
    lines = f"get {here}/o\nget {here}/o > /dev/stdout\nget {here}/o >> /dev/fd/1\nget {here}/o\n"
    with (tmp_path / "out").open("wb") as file:
        subprocess.run(
            [sys.executable, "-m", "storlet_shell", "-f", "-"],
            input=lines.encode(),
            stdout=file,
            env=storlets.environ,
            check=True,
        )
    assert (tmp_path / "out").read_bytes() == 4 * TEXT


def test_input_is_asked_for_where_there_is_none(storlets: Runner, here: str) -> None:
    """Where the front end reads the lines itself, - does not take them away from it."""
    console = Console(storlets.environ)
    with Session(console) as session:
        interpreter = Interpreter(session, console, Registry())
        for line in (f"put - {here}/x", f"upload - {here}/x", f"put --input - {here}/x"):
            assert isinstance(interpreter.run(next(iter(split(line)))).error, UsageError)


def test_response_that_is_stored_holds_the_body(storlets: Runner, here: str) -> None:
    """With -o, it is the variable that takes it."""
    console = Console(storlets.environ, stderr=io.StringIO)
    with Session(console) as session:
        Interpreter(session, console, Registry()).run(next(iter(split(f"get {here}/o --save - -o x"))))
        stored = session.variables["x"]
        assert isinstance(stored, Response)
        assert stored.content == TEXT


def test_names_of_standard_output(tmp_path: Path) -> None:
    """Files that only look like it are files."""
    (tmp_path / "1").touch()
    (tmp_path / "loop").symlink_to("loop")
    for name in ("./-", "1", str(tmp_path / "1"), str(tmp_path / "loop"), "/dev/null", "stdout", "", "/dev/fd/x"):
        assert not is_stdout(name)
        assert descriptor_of(name) is None
    assert not is_stdout("/dev/fd/99999999999")
