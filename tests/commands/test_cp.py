"""``cp``: copies inside the cluster, one or many; bad words change nothing."""

from __future__ import annotations

import json

import pytest

from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.lines import Runner, one_line
from tests.support.responder import Answer, Responder, ok


@pytest.fixture(scope="module")
def originals(run: Runner) -> str:
    """Make a container with objects, two of which have the same last part."""
    assert run("mkdir", "originals").status == 0
    for name in ("2025/a", "2026/a", "2026/b"):
        assert run("upload", f"path:/originals/{name}", stdin=name.encode()).status == 0
    return "originals"


def names(run: Runner, container: str) -> list[str]:
    """Return the names of a container's objects."""
    return [row["name"] for row in run("ls", container, "--json").json["rows"]]


def test_one_object_is_copied_to_a_name_or_a_container(run: Runner, originals: str, container: str) -> None:
    """An existing one is replaced, as by copy."""
    outcome = run("cp", f"{originals}/2026/b", container)
    assert outcome.text == f"copied path:/{originals}/2026/b to path:/{container}/b\n"
    assert run("cp", f"{originals}/2025/a", f"{container}/b").status == 0
    assert run("cat", f"{container}/b").out == b"2025/a"


def test_matches_keep_their_folders(run: Runner, originals: str, container: str) -> None:
    """Those that follow the folder that all of them are in."""
    outcome = run("cp", f"{originals}/20*/a", f"{container}/x/", "--json")
    assert outcome.json == {"sources": [f"path:/{originals}/20*/a"], "target": f"path:/{container}/x/", "objects": 2}
    assert run("cp", f"{originals}/2026/*", container).text == f"copied 2 objects to path:/{container}\n"
    assert names(run, container) == ["a", "b", "x/2025/a", "x/2026/a"]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ("{o}/2025/a {o}/2026/a {c}", 2, "path:/{c}/a is the target of both path:/{o}/2025/a and path:/{o}/2026/a"),
        ("{o}/2025/a {o}/2026/b {c}/x", 2, "path:/{c}/x can take only one object; end it with '/'"),
        ("{o}/2025/* {c}/x", 2, "path:/{c}/x can take only one object; end it with '/'"),
        ("{o}/2025/a {o}/2025/", 2, "the source and the target are the same: path:/{o}/2025/a"),
        ("{o}/2025/* {o}/2025/", 2, "the source and the target are the same: path:/{o}/2025/a"),
        (
            "{o}/2025/ {c}",
            2,
            "path:/{o}/2025/ isn't an object; for everything in it, use a pattern: 'path:/{o}/2025/**'",
        ),
        ("{o} {c}", 2, "path:/{o} isn't an object; for everything in it, use a pattern: 'path:/{o}/**'"),
        ("/ {c}", 2, "a source must be CONTAINER/OBJECT, or a pattern of objects"),
        ("{o}/2025/a /", 2, "the target must be CONTAINER, CONTAINER/FOLDER/ or CONTAINER/OBJECT"),
        ("{o}/2025/a", 2, "cp: the following arguments are required: TARGET"),
        ("{o}/x* {c}", 4, "path:/{o}/x*: no object matches"),
        ("{o}/x {c}", 4, "path:/{o}/x: not found"),
        ("{o}/2025/a no-such-container", 4, "container no-such-container doesn't exist (create it: "),
        ("{o}/2025/* no-such-container/", 4, "container no-such-container doesn't exist (create it: "),
    ],
)
def test_bad_words_copy_nothing(
    run: Runner, originals: str, container: str, words: str, status: int, message: str
) -> None:
    """One line, and the right status; mv shares the rules."""
    named = {"o": originals, "c": container}
    outcome = run("cp", *words.format(**named).split())
    assert (outcome.status, outcome.out) == (status, b"")
    assert one_line(outcome).startswith(message.format(**named))
    assert names(run, container) == []
    assert len(names(run, originals)) == 3


HUGE = 96
"""Segments of 64 MiB, more than a cluster copies as one object."""


def put_huge(run: Runner, client: Client, container: str, segment: bytes) -> None:
    """Make a large object that names the same segment many times."""
    assert run("mkdir", f"{container}_segments").status == 0
    assert run("upload", f"{container}_segments/64M", stdin=segment).status == 0
    manifest = json.dumps([{"path": f"/{container}_segments/64M"}] * HUGE).encode()
    headers = {"X-Object-Meta-Color": "red", "Content-Type": "text/x-huge"}
    request = Request("PUT", container, "huge", query=(("multipart-manifest", "put"),), headers=headers)
    client.send(request, bytes_body(manifest)).read()


@pytest.mark.slow
def test_object_that_is_too_large_is_copied_by_its_segments(run: Runner, container: str, real_client: Client) -> None:
    """The copy has its own, which go with it; the original stays as it is."""
    put_huge(run, real_client, container, b"x" * (64 * 1024 * 1024))
    assert run("cp", f"{container}/huge", f"{container}/copy").status == 0
    facts = ("bytes", "content_type", "metadata", "large_object")
    original, copy = (run("stat", f"{container}/{name}", "--json").json for name in ("huge", "copy"))
    assert [copy[fact] for fact in facts] == [original[fact] for fact in facts]
    assert copy["headers"]["Etag"] == original["headers"]["Etag"]
    own, shared = names(run, f"{container}_segments")[1:], names(run, f"{container}_segments")[0]
    assert (shared, len(own), own[0].startswith("copy/slo/")) == ("64M", 1, True)
    assert run("rm", "-y", f"{container}/copy").status == 0
    assert names(run, f"{container}_segments") == ["64M"]


def test_segments_are_deleted_if_the_copy_fails(run_scripted: Runner, responder: Responder) -> None:
    """Those that were copied, when another one can't be."""
    entries = [{"name": f"/s/{name}", "bytes": 1, "hash": "e"} for name in "ab"]
    headers = {"X_Static_Large_Object": "True", "ETag": "x"}
    responder.on("COPY", "/c/huge", Answer(413))
    responder.on("HEAD", "/c/huge", ok(**headers))
    responder.on("GET", "/c/huge", ok(json.dumps(entries).encode(), **headers))
    responder.on("HEAD", "*", ok())
    responder.on("COPY", "/s/a", ok(status=201, ETag="e"))
    responder.on("COPY", "/s/b", Answer(404))
    responder.on("DELETE", "*", Answer(204))
    outcome = run_scripted("cp", "c/huge", "c/copy")
    assert (outcome.status, outcome.err.splitlines()[-1]) == (4, "storlet-shell: 1 could not be copied; 1 copied")
    copies = {request.header("Destination") for request in responder.sent("COPY")} - {"c/copy"}
    assert {request.path.removeprefix("/") for request in responder.sent("DELETE")} == copies
    assert responder.sent("PUT") == []


@pytest.mark.slow
def test_copies_in_the_same_container_are_not_copied_again(run: Runner, container: str) -> None:
    """The pattern would match them; a target that is a source as well is refused."""
    for name in ("a", "b"):
        assert run("upload", f"path:/{container}/{name}", stdin=b"x").status == 0
    assert run("cp", f"{container}/**", f"{container}/x/").status == 0
    assert names(run, container) == ["a", "b", "x/a", "x/b"]
    outcome = run("cp", f"{container}/**", f"{container}/x/")
    message = f"path:/{container}/x/a is a source, and the target of path:/{container}/a; nothing was changed"
    assert (outcome.status, one_line(outcome)) == (2, message)
    assert len(names(run, container)) == 4
