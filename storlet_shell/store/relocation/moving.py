"""Move an object inside the cluster: copy it as it is, check the copy, and delete the original."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from storlet_shell.errors import Action, Hint, NotFoundError, ServiceError, StorletShellError, UsageError
from storlet_shell.store.deletion import delete_request, send_deletion
from storlet_shell.store.metadata import Info, exists, head
from storlet_shell.store.objects import Stored, named, stored_by, warning_of
from storlet_shell.store.requests import copy_request
from storlet_shell.store.segments import Replacing, read_manifest
from storlet_shell.values import ObjectPath
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

_MANIFEST = (("multipart-manifest", "get"),)
_LINK = (("symlink", "get"),)
"""Queries that copy a large object's manifest, or a symbolic link, instead of what it leads to (swift ``copy.py``,
``symlink.py``)."""


def move(
    client: Client, source: ObjectPath, target: ObjectPath, replacing: Replacing | None = None, *, force: bool = False
) -> Stored:
    """Move an object, with its metadata.

    Of a large object, only the manifest is copied and deleted; its segments stay where they are. A symbolic link is
    moved as a link. The original is deleted last, and only if the copy is what it was.

    :param replacing: deletes the segments of a replaced object, and keeps its notes; None to warn the observer of them
    :param force: replace an existing target
    :raises UsageError: if the source and the target are the same, or the target is a segment of the source
    :raises NotFoundError: if the source or the target's container doesn't exist
    :raises StorletShellError: if the target exists, or the original couldn't be deleted, so that both exist
    """
    if source == target:
        raise UsageError(f"the source and the target are the same: {source}")
    info = head(client, source)
    segments: set[ObjectPath] = set()
    if not force:
        check_free(client, target)
        replacing = Replacing(leave_segments=True)
    elif info.has_segments:
        segments = {segment.place for segment in read_manifest(client, source)}
        if target in segments:
            raise UsageError(f"{target} is a segment of {source}, and can't be replaced by it")
    with warning_of(client, replacing) as others, others.replaced(client, target, needed=segments):
        stored = _copy(client, info, source, target)
    try:
        with suppress(NotFoundError):  # somebody else has deleted it meanwhile
            send_deletion(client, delete_request(*source))
    except StorletShellError as error:
        raise error.adding(f"; it was copied to {target}, and both exist") from error
    return stored


def check_free(client: Client, target: ObjectPath) -> None:
    """Check that an object doesn't exist, so that nothing is replaced.

    :raises StorletShellError: if it does
    """
    if exists(client, target):
        raise StorletShellError("already exists", subject=str(target), hint=Hint(Action.REPLACE))


def _copy(client: Client, info: Info, source: ObjectPath, target: ObjectPath) -> Stored:
    """Copy an object as it is.

    :param info: the headers of the source
    :raises ServiceError: if the copy differs from what the source was
    """
    is_manifest = info.has_segments or (not info.link and wire.DYNAMIC_MANIFEST in info.headers)
    query = _LINK if info.link else _MANIFEST if is_manifest else ()
    request = copy_request(source, target)._replace(query=query)
    with named(client, source, target, None):
        reply = client.send(request)
        reply.read()
    _check_copy(client, info, target, reply.headers)
    return stored_by(request, target, reply)


def _check_copy(client: Client, info: Info, target: ObjectPath, headers: Mapping[str, str]) -> None:
    """Check a copy: that of a plain object by its MD5, that of a manifest or a link by looking it up.

    :param headers: those of the response to the copy
    """
    is_plain = not info.link and not info.is_manifest and wire.DYNAMIC_MANIFEST not in info.headers
    if is_plain:
        is_same = headers.get(wire.ETAG, "").strip('"') == info.etag
    else:
        copied = head(client, target)
        is_same = _identity(copied) == _identity(info)
    if not is_same:
        text = f"{target} isn't what {info.location} was when the move began; both exist, and nothing was deleted"
        raise ServiceError(text, transaction_id=headers.get(wire.TRANSACTION_ID, ""))


def _identity(info: Info) -> tuple[object, ...]:
    return info.link, info.is_manifest, info.headers.get(wire.DYNAMIC_MANIFEST), info.etag, info.size
