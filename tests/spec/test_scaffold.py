"""``make command``: a new command passes all checks as it is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.lines import ROOT

NAME = "tally"
Run = Callable[..., str]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy the working tree, without what isn't kept in it; mypy's cache saves it minutes."""
    line = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in names:
        if (ROOT / name).is_file() and not name.startswith("docs/pictures/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", tmp_path / ".mypy_cache")
    return tmp_path


@pytest.fixture
def python(tree: Path) -> Run:
    """Return a way to run a module of Python in the copy."""

    def run(*words: str, **variables: str) -> str:
        environ = {**os.environ, "PYTHONPATH": str(tree), **variables}
        done = subprocess.run([sys.executable, "-m", *words], cwd=tree, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        return done.stdout

    return run


@pytest.mark.slow
def test_new_command_passes_all_checks(tree: Path, python: Run) -> None:
    """Those of ``make check``, the lists that every command is in, and its own test; nothing is written by hand."""
    python("scaffold.command", NAME)
    python("scaffold.derived")
    test = ("pytest", "-q", "-p", "no:xdist")
    python(*test, "tests/test_wire.py", "tests/test_json_page.py", UPDATE_WIRE="1", UPDATE_JSON="1")
    python("ruff", "check", ".")
    python("ruff", "format", "--check", ".")
    python("mypy")
    own, lists = f"tests/commands/test_{NAME}.py", ("tests/spec/test_derived.py", "tests/adapters/test_reference.py")
    python(*test, own, *lists, "tests/test_layers.py", "tests/test_error_texts.py", "tests/test_json_page.py")
    files = ("tests/spec", "tests/commands/test_json.py", "tests/commands/test_examples.py")
    python(*test, "-m", "slow or not slow", "-k", f"({NAME} or every_command) and not scaffold", *files)
    assert f"  {NAME:<12} Count the objects" in python("storlet_shell", "help")
    diff = subprocess.run(["git", "-C", str(ROOT), "status", "--short"], capture_output=True, text=True, check=True)
    assert NAME not in diff.stdout


@pytest.mark.parametrize("name", ["get", "uploadfile", "set", "Tally", "a-b", ""])
def test_name_that_no_command_can_have_is_refused(name: str) -> None:
    """Fail before any file is written."""
    line = [sys.executable, "-m", "scaffold.command", name]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a command's name is" in done.stderr
