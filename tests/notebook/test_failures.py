"""Partly failed batches: the cell fails after its rows are shown, and no result is lost."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from storlet_shell.embedded import control
from storlet_shell.errors import (
    Action,
    Hint,
    IdentityError,
    NotFoundError,
    PartFailedError,
    StorletFailedError,
    UsageError,
)
from storlet_shell.results import Result, Table
from tests.notebook.cells import PICKY, Cells
from tests.notebook.conftest import identity
from tests.support.lines import base_environment


@pytest.fixture
def half(notebook: Cells) -> Cells:
    """Run cells with a storlet that fails over one of two objects of a container ``c``."""
    notebook.good(PICKY)
    notebook.good("%%uploadfile {c}/in/1\ngood")
    notebook.good("%%uploadfile {c}/in/2\nbad")
    return notebook


@pytest.mark.parametrize("line", ["%map --storlet picky.py", "x = %pipe 'picky.py | picky.py'"])
def test_partly_failed_batch_fails_its_cell(half: Cells, line: str) -> None:
    """In one line, after the rows; the error and ``_`` have them."""
    done = half(f"{line} --input 'path:/{{c}}/in/*' -j 1")
    assert isinstance(done.error, PartFailedError)
    assert "1 of 2 objects done, 1 failed" in str(done.error)
    result = done.error.result
    assert isinstance(result, Table)
    assert [row[6] is None for row in result.rows()] == [True, False]
    assert half.shell.user_ns["_"] is result
    assert "/in/1" in done.out
    assert done.out.index("/in/2") < done.out.index("PartFailedError: ")
    assert "Traceback (most recent call last)" not in done.out.partition('File "picky.py"')[2]


def test_result_is_stored_before_the_cell_fails(half: Cells) -> None:
    """By ``-o``, with the bodies of what went well; it is not shown."""
    done = half("%map --storlet picky.py --input 'path:/{c}/in/*' -j 1 -o made")
    assert isinstance(done.error, PartFailedError)
    made = half.shell.user_ns["made"]
    assert made is done.error.result is half.shell.user_ns["_"]
    assert made["in/1"].strip() == b"good"
    assert "/in/1" not in done.out


def test_failure_is_caught_as_any_exception(half: Cells) -> None:
    """With its result; what follows in the cell runs then."""
    half.good(
        "from storlet_shell.errors import PartFailedError\n"
        "try:\n    %map --storlet picky.py --input 'path:/{c}/in/*' -j 1\n"
        "except PartFailedError as error:\n    figures = error.result.fields()"
    )
    assert (half.shell.user_ns["figures"]["done"], half.shell.user_ns["figures"]["failed"]) == (1, 1)


def test_json_of_a_failed_batch_is_shown_and_kept(half: Cells) -> None:
    """As data."""
    done = half("%map --storlet picky.py --input 'path:/{c}/in/*' -j 1 --json")
    assert isinstance(done.error, PartFailedError)
    assert half.shell.user_ns["_"]["failed"] == 1
    assert "'failed': 1" in done.out


def test_allowed_failures_leave_the_cell_green(half: Cells) -> None:
    """The value is the rows, and the last line counts the failures."""
    done = half.good("%map --storlet picky.py --input 'path:/{c}/in/*' -j 1 --allow-failures")
    assert "1 of 2 objects done, 1 failed" in done.text
    assert "on purpose" in done.text


def test_batch_that_ended_early_fails_whatever_is_allowed(half: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first failure with --fail-fast, as that failure; both options together are refused."""
    failed = half("%map --storlet picky.py --input 'path:/{c}/in/*' -j 1 --fail-fast").error
    assert isinstance(failed, StorletFailedError)
    assert isinstance(failed.result, Result)
    assert "ended there" in str(failed)
    refused = half("%map --storlet picky.py --input 'path:/{c}/in/*' --fail-fast --allow-failures").error
    assert "choose one" in str(refused)
    assert not isinstance(refused, UsageError | IdentityError)  # IPython's own


@pytest.mark.slow
def test_headless_notebook_stops_at_a_failed_batch(swift: control.Running, container: str, tmp_path: Path) -> None:
    """Its rows and the error are below the cell, and the next one does not run."""
    cells = [
        "%load_ext storlet_shell",
        PICKY,
        f"%%uploadfile {container}/in/1\ngood",
        f"%%uploadfile {container}/in/2\nbad",
        f"%map --storlet picky.py --input path:/{container}/in/* -j 1",
        "print('on')",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    outer = {name: value for name, value in base_environment(tmp_path).items() if name != "PYTHONWARNINGS"}
    environ = {**outer, **identity(swift), "IPYTHONDIR": str(tmp_path / "ipython")}
    with pytest.raises(CellExecutionError, match="PartFailedError"):
        NotebookClient(notebook, timeout=60, kernel_name="python3").execute(env=environ, cwd=str(tmp_path))
    kinds = [output.output_type for output in notebook.cells[4].outputs]
    assert (kinds[-1], "display_data" in kinds) == ("error", True)
    assert not notebook.cells[5].outputs


def test_hint_is_a_magic(cell: Cells) -> None:
    """What to do next can be copied into a cell, also from an error that a cell has caught."""
    missing = cell("%%uploadfile no-container/o\nx")
    advice = "(create it: %storlet mkdir no-container) (transaction tx"
    assert isinstance(missing.error, NotFoundError)
    assert missing.error.hint == Hint(Action.MAKE_CONTAINER, ("no-container",))
    assert advice in str(missing.error)
    assert advice in missing.out
