"""Upload a stream, as one object or in consecutive segments."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, UsageError
from storlet_shell.store.objects import Stored, replace
from storlet_shell.store.parallel import Tally, Worker
from storlet_shell.store.requests import put_request
from storlet_shell.store.segments import Replacing
from storlet_shell.transfers.folder import LocalFile
from storlet_shell.transfers.limits import Limits
from storlet_shell.transfers.segmented import LargeObject, SegmentedUpload
from storlet_shell.transfers.targets import Choices, Target
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import bytes_body, stream_body, watch_stream

if TYPE_CHECKING:
    from storlet_shell.values import ObjectPath
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.requests import Request

TEXT = "text/plain; charset=utf-8"
"""The content type of typed text whose object's name doesn't suggest one."""

_HEAD_BYTES = 2**20
"""How much of a stream is buffered to see whether it ends."""


class Pieces:
    """A stream split into pieces, each read like a file.

    :param size: the size of a piece, in bytes
    :param label: the stream, for messages
    """

    def __init__(self, stream: IO[bytes], size: int, label: str = "standard input") -> None:
        self._ahead = b""
        self._stream = stream
        self.size = size
        self._watch = watch_stream(stream, label)
        self.label = label
        self._remaining = 0

    def __iter__(self) -> Iterator[Pieces]:
        """Yield itself for each piece; the previous one must have been read.

        :raises LocalFileError: if the stream is a file that has changed meanwhile
        """
        while self._peek(1):
            self._remaining = self.size
            yield self
        self._check()

    def _check(self) -> None:
        if self._watch is not None:
            self._watch.check()

    def only_one(self) -> bytes | None:
        """Return the whole stream if it ends within one piece, and early; otherwise None, and nothing is consumed."""
        limit = min(self.size, _HEAD_BYTES)
        head = self._peek(limit + 1)
        if len(head) > limit:
            return None
        self._check()
        return head

    def _peek(self, size: int) -> bytes:
        try:
            self._ahead += self._stream.read(size - len(self._ahead)) if len(self._ahead) < size else b""
        except OSError as error:
            raise LocalFileError(f"can't read {self.label}: {error.strerror or error}") from error
        return self._ahead

    def read(self, size: int) -> bytes:
        """Return the next bytes of the piece; empty at its end."""
        wanted = min(size, self._remaining)
        chunk = self._ahead[:wanted]
        self._ahead = self._ahead[wanted:]
        if len(chunk) < wanted:
            chunk += self._stream.read(wanted - len(chunk))
        self._remaining -= len(chunk)
        return chunk


@typed_equality
class StoredStream(NamedTuple):
    """An uploaded stream.

    :param bytes: its length
    :param segments: the number of its segments; 0 if it was sent in one request
    :param answer: the answer to that request; None if there are segments
    """

    path: ObjectPath
    bytes: int
    segments: int = 0
    answer: Stored | None = None


def stream_request(
    path: ObjectPath, choices: Choices | None = None, *, label: str, default_type: str = wire.BINARY
) -> Request:
    """Return the request that uploads a stream.

    :param label: the stream, in words
    :param default_type: the content type if neither the choices nor the object's name suggest one
    """
    choices = choices or Choices()
    return put_request(path, label, content_type=choices.type_of(path.name, default_type), headers=choices.headers)


def upload_stream(
    client: Client,
    source: bytes | IO[bytes],
    path: ObjectPath,
    choices: Choices | None = None,
    *,
    label: str = "standard input",
    default_type: str = wire.BINARY,
) -> StoredStream:
    """Upload a stream or bytes as an object, completely or not at all.

    It is sent in one request, unless it exceeds the segment size in the choices. Memory use doesn't grow with it.

    :param source: read to its end, and not closed
    :param label: the stream, for messages
    :param default_type: the content type if neither the choices nor the object's name suggest one
    :raises NotFoundError: if the container doesn't exist
    :raises LocalFileError: if it can't be read, or is a file that changes meanwhile
    :raises UsageError: if the cluster doesn't accept segments of that size or number
    """
    choices = choices or Choices()
    request = stream_request(path, choices, label=label, default_type=default_type)
    body = bytes_body(source) if isinstance(source, bytes) else stream_body(source, label)
    if choices.segment_size:
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        pieces = Pieces(stream, choices.segment_size, label)
        whole = pieces.only_one()
        if whole is None:
            choices = choices._replace(content_type=request.headers[wire.CONTENT_TYPE])
            return _upload_pieces(client, path, choices, pieces)
        body = bytes_body(whole)
    stored = replace(client, request, body, Replacing(leave_segments=choices.leave_segments))
    return StoredStream(path, body.count, answer=stored)


def _upload_pieces(client: Client, path: ObjectPath, choices: Choices, pieces: Pieces) -> StoredStream:
    """Upload a stream as consecutive segments, then the manifest."""
    replacing = Replacing(leave_segments=choices.leave_segments)
    segmented = SegmentedUpload(client, path.container, choices, replacing)
    with client.observer.progress(str(path), None) as progress:
        worker = Worker(client, Tally(progress.advance))
        try:
            large = _send_pieces(worker, segmented, path, pieces)
        finally:
            segmented.clean()
            for note in replacing.take_notes():
                client.observer.warn(*note)
    return StoredStream(path, worker.tally.bytes, large.count)


def _send_pieces(worker: Worker, segmented: SegmentedUpload, path: ObjectPath, pieces: Pieces) -> LargeObject:
    limits = Limits.of(worker.client)
    limits.check_segments(size := pieces.size, pieces.label)
    large = LargeObject(Target(LocalFile(Path(pieces.label), path.name, 0, time.time()), path), size)
    for number, piece in enumerate(pieces):
        if number == limits.segments:
            raise UsageError(
                f"exceeds {number} segments of {size} bytes, the cluster's limit; choose a larger segment size",
                subject=pieces.label,
            )
        segmented.begin(large)
        large.add(number, 0, "")  # recorded first, so that it is cleaned up even if its answer is lost
        segmented.send_segment(worker, large, number, nullcontext(stream_body(cast("IO[bytes]", piece))))
    large.end()
    segmented.finish(worker, large)
    return large
