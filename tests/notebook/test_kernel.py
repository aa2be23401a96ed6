"""The front end in a real kernel: output, errors that stop a notebook, Tab, and the stop button."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from storlet_shell.embedded import control
from tests.notebook.cells import FAILING
from tests.notebook.conftest import identity
from tests.notebook.kernels import LOAD, Kernel
from tests.notebook.old_notebook import as_notebook, steps
from tests.support.lines import Runner, base_environment

SLOW = """
%%storletapp slow.Main
import time

class Main:
    def __init__(self, logger):
        pass

    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({})
        for number in range(int(params['count'])):
            out_files[0].write(b'x' * 100_000)
            time.sleep(0.1)
"""


NAP = """
%%storletapp nap.Main
import time

class Main:
    def __init__(self, logger):
        pass

    def __call__(self, in_files, out_files, params):
        time.sleep(int(in_files[0].read()))
        out_files[0].set_metadata({})
        out_files[0].write(b'slept')
"""


@pytest.fixture(scope="module")
def environ(swift: control.Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return a kernel's environment, with the embedded Swift's identity."""
    home = tmp_path_factory.mktemp("home")
    outer = {name: value for name, value in base_environment(home).items() if name != "PYTHONWARNINGS"}
    return {**outer, **identity(swift), "IPYTHONDIR": str(home / "ipython"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


@pytest.fixture(scope="module")
def kernel_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the kernel runs in."""
    return tmp_path_factory.mktemp("kernel")


@pytest.fixture(scope="module")
def kernel(environ: dict[str, str], run: Runner, kernel_folder: Path) -> Iterator[Kernel]:
    """Run a kernel with the extension loaded, a container ``k``, an object ``k/o`` and a slow storlet."""
    run("mkdir", "k")
    with Kernel(environ, kernel_folder) as running:
        assert running(LOAD).status == "ok"
        assert running("%%uploadfile k/o\nname,age\nann,31\n").status == "ok"
        assert running(SLOW.lstrip()).status == "ok"
        yield running


def notebook(*cells: str) -> nbformat.NotebookNode:
    """Make a notebook."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


@pytest.mark.slow
def test_old_notebook_runs_headless(
    swift: control.Running, container: str, environ: dict[str, str], tmp_path: Path
) -> None:
    """A notebook of the removed extension, by nbclient: below each cell is what must be seen, and no more."""
    cells = steps(swift, container)
    made = as_notebook(cells)
    outer = {name: value for name, value in environ.items() if not name.startswith("ST_")}
    NotebookClient(made, timeout=60, kernel_name="python3").execute(env=outer, cwd=str(tmp_path))
    for step, cell in zip(cells, made.cells, strict=True):
        assert bool(cell.outputs) == bool(step.seen), (step, cell.outputs)
        step.check("".join(map(text_of, cell.outputs)))


def text_of(output: nbformat.NotebookNode) -> str:
    """Return what an output shows as text."""
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return str(output.get("text") or output.data["text/plain"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "name"),
    [("%get k/missing", "NotFoundError"), ("%get", "UsageError"), ("%storlet nonsense", "UnknownCommandError")],
)
def test_error_stops_a_headless_run(
    kernel: Kernel, environ: dict[str, str], tmp_path: Path, cell: str, name: str
) -> None:
    """nbclient, and with it papermill, stop at the cell."""
    made = notebook(LOAD, cell, "after = 1")
    with pytest.raises(CellExecutionError) as caught:
        NotebookClient(made, timeout=60, kernel_name="python3").execute(env=environ, cwd=str(tmp_path))
    assert caught.value.ename == name
    assert made.cells[2].execution_count is None


def test_failing_storlet_shows_its_own_traceback(kernel: Kernel) -> None:
    """A real error output with the storlet's traceback, the cell's line marked, and no frame of ours."""
    kernel(FAILING)
    ran = kernel("%get --storlet failing.py path:/k/o")
    assert ran.error == "StorletFailedError"
    shown = "\n".join(ran.of("error")[0]["traceback"])
    assert "---->" in shown
    assert "raise ValueError('on purpose')" in shown
    assert "ValueError: on purpose" in shown
    assert "storlet_shell" not in shown


def test_body_that_is_cut_is_an_error_of_the_cell(kernel: Kernel) -> None:
    """A storlet that fails in the middle is no short result, and its traceback is shown as well."""
    kernel(FAILING)
    kernel("%get --storlet failing.py path:/k/o -p late=1 -o cut")
    ran = kernel("cut.content")
    assert ran.error == "StorletFailedError"
    assert "---->" in "\n".join(ran.of("error")[0]["traceback"])


def test_gigabyte_that_is_shown_is_not_loaded(kernel: Kernel) -> None:
    """Its start is shown; the rest stays where it is, and the kernel does not grow."""
    kernel(
        SLOW.lstrip().replace("slow.Main", "large.Main").replace("100_000", "2**20").replace("time.sleep(0.1)", "pass")
    )
    process = psutil.Process(kernel.manager.provisioner.process.pid)
    before = process.memory_info().rss
    ran = kernel("large = %get --storlet large.py path:/k/o -p count=1024\nlarge")
    assert "cut: only the start of a body of unknown size is shown" in ran.text
    assert process.memory_info().rss - before < 64 * 2**20
    kernel("large.close()")


@pytest.mark.slow
def test_programming_error_keeps_its_traceback(kernel: Kernel) -> None:
    """What is not expected is shown whole."""
    ran = kernel("get_ipython().meta.storlet_shell._registry = None\n%storlet whoami")
    assert ran.error == "AttributeError"
    assert len(ran.of("error")[0]["traceback"]) > 3
    kernel("%reload_ext storlet_shell")


@pytest.mark.slow
@pytest.mark.parametrize("is_watched", [True, False])
def test_progress_is_shown_to_those_who_look_on(kernel: Kernel, is_watched: bool) -> None:
    """A transfer of over a second is drawn and cleared again; nothing is published in a headless run."""
    ran = kernel("%get --storlet slow.py path:/k/o -p count=16 --save saved", is_watched=is_watched)
    assert ran.status == "ok"
    drawn = ran.of("display_data") + ran.of("update_display_data")
    if is_watched:
        assert "path:/k/o" in drawn[0]["data"]["text/plain"]
        assert drawn[-1]["data"]["text/plain"] == ""
    else:
        assert not drawn


def test_quick_transfer_shows_no_progress(kernel: Kernel) -> None:
    """Under a second, nothing flickers."""
    ran = kernel("%get k/o --save saved", is_watched=True)
    assert not ran.of("display_data")


@pytest.mark.slow
def test_interrupt_ends_the_transfer(kernel: Kernel, swift: control.Running) -> None:
    """The stop button: the cell ends at once, its connection is closed, and the next cell works."""
    process = psutil.Process(kernel.manager.provisioner.process.pid)

    def connections() -> int:
        found = process.net_connections(kind="tcp")
        return sum(one.status == "ESTABLISHED" and bool(one.raddr) and one.raddr.port == swift.port for one in found)

    kernel("%get --storlet slow.py path:/k/o -p count=300 -o endless")
    before = connections()
    started = time.monotonic()

    def interrupt() -> None:
        kernel.manager.interrupt_kernel()

    ran = kernel("endless.content", meanwhile=interrupt)
    assert ran.error == "KeyboardInterrupt"
    assert time.monotonic() - started < 5
    assert connections() == before - 1
    assert kernel("endless.content").error == "StorletShellError"
    after = kernel("%get k/o")
    assert after.status == "ok", after.of("error")


@pytest.fixture
def naps(kernel: Kernel) -> Kernel:
    """Run cells with a storlet that naps over two objects: shortly over the first one, long over the second."""
    for cell in (NAP.lstrip(), "%%uploadfile k/nap/1\n0", "%%uploadfile k/nap/2\n30"):
        assert kernel(cell).status == "ok"
    return kernel


def stop(kernel: Kernel, file: Path | None = None) -> Callable[[], None]:
    """Return what presses the stop button, once a file is there."""

    def press() -> None:
        while file is not None and not file.exists():
            time.sleep(0.1)
        time.sleep(1)
        kernel.manager.interrupt_kernel()

    return press


@pytest.mark.slow
def test_interrupted_cell_says_so_in_one_line(naps: Kernel) -> None:
    """It has failed, so that the cells after it do not run; and nobody wants to see where it was."""
    ran = naps("%get path:/k/nap/2 --storlet nap.py", meanwhile=stop(naps))
    assert (ran.status, ran.error) == ("error", "Interrupted")
    assert ran.of("error")[0]["traceback"] == ["Interrupted"]
    assert not ran.of("execute_result")
    assert not ran.of("display_data")


@pytest.mark.slow
def test_interrupted_batch_keeps_what_is_done(naps: Kernel, kernel_folder: Path) -> None:
    """Its rows are shown, and are in ``_``; the cell has failed."""
    line = "%map --storlet nap.py --input path:/k/nap/* -j 1 --save made"
    ran = naps(line, meanwhile=stop(naps, kernel_folder / "made" / "nap" / "1"))
    assert (ran.status, ran.error) == ("error", "Interrupted")
    assert ran.of("error")[0]["traceback"] == ["Interrupted: what is done is kept in _"]
    (shown,) = ran.of("display_data")
    assert "path:/k/nap/1" in shown["data"]["text/plain"]
    assert "path:/k/nap/2" not in shown["data"]["text/plain"]
    assert naps("[row.object for row in _]").text == "['path:/k/nap/1']"


@pytest.mark.slow
def test_interrupted_batch_is_stored(naps: Kernel, kernel_folder: Path) -> None:
    """By ``-o``, as far as it is done; it is not shown then."""
    line = "%map --storlet nap.py --input path:/k/nap/* -j 1 --save stored -o done"
    ran = naps(line, meanwhile=stop(naps, kernel_folder / "stored" / "nap" / "1"))
    assert (ran.status, ran.error) == ("error", "Interrupted")
    assert not ran.of("display_data")
    assert naps("[row.object for row in done], _ is done").text == "(['path:/k/nap/1'], True)"


def test_tab_completes_over_the_wire(kernel: Kernel) -> None:
    """What JupyterLab asks for, and in time for it: it drops what takes a second."""
    for code, wanted in (
        ("%get k/", "k/o"),
        ("x = %get path:/k/", "path:/k/o"),
        ("%get --stor", "--storlet"),
        ("%get k/o --storlet slo", "slow.py"),
        ("%storlet cop", "copy"),
        ("%%uploadfi", "%%uploadfile"),
    ):
        started = time.monotonic()
        assert wanted in kernel.complete(code), code
        assert time.monotonic() - started < 3


def test_question_is_asked_where_somebody_answers(kernel: Kernel) -> None:
    """In a front end a deletion is asked for; headless, the line itself is the answer."""
    sent = kernel.client.execute("%storlet rm k/o", allow_stdin=True)
    asked = kernel.client.get_stdin_msg(timeout=10)
    assert "[y/N]" in asked["content"]["prompt"]
    kernel.client.input("n")
    reply = kernel.client.get_shell_msg(timeout=10)
    assert reply["parent_header"]["msg_id"] == sent
    assert reply["content"]["ename"] == "RefusedError"
    assert kernel("%get k/o").status == "ok"
