"""One store in several threads: all right results, no more connections than calls at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from storlet_shell import Store
from tests.api.recording import Recording

THREADS = 8


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
    """Whoever comes first; all use that login."""
    with ThreadPoolExecutor(THREADS) as pool:
        accounts = set(pool.map(lambda _: store.account, range(THREADS)))
    assert len(accounts) == 1
    assert len({client.login for client in store._clients._idle}) == 1


def test_response_may_be_read_by_another_thread(store: Store, here: str) -> None:
    """Who gets it need not be who reads it."""
    responses = [store.get(f"{here}/o", storlet="upper.py") for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(lambda response: response.text, responses)) == {"HELLO\nWORLD\n"}


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


def test_store_is_closed_while_threads_use_it(store: Store, here: str) -> None:
    """A call under way ends well; later ones are refused."""
    response = store.get(f"{here}/o")
    store.close()
    assert response.content == b"hello\nworld\n"
    assert not store._clients._idle
    assert not store._clients._lent
