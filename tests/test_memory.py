"""The scheduler that chooses the node with the most free memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from storlet_shell import schedulers
from storlet_shell.embedded import control
from storlet_shell.plugins import drivers
from storlet_shell.schedulers import memory
from storlet_shell.schedulers.base import Endpoint, Scheduler
from storlet_shell.schedulers.memory import Memory, free_memory


class Node:
    """A node that says what it is told to say, and counts how often it was asked."""

    def __init__(self, answer: object) -> None:
        self.answer, self.asked = answer, 0
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                node.asked += 1
                body = node.answer if isinstance(node.answer, bytes) else json.dumps(node.answer).encode()
                self.send_response(200 if self.path == "/recon/mem" else 404)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Keep still."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.endpoint = Endpoint(f"http://127.0.0.1:{self.server.server_address[1]}/v1/AUTH_a", repr(answer))

    def close(self) -> None:
        """Answer no more."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def node() -> Iterator[Callable[[object], Node]]:
    """Return what makes nodes."""
    made: list[Node] = []

    def make(answer: object) -> Node:
        made.append(Node(answer))
        return made[-1]

    yield make
    for one in made:
        one.close()


def kib(amount: int) -> dict[str, str]:
    """Return an answer as Swift's recon gives it."""
    return {"MemTotal": "9000000 kB", "MemFree": "7 kB", "MemAvailable": f"{amount} kB"}


def test_node_with_the_most_memory_is_chosen(node: Callable[[object], Node]) -> None:
    """Every time, and it is asked once for all of them."""
    nodes = [node(kib(amount)) for amount in (100_000, 900_000, 500_000)]
    scheduler = Memory()
    chosen = {scheduler.choose([one.endpoint for one in nodes]) for _ in range(20)}
    assert chosen == {nodes[1].endpoint}
    assert [one.asked for one in nodes] == [1, 1, 1]


def test_nodes_with_about_the_same_get_their_turns(node: Callable[[object], Node]) -> None:
    """One of two equals is not left idle for as long as an answer holds."""
    nodes = [node(kib(amount)) for amount in (900_000, 100_000, 899_000)]
    scheduler = Memory()
    chosen = [scheduler.choose([one.endpoint for one in nodes]) for _ in range(6)]
    assert chosen == [nodes[0].endpoint, nodes[2].endpoint] * 3


@pytest.mark.parametrize("answer", [[], {}, b"<html>", {"MemFree": None}, {"MemAvailable": ""}, "text"])
def test_node_that_does_not_answer_is_passed_over(node: Callable[[object], Node], answer: object) -> None:
    """So is one without recon that returns something else."""
    good, bad, gone = node(kib(100)), node(answer), Endpoint("http://127.0.0.1:1/v1/AUTH_a", "gone")
    scheduler = Memory()
    assert {scheduler.choose([bad.endpoint, gone, good.endpoint]) for _ in range(6)} == {good.endpoint}


def test_all_get_their_turns_where_none_answers(node: Callable[[object], Node]) -> None:
    """A cluster without recon is used all the same."""
    endpoints = [node({}).endpoint, Endpoint("http://127.0.0.1:1/v1/AUTH_a", "gone")]
    scheduler = Memory()
    assert [scheduler.choose(endpoints) for _ in range(4)] == endpoints * 2


def test_nodes_are_asked_anew_after_a_while(node: Callable[[object], Node], monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes are noticed, and only the first choice waits for an answer."""
    nodes = [node(kib(100)), node(kib(200))]
    scheduler = Memory()
    assert scheduler.choose([one.endpoint for one in nodes]) == nodes[1].endpoint
    nodes[0].answer = kib(900)
    monkeypatch.setattr(scheduler, "_due", 0.0)
    monkeypatch.setattr(memory, "EVERY", 0.01)
    while scheduler.choose([one.endpoint for one in nodes]) != nodes[0].endpoint:
        assert nodes[0].asked < 1000


def test_embedded_swift_answers(swift: control.Running) -> None:
    """The driver that is loaded by its name asks a real proxy server."""
    url = f"{swift.auth_url.split('/auth/')[0]}/v1/AUTH_local"
    assert free_memory(url) > 1000
    scheduler = drivers.load(schedulers.NAMESPACE, "memory", Scheduler)  # type: ignore[type-abstract]
    assert scheduler.choose([Endpoint("http://127.0.0.1:1/v1/AUTH_local", "gone"), Endpoint(url, "it")]).name == "it"
