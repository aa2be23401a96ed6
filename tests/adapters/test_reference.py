"""The command reference: it is complete, and the manual page is up to date."""

from __future__ import annotations

import re

import pytest

from storlet_shell.adapters.cli import reference
from storlet_shell.results import Result, Text
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg
from storlet_shell.spec.command import Command, command
from storlet_shell.spec.registry import Registry
from tests.support.lines import ROOT

REGISTRY = Registry()


@pytest.fixture(params=REGISTRY.builtin_names())
def each(request: pytest.FixtureRequest) -> Command:
    """Give each built-in command."""
    return REGISTRY.get(request.param)


def test_the_manual_page_is_up_to_date() -> None:
    """What is installed says what the commands are now; ``make derived`` rewrites it."""
    assert (ROOT / "docs" / "storlet-shell.1").read_text() == reference.manual(REGISTRY)


def test_every_option_and_argument_is_described(each: Command) -> None:
    """A page has each option with its help, each argument, each alias; the manual page too."""
    page, manual = reference.page(each), reference.manual(REGISTRY).replace("\\-", "-")
    assert page.startswith(f"# {each.name}\n")
    for arg in each.args:
        assert not arg.is_option or arg.options["help"], f"{each.name} {arg.flags[0]} lacks its help"
        for spelling in arg.flags if arg.is_option else [str(arg.options.get("metavar", ""))]:
            assert spelling in page
            assert spelling in manual
    for name in each.aliases:
        assert f"`{name}`" in page


def test_failures_have_their_statuses(each: Command) -> None:
    """What a docstring says of errors is in the page with the exit status; no field of it is left."""
    named = re.findall(r":raises (\w+):", each.run.__doc__ or "")
    assert len(reference.failures(each)) == len(named)
    assert ":raises" not in reference.page(each)


def test_text_is_no_markup() -> None:
    """What a help text holds is shown as it is: in Markdown, and in roff, where a line may not begin with a dot."""

    @command("odd", "x", Arg("--odd", help=".50%% of a_b <c> \\ *d*", metavar="A|B"))
    def odd(session: Session, odd: str | None = None) -> Result:
        """Do this.

        'Quoted' by --odd or $(x).

        :raises NotFoundError: when it is
            gone
        """
        return Text("")

    page = reference.page(odd)
    assert "`--odd A|B`\n: .50% of a\\_b \\<c\\> \\\\ \\*d\\*" in page
    assert "'Quoted' by `--odd` or $(x)." in page
    assert "`4`\n: when it is gone" in page
    registry = Registry()
    registry.builtin_names = lambda: ["odd"]  # type: ignore[method-assign]
    registry.get = lambda name: odd  # type: ignore[method-assign]
    lines = reference.manual(registry).splitlines()
    assert "\\&.50% of a_b <c> \\e *d*" in lines
    assert "\\&'Quoted' by \\-\\-odd or $(x)." in lines


def test_every_variable_of_our_own_is_named() -> None:
    """The environment's variables that the code reads are those that the reference lists."""
    read = {
        name
        for file in (ROOT / "storlet_shell").rglob("*.py")
        for name in re.findall(r'"(STORLET_SHELL_[A-Z_]+)"', file.read_text())
    }
    assert {name for name in reference.ENVIRONMENT if name.startswith("STORLET_SHELL_")} == read


def test_every_status_says_what_it_means() -> None:
    """The exit statuses are all there, each with a text of its own."""
    told = reference.statuses()
    assert [entry.term for entry in told] == ["0", "1", "2", "3", "4", "5", "6", "7", "127", "130", "141"]
    assert len({entry.text for entry in told}) == len(told)


def test_every_command_is_in_the_index() -> None:
    """The index links every command once, with its summary."""
    index = reference.index(REGISTRY)
    for name in REGISTRY.builtin_names():
        assert index.count(f"| [{name}]({name}.md) | ") == 1
