"""Results that wait for the results of earlier objects: in memory up to a limit, beyond it in a temporary file."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, ServiceError

_BLOCK_BYTES = 256 * 1024
_MEMORY_BYTES = 8 * 1024 * 1024
"""The total size of small results that wait in memory."""


@typed_equality
class Spooled(NamedTuple):
    """A result in a spool.

    :param size: in bytes
    :param content: the result, if it is in memory
    :param blocks: the numbers of its blocks in the file, otherwise
    """

    size: int
    content: bytes = b""
    blocks: tuple[int, ...] = ()


class Spool:
    """Holds results from any thread until one thread reads them, each once.

    Its file has no name, so a process that is killed leaves nothing. Blocks are reused after they are read, so the file
    never grows beyond the results that wait at one time.

    :param folder: the folder of the file; None for the system's temporary folder
    """

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._is_closed = False
        self._free_blocks: list[int] = []
        self._block_count = 0
        self._memory_bytes = 0

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Become None in another process: it returns results in its outcomes instead."""
        return type(None), ()

    def write(self, chunks: Iterable[bytes]) -> Spooled:
        """Store a result.

        :raises LocalFileError: when the file can't be written
        :raises ServiceError: when the spool is closed, because the batch has ended
        """
        buffer, blocks, size = bytearray(), [], 0
        try:
            for chunk in chunks:
                buffer += chunk
                size += len(chunk)
                while len(buffer) >= _BLOCK_BYTES:
                    blocks.append(self._write_block(bytes(buffer[:_BLOCK_BYTES])))
                    del buffer[:_BLOCK_BYTES]
            if not blocks and self._fits(size):
                return Spooled(size, bytes(buffer))
            if buffer:
                blocks.append(self._write_block(bytes(buffer)))
        except BaseException:
            with self._lock:
                self._free_blocks += blocks
            raise
        return Spooled(size, blocks=tuple(blocks))

    def read(self, spooled: Spooled) -> Iterator[bytes]:
        """Yield a result in chunks, and release its space."""
        if not spooled.blocks:
            with self._lock:
                self._memory_bytes -= len(spooled.content)
            yield from [spooled.content] if spooled.content else []
            return
        size = spooled.size
        for block in spooled.blocks:
            with self._lock:
                assert self._file is not None
                chunk = os.pread(self._file.fileno(), min(size, _BLOCK_BYTES), block * _BLOCK_BYTES)
                self._free_blocks.append(block)
            size -= len(chunk)
            yield chunk

    def close(self) -> None:
        """Release the file; results that are written later are refused."""
        with self._lock:
            self._is_closed = True
            if self._file is not None:
                self._file.close()

    def _fits(self, size: int) -> bool:
        with self._lock:
            if self._memory_bytes + size > _MEMORY_BYTES:
                return False
            self._memory_bytes += size
            return True

    def _write_block(self, data: bytes) -> int:
        with self._lock:  # without it, a thread that comes late could write to a descriptor that is someone else's now
            if self._is_closed:
                raise ServiceError("cancelled: the batch has ended")
            try:
                if self._file is None:
                    self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115  see close
                if not self._free_blocks:
                    self._free_blocks.append(self._block_count)
                    self._block_count += 1
                _write_at(self._file.fileno(), data, self._free_blocks[-1] * _BLOCK_BYTES)
            except OSError as error:
                place = self._folder or tempfile.gettempdir()
                raise LocalFileError(f"can't write a temporary file in {place}: {error.strerror or error}") from error
            return self._free_blocks.pop()


def _write_at(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, offset)
        view, offset = view[count:], offset + count
