"""papermill: a parameterized run succeeds, and a failing cell stops the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from storlet_shell.embedded import control
from tests.notebook.cells import FAILING
from tests.notebook.conftest import identity
from tests.support.lines import Runner, base_environment


@pytest.fixture
def environ(swift: control.Running, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a job."""
    outer = {name: value for name, value in base_environment(tmp_path).items() if name != "PYTHONWARNINGS"}
    return {**outer, **identity(swift), "IPYTHONDIR": str(tmp_path / "ipython")}


def papermill(folder: Path, environ: dict[str, str], *words: str) -> tuple[int, nbformat.NotebookNode]:
    """Run ``job.ipynb`` by papermill as a process of its own; return its exit status and the notebook it leaves."""
    command = [sys.executable, "-m", "papermill", "job.ipynb", "done.ipynb", "--no-progress-bar", *words]
    ended = subprocess.run(command, cwd=folder, env=environ, capture_output=True, timeout=120, check=False)
    return ended.returncode, nbformat.read(folder / "done.ipynb", as_version=4)


@pytest.mark.slow
def test_papermill_runs_a_notebook_and_stops_at_a_failing_storlet(
    run: Runner, container: str, environ: dict[str, str], tmp_path: Path
) -> None:
    """Its parameters are the notebook's variables; a failure is an error output, and the cells after it do not run."""
    run("upload", f"{container}/o", stdin=b"x")
    cells = [
        nbformat.v4.new_code_cell("path = note = None", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("%load_ext storlet_shell"),
        nbformat.v4.new_code_cell(
            FAILING.replace("if 'late' in params", "if params['note'] == 'well': return\n        if False")
        ),
        nbformat.v4.new_code_cell(
            "parameters = {'note': note}\n%get {path} --storlet failing.py -i parameters -o made"
        ),
        nbformat.v4.new_code_cell("made.headers['X-Trans-Id'], made.content"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "job.ipynb")

    status, done = papermill(tmp_path, environ, "-p", "path", f"{container}/o", "-p", "note", "well")
    assert status == 0
    assert done.cells[-1].outputs[0].data["text/plain"].endswith("b'')")

    status, done = papermill(tmp_path, environ, "-p", "path", f"{container}/o", "-p", "note", "badly")
    assert status != 0
    (failed,) = [one for cell in done.cells for one in cell.get("outputs", []) if one.output_type == "error"]
    assert failed.ename == "StorletFailedError"
    assert "ValueError: on purpose" in "\n".join(failed.traceback)
    assert done.cells[-1].execution_count is None


@pytest.mark.slow
def test_papermill_stops_at_a_failed_batch_and_at_a_lost_variable(
    run: Runner, container: str, environ: dict[str, str], tmp_path: Path
) -> None:
    """A parameter of a function is the function's; a batch of which a part failed is a failed run."""
    for name in ("monday", "tuesday"):
        run("upload", f"{container}/{name}", stdin=name.encode())
    function = "def text_of(day):\n    got = %get {container}/{day}\n    return got.text\ntext_of('tuesday')"
    cells = [
        nbformat.v4.new_code_cell("day = container = None", metadata={"tags": ["parameters"]}),
        *(nbformat.v4.new_code_cell(text) for text in ("%load_ext storlet_shell", FAILING, function)),
        nbformat.v4.new_code_cell("%map --storlet failing.py --input path:/{container}/* -j 1 -o rows"),
        nbformat.v4.new_code_cell("rows"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "job.ipynb")
    status, done = papermill(tmp_path, environ, "-p", "day", "monday", "-p", "container", container)
    assert status != 0
    outputs = {output.output_type: output for cell in done.cells for output in cell.get("outputs", [])}
    assert outputs["execute_result"].data["text/plain"] == "'tuesday'"
    assert outputs["error"].ename == "PartFailedError"
    assert done.cells[-1].execution_count is None
