"""Feed inputs to a storlet through pipes: from an object's file, or from an iterator in a green thread.

A file is spliced into the pipe rather than passed as a descriptor: with that, a storlet could change the file's mode
and its extended attributes, where Swift keeps the object's metadata. Splicing doesn't copy data, either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import eventlet
from eventlet.event import Event
from greenlet import GreenletExit

from storlet_shell.embedded.processes import descriptors
from storlet_shell.embedded.processes.descriptors import Progress

Failed = Callable[[BaseException], None]

_SMALL = 65536
_PATIENCE = 1.0


class Watch:
    """The reading end of a pipe, which is never read: it shows what others have left in it, even once they closed it.

    While it is open, writing to the pipe doesn't fail.

    :param reader: the pipe's reading end
    """

    def __init__(self, reader: int) -> None:
        self._reader = os.dup(reader)

    def is_untouched(self, written: int) -> bool:
        """Tell whether everything that was written is still there, if anything was written."""
        return 0 < written == descriptors.unread(self._reader)

    def close(self) -> None:
        """Close the pipe's end."""
        reader, self._reader = self._reader, -1
        descriptors.close(reader)


class IteratorFeed:
    """Feeds the chunks of an iterator: a request's body, or an answer from Swift.

    :param source: yields bytes; closed at the end if it has ``close``
    :param failed: called if the source fails, before the storlet could mistake that for the end of its input
    :param is_watched: whether :meth:`is_unread` will be called
    """

    def __init__(self, source: Iterable[bytes], progress: Progress, failed: Failed, *, is_watched: bool) -> None:
        self._source, self._progress, self._failed = source, progress, failed
        self.reader, self._writer = descriptors.pipe(large=True, green="write")
        self._watch = Watch(self.reader) if is_watched else None
        self._thread: Any = None
        self._fed = 0
        self._begun = Event()  # sent with the first byte, or at the end

    def start(self) -> None:
        """Start feeding."""
        self._thread = eventlet.spawn(self._run)

    def is_unread(self) -> bool:
        """Tell whether there was input and none of it was read; waits until the source shows whether there is any."""
        assert self._watch is not None
        self._begun.wait()
        return self._watch.is_untouched(self._fed)

    def stop(self) -> None:
        """Stop, unless everything has been fed."""
        if self._watch is not None:
            self._watch.close()  # otherwise the pipe would seem to have a reader
        if self._thread is not None:
            if not self._thread.dead and not hasattr(self._source, "close"):
                # A request's body: bytes read from it and dropped would be missing when the connection is reused.
                self._wait()
            self._thread.kill()
            if not self._thread.dead:  # closing may have let it run and finish; until then, the source is its own
                self._wait()
                if not self._thread.dead:
                    return  # it closes everything itself when it runs
        self._close()

    def _wait(self) -> None:
        with eventlet.Timeout(_PATIENCE, False), suppress(Exception):
            self._thread.wait()

    def _run(self) -> None:
        try:
            self._feed()
        except (BrokenPipeError, GreenletExit):
            pass  # the storlet has closed its end
        except (Exception, eventlet.Timeout) as error:  # Swift's timeouts aren't Exceptions
            self._failed(error)
        finally:
            self._close()
            if not self._begun.ready():
                self._begun.send()

    def _close(self) -> None:
        writer, self._writer = self._writer, -1
        if writer >= 0:
            descriptors.close(writer)
            close = getattr(self._source, "close", None)
            if close is not None:
                close()

    def _feed(self) -> None:
        chunks = iter(self._source)
        while True:
            self._progress.sources_awaited += 1
            try:
                chunk = next(chunks, None)
            finally:
                self._progress.mark()
                self._progress.sources_awaited -= 1
            if chunk is None:
                return
            for count in descriptors.write(self._writer, chunk, self._progress):
                self._fed += count
                if not self._begun.ready():
                    self._begun.send()


class FileFeed:
    """Feeds an object's file, or a range of it.

    :param file: a descriptor of the file, which may be closed once this returns
    :param bounds: the first byte, and the one after the last; None for the whole file
    :param is_watched: whether :meth:`is_unread` will be called
    """

    def __init__(
        self, file: int, bounds: tuple[int, int] | None, progress: Progress, *, is_watched: bool = False
    ) -> None:
        size = os.fstat(file).st_size
        self._at, self._end = (bounds[0], min(bounds[1], size)) if bounds else (0, size)
        self._start = self._at
        self._file = os.dup(file)
        self._progress = progress
        self.reader, self._writer = descriptors.pipe(large=self._end - self._at > _SMALL, green="write")
        self._watch = Watch(self.reader) if is_watched else None
        self._thread: Any = None

    def start(self) -> None:
        """Fill the pipe; a green thread feeds the rest."""
        try:
            self._at = descriptors.splice(self._file, self._at, self._end, self._writer)
        except BrokenPipeError:  # the storlet has closed its end already
            self._at = self._end
        if self._at < self._end:
            self._thread = eventlet.spawn(self._run)
        else:
            self._close()

    def is_unread(self) -> bool:
        """Tell whether there was input and none of it was read."""
        assert self._watch is not None
        return self._watch.is_untouched(self._at - self._start)

    def stop(self) -> None:
        """Stop, unless everything has been fed."""
        if self._watch is not None:
            self._watch.close()
        if self._thread is not None:
            self._thread.kill()
        self._close()

    def _run(self) -> None:
        try:
            while self._at < self._end:
                descriptors.wait_writable(self._writer)
                self._at = descriptors.splice(self._file, self._at, self._end, self._writer)
                self._progress.mark()
        except (BrokenPipeError, GreenletExit):
            pass  # the storlet has closed its end
        finally:
            self._close()

    def _close(self) -> None:
        for descriptor in (self._file, self._writer):
            if descriptor >= 0:
                descriptors.close(descriptor)
        self._file = self._writer = -1


Feed = IteratorFeed | FileFeed
