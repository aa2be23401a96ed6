"""A dict of headers, whose names are case-insensitive (RFC 9110, 5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

_MISSING = object()


class HeaderDict(dict[str, Any]):
    """A ``dict`` of headers or metadata that finds a name in any case and keeps the case in which it was first set.

    If names differ only in case, the last value wins, as with a repeated key.
    """

    def __init__(self, *entries: Mapping[str, Any] | Iterable[tuple[str, Any]], **more: Any) -> None:
        super().__init__()
        self.update(*entries, **more)

    def _spelled(self, name: object) -> Any:
        """Return the stored spelling of a name, or the name itself; with some twenty headers, a scan is fast."""
        if not isinstance(name, str) or super().__contains__(name):
            return name
        folded = name.lower()
        return next((key for key in self if isinstance(key, str) and key.lower() == folded), name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(self._spelled(name))

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(self._spelled(name))

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(self._spelled(name), value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(self._spelled(name))

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a name, or the default."""
        return super().get(self._spelled(name), default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return the value of a name after setting it to the default if it is missing."""
        return super().setdefault(self._spelled(name), default)

    def pop(self, name: str, default: Any = _MISSING) -> Any:
        """Remove a name and return its value; the default if it is missing."""
        spelled = self._spelled(name)
        return super().pop(spelled) if default is _MISSING else super().pop(spelled, default)

    def update(self, *entries: Mapping[str, Any] | Iterable[tuple[str, Any]], **more: Any) -> None:  # type: ignore[override]
        """Set names from a mapping or from pairs."""
        for name, value in dict(*entries, **more).items():
            self[name] = value

    def copy(self) -> Self:
        """Return a copy with the same entries."""
        return type(self)(self)

    @classmethod
    def fromkeys(cls, names: Iterable[str], value: Any = None) -> Self:  # type: ignore[override]
        """Return a new one in which all names have the same value."""
        return cls((name, value) for name in names)

    def __or__(self, other: Any) -> Any:
        return type(self)(self)._merged(other) if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return type(self)(other)._merged(self) if isinstance(other, Mapping) else NotImplemented

    def __ior__(self, other: Any) -> Self:  # type: ignore[override]
        self.update(other)
        return self

    def _merged(self, other: Mapping[str, Any]) -> Self:
        self.update(other)
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return _folded(self) == _folded(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # as a dict's

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def _folded(entries: Mapping[Any, Any]) -> dict[Any, Any]:
    return {name.lower() if isinstance(name, str) else name: value for name, value in entries.items()}
