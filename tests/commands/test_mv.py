"""``mv``: objects are copied as they are, checked, and then deleted; nothing is lost on the way."""

from __future__ import annotations

import os

import pytest

from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.lines import Runner, one_line
from tests.support.responder import Answer, Responder, ok

BIG = os.urandom(250_000)


def fill(run: Runner, container: str, *names: str) -> None:
    """Make objects whose bodies are their names."""
    for name in names:
        assert run("upload", f"path:/{container}/{name}", stdin=name.encode()).status == 0


def names(run: Runner, container: str) -> list[str]:
    """Return the names of a container's objects."""
    return [row["name"] for row in run("ls", container, "--json").json["rows"]]


def test_object_is_moved_with_its_metadata(run: Runner, container: str) -> None:
    """Its type and its expiry, too; into a folder, it keeps the last part of its name."""
    fill(run, container, "d/a.csv")
    assert run("post", f"{container}/d/a.csv", "-m", "color=red", "-H", "X-Delete-After:3600").status == 0
    before = run("stat", f"{container}/d/a.csv", "--json").json
    outcome = run("mv", f"{container}/d/a.csv", f"{container}/e/")
    assert outcome.text == f"moved path:/{container}/d/a.csv to path:/{container}/e/a.csv\n"
    after = run("stat", f"{container}/e/a.csv", "--json").json
    for fact in ("bytes", "etag", "content_type", "expires_at", "metadata"):
        assert after[fact] == before[fact]
    assert names(run, container) == ["e/a.csv"]


def test_existing_target_is_replaced_by_force_only(run: Runner, container: str) -> None:
    """Without it, both stay; an object is never moved to itself."""
    fill(run, container, "a", "b")
    outcome = run("mv", f"{container}/a", f"{container}/b")
    assert (outcome.status, one_line(outcome)) == (1, f"path:/{container}/b: already exists (replace it: --force)")
    outcome = run("mv", "--force", f"{container}/a", f"{container}/a")
    same = f"the source and the target are the same: path:/{container}/a"
    assert (outcome.status, one_line(outcome)) == (2, same)
    assert names(run, container) == ["a", "b"]
    assert run("mv", "--force", f"{container}/a", f"{container}/b").status == 0
    assert (names(run, container), run("cat", f"{container}/b").out) == (["b"], b"a")


@pytest.mark.slow
def test_several_objects_are_moved_into_a_folder(run: Runner, container: str) -> None:
    """Those of a pattern keep what follows the folder that all of them are in; the ones that can't go are named."""
    fill(run, container, "2025/a", "2026/a", "b", "to/2026/a")
    words = ("mv", f"{container}/20*/*", f"{container}/b", f"{container}/to/")
    rows = run(*words, "--dry-run", "--json").json["rows"]
    assert [row["target"].removeprefix(f"path:/{container}/") for row in rows] == ["to/2025/a", "to/2026/a", "to/b"]
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert run(*words, "--dry-run").status == 1
    assert len(names(run, container)) == 4
    outcome = run(*words)
    taken, summary = outcome.err.splitlines()
    assert (outcome.status, summary) == (1, "storlet-shell: 1 could not be moved; 2 moved")
    assert taken == f"path:/{container}/to/2026/a: already exists (replace it: --force)"
    assert names(run, container) == ["2026/a", "to/2025/a", "to/2026/a", "to/b"]
    assert run("mv", f"{container}/20**", f"{container}/to/", "--force", "--json").status == 4
    moved = run("mv", f"{container}/20*/**", f"{container}/to/", "--force", "--json").json
    target = f"path:/{container}/to/"
    assert moved == {"sources": [f"path:/{container}/20*/**"], "target": target, "objects": 1}
    assert names(run, container) == ["to/2025/a", "to/2026/a", "to/b"]


@pytest.mark.slow
def test_large_object_keeps_its_segments(run: Runner, container: str) -> None:
    """The manifest alone is moved; by force over another large object, whose segments go."""
    for name in ("big", "other"):
        assert run("upload", f"{container}/{name}", "--segment-size", "100K", stdin=BIG).status == 0
    segments = names(run, f"{container}_segments")
    assert run("mv", f"{container}/big", f"{container}/moved").status == 0
    assert names(run, f"{container}_segments") == segments
    assert run("stat", f"{container}/moved", "--json").json["large_object"] == {"kind": "static", "prefix": None}
    assert run("mv", "--force", f"{container}/moved", f"{container}/other").status == 0
    assert names(run, f"{container}_segments") == [name for name in segments if name.startswith("big/")]
    assert run("get", f"{container}/other").out == BIG
    assert names(run, container) == ["other"]


@pytest.mark.slow
def test_segments_of_the_moved_object_are_not_those_of_the_replaced_one(
    run: Runner, container: str, real_client: Client
) -> None:
    """A manifest may name segments that were uploaded for the object that it replaces."""
    assert run("upload", f"{container}/big", "--segment-size", "100K", stdin=BIG).status == 0
    headers = {"Destination": f"{container}/twin"}
    query = (("multipart-manifest", "get"),)
    real_client.send(Request("COPY", container, "big", query=query, headers=headers)).read()
    segment = f"{container}_segments/{names(run, f'{container}_segments')[0]}"
    outcome = run("mv", "--force", f"{container}/twin", segment)
    assert (outcome.status, "is a segment of" in one_line(outcome)) == (2, True)
    assert run("mv", "--force", f"{container}/twin", f"{container}/big").status == 0
    assert run("get", f"{container}/big").out == BIG


@pytest.mark.slow
def test_dynamic_large_object_and_link_are_moved_as_they_are(run: Runner, container: str, real_client: Client) -> None:
    """Neither their segments nor the target of the link is copied or deleted."""
    fill(run, container, "part/1", "part/2")
    for name, header in (("dynamic", ("X-Object-Manifest", "part/")), ("link", ("X-Symlink-Target", "part/1"))):
        headers = {header[0]: f"{container}/{header[1]}"}
        real_client.send(Request("PUT", container, name, headers=headers), bytes_body(b"")).read()
    assert run("mv", f"{container}/dynamic", f"{container}/link", f"{container}/moved/").status == 0
    assert names(run, container) == ["moved/dynamic", "moved/link", "part/1", "part/2"]
    facts = [run("stat", f"{container}/moved/{name}", "--json").json for name in ("dynamic", "link")]
    assert facts[0]["large_object"] == {"kind": "dynamic", "prefix": f"{container}/part/"}
    assert facts[1]["symlink_target"] == f"path:/{container}/part/1"
    assert run("get", f"{container}/moved/dynamic").out == b"part/1part/2"


PLAIN = {"ETag": "0cc175b9c0f1b6a831c399e269772661"}


def scripted(responder: Responder, *, copied: Answer, deleted: Answer) -> None:
    """Have an object ``c/a``, and answers to its copy to ``c/b`` and its deletion."""
    responder.on("HEAD", "/c/a", ok(**PLAIN))
    responder.on("HEAD", "/c/b", Answer(404))
    responder.on("COPY", "/c/a", copied)
    responder.on("DELETE", "/c/a", deleted)


@pytest.mark.parametrize(
    ("copied", "status", "message"),
    [(Answer(507), 5, "disk is full"), (ok(status=201, ETag="other"), 5, "nothing was deleted")],
    ids=["failed", "changed"],
)
def test_nothing_is_deleted_unless_the_copy_is_right(
    run_scripted: Runner, responder: Responder, copied: Answer, status: int, message: str
) -> None:
    """A copy may fail, or be one of an object that was replaced meanwhile."""
    scripted(responder, copied=copied, deleted=Answer(204))
    outcome = run_scripted("mv", "c/a", "c/b")
    assert (outcome.status, message in one_line(outcome)) == (status, True)
    assert responder.sent("DELETE") == []


def test_original_that_stays_is_told(run_scripted: Runner, responder: Responder) -> None:
    """Both objects exist then; one that is gone already is no failure."""
    scripted(responder, copied=ok(status=201, **PLAIN), deleted=Answer(403))
    outcome = run_scripted("mv", "c/a", "c/b")
    assert outcome.status == 3
    assert "it was copied to path:/c/b, and both exist" in one_line(outcome)
    responder.on("DELETE", "/c/a", Answer(404))
    assert run_scripted("mv", "c/a", "c/b").status == 0
