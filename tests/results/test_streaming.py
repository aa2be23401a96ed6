"""Bodies are passed on as they arrive."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.results import Response
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


def response() -> Response:
    """Return one whose server says nothing more once it is closed."""
    pieces = [b"first ", b"second"]
    body = (pieces.pop(0) for _ in range(2) if pieces)
    return Response(200, {}, body, subject="path:/c/o", close=pieces.clear)


def test_closed_body_is_not_taken_for_an_empty_one() -> None:
    """Reading the rest of a closed body is an error."""
    closed = response()
    closed.close()
    with pytest.raises(StorletShellError, match="path:/c/o: the response is closed"):
        _ = closed.text


def test_body_closed_in_the_middle_is_not_taken_for_a_whole_one() -> None:
    """By whoever has read a part of it."""
    closed = response()
    chunks = closed.iter_content()
    assert next(chunks) == b"first "
    closed.close()
    with pytest.raises(StorletShellError, match="closed"):
        list(chunks)


def test_whole_body_stays_after_the_end() -> None:
    """A body that was read completely stays in memory."""
    closed = response()
    assert closed.content == b"first second"
    closed.close()
    assert closed.text == "first second"


@pytest.mark.parametrize("size", [0, -1, None])
def test_chunks_of_no_size_are_refused(size: int) -> None:
    """They would be none at all, as if the body were empty."""
    with pytest.raises(UsageError, match="chunk_size must be a positive number of bytes"):
        list(response().iter_content(size))
