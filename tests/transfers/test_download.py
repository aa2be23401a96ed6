"""``download``: results, errors, and warnings; its requests are in the tests of the command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storlet_shell.embedded.sandbox import trees
from storlet_shell.errors import LocalFileError, NotFoundError, UsageError
from storlet_shell.transfers.download import download, plan_download
from storlet_shell.transfers.stream import upload_stream
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire.client import Client
from tests.support.folders import little_recursion
from tests.support.observers import Notebook


@pytest.fixture
def filled(observed: Client, container: str) -> str:
    """Store two objects, and a third whose name leads out of any folder."""
    for name, content in (("p/a", b"aa"), ("p/sub/b", b"bbb"), ("p/../c", b"c")):
        upload_stream(observed, content, ObjectPath(container, name))
    return container


def test_failure_is_returned_beside_what_was_saved(
    observed: Client, observer: Notebook, filled: str, tmp_path: Path
) -> None:
    """Counts, bytes, and each failure as an error; nothing is raised unless it is asked for."""
    observer.count = 0
    saved = download(observed, Location(filled), tmp_path)
    assert (saved.files, saved.identical, saved.bytes) == (2, 0, 5)
    (failure,) = saved.failures
    assert isinstance(failure, LocalFileError)
    assert f"path:/{filled}/p/../c: refused" in failure.message
    with pytest.raises(LocalFileError, match="1 could not be downloaded; 2 downloaded"):
        saved.raise_for_failed()
    assert (tmp_path / "p/sub/b").read_bytes() == b"bbb"
    assert (observer.totals[f"path:/{filled}"], observer.count) == (6, 5)
    again = download(observed, Location(filled, "p/s"), tmp_path / "p", skip_identical=True)
    assert (again.files, again.identical, again.problem) == (0, 1, None)


def test_plan_tells_each_file_and_writes_none(observed: Client, filled: str, tmp_path: Path) -> None:
    """With the error of an object that can't be a file."""
    plan = {item.path.name: item for item in plan_download(observed, Location(filled), tmp_path / "new")}
    assert (plan["p/a"].bytes, plan["p/a"].file, plan["p/a"].error) == (2, tmp_path / "new/p/a", None)
    assert plan["p/../c"].file is None
    assert isinstance(plan["p/../c"].error, LocalFileError)
    assert not (tmp_path / "new").exists()


def test_nothing_to_download_is_raised(observed: Client, filled: str, tmp_path: Path) -> None:
    """Also where it is only planned, before anything is read of the plan."""
    for function in (download, plan_download):
        with pytest.raises(NotFoundError, match="starts with q"):
            function(observed, Location(filled, "q"), tmp_path)
        with pytest.raises(NotFoundError):
            function(observed, Location(f"{filled}-not"), tmp_path)
        with pytest.raises(UsageError):
            function(observed, Location(), tmp_path)


def test_folder_may_be_deeper_than_python_recurses(observed: Client, container: str, tmp_path: Path) -> None:
    """One that doesn't exist yet, with as many missing above it."""
    upload_stream(observed, b"x", ObjectPath(container, "o"))
    folder = Path(f"{tmp_path}/top{'/d' * 300}")
    try:
        with little_recursion():
            assert download(observed, Location(container), folder).files == 1
        assert (folder / "o").read_bytes() == b"x"
    finally:
        trees.remove(os.fspath(tmp_path / "top"))
