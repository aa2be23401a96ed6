"""Create and check containers, and delete empty ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from storlet_shell.errors import Action, Hint, NotFoundError, StorletShellError
from storlet_shell.store.metadata import exists
from storlet_shell.store.requests import NO_HEADERS
from storlet_shell.values import ContainerName, Location
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


def make_request(name: str, *, policy: str | None = None, metadata: Mapping[str, str] = NO_HEADERS) -> Request:
    """Return the PUT that creates a container.

    :param policy: its storage policy; None for the cluster's default
    """
    prefix = wire.metadata_prefix(name, "")
    headers = {wire.STORAGE_POLICY: policy} if policy else {}
    return Request("PUT", name, headers={**headers, **{f"{prefix}{key}": value for key, value in metadata.items()}})


def make(client: Client, name: str, *, policy: str | None = None, metadata: Mapping[str, str] = NO_HEADERS) -> bool:
    """Create a container; only metadata change if it already exists.

    :param policy: its storage policy; None for the cluster's default
    :returns: whether it was created
    :raises StorletShellError: if the policy doesn't exist, or the container exists with another one
    """
    reply = client.send(make_request(name, policy=policy, metadata=metadata))
    reply.read()
    return reply.status == 201


def check(client: Client, name: str) -> None:
    """Check that a container exists, once rather than for each object.

    :raises NotFoundError: if it doesn't
    """
    if not exists(client, Location(name)):
        hint = Hint(Action.MAKE_CONTAINER, (name,))
        raise NotFoundError("container {subject} doesn't exist", subject=name, hint=hint)


def delete(client: Client, name: str) -> None:
    """Delete an empty container.

    :raises NotFoundError: if it doesn't exist
    :raises StorletShellError: with status 409 if it isn't empty
    """
    try:
        client.send(Request("DELETE", name)).read()
    except StorletShellError as error:
        if error.status != 409:
            raise
        raise StorletShellError(
            "container {subject} isn't empty",
            subject=name,
            status=error.status,
            hint=Hint(Action.EMPTY, (str(ContainerName(name)),)),
            transaction_id=error.transaction_id,
        ) from error
