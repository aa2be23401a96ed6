"""Containers: made, and deleted when they are empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from storlet_shell.errors import Action, Hint, StorletShellError
from storlet_shell.store.requests import NO_HEADERS
from storlet_shell.values import ContainerName
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


def make_request(name: str, *, policy: str | None = None, metadata: Mapping[str, str] = NO_HEADERS) -> Request:
    """Return the PUT that makes a container.

    :param policy: the storage policy of its objects; None for the cluster's default
    """
    prefix = wire.metadata_prefix(name, "")
    headers = {wire.STORAGE_POLICY: policy} if policy else {}
    return Request("PUT", name, headers={**headers, **{f"{prefix}{key}": value for key, value in metadata.items()}})


def make(client: Client, name: str, *, policy: str | None = None, metadata: Mapping[str, str] = NO_HEADERS) -> bool:
    """Make a container, and tell whether it is new; one that is there stays as it is, but for its metadata.

    :param policy: the storage policy of its objects; None for the cluster's default
    :raises StorletShellError: when there is no such storage policy, or the container is there with another one
    """
    reply = client.send(make_request(name, policy=policy, metadata=metadata))
    reply.read()
    return reply.status == 201


def delete(client: Client, name: str) -> None:
    """Delete an empty container.

    :raises NotFoundError: when it is not there
    :raises StorletShellError: with status 409 when it is not empty
    """
    try:
        client.send(Request("DELETE", name)).read()
    except StorletShellError as error:
        if error.status != 409:
            raise
        raise StorletShellError(
            "container {subject}: it must be empty, and is not",
            subject=name,
            status=error.status,
            hint=Hint(Action.EMPTY, (str(ContainerName(name)),)),
            transaction_id=error.transaction_id,
        ) from error
