"""The example notebooks run unchanged, and their output is the stored one."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from storlet_shell.embedded import control
from tests.notebook.conftest import identity
from tests.support.lines import ROOT, base_environment

_CHANGING = re.compile(r"\d+ ms|tx[0-9a-f]+-[0-9a-f]+|(?:in|,) [\d.]+ s|%.*(?=: already defined)|(?<=use )%.*(?=, or)")
"""Times, transactions, and the names that this IPython has."""


def outputs(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """Return what each cell shows as text, without what is different each time."""
    return [[_CHANGING.sub("…", _text(output)) for output in cell.get("outputs", [])] for cell in notebook.cells]


def _text(output: nbformat.NotebookNode) -> str:
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return str(output.get("text") or output.data["text/plain"])


@pytest.mark.slow  # imports pandas and matplotlib
@pytest.mark.parametrize("name", ["notebook-tour", "analysis", "one-table", "select"])
def test_example_gives_what_it_shows(swift: control.Running, tmp_path: Path, name: str) -> None:
    """Every cell runs, from the first to the last, and its output is the one that is kept in the file."""
    kept = nbformat.read(ROOT / "examples" / f"{name}.ipynb", as_version=4)
    fresh = nbformat.read(ROOT / "examples" / f"{name}.ipynb", as_version=4)
    outer = {key: value for key, value in base_environment(tmp_path).items() if key != "PYTHONWARNINGS"}
    environ = {**outer, **identity(swift), "IPYTHONDIR": str(tmp_path / "ipython")}
    NotebookClient(fresh, timeout=60, kernel_name="python3").execute(env=environ, cwd=str(tmp_path))
    assert outputs(fresh) == outputs(kept)
