"""``upload`` and ``download`` of folders, on the real Swift; what it can't be made to do, on a scripted one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.lines import Runner, one_line
from tests.support.responder import CUT, Answer, Recorded, Responder, html, ok

BIG = os.urandom(300_000)
FILES = {
    "a.txt": b"a",
    "zero": b"",
    ".hidden": b"h",
    "sub/big.bin": BIG,
    "sub/deep/grün ?#%": b"x",
    "sub/ line\nend": b"y",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with files of every kind, dated a while ago."""
    made = tmp_path / "from"
    for name, content in FILES.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(content)
        os.utime(made / name, (1_600_000_000.25, 1_600_000_000.25))
    (made / "empty").mkdir()
    return made


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(run: Runner, container: str) -> list[str]:
    """Return the names of a container's objects."""
    return [row["name"] for row in run("ls", container, "--json").json["rows"]]


# --- there and back


@pytest.mark.parametrize("prefix", ["", "/p", "/p/", "/p/q"])
def test_folder_comes_back_as_it_was(run: Runner, container: str, folder: Path, tmp_path: Path, prefix: str) -> None:
    """Names, bytes, dates, and empty folders."""
    stored = run("upload", str(folder), f"{container}{prefix}", "--json")
    assert (stored.status, stored.err) == (0, "")
    assert (stored.json["uploaded"], stored.json["bytes"]) == (len(FILES), sum(map(len, FILES.values())))
    below = f"{prefix.strip('/')}/" if prefix else ""
    assert sorted(names(run, container)) == sorted(f"{below}{name}" for name in [*FILES, "empty"])
    back = run("download", f"{container}/{below}", str(tmp_path / "back"), "--json")
    assert (back.status, back.err) == (0, "")
    assert (back.json["downloaded"], back.json["bytes"]) == (len(FILES), sum(map(len, FILES.values())))
    assert files_of(tmp_path / "back") == FILES
    assert (tmp_path / "back/empty").is_dir()
    assert (tmp_path / "back/a.txt").stat().st_mtime == 1_600_000_000.25


def test_prefix_goes_up_to_its_last_slash(run: Runner, container: str, tmp_path: Path) -> None:
    """A prefix chooses as in ls; what stands before its last slash is no folder here."""
    for name in ("photos/2024-01/a", "photos/2024-02/b", "photos/2025/c"):
        run("upload", f"{container}/{name}", stdin=b"x")
    assert run("download", f"{container}/photos/2024", str(tmp_path / "f")).status == 0
    assert set(files_of(tmp_path / "f")) == {"2024-01/a", "2024-02/b"}
    assert run("download", f"{container}/photos/2025/c", str(tmp_path / "g")).status == 0
    assert set(files_of(tmp_path / "g")) == {"c"}


@pytest.mark.parametrize(("target", "name"), [("", "a.txt"), ("/", "a.txt"), ("/p/", "p/a.txt"), ("/p", "p")])
def test_one_file_keeps_its_name_or_gets_one(run: Runner, container: str, folder: Path, target: str, name: str) -> None:
    """As with cp."""
    assert run("upload", str(folder / "a.txt"), f"{container}{target}").status == 0
    assert names(run, container) == [name]


def test_identical_files_are_skipped_both_ways(run: Runner, container: str, folder: Path, tmp_path: Path) -> None:
    """Only what differs is sent: by its bytes, not by its date."""
    run("upload", str(folder), container)
    (folder / "a.txt").write_bytes(b"b")
    (folder / "zero").touch()
    again = run("upload", str(folder), container, "--skip-identical", "--json").json
    assert (again["uploaded"], again["identical"], again["bytes"]) == (1, len(FILES) - 1, 1)
    run("download", container, str(tmp_path / "back"))
    (tmp_path / "back/.hidden").write_bytes(b"?")
    again = run("download", container, str(tmp_path / "back"), "--skip-identical", "--json").json
    assert (again["downloaded"], again["identical"], again["bytes"]) == (1, len(FILES) - 1, 1)
    assert files_of(tmp_path / "back")[".hidden"] == b"h"


def test_dry_run_of_a_download_shows_each_file(run: Runner, container: str, tmp_path: Path) -> None:
    """And why an object can't be one; nothing is written, and what is not there is told as without it."""
    for name in ("p/a", "p/a/b", "p/../up", "p/empty/"):
        assert run("upload", f"path:/{container}/{name}", stdin=b"" if name.endswith("/") else b"123").status == 0
    rows = run("download", f"{container}/p/", str(tmp_path / "to"), "--dry-run", "--json").json["rows"]
    assert [(row["bytes"], row["name"], row["file"]) for row in rows] == [
        (3, f"path:/{container}/p/../up", None),
        (3, f"path:/{container}/p/a", f"{tmp_path}/to/a"),
        (3, f"path:/{container}/p/a/b", None),
        (0, f"path:/{container}/p/empty/", f"{tmp_path}/to/empty"),
    ]
    assert ["can't be a file below a, which is an object as well" in (row["error"] or "") for row in rows] == [
        *(False, False, True, False)
    ]
    assert not (tmp_path / "to").exists()
    for words in ([f"{container}/none"], [f"{container}-none"]):
        assert run("download", *words, "--dry-run").status == 4


def test_dry_run_of_a_folder_shows_each_upload(run: Runner, container: str, folder: Path) -> None:
    """Nothing is stored."""
    requests = run("upload", str(folder), container, "--dry-run", "--json").json["requests"]
    assert len(requests) == len(FILES) + 1
    assert {request["method"] for request in requests} == {"PUT"}
    assert names(run, container) == []


# --- names that can't be files


def test_name_that_leads_out_is_refused_and_the_others_come(run: Runner, container: str, tmp_path: Path) -> None:
    """Each is named, in one report; nothing is written outside of the folder."""
    bad = ["../out", "a/../../out", "/etc/out", "a//b", ".", "..", "./x", "a/./b", "full/"]
    for name in bad:
        run("upload", f"path:/{container}/{name}", stdin=b"x")
    for name in ("good", "b/good"):
        run("upload", f"path:/{container}/{name}", stdin=b"x")
    outcome = run("download", container, str(tmp_path / "in/to"))
    assert outcome.status == 1
    lines = outcome.err.splitlines()
    assert lines[-1] == f"storlet-shell: {len(bad)} could not be downloaded; 2 downloaded"
    assert sorted(line.partition(": refused")[0] for line in lines[:-1]) == sorted(
        f"path:/{container}/{n}" for n in bad
    )
    assert files_of(tmp_path) == {"in/to/good": b"x", "in/to/b/good": b"x"}


@pytest.mark.parametrize("is_folder", [True, False])
def test_link_in_the_folder_is_no_way_out(run: Runner, container: str, tmp_path: Path, is_folder: bool) -> None:
    """Neither a link to a folder, nor one in the place of the file."""
    (tmp_path / "in").mkdir()
    outside = tmp_path / "outside"
    if is_folder:
        outside.mkdir()
    (tmp_path / "in/way").symlink_to(outside)
    name = "way/o" if is_folder else "way"
    run("upload", f"{container}/{name}", stdin=b"x")
    run("upload", f"{container}/z", stdin=b"x")
    outcome = run("download", container, str(tmp_path / "in"))
    assert outcome.status == 1
    assert f"path:/{container}/{name}: refused, since {tmp_path}/in/way is a link" in outcome.err
    assert not (outside / "o").exists()
    assert is_folder or not outside.exists()
    assert (tmp_path / "in/z").read_bytes() == b"x"


def test_object_below_an_object_is_refused(run: Runner, container: str, tmp_path: Path) -> None:
    """What is a file can't be a folder: the file comes, always, and the rest is named."""
    for name in ("a", "a-b", "a/b", "a/c/d", "ab/c"):
        run("upload", f"{container}/{name}", stdin=b"x")
    outcome = run("download", container, str(tmp_path / "to"))
    assert outcome.status == 1
    assert [line.split(": ")[0] for line in sorted(outcome.err.splitlines())[:2]] == [
        f"path:/{container}/a/b",
        f"path:/{container}/a/c/d",
    ]
    assert set(files_of(tmp_path / "to")) == {"a", "a-b", "ab/c"}


def test_name_that_the_file_system_refuses_is_named(run: Runner, container: str, tmp_path: Path) -> None:
    """A file's name has 255 bytes, an object's 1024; a folder may be in the way."""
    long = "n" * 300
    (tmp_path / "to/dir").mkdir(parents=True)
    for name in (long, "dir", "good"):
        run("upload", f"{container}/{name}", stdin=b"x")
    outcome = run("download", container, str(tmp_path / "to"))
    assert outcome.status == 1
    assert "File name too long" in outcome.err
    assert "dir: it is a directory" in outcome.err
    assert files_of(tmp_path / "to") == {"good": b"x"}


@pytest.mark.parametrize("words", [["c/none"], ["no-such-container"]])
def test_nothing_to_download_is_4(run: Runner, container: str, tmp_path: Path, words: list[str]) -> None:
    """A prefix that nothing starts with, a container that is not there."""
    outcome = run("download", words[0].replace("c/", f"{container}/"), str(tmp_path / "to"))
    assert (outcome.status, len(outcome.err.splitlines())) == (4, 1)
    assert not (tmp_path / "to").exists()


# --- local faults


def test_what_can_not_be_read_is_named_and_the_others_go(run: Runner, container: str, folder: Path) -> None:
    """A pipe, a link to nowhere, one to a folder, a name that is no UTF-8."""
    os.mkfifo(folder / "pipe")
    (folder / "nowhere").symlink_to("none")
    (folder / "around").symlink_to(".")
    (folder / "link").symlink_to("a.txt")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_bytes(b"x")
    outcome = run("upload", str(folder), container)
    assert outcome.status == 1
    assert len(outcome.err.splitlines()) == 5
    for said in (
        "pipe: neither a file nor a folder",
        "can't read",
        "around: a link to a folder",
        "must be valid UTF-8",
    ):
        assert said in outcome.err
    assert sorted(names(run, container)) == sorted([*FILES, "empty", "link"])


def test_unreadable_file_amid_a_folder_is_named(run: Runner, container: str, folder: Path) -> None:
    """Tried without root's rights."""
    (folder / "sub/secret").write_bytes(b"x")
    (folder / "sub/secret").chmod(0)
    (folder / "closed").mkdir(mode=0)
    ended = run.without_root("upload", str(folder), container)
    assert ended.returncode == 1
    lines = sorted(ended.stderr.splitlines())
    assert lines[:2] == [
        f"can't read {folder}/closed: Permission denied",
        f"can't read {folder}/sub/secret: Permission denied",
    ]
    assert len(names(run, container)) == len(FILES) + 1


def test_full_disk_ends_a_download(run: Runner, container: str, folder: Path, tmp_path: Path) -> None:
    """One line, whatever else was to come, and nothing half."""
    run("upload", str(folder), container)
    mount = tmp_path / "small"
    mount.mkdir()
    line = (
        f"mount -t tmpfs -o size=64k none {mount} && {sys.executable} -m storlet_shell download {container} {mount}; "
    )
    line += f"echo $?; find {mount} -name '*.part' | wc -l"
    ended = subprocess.run(
        ["unshare", "-rm", "sh", "-c", line], env=run.environ, capture_output=True, text=True, check=False
    )
    if "unshare" in ended.stderr:
        pytest.skip("this kernel lets nobody mount a small disk")
    assert ended.stdout.split() == ["1", "0"], ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert "No space left on device" in ended.stderr


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["upload", "/no/such", "{c}"], 4),
        (["upload", "{f}", "no-such-container"], 4),
        (["upload", "{f}", "path:/"], 2),
        (["upload", "{f}", "{c}", "-j", "0"], 2),
        (["upload", "{f}", "{c}", "-j", "many"], 2),
        (["upload", "{f}", "{c}", "--segment-size", "big"], 2),
        (["upload", "{c}/o", "--skip-identical"], 2),
        (["upload", "-", "{c}/o", "--skip-identical", "--segment-size", "1K"], 2),
        (["download", "path:/"], 2),
        (["download", "{c}", "{f}/a.txt"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_line_is_one_line(run: Runner, container: str, folder: Path, words: list[str], status: int) -> None:
    """Before anything is sent or written."""
    outcome = run(*[word.replace("{c}", container).replace("{f}", str(folder)) for word in words], stdin=b"x")
    assert outcome.status == status
    assert one_line(outcome)
    assert names(run, container) == []


# --- large objects


def segments(run: Runner, container: str) -> list[str]:
    """Return the names of the segments of a container's objects."""
    return names(run, f"{container}_segments")


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


def test_changed_large_file_is_not_identical(run: Runner, container: str, folder: Path) -> None:
    """Of the same size, and other bytes in its last segment."""
    words = ["upload", str(folder / "sub/big.bin"), container, "--segment-size", "100K", "--skip-identical", "--json"]
    assert run(*words).json["uploaded"] == 1
    (folder / "sub/big.bin").write_bytes(BIG[:-1] + bytes([BIG[-1] ^ 1]))
    assert run(*words).json["uploaded"] == 1
    assert run(*words).json["identical"] == 1


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
    assert "the cluster takes segments of 300 to 5368709122 bytes" in outcome.err
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
    assert ("its segments stay: path:/c_segments/o/slo/" in outcome.err) == (is_stored is None)


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
    assert "made another object of its segments" in outcome.err


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


# --- the other end's faults


@pytest.mark.parametrize("etag", ["0" * 32, '"0"'])
def test_upload_that_arrived_otherwise_is_a_failure(
    run_scripted: Runner, responder: Responder, folder: Path, etag: str
) -> None:
    """Each file's MD5 is compared."""
    responder.on("HEAD", "/c", ok(status=204))
    responder.on("HEAD", "/c/o", html(404))
    responder.on("PUT", "/c/o", ok(status=201, Etag=etag))
    outcome = run_scripted("upload", str(folder / "a.txt"), "c/o")
    assert outcome.status == 5
    assert "stored other bytes than were sent" in outcome.err


def listed(*names: str, size: int = 1) -> Answer:
    """Answer a listing."""
    entries = [{"name": name, "bytes": size, "hash": "", "content_type": "a/b"} for name in names]
    return ok(json.dumps(entries).encode())


@pytest.mark.parametrize(
    "answer", [ok(b"y", Etag="0" * 32), Answer(body=b"y", length=10, end="cut"), html(500)], ids=["MD5", "cut", "500"]
)
def test_download_that_goes_wrong_leaves_the_old_file(
    run_scripted: Runner, responder: Responder, tmp_path: Path, answer: Answer
) -> None:
    """The others come; nothing half is left."""
    (tmp_path / "to").mkdir()
    (tmp_path / "to/bad").write_bytes(b"old")
    responder.on("HEAD", "/c", ok(status=204))
    responder.on("GET", "/c", listed("bad", "good"), ok(b"[]"))
    responder.on("GET", "/c/bad", answer)
    responder.on("GET", "/c/good", ok(b"x"))
    outcome = run_scripted("download", "c", str(tmp_path / "to"))
    assert outcome.status == 5
    assert "path:/c/bad" in outcome.err.splitlines()[0]
    assert files_of(tmp_path / "to") == {"bad": b"old", "good": b"x"}


def test_server_that_fails_every_time_is_given_up(run_scripted: Runner, responder: Responder, tmp_path: Path) -> None:
    """Ten failures in a row end it: a hundred thousand would fail as well."""
    responder.on("HEAD", "/c", ok(status=204))
    responder.on("GET", "/c", listed(*[f"n{number:03}" for number in range(500)]), ok(b"[]"))
    responder.on("GET", "*", html(500))
    outcome = run_scripted("download", "c", str(tmp_path / "to"))
    assert outcome.status == 5
    assert one_line(outcome).startswith("given up after 10 failures in a row")
    assert len(responder.sent("GET")) < 60


@pytest.mark.parametrize(
    ("number", "status", "told"), [(signal.SIGINT, 130, "storlet-shell: interrupted\n"), (signal.SIGKILL, -9, "")]
)
def test_interrupted_download_leaves_no_pieces(
    run_scripted: Runner, responder: Responder, tmp_path: Path, number: int, status: int, told: str
) -> None:
    """Ctrl-C: one line, 130, and no temporary file; kill -9 leaves none either."""

    def slow() -> list[bytes]:
        while True:
            yield b"x" * 1000
            time.sleep(0.02)

    responder.on("HEAD", "/c", ok(status=204))
    responder.on("GET", "/c", listed("a", "b"), ok(b"[]"))
    responder.on("GET", "*", lambda request: Answer(body=slow(), chunked=True))
    child = subprocess.Popen(
        [sys.executable, "-m", "storlet_shell", "download", "c", str(tmp_path / "to")],
        env=run_scripted.environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    while sum(str(path).startswith(f"{tmp_path}/to/") for path in open_files(child.pid)) < 2:
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(number)
    assert child.communicate(timeout=60)[1] == told
    assert child.returncode == status
    assert list((tmp_path / "to").iterdir()) == []


def open_files(pid: int) -> Iterator[Path]:
    """Yield the files that a process has open."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed a moment ago
            yield descriptor.readlink()


# --- standard input in segments


@pytest.mark.parametrize(
    ("length", "expected"), [(0, 0), (1, 0), (100 * 1024, 0), (100 * 1024 + 1, 2), (200 * 1024, 2), (300_000, 3)]
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
        assert "standard input: the cluster takes segments of 10 to 100000 bytes" in one_line(outcome)
    assert responder.requests == []
    has_segments(responder)
    responder.on("PUT", "*", lambda request: ok(status=201, Etag=hashlib.md5(request.body).hexdigest()))
    responder.on("DELETE", "*", ok(status=204))
    outcome = run_scripted("upload", "c/o", "--segment-size", "50K", stdin=BIG)
    assert (outcome.status, "longer than the 2 segments of 51200 bytes" in one_line(outcome)) == (2, True)
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
