"""Temporary containers for intermediate objects."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storlet_shell.errors import StorletShellError
from storlet_shell.store.listing import list_entries
from storlet_shell.values import Location
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

PREFIX = "storlet-shell-scratch-"

_ATTEMPTS = 4
_PAUSE = 0.25


@contextmanager
def scratch(client: Client, headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """Create a temporary container, which is deleted with its content at the end of the block.

    :param headers: the container's headers; None for none
    """
    name = f"{PREFIX}{secrets.token_hex(6)}"
    client.send(Request("PUT", name, headers=headers or {})).close()
    try:
        yield name
    finally:
        _remove(client, name)


def _remove(client: Client, name: str) -> None:
    """Delete a container; retry, since an abandoned run may still store an object in it, and listings lag behind."""
    for attempt in range(_ATTEMPTS):
        try:
            for entry in list_entries(client, Location(name)):
                client.find(Request("DELETE", name, entry["name"]))
            client.find(Request("DELETE", name))
        except StorletShellError as error:
            problem = error
            time.sleep(_PAUSE * 2**attempt)
        else:
            return
    reason = problem.explained(client.observer.spell)
    client.observer.warn(f"temporary container {name} was not deleted ({reason}); its objects expire within a day")
