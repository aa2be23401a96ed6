"""The command registry: specs that match their functions, names, help, plug-ins, and imports."""

from __future__ import annotations

import argparse
import configparser
import inspect
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import pytest

from storlet_shell.batches.mapping import MapOptions
from storlet_shell.batches.reducing import ReduceOptions
from storlet_shell.commands import arguments as _arguments
from storlet_shell.embedded import control
from storlet_shell.errors import UnknownCommandError, UsageError
from storlet_shell.select.options import SelectOptions
from storlet_shell.spec.arguments import COMMON, Arg, Kind
from storlet_shell.spec.command import Command
from storlet_shell.spec.parser import Parser
from storlet_shell.spec.registry import Registry, parse
from storlet_shell.values import StorletName
from tests.support.lines import ROOT, Runner
from tests.support.variants import fast_and_slow

COMMANDS = Registry().all()
each_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
RUNNABLE = [line for command in COMMANDS for line in command.lines]
"""What a line can run: each command, or each of its actions."""
each_line = pytest.mark.parametrize("command", RUNNABLE, ids=lambda command: command.name)


def signature_of(command: Command) -> inspect.Signature:
    """Return the signature of what a line runs."""
    assert command.run is not None
    return inspect.signature(command.run)


def parameters_of(command: Command) -> dict[str, inspect.Parameter]:
    """Return the parameters of a command's function, without the session; what is passed on whole is taken apart."""
    passed_on = {
        "invocation": list(inspect.signature(_arguments.make_invocation).parameters.values())[1:],
        "map_options": inspect.signature(MapOptions).parameters.values(),
        "reduce_options": inspect.signature(ReduceOptions).parameters.values(),
        "select_options": inspect.signature(SelectOptions).parameters.values(),
    }
    found: dict[str, inspect.Parameter] = {}
    for parameter in list(signature_of(command).parameters.values())[1:]:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            found.update({each.name: each for each in passed_on[parameter.name]})
        else:
            found[parameter.name] = parameter
    return found


# --- specs


@each_line
def test_spec_fits_the_function(command: Command) -> None:
    """Each argument has the parameter that receives it, and each parameter an argument or the body."""
    given = {arg.dest for arg in command.args} | ({command.body} if command.body else set())
    assert given == set(parameters_of(command))


@each_line
def test_defaults_of_spec_and_function_agree(command: Command) -> None:
    """A call from Python without an argument means what a line without it means."""
    parser = command.parser(Parser)
    for action in parser._actions:
        parameter = parameters_of(command).get(action.dest)
        if parameter is None or action.required or parameter.default is inspect.Parameter.empty:
            continue
        assert action.default == parameter.default, action.dest


@each_line
def test_what_the_line_must_give_the_function_must_have(command: Command) -> None:
    """A parameter without a default is a required argument, or a choice with a default of its own."""
    parser = command.parser(Parser)
    actions = {action.dest: action for action in parser._actions}
    for name, parameter in parameters_of(command).items():
        if parameter.default is inspect.Parameter.empty and name != command.body and name != "storlet":
            assert actions[name].required or actions[name].default is not None, name


@each_line
def test_invocation_is_passed_on_whole(command: Command) -> None:
    """A command that takes ``**invocation`` has all the arguments that make one; so with ``**map_options``."""
    parameters = signature_of(command).parameters.values()
    takes = {parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.VAR_KEYWORD}
    assert ("invocation" in takes) == (set(_arguments.INVOCATION) <= set(command.args))
    assert ("map_options" in takes) == ({*_arguments.PLACES, *_arguments.PACE} <= set(command.args))


@each_line
def test_function_is_plainly_typed(command: Command) -> None:
    """Every parameter and the result are annotated; the first one is the session."""
    signature = signature_of(command)
    assert next(iter(signature.parameters)) == "session"
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty


@each_line
def test_command_is_named_by_its_module(command: Command) -> None:
    """One verb, one module, one name."""
    assert command.run is not None
    assert command.run.__module__ == f"storlet_shell.commands.{command.name.split()[0]}"


@each_line
def test_option_means_the_same_everywhere(command: Command) -> None:
    """One spelling has one destination in all commands, and short letters are the known ones.

    But ``--header`` is a table's header in the commands that join tables, and an HTTP header in all others; and ``-r``
    is pip's in the command that takes packages.
    """
    joins = [other for other in RUNNABLE if any("--concat" in arg.flags for arg in other.args)]
    packs = [other for other in RUNNABLE if any("--package" in arg.flags for arg in other.args)]
    meanings = {
        flag: arg.dest
        for other in RUNNABLE
        for arg in (*other.args, *COMMON)
        for flag in arg.flags
        if flag != "--header" or (other in joins) == (command in joins)
        if flag != "-r" or (other in packs) == (command in packs)
    }
    for arg in command.args:
        for flag in arg.flags:
            assert meanings[flag] == arg.dest or not arg.is_option, flag
            if flag.startswith("-") and not flag.startswith("--"):
                assert flag in ("-i", "-o", "-c", "-d", "-p", "-j", "-l", "-y", "-r", "-m", "-H", "-s", "-f", "-n"), (
                    flag
                )


@each_line
def test_every_option_has_help(command: Command) -> None:
    """Every option has help, and no help breaks argparse's formatting."""
    for arg in command.args:
        if arg.is_option and "help" not in arg.options:
            assert arg.kind is not None or arg.options.get("metavar"), arg.flags
    text = command.parser(Parser).format_help()
    assert command.parser(Parser).prog == command.name
    for arg in command.args:
        if arg.is_option:
            assert arg.flags[0] in text


@each_line
def test_help_is_the_docstring(command: Command) -> None:
    """The help begins with the first sentence of the docstring, and leaves out what is for programmers."""
    assert command.run is not None
    doc = inspect.cleandoc(command.run.__doc__ or "")
    first = doc.splitlines()[0]
    text = command.parser(Parser).format_help()
    assert first in " ".join(text.split())
    assert first.endswith((".", ":")) or "." in doc
    assert ":raises" not in text
    assert ":param" not in text


@each_line
def test_summary_is_one_sentence(command: Command) -> None:
    """Lists of commands show one short sentence."""
    assert command.summary.endswith(".")
    assert len(command.summary) <= 80
    assert "\n" not in command.summary


@each_command
def test_help_of_a_command_is_shown(command: Command, run: Runner) -> None:
    """``help COMMAND`` and ``COMMAND --help`` show the same page, and need no identity."""
    asked, told = run("help", command.name), run(command.name, "--help")
    assert (asked.status, told.status, asked.err, told.err) == (0, 0, "", "")
    assert asked.text.startswith(told.text.rstrip("\n"))
    for alias in command.aliases:
        assert alias in asked.text


@each_line
def test_kinds_are_known(command: Command) -> None:
    """What completes an argument is one of the kinds; a file, container or object says so."""
    for arg in command.args:
        assert arg.kind is None or isinstance(arg.kind, Kind)
        if arg.options.get("metavar") in ("FILE", "path:/CONTAINER/OBJECT", "CONTAINER", "CONTAINER/OBJECT"):
            assert arg.kind is not None


def test_store_and_json_are_for_every_command() -> None:
    """No command takes the two common options for itself."""
    common = {flag for arg in COMMON for flag in arg.flags}
    for command in RUNNABLE:
        assert not common & {flag for arg in command.args for flag in arg.flags}


# --- names


def test_commands_of_the_project_are_there() -> None:
    """The verbs that users were promised, and the old names of the notebooks' magics."""
    registry = Registry()
    promised = "deploy get put copy upload enable ls rm mkdir storlets undeploy logs local whoami help"
    assert set(promised.split()) <= {command.name for command in registry}
    assert registry.get("storletapp") is registry.get("deploy")
    assert registry.get("uploadfile") is registry.get("upload")


def test_names_and_aliases_are_unique() -> None:
    """No two commands answer to one name."""
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert len(names) == len(set(names))


@each_command
def test_command_is_found_by_every_name(command: Command) -> None:
    """A fresh registry finds it by name and by alias."""
    for name in (command.name, *command.aliases):
        assert Registry().get(name).description == command.description


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("gte", "get"), ("copi", "copy"), ("storlet", "storlets"), ("uplaod", "upload"), ("storletap", "storletapp")],
)
def test_unknown_command_names_the_closest(typed: str, meant: str) -> None:
    """A slip of the finger is answered by what was meant."""
    with pytest.raises(UnknownCommandError, match=rf"unknown command '{typed}'; did you mean .*\b{meant}\b"):
        Registry().get(typed)


@pytest.mark.parametrize("typed", ["", "xyzzy", "_arguments", "__init__", "get.py", "../get", "a b", "日本", "\n", "-"])
def test_unknown_command_without_a_neighbour_points_to_help(typed: str) -> None:
    """Names that look like modules or files are no commands either."""
    with pytest.raises(UnknownCommandError) as caught:
        Registry().get(typed)
    assert len(str(caught.value).splitlines()) == 1


def test_unknown_command_ends_with_127(run: Runner) -> None:
    """The same status as in other shells."""
    outcome = run("xyzzy")
    assert (outcome.status, outcome.out) == (127, b"")
    assert len(outcome.err.splitlines()) == 1


# --- lines


def test_line_without_a_command_is_a_usage_error() -> None:
    """An empty line has nothing to run."""
    with pytest.raises(UsageError):
        parse(Registry(), [])


@each_line
def test_unknown_option_is_one_line(command: Command, run: Runner) -> None:
    """A wrong option ends with 2 and one line that names the help, never argparse's usage."""
    outcome = run(*command.name.split(), "--no-such-option")
    assert (outcome.status, outcome.out) == (2, b"")
    assert len(outcome.err.splitlines()) == 1
    assert f"help {command.name}" in outcome.err


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("mv -f c/a c/b", "did you mean --force?"),
        ("rm -f c/a", "did you mean --yes?"),
        ("ls -z", "try: help ls"),
        ("ls sales/a.csv sales/b.csv", "has your shell expanded a pattern? then quote it"),
        ("ls c/a c/b", "it takes [CONTAINER[/PREFIX]]; try: help ls"),
    ],
)
def test_habits_of_other_tools_are_understood(
    line: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other letters for options, and patterns that the shell has replaced by local files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "sales" / name).touch()
    with pytest.raises(UsageError) as caught:
        parse(Registry(), line.split())
    assert str(caught.value).endswith(hint)


@each_line
def test_options_are_not_abbreviated(command: Command) -> None:
    """A script that abbreviates would break with the next option."""
    for arg in command.args:
        if arg.is_option and arg.flags[0].startswith("--") and len(arg.flags[0]) > 6:
            with pytest.raises(UsageError):
                command.call([arg.flags[0][:-2]])


@each_line
def test_body_goes_only_where_one_is_taken(command: Command) -> None:
    """A cell or heredoc after a command that takes none is a mistake, not ignored."""
    if not command.body:
        with pytest.raises(UsageError, match="takes no body"):
            command.bind({}, b"text")
    else:
        assert command.bind({}, b"text").arguments[command.body] == b"text"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("storlets warm.py", "try: storlets show warm.py"),
        ("dependencies data.csv", "try: dependencies show data.csv"),
        ("storlets shw warm.py", "did you mean show?"),
        ("local strat", "did you mean start?"),
        ("copy c/o c/p --verb COPI", "did you mean COPY?"),
        ("acl photos", "try: help acl"),
    ],
)
def test_word_that_is_no_choice_is_answered_by_what_may_be_meant(line: str, hint: str) -> None:
    """A name where an action is wanted, or a slip of the finger."""
    with pytest.raises(UsageError, match=rf"(invalid choice: |unknown action ).*; {re.escape(hint)}$"):
        parse(Registry(), line.split())


def test_options_may_stand_between_words() -> None:
    """Where a user puts them who has thought of them late, or early."""
    for words in (["rm", "-y", "a", "b"], ["rm", "a", "-y", "b"], ["rm", "a", "b", "-y"]):
        call = parse(Registry(), ["dependencies", *words])
        assert call.command.name == "dependencies rm"
        assert call.arguments.items() >= {"names": [StorletName("a"), StorletName("b")], "yes": True}.items()


def test_words_after_two_hyphens_are_no_options() -> None:
    """A name that begins with a hyphen can be given."""
    assert parse(Registry(), ["get", "--", "-c/-o"]).arguments["path"].name == "-o"


def test_call_stores_its_result(run: Runner) -> None:
    """``-o`` puts the result into the user's variables; a name that is none is refused first."""
    from storlet_shell.session import Session

    variables: dict[str, object] = {}
    result = parse(Registry(), ["help", "-o", "page"]).run(Session(variables=variables))
    assert variables == {"page": result}
    for name in ("1a", "a b", "class", ""):
        with pytest.raises(UsageError):
            parse(Registry(), ["help", "-o", name]).run(Session(variables=variables))


def test_own_parser_class_is_used() -> None:
    """A front end can bring its parser."""

    class Own(Parser):
        pass

    assert isinstance(Registry().get("deploy").parser(Own), Own)


@pytest.mark.parametrize(
    ("arg", "dest", "is_option"),
    [
        (Arg("name"), "name", False),
        (Arg("--print-result"), "print_result", True),
        (Arg("-c", "--container"), "container", True),
        (Arg("-o", dest="store"), "store", True),
        (Arg("-l"), "l", True),
    ],
)
def test_argument_knows_its_destination_as_argparse_does(arg: Arg, dest: str, is_option: bool) -> None:
    """Spec and parser agree on the name of the parameter."""
    action = argparse.ArgumentParser().add_argument(*arg.flags, **arg.options)
    assert (arg.dest, action.dest, arg.is_option) == (dest, dest, is_option)


# --- entry points


def entry_points() -> dict[str, str]:
    """Return the commands' entry points in setup.cfg."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    lines = parser["options.entry_points"].get("storlet_shell.commands", "").split("\n")
    return dict(map(str.strip, line.split("=", 1)) for line in lines if line.strip())  # type: ignore[misc]


@each_command
def test_built_in_command_has_its_entry_point(command: Command) -> None:
    """Built-in and third-party commands come from one namespace."""
    value = entry_points()[command.name]
    module, _, attribute = value.partition(":")
    assert getattr(import_module(module), attribute).lines == command.lines


def test_entry_points_are_the_built_in_commands() -> None:
    """No entry point outlives its command."""
    assert set(entry_points()) == set(Registry().builtin_names())


# --- what a line imports


HEAVY = {"cmd2", "rich", "IPython", "stevedore", "prompt_toolkit", "swift", "storlets", "eventlet", "pkg_resources"}
HEAVY |= {"argcomplete"}
CODE = dedent(
    """
    import json, sys
    from storlet_shell.adapters.cli.main import main
    status = main(sys.argv[2:])
    open(sys.argv[1], "w").write(json.dumps([status, sorted({name.split(".")[0] for name in sys.modules})]))
    """
)
LINES = {
    "help": ["help", "get"],
    "whoami": ["whoami"],
    "ls": ["ls"],
    "get": ["get", "no-such-container/o"],
    "mkdir": ["mkdir", "imports", "--dry-run"],
    "local": ["local", "status"],
    "mistake": ["get"],
}
FAST = ("get", "help")


@pytest.mark.parametrize("name", fast_and_slow(FAST, [name for name in LINES if name not in FAST]))
def test_one_shot_line_imports_no_front_end(run: Runner, tmp_path: Path, name: str) -> None:
    """A built-in command over a real server pays for neither cmd2 nor rich nor IPython nor stevedore."""
    report = tmp_path / "report"
    environ = {**run.environ, "STORLET_SHELL_DATA": str(tmp_path / "data")}
    subprocess.run(
        [sys.executable, "-c", CODE, str(report), *LINES[name]], env=environ, capture_output=True, check=True
    )
    status, loaded = json.loads(report.read_text())
    assert status in (0, 2, 4)
    assert not HEAVY & set(loaded)


def test_commands_are_defined_without_http() -> None:
    """A notebook that loads the extension, or a shell that starts, imports all of them before the first request."""
    code = "import sys; from storlet_shell.spec.registry import Registry; Registry().all(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "storlet_shell.commands.map" in loaded
    assert not {"requests", "urllib3", "keystoneauth1", "keystoneclient", "swiftclient"} & set(loaded)


def test_help_and_mistakes_import_no_http(run: Runner, tmp_path: Path) -> None:
    """Lines that need no server don't import HTTP libraries."""
    report = tmp_path / "report"
    for words in (["help", "get"], ["get"], ["--version"]):
        code = CODE.replace(
            "status = main(sys.argv[2:])", "try:\n    status = main(sys.argv[2:])\nexcept SystemExit: status = 0"
        )
        subprocess.run(
            [sys.executable, "-c", code, str(report), *words], env=run.environ, capture_output=True, check=True
        )
        assert not {"requests", "urllib3", "keystoneauth1", "swiftclient"} & set(json.loads(report.read_text())[1])


def test_process_of_a_line_warns_about_nothing(run: Runner, swift: control.Running) -> None:
    """With warnings as errors, a real process of a real line is silent on standard error."""
    outcome = run.process("ls")
    assert (outcome.status, outcome.err) == (0, "")


def test_help_is_not_coloured_by_python() -> None:
    """From 3.14 on, argparse does that unless it is told otherwise; the escapes would be shown as what they are."""
    assert Registry().get("ls").parser(Parser).color is False
