"""The journal of a batch: which files it accepts, and which batch it belongs to."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from storlet_shell.batches.journal import APPLICATION_ID, Journal, Span
from storlet_shell.errors import LocalFileError, UsageError
from tests.support.journals import count_done
from tests.support.lines import Runner, base_environment, one_line
from tests.support.responder import Answer, Responder, ok

BATCH = {"account": "AUTH_a", "server": "http://one", "container's date": ""}
LISTING = b'[{"name": "a", "bytes": 1}, {"name": "b", "bytes": 1}]'


def database(path: Path, script: str) -> None:
    """Write an SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def whole_journal(path: Path) -> bytes:
    """Write a journal, and return it."""
    with Journal(path, BATCH) as journal:
        for number in range(1000):
            journal.end(f"{number:050}", succeeded=True)
    return path.read_bytes()


def cut(length: int) -> Callable[[Path], None]:
    """Return what leaves a journal's first bytes."""
    return lambda path: path.write_bytes(whole_journal(path)[:length]) and None


def test_last_of_several_objects_is_recorded_before_the_next_ends(tmp_path: Path) -> None:
    """Objects that end at the same time are recorded together, a moment later."""
    with Journal(tmp_path / "journal", BATCH) as journal:
        journal.take(["a", "b", "c"])
        journal.end("a", succeeded=True)
        journal.end("b", succeeded=True)
        deadline = time.monotonic() + 30
        while count_done(tmp_path / "journal") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)


NO_JOURNALS: dict[str, Callable[[Path], object]] = {
    "one byte": lambda path: path.write_bytes(b"x"),
    "a zero": lambda path: path.write_bytes(b"\0"),
    "a line": lambda path: path.write_text("one line\n"),
    "zeros": lambda path: path.write_bytes(bytes(8192)),
    "SQLite's first bytes": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "SQLite without tables": lambda path: database(path, "PRAGMA user_version=5"),
    "SQLite in WAL mode": lambda path: database(path, "PRAGMA journal_mode=WAL; CREATE TABLE mine (x)"),
    "SQLite of another application": lambda path: database(path, "PRAGMA application_id=7"),
    "a later version's": lambda path: database(path, f"PRAGMA application_id={APPLICATION_ID + 1}"),
    "cut in its head": cut(50),
    "cut in its first page": cut(700),
    "cut after its first page": cut(4096),
    "cut at its end": cut(16384),
}


@pytest.mark.parametrize("name", NO_JOURNALS)
def test_file_that_is_no_journal_stays(tmp_path: Path, name: str) -> None:
    """Whatever it holds, it is refused and not written to."""
    path = tmp_path / "file"
    NO_JOURNALS[name](path)
    before = path.read_bytes()
    with pytest.raises(LocalFileError, match="journal") as caught:
        Journal(path, BATCH)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "make",
    [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/null"), lambda path: path.symlink_to("/dev/full")],
    ids=["folder", "FIFO", "null", "full"],
)
def test_what_is_no_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Nothing waits for the other end of a pipe."""
    make(tmp_path / "it")
    with pytest.raises(LocalFileError, match="journal"):
        Journal(tmp_path / "it", BATCH)


def test_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    """As mktemp makes one; a link leads to it."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    with Journal(tmp_path / "link", BATCH) as journal:
        journal.end("a", succeeded=True)
    with Journal(tmp_path / "file", BATCH) as journal:
        assert journal.done_count == 1


def test_journal_of_before_learns_its_server(tmp_path: Path) -> None:
    """An older version has not recorded it; from now on it counts."""
    whole_journal(tmp_path / "j")
    database(tmp_path / "j", "DELETE FROM batch WHERE name != 'account'")
    with Journal(tmp_path / "j", BATCH) as journal:
        assert journal.done_count == 1000
    with pytest.raises(UsageError, match="server was http://one, now http://two"):
        Journal(tmp_path / "j", {**BATCH, "server": "http://two"})


@pytest.mark.parametrize(
    ("now", "is_same"),
    [(Span("1", "9"), True), (Span("5", "9"), True), (Span("6", "9"), False), (Span(), True)],
)
def test_objects_that_are_all_newer_are_another_batch(tmp_path: Path, now: Span, is_same: bool) -> None:
    """One that dates from before shows that the container is the same."""
    with Journal(tmp_path / "j", BATCH, Span("1", "5")):
        pass
    if is_same:
        with Journal(tmp_path / "j", BATCH, now):
            return
    with pytest.raises(UsageError, match="created again"):
        Journal(tmp_path / "j", BATCH, now)


def lines_of(folder: Path) -> list[str]:
    """Return the words of a batch with a journal."""
    places = ["--save", str(folder / "made"), "--journal", str(folder / "journal")]
    return ["map", "--storlet", "upper.py", "--input", "path:/c/*", *places]


def prepare(server: Responder, **headers: str) -> Runner:
    """Have a server answer a batch of two objects."""
    server.on("HEAD", "*", ok(**headers))
    server.on("GET", "/c", ok(LISTING), ok(b"[]"))
    server.on("GET", "*", Answer(200, b"x", chunked=True))
    return Runner({**base_environment(Path("/nonexistent")), **server.environ})


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({}, {}, "server was http://127.0.0.1:"),
        ({"X_Timestamp": "1.00001"}, {"X_Timestamp": "1.00002"}, "container's date was 1.00001, now 1.00002"),
        ({"X_Timestamp": "1.00001"}, {}, "container's date was 1.00001, now none"),
    ],
)
def test_same_line_on_another_server_is_another_batch(
    tmp_path: Path, quick_retries: None, first: dict[str, str], second: dict[str, str], said: str
) -> None:
    """Though the account, the container and the objects have the same names."""
    with Responder() as one, Responder() as two:
        assert prepare(one, **first)(*lines_of(tmp_path)).status == 0
        outcome = prepare(two, **second)(*lines_of(tmp_path))
        assert outcome.status == 2
        assert said in one_line(outcome)
        assert not [request for request in two.requests if "X-Run-Storlet".lower() in request.names()]


def test_same_container_at_another_port_goes_on(tmp_path: Path, quick_retries: None) -> None:
    """A server that is started again may have another port, and a cluster several names."""
    for _ in range(2):
        with Responder() as server:
            outcome = prepare(server, X_Timestamp="1.00001")(*lines_of(tmp_path))
            assert outcome.status == 0, outcome.err
    assert "2 done before" in outcome.text


@pytest.mark.slow
def test_container_that_was_created_again_is_another(storlets: Runner, here: str, tmp_path: Path) -> None:
    """Swift keeps its date, but its objects are newer; creating one that is there changes nothing."""
    line = ["map", "--storlet", "upper.py", "--input", f"path:/{here}/*", "--journal", str(tmp_path / "journal")]
    assert storlets(*line).status == 0
    assert storlets("mkdir", here).status == 0
    again = storlets(*line)
    assert again.status == 0
    assert "1 done before" in again.text
    assert storlets("rm", "-r", here, "-y").status == 0
    assert storlets("mkdir", here).status == 0
    assert storlets("upload", f"{here}/o", stdin=b"other\n").status == 0
    outcome = storlets(*line)
    assert outcome.status == 2
    assert "created again" in one_line(outcome)
