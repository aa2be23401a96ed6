"""The interactive shell: real cmd2 without a terminal."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from storlet_shell.adapters.console import Console
from storlet_shell.adapters.script.interpreter import Typed
from storlet_shell.adapters.shell.app import Shell, make_class
from storlet_shell.results.describe import describe
from storlet_shell.session import Options, Session
from storlet_shell.spec.registry import Registry

Upload = Callable[[str, bytes], None]
Capture = pytest.CaptureFixture[str]


def run(shell: Shell, line: str) -> int:
    """Type a line, and return its exit status."""
    assert shell.onecmd_plus_hooks(line) is False
    return shell.status


@pytest.mark.parametrize("name", [name for one in Registry() for name in (one.name, *one.aliases)])
def test_every_command_is_there_under_each_name(shell: Shell, name: str, capfd: Capture) -> None:
    """Each registry command has its function, its help and its category, under its aliases too."""
    command = Registry().get(name)
    assert getattr(getattr(shell, f"do_{name}"), "help_category", shell.DEFAULT_CATEGORY)
    assert run(shell, f"{name} --help") == 0
    shown = capfd.readouterr().out
    assert command.summary.split(",")[0].split(".")[0] in " ".join(shown.split())
    assert "``" not in shown
    assert run(shell, f"help {name}") == 0
    assert capfd.readouterr().out.startswith("usage: " if name in ("help", *command.aliases) else shown)


def test_help_lists_commands_by_category_and_the_shells_own_words(shell: Shell, capfd: Capture) -> None:
    """Everything that can be typed is listed; nothing of cmd2 that would only confuse is there."""
    assert run(shell, "help") == 0
    shown = capfd.readouterr().out
    assert all(f"\n{category}\n" in f"\n{shown}" for category in ("Objects", "Session", "Storlets", "Shell"))
    words = {line.split()[0] for line in shown.splitlines() if line.startswith("  ")}
    assert set(shell.get_visible_commands()) <= words | {name for one in Registry() for name in one.aliases}
    assert not {"macro", "run_pyscript", "py", "ipy"} & set(shell.get_all_commands())
    for name in ("alias", "history", "set", "run_script", "shell", "quit", "syntax", "exit", "expect"):
        assert run(shell, f"help {name}") == 0, name
    assert "heredoc" in shown
    assert "alias" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("gett x", 127, "unknown command 'gett'; did you mean get?"),
        ("histori", 127, "unknown command 'histori'; did you mean history?"),
        ("get", 2, "the object (CONTAINER/OBJECT or --input) must be given"),
        ("get --xyzzy", 2, "get: unrecognized arguments: --xyzzy; try: help get"),
        ("get 'c", 2, "the quote ' isn't closed"),
        ("alias", 2, "alias: the following arguments are required: SUBCOMMAND; try: help alias"),
        ("ls > no/such", 1, "can't write no/such: No such file or directory"),
        ("get no-container/o | cat", 4, "path:/no-container/o: not found"),
        ("help gett", 127, "unknown command 'gett'; did you mean get?"),
        ("!", 2, "a command for sh is missing: !COMMAND"),
    ],
)
def test_what_is_expected_to_go_wrong_is_one_line(
    shell: Shell, line: str, status: int, message: str, capfd: Capture
) -> None:
    """An expected error is one line on standard error, and its exit status is kept."""
    assert run(shell, line) == status
    found = capfd.readouterr()
    assert found.out == ""
    assert found.err.startswith(f"storlet-shell: {message}")
    assert found.err.count("\n") == 1


def test_an_unexpected_error_keeps_its_traceback(shell: Shell, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is shown whole, and the shell goes on."""
    monkeypatch.setattr("storlet_shell.commands.vars.describe", lambda _: 1 // 0)
    shell.session.variables["x"] = 1
    assert run(shell, "vars") == 1
    found = capfd.readouterr().err
    assert "Traceback" in found
    assert "ZeroDivisionError" in found
    assert run(shell, "vars x") == 0


def test_output_goes_byte_for_byte_where_it_is_sent(
    shell: Shell, container: str, upload: Upload, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Redirects and pipes are those of command files, for the shell's own words as well."""
    content = bytes(range(256)) * 999
    upload(f"{container}/o", content)
    assert run(shell, f"get {container}/o > {tmp_path}/'a b'") == 0
    assert run(shell, f"ls {container} >> '{tmp_path}/a b'") == 0
    assert (tmp_path / "a b").read_bytes() == content + b"o\n"
    assert run(shell, f"get {container}/o | cat") == 0
    assert capfdbinary.readouterr().out == content
    assert run(shell, f"set > {tmp_path}/set") == 0
    assert "timing" in (tmp_path / "set").read_text()
    assert run(shell, "help get | grep -c usage") == 0
    assert capfdbinary.readouterr().out == b"1\n"
    assert run(shell, "ls | grep no-such-name") == 1
    assert capfdbinary.readouterr() == (b"", b"")


def test_a_heredoc_is_typed(shell: Shell, container: str, capfd: Capture) -> None:
    """A body that was typed is stored to the byte; the whole is one line of history."""
    text = f"upload {container}/o <<'E F'\n  a ${{x}}\n\tb\nE F"
    assert run(shell, text) == 0
    assert run(shell, f"uploadfile {container}/p <<E\nE") == 0
    capfd.readouterr()
    assert run(shell, f"get {container}/o") == 0
    assert capfd.readouterr().out == "  a ${x}\n\tb\n"
    assert shell.history[0].raw == text


def test_results_are_stored_and_told_in_one_line(shell: Shell, container: str, upload: Upload, capfd: Capture) -> None:
    """-o stores a result without showing it; set quiet leaves the line out."""
    upload(f"{container}/o", b"content\n")
    assert run(shell, f"get {container}/o -o body") == 0
    assert capfd.readouterr() == (
        "",
        f"storlet-shell: body = path:/{container}/o: HTTP 200, text/plain; charset=utf-8\n",
    )
    assert run(shell, "vars body") == run(shell, "vars body --json") == 0
    first, second = capfd.readouterr().out.splitlines()
    assert first == "content"
    assert json.loads(second)["content"] == "content\n"
    assert run(shell, "set quiet true") == 0
    capfd.readouterr()
    assert run(shell, f"ls {container} -o names") == 0
    assert capfd.readouterr() == ("", "")
    assert describe(shell.session.variables["names"]).startswith("1 row: name")
    assert run(shell, "ls -o not-a-name") == 2


def test_preferences_are_set(shell: Shell, capfd: Capture) -> None:
    """Set json shows documents, set debug tracebacks, set timing how long a line took; failures are documents too."""
    assert run(shell, "set format json") == run(shell, "set debug true") == run(shell, "set timing true") == 0
    capfd.readouterr()
    assert run(shell, "get no-container/o") == 4
    found = capfd.readouterr()
    assert json.loads(found.out)["error"] == "NotFoundError"
    assert "Traceback" in found.err
    assert found.err.rstrip().endswith(" s")
    assert run(shell, "set no_such_setting 1") == 1


def test_an_alias_stands_for_a_line(shell: Shell, container: str, capfd: Capture) -> None:
    """An alias is a word's text, with quotes, pipes and further arguments."""
    assert run(shell, "alias create count ls '|' wc -l") == 0
    assert run(shell, f"alias create lc ls '{container}'") == 0
    capfd.readouterr()
    assert run(shell, "lc -l") == 0
    assert capfd.readouterr().out == "0 names, 0 bytes\n"
    assert run(shell, "count") == 0
    assert int(capfd.readouterr().out) >= 1
    assert run(shell, "alias list") == 0
    assert f"alias create lc ls '{container}'" in capfd.readouterr().out
    assert run(shell, "alias delete nothing") == 1
    assert run(shell, "alias w ls") == 2
    assert capfd.readouterr().err.endswith("; try: alias create w …\n")


def test_a_command_file_runs_in_the_shell(shell: Shell, container: str, tmp_path: Path, capfd: Capture) -> None:
    """run_script stops at the first failing line, takes arguments, and may set preferences."""
    file = tmp_path / "a file.ss"
    file.write_text("set timing true\nls ${1}\nget ${1}/none\n!echo never\n")
    assert run(shell, f"@'{file}' {container}") == 4
    found = capfd.readouterr()
    assert f"{file}:3: path:/{container}/none: not found" in found.err
    assert "never" not in found.out
    assert shell.timing is True
    assert [item.raw for item in shell.history] == [f"@'{file}' {container}"]
    file.write_text("ls ${C}\n")
    assert run(shell, f"@'{file}'") == 2
    assert "${C} is not defined; define it with -D C=VALUE" in capfd.readouterr().err
    assert run(shell, f"@'{file}' -D C={container}") == 0


def test_history_is_shown_and_repeated(shell: Shell, container: str, capfd: Capture) -> None:
    """History shows what was typed, unknown words too, and runs it again."""
    for line in (f"ls {container} -l", "gett", " ls # not kept"):
        shell.onecmd_plus_hooks(line)
    capfd.readouterr()
    assert run(shell, "history -s") == 0
    assert capfd.readouterr().out == f"ls {container} -l\ngett\nhistory -s\n"
    assert run(shell, "history -r 1") == 0
    assert capfd.readouterr().out == "0 names, 0 bytes\n"
    assert run(shell, "history -c") == 0
    assert not shell.history


def test_the_startup_file_is_run(session: Session, environ: dict[str, str], capfd: Capture) -> None:
    """The startup file makes aliases and sets preferences; what is wrong in it is told, and the shell starts."""
    Path(environ["STORLET_SHELL_STARTUP"]).write_text("# mine\nalias create ll ls -l\nset format json\ngett\n")
    console = session.surroundings
    assert isinstance(console, Console)
    shell = make_class(Registry())(session, console, Registry())
    shell.run_startup_file()
    assert f"{environ['STORLET_SHELL_STARTUP']}:4: unknown command 'gett'" in capfd.readouterr().err
    assert shell.aliases == {"ll": "ls -l"}
    assert shell.interpreter.format == "json"
    assert not shell.history


@pytest.mark.parametrize("word", ["quit", "exit", "_eof"])
def test_the_shell_is_left(shell: Shell, word: str) -> None:
    """quit, exit and Ctrl-D end the shell."""
    assert shell.onecmd_plus_hooks(word) is True
    assert shell.exit_code == 0


def test_the_prompt_names_cloud_and_account(session: Session, shell: Shell, environ: dict[str, str]) -> None:
    """The prompt is the host, then the account as soon as a login has told it; local for the embedded Swift."""
    host = environ["ST_AUTH"].split("/")[2]
    assert shell.prompt_text == f"{host}> "
    run(shell, "ls > /dev/null")
    assert shell.prompt_text == shell.prompt == f"{host}:AUTH_local> "
    console = Console({})
    assert make_class(Registry())(Session(console), console, Registry()).prompt_text == "storlet-shell> "
    local = Session(console, options=Options(local=True))
    assert make_class(Registry())(local, console, Registry()).prompt_text == "local> "


def test_words_that_are_cmd2s_are_ours(shell: Shell, capfd: Capture) -> None:
    """A line that cmd2's tokeniser would take apart is one that sh would read."""
    assert run(shell, "vars p 'a=x; y' b=c\\ d \"e=it's\" f=#1 # note") == 0
    assert run(shell, "vars p") == 0
    assert capfd.readouterr().out.splitlines()[-4:] == ["a: x; y", "b: c d", "e: it's", "f: #1"]


@pytest.mark.slow
def test_what_lines_leave_behind_is_freed(shell: Shell) -> None:
    """Also what refers to itself, long before Python would look for it by itself."""
    left: list[weakref.ref[Cycle]] = []

    def leave(_: Typed) -> int:
        cycle = Cycle()
        cycle.itself = cycle
        left.append(weakref.ref(cycle))
        return 0

    shell.interpreter.own_words["leave"] = leave
    gc.disable()
    try:
        for _ in range(100):
            run(shell, "leave")
    finally:
        gc.enable()
    assert len(left) == 100
    assert sum(reference() is not None for reference in left) <= 20


class Cycle:
    """Something that refers to itself."""

    itself: object
