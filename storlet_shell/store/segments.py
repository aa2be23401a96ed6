"""Static large objects: read manifests, and delete segments that no object needs any more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import ELLIPSIS, Action, Hint, IdentityError, ServiceError, StorletShellError
from storlet_shell.store.containers import make
from storlet_shell.store.metadata import Info, exists, find, head
from storlet_shell.text import counted
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.observer import Note
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

SEGMENTS = "_segments"
"""Suffix of the name of a container of segments: python-swiftclient's convention."""

_NAME = re.compile(r"/slo/(?:[0-9a-f]{16}|[0-9.]+(?:/[0-9]+){1,2})/[0-9]{8}")
"""The rest of a segment's name after the name of its object: ours, and python-swiftclient's (``service.py:
_upload_object_job``)."""

_VERSIONS = (wire.VERSIONS_ENABLED, wire.VERSIONS_LOCATION, wire.HISTORY_LOCATION)
_NAMED = 8


@typed_equality
class Segment(NamedTuple):
    """A segment in a manifest.

    :param place: the path of the segment's object
    :param size: in bytes
    :param is_whole: whether it is a whole plain object, not a range of one, inline data, or a large object itself
    """

    place: ObjectPath
    size: int
    etag: str
    is_whole: bool = True

    def entry(self) -> dict[str, Any]:
        """Return the segment's entry for a manifest."""
        return {"path": f"/{self.place.container}/{self.place.name}", "size_bytes": self.size, "etag": self.etag}


def read_manifest(client: Client, path: ObjectPath) -> list[Segment]:
    """Return the segments of a static large object.

    :raises NotFoundError: if it doesn't exist
    :raises ServiceError: if the response isn't a manifest
    """
    query = (("multipart-manifest", "get"),)
    reply = client.send(Request("GET", path.container, path.name, query=query))
    try:
        return [_segment(entry) for entry in json.loads(reply.read())]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        text = f"{path}: the server's response isn't a manifest"
        raise ServiceError(text, transaction_id=reply.transaction_id) from None


def _segment(entry: dict[str, Any]) -> Segment:
    container, _, name = str(entry.get("name", "")).removeprefix("/").partition("/")
    is_whole = "range" not in entry and not entry.get("sub_slo") and "data" not in entry
    return Segment(ObjectPath(container, name), int(entry.get("bytes", 0)), str(entry.get("hash", "")), is_whole)


def keeps_versions(client: Client, container: str, *, all_go: bool = False) -> bool:
    """Tell whether a container has, or may have, older versions of its objects, which need their segments.

    :param all_go: whether its older versions are deleted as well; those in another container never are
    """
    headers = head(client, Location(container)).headers
    return any(name in headers for name in (_VERSIONS[1:] if all_go else _VERSIONS))


def was_uploaded_for(path: ObjectPath, place: ObjectPath) -> bool:
    """Tell whether a segment was uploaded for an object, by its name, so that it belongs to no other object.

    A manifest may name anything: objects that users stored themselves, or segments of the object it was copied from.
    """
    is_candidate = place.container == f"{path.container}{SEGMENTS}" and place.name.startswith(path.name)
    return is_candidate and _NAME.fullmatch(place.name, len(path.name)) is not None


def folder_of(place: ObjectPath) -> ObjectPath:
    """Return the folder of a segment."""
    return ObjectPath(place.container, f"{place.name.rpartition('/')[0]}/")


def delete_segments(client: Client, places: list[ObjectPath]) -> set[ObjectPath]:
    """Delete segments that no manifest names any more; stop at the first that can't be deleted.

    :returns: the folders of the remaining ones
    """
    for number, path in enumerate(places):
        try:
            reply = client.find(Request("DELETE", *path))
            if reply is not None:
                reply.read()
        except StorletShellError:
            return {folder_of(place) for place in places[number:]}
    return set()


def make_segments_container(client: Client, container: str) -> bool:
    """Create the container for the segments of a container's objects, with their storage policy.

    :param container: the container of the objects
    :returns: whether it is new
    """
    name = f"{container}{SEGMENTS}"
    if exists(client, Location(name)):
        return False
    policy = head(client, Location(container)).headers.get(wire.STORAGE_POLICY)
    make(client, name, policy=policy)
    return True


def has_become(client: Client, path: ObjectPath, etag: str, folder: ObjectPath, error: StorletShellError) -> bool:
    """Tell whether an object was stored although its manifest seems to have failed: the answer may have been lost.

    :param etag: the ETag that the object would have
    :param folder: the folder of its segments
    :param error: the failure of the manifest
    :raises StorletShellError: the given error if that can't be determined; the segments then stay
    """
    try:
        info = find(client, path)
    except StorletShellError:
        raise error.adding(f"; it may have been stored, so its segments are kept: {folder}") from error
    return info is not None and info.etag == etag


class Replacing:
    """Deletes the segments of objects that are replaced; shared by threads.

    Only segments that were uploaded for the replaced object are deleted; others are named in notes. Nothing is deleted
    if the container keeps versions.

    :param leave_segments: delete no segments
    :param is_batch: save a request per object: look it up only if its container has a container of segments
    """

    def __init__(self, *, leave_segments: bool = False, is_batch: bool = False) -> None:
        self._leave_segments = leave_segments
        self._is_batch = is_batch
        self._answers: dict[str, bool] = {}
        self._notes: list[Note] = []
        self.unneeded: set[ObjectPath] = set()

    @contextmanager
    def replaced(
        self, client: Client, path: ObjectPath, info: Info | None = None, needed: Collection[ObjectPath] = ()
    ) -> Iterator[list[ObjectPath]]:
        """Store an object within this block; yields the segments that are deleted afterwards.

        Nothing is deleted if the block fails, since it may not be known then whether the object was stored.

        :param info: the headers of the object to be replaced; None to request them
        :param needed: segments of the new object, which stay
        """
        places, note = ([], None) if self._leave_segments else self._segments(client, path, info)
        places = [place for place in places if place not in needed]
        yield places
        self.unneeded |= delete_segments(client, places)
        if note:
            self._notes.append(note)

    def _segments(self, client: Client, path: ObjectPath, info: Info | None) -> tuple[list[ObjectPath], Note | None]:
        """Return the segments to delete with an object, and a note about its other ones."""
        with suppress(IdentityError):  # a user who may only write can't find out
            container = f"{path.container}{SEGMENTS}"
            if self._is_batch and not self._recall(container, lambda: exists(client, Location(container))):
                return [], None
            info = info or find(client, path)
            if info is None or not info.has_segments or self.keeps_versions(client, path.container):
                return [], None
            places = [segment.place for segment in read_manifest(client, path)]
            others = list(dict.fromkeys(place for place in places if not was_uploaded_for(path, place)))
            return [place for place in places if was_uploaded_for(path, place)], _note_of(path, others)
        return [], None

    def keeps_versions(self, client: Client, container: str) -> bool:
        """Tell whether a container keeps versions; requested once per container."""
        return self._recall(f"{container}?versions", lambda: keeps_versions(client, container))

    def _recall(self, key: str, ask: Callable[[], bool]) -> bool:
        if key not in self._answers:
            self._answers[key] = ask()
        return self._answers[key]

    def take_notes(self) -> list[Note]:
        """Return and clear the notes about remaining segments."""
        notes, self._notes = self._notes, []
        folders, self.unneeded = self.unneeded, set()
        return [*notes, *map(note_of_folder, sorted(folders))]


def note_of_folder(folder: ObjectPath) -> Note:
    """Explain that a folder of segments remains, and how to delete it."""
    text = (
        f"note: {folder} contains segments that no object needs, unless another manifest names them or an upload is "
        "in progress"
    )
    return Note(text, Hint(Action.REMOVE_ALL, (str(folder),)))


def _note_of(path: ObjectPath, places: Iterable[ObjectPath]) -> Note | None:
    names = tuple(map(str, places))
    if not names:
        return None
    text = (
        f"note: {path} was a large object; its {counted(len(names), 'segment')} stay, since other objects may need them"
    )
    return Note(text, Hint(Action.REMOVE, names if len(names) <= _NAMED else (names[0], ELLIPSIS, names[-1])))
