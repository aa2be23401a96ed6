"""Variables of functions, comprehensions, classes, coroutines, and threads in the line of a magic."""

from __future__ import annotations

import pytest
from IPython.utils.capture import capture_output

from tests.notebook.cells import Cells
from tests.notebook.variables import failures_of


@pytest.mark.slow
def test_names_mean_what_they_mean_to_python(cell: Cells, container: str) -> None:
    """At the place that runs the line; what can't be had is refused in one line."""
    cell.shell.push({"c": container})
    with capture_output(display=False):
        failures = failures_of(cell.shell.run_cell, cell.shell.user_ns)
    assert not failures, "\n".join(failures)
