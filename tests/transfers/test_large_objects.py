"""Files and streams in segments: what is stored, and what is left after a failure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.folders import BIG, FILES, files_of
from tests.support.lines import Runner, one_line
from tests.support.responder import CUT, Answer, Recorded, Responder, html, ok
from tests.support.variants import fast_and_slow


def names(run: Runner, container: str) -> list[str]:
    """Return the names of a container's objects."""
    return [row["name"] for row in run("ls", container, "--json").json["rows"]]


def segments(run: Runner, container: str) -> list[str]:
    """Return the names of the segments of a container's objects."""
    return names(run, f"{container}_segments")


@pytest.mark.slow
def test_large_file_is_stored_in_segments(run: Runner, container: str, folder: Path, tmp_path: Path) -> None:
    """It reads as one, is found identical, and replaces its predecessor with all that belonged to it."""
    words = ["upload", str(folder / "sub/big.bin"), f"{container}/big"]
    assert run(*words, "--segment-size", "100K").status == 0
    assert len(segments(run, container)) == 3
    assert run("get", f"{container}/big").out == BIG
    assert run("stat", f"{container}/big", "--json").json["headers"]["X-Static-Large-Object"] == "True"
    for word in ("100K", "1M"):
        assert run(*words, "--segment-size", word, "--skip-identical", "--json").json["identical"] == 1
    assert run("download", container, str(tmp_path / "to")).status == 0
    assert run("download", container, str(tmp_path / "to"), "--skip-identical", "--json").json["identical"] == 1
    assert files_of(tmp_path / "to") == {"big": BIG}
    assert run(*words, "--segment-size", "200K").status == 0
    assert len(segments(run, container)) == 2
    assert run("get", f"{container}/big").out == BIG
    assert run(*words).status == 0
    assert segments(run, container) == []
    assert run("get", f"{container}/big").out == BIG


@pytest.mark.slow
def test_changed_large_file_is_not_identical(run: Runner, container: str, folder: Path) -> None:
    """Of the same size, and other bytes in its last segment."""
    words = ["upload", str(folder / "sub/big.bin"), container, "--segment-size", "100K", "--skip-identical", "--json"]
    assert run(*words).json["uploaded"] == 1
    (folder / "sub/big.bin").write_bytes(BIG[:-1] + bytes([BIG[-1] ^ 1]))
    assert run(*words).json["uploaded"] == 1
    assert run(*words).json["identical"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("leaves", [False, True])
def test_rm_of_a_large_object_takes_its_segments(run: Runner, container: str, folder: Path, leaves: bool) -> None:
    """One by one, and in a whole container; --leave-segments leaves them."""
    option = ["--leave-segments"] if leaves else []
    for name in ("one", "two"):
        run("upload", str(folder / "sub/big.bin"), f"{container}/{name}", "--segment-size", "100K")
    assert run("rm", "-y", f"{container}/one", *option).status == 0
    assert len(segments(run, container)) == (6 if leaves else 3)
    assert run("rm", "-r", "-y", container, *option).status == 0
    assert len(segments(run, container)) == (6 if leaves else 0)


def test_segments_that_the_cluster_does_not_take_are_refused(run: Runner, container: str, folder: Path) -> None:
    """With the sizes that it takes; the other files are stored."""
    outcome = run("upload", str(folder), container, "--segment-size", "100")
    assert outcome.status == 2
    assert "segments of it must have 300 to 5368709122 bytes" in outcome.err
    assert len(names(run, container)) == len(FILES)


LARGE = {"swift": {"max_file_size": 100_000}, "slo": {"max_manifest_segments": 1000}}


def test_file_that_is_too_large_goes_in_segments_unasked(
    run_scripted: Runner, responder: Responder, folder: Path
) -> None:
    """The cluster says what it takes; the manifest is last, and names the segments in order."""
    responder.info.update(LARGE)
    responder.on("HEAD", "*", html(404))
    responder.on("HEAD", "/c", ok(status=204, X_Storage_Policy="gold"))
    responder.on("PUT", "*", lambda request: ok(status=201))
    assert run_scripted("upload", str(folder / "sub/big.bin"), "c/o", "-j", "1").status == 0
    made, *pieces, manifest = responder.sent("PUT")
    assert (made.path, made.header("X-Storage-Policy")) == ("/c_segments", "gold")
    assert [len(piece.body) for piece in pieces] == [100_000, 100_000, 100_000]
    assert b"".join(piece.body for piece in pieces) == BIG
    assert (manifest.path, manifest.query) == ("/c/o", {"multipart-manifest": "put"})
    assert json.loads(manifest.body) == [
        {"path": piece.path, "size_bytes": 100_000, "etag": hashlib.md5(piece.body).hexdigest()} for piece in pieces
    ]


def has_segments(responder: Responder) -> None:
    """Have the server hold a container of segments, which is empty."""
    responder.on("HEAD", "/c_segments", ok(status=204))
    responder.on("GET", "/c_segments", ok(b"[]"))


@pytest.mark.parametrize("broken", ["segment", "manifest"])
def test_failed_upload_leaves_no_segments(
    run_scripted: Runner, responder: Responder, folder: Path, broken: str
) -> None:
    """Whichever request fails: what was stored, or may be, is deleted, and the object is not touched."""
    sent, deleted = [], []

    def put(request: Recorded) -> Answer:
        if request.query:
            return html(500)
        sent.append(request.path)
        return html(500) if broken == "segment" and request.path.endswith("2") else ok(status=201)

    def delete(request: Recorded) -> Answer:
        deleted.append(request.path)
        return ok(status=204)

    responder.info.update(LARGE)
    responder.on("HEAD", "*", html(404))
    responder.on("HEAD", "/c", ok(status=204))
    has_segments(responder)
    responder.on("PUT", "*", put)
    responder.on("DELETE", "*", delete)
    outcome = run_scripted("upload", str(folder / "sub/big.bin"), "c/o")
    assert outcome.status == 5
    assert len(sent) == 3
    assert sorted(deleted) == sorted(sent)
    assert not [request for request in responder.sent("PUT") if request.path == "/c/o" and not request.query]


def large_upload(responder: Responder, manifest: Callable[[Recorded], Answer]) -> None:
    """Have the server take every segment, and answer the manifest as is said."""
    responder.info.update(LARGE)
    responder.on("HEAD", "/c", ok(status=204))
    has_segments(responder)
    responder.on("PUT", "*", lambda request: manifest(request) if request.query else ok(status=201))
    responder.on("DELETE", "*", lambda _: ok(status=204))


def slo_etag(manifest: Recorded) -> str:
    """Return the ETag of the object that a manifest makes."""
    return hashlib.md5("".join(entry["etag"] for entry in json.loads(manifest.body)).encode()).hexdigest()


@pytest.mark.parametrize("is_stored", [True, False, None])
def test_segments_of_an_object_stay_when_the_answer_is_lost(
    run_scripted: Runner, responder: Responder, folder: Path, is_stored: bool | None
) -> None:
    """A manifest may have been stored although its answer never came: then its segments are the object's."""
    seen: list[Recorded] = []

    def look(_: Recorded) -> Answer:
        if not seen or is_stored is False:
            return html(404)
        return html(500) if is_stored is None else ok(status=200, Etag=f'"{slo_etag(seen[0])}"')

    def manifest(request: Recorded) -> Answer:
        seen.append(request)
        return CUT

    large_upload(responder, manifest)
    responder.on("HEAD", "/c/o", look)
    outcome = run_scripted("upload", str(folder / "sub/big.bin"), "c/o")
    assert outcome.status == (0 if is_stored else 5)
    assert len(responder.sent("DELETE")) == (3 if is_stored is False else 0)
    assert ("its segments are kept: path:/c_segments/o/slo/" in outcome.err) == (is_stored is None)


@pytest.mark.slow
def test_segments_of_a_killed_upload_are_named(run: Runner, container: str, folder: Path) -> None:
    """The next upload of the object tells how they go; those of other objects, and of other tools, are not meant."""
    words = ["upload", str(folder / "sub/big.bin"), f"{container}/o", "--segment-size", "100K"]
    assert run(*words).err == ""
    others = ("o/slo/1.5/9/9/00000000", "p/slo/0000000000000000/0")
    left = f"{container}_segments/o/slo/{0:016x}/00000000"
    for name in (left, *(f"{container}_segments/{other}" for other in others)):
        assert run("upload", name, stdin=b"left").status == 0
    told = run(*words).err
    (line,) = re.findall(r"rm -r \S+", told)
    assert line == f"rm -r path:/{left.removesuffix('00000000')}"
    assert run(*line.split(), "-y").status == 0
    assert run(*words).err == ""
    assert len(segments(run, container)) == 5
    assert run(*words, "--leave-segments").err == ""


def test_segments_that_cannot_be_deleted_are_named(run_scripted: Runner, responder: Responder, folder: Path) -> None:
    """One deletion that fails is enough: a server that is gone is not waited for once for each segment."""
    large_upload(responder, lambda _: html(500))
    responder.on("HEAD", "/c/o", html(404))
    responder.on("DELETE", "*", html(403))
    outcome = run_scripted("upload", str(folder / "sub/big.bin"), "c/o")
    assert (outcome.status, len(responder.sent("DELETE"))) == (5, 1)
    (place,) = {request.path.rpartition("/")[0] for request in responder.sent("DELETE")}
    assert f"to delete them: rm -r path:{place}/\n" in outcome.err


def test_segments_of_another_object_stay(run_scripted: Runner, responder: Responder, folder: Path) -> None:
    """The manifest is stored, whatever the server made of it: without its segments, the object would be lost."""
    large_upload(responder, lambda _: ok(status=201, Etag='"0"'))
    responder.on("HEAD", "/c/o", html(404))
    outcome = run_scripted("upload", str(folder / "sub/big.bin"), "c/o")
    assert (outcome.status, responder.sent("DELETE")) == (5, [])
    assert "built a different object from its segments" in outcome.err


def test_file_that_changes_between_its_segments_is_not_stored(
    run_scripted: Runner, responder: Responder, folder: Path
) -> None:
    """Another file in its place: no object is made of pieces of two files."""
    file = folder / "sub/big.bin"

    def put(_: Recorded) -> Answer:
        (folder / "new").write_bytes(bytes(len(BIG)))
        (folder / "new").replace(file)
        return ok(status=201)

    large_upload(responder, lambda _: ok(status=201))
    responder.on("PUT", "*", put)
    outcome = run_scripted("upload", str(file), "c/o", "-j", "1")
    assert outcome.status == 1
    assert "big.bin: changed while it was being sent, so nothing was stored; try again" in outcome.err
    sent = [request.path for request in responder.sent("PUT") if not request.query]
    assert sorted(sent) == sorted(request.path for request in responder.sent("DELETE"))
    assert [request.path for request in responder.sent("PUT") if request.query] == []


# --- streams


@pytest.mark.parametrize(
    ("length", "expected"),
    fast_and_slow([(0, 0), (100 * 1024, 0), (100 * 1024 + 1, 2)], [(1, 0), (200 * 1024, 2), (300_000, 3)]),
)
def test_stream_beyond_a_segment_becomes_a_large_object(
    run: Runner, container: str, length: int, expected: int
) -> None:
    """Its end tells how many segments there are; what fits into one is an object as any other."""
    outcome = run("upload", "-", f"{container}/o", "--segment-size", "100K", stdin=BIG[:length])
    assert (outcome.status, outcome.err) == (0, "")
    assert run("get", f"{container}/o").out == BIG[:length]
    assert len(segments(run, container) if expected else ()) == expected
    assert ("static large object" in run("stat", f"{container}/o").text) == bool(expected)


@pytest.mark.slow
def test_stream_replaces_a_large_object_with_its_segments(run: Runner, container: str) -> None:
    """As a file does; with a type that is given, and from text that follows the line."""
    words = ["upload", f"{container}/o", "--segment-size", "100K"]
    for length in (300_000, 200_000):
        assert run(*words, "--content-type", "text/x-one", stdin=BIG[:length]).status == 0
    assert len(segments(run, container)) == 2
    assert run("stat", f"{container}/o", "--json").json["headers"]["Content-Type"] == "text/x-one"
    told = run(*words, "--json", stdin=BIG).json
    assert (told["segments"], told["bytes"]) == (3, len(BIG))


def test_stream_that_the_cluster_does_not_take_is_refused(run_scripted: Runner, responder: Responder) -> None:
    """By the size of its segments before anything is sent; by their number as soon as there are too many."""
    responder.info = {"swift": {"max_file_size": 100_000}, "slo": {"max_manifest_segments": 2, "min_segment_size": 10}}
    for size in ("9", "100K"):
        outcome = run_scripted("upload", "c/o", "--segment-size", size, stdin=BIG)
        assert "standard input: segments of it must have 10 to 100000 bytes" in one_line(outcome)
    assert responder.requests == []
    has_segments(responder)
    responder.on("PUT", "*", lambda request: ok(status=201, Etag=hashlib.md5(request.body).hexdigest()))
    responder.on("DELETE", "*", ok(status=204))
    outcome = run_scripted("upload", "c/o", "--segment-size", "50K", stdin=BIG)
    assert (outcome.status, "exceeds 2 segments of 51200 bytes" in one_line(outcome)) == (2, True)
    assert [request.path for request in responder.sent("PUT")] == [each.path for each in responder.sent("DELETE")]


@pytest.mark.parametrize("broken", ["segment", "manifest", "other bytes"])
def test_stream_that_fails_leaves_no_segments(run_scripted: Runner, responder: Responder, broken: str) -> None:
    """Nothing is sent twice, since it can be read once; what was stored of it is deleted, and the object as it was."""

    def put(request: Recorded) -> Answer:
        if (broken == "segment" and request.path.endswith("2")) or (broken == "manifest" and request.query):
            return html(507)
        wrong = broken == "other bytes" and request.path.endswith("2")
        return ok(status=201, Etag="0" * 32 if wrong else hashlib.md5(request.body).hexdigest())

    responder.info = {**LARGE, "swift": {"max_file_size": 2**30}}
    responder.on("HEAD", "*", html(404))
    has_segments(responder)
    responder.on("PUT", "*", put)
    responder.on("DELETE", "*", ok(status=204))
    outcome = run_scripted("upload", "c/o", "--segment-size", "100K", stdin=BIG)
    assert (outcome.status, bool(one_line(outcome))) == (5, True)
    sent = [request.path for request in responder.sent("PUT") if not request.query]
    assert [len(sent), sent] == [3, [request.path for request in responder.sent("DELETE")]]
