"""Servers that fail, lie, or fall silent while a folder is transferred."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.folders import files_of
from tests.support.lines import Runner, one_line
from tests.support.responder import Answer, Responder, html, ok


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
    assert one_line(outcome).startswith("gave up after 10 failures in a row")
    assert len(responder.sent("GET")) < 60


@pytest.mark.slow
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
