"""One store in several threads: correct results, and no more connections than concurrent calls."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import pytest

from storlet_shell import Observer, Store, connect
from storlet_shell.api.clients import Clients
from storlet_shell.errors import Hint
from storlet_shell.wire.client import Client
from tests.api.recording import Recording

if TYPE_CHECKING:
    from storlet_shell.identity.login import Login

THREADS = 8


@pytest.mark.slow
def test_threads_share_a_store(store: Store, here: str) -> None:
    """Each puts, runs, lists, streams and deletes objects of its own, many times, and sees nothing of the others."""

    def work(number: int) -> str:
        for turn in range(2):
            name, content = f"{here}/{number}-{turn}", f"text {number} {turn} ".encode() * 1000
            assert store.put(content, name).path.name == f"{number}-{turn}"
            assert store.get(name, storlet="upper.py").content == content.upper()
            with store.get(name) as response:
                assert next(response.iter_content(10)) == content[:10]
            assert [entry.name for entry in store.list(f"{here}/{number}-{turn}")] == [f"{number}-{turn}"]
            told = store.get(name, storlet="tell.py", params={"thread": number, "turn": turn}).json()
            assert told == {"thread": str(number), "turn": str(turn)}
            assert store.delete(name).objects == 1
            assert not store.exists(name)
        return str(number)

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(work, range(THREADS))) == [str(number) for number in range(THREADS)]
    assert not store._clients._lent
    assert len(store._clients._idle) <= THREADS


def test_threads_log_in_once(store: Store) -> None:
    """The first thread logs in; all others use its login."""
    with ThreadPoolExecutor(THREADS) as pool:
        accounts = set(pool.map(lambda _: store.account, range(THREADS)))
    assert len(accounts) == 1
    assert len({client.login for client in store._clients._idle}) == 1


def test_response_may_be_read_by_another_thread(store: Store, here: str) -> None:
    """The reader needn't be the thread that sent the request."""
    responses = [store.get(f"{here}/o", storlet="upper.py") for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(lambda response: response.text, responses)) == {"HELLO\nWORLD\n"}


@pytest.mark.slow
def test_observer_is_told_by_one_thread_at_a_time(store: Store, here: str, observer: Recording) -> None:
    """Warnings and progress of all threads; it needs no lock of its own."""
    content = b"x" * 100_000
    store.put(content, f"{here}/large")

    def work(_: int) -> int:
        store.grant(here, "tester", storlet="upper.py")
        return len(store.get(f"{here}/large").content)

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(work, range(THREADS))) == {len(content)}
    assert observer.warnings
    assert observer.progress_of[f"path:/{here}/large"] == (THREADS + 1) * len(content)


def test_client_goes_back_once(store: Store, here: str) -> None:
    """Whoever has read a body closes the response later, when the client may be another call's."""
    with store.get(f"{here}/o") as response:
        assert response.content
        other = store.get(f"{here}/o")
        assert len(store._clients._lent) == 1
    assert len(store._clients._lent) == 1, "the client that is in use was taken for a free one"
    assert other.text == "hello\nworld\n"


@pytest.mark.slow
def test_half_read_body_that_goes_takes_nobodys_client(store: Store, here: str) -> None:
    """The garbage collector may delete it at any time."""
    response = store.get(f"{here}/o")
    rest = response.iter_content(3)
    next(rest)
    response.close()
    other = store.get(f"{here}/o")
    del rest, response
    gc.collect()
    assert len(store._clients._lent) == 1
    assert other.text == "hello\nworld\n"


def test_client_may_come_back_at_any_moment() -> None:
    """The collector may end a listing that was left while the same thread borrows a client."""
    login = cast("Login", None)
    other = Client(login)

    def first() -> Client:
        clients.give_back(other)
        return Client(login)

    clients = Clients(first)
    clients._lent.add(other)
    borrowed: list[Client] = []
    thread = threading.Thread(target=lambda: borrowed.append(clients.borrow()), daemon=True)
    thread.start()
    thread.join(10)
    assert borrowed == [other]


def test_observer_may_use_the_store(identity: dict[str, str], here: str) -> None:
    """Requests of an observer may cause warnings themselves."""

    class Curious(Observer):
        warnings = 0

        def warn(self, message: str, hint: Hint | None = None) -> None:
            self.warnings += 1
            if self.warnings == 1:
                store.grant(here, "tester", storlet="upper.py")

    observer = Curious()
    with connect(environ=identity, observer=observer) as store:
        thread = threading.Thread(target=lambda: store.grant(here, "tester", storlet="upper.py"), daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
    assert observer.warnings == 4


def test_store_is_closed_while_threads_use_it(store: Store, here: str) -> None:
    """A call under way ends well; later ones are refused."""
    response = store.get(f"{here}/o")
    store.close()
    assert response.content == b"hello\nworld\n"
    assert not store._clients._idle
    assert not store._clients._lent
