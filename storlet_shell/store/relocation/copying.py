"""Copy an object inside the cluster; one that is too large for that, segment by segment."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from storlet_shell.errors import ServiceError, StorletShellError
from storlet_shell.store import objects
from storlet_shell.store.metadata import Info, head, kept_headers
from storlet_shell.store.objects import Stored, stored_by, warning_of
from storlet_shell.store.parallel import Tally, Worker, in_parallel
from storlet_shell.store.requests import copy_request
from storlet_shell.store.segments import (
    SEGMENTS,
    Segment,
    delete_segments,
    has_become,
    make_segments_container,
    note_of_folder,
    read_manifest,
)
from storlet_shell.values import ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.store.segments import Replacing
    from storlet_shell.wire.client import Client

_TOO_LARGE = 413
_SEGMENT_JOBS = 4


def copy(client: Client, source: ObjectPath, target: ObjectPath, replacing: Replacing | None = None) -> Stored:
    """Copy an object inside the cluster.

    A large object becomes a plain one if the cluster takes one of its size, and else one of segments of its own.

    :param replacing: deletes the segments of a replaced object, and keeps its notes; None to warn the observer of them
    :raises NotFoundError: if the source or the target's container doesn't exist
    """
    try:
        return objects.copy(client, source, target, replacing=replacing)
    except StorletShellError as error:
        if error.status != _TOO_LARGE:
            raise
        info = head(client, source)
        segments = read_manifest(client, source) if info.is_manifest else []
        if not segments or not all(segment.is_whole for segment in segments):
            raise
    return _Copy(client, info, target).make(segments, replacing)


class _Copy:
    """A large object of copied segments.

    :param info: the headers of the source
    """

    def __init__(self, client: Client, info: Info, target: ObjectPath) -> None:
        self._client = client
        self._info = info
        self._target = target
        self._copies: dict[ObjectPath, ObjectPath] = {}
        name = f"{target.name}/slo/{os.urandom(8).hex()}/"  # so that no existing segment is overwritten
        self._folder = ObjectPath(f"{target.container}{SEGMENTS}", name)

    def make(self, segments: list[Segment], replacing: Replacing | None) -> Stored:
        """Copy the segments, and store their manifest; if that fails, delete the copies.

        :param segments: those of the source, in order; one may occur several times
        """
        make_segments_container(self._client, self._target.container)
        try:
            self._copy_segments({segment.place: segment for segment in segments}.values())
        except BaseException:
            self._drop()
            raise
        with warning_of(self._client, replacing) as others, others.replaced(self._client, self._target):
            return self._store_manifest(segments)

    def _copy_segments(self, segments: Collection[Segment]) -> None:
        places = {segment.place: f"{self._folder.name}{number:08}" for number, segment in enumerate(segments)}

        def work(worker: Worker, segment: Segment) -> None:
            self._copies[segment.place] = ObjectPath(self._folder.container, places[segment.place])
            reply = worker.client.send(copy_request(segment.place, self._copies[segment.place]))
            reply.read()
            if reply.headers.get(wire.ETAG, "").strip('"') != segment.etag:
                raise ServiceError(f"{segment.place} isn't the segment that {self._info.location} was made of")
            worker.tally.count("copied")
            worker.tally.advance(segment.size)

        total = sum(segment.size for segment in segments)
        with self._client.observer.progress(str(self._info.location), total) as progress:
            tally = Tally(progress.advance)
            in_parallel(self._client, tally, segments, work, jobs=min(_SEGMENT_JOBS, len(segments)))
        tally.check("copied")

    def _store_manifest(self, segments: list[Segment]) -> Stored:
        entries = [segment._replace(place=self._copies[segment.place]).entry() for segment in segments]
        headers = kept_headers(self._info.headers)
        headers[wire.CONTENT_TYPE] = self._info.headers.get(wire.CONTENT_TYPE, wire.BINARY)
        request = Request("PUT", *self._target, query=(("multipart-manifest", "put"),), headers=headers)
        try:
            reply = self._client.send(request, bytes_body(json.dumps(entries).encode()))
            reply.read()
        except StorletShellError as error:
            if not has_become(self._client, self._target, self._info.etag, self._folder, error):
                self._drop()
                raise
            return Stored(self._target, 201, head(self._client, self._target).headers)
        return stored_by(request, self._target, reply)

    def _drop(self) -> None:
        for folder in delete_segments(self._client, list(self._copies.values())):
            self._client.observer.warn(*note_of_folder(folder))
