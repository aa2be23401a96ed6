"""``ls``: any number of names in constant memory, prefixes, delimiters, and every script."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from tests.support.lines import Runner
from tests.support.responder import Answer, Recorded, Responder, html, ok
from tests.support.variants import fast_and_slow

PAGE = 10_000


@pytest.fixture(scope="module")
def listed(run: Runner) -> str:
    """Make a container with some names in it."""
    assert run("mkdir", "listed").status == 0
    for name in ("a/1", "a/2", "a/b/3", "b", "grün/日本", "grün/x", "new\nline"):
        assert run("upload", f"path:/listed/{name}", stdin=b"12345").status == 0
    return "listed"


def names(run: Runner, *words: str) -> list[str]:
    """Return the names that a line lists."""
    return [row["name"] for row in run("ls", *words, "--json").json["rows"]]


def test_account_is_a_list_of_containers(run: Runner, listed: str) -> None:
    """Without an argument, the containers are listed, by name."""
    shown = run("ls").text.splitlines()
    assert listed in shown
    assert shown == sorted(shown)
    assert names(run, "path:/") == names(run)


def test_container_is_a_list_of_objects(run: Runner, listed: str) -> None:
    """One name a line, as the server orders them."""
    assert run("ls", listed).text == "a/1\na/2\na/b/3\nb\ngrün/x\ngrün/日本\nnew\nline\n"
    assert names(run, f"path:/{listed}") == ["a/1", "a/2", "a/b/3", "b", "grün/x", "grün/日本", "new\nline"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["listed/a"], ["a/1", "a/2", "a/b/3"]),
        (["listed/a/"], ["a/1", "a/2", "a/b/3"]),
        (["listed/grün"], ["grün/x", "grün/日本"]),
        (["listed/none"], []),
        (["listed", "--delimiter", "/"], ["a/", "b", "grün/", "new\nline"]),
        (["listed/a/", "--delimiter", "/"], ["a/1", "a/2", "a/b/"]),
        (["listed", "--delimiter", "ü"], ["a/1", "a/2", "a/b/3", "b", "grü", "new\nline"]),
        (["listed/grün/日"], ["grün/日本"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_prefix_and_delimiter_choose(run: Runner, listed: str, words: list[str], expected: list[str]) -> None:
    """Names are chosen by how they start, and folded after a character."""
    assert names(run, *words) == expected


def test_long_listing_shows_sizes_dates_and_a_sum(run: Runner, listed: str) -> None:
    """Sizes are aligned, and the last line sums up."""
    lines = run("ls", "-l", f"{listed}/a").text.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["5", "5", "5"]
    assert all(line.endswith(name) for line, name in zip(lines, ("a/1", "a/2", "a/b/3"), strict=False))
    assert lines[-1] == "3 names, 15 bytes"
    (row,) = [row for row in run("ls", "-l", "--json").json["rows"] if row["name"] == listed]
    assert isinstance(row["objects"], int)  # the account learns of new objects a little later
    assert isinstance(row["bytes"], int)


def test_empty_container_lists_nothing(run: Runner, container: str) -> None:
    """Nothing is shown, and as JSON an empty list."""
    assert run("ls", container).out == b""
    assert run("ls", container, "--json").json == {"rows": []}
    assert run("ls", "-l", container).text == "0 names, 0 bytes\n"


def paged(total: int, width: int = 9, page: int = PAGE) -> object:
    """Return a script that answers listings of made-up names."""

    def answer(request: Recorded) -> Answer:
        marker = request.query.get("marker")
        first = int(marker.removeprefix("n")) + 1 if marker else 0
        last = min(total, first + page)
        entries = [
            {"name": f"n{number:0{width}}", "bytes": 1, "last_modified": "2026-01-01T00:00:00.000000"}
            for number in range(first, last)
        ]
        return ok(json.dumps(entries).encode(), Content_Type="application/json; charset=utf-8")

    return answer


@pytest.mark.parametrize("total", fast_and_slow([0, PAGE, PAGE + 1], [1, PAGE - 1, 2 * PAGE, 25_000]))
def test_every_name_is_listed_once_across_pages(run_scripted: Runner, responder: Responder, total: int) -> None:
    """At, before and after the borders of pages, no name is lost or shown twice."""
    responder.on("GET", "/c", paged(total))  # type: ignore[arg-type]
    outcome = run_scripted("ls", "c")
    assert outcome.text.splitlines() == [f"n{number:09}" for number in range(total)]
    assert len(responder.requests) == -(-total // PAGE) + 1  # only an empty page is sure to be the last


def test_json_listing_across_pages_is_one_document(run_scripted: Runner, responder: Responder) -> None:
    """Pages are not seen in the result."""
    responder.on("GET", "/c", paged(PAGE + 5))  # type: ignore[arg-type]
    rows = run_scripted("ls", "c", "--json").json["rows"]
    assert len(rows) == PAGE + 5
    assert rows[-1].items() >= {"bytes": 1, "last_modified": "2026-01-01T00:00:00.000000Z"}.items()
    assert rows[-1]["name"] == f"n{PAGE + 4:09}"


@pytest.mark.slow
def test_listing_of_any_length_takes_the_same_memory(run_scripted: Runner, responder: Responder) -> None:
    """Of five times the pages, one and the next are held at a time, and what the test's own server keeps."""
    peaks = []
    for total in (3_000, 15_000):
        responder.on("GET", "/c", paged(total, page=1000))  # type: ignore[arg-type]
        tracemalloc.start()
        assert run_scripted("ls", "c", "-l").status == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def test_folded_name_at_the_border_of_a_page_is_the_marker(run_scripted: Runner, responder: Responder) -> None:
    """Where a page ends with a folded name, the next begins after it."""
    first = [{"name": f"a{number:05}", "bytes": 0, "last_modified": ""} for number in range(PAGE - 1)] + [
        {"subdir": "b/"}
    ]
    responder.on("GET", "/c", ok(json.dumps(first).encode()), ok(b'[{"subdir": "c/"}]'), ok(b"[]"))
    assert run_scripted("ls", "c", "--delimiter", "/").text.splitlines()[-2:] == ["b/", "c/"]
    assert responder.requests[1].query["marker"] == "b/"


@pytest.mark.parametrize("failure", [html(503), html(404), Answer(body=b"[", length=100, end="cut")])
def test_listing_that_breaks_off_is_a_failure(run_scripted: Runner, responder: Responder, failure: Answer) -> None:
    """A second page that can't be had ends the line with an error, after what was shown."""
    page = json.dumps([{"name": f"n{number:05}", "bytes": 0} for number in range(PAGE)]).encode()
    responder.on("GET", "/c", ok(page), failure)
    outcome = run_scripted("ls", "c")
    assert outcome.status in (4, 5)
    assert len(outcome.err.splitlines()) == 1
    assert len(outcome.text.splitlines()) == PAGE


def test_cluster_with_smaller_pages_is_listed_whole(run_scripted: Runner, responder: Responder) -> None:
    """A cluster may answer fewer names at once than its default; nothing is missed."""
    responder.on("GET", "/c", paged(250, page=100))  # type: ignore[arg-type]
    assert len(run_scripted("ls", "c").text.splitlines()) == 250


@pytest.mark.parametrize("body", [b"<html>", b'{"a": 1}', b"[1]", b"nonsense"])
def test_listing_that_is_none_is_one_line(run_scripted: Runner, responder: Responder, body: bytes) -> None:
    """Something between us and Swift may answer 200 with a page of its own."""
    responder.on("GET", "/c", ok(body))
    outcome = run_scripted("ls", "c")
    assert outcome.status != 0
    assert len(outcome.err.splitlines()) == 1
