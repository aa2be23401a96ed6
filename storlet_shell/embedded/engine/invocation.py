"""One invocation of a storlet, as the server sees it: its pipes, its time, its metadata, its body, its end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from storlet_shell.embedded.engine.failures import Failure, InvocationError, too_slow
from storlet_shell.embedded.engine.feeds import Feed, FileFeed, IteratorFeed
from storlet_shell.embedded.engine.versions import Child, Version
from storlet_shell.embedded.processes import descriptors
from storlet_shell.embedded.processes.descriptors import Progress, StalledError
from storlet_shell.embedded.processes.messages import MessageTooLongError
from storlet_shell.storlets import contract

_LARGEST_LOG = 64 * 1024
_SHOWN_INPUTS = 4

STORED = "storlet_shell_stored"
"""The option of a request whose result becomes an object: of the header that ``outcome`` gives it (``handlers/base.py``
makes options of headers)."""

UNREAD_ALLOWED = "storlet_shell_allow_unread"
"""The option of a request whose storlet may leave inputs unread: of the client's ``X-Storlet-Shell-Allow-Unread``."""

Ended = Callable[["Invocation", Failure | None], None]


class Invocation:
    """One invocation; iterate over it for the body after :meth:`begin` has returned the metadata.

    Whatever happens, :attr:`ended` is called once, when nothing is left of it.

    :param request: the middleware's storlet request
    :param limit: seconds without progress
    :param on_end: called with this and the failure, None for success
    """

    def __init__(self, request: Any, version: Version, limit: float, on_end: Ended) -> None:
        self.request = request
        self.version = version
        self.started = time.monotonic()
        self._limit = limit
        self._on_end = on_end
        self._progress = Progress(limit)
        self._child: Child | None = None
        self._feeds: list[Feed] = []
        self._metadata = self._body = self._log = -1
        self._input_failure: Failure | None = None
        self._over = False

    def begin(self) -> dict[str, str]:
        """Run the storlet up to its metadata.

        :raises InvocationError: it failed before that
        """
        version = self.version
        version.active += 1
        try:
            self._child = version.take(Progress(self._limit))
            self._send(self._child)
            for feed in self._feeds:
                feed.start()
            metadata = self._read_metadata()
            version.prepare()
        except BaseException as error:
            raise self._failed(error) from None
        return metadata

    def __iter__(self) -> Invocation:
        return self

    def __next__(self) -> bytes:
        if self._over:
            raise StopIteration
        self._progress.mark()  # the reader is back: from now on it is the storlet's time
        try:
            data = descriptors.read(self._body, self._progress)
            failure = None if data else self._verdict() or self._unread()
        except BaseException as error:
            raise self._failed(error) from None
        if data:
            return data
        self._end(failure)
        if failure is not None:
            raise InvocationError(failure)
        raise StopIteration

    def close(self) -> None:
        """End it, if it is not over: its reader wants no more."""
        self._end(Failure("abandoned", "the client went away before the end"))

    def __del__(self) -> None:
        self.close()

    def log(self) -> str:
        """Return what the storlet wrote to its log and to its standard output, or the end of it if that is much."""
        if self._log < 0:
            return ""
        size = os.fstat(self._log).st_size
        text = os.pread(self._log, _LARGEST_LOG, max(0, size - _LARGEST_LOG)).decode(errors="replace")
        return text if size <= _LARGEST_LOG else f"[{size - _LARGEST_LOG} bytes left out]\n{text}"

    def _send(self, child: Child) -> None:
        """Hand over pipes and parameters; the child's ends are closed here afterwards."""
        request = self.request
        sources = [request.data, *request.extra_data_list]
        self._feeds = [self._feed(source) for source in sources]
        self._metadata, metadata = descriptors.pipe(large=False, green="read")
        self._body, body = descriptors.pipe(large=True, green="read")
        self._log = os.memfd_create("log", os.MFD_CLOEXEC)
        handed_over = [metadata, body, *(feed.reader for feed in self._feeds)]
        order = {
            "parameters": self._parameters(),
            "inputs": [dict(source.user_metadata) for source in sources],
            "alone": self.version.active == 1,
        }
        try:
            child.send(order, [self._log, *handed_over])
        finally:
            for descriptor in handed_over:
                descriptors.close(descriptor)

    @property
    def _is_watched(self) -> bool:
        """Whether each input must be read: where there are several, a storlet that knows of one drops the others."""
        return bool(self.request.extra_data_list) and UNREAD_ALLOWED not in self.request.options

    def _unread(self) -> Failure | None:
        """Return a failure if nothing was read of an input that isn't empty.

        By what is left in the pipe, since what was fed need not have been read, and a storlet may read by descriptor.
        """
        if not self._is_watched:
            return None
        names = [f"in_files[{number}]" for number, feed in enumerate(self._feeds) if feed.is_unread()]
        if self._input_failure is not None or not names:
            return self._input_failure
        if len(names) > _SHOWN_INPUTS:
            names[_SHOWN_INPUTS - 1 :] = [f"{len(names) - _SHOWN_INPUTS + 1} other inputs"]
        listed = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
        return Failure("unread", f"it read nothing of {listed}, and there was something to read")

    def _parameters(self) -> dict[str, str]:
        # The one system parameter (StorletGatewayContainer._add_system_params).
        return {**self.request.params, "storlet_execution_path": self.version.folder}

    def _feed(self, source: Any) -> Feed:
        if source.has_fd:
            bounds = (self.request.start, self.request.end) if self.request.has_range else None
            return FileFeed(source.data_fd, bounds, self._progress, is_watched=self._is_watched)
        return IteratorFeed(source.data_iter, self._progress, self._input_failed, is_watched=self._is_watched)

    def _input_failed(self, error: BaseException) -> None:
        """Keep a storlet from taking half an input for a whole one."""
        self._input_failure = Failure("input", f"its input broke off: {type(error).__name__}: {error}")
        if self._child is not None:
            self._child.kill()

    def _read_metadata(self) -> dict[str, str]:
        text = descriptors.read(self._metadata, self._progress)
        descriptors.close(self._metadata)
        self._metadata = -1
        if not text:
            raise InvocationError(self._verdict() or Failure("metadata", contract.NO_METADATA))
        is_stored = STORED in self.request.options
        try:
            metadata = contract.read_metadata(text, is_stored=is_stored)
        except contract.MetadataError as error:
            raise InvocationError(Failure("metadata", str(error))) from None
        # Of an object server's answer, a copy takes no content type (storlets handlers/proxy.py: copy_headers).
        if is_stored and self.request.data.has_fd and "content-type" in map(str.lower, metadata):
            reason = "a copy that runs on an object server loses the content type that it set: run it on the proxy"
            raise InvocationError(Failure("metadata", reason))
        return metadata

    def _verdict(self) -> Failure | None:
        """Wait for the storlet's end, and return what was wrong with it."""
        assert self._child is not None
        failure = self._child.verdict(self._progress)
        return self._input_failure or failure

    def _failed(self, error: BaseException) -> BaseException:
        """End it because of an error; return what to raise."""
        if isinstance(error, InvocationError):
            failure = error.failure
        elif isinstance(error, StalledError):
            failure = too_slow(self._limit)
        elif isinstance(error, MessageTooLongError):
            failure = Failure("engine", f"its parameters and metadata are too long: {error}")
        else:
            failure = Failure("abandoned", f"the request ended: {type(error).__name__}: {error}")
        failure = self._input_failure or failure
        self._end(failure)
        return error if failure.kind == "abandoned" else InvocationError(failure)

    def _end(self, failure: Failure | None) -> None:
        if self._over:
            return
        self._over = True
        try:
            self._release()
        finally:  # also when this green thread is ended while it waits for a feed
            self.version.active -= 1
            self.version.last_used = time.monotonic()
            try:
                self._on_end(self, failure)
            finally:
                descriptors.close(self._log)
                self._log = -1

    def _release(self) -> None:
        with ExitStack() as stack:  # whatever fails, all else is released
            for feed in reversed(self._feeds):
                stack.callback(feed.stop)
            for descriptor in (self._metadata, self._body):
                stack.callback(descriptors.close, descriptor)
            if self._child is not None:
                stack.callback(self._child.close)
