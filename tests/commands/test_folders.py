"""``upload`` and ``download`` of folders on the real Swift, and on a scripted one for its failures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.folders import FILES, files_of
from tests.support.lines import Runner, one_line
from tests.support.variants import fast_and_slow


def names(run: Runner, container: str) -> list[str]:
    """Return the names of a container's objects."""
    return [row["name"] for row in run("ls", container, "--json").json["rows"]]


# --- there and back


@pytest.mark.parametrize("prefix", fast_and_slow(["/p/q"], ["", "/p", "/p/"]))
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


@pytest.mark.parametrize(
    ("command", "target", "name"),
    [
        ("upload", "", "a.txt"),
        ("upload", "/", "a.txt"),
        ("upload", "/p/", "p/a.txt"),
        ("upload", "/p", "p"),
        ("put", "/p/", "p/a.txt"),
        ("put", "/p", "p"),
    ],
)
def test_one_file_keeps_its_name_or_gets_one(
    run: Runner, container: str, folder: Path, command: str, target: str, name: str
) -> None:
    """As with cp."""
    assert run(command, str(folder / "a.txt"), f"{container}{target}").status == 0
    assert names(run, container) == [name]


@pytest.mark.slow
def test_headers_go_with_every_object(run: Runner, container: str, folder: Path) -> None:
    """Files, empty folders, and what follows the line; of a large object, its segments expire as well."""
    headers = ["-H", "X-Delete-At:4000000000", "-H", "X-Object-Meta-Color:green"]
    assert run("upload", str(folder), f"{container}/p", *headers).status == 0
    assert run("upload", f"{container}/text", *headers, stdin=b"1234").status == 0
    assert run("upload", str(folder / "a.txt"), f"{container}/large", "--segment-size", "1", *headers).status == 0
    assert run("upload", f"{container}/stream", "--segment-size", "1", *headers, stdin=b"1234").status == 0
    for name in ("p/a.txt", "p/empty", "text", "large", "stream"):
        stored = run("stat", f"{container}/{name}", "--json").json["headers"]
        assert (stored["X-Delete-At"], stored["X-Object-Meta-Color"]) == ("4000000000", "green"), name
    segments = names(run, f"{container}_segments")
    assert segments
    for name in segments:
        stored = run("stat", f"{container}_segments/{name}", "--json").json["headers"]
        assert (stored["X-Delete-At"], "X-Object-Meta-Color" in stored) == ("4000000000", False)


@pytest.mark.slow
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
    outcome = run("download", f"{container}/p/", str(tmp_path / "to"), "--dry-run", "--json")
    assert (outcome.status, "2 could not be downloaded" in outcome.err) == (1, True)
    rows = outcome.json["rows"]
    assert [(row["bytes"], row["name"], row["file"]) for row in rows] == [
        (3, f"path:/{container}/p/../up", None),
        (3, f"path:/{container}/p/a", f"{tmp_path}/to/a"),
        (3, f"path:/{container}/p/a/b", None),
        (0, f"path:/{container}/p/empty/", f"{tmp_path}/to/empty"),
    ]
    assert ["can't be a file below a, which is also an object" in (row["error"] or "") for row in rows] == [
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


def test_dry_run_of_a_folder_fails_as_the_upload_would(run: Runner, container: str, folder: Path) -> None:
    """Each entry that can't be uploaded is named after the requests, and the status is that of the upload."""
    (folder / "link").symlink_to(folder / "sub")
    (folder / "dangling").symlink_to(folder / "nothing")
    planned, done = run("upload", str(folder), container, "--dry-run"), run("upload", str(folder), container)
    assert (planned.status, planned.text.count("PUT ")) == (1, len(FILES) + 1)
    assert "2 could not be uploaded" in planned.err
    for line in (f"{folder}/link: links to folders aren't followed", f"can't read {folder}/dangling"):
        assert line in planned.err
        assert line in done.err
    assert done.status == planned.status


# --- names that can't be files


@pytest.mark.slow
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
    assert f"path:/{container}/{name}: refused: {tmp_path}/in/way is a link" in outcome.err
    assert not (outside / "o").exists()
    assert is_folder or not outside.exists()
    assert (tmp_path / "in/z").read_bytes() == b"x"


@pytest.mark.slow
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
        "pipe: not a regular file",
        "can't read",
        "around: links to folders",
        "must be valid UTF-8",
    ):
        assert said in outcome.err
    assert sorted(names(run, container)) == sorted([*FILES, "empty", "link"])


@pytest.mark.slow
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


@pytest.mark.slow
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
