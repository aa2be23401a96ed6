"""The cache that replaces memcached."""

from __future__ import annotations

import time

from storlet_shell.embedded.middleware.cache import MemoryCache


def test_values_are_kept_as_json_would() -> None:
    """Return a copy, with tuples as lists and bytes as text."""
    cache = MemoryCache()
    value = {"a": [1]}
    cache.set("key", value, serialize=True, min_compress_len=5)
    value["a"].append(2)
    assert cache.get("key", raise_on_error=True) == {"a": [1]}
    cache.set("key", (1, "x"))
    assert cache.get("key") == [1, "x"]
    cache.set("key", b"text", serialize=False)
    assert cache.get("key") == "text"
    assert cache.get("missing") is None


def test_values_expire() -> None:
    """A small time is seconds from now, a large one a date, and 0 means no expiry."""
    cache = MemoryCache()
    cache.set("soon", 1, time=0.05)
    cache.set("date", 1, time=time.time() + 0.05)
    cache.set("past", 1, time=time.time() - 1)
    cache.set("never", 1)
    assert [cache.get(key) for key in ("soon", "date", "past", "never")] == [1, 1, None, 1]
    time.sleep(0.06)
    assert [cache.get(key) for key in ("soon", "date", "past", "never")] == [None, None, None, 1]


def test_what_was_not_used_for_longest_makes_room() -> None:
    """The size is bounded."""
    cache = MemoryCache(size=2)
    cache.set("a", 1)
    cache.set("b", 1)
    assert cache.get("a") == 1
    cache.set("c", 1)
    assert [cache.get(key) for key in ("a", "b", "c")] == [1, None, 1]


def test_numbers_are_counted() -> None:
    """Up and down, never below 0, and until they expire."""
    cache = MemoryCache()
    assert cache.incr("n", 5, time=0.05) == 5
    assert cache.decr("n", 2) == 3
    assert cache.incr("n", -7) == 0
    time.sleep(0.06)
    assert cache.incr("n") == 1
    assert cache.decr("new") == 0


def test_several_at_once() -> None:
    """Values are set, read in order and forgotten."""
    cache = MemoryCache()
    cache.set_multi({"a": 1, "b": 2}, "server", time=10)
    cache.delete("a", server_key="server")
    cache.delete("missing")
    assert cache.get_multi(["b", "a"], "server") == [2, None]
