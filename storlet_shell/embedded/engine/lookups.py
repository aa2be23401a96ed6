"""What the server remembers of storlet objects, as long as nothing changes them."""

from __future__ import annotations

_MOST = 1000


class Lookups:
    """What is known of storlet objects, by their paths."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[str, str]]] = {}
        self._changes = 0

    @property
    def changes(self) -> int:
        """How many changes of objects have been seen; an answer holds if this is the same before and after it."""
        return self._changes

    def get(self, path: str) -> list[tuple[str, str]] | None:
        """Return an object's headers, None if they are not known."""
        return self._known.get(path)

    def keep(self, path: str, headers: list[tuple[str, str]], changes: int) -> None:
        """Keep an object's headers, unless something has changed since they were asked for.

        :param changes: :attr:`changes` before that
        """
        if changes == self._changes:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[path] = headers

    def forget(self, path: str) -> None:
        """Note that an object changes."""
        self._changes += 1
        self._known.pop(path, None)


class Forgetful(Lookups):
    """Remembers nothing, in a process that does not see what changes objects."""

    def keep(self, path: str, headers: list[tuple[str, str]], changes: int) -> None:
        """Keep nothing."""
