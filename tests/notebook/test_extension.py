"""Loading and unloading: which magics appear, which stay as they were, and that nothing is left behind."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from storlet_shell.adapters.notebook.usage import usage
from storlet_shell.plugins.installed import Plugin
from storlet_shell.results import Text
from storlet_shell.spec import registry
from storlet_shell.spec.arguments import Arg
from storlet_shell.spec.command import Command
from storlet_shell.spec.registry import Registry
from tests.notebook.cells import Cells
from tests.support.lines import ROOT


def magics(shell: InteractiveShell) -> dict[str, dict[str, Any]]:
    """Return all magics there are."""
    return {kind: dict(found) for kind, found in shell.magics_manager.magics.items()}


def test_every_command_is_a_magic(stranger: Cells) -> None:
    """Under its name and aliases, with a cell where it takes a body, unless IPython has that name."""
    found = magics(stranger.shell)
    for command in Registry():
        for name in (command.name, *command.aliases):
            assert name in found["line"]
            if name not in ("ls", "rm", "mkdir"):
                assert (name in found["cell"]) == bool(command.body)
    assert "storlet" in found["line"]
    assert "storlet" in found["cell"]


HELLO = Command("hello", "Greet.", (Arg("name"),), lambda session, name: Text(f"hello {name}"))
"""A command as another package defines it."""


def test_plugin_command_is_a_magic(bare_shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of another package needs not a line of code here."""
    entry = EntryPoint("hello", f"{__name__}:HELLO", "storlet_shell.commands")
    monkeypatch.setattr(registry, "others_of", lambda _: [Plugin("hello", entry, "another", "1.0")])
    bare_shell.run_line_magic("load_ext", "storlet_shell")
    try:
        cells = Cells(bare_shell)
        assert cells.good("%hello world").text == "hello world"
        assert cells.good("%storlet hello you").text == "hello you"
    finally:
        bare_shell.run_line_magic("unload_ext", "storlet_shell")


def test_unloading_leaves_nothing_behind(bare_shell: InteractiveShell) -> None:
    """No magic, matcher, or session remains; reloading starts over."""
    before, matchers = magics(bare_shell), list(bare_shell.Completer.custom_matchers)
    attributes = set(vars(bare_shell.magics_manager.user_magics))
    for line in ("load_ext", "reload_ext", "reload_ext", "unload_ext"):
        bare_shell.run_line_magic(line, "storlet_shell")
    assert magics(bare_shell) == before
    assert bare_shell.Completer.custom_matchers == matchers
    assert set(vars(bare_shell.magics_manager.user_magics)) == attributes
    assert "storlet_shell" not in bare_shell.meta


def test_taken_names_are_left_alone(bare_shell: InteractiveShell) -> None:
    """IPython's own and the user's: named in one line, and reached through %storlet."""

    def mine(line: str) -> str:
        return f"mine {line}"

    bare_shell.register_magic_function(mine, magic_name="get")
    try:
        cells = Cells(bare_shell)
        loaded = cells.good("%load_ext storlet_shell")
        assert loaded.out == ""
        assert loaded.err.count("\n") == 1
        assert all(name in loaded.err for name in ("%get", "%ls", "%rm", "%mkdir", "%storlet"))
        assert all(name in loaded.err for name in ("%sget", "%sls", "%srm", "%smkdir"))
        assert "Download an object" in bare_shell.object_inspect("%sget")["docstring"]
        assert cells.good("%get x").value == "mine x"
        assert isinstance(cells("%storlet get").error, UsageError)
        cells.good("%unload_ext storlet_shell")
        assert cells.good("%get x").value == "mine x"
    finally:
        bare_shell.magics_manager.magics["line"].pop("get", None)
        if "storlet_shell" in bare_shell.extension_manager.loaded:
            bare_shell.run_line_magic("unload_ext", "storlet_shell")


def test_substitute_of_a_taken_name_may_be_taken_as_well(bare_shell: InteractiveShell) -> None:
    """What is the user's stays so, and the message doesn't name it."""
    bare_shell.register_magic_function(lambda line: f"mine {line}", magic_name="sls")
    try:
        cells = Cells(bare_shell)
        err = cells.good("%load_ext storlet_shell").err
        assert "%srm" in err
        assert "%sls" not in err
        assert cells.good("%sls x").value == "mine x"
        cells.good("%unload_ext storlet_shell")
        assert cells.good("%sls x").value == "mine x"
    finally:
        bare_shell.magics_manager.magics["line"].pop("sls", None)


def test_taken_name_works_and_completes_under_its_substitute(cell: Cells, container: str) -> None:
    """A listing by ``%sls``; Tab offers containers there, and options."""
    assert container in [row.name for row in cell.good("%sls").value]
    assert f"%sls {container}/" in cell.complete(f"%sls {container[:-1]}")
    assert "%srm --recursive" in cell.complete("%srm --rec")
    assert isinstance(cell("%sls --nope").error, UsageError)


def test_magic_of_the_user_survives_unloading(stranger: Cells) -> None:
    """One that was defined after loading is the user's."""
    stranger.good("def mine(line):\n    return 1\nget_ipython().register_magic_function(mine, magic_name='whoami')")
    stranger.good("%unload_ext storlet_shell")
    assert stranger.good("%whoami").value == 1
    del stranger.shell.magics_manager.magics["line"]["whoami"]


def test_question_mark_shows_the_help(stranger: Cells) -> None:
    """``%get?`` shows how the magic is used, without what only a parser would say."""
    page = stranger.shell.object_inspect("%get")["docstring"]
    assert page.startswith("%get [OPTION …]")
    assert "Download an object" in page
    assert "\n  --storlet NAME " in page
    assert not any(words in page for words in ("usage:", "positional arguments", "show this help"))
    assert stranger.shell.object_inspect("%%storletapp")["docstring"].startswith("%deploy [OPTION …] ")


@pytest.mark.parametrize("command", list(Registry()), ids=lambda command: command.name)
def test_help_has_three_examples_that_are_magics(command: Command) -> None:
    """First, before the details, and none with a pipe or a redirect."""
    examples = [line for line in usage(command, "name", takes_body=False).splitlines() if line.startswith("  %name")]
    assert len(examples) == 3
    assert not any(re.search(r" [|<>] ", line.partition("  # ")[0]) and "'" not in line for line in examples)


def test_help_of_actions_says_how_to_see_their_arguments(stranger: Cells) -> None:
    """The actions, the default among them, and a line that shows the arguments of one."""
    page = stranger.shell.object_inspect("%local")["docstring"]
    assert re.search(r"^  status .* \(default\)$", page, re.MULTILINE)
    assert "--port" in stranger.good("%local start --help").out


def test_page_on_magics(stranger: Cells) -> None:
    """``%help syntax`` tells how magics are written."""
    assert "{{name}}" in stranger.good("%help syntax").text


def test_without_a_command_the_commands_are_shown(stranger: Cells) -> None:
    """``%storlet`` alone; with a body it lacks its command."""
    assert all(f"  {command.name} " in stranger.good("%storlet").text for command in Registry())
    assert isinstance(stranger("%%storlet\nbody").error, UsageError)


def test_help_option_shows_the_help(stranger: Cells) -> None:
    """``%get --help`` too, and ends the cell well."""
    assert "--storlet" in stranger.good("%get --help").out


def test_package_is_imported_without_ipython() -> None:
    """``import storlet_shell`` stays cheap, and works where IPython is not installed."""
    code = "import sys, storlet_shell; sys.exit('IPython' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.slow
def test_local_start_gives_a_cluster(stranger: Cells) -> None:
    """Without any set-up: the cells that follow use it, and after its stop there is no identity again."""
    try:
        assert "this session uses it" in stranger.good("%storlet local start").text
        stranger.good("%storlet mkdir c")
        assert stranger.good("%storlet ls").text.count("c") >= 1
    finally:
        stranger.good("%storlet local stop")
    assert type(stranger("%whoami").error).__name__ == "IdentityError"
