"""Bodies as they arrive."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

from tests.support.lines import Runner
from tests.support.responder import Answer, Responder


def test_output_arrives_while_the_storlet_still_runs(run_scripted: Runner, responder: Responder) -> None:
    """Trap 22: whatever the engine holds back, the client holds back nothing of what has arrived."""
    go_on = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"first "
        assert go_on.wait(20)
        yield b"second"

    responder.on("GET", "/c/o", Answer(body=pieces(), chunked=True))
    child = subprocess.Popen(
        [sys.executable, "-m", "storlet_shell", "get", "c/o", "--storlet", "slow.py"],
        env=run_scripted.environ,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert os.read(child.stdout.fileno(), 100) == b"first "
    go_on.set()
    assert child.stdout.read() == b"second"
    assert child.wait(20) == 0
    child.stdout.close()
