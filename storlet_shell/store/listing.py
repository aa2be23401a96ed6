"""List containers and objects, page by page."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import ServiceError
from storlet_shell.values import Location, read_count
from storlet_shell.wire.headers import ACCOUNT_CONTAINERS, CONTAINER_OBJECTS
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.patterns import Pattern
    from storlet_shell.wire.client import Client


def list_entries(
    client: Client, location: Location, delimiter: str | None = None, *, versions: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the entries of a listing; each has a ``name``, even one for a common prefix.

    :param delimiter: list names up to this character only, as common prefixes; None for full names
    :param versions: list all versions of each object, with their ``version_id``, if the container keeps them
    :raises NotFoundError: if the container doesn't exist
    """
    page = _request(client, location, delimiter, ("", "") if versions else ("",)).entries()
    client = client.another()
    try:
        while page:
            last = _marker(page[-1])
            following = _Following(client, location, delimiter, last if versions else last[:1])
            page.reverse()
            while page:
                yield _complete(page.pop())
            page = following.entries()
            if page and _marker(page[-1]) == last:
                raise ServiceError(f"{location}: the server returned the same page of the listing again")
    finally:
        client.close()


@typed_equality
class Page(NamedTuple):
    """A part of a listing.

    :param entries: as :func:`list_entries` yields them
    :param is_last: whether the listing ends with it
    :param total: the number of objects in the container, or of containers in the account, whatever the prefix; None if
        the server doesn't say
    """

    entries: list[dict[str, Any]]
    is_last: bool
    total: int | None = None

    @property
    def end(self) -> str:
        """The name after which the next page starts; empty if there are no entries."""
        return _marker(self.entries[-1])[0] if self.entries else ""


def list_page(
    client: Client, location: Location, delimiter: str | None = None, *, after: str = "", limit: int = 200
) -> Page:
    """Request one page of a listing; the time doesn't depend on the size of the container.

    :param delimiter: list names up to this character only, as common prefixes; None for full names
    :param after: start after this name; empty for the beginning
    :param limit: the largest number of entries
    :raises NotFoundError: if the container doesn't exist
    """
    reply = _request(client, location, delimiter, (after,), limit + 1)
    entries = [_complete(entry) for entry in reply.entries()]
    return Page(entries[:limit], len(entries) <= limit, reply.total)


def _complete(entry: dict[str, Any]) -> dict[str, Any]:
    return {"name": entry.get("subdir"), "bytes": None, "last_modified": None, **entry}


def list_matching(client: Client, pattern: Pattern, *, versions: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the entries of the objects that match a pattern.

    :param versions: list all versions of each object, as :func:`list_entries` does
    :raises NotFoundError: if the container doesn't exist
    """
    matches = pattern.matcher()
    entries = list_entries(client, Location(pattern.container, pattern.prefix), versions=versions)
    return (entry for entry in entries if matches(entry["name"]))


def _marker(entry: dict[str, Any]) -> tuple[str, str]:
    return entry.get("subdir") or entry["name"], entry.get("version_id") or ""


@typed_equality
class _Reply(NamedTuple):
    """A page of a listing as it arrived, a third of the size of its entries; empty if it isn't text."""

    location: Location
    text: str
    transaction_id: str
    total: int | None

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries; none at the end.

        :raises ServiceError: if the page isn't a listing
        """
        try:
            page = json.loads(self.text)
            if isinstance(page, list) and all(map(_is_entry, page)):
                return page
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
            pass
        raise ServiceError(
            f"{self.location}: the server's response isn't a listing", transaction_id=self.transaction_id
        )


class _Following(threading.Thread):
    """The next page, requested in the background; errors are raised when the page is needed."""

    def __init__(self, client: Client, location: Location, delimiter: str | None, marker: tuple[str, ...]) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._arguments = location, delimiter, marker
        self._page: _Reply | None = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Request the page, and keep it or the error."""
        try:
            self._page = _request(self._client, *self._arguments)
        except BaseException as error:  # raised again when the page is needed
            self._error = error

    def entries(self) -> list[dict[str, Any]]:
        """Wait for the page, and return its entries; raise the error of its request."""
        self.join()
        if self._error is not None:
            raise self._error
        assert self._page is not None
        return self._page.entries()


def _request(
    client: Client, location: Location, delimiter: str | None, marker: tuple[str, ...], limit: int | None = None
) -> _Reply:
    """Request a page of entries.

    :param marker: the last name of the previous page; to list versions, also that entry's version
    :param limit: the largest number of entries; None for the server's own
    """
    query = [("format", "json")]
    query += [("prefix", location.prefix)] if location.prefix else []
    query += [("delimiter", delimiter)] if delimiter else []
    query += [("marker", marker[0])] if marker[0] else []
    query += [("versions", "")] if len(marker) > 1 else []
    query += [("version_marker", marker[1])] if marker[1:] > ("",) else []
    query += [("limit", str(limit))] if limit is not None else []
    reply = client.send(Request("GET", location.container, query=tuple(query)))
    try:
        text = (reply.read() or b"[]").decode()  # unlike json.loads, refuses encoded surrogates
    except UnicodeDecodeError:
        text = ""
    total = reply.headers.get(CONTAINER_OBJECTS if location.container else ACCOUNT_CONTAINERS, "")
    return _Reply(location, text, reply.transaction_id, read_count(total))


def _is_entry(entry: dict[str, Any]) -> bool:
    name = entry.get("subdir") or entry["name"]
    return bool(name) and isinstance(name, str) and isinstance(entry.get("bytes") or 0, int)
