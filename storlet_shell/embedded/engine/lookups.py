"""A cache of storlet objects' headers, valid until the objects change."""

from __future__ import annotations

_MOST = 1000


class Lookups:
    """Headers of storlet objects, by path."""

    def __init__(self) -> None:
        self._headers: dict[str, list[tuple[str, str]]] = {}
        self._changes = 0

    @property
    def changes(self) -> int:
        """The number of changes seen; an answer is valid if this is the same before and after it was requested."""
        return self._changes

    def get(self, path: str) -> list[tuple[str, str]] | None:
        """Return an object's headers; None if they aren't cached."""
        return self._headers.get(path)

    def keep(self, path: str, headers: list[tuple[str, str]], changes: int) -> None:
        """Cache an object's headers, unless something has changed since they were requested.

        :param changes: the value of :attr:`changes` before the request
        """
        if changes == self._changes:
            if len(self._headers) >= _MOST:
                self._headers.clear()
            self._headers[path] = headers

    def forget(self, path: str) -> None:
        """Record that an object changes."""
        self._changes += 1
        self._headers.pop(path, None)


class Forgetful(Lookups):
    """Caches nothing, in a process that doesn't see changes of objects."""

    def keep(self, path: str, headers: list[tuple[str, str]], changes: int) -> None:
        """Discard the headers."""
