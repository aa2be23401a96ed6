"""Patterns in the words of ls, rm, download, stat and cat; a name that exists wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.lines import Runner, one_line
from tests.support.responder import Answer, Responder, ok

NAMES = ("2025/a.csv", "2025/b.csv", "2026/a.csv", "a1.csv", "a[1].csv", "note.txt")


def fill(run: Runner, container: str) -> str:
    """Fill a container with objects, one of which has a name like a pattern."""
    for name in NAMES:
        assert run("upload", f"path:/{container}/{name}", stdin=name.encode()).status == 0
    return container


@pytest.fixture(scope="module")
def filled(run: Runner) -> str:
    """Make a container for tests that change nothing."""
    assert run("mkdir", "globs").status == 0
    return fill(run, "globs")


def names(run: Runner, *words: str) -> list[str]:
    """Return the names that ls lists."""
    return [row["name"] for row in run("ls", *words, "--json").json["rows"]]


def test_listing_is_of_matches(run: Runner, filled: str) -> None:
    """A star stays within a part; a name that is written so is listed alone."""
    assert names(run, f"{filled}/*.csv") == ["a1.csv", "a[1].csv"]
    assert names(run, f"{filled}/**/a.csv") == ["2025/a.csv", "2026/a.csv"]
    assert names(run, f"{filled}/a[1].csv") == ["a[1].csv"]
    outcome = run("ls", f"{filled}/*", "--delimiter", "/")
    assert (outcome.status, one_line(outcome)) == (2, f"path:/{filled}/*: a pattern can't be combined with --delimiter")


@pytest.mark.slow
def test_existing_name_wins_over_a_pattern(run: Runner, container: str) -> None:
    """Deleting it leaves what the pattern would match; once it is gone, the pattern matches."""
    filled = fill(run, container)
    word = f"{filled}/a[1].csv"
    assert run("stat", word, "--json").json["location"] == f"path:/{word}"
    assert run("cat", word).out == b"a[1].csv"
    assert run("rm", "-y", word).text == f"deleted path:/{word}\n"
    assert run("cat", word).out == b"a1.csv"
    outcome = run("rm", "-y", word)
    assert outcome.text == f"deleted 1 object of container {filled} matching a[1].csv\n"
    assert run("rm", "-y", word).status == 4


@pytest.mark.slow
def test_matches_are_deleted_with_other_objects(run: Runner, container: str) -> None:
    """A star doesn't reach into folders, unless -r is given; --dry-run lists, and deletes nothing."""
    filled = fill(run, container)
    words = ("rm", f"{filled}/a*", f"{filled}/note.txt")
    listed = [row["name"] for row in run(*words, "--dry-run", "--json").json["rows"]]
    assert listed == [f"path:/{filled}/{name}" for name in ("note.txt", "a1.csv", "a[1].csv")]
    assert run(*words, "-y", "--json").json == {
        "deleted": [f"path:/{filled}/note.txt", f"path:/{filled}/a*"],
        "objects": 3,
    }
    assert run("rm", "-y", f"{filled}/*").status == 4
    assert run("rm", "-r", "-y", f"{filled}/*5").status == 0
    assert names(run, filled) == ["2026/a.csv"]


def test_pattern_that_nothing_matches_ends_with_4(run: Runner, filled: str, tmp_path: Path) -> None:
    """In every command, in one line, and nothing is changed."""
    word = f"{filled}/x*"
    for words in (("ls",), ("rm", "-y"), ("rm", "-r", "-y"), ("rm", "--dry-run"), ("stat",), ("cat",), ("download",)):
        outcome = run(*words, word, *([str(tmp_path)] if words == ("download",) else []))
        assert (outcome.status, one_line(outcome)) == (4, f"path:/{word}: no object matches"), words
    outcome = run("ls", f"{filled}/[z-a]")
    assert (outcome.status, one_line(outcome)) == (2, f"path:/{filled}/[z-a]: bad character range z-a")
    assert len(names(run, filled)) == len(NAMES)


def test_downloaded_matches_keep_their_folders(run: Runner, filled: str, tmp_path: Path) -> None:
    """Those behind the folder that all of them are in."""
    assert run("download", f"{filled}/20*/a.csv", str(tmp_path)).status == 0
    assert run("download", f"{filled}/2025/*", str(tmp_path / "flat")).status == 0
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.csv"))
    assert files == ["2025/a.csv", "2026/a.csv", "flat/a.csv", "flat/b.csv"]


def test_facts_of_matches_are_rows(run: Runner, filled: str) -> None:
    """In the order of the listing, with the keys of one object."""
    rows = run("stat", f"{filled}/**/*.csv", "--json").json["rows"]
    assert [row["location"] for row in rows] == [f"path:/{filled}/{name}" for name in NAMES[:5]]
    assert set(rows[0]) == set(run("stat", f"{filled}/note.txt", "--json").json)
    assert run("stat", f"{filled}/n*").text.endswith(f"text/plain  path:/{filled}/note.txt\n")


def test_broken_link_with_a_name_like_a_pattern_is_not_a_pattern(run_scripted: Runner, responder: Responder) -> None:
    """It is listed but not found; the object that the pattern would match stays."""
    entry = b'[{"name": "a[1]", "bytes": 0, "last_modified": "2026-01-01T00:00:00", "symlink_path": "/x"}]'
    responder.on("HEAD", "*", Answer(404))
    responder.on("GET", "/c", lambda request: ok(b"[]" if "marker" in request.query else entry))
    responder.on("DELETE", "*", Answer(204))
    assert run_scripted("rm", "-y", "c/a[1]").status == 0
    assert [request.path for request in responder.sent("DELETE")] == ["/c/a%5B1%5D"]
