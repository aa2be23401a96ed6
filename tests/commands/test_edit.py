"""``edit``: objects and storlets through an editor, which is a script here."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from storlet_shell.session import Session, Surroundings
from storlet_shell.spec.registry import Registry
from tests.support.lines import Outcome, Runner, one_line

STORLET = """
import {module}_data

class Storlet:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({{}})
        out_files[0].write({module}_data.TEXT + b"old" + in_files[0].read())
"""


@pytest.fixture
def edit(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editing:
    """Edit with a script; texts that stay in files do so below the test's folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return Editing(run, tmp_path)


class Editing:
    """Runs lines whose editor is a script.

    :ivar left: the folder where texts stay
    """

    def __init__(self, run: Runner, folder: Path) -> None:
        self._run = run
        self._script = folder / "editor.py"
        self.left = folder

    def __call__(self, *words: str, code: str = "", variable: str = "EDITOR") -> Outcome:
        """Run ``edit``.

        :param code: what the editor does with ``file``, the path of the text
        """
        self._script.write_text(f"import pathlib, subprocess, sys\nfile = pathlib.Path(sys.argv[-1])\n{code}\n")
        editor = shlex.join([sys.executable, str(self._script), "a b"])
        return self._run("edit", *words, environ={"VISUAL": "", variable: editor})

    def texts(self) -> list[bytes]:
        """Return the texts that are left."""
        return [file.read_bytes() for file in self.left.glob("storlet-shell-*/*")]


def replacing(old: str, new: str) -> str:
    """Return code that replaces a text in the file."""
    return f"file.write_text(file.read_text().replace({old!r}, {new!r}))"


def named_file(outcome: Outcome) -> Path:
    """Return the file that an error names."""
    match = re.search(r"your text is in (\S+)", outcome.err)
    assert match, outcome.err
    return Path(match[1])


def test_object_is_stored_with_what_it_had(run: Runner, container: str, edit: Editing) -> None:
    """Its type and its metadata; the editor sees a file of the object's name, and nothing stays of it."""
    headers = ["-H", "X-Object-Meta-Color:green", "-H", "X-Delete-At:4000000000", "--content-type", "text/x-mine"]
    run("upload", f"{container}/p/note.txt", *headers, stdin=b"one\n")
    check = "assert file.name == 'note.txt' and file.parent.stat().st_mode & 0o77 == 0\n"
    done = edit(f"{container}/p/note.txt", code=check + replacing("one", "two"), variable="VISUAL")
    assert (done.status, done.text, done.err) == (0, f"path:/{container}/p/note.txt: stored\n", "")
    stored = run("stat", f"{container}/p/note.txt", "--json").json
    assert (stored["content_type"], stored["metadata"]) == ("text/x-mine", {"Color": "green"})
    assert stored["headers"]["X-Delete-At"] == "4000000000"
    assert run("get", f"{container}/p/note.txt").out == b"two\n"
    assert edit.texts() == []


def test_unchanged_text_stores_nothing(run: Runner, container: str, edit: Editing) -> None:
    """The object keeps its date."""
    run("upload", f"{container}/o", stdin=b"one")
    before = run("stat", f"{container}/o").out
    done = edit(f"{container}/o", "--json")
    assert (done.status, done.json["changed"], done.json["bytes"]) == (0, False, 3)
    assert (run("stat", f"{container}/o").out, edit.texts()) == (before, [])


@pytest.mark.slow
@pytest.mark.parametrize("change", ["changed", "deleted"])
def test_change_of_someone_else_is_not_overwritten(run: Runner, container: str, edit: Editing, change: str) -> None:
    """The user's text stays in a file."""
    run("upload", f"{container}/o", stdin=b"one")
    words = ["rm", "-y", f"{container}/o"] if change == "deleted" else ["upload", f"{container}/o"]
    other = f"subprocess.run([sys.executable, '-m', 'storlet_shell', *{words}], input=b'theirs', check=True)\n"
    done = edit(f"{container}/o", code=other + "file.write_text('mine')")
    assert done.status == 1
    assert f"path:/{container}/o: was {change} by someone else" in one_line(done)
    assert named_file(done).read_text() == "mine"
    assert run("get", f"{container}/o").out == (b"" if change == "deleted" else b"theirs")


def test_failing_editor_stores_nothing(run: Runner, container: str, edit: Editing) -> None:
    """Its text stays, if there is one."""
    run("upload", f"{container}/o", stdin=b"one")
    done = edit(f"{container}/o", code="file.write_text('mine'); sys.exit(3)")
    assert (done.status, "ended with status 3" in done.err) == (1, True)
    assert named_file(done).read_text() == "mine"
    assert len(done.err.splitlines()) == 1
    assert edit(f"{container}/o", code="sys.exit(3)").status == 1
    assert (edit.texts(), run("get", f"{container}/o").out) == ([b"mine"], b"one")


@pytest.mark.parametrize("editor", ["no-such-editor", "'"])
def test_editor_that_can_not_be_started_is_told(run: Runner, container: str, editor: str) -> None:
    """With the variables to set."""
    run("upload", f"{container}/o", stdin=b"one")
    done = run("edit", f"{container}/o", environ={"VISUAL": "", "EDITOR": editor})
    assert (done.status, "set VISUAL or EDITOR" in one_line(done)) == (2, True)


@pytest.mark.parametrize(
    ("target", "status", "reason"),
    [
        ("{c}/none", 4, "not found"),
        ("none.py", 4, "not found"),
        ("{c}/binary", 2, "isn't text"),
        ("{c}/link", 2, "is a symbolic link to"),
        ("{c}", 2, "CONTAINER/OBJECT"),
        ("a-1.0.jar", 2, "a-1.0.jar: a jar can't be edited; change its source, and deploy that"),
        ("a.txt", 2, "FILE.py"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    run: Runner, container: str, edit: Editing, target: str, status: int, reason: str
) -> None:
    """Before an editor starts."""
    run("enable")
    run("upload", f"{container}/binary", stdin=b"\0")
    run("upload", f"{container}/link", "-H", f"X-Symlink-Target:{container}/binary", stdin=b"")
    done = edit(target.format(c=container), code="raise SystemError")
    assert (done.status, done.out) == (status, b"")
    assert reason in one_line(done)


@pytest.mark.slow
def test_storlet_is_checked_and_redeployed_with_its_dependencies(
    storlets: Runner, container: str, edit: Editing, module: str, tmp_path: Path
) -> None:
    """Code that can't run is refused, and stays in a file; --force deploys it."""
    (tmp_path / f"{module}.py").write_text(STORLET.format(module=module))
    (tmp_path / f"{module}_data.py").write_text('TEXT = b"data "\n')
    dependency = str(tmp_path / f"{module}_data.py")
    assert storlets("deploy", str(tmp_path / f"{module}.py"), "-d", dependency).status == 0
    storlets("upload", f"{container}/o", stdin=b"!")
    done = edit(f"{module}.py", code=replacing('b"old"', 'b"new"'))
    assert (done.status, done.text) == (0, f"redeployed {module}.py (main {module}.Storlet)\n")
    assert storlets("get", f"{container}/o", "--storlet", f"{module}.py").out == b"data new!"
    refused = edit(f"{module}.py", code=replacing("class Storlet", "class Other"))
    assert (refused.status, "class Other" in named_file(refused).read_text()) == (2, True)
    assert edit(f"{module}.py").text.endswith("unchanged; nothing was stored\n")
    assert storlets("get", f"{container}/o", "--storlet", f"{module}.py").out == b"data new!"
    storlets("undeploy", "-y", f"{module}.py", "--with-dependencies")


def test_front_end_without_a_terminal_refuses(run: Runner, container: str) -> None:
    """As a notebook does."""
    run("upload", f"{container}/o", stdin=b"one")
    with Session(Surroundings(run.environ)) as session, pytest.raises(Exception, match="needs a terminal"):
        Registry().get("edit").call([f"{container}/o"]).run(session)
