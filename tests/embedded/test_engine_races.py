"""Storlets that start, run, and are replaced at the same time don't affect each other."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .storlets import IDENTITY, Answer, Client, storlet

WAITS = "out.set_metadata({}); out.write(b'begun' * 1000); out.flush(); time.sleep(1.2); out.write(b'end')"


def together(client: Client, *actions: Callable[[Client], Answer]) -> list[Answer]:
    """Do things at the same time, each on a connection of its peer; return their answers in order."""
    answers: dict[int, Answer] = {}
    barrier = threading.Barrier(len(actions))

    def act(number: int) -> None:
        peer = Client(client.running)
        barrier.wait()
        answers[number] = actions[number](peer)
        peer.close()

    threads = [threading.Thread(target=act, args=(number,)) for number in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[number] for number in range(len(actions))]


@pytest.mark.slow
def test_redeploying_a_storlet_leaves_others_alone(client: Client) -> None:
    """Two storlets are first run at the same time; a redeployment of one does not end a run of the other."""
    client.depend("twenty.bin", "x" * (20 << 20))
    for name in ("first.py", "second.py"):
        client.deploy(name, storlet(WAITS), dependencies="twenty.bin")

    def run(name: str) -> Callable[[Client], Answer]:
        return lambda peer: peer.run(name, "/c/o")

    def replace(peer: Client) -> Answer:
        time.sleep(0.3)
        peer.deploy("first.py", IDENTITY)
        return peer.run("first.py", "/c/o")

    together(client, run("first.py"), run("second.py"))
    replaced, second = together(client, replace, run("second.py"))
    assert (replaced.status, replaced.body) == (200, b"x" * 1024)
    assert (second.whole, second.body[-3:]) == (True, b"end"), client.log("second.py")


def zygotes(client: Client) -> list[int]:
    """Return the processes that fork warm parents."""
    children = Path(f"/proc/{client.running.pid}/task").glob("*/children")
    pids = {int(pid) for path in children for pid in path.read_text().split()}
    return [pid for pid in pids if b"zygote" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.slow
def test_a_lost_zygote_is_replaced_by_one(client: Client) -> None:
    """When what forks storlets has died, those who run one next start one, not one each, and all of them run."""
    names = [f"several{number}.py" for number in range(6)]
    for name in names:
        client.deploy(name, IDENTITY)
    client.run(names[0], "/c/o")
    (zygote,) = zygotes(client)
    os.kill(zygote, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while zygote in zygotes(client) and time.monotonic() < deadline:
        time.sleep(0.02)
    answers = together(client, *[lambda peer, name=name: peer.run(name, "/c/o") for name in names])  # type: ignore[misc]
    assert [answer.status for answer in answers] == [200] * len(names), answers
    assert len(zygotes(client)) == 1
