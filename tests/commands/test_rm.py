"""``rm`` of many objects, in bulk where the cluster supports it, with failures by name."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote

import pexpect
import pytest

from storlet_shell.session import Session, Surroundings
from storlet_shell.spec.registry import Registry
from tests.commands.names import NAMES
from tests.support.lines import Runner, one_line
from tests.support.responder import Answer, Responder, html, ok


def fill(run: Runner, container: str, *names: str) -> None:
    """Make objects of these names."""
    for name in names:
        assert run("upload", f"path:/{container}/{name}", stdin=b"12345").status == 0


def names(run: Runner, container: str) -> list[str]:
    """Return the names of a container's objects."""
    return [row["name"] for row in run("ls", container, "--json").json["rows"]]


@pytest.mark.slow
def test_objects_of_any_name_go_with_their_container(run: Runner, container: str) -> None:
    """Every legal name, in one request; then the container."""
    fill(run, container, *NAMES)
    outcome = run("rm", "-r", "-y", container)
    assert (outcome.status, outcome.text) == (0, f"deleted container {container} and its {len(NAMES)} objects\n")
    assert run("ls", container).status == 4


def test_prefix_is_deleted_and_nothing_else(run: Runner, container: str) -> None:
    """What ls lists for the same words; the container stays."""
    fill(run, container, "a/1", "a/2", "ab", "b")
    assert run("rm", "-r", "-y", f"{container}/a/", "--json").json == {
        "deleted": [f"path:/{container}/a/"],
        "objects": 2,
    }
    assert names(run, container) == ["ab", "b"]
    outcome = run("rm", "-r", "-y", f"{container}/a/")
    assert (outcome.status, one_line(outcome)) == (4, f"no object in container {container} starts with a/")


def test_dry_run_lists_what_would_go(run: Runner, container: str) -> None:
    """And deletes nothing."""
    fill(run, container, "a", "b")
    expected = f"5  path:/{container}/a\n5  path:/{container}/b\n   path:/{container}\n"
    assert run("rm", "-r", "--dry-run", container).text == expected
    assert names(run, container) == ["a", "b"]


class Watched(Surroundings):
    """Somebody who sees how far something is."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self.units: list[str] = []
        self.steps: list[int] = []

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Watched]:
        """Note what is counted."""
        self.units.append(unit)
        yield self

    def advance(self, count: int) -> None:
        """Note a step."""
        self.steps.append(count)

    def expect(self, total: int) -> None:
        """Note nothing."""


@pytest.mark.slow
@pytest.mark.parametrize("words", [[], ["--versions"]], ids=["many at once", "one by one"])
def test_progress_counts_objects(run: Runner, container: str, words: list[str]) -> None:
    """Whether one request deletes them or several; their sizes say nothing of how far it is."""
    fill(run, container, "a", "b", "c")
    watched = Watched(run.environ)
    with Session(watched) as session:
        Registry().get("rm").call(["-r", "-y", container, *words]).run(session)
    assert (watched.units, sum(watched.steps)) == (["objects"], 3)


def test_container_that_is_not_empty_says_what_to_do(run: Runner, container: str) -> None:
    """One line, and the container stays as it is."""
    fill(run, container, "a")
    outcome = run("rm", "-y", container)
    assert outcome.status == 1
    said = f"container {container} isn't empty; to delete its contents, too: rm -r {container}"
    assert one_line(outcome).partition(" (")[0] == said
    assert names(run, container) == ["a"]


@pytest.mark.slow
def test_terminal_is_asked_once_with_the_count(run: Runner, container: str) -> None:
    """For all that the line names."""
    fill(run, container, "a/1", "a/2")
    for target, question in [
        (container, f"Delete container {container} and its 2 objects\\? \\[y/N\\] "),
        (f"{container}/a", f"Delete 2 objects of container {container} that start with a\\? \\[y/N\\] "),
    ]:
        child = pexpect.spawn(
            sys.executable, ["-m", "storlet_shell", "rm", "-r", target], env=run.environ, timeout=60, encoding="utf-8"
        )
        child.expect(question)
        child.sendline("n")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 7
    assert names(run, container) == ["a/1", "a/2"]


def test_terminal_is_not_asked_about_no_objects(run: Runner, container: str) -> None:
    """Of an empty container, the question says that it is empty."""
    asked: list[str] = []

    class Asking(Surroundings):
        def ask(self, question: str) -> bool | None:
            asked.append(question)
            return True

    with Session(Asking(run.environ)) as session:
        Registry().get("rm").call(["-r", container]).run(session)
    assert asked == [f"Delete the empty container {container}?"]


def test_container_goes_with_a_slash_at_its_end_and_the_line_says_so(run: Runner, container: str) -> None:
    """In the result as in the question; the container of a prefix stays."""
    assert run("mkdir", f"{container}-2").status == 0
    fill(run, container, "a")
    fill(run, f"{container}-2", "p/1", "p/2", "q")
    outcome = run("rm", "-r", "-y", f"{container}/", f"{container}-2/p/")
    prefix = f"2 objects of container {container}-2 that start with p/"
    assert outcome.text == f"deleted container {container} and its 1 object and {prefix}\n"
    assert (run("ls", container).status, names(run, f"{container}-2")) == (4, ["q"])


@pytest.mark.slow
def test_nobody_is_asked_to_delete_nothing(run: Runner, container: str) -> None:
    """The line fails before its question, and before it deletes anything else that it names."""
    fill(run, container, "a")
    child = pexpect.spawn(
        sys.executable,
        ["-m", "storlet_shell", "rm", "-r", f"{container}/a", f"{container}/none"],
        env=run.environ,
        timeout=60,
        encoding="utf-8",
    )
    child.expect(f"no object in container {container} starts with none")
    child.expect(pexpect.EOF)
    child.close()
    assert "[y/N]" not in (child.before or "")
    assert (child.exitstatus, names(run, container)) == (4, ["a"])


@pytest.mark.slow
def test_older_versions_go_when_they_are_meant(run: Runner, container: str) -> None:
    """Without --versions the line says why the container can't go; with it, the history goes too."""
    assert run("post", container, "-H", "X-Versions-Enabled:true").status == 0
    fill(run, container, "a", "a", "b")
    refused = run("rm", "-r", "-y", container)
    assert refused.status == 1
    assert one_line(refused).partition(" (")[0].endswith(f"rm -r --versions {container}")
    assert names(run, container) == []
    assert run("rm", "-r", "-y", "--versions", container).status == 0
    assert run("ls", container).status == 4


@pytest.mark.parametrize(
    "words", [["rm", "-r", "path:/"], ["rm", "--versions", "c/o"], ["rm", "-r", "c", "-j", "99"]], ids=" ".join
)
def test_wrong_line_sends_nothing(run_scripted: Runner, responder: Responder, words: list[str]) -> None:
    """One line, and 2."""
    outcome = run_scripted(*words)
    assert outcome.status == 2
    assert one_line(outcome)
    assert responder.requests == []


# --- what only some clusters do


def listed(*found: str) -> list[Answer]:
    """Answer a listing of two pages, the last of them empty."""
    return [ok(json.dumps([{"name": name, "bytes": 1} for name in found]).encode()), ok(b"[]")]


def bulk(status: str = "200 OK", errors: tuple[tuple[str, str], ...] = (), body: str = "") -> Answer:
    """Answer a bulk deletion as Swift does: 200, then what came of it."""
    told = {"Number Deleted": 1, "Response Status": status, "Errors": errors, "Response Body": body}
    return ok(b"  \r\n" + json.dumps(told).encode(), Content_Type="application/json")


@pytest.fixture
def takes_many(responder: Responder) -> Responder:
    """Let the scripted cluster delete many objects in one request."""
    responder.info["bulk_delete"] = {"max_deletes_per_request": 2}
    return responder


def test_many_objects_take_few_requests(run_scripted: Runner, takes_many: Responder) -> None:
    """As many as the cluster takes at a time; each name is quoted on a line of its own."""
    takes_many.on("GET", "/c", *listed("a", "ü /", "new\nline", "d", "e"))
    takes_many.on("POST", "", bulk())
    takes_many.on("DELETE", "*", ok(status=204))
    assert run_scripted("rm", "-r", "-y", "c", "-j", "1").status == 0
    posts = takes_many.sent("POST")
    assert [[unquote(line) for line in post.body.decode().splitlines()] for post in posts] == [
        ["/c/a", "/c/ü /"],
        ["/c/new\nline", "/c/d"],
    ]
    assert all(post.query == {"bulk-delete": ""} for post in posts)
    assert [request.path for request in takes_many.sent("DELETE")] == ["/c/e", "/c"]


def test_objects_go_one_by_one_where_the_cluster_has_no_other_way(run_scripted: Runner, responder: Responder) -> None:
    """One that is gone meanwhile counts as deleted."""
    responder.on("GET", "/c", *listed("a", "b"))
    responder.on("DELETE", "*", ok(status=204))
    responder.on("DELETE", "/c/b", html(404))
    assert run_scripted("rm", "-r", "-y", "c").text == "deleted container c and its 2 objects\n"
    assert sorted(request.path for request in responder.sent("DELETE")) == ["/c", "/c/a", "/c/b"]


def test_what_can_not_be_deleted_is_named_and_the_rest_goes(run_scripted: Runner, takes_many: Responder) -> None:
    """The container stays; failures of one kind give the line its status."""
    takes_many.on("GET", "/c", *listed("a", "b", "c", "d"))
    takes_many.on("POST", "", bulk("400 Bad Request", (("/c/%62", "403 Forbidden"),)), bulk())
    outcome = run_scripted("rm", "-r", "-y", "c", "-j", "1")
    assert outcome.status == 3
    assert outcome.err.splitlines() == [
        "path:/c/b: not deleted: 403 Forbidden",
        "storlet-shell: 1 could not be deleted; 3 deleted",
    ]
    assert takes_many.sent("DELETE") == []


@pytest.mark.parametrize(
    "answer",
    [bulk("502 Bad Gateway", body="too bad"), ok(b"<html>"), ok(b"{}"), html(500)],
    ids=["502", "html", "{}", "500"],
)
def test_bulk_deletion_that_fails_as_a_whole_is_a_failure(
    run_scripted: Runner, takes_many: Responder, answer: Answer
) -> None:
    """Its 200 says nothing; what follows does."""
    takes_many.on("GET", "/c", *listed("a", "b"))
    takes_many.on("POST", "", answer)
    outcome = run_scripted("rm", "-r", "-y", "c")
    assert outcome.status == 5
    assert len(outcome.err.splitlines()) == 2
    assert takes_many.sent("DELETE") == []


def test_segment_that_can_not_be_deleted_is_a_failure(run_scripted: Runner, responder: Responder) -> None:
    """The answer to the deletion of a large object is 200 as well."""
    responder.on("HEAD", "/c", ok(status=204))
    responder.on("HEAD", "/c/o", ok(X_Static_Large_Object="True"))
    responder.on("DELETE", "/c/o", bulk("400 Bad Request", (("/c_segments/1", "403 Forbidden"),)))
    outcome = run_scripted("rm", "c/o")
    assert (outcome.status, one_line(outcome)) == (3, "path:/c_segments/1: not deleted: 403 Forbidden")


def test_user_who_may_not_read_can_delete_without_segments(run_scripted: Runner, responder: Responder) -> None:
    """Whether there are any, only a reader is told."""
    responder.on("HEAD", "/c/o", html(403))
    responder.on("DELETE", "/c/o", ok(status=204))
    assert run_scripted("rm", "c/o").status == 3
    assert run_scripted("rm", "c/o", "--leave-segments").status == 0
    assert len(responder.sent("DELETE")) == 1


def test_container_that_looks_full_for_a_moment_is_tried_again(
    run_scripted: Runner, responder: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's listing follows its objects' deletion a little later."""
    monkeypatch.setattr("storlet_shell.store.trees._CONTAINER_PAUSES", (0.01, 0.01))

    responder.on("GET", "/c", ok(b"[]"))
    responder.on("DELETE", "/c", html(409), html(409), ok(status=204))
    assert run_scripted("rm", "-r", "-y", "c").status == 0
    responder.on("DELETE", "/c", html(409))
    assert run_scripted("rm", "-r", "-y", "c").status == 1
    assert len(responder.sent("DELETE")) == 6


def test_failed_listing_ends_it_before_the_container_goes(run_scripted: Runner, takes_many: Responder) -> None:
    """What was listed may have gone; the container has not."""
    takes_many.on("GET", "/c", listed("a", "b")[0], html(500))
    takes_many.on("POST", "", bulk())
    assert run_scripted("rm", "-r", "-y", "c").status == 5
    assert takes_many.sent("DELETE") == []
