"""A dict of headers, whose names are the same in any case (RFC 9110, 5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

_MISSING = object()


class HeaderDict(dict[str, Any]):
    """Headers or metadata by name: a ``dict`` that finds a name in any case and keeps the case it was first set in.

    Of names that differ in case only, the last value counts, as in a ``dict`` that is given a key twice.
    """

    def __init__(self, *entries: Mapping[str, Any] | Iterable[tuple[str, Any]], **more: Any) -> None:
        super().__init__()
        self.update(*entries, **more)

    def _spelled(self, name: object) -> Any:
        """Return a name as it is held; as it is if it isn't. An answer has some twenty headers, so a scan is fast."""
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
        """Return the value of a name, which is set to the default if it is missing."""
        return super().setdefault(self._spelled(name), default)

    def pop(self, name: str, default: Any = _MISSING) -> Any:
        """Remove a name and return its value, or the default."""
        spelled = self._spelled(name)
        return super().pop(spelled) if default is _MISSING else super().pop(spelled, default)

    def update(self, *entries: Mapping[str, Any] | Iterable[tuple[str, Any]], **more: Any) -> None:  # type: ignore[override]
        """Set the names of a mapping, or of pairs."""
        for name, value in dict(*entries, **more).items():
            self[name] = value

    def copy(self) -> Self:
        """Return another one with the same entries."""
        return type(self)(self)

    @classmethod
    def fromkeys(cls, names: Iterable[str], value: Any = None) -> Self:  # type: ignore[override]
        """Make one in which all names have one value."""
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
