"""How the slots for storlets are shared, as a program of its own: ``python -m tests.embedded.slots``.

In a test's process, eventlet would warn at every later fork.
"""

from __future__ import annotations

from collections.abc import Callable

import eventlet

from storlet_shell.embedded.engine.slots import Slots


def account_alone_has_most_of_the_slots() -> None:
    """Check that one account may take three quarters, and that several get equal shares and leave one."""
    slots = Slots(32)
    assert sum(slots.acquire("a", 0.001) for _ in range(32)) == 24
    for number in range(5):
        assert slots.acquire(f"b{number}", 0.001)


def account_that_holds_fewest_is_next() -> None:
    """Check that, of those who wait, an account that holds much comes after one that holds little."""
    slots, order = Slots(4), []

    def wait(account: str) -> Callable[[], None]:
        def run() -> None:
            assert slots.acquire(account, 30)
            order.append(account)

        return run

    assert [slots.acquire(account, 0.001) for account in ("a", "a", "a", "b", "b")] == [True, True, True, True, False]
    threads = [eventlet.spawn(wait(account)) for account in ("b", "c")]
    eventlet.sleep(0)
    slots.release("a")
    eventlet.sleep(0)
    assert order == ["c"]
    slots.release("b")
    for thread in threads:
        thread.wait()
    assert order == ["c", "b"]


def whoever_gives_up_holds_nothing() -> None:
    """Check that a wait that times out, or is killed at the moment of its success, leaves every slot to others."""
    slots = Slots(4)
    assert [slots.acquire("a", 0.001) for _ in range(4)] == [True, True, True, False]
    waiting = eventlet.spawn(slots.acquire, "a", 30)
    eventlet.sleep(0)
    slots.release("a")  # given to the one that waits, which is killed before it learns of it
    waiting.kill()
    assert slots.acquire("a", 0.001)
    for _ in range(3):
        slots.release("a")
    assert [slots.acquire("b", 0.001) for _ in range(4)] == [True, True, True, False]


if __name__ == "__main__":
    account_alone_has_most_of_the_slots()
    account_that_holds_fewest_is_next()
    whoever_gives_up_holds_nothing()
