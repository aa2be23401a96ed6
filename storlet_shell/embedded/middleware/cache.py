"""A memory cache in the proxy's own process, instead of memcached.

The proxy keeps information about accounts and containers in ``swift.cache``, and tempauth its tokens. The methods have
the signatures of ``swift.common.memcached.MemcacheRing``; arguments that concern memcached only (servers, compression,
serialization, network errors) are ignored.
"""

from __future__ import annotations

import json
import time as clock
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_LARGEST_RELATIVE_TIME = 30 * 24 * 60 * 60  # as in memcached: larger numbers are dates


class MemoryCache:
    """Keys and values with expiry times; the least recently used key is evicted.

    :param size: the maximum number of keys
    """

    def __init__(self, size: int = 20000) -> None:
        self._size = size
        # Values are JSON texts, as in memcached, so that callers can't change them later.
        self._items: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def get(self, key: str, **_: Any) -> Any:
        """Return a key's value, or None."""
        item = self._items.get(key)
        if item is None:
            return None
        text, expires = item
        if expires and expires <= clock.time():
            del self._items[key]
            return None
        self._items.move_to_end(key)
        return json.loads(text)

    def set(self, key: str, value: Any, *, time: float = 0, **_: Any) -> None:
        """Set a key's value for this number of seconds; 0 means forever."""
        if isinstance(value, bytes):
            value = value.decode()
        if time and time <= _LARGEST_RELATIVE_TIME:
            time += clock.time()
        self._items[key] = (json.dumps(value), time)
        self._items.move_to_end(key)
        if len(self._items) > self._size:
            self._items.popitem(last=False)

    def incr(self, key: str, delta: int = 1, time: float = 0) -> int:
        """Add to a key's number, never below 0, and return the sum; a missing key is set to ``delta``."""
        value = self.get(key)
        number = max(0, int(value or 0) + int(delta))
        if value is None:
            self.set(key, number, time=time)
        else:
            self._items[key] = (json.dumps(number), self._items[key][1])
        return number

    def decr(self, key: str, delta: int = 1, time: float = 0) -> int:
        """Subtract from a key's number, never below 0, and return the difference."""
        return self.incr(key, delta=-delta, time=time)

    def delete(self, key: str, *_: Any, **__: Any) -> None:
        """Forget a key."""
        self._items.pop(key, None)

    def set_multi(self, mapping: Mapping[str, Any], *_: Any, time: float = 0, **__: Any) -> None:
        """Set several keys' values."""
        for key, value in mapping.items():
            self.set(key, value, time=time)

    def get_multi(self, keys: Iterable[str], *_: Any, **__: Any) -> list[Any]:
        """Return several keys' values in order; None for missing keys."""
        return [self.get(key) for key in keys]


_shared: dict[str, Any] = {}


def share(name: str, cache: Any) -> None:
    """Use a given cache, possibly of another process, for the filters of a name."""
    _shared[name] = cache


def cache_of(name: str) -> Any:
    """Return the cache for the filters of a name."""
    return _shared.setdefault(name, MemoryCache())


def filter_factory(_global_conf: Mapping[str, str], name: str = "", **_local_conf: str) -> Callable[[WSGI], WSGI]:
    """Create the paste filter that puts a cache into every request.

    :param name: the name of a shared cache; without one, the filter has its own
    """
    cache = cache_of(name) if name else MemoryCache()

    def cache_filter(app: WSGI) -> WSGI:
        def with_cache(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            environ["swift.cache"] = cache
            return app(environ, start_response)

        return with_cache

    return cache_filter
