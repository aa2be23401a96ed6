"""Feed a storlet's inputs through pipes: from an object's file, or from an iterator, in a green thread.

A file is spliced into the pipe rather than handed over: whoever holds a descriptor of an object's file can change its
mode and extended attributes, where Swift keeps the object's metadata. Splicing copies nothing, either.
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
    """A reading end of a pipe that is never read: it tells what others have left in it, also when they closed theirs.

    As long as it is held, writing to the pipe does not fail.

    :param reader: the pipe's reading end
    """

    def __init__(self, reader: int) -> None:
        self._reader = os.dup(reader)

    def is_untouched(self, written: int) -> bool:
        """Tell whether all that was written, and that is something, is still there."""
        return 0 < written == descriptors.unread(self._reader)

    def close(self) -> None:
        """Forget the pipe."""
        reader, self._reader = self._reader, -1
        descriptors.close(reader)


class IteratorFeed:
    """Feed what an iterator yields: a request's body, or an answer of Swift's.

    :param source: yields bytes; closed at the end if it can be
    :param failed: called if the source fails, before the storlet can take that for the end of its input
    :param is_watched: whether :meth:`is_unread` will be asked
    """

    def __init__(self, source: Iterable[bytes], progress: Progress, failed: Failed, *, is_watched: bool) -> None:
        self._source, self._progress, self._failed = source, progress, failed
        self.reader, self._writer = descriptors.pipe(large=True, green="write")
        self._watch = Watch(self.reader) if is_watched else None
        self._thread: Any = None
        self._fed = 0
        self._begun = Event()  # with the first byte, or the end

    def start(self) -> None:
        """Begin to feed."""
        self._thread = eventlet.spawn(self._run)

    def is_unread(self) -> bool:
        """Tell whether there was something to read, and nothing of it was; wait for the source to say so."""
        assert self._watch is not None
        self._begun.wait()
        return self._watch.is_untouched(self._fed)

    def stop(self) -> None:
        """Stop, unless everything has been fed."""
        if self._watch is not None:
            self._watch.close()  # or the pipe would seem to have a reader
        if self._thread is not None:
            if not self._thread.dead and not hasattr(self._source, "close"):
                # A request's body: what is read of it and lost would be missed when the connection is used again.
                self._wait()
            self._thread.kill()
            if not self._thread.dead:  # what it closes as it ends lets others run, and its source is still its own
                self._wait()
                if not self._thread.dead:
                    return  # it closes everything, whenever it comes to that
        self._close()

    def _wait(self) -> None:
        with eventlet.Timeout(_PATIENCE, False), suppress(Exception):
            self._thread.wait()

    def _run(self) -> None:
        try:
            self._feed()
        except (BrokenPipeError, GreenletExit):
            pass  # the storlet wants no more
        except (Exception, eventlet.Timeout) as error:  # Swift's timeouts are no Exceptions
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
    """Feed an object's file, or a range of it.

    :param file: a descriptor of the file; it may be closed as soon as this returns
    :param bounds: first byte, and the one after the last; None for the whole file
    :param is_watched: whether :meth:`is_unread` will be asked
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
        """Fill the pipe; what does not fit follows in a green thread."""
        try:
            self._at = descriptors.splice(self._file, self._at, self._end, self._writer)
        except BrokenPipeError:  # the storlet is at its end already
            self._at = self._end
        if self._at < self._end:
            self._thread = eventlet.spawn(self._run)
        else:
            self._close()

    def is_unread(self) -> bool:
        """Tell whether there was something to read, and nothing of it was."""
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
            pass  # the storlet wants no more
        finally:
            self._close()

    def _close(self) -> None:
        for descriptor in (self._file, self._writer):
            if descriptor >= 0:
                descriptors.close(descriptor)
        self._file = self._writer = -1


Feed = IteratorFeed | FileFeed
