"""Requests, as they will be sent."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from storlet_shell.equality import typed_equality
from storlet_shell.values import ObjectPath
from storlet_shell.wire.quoting import quoted, quoted_query


def host_of(url: str) -> str:
    """Return the scheme, name and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@typed_equality
class Request(NamedTuple):
    """A request to the object store, as it will be sent, but for the token.

    :param container: empty for the account itself
    :param name: the object's name; empty for the container or account itself
    :param query: pairs of the query string, in order
    :param body: what is sent as the body, in words; empty when nothing is
    """

    method: str
    container: str = ""
    name: str = ""
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = MappingProxyType({})
    body: str = ""

    @property
    def path(self) -> str:
        """The path below the storage URL, percent-quoted, with its query string."""
        path = f"/{quoted(self.container, '')}" if self.container else ""
        if self.name:
            path += f"/{quoted(self.name)}"
        if self.query:
            path += "?" + "&".join(f"{quoted_query(k)}={quoted_query(v)}" for k, v in self.query)
        return path

    @property
    def subject(self) -> str:
        """What the request is about, spelled as users spell it."""
        if not self.container:
            return "the account"
        return str(ObjectPath(self.container, self.name)) if self.name else f"container {self.container}"
