"""Listings of containers and objects, page by page."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from storlet_shell.errors import ServiceError
from storlet_shell.values import Location
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


def list_entries(
    client: Client, location: Location, delimiter: str | None = None, *, versions: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield what a listing says of each name, page by page; a folded name is given as ``name`` as well.

    :param versions: list each version of an object, with its ``version_id``, where the container keeps them
    :raises NotFoundError: when the container is not there
    """
    page = _page(client, location, delimiter, ("", "") if versions else ("",))
    client = client.another()
    try:
        while page:
            last = _marker(page[-1])
            following = _Following(client, location, delimiter, last if versions else last[:1])
            page.reverse()
            while page:  # each entry is let go as it is taken, so that two pages are never held while one is waited for
                entry = page.pop()
                yield {"name": entry.get("subdir"), "bytes": None, "last_modified": None, **entry}
            page = following.page()
            if page and _marker(page[-1]) == last:
                raise ServiceError(f"{location}: the server repeats its listing")
    finally:
        client.close()


def _marker(entry: dict[str, Any]) -> tuple[str, str]:
    return entry.get("subdir") or entry["name"], entry.get("version_id") or ""


class _Following(threading.Thread):
    """The next page, asked for while the present one is shown; errors come when it is wanted."""

    def __init__(self, client: Client, location: Location, delimiter: str | None, marker: tuple[str, ...]) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._asked = location, delimiter, marker
        self._entries: list[dict[str, Any]] = []
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._entries = _page(self._client, *self._asked)
        except BaseException as error:  # it is raised where the page is wanted
            self._error = error

    def page(self) -> list[dict[str, Any]]:
        self.join()
        if self._error is not None:
            raise self._error
        return self._entries


def _page(client: Client, location: Location, delimiter: str | None, marker: tuple[str, ...]) -> list[dict[str, Any]]:
    """Ask for the names after a marker, as many as the server gives; none are left when none come.

    :param marker: the last name of the page before; with it, to list every version, that one's version
    """
    query = [("format", "json")]
    query += [("prefix", location.prefix)] if location.prefix else []
    query += [("delimiter", delimiter)] if delimiter else []
    query += [("marker", marker[0])] if marker[0] else []
    query += [("versions", "")] if len(marker) > 1 else []
    query += [("version_marker", marker[1])] if marker[1:] > ("",) else []
    reply = client.send(Request("GET", location.container, query=tuple(query)))
    try:
        page = json.loads((reply.read() or b"[]").decode())  # bytes may hold surrogates
        if isinstance(page, list) and all(map(_is_entry, page)):
            return page
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        pass
    raise ServiceError(f"{location}: the server's answer is no listing", transaction_id=reply.transaction_id)


def _is_entry(entry: dict[str, Any]) -> bool:
    name = entry.get("subdir") or entry["name"]
    return bool(name) and isinstance(name, str) and isinstance(entry.get("bytes") or 0, int)
