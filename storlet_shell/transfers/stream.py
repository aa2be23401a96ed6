"""A stream on its way into a container: as one object, or in segments one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from storlet_shell.errors import LocalFileError, UsageError
from storlet_shell.store.parallel import Worker
from storlet_shell.store.segments import Segment
from storlet_shell.transfers.files import Large, Target, Upload
from storlet_shell.transfers.folder import LocalFile
from storlet_shell.values import ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import stream_body, watch_stream
from storlet_shell.wire.requests import Request

_HEAD_BYTES = 2**20
"""How much of a stream is kept in memory to see whether it ends."""


class Pieces:
    """A stream in pieces of a size, each read like a file, to its end.

    :param label: the stream, as a user spells it
    """

    def __init__(self, stream: IO[bytes], size: int, label: str = "standard input") -> None:
        self._ahead = b""
        self._stream = stream
        self._size = size
        self._watch = watch_stream(stream, label)
        self.label = label
        self._left = 0

    def __iter__(self) -> Iterator[Pieces]:
        """Yield itself for each piece; the one before has been read by then.

        :raises LocalFileError: when the stream is of a file that has changed since
        """
        while self._peek(1):
            self._left = self._size
            yield self
        self._check()

    def _check(self) -> None:
        if self._watch is not None:
            self._watch.check()

    @property
    def length(self) -> int:
        """How much of the piece has been read, in bytes."""
        return self._size - self._left

    def only_one(self) -> bytes | None:
        """Return the whole stream if it ends within one piece, and soon; else None, and nothing is used up."""
        most = min(self._size, _HEAD_BYTES)
        head = self._peek(most + 1)
        if len(head) > most:
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
        """Return the next bytes of the piece, nothing at its end."""
        wanted = min(size, self._left)
        chunk = self._ahead[:wanted]
        self._ahead = self._ahead[wanted:]
        if len(chunk) < wanted:
            chunk += self._stream.read(wanted - len(chunk))
        self._left -= len(chunk)
        return chunk


class StreamUpload(Upload):
    """A stream that becomes a static large object: all of it, or nothing."""

    def send_stream(self, worker: Worker, path: ObjectPath, pieces: Pieces, size: int) -> Large:
        """Send the pieces as segments, then the manifest; memory does not grow with the stream.

        :param size: of a segment, in bytes
        :raises UsageError: when the cluster takes no such segments, or not so many
        """
        self._limits.check_segments(size, pieces.label)
        large = Large(Target(LocalFile(Path(pieces.label), path.name, 0, time.time()), path), size)
        for number, piece in enumerate(pieces):
            if number == self._limits.segments:
                raise UsageError(
                    f"{pieces.label}: longer than the {number} segments of {size} bytes that the cluster takes; "
                    "choose larger ones"
                )
            self._begin(large)
            place, body = large.place(number), stream_body(cast("IO[bytes]", piece))
            large.add(number, Segment(place, 0, ""))  # by now, so that it goes even if only its answer is lost
            self._send(worker, Request("PUT", *place, headers={wire.CONTENT_TYPE: wire.BINARY}), body)
            large.add(number, Segment(place, piece.length, body.md5))
        large.end()
        self._finish(worker, large)
        return large
