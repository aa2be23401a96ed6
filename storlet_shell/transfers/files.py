"""Local files on their way into a container: each as one object, a large one in segments."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.errors import ServiceError, StorletShellError, UsageError
from storlet_shell.store.listing import list_entries
from storlet_shell.store.objects import store
from storlet_shell.store.parallel import Tally, Worker
from storlet_shell.store.segments import SEGMENTS, Replacing, Segment, delete_segments, folder_of, is_manifest
from storlet_shell.transfers.large_objects import is_identical
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import Body, FileVersion, bytes_body, file_body, file_version, piece_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.transfers.folder import LocalFile
    from storlet_shell.wire.client import Client

_ID = re.compile(r"[0-9a-f]{16}/")
"""What the folder of an upload's segments is called."""

_SEGMENT_BYTES = 2**30
_MAX_FILE_BYTES = 5 * 2**30
"""What Swift takes in one request, where the cluster does not say."""


class Choices(NamedTuple):
    """What the user chose.

    :param segment_size: files beyond it go in segments of it; None for what the cluster takes
    """

    content_type: str | None = None
    segment_size: int | None = None
    skip_identical: bool = False
    leave_segments: bool = False


class Target(NamedTuple):
    """A file and the object that it becomes."""

    file: LocalFile
    path: ObjectPath

    def request(self, choices: Choices) -> Request:
        """Return its upload in one request."""
        guessed = wire.FOLDER_TYPES[0] if self.file.is_folder else mimetypes.guess_type(self.path.name)[0]
        kind = choices.content_type or guessed or wire.BINARY
        headers = {wire.CONTENT_TYPE: kind, wire.MODIFIED: f"{self.file.modified:f}"}
        body = f"{self.file.size} bytes of {self.file.path}"
        return Request("PUT", self.path.container, self.path.name, headers=headers, body=body)


class Limits(NamedTuple):
    """What the cluster takes, as ``/info`` says it."""

    file_size: int
    segments: int
    smallest_segment: int

    @classmethod
    def of(cls, client: Client) -> Limits:
        """Ask the cluster; one that takes no static large objects takes no segments."""
        told = client.capabilities()
        most = 0 if told and "slo" not in told else client.limit("slo", "max_manifest_segments", 1000)
        return cls(
            client.limit("swift", "max_file_size", _MAX_FILE_BYTES), most, client.limit("slo", "min_segment_size", 1)
        )

    def segment_size(self, target: Target, wanted: int | None) -> int | None:
        """Return in which pieces a file is to go; None in one request.

        :raises UsageError: when the cluster can't store it so
        """
        size = target.file.size
        if size <= (wanted or self.file_size):
            return None
        least = -(-size // max(self.segments, 1))
        chosen = wanted or max(min(_SEGMENT_BYTES, self.file_size), least, self.smallest_segment)
        self.check_segments(chosen, str(target.file.path), least)
        return chosen

    def check_segments(self, size: int, what: str, least: int = 1) -> None:
        """Check that the cluster takes segments of a size.

        :param least: what it takes at least, since it takes so many
        :raises UsageError: when it does not
        """
        if not self.segments:
            raise UsageError(f"{what}: the cluster takes objects of {self.file_size} bytes, and no segments")
        least = max(least, self.smallest_segment)
        if not least <= size <= self.file_size:
            raise UsageError(f"{what}: the cluster takes segments of {least} to {self.file_size} bytes of this")


class Large:
    """A file that goes in segments, which several threads send; or a stream, one segment after the other.

    :param version: the state in which all of the file must be sent; None for a stream
    :ivar others: the folders of segments that uploads of the same object have left there before
    """

    def __init__(self, target: Target, size: int, version: FileVersion | None = None) -> None:
        self.target = target
        self.size = size
        self.version = version
        self.count = -(-target.file.size // size)
        self.segments: dict[int, Segment] = {}
        self.others: set[ObjectPath] = set()
        self._is_given_up = False
        self._id = os.urandom(8).hex()  # so that no segment of an older object is written over
        self._lock = threading.Lock()

    @property
    def container(self) -> str:
        """Name the container of its segments."""
        return f"{self.target.path.container}{SEGMENTS}"

    @property
    def folder(self) -> ObjectPath:
        """Name the folder of its segments."""
        return ObjectPath(self.container, f"{self.target.path.name}/slo/{self._id}/")

    def place(self, number: int) -> ObjectPath:
        """Return where a segment is stored."""
        return ObjectPath(self.container, f"{self.folder.name}{number:08}")

    def add(self, number: int, segment: Segment) -> bool | None:
        """Note a segment that is stored, and tell whether it is the last one; None if the whole has been given up."""
        with self._lock:
            if self._is_given_up:
                return None
            self.segments[number] = segment
            return len(self.segments) == self.count

    def give_up(self) -> list[ObjectPath]:
        """Take no more segments, and return the places of those that are stored."""
        with self._lock:
            self._is_given_up = True
            places = [segment.place for segment in self.segments.values()]
            self.segments.clear()
            return places

    def end(self) -> None:
        """Note that no more segments follow, of what was of no known length."""
        self.count = len(self.segments)
        size = sum(segment.size for segment in self.segments.values())
        self.target = self.target._replace(file=self.target.file._replace(size=size))

    def manifest(self) -> bytes:
        """Return the manifest that names every segment, in order."""
        return json.dumps([self.segments[number].entry() for number in range(self.count)]).encode()

    @property
    def etag(self) -> str:
        """The ETag that Swift makes of the segments' (swift ``slo.py: calculated_etag``)."""
        whole = "".join(self.segments[number].etag for number in range(self.count))
        return hashlib.md5(whole.encode(), usedforsecurity=False).hexdigest()


class Part(NamedTuple):
    """What one thread sends at a time: a file, or a segment of one."""

    target: Target
    large: Large | None = None
    number: int = 0


class Upload:
    """Files that become objects of one container; threads share it.

    :param choices: what the user chose
    """

    def __init__(self, client: Client, container: str, choices: Choices) -> None:
        self._client = client
        self._container = container
        self._choices = choices
        self._limits = Limits.of(client)
        self._has_segments = False
        self._is_new = False
        self._unfinished: set[Large] = set()
        self._replacing = Replacing(leave_segments=choices.leave_segments)

    def parts(self, targets: Iterable[Target | StorletShellError], tally: Tally) -> Iterator[Part]:
        """Yield what is to be sent; what can't be is counted as a failure."""
        for target in targets:
            try:
                if isinstance(target, StorletShellError):
                    raise target
                size = self._limits.segment_size(target, self._choices.segment_size)
                if size is None:
                    yield Part(target)
                elif not self._is_skipped(Worker(self._client, tally), target):
                    version = file_version(target.file.path)
                    target = target._replace(file=target.file.at(version))
                    yield from self._segments(Large(target, size, version))
            except StorletShellError as error:
                tally.fail(error)

    def _begin(self, large: Large) -> None:
        """Have a container for the segments, which are deleted at the end unless the whole has become an object."""
        if large in self._unfinished:
            return
        if not self._has_segments:
            self._is_new = self._make_container(large.container)
            self._has_segments = True
        if not self._is_new and not self._choices.leave_segments:
            large.others = self._folders(large)
        self._unfinished.add(large)

    def _segments(self, large: Large) -> Iterator[Part]:
        self._begin(large)
        for number in range(large.count):
            yield Part(large.target, large, number)

    def _make_container(self, name: str) -> bool:
        """Make the container of the segments, with the storage policy of the objects' own; tell whether it is new."""
        client = self._client
        if client.find(Request("HEAD", name)) is not None:
            return False
        reply = client.send(Request("HEAD", self._container))
        reply.close()
        policy = reply.headers.get(wire.STORAGE_POLICY)
        client.send(Request("PUT", name, headers={wire.STORAGE_POLICY: policy} if policy else {})).read()
        return True

    def _folders(self, large: Large) -> set[ObjectPath]:
        """Return the folders of segments that are there for an object."""
        top = Location(large.container, f"{large.target.path.name}/slo/")
        with suppress(StorletShellError):  # who may not list them is told nothing of them
            names = [entry["name"] for entry in list_entries(self._client, top, "/")]
            own = (name for name in names if _ID.fullmatch(name.removeprefix(top.prefix)))
            return {ObjectPath(large.container, name) for name in own}
        return set()

    def __call__(self, worker: Worker, part: Part) -> None:
        """Send a part."""
        if part.large is not None:
            self._send_segment(worker, part.large, part.number)
        elif not self._is_skipped(worker, part.target):
            self._send_whole(worker, part.target)

    def _is_skipped(self, worker: Worker, target: Target) -> bool:
        if not self._choices.skip_identical or target.file.is_folder:
            return False
        found = worker.client.find(Request("HEAD", *target.path))
        if found is None or found.headers.get(wire.CONTENT_LENGTH) != str(target.file.size):
            return False
        etag, has_segments = found.headers.get(wire.ETAG, ""), is_manifest(found.headers)
        if not is_identical(worker.client, target.path, etag, target.file.path, is_manifest=has_segments):
            return False
        worker.tally.count("identical")
        worker.tally.advance(target.file.size)
        return True

    def _send_whole(self, worker: Worker, target: Target) -> None:
        with self._replacing.replaced(worker.client, target.path):
            if target.file.is_folder:
                self._send(worker, target.request(self._choices), bytes_body(b""))
                worker.tally.count("folders")
                return
            with file_body(target.file.path) as body:
                if body.version is not None:
                    target = target._replace(file=target.file.at(body.version))
                self._send(worker, target.request(self._choices), body)
            worker.tally.count("uploaded", size=body.count)

    def _send(self, worker: Worker, request: Request, body: Body) -> None:
        body.observers.append(lambda chunk: worker.tally.advance(len(chunk)))
        store(worker.client, request, body)

    def _send_segment(self, worker: Worker, large: Large, number: int) -> None:
        if large not in self._unfinished:
            return  # another segment has failed
        place, start = large.place(number), number * large.size
        length = min(large.size, large.target.file.size - start)
        assert large.version is not None
        try:
            # The last segment that is read has seen that the file is still as it was when all were read.
            with piece_body(large.target.file.path, start, length, large.version) as body:
                self._send(worker, Request("PUT", *place, headers={wire.CONTENT_TYPE: wire.BINARY}), body)
                is_last = large.add(number, Segment(place, length, body.md5))
        except StorletShellError:
            self._give_up(worker.client, large, place)  # it may be stored, and only its answer lost
            raise
        if is_last is None:
            self._drop(worker.client, [place])
        elif is_last:
            self._finish(worker, large)

    def _finish(self, worker: Worker, large: Large) -> None:
        """Store the manifest: only with it the object changes, and from then on the segments are the object's."""
        try:
            with self._replacing.replaced(worker.client, large.target.path) as old:
                self._store_manifest(worker.client, large)
        except StorletShellError:
            if large in self._unfinished:  # the object that was to be replaced could not be looked up
                self._give_up(worker.client, large)
            raise
        worker.tally.count("uploaded", size=large.target.file.size)
        others = large.others - {folder_of(place) for place in old}
        with suppress(StorletShellError):  # what older versions may need is not called unneeded
            if others and not self._replacing.keeps_versions(worker.client, self._container):
                self._replacing.unneeded |= others

    def _store_manifest(self, client: Client, large: Large) -> None:
        self._unfinished.discard(large)  # clean() must not delete what is an object's by then
        request = large.target.request(self._choices)._replace(query=(("multipart-manifest", "put"),))
        try:
            reply = client.send(request, bytes_body(large.manifest()))
            reply.read()
        except StorletShellError as error:
            if not self._has_become(client, large, error):
                self._give_up(client, large)
                raise
        else:
            etag = reply.headers.get(wire.ETAG, "").strip('"')
            if etag and etag != large.etag:
                raise ServiceError(f"{large.target.path}: the server made another object of its segments")

    def _has_become(self, client: Client, large: Large, error: StorletShellError) -> bool:
        """Tell whether the object is there although its manifest got no good answer: that may have been lost.

        :raises StorletShellError: the given one, when that can't be known; the segments stay then
        """
        try:
            found = client.find(Request("HEAD", *large.target.path))
        except StorletShellError:
            raise type(error)(
                f"{error.message}; whether it is stored is not known, so its segments stay: {large.folder}",
                transaction_id=error.transaction_id,
            ) from error
        return found is not None and found.headers.get(wire.ETAG, "").strip('"') == large.etag

    def _give_up(self, client: Client, large: Large, *more: ObjectPath) -> None:
        self._unfinished.discard(large)
        self._drop(client, list(dict.fromkeys((*large.give_up(), *more))))

    def _drop(self, client: Client, places: list[ObjectPath]) -> None:
        """Delete segments that nothing names any more; what is left of them is told by ``clean``."""
        self._replacing.unneeded |= delete_segments(client, places)

    def clean(self) -> None:
        """Delete the segments of files that have not become objects, and name those that are left over."""
        for large in list(self._unfinished):
            self._give_up(self._client, large)
        for note in self._replacing.take_notes():
            self._client.observer.warn(note)
