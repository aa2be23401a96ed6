"""What is derived from the commands' specs: the table of built-in commands, entry points, the manual page."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.derived import DERIVED, commands
from storlet_shell.plugins.installed import OWN, installed, others_of
from storlet_shell.spec.builtin import BUILT_IN
from storlet_shell.spec.registry import ENTRY_POINTS
from tests.support.lines import ROOT, Runner
from tests.support.site import Site


@pytest.mark.parametrize(("path", "render"), DERIVED.items(), ids=lambda value: getattr(value, "name", None))
def test_derived_file_is_up_to_date(path: Path, render: Callable[[], str]) -> None:
    """``make derived`` would change nothing."""
    assert path.read_text() == render()


def test_table_lists_every_module_of_commands() -> None:
    """By name, with what the module's command says of itself."""
    assert [entry.name for entry in BUILT_IN] == [command.name for command in commands()]
    for entry, command in zip(BUILT_IN, commands(), strict=True):
        assert entry == command.listing(entry.module)


@pytest.mark.parametrize(
    "code",
    [
        "from storlet_shell.adapters.cli.main import main; main(['help'])",
        "from storlet_shell.spec.registry import Registry; Registry().summaries()",
        (
            "from storlet_shell.adapters.completion.cursor import candidates; from storlet_shell.session import Session"
            "; from storlet_shell.spec.registry import Registry; assert candidates(Session(), Registry(), [], 'ge')"
        ),
    ],
)
def test_lists_of_commands_import_none(code: str) -> None:
    """``help`` imports its own module only, and no list reads the metadata of all packages."""
    tail = "; import sys; print('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code + tail], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.splitlines()[-1].split() if name.startswith("storlet_shell.commands.")}
    assert loaded <= {"storlet_shell.commands.help"}
    assert "importlib.metadata" not in done.stdout.splitlines()[-1].split()


def test_other_packages_are_found_where_there_are_some(tmp_path: Path, run: Runner) -> None:
    """The short look through the files of entry points sees what the metadata say."""
    site = Site(tmp_path, run)
    site.plugin("good_plugin")
    (tmp_path / "unrelated-1.0.dist-info").mkdir()
    code = (
        "import json; from storlet_shell.plugins.installed import others_of;"
        "print(json.dumps([plugin.name for plugin in others_of('storlet_shell.commands')]))"
    )
    environ = {**run.environ, "PYTHONPATH": site.path}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["greet"]


def test_own_entry_points_are_no_other_package_s() -> None:
    """Installed as it is here, from a working tree."""
    assert {plugin.package for plugin in installed(ENTRY_POINTS)} >= {OWN}
    assert OWN not in {plugin.package for plugin in others_of(ENTRY_POINTS)}
