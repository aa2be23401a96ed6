"""A memory cache in the proxy's own process, in the place of memcached.

The proxy keeps what it knows of accounts and containers in ``swift.cache``, tempauth its tokens. The methods can be
called like those of ``swift.common.memcached.MemcacheRing``; arguments about memcached's own affairs (servers,
compression, serialisation, errors on the way) are taken and mean nothing.
"""

from __future__ import annotations

import json
import time as clock
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_LARGEST_RELATIVE_TIME = 30 * 24 * 60 * 60  # as memcached: a larger number is a date


class MemoryCache:
    """Keys and values with expiry times; the one that was not used for longest makes room.

    :param size: how many keys are kept
    """

    def __init__(self, size: int = 20000) -> None:
        self._size = size
        # The value as JSON text, as memcached would hold it: a caller's later changes to a value stay its own.
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
        """Set a key's value for so many seconds; 0 means for ever."""
        if isinstance(value, bytes):
            value = value.decode()
        if time and time <= _LARGEST_RELATIVE_TIME:
            time += clock.time()
        self._items[key] = (json.dumps(value), time)
        self._items.move_to_end(key)
        if len(self._items) > self._size:
            self._items.popitem(last=False)

    def incr(self, key: str, delta: int = 1, time: float = 0) -> int:
        """Add to a key's number, never below 0, and return the sum; a key that is not there is set to ``delta``."""
        held = self.get(key)
        number = max(0, int(held or 0) + int(delta))
        if held is None:
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
        """Return several keys' values in their order, None for those that are not there."""
        return [self.get(key) for key in keys]


_shared: dict[str, Any] = {}


def share(name: str, cache: Any) -> None:
    """Have the filters of a name use a cache: that of another process."""
    _shared[name] = cache


def cache_of(name: str) -> Any:
    """Return the cache that the filters of a name use."""
    return _shared.setdefault(name, MemoryCache())


def filter_factory(_global_conf: Mapping[str, str], name: str = "", **_local_conf: str) -> Callable[[WSGI], WSGI]:
    """Make the paste filter that puts one cache into every request.

    :param name: of a cache that others use, too; without one, it is the filter's own
    """
    cache = cache_of(name) if name else MemoryCache()

    def cache_filter(app: WSGI) -> WSGI:
        def with_cache(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            environ["swift.cache"] = cache
            return app(environ, start_response)

        return with_cache

    return cache_filter
