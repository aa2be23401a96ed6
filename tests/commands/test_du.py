"""``du``: bytes and objects by container and folder."""

from __future__ import annotations

import pytest

from tests.support.lines import Runner, one_line


@pytest.fixture(scope="module")
def sizes(run: Runner) -> str:
    """Make a container with folders in folders, and an object that only starts like a folder."""
    assert run("mkdir", "sizes").status == 0
    for name in ("2025/01/a", "2025/01/b", "2025/02/a", "2025/c", "2025-notes", "2026/a"):
        assert run("upload", f"path:/sizes/{name}", stdin=b"12345").status == 0
    return "sizes"


def rows(run: Runner, *words: str) -> list[tuple[int, int, str]]:
    """Return bytes, objects and name of each row."""
    return [(row["bytes"], row["objects"], row["name"]) for row in run("du", *words, "--json").json["rows"]]


def test_folders_are_summed_up_and_then_the_whole(run: Runner, sizes: str) -> None:
    """The last row includes the objects that are in no folder."""
    assert rows(run, sizes) == [(20, 4, "sizes/2025/"), (5, 1, "sizes/2026/"), (30, 6, "sizes")]
    assert run("du", sizes).text == "20  4  sizes/2025/\n 5  1  sizes/2026/\n30  6  sizes\n"


def test_depth_shows_folders_in_folders(run: Runner, sizes: str) -> None:
    """Inner ones first, as in du; -s and --depth 0 show the total alone."""
    names = ["sizes/2025/01/", "sizes/2025/02/", "sizes/2025/", "sizes/2026/", "sizes"]
    assert [name for _, _, name in rows(run, sizes, "--depth", "2")] == names
    assert rows(run, sizes, "-s") == rows(run, sizes, "--depth", "0") == [(30, 6, "sizes")]


def test_prefix_is_a_beginning_of_names(run: Runner, sizes: str) -> None:
    """With or without its slash; several arguments have their totals."""
    assert rows(run, f"{sizes}/2025/") == [(10, 2, "sizes/2025/01/"), (5, 1, "sizes/2025/02/"), (20, 4, "sizes/2025/")]
    assert rows(run, "-s", f"{sizes}/2025", f"{sizes}/2026/") == [(25, 5, "sizes/2025"), (5, 1, "sizes/2026/")]


@pytest.mark.slow
def test_account_is_the_sum_of_its_containers(run: Runner, sizes: str) -> None:
    """Deeper levels are counted from the listing."""
    *containers, whole = rows(run, "--depth", "2")
    assert whole[2] == "/"
    assert (30, 6, sizes) in containers
    assert sum(count for _, count, name in containers if "/" not in name) == whole[1]
    assert rows(run, "-s")[0][2] == "/"


def test_bad_words_are_refused_in_one_line(run: Runner, sizes: str) -> None:
    """A missing container or prefix ends with 4, options that conflict with 2."""
    assert run("du", "no-such-container").status == 4
    outcome = run("du", f"{sizes}/2027")
    assert (outcome.status, one_line(outcome)) == (4, "no object in container sizes starts with 2027")
    assert run("du", "-s", "--depth", "1", sizes).status == 2
    assert run("du", "--depth", "-1", sizes).status == 2
