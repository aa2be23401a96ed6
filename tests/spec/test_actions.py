"""Commands with actions: the arguments of each action, how a line names one, and actions in plug-ins."""

from __future__ import annotations

import pytest

from storlet_shell.adapters.completion.cursor import candidates, hint
from storlet_shell.errors import UnknownCommandError, UsageError
from storlet_shell.plugin import Action, Arg, Result, Session, Text, command, group
from storlet_shell.spec.command import Command
from storlet_shell.spec.registry import Registry, parse
from tests.support.lines import Runner, one_line

GROUPS = [entry for entry in Registry() if entry.actions]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("local stop --port 99", "local stop: --port goes with local start; try: help local stop"),
        ("local status --user admin", "local status: --user goes with local env; try: help local status"),
        ("local --user admin", "local status: --user goes with local env; try: help local status"),
        (
            "dependencies list --force",
            "dependencies list: --force goes with dependencies rm; try: help dependencies list",
        ),
        ("storlets list --grants", "storlets list: --grants goes with storlets show; try: help storlets list"),
        ("storlets --grants", "storlets list: --grants goes with storlets show; try: help storlets list"),
        ("acl list c --read", "acl list: --read goes with acl grant and acl revoke; try: help acl list"),
        ("local --prot 99", "local: unknown option --prot; did you mean --port?"),
        ("acl", "acl: an action is missing: list, grant or revoke; try: help acl"),
        ("acl -- --read", "acl: unknown action '--read'; try: help acl"),
    ],
)
def test_option_of_another_action_is_refused(run: Runner, line: str, message: str) -> None:
    """One line names the option's action; the status is 2."""
    outcome = run(*line.split())
    assert (outcome.status, one_line(outcome)) == (2, message)


@pytest.mark.parametrize(
    "line",
    ["acl list c extra", "dependencies show", "dependencies rm", "storlets list s.py", "storlets show", "acl grant c"],
)
def test_words_that_an_action_does_not_take_are_refused(run: Runner, line: str) -> None:
    """By the parser, which names the action and its help."""
    outcome = run(*line.split())
    verb = " ".join(line.split()[:2])
    assert outcome.status == 2
    assert one_line(outcome).startswith(f"{verb}: ")
    assert one_line(outcome).endswith(f"try: help {verb}")


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("local", "local status", {}),
        ("local start --port 99", "local start", {"port": 99}),
        ("local --port 99 start", "local start", {"port": 99}),
        ("local --port=99 start --proxies 2", "local start", {"port": 99, "proxies": 2}),
        ("storlets -c other", "storlets list", {"container": "other"}),
        ("storlets -c show show s.py", "storlets show", {"container": "show", "storlet": "s.py"}),
        ("storlets show show", "storlets show", {"storlet": "show"}),
        ("acl -- list c", "acl list", {"container": "c"}),
        ("acl --read grant c u", "acl grant", {"container": "c", "who": "u", "right": "read"}),
    ],
)
def test_action_is_found_among_options(line: str, name: str, arguments: dict[str, object]) -> None:
    """Before or after options, and never in the value of an option."""
    call = parse(Registry(), line.split())
    assert call.command.name == name
    for key, value in arguments.items():
        assert str(call.arguments[key]) == str(value)


@pytest.mark.parametrize("entry", GROUPS, ids=lambda entry: entry.name)
def test_help_lists_the_actions_and_shows_each(run: Runner, entry: Command) -> None:
    """With its summary; ``help COMMAND ACTION`` and ``COMMAND ACTION --help`` show one."""
    words = " ".join(run("help", entry.name).text.split())
    for action in entry.actions:
        assert f"{action.verb} {action.summary}" in words
        page = run("help", *action.name.split()).text
        assert page.startswith(f"usage: {action.name} ")
        assert page == run(*action.name.split(), "--help").text
        assert run("-c", f"help {action.name}").text == page
    assert run(entry.name, "--help").text == run("help", entry.name).text


def test_names_that_are_no_actions_have_no_help(run: Runner) -> None:
    """Including names after a command without actions."""
    assert run("help", "local", "strat").status == UnknownCommandError.exit_status
    assert one_line(run("help", "local", "strat")) == "local: unknown action 'strat'; did you mean start?"
    assert one_line(run("help", "get", "it")).startswith("get: no action 'it', as the command has no actions")


@pytest.mark.parametrize(
    ("line", "word", "offered"),
    [
        ("local", "", ["env", "java-api", "reset", "start", "status", "stop"]),
        ("local", "st", ["start", "status", "stop"]),
        ("local", "--po", ["--port"]),
        ("local stop", "", ["-o", "--json", "--format", "--columns"]),
        ("local stop", "-", ["-o", "--json", "--format", "--columns"]),
        ("local start", "--p", ["--port", "--proxies"]),
        ("local start --auth", "", ["tempauth", "keystone"]),
        ("local --auth", "", ["tempauth", "keystone"]),
        ("local --port", "", []),
        ("local env --user", "tester_", ["tester_member"]),
        ("dependencies list", "--f", ["--format"]),
        ("dependencies rm", "--f", ["--force", "--format"]),
        ("acl list c", "--", ["--dry-run", "--json", "--format", "--columns"]),
        ("local nothing", "", ["-o", "--json", "--format", "--columns"]),
        ("help", "depl", ["deploy"]),
        ("help local", "s", ["start", "status", "stop"]),
        ("help get", "", ["-o", "--json", "--format", "--columns"]),
    ],
)
def test_tab_offers_what_fits_the_action(line: str, word: str, offered: list[str]) -> None:
    """Actions where one may stand, and an action's own options after it."""
    with Session() as session:
        found = [entry.text for entry in candidates(session, Registry(), line.split(), word, deadline=5)]
    assert [text for text in found if text != "-o" or "-o" in offered] == offered


def test_an_argument_is_described_where_nothing_completes_it() -> None:
    """The shell shows the description above the prompt."""
    assert hint(Registry(), ["local", "start", "--port"], "") == "PORT: port (default: as last time, or a free one)"
    assert hint(Registry(), ["local", "start"], "") == hint(Registry(), ["nope"], "") == hint(Registry(), [], "") == ""


def test_a_plug_in_writes_actions_and_plain_commands() -> None:
    """By the same words as the built-in ones; an action may take the place of the command's name alone."""

    def add(session: Session, name: str) -> Result:
        """Add one."""
        return Text(f"added {name}")

    def everything(session: Session, name: str = "all") -> Result:
        """List them."""
        return Text(name)

    tags = group(
        "tags",
        "List or add tags.",
        Action("list", "List the tags.", Arg("name", nargs="?", default="all"), run=everything, default=True),
        Action("add", "Add a tag.", Arg("name"), run=add),
    )
    with Session() as session:
        assert [*tags.call(["add", "x"]).run(session).render()] == ["added x"]
        assert [*tags.call([]).run(session).render()] == ["all"]
        assert [*tags.call(["x"]).run(session).render()] == ["x"]

    @command("tag", "Show a tag.", Arg("name"))
    def tag(session: Session, name: str) -> Result:
        """Show a tag."""
        return Text(name)

    with Session() as session:
        assert [*tag.call(["x"]).run(session).render()] == ["x"]
    with pytest.raises(UsageError, match="tags add takes no body"):
        tags.call(["add", "x"], b"body")
