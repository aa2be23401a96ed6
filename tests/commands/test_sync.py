"""``sync``: both directions on the real Swift; what it must never delete."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest

import storlet_shell
from storlet_shell.transfers.sync import Upward
from storlet_shell.values import Location
from storlet_shell.wire.client import Client
from tests.support.folders import FILES, files_of, write
from tests.support.lines import Runner, one_line
from tests.support.responder import Responder, ok

TREE = {
    "a": b"1",
    "b.txt": b"2",
    "b/c": b"3",
    "b/c.txt": b"4",
    "b!": b"5",
    "ü/x": b"6",
    "𝄞": b"7",
    "\uffee": b"8",
}
"""Names whose order differs between characters and UTF-8, between folders and names, and between languages."""


def names(run: Runner, container: str) -> set[str]:
    """Return the names of a container's objects."""
    return {row["name"] for row in run("ls", container, "--json").json["rows"]}


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files into a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["", "/p", "/p/"])
def test_second_sync_transfers_nothing_in_either_direction(
    run: Runner, container: str, folder: Path, tmp_path: Path, prefix: str
) -> None:
    """A prefix is a folder, with its slash or without it."""
    there, back = f"path:/{container}{prefix}", tmp_path / "back"
    first, again = (run("sync", str(folder), there, "--delete", "--json") for _ in range(2))
    assert (first.status, first.json["transferred"], first.json["folders"]) == (0, len(FILES), 1)
    counts = {"transferred": 0, "identical": len(FILES), "folders": 0, "deleted": 0, "bytes": 0}
    assert again.json.items() >= counts.items()
    below = f"{prefix.strip('/')}/" if prefix else ""
    assert names(run, container) == {f"{below}{name}" for name in [*FILES, "empty"]}
    assert run("sync", there, str(back), "--delete", "--json").json["transferred"] == len(FILES)
    assert (files_of(back), (back / "empty").is_dir()) == (FILES, True)
    assert run("sync", there, str(back), "--delete", "--json").json["identical"] == len(FILES)


@pytest.mark.slow
def test_order_of_names_is_that_of_the_listing(run: Runner, container: str, tmp_path: Path) -> None:
    """If it weren't, objects would seem to have no file, or files no object, and would be deleted."""
    folder, back = fill(tmp_path / "from", TREE), tmp_path / "back"
    assert run("sync", str(folder), f"path:/{container}").status == 0
    done = run("sync", str(folder), f"path:/{container}", "--delete", "--json").json
    assert (done["identical"], done["deleted"]) == (len(TREE), 0)
    assert run("sync", f"path:/{container}", str(back)).status == 0
    done = run("sync", f"path:/{container}", str(back), "--delete", "--json").json
    assert (done["identical"], done["deleted"]) == (len(TREE), 0)


@pytest.mark.slow
def test_changed_file_of_the_same_size_and_date_is_transferred(run: Runner, container: str, tmp_path: Path) -> None:
    """The content decides."""
    folder = fill(tmp_path / "from", {"a": b"old", "b": b"same"})
    os.utime(folder / "a", (1, 1))
    assert run("sync", str(folder), f"path:/{container}").status == 0
    (folder / "a").write_bytes(b"new")
    os.utime(folder / "a", (1, 1))
    assert run("sync", str(folder), f"path:/{container}", "--json").json["transferred"] == 1
    assert run("get", f"{container}/a").out == b"new"


@pytest.mark.slow
def test_objects_without_a_file_are_deleted_only_with_the_option(run: Runner, container: str, tmp_path: Path) -> None:
    """Of the prefix, and nothing next to it; a marker of a folder that exists stays."""
    folder = fill(tmp_path / "from", {"a": b"1", "sub/b": b"2"})
    run("sync", str(folder), f"path:/{container}/p")
    for name in ("p/extra", "p/sub/extra", "p2", "q/a"):
        run("upload", f"{container}/{name}", stdin=b"x")
    for name in ("p/sub/", "p/gone/"):
        run("upload", f"{container}/{name}", "--content-type", "application/directory", stdin=b"")
    assert run("sync", str(folder), f"path:/{container}/p", "--json").json["deleted"] == 0
    planned = run("sync", str(folder), f"path:/{container}/p", "--delete", "--dry-run", "--json").json["rows"]
    assert {row["name"].removeprefix(f"path:/{container}/") for row in planned} == {"p/extra", "p/sub/extra", "p/gone/"}
    assert {row["action"] for row in planned} == {"delete"}
    done = run("sync", str(folder), f"path:/{container}/p", "--delete")
    assert "0 uploaded, 2 identical, 3 deleted" in done.text
    assert names(run, container) == {"p/a", "p/sub/b", "p/sub/", "p2", "q/a"}


@pytest.mark.slow
def test_files_without_an_object_are_deleted_only_with_the_option(run: Runner, container: str, tmp_path: Path) -> None:
    """A link goes, but not what it leads to; folders that become empty go as well, others stay."""
    run("upload", f"{container}/a", stdin=b"1")
    run("upload", f"{container}/full/b", stdin=b"1")
    elsewhere = fill(tmp_path / "elsewhere", {"precious": b"p"})
    folder = fill(tmp_path / "to", {"old": b"1", "x/y/old": b"2", "full/old": b"3"})
    (folder / "empty").mkdir()
    (folder / "link").symlink_to(elsewhere / "precious")
    (folder / "linked").symlink_to(elsewhere)
    assert run("sync", f"path:/{container}", str(folder)).status == 0
    assert "old" in files_of(folder)
    done = run("sync", f"path:/{container}", str(folder), "--delete", "--json")
    assert (done.status, done.json["deleted"]) == (0, 5)
    assert {str(path.relative_to(folder)) for path in folder.rglob("*")} == {"a", "full", "full/b", "linked"}
    assert files_of(elsewhere) == {"precious": b"p"}


@pytest.mark.slow
def test_nothing_is_deleted_if_a_transfer_fails(run: Runner, container: str, tmp_path: Path) -> None:
    """Up: a file can't be sent; down: an object can't be a file. The rest is transferred, and the line says so."""
    folder = fill(tmp_path / "from", {"a": b"1"})
    (folder / "dangling").symlink_to("nowhere")
    run("upload", f"{container}/extra", stdin=b"x")
    failed = run("sync", str(folder), f"path:/{container}", "--delete")
    assert failed.status == 1
    assert failed.err.splitlines()[-1].endswith("1 could not be uploaded; 1 uploaded; nothing was deleted")
    assert names(run, container) == {"a", "extra"}
    run("upload", f"{container}//odd", stdin=b"x")
    back = fill(tmp_path / "back", {"old": b"1"})
    failed = run("sync", f"path:/{container}", str(back), "--delete")
    assert (failed.status, "nothing was deleted" in failed.err) == (1, True)
    assert files_of(back) == {"a": b"1", "extra": b"x", "old": b"1"}


@pytest.mark.slow
def test_link_and_dynamic_large_object_are_compared_by_what_they_hold(
    run: Runner, container: str, tmp_path: Path, real_client: Client
) -> None:
    """A listing says that they are empty. Of a dynamic one, no MD5 is known, so it is downloaded each time."""
    run("upload", f"{container}/o", stdin=b"text")
    run("upload", f"{container}/link", "-H", f"X-Symlink-Target:{container}/o", stdin=b"")
    run("upload", f"{container}/dynamic", "-H", f"X-Object-Manifest:{container}/o", stdin=b"")
    folder = tmp_path / "to"
    assert run("sync", f"path:/{container}", str(folder)).status == 0
    assert set(files_of(folder).values()) == {b"text"}
    assert run("sync", f"path:/{container}", str(folder), "--json").json["transferred"] == 1


@pytest.mark.slow
def test_large_file_is_compared_by_its_segments(run: Runner, container: str, tmp_path: Path) -> None:
    """In both directions."""
    folder = fill(tmp_path / "from", {"large": b"0123456789"})
    run("upload", str(folder / "large"), f"{container}/large", "--segment-size", "4")
    for source, target in [(str(folder), f"path:/{container}"), (f"path:/{container}", str(folder))]:
        assert run("sync", source, target, "--json").json["identical"] == 1
    (folder / "large").write_bytes(b"012345678x")
    assert run("sync", str(folder), f"path:/{container}", "--json").json["transferred"] == 1
    assert names(run, f"{container}_segments") == set()


@pytest.mark.slow
def test_terminal_is_asked_before_anything_changes(run: Runner, container: str, tmp_path: Path) -> None:
    """If the answer is no, nothing is transferred either."""
    folder = fill(tmp_path / "from", {"new": b"1"})
    run("upload", f"{container}/extra", stdin=b"x")
    words = ["-m", "storlet_shell", "sync", str(folder), f"path:/{container}", "--delete"]
    for answer, status, left in [("n", 7, {"extra"}), ("y", 0, {"new"})]:
        child = pexpect.spawn(sys.executable, words, env=run.environ, timeout=60, encoding="utf-8")
        child.expect(f"Delete 1 name that only path:/{container} has\\? \\[y/N\\] ")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert (child.exitstatus, names(run, container)) == (status, left)


@pytest.mark.slow
def test_file_that_appears_meanwhile_keeps_its_object(
    run: Runner, container: str, tmp_path: Path, real_client: Client
) -> None:
    """Only what was extra at the question and still is goes."""
    folder = fill(tmp_path / "from", {"a": b"1"})
    for name in ("x", "y", "z"):
        run("upload", f"{container}/{name}", stdin=b"x")
    sync = Upward(real_client, folder, Location(container))
    agreed = sync.extras()
    assert agreed == ["x", "y", "z"]
    fill(folder, {"x": b"x"})
    assert sync.run(delete=True, only={"x", "y"}).deleted == 1
    assert names(run, container) == {"a", "x", "z"}


def test_listing_out_of_order_stops_it(run_scripted: Runner, responder: Responder, tmp_path: Path) -> None:
    """Files would seem to have no object, and would be deleted."""
    entry = '{"name": "%s", "bytes": 1, "hash": "c4ca4238a0b923820dcc509a6f75849b"}'
    responder.on("GET", "/c", ok(f"[{entry % 'b'}, {entry % 'a'}]".encode()), ok(b"[]"))
    responder.on("HEAD", "*", ok())
    responder.on("GET", "*", ok(b"1"))
    folder = fill(tmp_path / "to", {"a": b"1", "b": b"1", "z": b"1"})
    failed = run_scripted("sync", "path:/c", str(folder), "--delete")
    assert (failed.status, "isn't sorted by name" in failed.err) == (5, True)
    assert set(files_of(folder)) == {"a", "b", "z"}


@pytest.mark.parametrize(
    ("source", "target", "status", "reason"),
    [
        ("folder", "c", 2, "both are local"),
        ("path:/c", "path:/d", 2, "both are in the cluster"),
        ("folder", "path:/", 2, "needs a container"),
        ("no-folder", "path:/c", 4, "no local file or folder no-folder"),
        ("file", "path:/c", 2, "file isn't a folder"),
        ("path:/c", "file", 2, "file isn't a folder"),
        ("folder", "path:/no-such-container", 4, "no-such-container"),
        ("path:/no-such-container", "folder", 4, "no-such-container"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, target: str, status: int, reason: str
) -> None:
    """Nothing is deleted."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "file", "x")
    fill(tmp_path / "folder", {"a": b"1"})
    outcome = run("sync", source, target, "--delete", "-y")
    assert (outcome.status, outcome.out) == (status, b"")
    assert reason in one_line(outcome)
    assert files_of(tmp_path) == {"file": b"x", "folder/a": b"1"}


def test_prefix_without_objects_deletes_no_files(run: Runner, container: str, tmp_path: Path) -> None:
    """It is probably misspelled."""
    folder = fill(tmp_path / "to", {"a": b"1"})
    outcome = run("sync", f"path:/{container}/nothing", str(folder), "--delete")
    assert (outcome.status, one_line(outcome)) == (4, f"no object in container {container} starts with nothing/")
    assert files_of(folder) == {"a": b"1"}


def test_dry_run_tells_what_would_be_done(run: Runner, container: str, tmp_path: Path) -> None:
    """And why something can't be."""
    folder = fill(tmp_path / "from", {"new": b"123", "same": b"1"})
    (folder / "dangling").symlink_to("nowhere")
    run("upload", f"{container}/same", stdin=b"1")
    planned = run("sync", str(folder), f"path:/{container}", "--dry-run", "--json")
    assert planned.status == 1
    new, bad = sorted(planned.json["rows"], key=lambda row: row["error"] or "")
    assert new == {
        "action": "upload",
        "bytes": 3,
        "name": f"path:/{container}/new",
        "file": str(folder / "new"),
        "error": None,
    }
    assert (bad["name"], bad["file"]) == (None, str(folder / "dangling"))
    assert names(run, container) == {"same"}


@pytest.mark.slow
def test_program_syncs(run: Runner, container: str, tmp_path: Path) -> None:
    """A Path is local, as is a text without path:."""
    folder = fill(tmp_path / "from", {"a": b"1"})
    with storlet_shell.connect(environ=run.environ) as store:
        assert store.sync(folder, f"path:/{container}").files == 1
        assert store.sync(f"path:/{container}", str(tmp_path / "to"), delete=True).files == 1
    assert files_of(tmp_path / "to") == {"a": b"1"}
