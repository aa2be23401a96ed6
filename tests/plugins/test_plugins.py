"""Plug-ins: commands in every front end, drivers, and the reasons why one is skipped."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from storlet_shell.errors import PluginError, TerminatedError
from storlet_shell.plugins.installed import Plugin, running
from storlet_shell.spec.registry import RESERVED, Registry
from tests.support.lines import Outcome, Runner
from tests.support.site import PLUGIN, Site


@pytest.fixture
def site(tmp_path: Path, run: Runner) -> Site:
    """Return an empty folder of packages."""
    return Site(tmp_path, run)


@pytest.mark.slow
def test_plugin_adds_its_command(site: Site) -> None:
    """An installed package's command runs, is listed, and has its help and aliases."""
    site.plugin("good_plugin", aliases=("hi",))
    assert site("greet", "world").text == "hello world\n"
    assert site("hi").text == "hello you\n"
    listed = site("help")
    assert "  greet        Greet." in listed.text
    assert "not usable" not in listed.text


@pytest.mark.slow
def test_plugin_may_define_its_command_in_another_module(site: Site) -> None:
    """An entry point may name a package that re-exports the command; looking twice does not break it."""
    site.plugin("inner_module", name="other")
    site.install("outer_module", "from inner_module import greet", other="outer_module:greet")
    (site.folder / "inner_module-1.0.dist-info" / "entry_points.txt").write_text("")
    code = (
        "from storlet_shell.spec.registry import Registry; r = Registry(); r.all(); r.all(); r.get('other');"
        "print(r.broken, r.get('other').name)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**site.runner.environ, "PYTHONPATH": site.path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "[] other\n"


BROKEN = {
    "raises": ("raise RuntimeError('no such thing')", "RuntimeError: no such thing"),
    "raises_lines": ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
    "exits": ("import sys; sys.exit('I am leaving')", "SystemExit: I am leaving"),
    "asserts": ("assert False, 'never'", "AssertionError: never"),
    "interrupts": ("raise KeyboardInterrupt", "can't be loaded: KeyboardInterrupt"),
    "imports": ("import no_such_module_anywhere", "ModuleNotFoundError"),
    "syntax": ("def greet(:", "SyntaxError"),
    "wrong_type": ("greet = 1", "isn't a command named wrong_type"),
    "absent": ("", "AttributeError"),
    "other_name": (PLUGIN.format(name="other", aliases=()), "isn't a command named other_name"),
    "bad_alias": (PLUGIN.format(name="bad_alias", aliases=("a b",)), "'a b' isn't a valid command name"),
    "bad_spec": (PLUGIN.format(name="bad_spec", aliases=()).replace('"who"', '"-o"'), "ArgumentError"),
    "get": (PLUGIN.format(name="get", aliases=()), "the name get is taken"),
    "uploadfile": (PLUGIN.format(name="uploadfile", aliases=()), "the name uploadfile is taken"),
    "set": (PLUGIN.format(name="set", aliases=()), "the name set is taken"),
    "back_door": (PLUGIN.format(name="back_door", aliases=("rm",)), "the name rm is taken"),
    "of_another": (PLUGIN.format(name="of_another", aliases=("raises",)), "the name raises is taken"),
}
"""What plug-ins do wrong, by their names: their source, and what is said of them."""


@pytest.fixture(scope="module")
def broken_site(tmp_path_factory: pytest.TempPathFactory, run: Runner) -> Site:
    """Return a folder with every broken plug-in, and a good one."""
    site = Site(tmp_path_factory.mktemp("broken"), run)
    for name, (source, _) in BROKEN.items():
        site.install(f"bad_{name}", source, **{name: f"bad_{name}:greet"})
    site.plugin("good_plugin", name="wave")
    return site


@pytest.fixture(scope="module")
def broken_help(broken_site: Site) -> Outcome:
    """Return the output of ``help`` in addition to the broken plug-ins."""
    return broken_site("help")


@pytest.mark.parametrize("name", BROKEN)
def test_broken_plugin_is_named_and_skipped(broken_help: Outcome, name: str) -> None:
    """A plug-in that can't be used is named with its package and the reason, in one line."""
    assert broken_help.status == 0
    start = f"not usable: {name} (bad_{name} 1.0): "
    (line,) = [line for line in broken_help.text.splitlines() if line.startswith(start)]
    assert BROKEN[name][1] in line


def test_others_work_beside_broken_plugins(broken_site: Site) -> None:
    """A good plug-in runs; a built-in command is what it was."""
    assert broken_site("wave").text == "hello you\n"
    assert "hello" not in broken_site("get", "--help").text


def test_command_of_a_broken_plugin_says_why(broken_site: Site) -> None:
    """Who types the command of a broken plug-in learns what is wrong with it."""
    outcome = broken_site("raises")
    assert outcome.status == 127
    assert "raises (bad_raises 1.0)" in outcome.err
    assert "no such thing" in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.slow
def test_of_two_packages_with_one_name_the_first_wins(site: Site) -> None:
    """A broken one does not take the name; which one wins does not depend on how the folder is read."""
    for package in ("c_plugin", "b_plugin"):
        site.install(
            package, PLUGIN.format(name="greet", aliases=()).replace("hello", package), greet=f"{package}:greet"
        )
    site.install("a_plugin", "raise RuntimeError", greet="a_plugin:greet")
    assert site("greet").text == "b_plugin you\n"
    listed = site("help").text
    assert "not usable: greet (c_plugin 1.0): the name greet is taken" in listed
    assert "not usable: greet (a_plugin 1.0): a_plugin:greet can't be loaded: RuntimeError" in listed


def test_what_a_plugin_prints_is_no_result(site: Site) -> None:
    """A plug-in that prints when it is imported does not spoil another one's output."""
    site.plugin("good_plugin")
    site.install("loud_plugin", f"print('loud')\n{PLUGIN.format(name='loud', aliases=())}", loud="loud_plugin:greet")
    outcome = site("greet", "--json")
    assert outcome.json == {"text": "hello you"}
    assert outcome.err == "loud\n"


def test_no_command_is_called_by_a_word_of_the_front_ends() -> None:
    """The shell's own words, and the magic that takes any command, are reserved."""
    from storlet_shell.adapters.notebook.page import ALWAYS, BROWSE
    from storlet_shell.adapters.words import OWN_WORDS

    assert {*OWN_WORDS, BROWSE.name, ALWAYS} == RESERVED
    assert not RESERVED & {name for command in Registry() for name in (command.name, *command.aliases)}


@pytest.mark.parametrize(
    ("package", "raised", "seen"),
    [
        ("storlet-shell", KeyboardInterrupt(), KeyboardInterrupt),
        ("storlet-shell", TerminatedError(143), TerminatedError),
        ("another", TerminatedError(143), TerminatedError),
        ("another", SystemExit(0), PluginError),
    ],
)
def test_who_ends_the_process_is_not_taken_for_a_plugin(
    package: str, raised: BaseException, seen: type[BaseException]
) -> None:
    """Ctrl-C while what is built in is imported, and a signal at any time."""
    plugin = Plugin("name", EntryPoint("name", "module:function", "group"), package, "1")
    with pytest.raises(seen), running(plugin):
        raise raised
