"""Parse framed bodies, by which a function storlet proves that it has run, and that its result is whole.

On upstream's engine, a body that was cut off ends like any other, and an object server may return the object itself. So
clients that read a function's result send it a nonce as a parameter, and it answers with a line that repeats the nonce,
followed by frames: a kind (one byte), a length (four bytes, big-endian), and a payload:

- ``D``: data, a part of the result
- ``B``: a heartbeat, padded so that proxies pass it on, which keeps long work from being cut off
- ``E``: the end of the result, in JSON: its metadata, length, CRC-32, and content type, if the adapter chose that
- ``X``: the failure of the function, in JSON: one line, and its traceback

Nothing follows ``E`` or ``X``.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import IncompleteBodyError, StorletShellError
from storlet_shell.values import CHUNK_BYTES
from storlet_shell.wire import headers as wire
from storlet_shell.wire.header_dict import HeaderDict
from storlet_shell.wire.transport import Reply, decode_value

PARAMETER = "storlet_frames"
"""The parameter whose value is the nonce."""

LIMIT = 16 * 1024 * 1024
"""The maximum length of a frame's payload, in bytes."""

_HEADER_BYTES = 5
_DATA, _HEARTBEAT, _END, _FAILURE = b"D", b"B", b"E", b"X"


def make_nonce() -> str:
    """Return a random nonce of 16 hexadecimal digits."""
    return os.urandom(8).hex()


def first_line(nonce: str) -> bytes:
    """Return the line that a framed body starts with."""
    return f"storlet-frames 1 {nonce}\n".encode("ascii")


@typed_equality
class Raised(NamedTuple):
    """The failure of a function.

    :param error: the kind and the message, in one line
    """

    error: str
    traceback: str


class Frames:
    """An incremental parser of the frames after the first line; it holds at most one payload of a final frame.

    ``metadata`` belong to the result, and are None until its end; ``content_type`` is that of rows and JSON, known at
    the end, too; ``failure`` is why the function failed, if it did; ``length`` is the number of bytes of data so far.
    """

    def __init__(self) -> None:
        self.metadata: Mapping[str, str] | None = None
        self.content_type = ""
        self.failure: Raised | None = None
        self.length = 0
        self._crc32 = 0
        self._header = b""
        self._remaining = 0
        self._payload = bytearray()

    @property
    def has_ended(self) -> bool:
        """Whether the final frame has arrived."""
        return self.metadata is not None or self.failure is not None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the data in the next chunk of the body; the chunk is parsed while the iterator is consumed.

        :raises IncompleteBodyError: if the chunk can't be a part of a framed body
        """
        at = 0
        while at < len(chunk):
            if self.has_ended:
                raise self._damaged("bytes follow its last frame")
            if len(self._header) < _HEADER_BYTES:
                part = chunk[at : at + _HEADER_BYTES - len(self._header)]
                self._header += part
                at += len(part)
                if len(self._header) == _HEADER_BYTES:
                    self._begin()
            else:
                part = chunk[at : at + self._remaining]
                self._remaining -= len(part)
                at += len(part)
                if self._header[:1] == _DATA:
                    self.length += len(part)
                    self._crc32 = zlib.crc32(part, self._crc32)
                    yield part
                elif self._header[:1] != _HEARTBEAT:
                    self._payload += part
            if len(self._header) == _HEADER_BYTES and not self._remaining:
                self._finish_frame()

    def finish(self) -> None:
        """Check that the body is whole, after its last chunk.

        :raises IncompleteBodyError: if it isn't
        """
        if not self.has_ended:
            raise IncompleteBodyError(f"the body ended early: its last frame is missing after {self.length} bytes")

    def _begin(self) -> None:
        """Read a frame's header."""
        self._remaining = int.from_bytes(self._header[1:], "big")
        if self._header[:1] not in (_DATA, _HEARTBEAT, _END, _FAILURE) or self._remaining > LIMIT:
            raise self._damaged(f"it has no frame after {self.length} bytes")

    def _finish_frame(self) -> None:
        kind, self._header = self._header[:1], b""
        if kind in (_END, _FAILURE):
            fields = _fields(bytes(self._payload))
            if kind == _END:
                self._end(fields)
            else:
                self.failure = Raised(str(fields.get("error", "")), str(fields.get("traceback", "")))

    def _end(self, fields: Mapping[str, Any]) -> None:
        metadata, length = fields.get("metadata"), fields.get("length")
        if not isinstance(metadata, dict):
            raise self._damaged("its last frame has no metadata")
        if length != self.length:
            raise self._damaged(f"{self.length} bytes arrived, but its last frame says {length}")
        if fields.get("crc32") != self._crc32:
            raise self._damaged(f"the checksum of its {self.length} bytes differs from the one in its last frame")
        self.metadata = {name: str(value) for name, value in metadata.items() if value is not None}
        self.content_type = str(fields.get("type") or "")

    @staticmethod
    def _damaged(reason: str) -> IncompleteBodyError:
        return IncompleteBodyError(f"the body is damaged: {reason}")


def _fields(payload: bytes) -> Mapping[str, Any]:
    """Read the payload of a final frame; empty if it isn't a JSON object."""
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


class FramedReply(Reply):
    """The response with a function's result: its body is the data in the frames.

    The result's metadata and content type are added to ``headers`` when the body has been read.

    :param rest: what has been read of the body after its first line
    :param chunks: what has not
    :param failed: returns the error for a failure that the function reports
    :param find_fault: returns why metadata can't be headers; empty if they can
    """

    def __init__(
        self,
        reply: Reply,
        rest: bytes,
        chunks: Iterator[bytes],
        failed: Callable[[Raised], StorletShellError],
        find_fault: Callable[[Mapping[str, str]], str],
    ) -> None:
        vars(self).update(vars(reply))  # the same response
        self.headers: dict[str, str] = HeaderDict(reply.headers)
        self.headers.pop(wire.CONTENT_LENGTH, None)  # counts the frames
        self._rest, self._chunks, self._failed, self._find_fault = rest, chunks, failed, find_fault
        self._frames = Frames()

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[bytes]:  # noqa: ARG002  as they came
        """Yield the data as they arrive.

        :raises IncompleteBodyError: if the body is cut short or damaged
        :raises StorletFailedError: if the function fails
        """
        try:
            for chunk in self._whole():
                yield from self._frames.feed(chunk)
                if self._frames.failure is not None:
                    raise self._failed(self._frames.failure)
            self._frames.finish()
            metadata = self._frames.metadata or {}
            if fault := self._find_fault(metadata):
                raise self._failed(Raised(fault, ""))
        except IncompleteBodyError as error:
            self.close()
            error.transaction_id = self.transaction_id
            raise
        except StorletShellError:
            self.close()
            raise
        if self._frames.content_type:
            self.headers["Content-Type"] = self._frames.content_type
        self.headers.update(_headers(metadata))

    def _whole(self) -> Iterator[bytes]:
        """Yield the body after its first line; after the last frame, it doesn't matter how the body ends."""
        yield self._rest
        try:
            yield from self._chunks
        except IncompleteBodyError:
            if self._frames.metadata is None:
                raise


def _headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return a result's metadata as the headers that they are without frames (``handlers/base.py``)."""
    prefixes = {name: "" if name.lower() == "content-type" else wire.USER_METADATA for name in metadata}
    return {f"{prefixes[name]}{name}".title(): decode_value(value) for name, value in metadata.items()}
