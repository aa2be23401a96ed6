"""Upload static large objects: the segments, then the manifest that makes an object of them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING

from storlet_shell.errors import ServiceError, StorletShellError
from storlet_shell.store.listing import list_entries
from storlet_shell.store.objects import store
from storlet_shell.store.segments import (
    SEGMENTS,
    Replacing,
    Segment,
    delete_segments,
    folder_of,
    has_become,
    make_segments_container,
)
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import Body, bytes_body
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.store.parallel import Worker
    from storlet_shell.transfers.targets import Choices, Target
    from storlet_shell.wire.client import Client

_ID = re.compile(r"[0-9a-f]{16}/")
"""The name of the folder that holds an upload's segments."""


def send(worker: Worker, request: Request, body: Body) -> None:
    """Store an object, and count its bytes in the worker's tally as they are sent.

    :raises StoppedError: if the whole transfer has been stopped meanwhile
    """
    body.observers.append(lambda chunk: worker.tally.advance(len(chunk)))
    store(worker.client, request, body)


class LargeObject:
    """An object that is uploaded in segments, in any order; shared by threads.

    :param target: the object, and the file that supplies its date and size
    :param segment_size: in bytes
    :ivar others: folders of segments that earlier uploads of the same object left behind
    """

    def __init__(self, target: Target, segment_size: int) -> None:
        self.target = target
        self.segment_size = segment_size
        self.count = -(-target.file.size // segment_size)
        self.segments: dict[int, Segment] = {}
        self.others: set[ObjectPath] = set()
        self._is_given_up = False
        self._id = os.urandom(8).hex()  # so that no existing segment is overwritten
        self._lock = threading.Lock()

    @property
    def container(self) -> str:
        """The container of its segments."""
        return f"{self.target.path.container}{SEGMENTS}"

    @property
    def folder(self) -> ObjectPath:
        """The folder of its segments."""
        return ObjectPath(self.container, f"{self.target.path.name}/slo/{self._id}/")

    def place(self, number: int) -> ObjectPath:
        """Return the path of a segment."""
        return ObjectPath(self.container, f"{self.folder.name}{number:08}")

    def add(self, number: int, size: int, md5: str) -> bool | None:
        """Record a stored segment; return whether all are stored, or None if the object has been abandoned.

        :param size: in bytes
        """
        with self._lock:
            if self._is_given_up:
                return None
            self.segments[number] = Segment(self.place(number), size, md5)
            return len(self.segments) == self.count

    def abandon(self) -> list[ObjectPath]:
        """Stop accepting segments, and return the paths of those already stored."""
        with self._lock:
            self._is_given_up = True
            places = [segment.place for segment in self.segments.values()]
            self.segments.clear()
            return places

    def end(self) -> None:
        """Record that no more segments follow, for uploads of unknown length."""
        self.count = len(self.segments)
        size = sum(segment.size for segment in self.segments.values())
        self.target = self.target._replace(file=self.target.file._replace(size=size))

    def manifest(self) -> bytes:
        """Return the manifest, which lists the segments in order."""
        return json.dumps([self.segments[number].entry() for number in range(self.count)]).encode()

    @property
    def etag(self) -> str:
        """The ETag that Swift computes from those of the segments (swift ``slo.py: calculated_etag``)."""
        whole = "".join(self.segments[number].etag for number in range(self.count))
        return hashlib.md5(whole.encode(), usedforsecurity=False).hexdigest()


class SegmentedUpload:
    """Uploads large objects to one container; shared by threads.

    Each object that is begun ends in one of three ways: all segments are stored and :meth:`finish` stores the manifest;
    a segment fails and the object is abandoned; or :meth:`clean` abandons it.

    :param replacing: deals with the segments of objects that are replaced
    """

    def __init__(self, client: Client, container: str, choices: Choices, replacing: Replacing) -> None:
        self._client = client
        self._container = container
        self._choices = choices
        self._replacing = replacing
        self._has_segments = False
        self._is_new = False
        self._unfinished: set[LargeObject] = set()

    def begin(self, large: LargeObject) -> None:
        """Prepare the container for an object's segments; does nothing the second time.

        :raises StorletShellError: if the container can't be created
        """
        if large in self._unfinished:
            return
        if not self._has_segments:
            self._is_new = make_segments_container(self._client, self._container)
            self._has_segments = True
        if not self._is_new and not self._choices.leave_segments:
            large.others = self._folders(large)
        self._unfinished.add(large)

    def is_open(self, large: LargeObject) -> bool:
        """Tell whether an object still lacks segments and none of them has failed."""
        return large in self._unfinished

    def _folders(self, large: LargeObject) -> set[ObjectPath]:
        """Return the existing folders of segments for an object."""
        top = Location(large.container, f"{large.target.path.name}/slo/")
        with suppress(StorletShellError):  # a user who can't list them isn't told about them
            names = [entry["name"] for entry in list_entries(self._client, top, "/")]
            uploads = (name for name in names if _ID.fullmatch(name.removeprefix(top.prefix)))
            return {ObjectPath(large.container, name) for name in uploads}
        return set()

    def send_segment(
        self, worker: Worker, large: LargeObject, number: int, content: AbstractContextManager[Body]
    ) -> bool:
        """Store a segment; return whether it was the last one.

        :param content: the segment's bytes; entered here, so that an error in it counts as the segment's failure
        :raises StorletShellError: if it can't be stored; the whole object is then abandoned
        """
        place = large.place(number)
        try:
            with content as body:
                headers = {wire.CONTENT_TYPE: wire.BINARY, **self._choices.expiry}
                send(worker, Request("PUT", *place, headers=headers), body)
                is_last = large.add(number, body.count, body.md5)
        except StorletShellError:
            self._abandon(worker.client, large, place)  # it may be stored even though its answer was lost
            raise
        if is_last is None:
            self._drop(worker.client, [place])
        return bool(is_last)

    def finish(self, worker: Worker, large: LargeObject) -> None:
        """Store the manifest, which replaces the object and makes the segments part of it.

        :raises StorletShellError: if it can't be stored
        """
        try:
            with self._replacing.replaced(worker.client, large.target.path) as replaced:
                self._store_manifest(worker.client, large)
        except StorletShellError:
            if large in self._unfinished:  # the object to replace couldn't be looked up
                self._abandon(worker.client, large)
            raise
        worker.tally.count("uploaded", size=large.target.file.size)
        others = large.others - {folder_of(place) for place in replaced}
        with suppress(StorletShellError):  # segments that older versions may need aren't reported as unneeded
            if others and not self._replacing.keeps_versions(worker.client, self._container):
                self._replacing.unneeded |= others

    def _store_manifest(self, client: Client, large: LargeObject) -> None:
        self._unfinished.discard(large)  # clean() must not delete segments that belong to an object
        request = large.target.request(self._choices)._replace(query=(("multipart-manifest", "put"),))
        try:
            reply = client.send(request, bytes_body(large.manifest()))
            reply.read()
        except StorletShellError as error:
            if not has_become(client, large.target.path, large.etag, large.folder, error):
                self._abandon(client, large)
                raise
        else:
            etag = reply.headers.get(wire.ETAG, "").strip('"')
            if etag and etag != large.etag:
                raise ServiceError(
                    "the server built a different object from its segments", subject=str(large.target.path)
                )

    def _abandon(self, client: Client, large: LargeObject, *more: ObjectPath) -> None:
        self._unfinished.discard(large)
        self._drop(client, list(dict.fromkeys((*large.abandon(), *more))))

    def _drop(self, client: Client, places: list[ObjectPath]) -> None:
        """Delete segments that nothing refers to; ``clean`` reports those that remain."""
        self._replacing.unneeded |= delete_segments(client, places)

    def clean(self) -> None:
        """Delete the segments of objects that were begun but not finished."""
        for large in list(self._unfinished):
            self._abandon(self._client, large)
