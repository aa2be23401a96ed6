"""Requests to the object store, and the URLs they go to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from storlet_shell.equality import typed_equality
from storlet_shell.values import ObjectPath
from storlet_shell.wire.quoting import quoted, quoted_query


def host_of(url: str) -> str:
    """Return the scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def without_password(url: str) -> str:
    """Return a URL without the user and password in front of its host, even if it is malformed."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.rpartition("@")[2]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@typed_equality
class Request(NamedTuple):
    """A request to the object store, complete but for the token.

    :param container: empty for the account itself
    :param name: the object's name; empty for the container or account itself
    :param query: names and values of the query string, in order
    :param body: a description of the body; empty without one
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
        """The account, container or object, as users spell it."""
        if not self.container:
            return "the account"
        return str(ObjectPath(self.container, self.name)) if self.name else f"container {self.container}"
