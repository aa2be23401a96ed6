"""Repeated options: they add up, or the line is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from storlet_shell.adapters.cli.main import make_parser
from storlet_shell.adapters.console import Console
from storlet_shell.adapters.shell.app import make_class
from storlet_shell.errors import UsageError
from storlet_shell.results.json_schema import columns_of
from storlet_shell.session import Session
from storlet_shell.spec.arguments import COMMON, Arg
from storlet_shell.spec.command import Call, Command
from storlet_shell.spec.registry import Registry
from tests.support.lines import Runner, one_line

OPTIONS = [
    pytest.param(command, arg, id=f"{command.name} {arg.flags[0]}")
    for listed in Registry()
    for command in listed.lines
    for arg in (*command.args, *COMMON)
    if arg.is_option
]
"""Every option of every command."""

SAMPLES = {"c/o", "path:/c/o", "x.py", "k=v", "K:v", "1", "1-2", "5M", "name", "get", "COPY", "3.11"}
"""Values of which each option takes at least one."""


def call_of(command: Command, args: tuple[Arg, ...], words: list[str]) -> Call:
    """Parse words by some of a command's arguments, none of which must be given."""
    optional = tuple(Arg(*arg.flags, **{**arg.options, "required": False}) for arg in args)
    return command._replace(args=optional).call(words)


def parsed(command: Command, words: list[str]) -> dict[str, object] | None:
    """Return what options say by themselves, whatever else the command wants; None when they are refused."""
    options = tuple(arg for arg in command.args if arg.is_option)
    try:
        return call_of(command, options, words).arguments
    except UsageError as error:
        if "given twice; it takes one value; try: help" in str(error) or "not allowed with" in str(error):
            return None
        raise


def sample(command: Command, arg: Arg) -> list[str]:
    """Return an option with a value that it takes."""
    flag = max(arg.flags, key=len)
    if "action" in arg.options and arg.options["action"] != "append":
        return [flag]
    columns = columns_of(command.name) or [] if flag == "--columns" else []
    for value in [*columns, *arg.options.get("choices", ()), *sorted(SAMPLES)]:
        try:
            call_of(command, () if arg in COMMON else (arg,), [flag, value])
        except UsageError:
            continue
        return [flag, value]
    raise AssertionError(f"no sample for {flag}")


@pytest.mark.parametrize(("command", "arg"), OPTIONS)
def test_repeated_option_adds_up_or_is_refused(command: Command, arg: Arg) -> None:
    """A list has both values, a flag may be said twice, and anything else is one clear line."""
    once = sample(command, arg)
    twice = parsed(command, [*once, *once])
    action = arg.options.get("action")
    if action == "append":
        assert twice is not None
        assert len(twice[arg.dest]) == 2  # type: ignore[arg-type]
    elif action is None:
        assert twice is None
    else:
        assert twice == parsed(command, once)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("get", ["--on-proxy", "--on-node"]),
        ("map", ["--fail-fast", "--keep-going"]),
        ("acl grant", ["--read", "--write"]),
        ("deploy", ["-c", "a", "--container", "b"]),
        ("get", ["--storlet=a.py", "--storlet", "b.py"]),
        ("ls", ["--json", "--format", "csv"]),
        ("ls", ["--format", "csv", "--json"]),
    ],
)
def test_contradicting_options_are_refused(name: str, words: list[str]) -> None:
    """Two flags for one thing, and two spellings of one option."""
    name, _, verb = name.partition(" ")
    command = Registry().get(name)
    assert parsed(command.action(verb) or command, words) is None


def test_repeated_list_goes_on_in_order() -> None:
    """Values keep the order of the line, across short and long spellings."""
    words = ["x.py", "-d", "a,b", "--dependencies", "c", "-i", "p", "-i", "q"]
    arguments = Registry().get("deploy").call(words).arguments
    assert arguments["dependencies"] == ["a,b", "c"]
    assert arguments["mapping"] == ["p", "q"]


def test_repeated_option_is_refused_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the options in front of it as well; secrets are not repeated in the message."""
    single = [
        action
        for action in make_parser()._actions
        if action.option_strings and action.nargs is None and type(action).__name__ != "_AppendAction"
    ]
    assert len(single) > 40
    for action in single:
        value = action.choices[0] if action.choices else "1"  # type: ignore[index]
        with pytest.raises(SystemExit, match="2"):
            make_parser().parse_args([action.option_strings[-1], value] * 2)
        (line,) = capsys.readouterr().err.splitlines()
        assert "given twice; it takes one value" in line
    assert make_parser().parse_args(["--debug", "--json", "-k"] * 2).keep_going


# --- -c and -f


def test_lines_and_files_run_in_order(run: Runner, tmp_path: Path) -> None:
    """Every -c, or every -f, with the same definitions and arguments."""
    outcome = run("-c", "!echo a ${X} ${1}", "-c", "!echo b ${X} ${1}", "-D", "X=x", "--", "1")
    assert (outcome.status, outcome.err, outcome.text) == (0, "", "a x 1\nb x 1\n")
    (tmp_path / "a").write_text("!echo a ${X} ${1}\n")
    words = ["-f", str(tmp_path / "a"), "-f", "-", "-f", str(tmp_path / "a"), "-D", "X=x", "--", "1"]
    outcome = run(*words, stdin=b"!echo b\n")
    assert (outcome.status, outcome.err, outcome.text) == (0, "", "a x 1\nb\na x 1\n")


@pytest.mark.parametrize(
    ("words", "status", "text", "message"),
    [
        (["-c", "!echo 1", "-c", "stat weather/nope", "-c", "!echo 3"], 4, "1\n", "-c (2):1: path:/weather/nope: not"),
        (["-c", "stat weather/nope", "-c", "!echo 2"], 4, "", "-c:1: path:/weather/nope: not found"),
        (["-k", "-c", "stat weather/nope", "-c", "!echo 2"], 4, "2\n", "-c:1: path:/weather/nope: not found"),
        (["-c", "quit", "-c", "!echo 2"], 0, "", ""),
        (["-c", "!echo 1", "-c", "get 'open"], 2, "", "-c (2):1: the quote ' isn't closed"),
        (["-n", "-c", "gett", "-c", "!echo 2"], 127, "", "-c:1: unknown command 'gett'"),
        (["-f", "a", "-f", "nowhere"], 4, "", "no local file nowhere"),
        (["-c", "!echo 1", "-f", "a"], 2, "", "-c or -f, not both"),
        (["-f", "-", "-f", "-"], 2, "", "-f - twice: standard input can be read only once"),
        (["-c", "upload c/o <<E", "-c", "E"], 2, "", "-c:1: the heredoc isn't closed"),
    ],
)
def test_lines_end_as_a_file_does(
    run: Runner, tmp_path: Path, words: list[str], status: int, text: str, message: str
) -> None:
    """At the first failure, with its status; what can't be read is told before anything runs."""
    (tmp_path / "a").write_text("!echo 1\n")
    outcome = run(*(str(tmp_path / "a") if word == "a" else word for word in words))
    assert (outcome.status, outcome.text) == (status, text)
    assert message in (one_line(outcome) if message else outcome.err)


def test_option_of_an_alias_is_not_overridden_in_silence(run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    """A line that repeats one of its alias's options is refused as any other."""
    with Session(Console(run.environ)) as session:
        shell = make_class(Registry())(session, Console(run.environ), Registry())
        shell.onecmd_plus_hooks("alias create g get --storlet a.py")
        shell.onecmd_plus_hooks("g c/o --storlet b.py")
    assert shell.status == 2
    assert "--storlet: given twice" in capsys.readouterr().err
