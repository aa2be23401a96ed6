"""An IPython shell of this process with the extension loaded, on the real embedded Swift."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from storlet_shell.embedded import control
from tests.notebook.cells import IDENTITY, Cells


@pytest.fixture(scope="session")
def bare_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    """Make the one IPython shell of this process, as ``ipython`` would, but for its history."""
    saved = sys.displayhook, sys.excepthook, os.environ.get("IPYTHONDIR")
    os.environ["IPYTHONDIR"] = str(tmp_path_factory.mktemp("ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    yield InteractiveShell.instance(config=config)
    InteractiveShell.clear_instance()
    sys.displayhook, sys.excepthook = saved[:2]
    os.environ.pop("IPYTHONDIR")
    if saved[2] is not None:
        os.environ["IPYTHONDIR"] = saved[2]


@pytest.fixture
def no_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave no identity in the environment."""
    for name in list(os.environ):
        if name.startswith(("OS_", "ST_", "STORLET_SHELL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("STORLET_SHELL_DATA", str(tmp_path / "data"))


@pytest.fixture
def stranger(no_identity: None, bare_shell: InteractiveShell) -> Iterator[Cells]:
    """Run cells with the extension loaded, and no identity."""
    before = set(bare_shell.user_ns)  # the shell's own reset() takes a fifth of a second
    bare_shell.run_line_magic("load_ext", "storlet_shell")
    yield Cells(bare_shell)
    if "storlet_shell" in bare_shell.extension_manager.loaded:
        bare_shell.run_line_magic("unload_ext", "storlet_shell")
    for name in set(bare_shell.user_ns) - before:
        del bare_shell.user_ns[name]
    bare_shell.user_ns["Out"].clear()


@pytest.fixture
def cell(stranger: Cells, swift: control.Running, monkeypatch: pytest.MonkeyPatch) -> Cells:
    """Run cells with the extension loaded, as the embedded Swift's user."""
    for name, value in identity(swift).items():
        monkeypatch.setenv(name, value)
    return stranger


@pytest.fixture
def notebook(cell: Cells, container: str) -> Cells:
    """Run cells with a storlet deployed, and ``c`` naming a container with an object ``o``."""
    cell.shell.push({"c": container})
    cell.good(IDENTITY)
    cell.good(f"%%uploadfile {container}/o\nname,age\nann,31\nbob,25\n")
    return cell


def identity(swift: control.Running) -> dict[str, str]:
    """Return the environment's variables for a server."""
    return {"ST_AUTH": swift.auth_url, "ST_USER": swift.user, "ST_KEY": swift.key}
