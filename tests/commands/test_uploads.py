"""Local files that change during an upload, and files of unknown size, on the real Swift."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest

from storlet_shell.embedded import control
from storlet_shell.errors import LocalFileError
from storlet_shell.wire import bodies
from storlet_shell.wire.bodies import file_body, read_file
from tests.support.lines import Outcome, Runner, one_line
from tests.support.relay import Relay, Sent
from tests.support.responder import Answer, Recorded, Responder, html, ok

BYTES = 6_000_000  # more than sockets hold, so that the client waits while the relay does
CHANGED = "changed while it was being sent, so nothing was stored; try again once nothing writes to it, or use a copy"


def rewrite(file: Path) -> None:
    """Write other bytes in their place."""
    with file.open("r+b") as opened:
        opened.write(b"n" * BYTES)


def rewrite_secretly(file: Path) -> None:
    """Write other bytes, and set the date of modification back."""
    before = file.stat()
    rewrite(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def truncate(file: Path) -> None:
    """Cut the end off."""
    os.truncate(file, BYTES // 2)


def grow(file: Path) -> None:
    """Add a line."""
    with file.open("ab") as opened:
        opened.write(b"more\n")


def replace(file: Path) -> None:
    """Rename another file over it."""
    other = file.with_suffix(".new")
    other.write_bytes(b"n" * BYTES)
    other.replace(file)


def touch(file: Path) -> None:
    """Set its date."""
    os.utime(file)


def delete(file: Path) -> None:
    """Delete it."""
    file.unlink()


WAYS = [rewrite, rewrite_secretly, truncate, grow, replace, touch, delete]


class Halfway:
    """Lines during which a file changes when a part of it has been sent."""

    def __init__(self, run: Runner, swift: control.Running, file: Path) -> None:
        self._run, self._swift, self._file = run, swift, file

    def __call__(self, change: Callable[[Path], None], *words: str) -> Outcome:
        """Run a line, and change the file once during it."""
        changes = iter([change])

        def interlude(sent: Sent) -> None:
            if sent.method == "PUT":
                next(changes, lambda _: None)(self._file)

        with Relay(urlsplit(self._swift.auth_url).port or 0, interlude=interlude) as relay:
            environ = {"ST_AUTH": f"http://127.0.0.1:{relay.port}/auth/v1.0"}
            outcome = self._run(*words, environ=environ)
        assert not list(changes), "the file was not changed"
        return outcome


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Make a file in a folder of its own, large enough to be caught halfway."""
    file = tmp_path / "folder/file.bin"
    file.parent.mkdir()
    file.write_bytes(b"o" * BYTES)
    return file


@pytest.fixture
def halfway(run: Runner, swift: control.Running, file: Path) -> Halfway:
    """Run lines during which the file changes."""
    return Halfway(run, swift, file)


@pytest.fixture
def old(run: Runner, container: str) -> Iterator[str]:
    """Have an object that is to be replaced, and check that it is as it was."""
    assert run("upload", f"{container}/file.bin", stdin=b"old").status == 0
    yield f"{container}/file.bin"
    assert run("get", f"{container}/file.bin").out == b"old"
    assert [row["name"] for row in run("ls", container, "--json").json["rows"]] == ["file.bin"]


@pytest.mark.parametrize("change", WAYS, ids=lambda change: change.__name__)
def test_put_of_a_file_that_changes_stores_nothing(halfway: Halfway, file: Path, old: str, change: Callable) -> None:
    """However it changes: the server never gets the last bytes."""
    outcome = halfway(change, "put", str(file), old)
    assert (outcome.status, one_line(outcome)) == (1, f"{file}: {CHANGED}")


@pytest.mark.parametrize(
    "words",
    [
        ["{file}", "{old}"],
        ["{file}", "{old}", "--segment-size", "5M"],
        ["{folder}", "{c}"],
    ],
    ids=["file", "in segments", "folder"],
)
@pytest.mark.parametrize("change", [rewrite_secretly, grow], ids=lambda change: change.__name__)
def test_upload_of_a_file_that_changes_stores_nothing(
    run: Runner, halfway: Halfway, file: Path, old: str, words: list[str], change: Callable[[Path], None]
) -> None:
    """Whole or in segments, alone or in a folder; no segment stays."""
    names = {"file": file, "folder": file.parent, "old": old, "c": old.partition("/")[0]}
    outcome = halfway(change, "upload", *(word.format(**names) for word in words))
    assert outcome.status == 1
    assert f"{file}: {CHANGED}" in outcome.err
    listed = run("ls", f"{names['c']}_segments", "--json")
    assert listed.status == 4 or listed.json["rows"] == []


def test_storlet_over_a_file_that_changes_stores_nothing(
    storlets: Runner, halfway: Halfway, file: Path, old: str
) -> None:
    """What it has made of the first part is not kept."""
    outcome = halfway(rewrite, "put", str(file), old, "--storlet", "upper.py")
    assert (outcome.status, one_line(outcome)) == (1, f"{file}: {CHANGED}")


@pytest.mark.slow
@pytest.mark.parametrize("words", [["put", "-"], ["upload", "-"], ["upload", "--segment-size=1M", "-"]], ids=" ".join)
def test_standard_input_that_is_a_file_is_watched_too(
    run: Runner, swift: control.Running, file: Path, old: str, words: list[str]
) -> None:
    """Only a pipe can't be."""
    with Relay(urlsplit(swift.auth_url).port or 0, interlude=lambda _: grow(file)) as relay, file.open("rb") as stdin:
        environ = {**run.environ, "ST_AUTH": f"http://127.0.0.1:{relay.port}/auth/v1.0"}
        line = [sys.executable, "-m", "storlet_shell", *words, old]
        ended = subprocess.run(line, stdin=stdin, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, f"standard input: {CHANGED}" in ended.stderr) == (1, True), ended.stderr


@pytest.mark.parametrize("content", [b"", b"old", b"o" * 100_000], ids=["empty", "one chunk", "two chunks"])
def test_file_that_changes_between_two_attempts_is_not_stored(
    run_scripted: Runner, responder: Responder, tmp_path: Path, content: bytes
) -> None:
    """What the first attempt has sent was refused, and the second would send something else."""
    file = tmp_path / "f"
    file.write_bytes(content)

    def refuse(_: Recorded) -> Answer:
        file.write_bytes(b"n" * len(content) or b"n")
        return html(503)

    responder.on("HEAD", "/c/o", html(404))
    responder.on("PUT", "/c/o", refuse, ok(status=201))
    outcome = run_scripted("put", str(file), "c/o")
    assert (outcome.status, one_line(outcome)) == (1, f"{file}: {CHANGED}")


def test_change_within_a_tick_of_the_clock_is_noticed(tmp_path: Path) -> None:
    """A file that was written a moment ago may change again and keep its dates, so a moment passes first."""
    file = tmp_path / "f"
    for number in range(5):
        file.write_bytes(b"a" * 10)
        with file_body(file) as body:
            assert body.read(5) == b"aaaaa"
            file.write_bytes(b"b" * 10)
            with pytest.raises(LocalFileError, match="changed while it was being sent"):
                body.read(5)
            assert body.count == 10, number


def test_code_that_changes_while_it_is_read_is_not_deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code and dependencies are read whole beforehand, and must be of one state, too."""
    file = tmp_path / "f"
    file.write_bytes(b"a" * 10)
    assert read_file(file) == b"a" * 10
    settled = bodies._settled

    def slow(opened: IO[bytes]) -> os.stat_result:
        status = settled(opened)
        grow(file)
        return status

    monkeypatch.setattr(bodies, "_settled", slow)
    with pytest.raises(LocalFileError, match="f: changed while it was being read"):
        read_file(file)


# --- what does not say how long it is


def written_to(writer: int, content: bytes) -> threading.Thread:
    """Write to a pipe from another thread, and close it."""

    def write() -> None:
        with os.fdopen(writer, "wb") as file:
            file.write(content)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


@pytest.mark.slow
@pytest.mark.parametrize("words", [["put"], ["upload"], ["upload", "--segment-size", "100K"]], ids=" ".join)
def test_pipe_is_sent_as_it_comes(run: Runner, container: str, tmp_path: Path, words: list[str]) -> None:
    """That of a shell's <(...), and a named one."""
    content = os.urandom(250_000)
    reader, writer = os.pipe()
    thread = written_to(writer, content)
    outcome = run(*words, f"/dev/fd/{reader}", f"{container}/o")
    thread.join()
    os.close(reader)
    assert (outcome.status, outcome.err) == (0, "")
    assert run("get", f"{container}/o").out == content
    os.mkfifo(tmp_path / "pipe")
    thread = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(content))
    thread.start()
    assert run(*words, str(tmp_path / "pipe"), f"{container}/named").status == 0
    thread.join()
    assert run("get", f"{container}/named").out == content


@pytest.mark.parametrize("command", ["put", "upload"])
@pytest.mark.parametrize("file", ["/proc/version", "/proc/self/maps", "/sys/kernel/mm/transparent_hugepage/enabled"])
def test_file_whose_size_is_not_its_length_is_sent_whole(run: Runner, container: str, command: str, file: str) -> None:
    """Those of /proc say 0, those of /sys a page."""
    if not Path(file).exists():
        pytest.skip(f"this kernel has no {file}")
    outcome = run(command, file, f"{container}/o")
    assert (outcome.status, outcome.err) == (0, "")
    content = run("get", f"{container}/o").out
    assert content == Path(file).read_bytes() or ("maps" in file and len(content) > 1000)


def test_folder_of_files_without_sizes_is_sent_whole(run: Runner, container: str) -> None:
    """And what was sent is what is counted."""
    told = run("upload", "/proc/sys/kernel/random", container, "--json").json
    size = len(Path("/proc/sys/kernel/random/poolsize").read_bytes())
    assert run("get", f"{container}/poolsize").out == Path("/proc/sys/kernel/random/poolsize").read_bytes()
    assert told["bytes"] > size > 0


@pytest.mark.parametrize("command", ["put", "upload"])
def test_what_can_not_be_sent_is_refused(run: Runner, container: str, tmp_path: Path, command: str) -> None:
    """What never ends, what is no file, and a pipe that would have to give the object its name."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
        for name, status, reason in [
            ("/dev/zero", 2, "/dev/zero never ends; pipe a part of it instead: head -c SIZE /dev/zero"),
            ("/dev/urandom", 2, "/dev/urandom never ends"),
            (str(tmp_path / "socket"), 1, "socket"),
            ("/proc/self/mem", 1, "can't read /proc/self/mem"),
        ]:
            outcome = run(command, name, f"{container}/o")
            assert (outcome.status, reason in outcome.err.replace("\n", " ")) == (status, True), outcome.err
            assert "Traceback" not in outcome.err
    assert run("ls", container).out == b""
    assert run(command, "/dev/null", f"{container}/o").status == 0
    assert run("get", f"{container}/o").out == b""


def test_pipe_without_an_objects_name_is_refused(run: Runner, container: str) -> None:
    """The number of a descriptor is no name; what is shown instead of being sent reads nothing."""
    reader, writer = os.pipe()
    os.write(writer, b"x")
    for command, target in [("upload", container), ("upload", f"{container}/p/"), ("put", f"{container}/p/")]:
        outcome = run(command, f"/dev/fd/{reader}", target)
        said = f"/dev/fd/{reader} has no name of its own; name the object: CONTAINER/OBJECT"
        assert (outcome.status, one_line(outcome)) == (2, said)
    assert run("upload", f"/dev/fd/{reader}", f"{container}/o", "--dry-run").status == 0
    assert os.read(reader, 9) == b"x"
    os.close(writer)
    os.close(reader)


def test_sparse_file_is_sent_with_its_holes(run: Runner, container: str, tmp_path: Path) -> None:
    """They are zeros."""
    with (tmp_path / "f").open("wb") as file:
        file.truncate(100_000)
    assert run("put", str(tmp_path / "f"), f"{container}/o").status == 0
    assert run("get", f"{container}/o").out == bytes(100_000)
