"""Static large objects: their manifests, and their segments, which are deleted once no object needs them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import ELLIPSIS, Action, Hint, IdentityError, ServiceError, StorletShellError
from storlet_shell.store.metadata import Info, exists, find, head
from storlet_shell.text import counted
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.observer import Note
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

SEGMENTS = "_segments"
"""What a container of segments is called beyond the container of the objects: python-swiftclient's convention."""

_NAME = re.compile(r"/slo/(?:[0-9a-f]{16}|[0-9.]+(?:/[0-9]+){1,2})/[0-9]{8}")
"""What follows an object's name in those of segments that were uploaded for it: ours, and python-swiftclient's
(``service.py: _upload_object_job``)."""

_VERSIONS = (wire.VERSIONS_ENABLED, wire.VERSIONS_LOCATION, wire.HISTORY_LOCATION)
_NAMED = 8


@typed_equality
class Segment(NamedTuple):
    """A segment as a manifest names it.

    :param size: in bytes
    :param is_whole: whether it is an object as it is, rather than a range of one, or a large object itself
    """

    place: ObjectPath
    size: int
    etag: str
    is_whole: bool = True

    def entry(self) -> dict[str, Any]:
        """Return it as a manifest's entry."""
        return {"path": f"/{self.place.container}/{self.place.name}", "size_bytes": self.size, "etag": self.etag}


def read_manifest(client: Client, path: ObjectPath) -> list[Segment]:
    """Return the segments of a static large object.

    :raises NotFoundError: when it is not there
    :raises ServiceError: when the answer is no manifest
    """
    query = (("multipart-manifest", "get"),)
    reply = client.send(Request("GET", path.container, path.name, query=query))
    try:
        return [_segment(entry) for entry in json.loads(reply.read())]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ServiceError(f"{path}: the server's manifest is none", transaction_id=reply.transaction_id) from None


def _segment(entry: dict[str, Any]) -> Segment:
    container, _, name = str(entry.get("name", "")).removeprefix("/").partition("/")
    is_whole = "range" not in entry and not entry.get("sub_slo") and "data" not in entry
    return Segment(ObjectPath(container, name), int(entry.get("bytes", 0)), str(entry.get("hash", "")), is_whole)


def keeps_versions(client: Client, container: str, *, all_go: bool = False) -> bool:
    """Tell whether a container keeps older versions of its objects, or has kept some: these need their segments.

    :param all_go: whether the older versions are deleted as well; those that lie in another container are not
    """
    headers = head(client, Location(container)).headers
    return any(name in headers for name in (_VERSIONS[1:] if all_go else _VERSIONS))


def was_uploaded_for(path: ObjectPath, place: ObjectPath) -> bool:
    """Tell whether a segment lies where uploads put those of an object, so that it is no other object's.

    A manifest may name anything: what users have stored themselves, or the segments of the object that it was copied
    from.
    """
    is_beside = place.container == f"{path.container}{SEGMENTS}" and place.name.startswith(path.name)
    return is_beside and _NAME.fullmatch(place.name, len(path.name)) is not None


def folder_of(place: ObjectPath) -> ObjectPath:
    """Return the folder that a segment lies in."""
    return ObjectPath(place.container, f"{place.name.rpartition('/')[0]}/")


def delete_segments(client: Client, places: list[ObjectPath]) -> set[ObjectPath]:
    """Delete segments that nothing names any more; the first that can't be deleted is the end.

    :returns: the folders of those that are left over
    """
    for number, path in enumerate(places):
        try:
            reply = client.find(Request("DELETE", *path))
            if reply is not None:
                reply.read()
        except StorletShellError:
            return {folder_of(place) for place in places[number:]}
    return set()


class Replacing:
    """Stores objects in the place of others and deletes segments that no object needs then; threads share it.

    Those go that were uploaded for the object that is replaced. Others are named; and nothing is deleted where the
    container keeps versions.

    :param leave_segments: delete none
    :param is_batch: spare a request for each object: look one up only where its container has one of segments beside it
    """

    def __init__(self, *, leave_segments: bool = False, is_batch: bool = False) -> None:
        self._leave_segments = leave_segments
        self._is_batch = is_batch
        self._answers: dict[str, bool] = {}
        self._notes: list[Note] = []
        self.unneeded: set[ObjectPath] = set()

    @contextmanager
    def replaced(self, client: Client, path: ObjectPath, info: Info | None = None) -> Iterator[list[ObjectPath]]:
        """Store an object within this; give the segments that are deleted afterwards.

        Nothing is deleted when it fails, nor if nobody knows whether the object is stored.

        :param info: the object that is there; None to ask
        """
        places, note = ([], None) if self._leave_segments else self._segments(client, path, info)
        yield places
        self.unneeded |= delete_segments(client, places)
        if note:
            self._notes.append(note)

    def _segments(self, client: Client, path: ObjectPath, info: Info | None) -> tuple[list[ObjectPath], Note | None]:
        """Return an object's segments that go with it, and a note about others."""
        with suppress(IdentityError):  # who may only write is told nothing of them
            beside = f"{path.container}{SEGMENTS}"
            if self._is_batch and not self._ask(beside, lambda: exists(client, Location(beside))):
                return [], None
            info = info or find(client, path)
            if info is None or not info.has_segments or self.keeps_versions(client, path.container):
                return [], None
            places = [segment.place for segment in read_manifest(client, path)]
            others = list(dict.fromkeys(place for place in places if not was_uploaded_for(path, place)))
            return [place for place in places if was_uploaded_for(path, place)], _note_of(path, others)
        return [], None

    def keeps_versions(self, client: Client, container: str) -> bool:
        """Tell whether a container keeps versions; asked once."""
        return self._ask(f"{container}?versions", lambda: keeps_versions(client, container))

    def _ask(self, what: str, answer: Callable[[], bool]) -> bool:
        if what not in self._answers:
            self._answers[what] = answer()
        return self._answers[what]

    def take_notes(self) -> list[Note]:
        """Return a line for what is left over, and forget it."""
        notes, self._notes = self._notes, []
        folders, self.unneeded = self.unneeded, set()
        return [*notes, *map(note_of_folder, sorted(folders))]


def note_of_folder(folder: ObjectPath) -> Note:
    """Say of a folder of segments that it is left over, and how it goes."""
    text = (
        f"note: {folder} holds segments of no object, unless another manifest names them or they are being "
        "uploaded elsewhere"
    )
    return Note(text, Hint(Action.REMOVE_ALL, (str(folder),)))


def _note_of(path: ObjectPath, places: Iterable[ObjectPath]) -> Note | None:
    names = tuple(map(str, places))
    if not names:
        return None
    text = (
        f"note: {path} was a large object of {counted(len(names), 'segment')} that other objects may need as well, so "
        "they stay"
    )
    return Note(text, Hint(Action.REMOVE, names if len(names) <= _NAMED else (names[0], ELLIPSIS, names[-1])))
