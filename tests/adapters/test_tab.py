"""Tab completion in real shells, where they are installed, and the candidates that they receive."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from storlet_shell.embedded.control import Running

pytestmark = pytest.mark.slow

Upload = Callable[[str, bytes], None]


@pytest.fixture
def terminal(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Return the environment of a terminal on which storlet-shell is installed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    return {**environ, "PATH": path, "HOME": str(tmp_path), "TERM": "dumb", "PS1": "> "}


Ask = Callable[..., list[str]]


@pytest.fixture
def ask(terminal: dict[str, str], tmp_path: Path) -> Ask:
    """Give a way to ask as bash does, for what a line may become."""

    def ask(line: str, **changes: str | None) -> list[str]:
        asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_SHELL": "bash", "_ARGCOMPLETE_IFS": "\n"}
        asked |= {"COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_COMP_WORDBREAKS": " \t\n\"'><=;|&(:"}
        asked |= {"_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "answer")}
        changed = {name: value for name, value in {**terminal, **asked, **changes}.items() if value is not None}
        subprocess.run(
            [sys.executable, "-m", "storlet_shell"],
            env=changed,
            check=True,
            capture_output=True,
            timeout=60,
            cwd=Path(__file__).parents[2],
        )
        return (tmp_path / "answer").read_text().splitlines()

    return ask


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("storlet-shell mkd", ["mkdir "]),
        ("storlet-shell --ephem", ["--ephemeral "]),
        ("storlet-shell --os-cloud ", []),
        ("storlet-shell -f examples/qu", ["examples/quickstart.storlets "]),
        ("storlet-shell -f examples/quickstart.storlets examples/ana", ["examples/analysis.ipynb "]),
        ("storlet-shell --json local sta", ["start", "status"]),
        ("storlet-shell -- local --time", ["--time-limit "]),
        ("storlet-shell nonesuch x", []),
    ],
)
def test_words_are_completed(ask: Ask, line: str, answer: list[str]) -> None:
    """Commands, options in front of them and of their own, choices, files; what nobody knows is nothing."""
    assert ask(line) == answer


def test_objects_are_completed_as_their_shell_wants_them(ask: Ask, container: str, upload: Upload) -> None:
    """What bash breaks words at is taken off, what it would read is escaped, a container goes on."""
    upload(f"{container}/a b.csv", b"")
    assert ask(f"storlet-shell get {container[:-2]}") == [f"{container}/"]
    assert ask(f"storlet-shell get {container}/") == [f"{container}/a\\ b.csv "]
    assert ask(f"storlet-shell get --input=path:/{container}/a") == [f"/{container}/a\\ b.csv "]


def test_the_embedded_swift_is_asked_where_it_runs(
    ask: Ask, swift: Running, container: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    """With --local, Tab knows what a running one holds, and starts none."""
    nobody = dict.fromkeys(("ST_AUTH", "ST_USER", "ST_KEY"))
    line = f"storlet-shell --local get {container[:-2]}"
    assert ask(line, STORLET_SHELL_DATA=str(swift.folder), **nobody) == [f"{container}/"]
    assert ask(line, STORLET_SHELL_DATA=str(tmp_path / "none"), **nobody) == []
    assert not (tmp_path / "none").exists()


def needs(shell: str) -> pytest.MarkDecorator:
    """Skip where a shell is not installed; ``.ci/run`` installs all of them."""
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


Type = Callable[[str, str], None]


@pytest.fixture
def in_pty(terminal: dict[str, str]) -> Iterator[Callable[..., Type]]:
    """Give a way to type into a shell, with a Tab at the end, and wait for what becomes of it."""
    started: list[pexpect.spawn] = []

    def start(*command: str, first: str) -> Type:
        child = pexpect.spawn(command[0], list(command[1:]), env=terminal, encoding="utf-8", dimensions=(40, 200))
        started.append(child)
        child.sendline(f"{first}; echo REA''DY")
        child.expect_exact("READY\r\n", timeout=30)

        def type_line(line: str, becomes: str) -> None:
            child.send(f"{line}\t")
            child.expect(re.escape(becomes), timeout=30)
            child.send("\x03")

        return type_line

    yield start
    for child in started:
        child.close(force=True)


def _is_completed(type_line: Type, container: str) -> None:
    type_line("storlet-shell mkd", "storlet-shell mkdir ")
    type_line(f"storlet-shell get {container[:-2]}", f"storlet-shell get {container}/")
    type_line(f"storlet-shell get --input path:/{container}/a", f"--input path:/{container}/a\\ b.csv ")


@needs("bash")
def test_bash(in_pty: Callable[..., Type], container: str, upload: Upload) -> None:
    """A line is completed in a real bash on a terminal."""
    upload(f"{container}/a b.csv", b"")
    first = 'bind "set enable-bracketed-paste off"; eval "$(storlet-shell --completion bash)"'
    _is_completed(in_pty("bash", "--norc", "--noprofile", "-i", first=first), container)


@needs("zsh")
def test_zsh(in_pty: Callable[..., Type], container: str, upload: Upload) -> None:
    """A line is completed in a real zsh on a terminal."""
    upload(f"{container}/a b.csv", b"")
    first = 'autoload -U compinit; compinit -u -D; eval "$(storlet-shell --completion zsh)"'
    _is_completed(in_pty("zsh", "-f", "-i", first=first), container)


@needs("fish")
def test_fish(terminal: dict[str, str], container: str, upload: Upload) -> None:
    """A line is completed by a real fish, with what options are for."""
    upload(f"{container}/a b.csv", b"")
    lines = ("storlet-shell mkd", f"storlet-shell get {container[:-2]}", "storlet-shell get --inp")
    asked = "; ".join(f"complete -C '{line}'" for line in (*lines, f"storlet-shell get path:/{container}/a"))
    command = ["fish", "--no-config", "-c", f"storlet-shell --completion fish | source; {asked}"]
    shown = subprocess.run(command, env=terminal, check=True, capture_output=True, text=True, timeout=60).stdout
    mkdir, found, option, path = shown.splitlines()
    assert mkdir.startswith("mkdir\t")
    assert (found, option) == (f"{container}/", "--input\tsame as CONTAINER/OBJECT")
    assert path.startswith(f"path:/{container}/a b.csv\t0 B, ")
