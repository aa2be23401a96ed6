"""Notebooks of the removed extension, line by line (A1 to A12)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from IPython.core.error import UsageError

from storlet_shell.embedded import control
from storlet_shell.errors import IdentityError
from storlet_shell.results import Response
from tests.notebook.cells import IDENTITY, Cells
from tests.notebook.conftest import identity
from tests.support.lines import Runner
from tests.support.storlets import DEPENDENT


def test_a1_cell_is_deployed_as_a_storlet(cell: Cells, run: Runner) -> None:
    """The body becomes ``test.py`` in the container ``storlet``, and the cell says so."""
    done = cell.good(IDENTITY)
    assert "deployed test.py (main test.TestStorlet) into container storlet" in done.text
    assert run("get", "storlet/test.py").text.strip() == IDENTITY.split("\n", 1)[1].strip()


def test_a2_other_container_and_dependencies(notebook: Cells, tmp_path: Path) -> None:
    """A dependency really reaches the storlet, and a storlet can go into another container."""
    (tmp_path / "greeting.txt").write_text("hello from beside")
    notebook.good(f"%%storletapp depends.Main -d {tmp_path}/greeting.txt\n{DEPENDENT}")
    assert notebook.good("%get --storlet depends.py --input path:/{c}/o").value.text == "HELLO FROM BESIDE"
    done = notebook.good(f"%%storletapp elsewhere.Main --container {{c}}\n{DEPENDENT}")
    assert f"into container {notebook.shell.user_ns['c']}" in done.text


def test_a3_deploys_and_invokes(notebook: Cells) -> None:
    """The result is shown if asked for, and not otherwise; without an input it is a usage error."""
    _, _, body = IDENTITY.partition("\n")
    head = "%%storletapp test.TestStorlet --with-invoke"
    shown = notebook.good(f"{head} --input path:/{{c}}/o --print-result\n{body}")
    assert "ann" in shown.text
    hidden = notebook.good(f"{head} --input path:/{{c}}/o\n{body}")
    assert "ann" not in hidden.text
    assert "(HTTP 200)" in hidden.text
    assert isinstance(notebook(f"{head}\n{body}").error, UsageError)


def test_a4_dry_run_changes_nothing(notebook: Cells, run: Runner) -> None:
    """The class runs over the object here: output, metadata, log and time are shown, nothing is uploaded."""
    _, _, body = IDENTITY.partition("\n")
    tried = notebook.good(f"%%storletapp untold.TestStorlet --dry-run --input path:/{{c}}/o -p note=x\n{body}")
    for part in ("ann,31", "metadata: note: x", "nothing was uploaded", " s;"):
        assert part in tried.text
    assert run("get", "storlet/untold.py").status != 0


def test_a5_get_runs_a_storlet(notebook: Cells) -> None:
    """The documentation's line: parameters of a dict variable, the result as a response in another."""
    done = notebook.good("params = {'color': 'red'}\n%get --storlet test.py --input path:/{c}/o -i params -o result")
    assert done.value is None
    result = notebook.shell.user_ns["result"]
    assert isinstance(result, Response)
    assert result.headers["X-Object-Meta-Color"] == "red"
    assert result.content == b"name,age\nann,31\nbob,25\n"


def test_a6_put_runs_a_storlet(notebook: Cells, tmp_path: Path) -> None:
    """A local file goes through the storlet into the object."""
    (tmp_path / "f").write_bytes(b"local bytes")
    notebook.shell.push({"params": {"color": "blue"}, "file": tmp_path / "f"})
    notebook.good("%put --storlet test.py --input {file} --output path:/{c}/o2 -i params -o result")
    assert notebook.shell.user_ns["result"].status == 201
    stored = notebook.good("%get path:/{c}/o2").value
    assert (stored.content, stored.headers["X-Object-Meta-Color"]) == (b"local bytes", "blue")


def test_a7_copy_runs_a_storlet(notebook: Cells) -> None:
    """The object is made inside the cluster."""
    notebook.shell.push({"params": {"color": "green"}})
    notebook.good("%copy --storlet test.py --input path:/{c}/o --output path:/{c}/o3 -i params -o result")
    assert notebook.shell.user_ns["result"]["status"] == 201
    assert notebook.good("%get path:/{c}/o3").value.headers["X-Object-Meta-Color"] == "green"


def test_a8_cell_is_uploaded(notebook: Cells) -> None:
    """The cell's text is the object, exactly; nothing in it is expanded."""
    notebook.good("%%uploadfile {c}/text\n{c} $c ${c} '\"\n\n  end\n")
    assert notebook.good("%get {c}/text").value.text == "{c} $c ${c} '\"\n\n  end\n"


def test_a9_response_is_as_it_was(notebook: Cells) -> None:
    """Attributes, iteration, and the mapping that old notebooks index."""
    result = notebook.good("%get --storlet test.py --input path:/{c}/o").value
    assert result.status == result["status"] == 200
    assert result.headers == result["headers"]
    assert isinstance(result.headers, dict)
    assert result.headers["x-trans-id"] == result["headers"]["X-TRANS-ID"] == result.headers["X-Trans-Id"]
    assert result.content == result.content == b"".join(result) == b"".join(result.iter_content())
    streamed = notebook.good("%get --storlet test.py --input path:/{c}/o").value
    assert b"".join(streamed) == result.content


@pytest.mark.parametrize("path", ["path:/{c}/o", "path:{c}/o"])
def test_a10_both_spellings_are_one_object(notebook: Cells, path: str) -> None:
    """With and without the slash."""
    assert notebook.good(f"%get --storlet test.py --input {path}").value.text.startswith("name,age")


@pytest.mark.parametrize("path", ["{c}/o", "/{c}/o", "path:/{c}", "path:/", "path://o", "o"])
def test_a10_other_spellings_have_the_old_message(notebook: Cells, path: str) -> None:
    """The sentence that old notebooks rely on."""
    error = notebook(f"%get --storlet test.py --input {path}").error
    assert isinstance(error, UsageError)
    assert 'swift object path must have the format: "path:/<container>/<object>"' in str(error)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["ST_AUTH", "ST_USER", "ST_KEY", "OS_AUTH_URL"]),
        ({"ST_AUTH": "http://127.0.0.1:9/auth/v1.0"}, ["ST_USER", "ST_KEY"]),
        ({"OS_AUTH_URL": "http://127.0.0.1:9/v3", "OS_USERNAME": "u"}, ["OS_PASSWORD"]),
    ],
    ids=["none", "half of tempauth's", "half of Keystone's"],
)
def test_a11_missing_identity_is_named(
    stranger: Cells, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: list[str]
) -> None:
    """One line names the variables which are missing."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    done = stranger("%get c/o")
    assert isinstance(done.error, IdentityError)
    assert all(name in str(done.error) for name in missing)
    assert len(done.out.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "line", ["%get", "%get --nonsense", "%get a/b c/d", "%get --storlet", "%get 'open", "%whoami x"]
)
def test_a12_wrong_arguments_are_one_line(cell: Cells, line: str) -> None:
    """IPython's own usage error: one line, no traceback."""
    done = cell(line)
    assert type(done.error) is UsageError
    assert (done.out + done.err).strip().count("\n") == 0
    assert "Traceback" not in done.out + done.err


def test_identity_may_be_set_in_the_first_cell(stranger: Cells, swift: control.Running) -> None:
    """The extension is loaded before the environment is set; a changed environment is noticed."""
    assert isinstance(stranger("%whoami").error, IdentityError)
    before = dict(os.environ)
    try:
        stranger.good(f"import os\nos.environ.update({identity(swift)!r})")
        assert "local:storlet" in stranger.good("%whoami").text
        stranger.good("os.environ['ST_KEY'] = 'wrong'")
        assert isinstance(stranger("%whoami").error, IdentityError)
    finally:
        os.environ.clear()
        os.environ.update(before)
