"""Batches by the methods of a store: one storlet over many objects, and several over one."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path

import pytest

from storlet_shell import Store
from storlet_shell.errors import NotFoundError, PartFailedError, StorletFailedError, StorletShellError, UsageError
from tests.support.storlets import storlet

PICKY = storlet(
    """
    content = source.read()
    if not content:
        raise ValueError("nothing to read")
    target.set_metadata({})
    target.write(content)
    """
)
NAMES = [f"{number}.txt" for number in range(6)]


@pytest.fixture
def filled(store: Store, here: str) -> str:
    """Return a container with six small objects, and ``o``; one of them is empty."""
    store.deploy(PICKY.encode(), name="picky.Main")
    for number, name in enumerate(NAMES):
        store.put(b"x" * number, f"{here}/{name}")
    return here


def test_map_gives_a_row_for_each(store: Store, filled: str) -> None:
    """Rows contain the results, and are indexed by number and by name."""
    rows = store.map("upper.py", f"{filled}/*.txt", jobs=3)
    assert len(rows) == 6
    assert sorted(row.name for row in rows) == NAMES
    assert rows["3.txt"] == b"XXX"
    assert rows.failed == []
    assert rows.is_whole
    rows.raise_for_failed()
    assert {row.content for row in rows} == {b"X" * number for number in range(6)}


def test_results_are_joined_in_the_order_of_the_listing(store: Store, here: str, tmp_path: Path) -> None:
    """One data frame from many tables, with the objects' names on request; a file alike."""
    for number in range(4):
        store.put(f"CITY,N\nOSLO,{number}\n".encode(), f"{here}/t{number}.csv")
    rows = store.map("upper.py", f"{here}/*.csv", jobs=4)
    assert rows.concat().text == "CITY,N\nOSLO,0\nOSLO,1\nOSLO,2\nOSLO,3\n"
    assert rows.concat(header="none").text.count("CITY") == 0
    frame = rows.concat(name_column="object").dataframe()
    assert list(frame.columns) == ["object", "CITY", "N"]
    assert [name.rpartition("/")[2] for name in frame["object"]] == [f"t{number}.csv" for number in range(4)]
    assert list(frame["N"]) == [0, 1, 2, 3]
    assert rows.save(tmp_path / "saved.csv") == (tmp_path / "saved.csv").stat().st_size
    store.map("upper.py", f"{here}/*.csv", concat=tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "saved.csv").read_bytes() == rows.concat().content
    with pytest.raises(UsageError, match="header must be one of once, keep, none"):
        rows.concat(header="twice")  # type: ignore[arg-type]


def test_joining_fails_unless_objects_may_be_missing(store: Store, filled: str, tmp_path: Path) -> None:
    """A result with a gap isn't taken for a whole one."""
    rows = store.map("picky.py", f"{filled}/*.txt")
    with pytest.raises(PartFailedError):
        rows.concat()
    with pytest.raises(PartFailedError):
        rows.save(tmp_path / "all.txt")
    assert not (tmp_path / "all.txt").exists()
    assert rows.concat(allow_missing=True).content == b"\n".join(b"x" * number for number in range(1, 6))


def test_map_returns_after_partial_failure(store: Store, filled: str) -> None:
    """The rows tell which failed; an error is raised on demand, with the rows as its result."""
    rows = store.map("picky.py", f"{filled}/*.txt")
    assert [row.name for row in rows.failed] == ["0.txt"]
    assert len(rows) == 6
    assert rows.is_whole
    assert rows["1.txt"] == b"x"
    with pytest.raises(KeyError):
        rows["0.txt"]
    with pytest.raises(PartFailedError) as failure:
        rows.raise_for_failed()
    assert failure.value.result is rows
    assert str(pickle.loads(pickle.dumps(failure.value))) == str(failure.value), "a pool of processes can't raise it"


def test_map_ends_at_a_failure_on_demand(store: Store, filled: str) -> None:
    """The rows so far are there, and tell that they are not all."""
    rows = store.map("raises.py", f"{filled}/*.txt", fail_fast=True, jobs=1)
    assert not rows.is_whole
    assert len(rows.failed) == 1
    with pytest.raises(StorletFailedError):
        rows.raise_for_failed()


def test_map_stores_and_saves(store: Store, filled: str, tmp_path: Path) -> None:
    """As objects, or as local files; in order, and the first ones only, on demand."""
    rows = store.map("upper.py", f"{filled}/*.txt", output=f"{filled}/made/{{stem}}.up", ordered=True, limit=3)
    assert [row.output for row in rows] == [f"path:/{filled}/made/{number}.up" for number in range(3)]
    assert store.get(f"{filled}/made/2.up").content == b"XX"
    store.map("upper.py", f"{filled}/*.txt", save=tmp_path / "saved").raise_for_failed()
    assert sorted(path.name for path in (tmp_path / "saved").iterdir()) == NAMES
    assert (tmp_path / "saved" / "5.txt").read_bytes() == b"XXXXX"


def test_journal_goes_on_where_it_was(store: Store, filled: str, tmp_path: Path) -> None:
    """The same call a second time has nothing left to do."""
    journal = tmp_path / "journal"
    assert len(store.map("upper.py", f"{filled}/*.txt", save=tmp_path / "saved", journal=journal)) == 6
    assert len(store.map("upper.py", f"{filled}/*.txt", save=tmp_path / "saved", journal=journal)) == 0


@pytest.mark.slow
def test_imap_yields_rows_as_they_come(store: Store, filled: str) -> None:
    """Each with its content; leaving the loop ends the batch, and gives the client back."""
    contents = {row.name: row.content for row in store.imap("upper.py", f"{filled}/*.txt")}
    assert contents == {name: b"X" * number for number, name in enumerate(NAMES)}
    rows = store.imap("upper.py", f"{filled}/*.txt", jobs=1)
    first = list(itertools.islice(rows, 2))
    assert len(first) == 2
    rows.close()  # type: ignore[attr-defined]
    assert not store._clients._lent
    failed = [row.name for row in store.imap("picky.py", f"{filled}/*.txt") if row.error]
    assert failed == ["0.txt"]
    with pytest.raises(StorletFailedError):
        list(store.imap("raises.py", f"{filled}/*.txt", fail_fast=True))


def test_what_cant_begin_is_told(store: Store, filled: str) -> None:
    """A storlet that isn't deployed, objects that aren't there, an output that would be an input."""
    with pytest.raises(NotFoundError, match="isn't deployed"):
        store.map("nothing.py", f"{filled}/*")
    with pytest.raises(NotFoundError, match="no object matches"):
        store.map("upper.py", f"{filled}/*.csv")
    with pytest.raises(UsageError):
        store.map("upper.py", f"{filled}/*", output=f"{filled}/{{name}}2")
    rows = store.imap("upper.py", f"{filled}/*.csv")
    with pytest.raises(NotFoundError, match="no object matches"):
        next(rows)


@pytest.mark.slow
def test_reduce_makes_one_object(store: Store, filled: str) -> None:
    """It takes a tree of runs."""
    reduced = store.reduce("join.py", f"{filled}/*.txt", f"{filled}/joined", fan_in=2)
    assert (str(reduced.object), reduced.inputs) == (f"path:/{filled}/joined", 6)
    assert store.get(f"{filled}/joined").content.replace(b"[", b"").replace(b"]", b"") == b"x" * 15
    with pytest.raises(StorletShellError):
        store.reduce("upper.py", f"{filled}/*.txt", f"{filled}/other")


@pytest.mark.parametrize(
    "stages",
    [
        ["upper.py", ("tell.py", {"n": 1})],
        pytest.param("upper.py | tell.py n=1", marks=pytest.mark.slow),
        pytest.param((("upper.py", {}), ("tell.py", {"n": "1"})), marks=pytest.mark.slow),
    ],
)
def test_pipe_streams_the_last_result(store: Store, here: str, stages: object) -> None:
    """Of a chain as names, as pairs, and as text; nothing is left of what was made in between."""
    before = {entry.name for entry in store.list()}
    with store.pipe(stages, f"{here}/o") as response:  # type: ignore[arg-type]
        assert response.json() == {"n": "1"}
    assert {entry.name for entry in store.list()} == before
    assert not store._clients._lent
