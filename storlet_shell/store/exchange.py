"""What commands that have not moved to their functions in this folder still call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storlet_shell.store.metadata import exists
from storlet_shell.store.reading import check_received, respond
from storlet_shell.store.requests import plan
from storlet_shell.store.runs import check_extra_resources, check_storlets_run
from storlet_shell.values import Location

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.requests import Request

__all__ = ["check_extra_resources", "check_received", "check_storlets_run", "is_there", "plan", "respond"]


def is_there(client: Client, request: Request) -> bool:
    """Tell whether a HEAD finds what it names."""
    return exists(client, Location(request.container, request.name))
