"""``upload_files``: results, errors, and warnings; its requests are in the tests of the command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storlet_shell.errors import LocalFileError, NotFoundError, UsageError
from storlet_shell.store.listing import list_entries
from storlet_shell.transfers.targets import Choices
from storlet_shell.transfers.upload import plan_upload, upload_files
from storlet_shell.values import Location
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.folders import little_recursion, nested
from tests.support.observers import Notebook
from tests.support.responder import Responder, html, ok


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with two files, an empty folder, and a link that can't be uploaded."""
    made = tmp_path / "from"
    (made / "sub/empty").mkdir(parents=True)
    (made / "a.txt").write_bytes(b"aa")
    (made / "sub/b.csv").write_bytes(b"bbb")
    (made / "link").symlink_to(made / "sub")
    return made


def names(client: Client, container: str) -> set[str]:
    """Return the names of a container's objects."""
    return {entry["name"] for entry in list_entries(client, Location(container))}


def test_failure_is_returned_beside_what_was_stored(
    observed: Client, observer: Notebook, container: str, folder: Path
) -> None:
    """Counts, bytes, and each failure as an error; nothing is raised unless it is asked for."""
    stored = upload_files(observed, folder, Location(container, "p"))
    assert (stored.files, stored.identical, stored.folders, stored.bytes) == (2, 0, 1, 5)
    (failure,) = stored.failures
    assert isinstance(failure, LocalFileError)
    assert str(folder / "link") in failure.message
    with pytest.raises(LocalFileError, match="1 could not be uploaded; ") as raised:
        stored.raise_for_failed()
    assert raised.value.details == failure.message
    assert names(observed, container) == {"p/a.txt", "p/sub/b.csv", "p/sub/empty"}
    assert (observer.totals, observer.count, observer.warnings) == ({str(folder): None}, 5, [])


def test_identical_files_are_counted_and_not_sent(
    observed: Client, observer: Notebook, container: str, folder: Path
) -> None:
    """And once nothing fails, there is nothing to raise."""
    (folder / "link").unlink()
    upload_files(observed, folder, Location(container)).raise_for_failed()
    observer.requests.clear()
    again = upload_files(observed, folder, Location(container), Choices(skip_identical=True))
    again.raise_for_failed()
    assert (again.files, again.identical, again.bytes, again.problem) == (0, 2, 0, None)
    assert observer.sent("PUT") == [f"{container}/sub/empty"]


def test_planned_requests_are_those_that_are_sent(client: Client, responder: Responder, folder: Path) -> None:
    """Planning sends nothing; then each request arrives with the headers that were shown, dates to the microsecond."""
    rounded_two_ways = 1795912799549200491
    os.utime(folder / "a.txt", ns=(rounded_two_ways, rounded_two_ways))
    responder.on("HEAD", "/c", ok())
    (planned,) = plan_upload(folder / "a.txt", Location("c", "text"), Choices(content_type="text/x-a"))
    assert isinstance(planned, Request)
    assert responder.requests == []
    responder.on("HEAD", planned.path, html(404))
    responder.on("PUT", planned.path, ok(status=201))
    upload_files(client, folder / "a.txt", Location("c", "text"), Choices(content_type="text/x-a"))
    (sent,) = responder.sent("PUT")
    assert {name: sent.header(name) for name in planned.headers} == dict(planned.headers)


def test_plan_names_files_that_can_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without opening them; the permission is faked, since root may read anything."""
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "a.txt")
    planned = list(plan_upload(folder, Location("c")))
    assert [str(entry) for entry in planned if isinstance(entry, LocalFileError)] == [
        f"can't read {folder}/a.txt: Permission denied",
        f"{folder}/link: links to folders aren't followed",
    ]


def test_folders_may_be_nested_deeper_than_python_recurses(tmp_path: Path) -> None:
    """The deepest file has a name that is too long for an object, and says so."""
    with nested(tmp_path / "top", 600) as deepest, little_recursion():
        (deepest / "file").touch()
        (tmp_path / "top/z").touch()
        deep, last = plan_upload(tmp_path / "top", Location("c"))
    assert "an object name can't be longer than 1024 bytes" in str(deep)
    assert isinstance(last, Request)
    assert last.name == "z"


def test_what_can_not_begin_is_raised(client: Client, responder: Responder, tmp_path: Path) -> None:
    """A container or a file that is not there, or not named."""
    responder.on("HEAD", "/c", html(404))
    with pytest.raises(NotFoundError, match="container c doesn't exist"):
        upload_files(client, tmp_path, Location("c"))
    with pytest.raises(NotFoundError, match="no local file or folder"):
        upload_files(client, tmp_path / "missing", Location("c"))
    with pytest.raises(UsageError):
        upload_files(client, tmp_path, Location())
    assert [request.method for request in responder.sent()] == ["HEAD"]
