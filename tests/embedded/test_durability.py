"""What the server has acknowledged survives its sudden end."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
import swiftclient

from storlet_shell.embedded import control
from storlet_shell.embedded.control import Settings

from .conftest import connect, ended

ROUNDS, WRITERS = 3, 3


@pytest.mark.slow
def test_a_kill_loses_no_object_that_was_answered(folder: Path) -> None:
    """Uploads run when the server is killed; in the next run each answered one is whole and in the listing."""
    answered: dict[str, str] = {}
    for turn in range(ROUNDS):
        running, _ = control.start(folder, Settings())
        check(running, answered)
        writers = [threading.Thread(target=write, args=(running, f"{turn}-{n}", answered)) for n in range(WRITERS)]
        before = len(answered)
        for writer in writers:
            writer.start()
        while len(answered) < before + 15:
            assert any(writer.is_alive() for writer in writers), "no upload is answered"
            time.sleep(0.01)
        time.sleep(random.random() / 10)
        os.kill(running.pid, signal.SIGKILL)
        for writer in writers:
            writer.join()
        assert ended(running.pid)
    running, _ = control.start(folder, Settings())
    check(running, answered)
    with connect(running) as connection:
        listed = {entry["name"] for entry in connection.get_container("objects", full_listing=True)[1]}
    assert set(answered) <= listed


def write(running: control.Running, prefix: str, answered: dict[str, str]) -> None:
    """Upload objects until the server is gone; note the answered ones."""
    chosen = random.Random(prefix)
    with connect(running) as connection:
        for number in range(100000):
            body = chosen.randbytes(chosen.randrange(200000))
            try:
                connection.put_object("objects", f"{prefix}-{number}", body)
            except (swiftclient.ClientException, OSError):
                return
            answered[f"{prefix}-{number}"] = hashlib.sha256(body).hexdigest()


def check(running: control.Running, answered: dict[str, str]) -> None:
    """Compare what is stored with what was answered."""
    with connect(running) as connection:
        for name, digest in answered.items():
            assert hashlib.sha256(connection.get_object("objects", name)[1]).hexdigest() == digest
