"""Segments of replaced and deleted large objects on the real Swift."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.lines import Runner, one_line
from tests.support.variants import fast_and_slow

BIG = os.urandom(250_000)


def names(run: Runner, container: str) -> list[str]:
    """Return the names of a container's objects."""
    return [row["name"] for row in run("ls", container, "--json").json["rows"]]


def segments(run: Runner, container: str) -> list[str]:
    """Return the names of the segments of a container's objects."""
    return names(run, f"{container}_segments")


def upload(run: Runner, path: str) -> None:
    """Make a large object of three segments."""
    outcome = run("upload", path, "--segment-size", "100K", stdin=BIG)
    assert (outcome.status, outcome.err) == (0, "")


def put_manifest(client: Client, path: str, *places: str, **headers: str) -> None:
    """Make a large object of segments that are there."""
    container, _, name = path.partition("/")
    body = bytes_body(json.dumps([{"path": f"/{place}"} for place in places]).encode())
    query = (("multipart-manifest", "put"),)
    client.send(Request("PUT", container, name, query=query, headers=headers), body).read()


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Make a small file."""
    (tmp_path / "f").write_bytes(b"hello")
    return str(tmp_path / "f")


# --- an object in the place of a large one

FAST = ("put", "copy")
WRITERS = {
    "heredoc": ["upload", "{c}/big"],
    "upload": ["upload", "{file}", "{c}/big"],
    "folder": ["upload", "{folder}", "{c}"],
    "put": ["put", "{file}", "{c}/big"],
    "put --storlet": ["put", "{file}", "{c}/big", "--storlet", "upper.py"],
    "copy": ["copy", "{c}/o", "{c}/big"],
    "copy onto itself": ["copy", "{c}/big", "{c}/big"],
    "copy --storlet": ["copy", "{c}/o", "{c}/big", "--storlet", "upper.py"],
    "map": ["map", "--storlet", "upper.py", "--input", "path:/{c}/o", "--output", "path:/{c}/big"],
    "pipe": ["pipe", "upper.py|upper.py", "--input", "path:/{c}/o", "--output", "path:/{c}/big"],
    "reduce": ["reduce", "--storlet", "join.py", "--input", "path:/{c}/o", "--output", "path:/{c}/big"],
}


def words_of(writer: str, container: str, file: str) -> list[str]:
    """Return a line that stores the object ``big``."""
    folder = Path(file).parent / "folder"
    folder.mkdir()
    (folder / "big").write_bytes(b"hello")
    return [word.format(c=container, file=file, folder=folder) for word in WRITERS[writer]]


@pytest.mark.parametrize("writer", fast_and_slow(FAST, [writer for writer in WRITERS if writer not in FAST]))
def test_segments_of_an_object_that_is_replaced_are_deleted(
    storlets: Runner, here: str, file: str, writer: str
) -> None:
    """Whatever stores the new one; those of another object stay."""
    for name in ("big", "other"):
        upload(storlets, f"{here}/{name}")
    outcome = storlets(*words_of(writer, here, file), stdin=b"hello")
    assert (outcome.status, outcome.err) == (0, "")
    assert "X-Static-Large-Object" not in storlets("stat", f"{here}/big", "--json").json["headers"]
    assert {name.partition("/")[0] for name in segments(storlets, here)} == {"other"}
    assert storlets("get", f"{here}/other").out == BIG


@pytest.mark.slow
@pytest.mark.parametrize("writer", ["heredoc", "put", "copy", "map", "upload"])
def test_segments_stay_where_older_versions_need_them(storlets: Runner, here: str, file: str, writer: str) -> None:
    """The older version can be read still, also once versions are no longer made."""
    assert storlets("post", here, "-H", "X-Versions-Enabled:true").status == 0
    upload(storlets, f"{here}/big")
    if writer == "put":
        assert storlets("post", here, "-H", "X-Versions-Enabled:false").status == 0
    outcome = storlets(*words_of(writer, here, file), stdin=b"hello")
    assert (outcome.status, outcome.err) == (0, "")
    assert len(segments(storlets, here)) == 3


@pytest.mark.slow
def test_segments_of_an_older_version_are_not_called_unneeded(run: Runner, container: str) -> None:
    """Nor deleted, by an upload in segments as well."""
    assert run("post", container, "-H", "X-Versions-Enabled:true").status == 0
    for _ in range(2):
        upload(run, f"{container}/big")
    assert len(segments(run, container)) == 6


@pytest.mark.slow
def test_segments_stay_when_the_new_object_is_not_stored(storlets: Runner, here: str, file: str) -> None:
    """The large object can be read still."""
    upload(storlets, f"{here}/big")
    assert storlets("put", file, f"{here}/big", "--storlet", "raises.py").status == 6
    assert storlets("copy", f"{here}/none", f"{here}/big").status == 4
    assert storlets("get", f"{here}/big").out == BIG


@pytest.mark.slow
@pytest.mark.parametrize("writer", ["heredoc", "put", "copy"])
def test_segments_that_were_not_uploaded_for_the_object_are_named(
    storlets: Runner, here: str, file: str, real_client: Client, writer: str
) -> None:
    """What a user has stored, or another manifest names, stays; the line that deletes it is told."""
    upload(storlets, f"{here}/other")
    places = [f"{here}/o", *(f"{here}_segments/{name}" for name in segments(storlets, here))]
    put_manifest(real_client, f"{here}/big", *places)
    outcome = storlets(*words_of(writer, here, file), stdin=b"hello")
    assert outcome.status == 0
    assert f"{here}/big was a large object; its 4 segments stay, since other objects may need" in outcome.err
    assert f"to delete them: rm {' '.join(f'path:/{place}' for place in places)}\n" in outcome.err
    assert storlets("get", f"{here}/other").out == BIG
    assert storlets("get", f"{here}/o").status == 0


@pytest.mark.slow
def test_segments_of_a_name_that_goes_on_are_not_the_objects(run: Runner, container: str, real_client: Client) -> None:
    """Those of ``a/b`` lie below ``a/``, and a copy of its manifest may be called ``a``."""
    upload(run, f"{container}/a/b")
    put_manifest(real_client, f"{container}/a", *(f"{container}_segments/{name}" for name in segments(run, container)))
    assert run("upload", f"{container}/a", stdin=b"new").status == 0
    assert run("get", f"{container}/a/b").out == BIG


@pytest.mark.slow
@pytest.mark.parametrize("line", ["upload", "rm", "rm -r"])
def test_link_to_a_large_object_leaves_that_alone(run: Runner, container: str, real_client: Client, line: str) -> None:
    """What takes the place of a link, or deletes it, takes nothing from its target."""
    upload(run, f"{container}/big")
    query = (("multipart-manifest", "get"),)
    etag = real_client.send(Request("GET", container, "big", query=query)).headers["Etag"].strip('"')
    links = {"x/soft": {}, "x/hard": {"X-Symlink-Target-Etag": etag}}
    for name, headers in links.items():
        target = {"X-Symlink-Target": f"{container}/big", **headers}
        real_client.send(Request("PUT", container, name, headers=target), bytes_body(b"")).read()
    if line == "upload":
        for name in links:
            assert run("upload", f"{container}/{name}", stdin=b"new").status == 0
    else:
        targets = [f"{container}/x/"] if line == "rm -r" else [f"{container}/{name}" for name in links]
        assert run(*line.split(), "-y", *targets).status == 0
        assert names(run, container) == ["big"]
    assert run("get", f"{container}/big").out == BIG


# --- deletion


@pytest.mark.slow
@pytest.mark.parametrize("line", ["rm", "rm -r"])
def test_deleted_large_object_leaves_older_versions_whole(run: Runner, container: str, line: str) -> None:
    """Its segments stay, and that is told; with the versions, they go."""
    assert run("post", container, "-H", "X-Versions-Enabled:true").status == 0
    upload(run, f"{container}/big")
    outcome = run(*line.split(), "-y", f"{container}/big")
    said = f"note: segments were not deleted: container {container} keeps older versions, which need them"
    assert outcome.status == 0
    assert line == "rm -r" or one_line(outcome) == said  # listings there do not tell what is large
    assert (names(run, container), len(segments(run, container))) == ([], 3)
    assert run("rm", "-r", "-y", "--versions", container).status == 0
    assert segments(run, container) == []


def expire(run: Runner, *paths: str) -> None:
    """Let objects expire."""
    for path in paths:
        assert run("post", path, "-H", "X-Delete-After:1").status == 0
    deadline = time.monotonic() + 20
    while any(run("stat", path).status == 0 for path in paths):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("line", ["rm", "rm -r", "rm -r c", "rm --leave-segments"])
def test_expired_objects_are_deleted(run: Runner, container: str, line: str) -> None:
    """Large or not: they are off the listing then, the container can go, and so do the segments."""
    for name in ("big", "more"):
        upload(run, f"{container}/x/{name}")
    assert run("upload", f"{container}/x/small", stdin=b"x").status == 0
    paths = [f"{container}/x/{name}" for name in ("big", "small")]
    expire(run, *paths)
    assert names(run, container) == ["x/big", "x/more", "x/small"]
    targets = {"rm -r": [f"{container}/x/"], "rm -r c": [container]}.get(line, paths)
    outcome = run(*line.removesuffix(" c").split(), "-y", *targets)
    assert outcome.status == 0
    told = [f"note: path:/{path} had expired or was a broken link; it has been deleted" for path in paths]
    assert outcome.err.splitlines() == ([] if "-r" in line else [f"storlet-shell: {line}" for line in told])
    assert len(segments(run, container)) == {"rm": 3, "rm --leave-segments": 6}.get(line, 0)
    if "-r" not in line:
        assert names(run, container) == ["x/more"]
        again = run("rm", "-y", paths[0])
        assert (again.status, "not found" in one_line(again)) == (4, True)
        assert run("rm", "-r", "-y", container).status == 0
    elif line == "rm -r":
        assert run("rm", "-y", container).status == 0


@pytest.mark.slow
def test_large_object_whose_segments_are_gone_is_deleted(run: Runner, container: str) -> None:
    """Or some of them; one by one, and all below a prefix."""
    for name in ("a", "b"):
        upload(run, f"{container}/{name}")
    places = segments(run, container)
    assert run("rm", "-y", *(f"{container}_segments/{place}" for place in (places[0], *places[3:]))).status == 0
    assert run("rm", "-y", f"{container}/a").status == 0
    assert run("rm", "-r", "-y", container).status == 0
    assert segments(run, container) == []


def test_link_that_leads_nowhere_is_deleted(run: Runner, container: str, real_client: Client) -> None:
    """A HEAD does not find it, and the listing does."""
    headers = {"X-Symlink-Target": f"{container}/none"}
    real_client.send(Request("PUT", container, "link", headers=headers), bytes_body(b"")).read()
    assert run("rm", "-y", f"{container}/link").status == 0
    assert names(run, container) == []
