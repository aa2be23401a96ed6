"""Delete objects and their segments, one by one or many in one request."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from storlet_shell.errors import IdentityError, NotFoundError, ServiceError, StorletShellError
from storlet_shell.store import containers
from storlet_shell.store.listing import list_entries
from storlet_shell.store.metadata import Info, head
from storlet_shell.store.segments import (
    SEGMENTS,
    delete_segments,
    folder_of,
    keeps_versions,
    note_of_folder,
    was_uploaded_for,
)
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.observer import Note
from storlet_shell.wire.quoting import quoted
from storlet_shell.wire.requests import Request
from storlet_shell.wire.statuses import BULK_DELETE, WITH_SEGMENTS

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.transport import Reply

_JSON = {"Accept": "application/json"}


def delete_request(container: str, name: str, version: str = "", *, with_segments: bool = False) -> Request:
    """Return the request that deletes a container, an object, or an older version of one."""
    query = ((("version-id", version),) if version else ()) + ((WITH_SEGMENTS,) if with_segments else ())
    return Request("DELETE", container, name, query=query, headers=_JSON if with_segments else {})


def send_deletion(client: Client, request: Request) -> None:
    """Send a deletion.

    :raises StorletShellError: if something couldn't be deleted, such as a segment
    """
    if WITH_SEGMENTS not in request.query:
        client.send(request).read()
        return
    _, failures = _outcome(request, client.send(request))
    if failures:
        raise failures[0]


def delete(client: Client, location: Location, *, leave_segments: bool = False) -> None:
    """Delete an object, with its segments if it is a static large one, or an empty container.

    The observer is warned of segments that stay.

    :param leave_segments: delete only the manifest of a static large object
    :raises NotFoundError: if it doesn't exist
    :raises StorletShellError: with status 409 if a container isn't empty
    """
    if not location.prefix:
        containers.delete(client, location.container)
        return
    for note in delete_object(client, ObjectPath(*location), leave_segments=leave_segments):
        client.observer.warn(*note)


def delete_object(
    client: Client, path: ObjectPath, *, leave_segments: bool = False, info: Info | None = None
) -> list[Note]:
    """Delete an object, with its segments if it is a static large one.

    :param info: the object's headers; None to request them
    :returns: notes about segments that stay, or about anything unusual
    :raises NotFoundError: if it doesn't exist
    """
    try:
        info = info or head(client, path)
    except NotFoundError as error:
        return _delete_listed(client, path, error, leave_segments=leave_segments)
    except IdentityError:  # a user who may only write can't find out whether there are segments
        if not leave_segments:
            raise
        send_deletion(client, delete_request(*path))
        return []
    if leave_segments or not info.has_segments:
        send_deletion(client, delete_request(*path))
        return []
    if keeps_versions(client, path.container):
        send_deletion(client, delete_request(*path))
        return [note_of_versions(path.container)]
    return delete_large(client, path, etag=info.etag)


def note_of_versions(container: str) -> Note:
    """Explain why segments stay in a container that keeps versions."""
    return Note(f"note: segments were not deleted: container {container} keeps older versions, which need them")


def _delete_listed(client: Client, path: ObjectPath, error: NotFoundError, *, leave_segments: bool) -> list[Note]:
    """Delete an object that is listed but not found: it has expired, or is a broken link.

    :param error: raised if the object isn't listed either
    """
    try:
        entry = next(list_entries(client, Location(*path)), {})
    except NotFoundError:
        raise error from None
    if entry.get("name") != path.name:
        raise error
    _delete_expired(client, delete_request(*path))
    note = Note(f"note: {path} had expired or was a broken link; it has been deleted")
    if leave_segments or is_link(entry) or keeps_versions(client, path.container):
        return [note]
    return [note, *_delete_orphans(client, path, str(entry.get("slo_etag", "")))]


def _delete_expired(client: Client, request: Request) -> None:
    """Delete an object that may have expired: Swift deletes it and returns 404 (swift ``obj/server.py``)."""
    with suppress(NotFoundError):
        send_deletion(client, request)


def is_link(entry: dict[str, Any]) -> bool:
    """Tell whether an entry of a listing is a symbolic link, whose other fields may be those of its target."""
    return "symlink_path" in entry


def delete_large(client: Client, path: ObjectPath, version: str = "", *, etag: str) -> list[Note]:
    """Delete a static large object with its segments, even if it has expired.

    The server can't read an expired manifest, and leaves it in place (swift ``slo.py: get_segments_to_delete_iter``).

    :param etag: the object's ETag, which identifies its segments if the manifest can't be read
    :returns: notes about segments that are left over
    :raises StorletShellError: if something can't be deleted
    """
    request = delete_request(*path, version, with_segments=True)
    deleted, failures = _outcome(request, client.send(request))
    if failures:
        raise failures[0]
    if deleted:
        return []
    _delete_expired(client, delete_request(*path, version))
    return _delete_orphans(client, path, etag)


def _delete_orphans(client: Client, path: ObjectPath, etag: str) -> list[Note]:
    """Delete the segments of a deleted object whose manifest couldn't be read; return notes about those left over.

    They are identified by their ETags, from which the object's was computed (swift ``slo.py: calculated_etag``).
    """
    if not etag:
        return []
    folders: dict[ObjectPath, list[dict[str, Any]]] = {}
    with suppress(NotFoundError, IdentityError):
        for entry in list_entries(client, Location(f"{path.container}{SEGMENTS}", f"{path.name}/slo/")):
            place = ObjectPath(f"{path.container}{SEGMENTS}", entry["name"])
            if was_uploaded_for(path, place):
                folders.setdefault(folder_of(place), []).append(entry)
    unneeded: set[ObjectPath] = set()
    for folder, entries in folders.items():
        hashes = "".join(str(entry.get("hash", "")) for entry in entries)
        if hashlib.md5(hashes.encode(), usedforsecurity=False).hexdigest() == etag.strip('"'):
            unneeded |= delete_segments(client, [ObjectPath(folder.container, entry["name"]) for entry in entries])
        else:
            unneeded.add(folder)
    return [note_of_folder(folder) for folder in sorted(unneeded)]


def delete_many(client: Client, container: str, names: Iterable[str]) -> list[StorletShellError]:
    """Delete many objects of a container in one request; missing ones count as deleted.

    :returns: the failures
    :raises StorletShellError: if the request itself fails
    """
    lines, failures = "", list[StorletShellError]()
    for name in names:
        try:
            lines += f"/{quoted(container, '')}/{quoted(name)}\n"
        except StorletShellError as error:
            failures.append(error)
    headers = {**_JSON, wire.CONTENT_TYPE: "text/plain"}
    request = Request("POST", query=(BULK_DELETE,), headers=headers)
    return failures + _outcome(request, client.send(request, bytes_body(lines.encode())))[1]


def _outcome(request: Request, reply: Reply) -> tuple[int, list[StorletShellError]]:
    """Read the number of deleted objects, and the failures, from a response.

    The server sends status 200 before it deletes anything (swift ``bulk.py``).
    """
    try:
        report: dict[str, Any] = json.loads(reply.read())
        errors = [(unquote(name), str(reason)) for name, reason in report["Errors"]]
        status = str(report["Response Status"])
        deleted = int(report["Number Deleted"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ServiceError(
            f"{request.subject}: the server didn't report the deleted objects", transaction_id=reply.transaction_id
        ) from None
    if not errors and not status.startswith(("200", "404")):
        reason = str(report.get("Response Body", "")) or status
        raise ServiceError(f"{request.subject}: {reason}", transaction_id=reply.transaction_id)
    return deleted, [_failure(name, reason) for name, reason in errors]


def _failure(name: str, reason: str) -> StorletShellError:
    container, _, rest = name.removeprefix("/").partition("/")
    status = int(reason[:3]) if re.match(r"[1-5][0-9]{2}\b", reason, re.ASCII) else None
    kind = IdentityError if status in (401, 403) else ServiceError if (status or 0) >= 500 else StorletShellError
    return kind(f"not deleted: {reason}", subject=str(ObjectPath(container, rest)), status=status)
