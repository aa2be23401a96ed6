"""Objects and their segments, deleted one by one or many in one request."""

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

    :raises StorletShellError: when something is left: a segment, say
    """
    if WITH_SEGMENTS not in request.query:
        client.send(request).read()
        return
    _, failures = _outcome(request, client.send(request))
    if failures:
        raise failures[0]


def delete(client: Client, location: Location, *, leave_segments: bool = False) -> None:
    """Delete an object, a static large one with its segments, or an empty container; tell the observer what stays.

    :param leave_segments: of a static large object, delete the manifest only
    :raises NotFoundError: when it is not there
    :raises StorletShellError: with status 409 when a container is not empty
    """
    if not location.prefix:
        containers.delete(client, location.container)
        return
    for note in delete_object(client, ObjectPath(*location), leave_segments=leave_segments):
        client.observer.warn(*note)


def delete_object(
    client: Client, path: ObjectPath, *, leave_segments: bool = False, info: Info | None = None
) -> list[Note]:
    """Delete an object, a static large one with its segments; return lines about what stays or was odd.

    :param info: the object; None to ask
    :raises NotFoundError: when it is not there
    """
    try:
        info = info or head(client, path)
    except NotFoundError as error:
        return _delete_listed(client, path, error, leave_segments=leave_segments)
    except IdentityError:  # who may only write can't be told whether there are segments
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
    """Say why segments stay."""
    return Note(f"note: container {container} keeps older versions, which need their segments, so these stay")


def _delete_listed(client: Client, path: ObjectPath, error: NotFoundError, *, leave_segments: bool) -> list[Note]:
    """Delete an object that is listed though a HEAD does not find it: it has expired, or is a link that leads nowhere.

    :raises NotFoundError: the given one, when it is not listed either
    """
    try:
        entry = next(list_entries(client, Location(*path)), {})
    except NotFoundError:
        raise error from None
    if entry.get("name") != path.name:
        raise error
    _delete_expired(client, delete_request(*path))
    note = Note(f"note: {path} had expired, or could not be reached; it is deleted all the same")
    if leave_segments or is_link(entry) or keeps_versions(client, path.container):
        return [note]
    return [note, *_delete_orphans(client, path, str(entry.get("slo_etag", "")))]


def _delete_expired(client: Client, request: Request) -> None:
    """Delete an object that may have expired: Swift does it, and says that there is none (swift ``obj/server.py``)."""
    with suppress(NotFoundError):
        send_deletion(client, request)


def is_link(entry: dict[str, Any]) -> bool:
    """Tell whether an entry of a listing is a symbolic link, which may show what its target is."""
    return "symlink_path" in entry


def delete_large(client: Client, path: ObjectPath, version: str = "", *, etag: str) -> list[Note]:
    """Delete a static large object with its segments, which have expired perhaps; return lines about what is left over.

    The server can't read an expired manifest, and leaves it as it is (swift ``slo.py: get_segments_to_delete_iter``).

    :param etag: the object's, by which its segments are known when its manifest can't be read
    :raises StorletShellError: when something can't be deleted
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
    """Delete the segments of an object that is gone, and whose manifest nobody could read; return what is left over.

    They are known by their ETags, of which the object's was made (swift ``slo.py: calculated_etag``).
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
    """Delete many objects of a container in one request, and return what failed; what is not there counts as deleted.

    :raises StorletShellError: when the request itself fails
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
    """Read how many were deleted, and which could not be.

    The answer begins with 200 before anything is tried (swift ``bulk.py``).
    """
    try:
        told: dict[str, Any] = json.loads(reply.read())
        errors, status = [(unquote(name), str(why)) for name, why in told["Errors"]], str(told["Response Status"])
        deleted = int(told["Number Deleted"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ServiceError(
            f"{request.subject}: the server does not say what it deleted", transaction_id=reply.transaction_id
        ) from None
    if not errors and not status.startswith(("200", "404")):
        said = str(told.get("Response Body", "")) or status
        raise ServiceError(f"{request.subject}: {said}", transaction_id=reply.transaction_id)
    return deleted, [_failure(name, why) for name, why in errors]


def _failure(name: str, why: str) -> StorletShellError:
    container, _, rest = name.removeprefix("/").partition("/")
    status = int(why[:3]) if re.match(r"[1-5][0-9]{2}\b", why, re.ASCII) else None
    kind = IdentityError if status in (401, 403) else ServiceError if (status or 0) >= 500 else StorletShellError
    return kind(f"can't be deleted: {why}", subject=str(ObjectPath(container, rest)), status=status)
