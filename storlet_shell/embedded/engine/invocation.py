"""The server's view of an invocation: its pipes, time limit, metadata, body and end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from storlet_shell.embedded.engine.failures import Failure, InvocationError, too_slow
from storlet_shell.embedded.engine.feeds import Feed, FileFeed, IteratorFeed
from storlet_shell.embedded.engine.versions import JAVA, MOST_IDLE, Child, Version
from storlet_shell.embedded.processes import descriptors
from storlet_shell.embedded.processes.descriptors import Progress, StalledError
from storlet_shell.embedded.processes.messages import MessageTooLongError
from storlet_shell.storlets import contract

_LARGEST_LOG = 64 * 1024
_SHOWN_INPUTS = 4

STORED = "storlet_shell_stored"
"""The request option that marks results to be stored as objects: from the header that ``outcome`` adds
(``handlers/base.py`` turns headers into options)."""

UNREAD_ALLOWED = "storlet_shell_allow_unread"
"""The request option that permits unread inputs: from the client's ``X-Storlet-Shell-Allow-Unread``."""

USER = "storlet_shell_user"
"""The request option that identifies the user, unless that user may only run the storlet: from the header that
``guard`` adds."""

# What storlets call their inputs and the method that sets metadata.
_INPUT = {JAVA: "inputs.get({})"}
_NO_METADATA = {JAVA: "it ended without setMetadata()"}

Ended = Callable[["Invocation", Failure | None], None]


class Invocation:
    """One invocation; iterate over it for the body once :meth:`begin` has returned the metadata.

    In any case, :attr:`ended` is called exactly once, when everything has been released.

    :param request: the middleware's storlet request
    :param limit: the maximum time without progress, in seconds
    :param user: the user whose earlier invocations its process may have run, and whose later ones it may run; empty if
        it must be a process of its own
    :param on_end: called with this object and the failure, or None on success
    """

    def __init__(self, request: Any, version: Version, limit: float, on_end: Ended, user: str = "") -> None:
        self.request = request
        self.version = version
        self.started = time.monotonic()
        self._limit = limit
        self._on_end = on_end
        self._user = user
        self._progress = Progress(limit)
        self._child: Child | None = None
        self._feeds: list[Feed] = []
        self._metadata = self._body = self._log = -1
        self._input_failure: Failure | None = None
        self._over = False

    def begin(self) -> dict[str, str]:
        """Run the storlet until its metadata arrive.

        :raises InvocationError: if it fails before that
        """
        version = self.version
        version.active += 1
        try:
            self._send()
            self._progress.mark()
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
        self._progress.mark()  # the reader is back; from now on, the storlet's time counts
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
        """End the invocation, unless it has ended: its reader stops reading."""
        self._end(Failure("abandoned", "the client disconnected before the end"))

    def __del__(self) -> None:
        self.close()

    def log(self) -> str:
        """Return the storlet's log and standard output; only the end of them if they are long."""
        if self._log < 0:
            return ""
        size = os.fstat(self._log).st_size
        text = os.pread(self._log, _LARGEST_LOG, max(0, size - _LARGEST_LOG)).decode(errors="replace")
        return text if size <= _LARGEST_LOG else f"[{size - _LARGEST_LOG} bytes omitted]\n{text}"

    def _send(self) -> None:
        """Pass pipes and parameters to a child, and close its ends here."""
        request = self.request
        sources = [request.data, *request.extra_data_list]
        self._feeds = [self._feed(source) for source in sources]
        self._metadata, metadata = descriptors.pipe(large=False, green="read")
        self._body, body = descriptors.pipe(large=True, green="read")
        self._log = os.memfd_create("log", os.MFD_CLOEXEC)
        handed_over = [metadata, body, *(feed.reader for feed in self._feeds)]
        if self.version.key.language == JAVA:
            for descriptor in handed_over:
                os.fchmod(descriptor, 0o666)  # they are opened by name, if the server is root by another user
        try:
            self._hand_over([self._log, *handed_over])
        finally:
            for descriptor in handed_over:
                descriptors.close(descriptor)

    def _hand_over(self, handed_over: list[int]) -> None:
        """Send the order to a child, or to another one if that child has ended while it was idle.

        :raises InvocationError: if no child is available, or all of them have ended
        """
        sources = [self.request.data, *self.request.extra_data_list]
        order = {
            "parameters": self._parameters(),
            "inputs": [dict(source.user_metadata) for source in sources],
            "is_reusable": bool(self._user),
        }
        for _ in range(MOST_IDLE + 1):
            self._child = self.version.take(Progress(self._limit), self._user)
            try:
                self._child.send({**order, "alone": self.version.active == 1}, handed_over)
            except ConnectionError:  # it hasn't received anything
                self._child.close()
            else:
                return
        raise InvocationError(Failure("engine", "each of its processes ended before it received the order"))

    @property
    def _is_watched(self) -> bool:
        """Whether each input must be read: a storlet written for a single input would ignore the others."""
        return bool(self.request.extra_data_list) and UNREAD_ALLOWED not in self.request.options

    def _unread(self) -> Failure | None:
        """Return a failure if an input isn't empty and none of it was read.

        The pipe's content decides: fed bytes may be unread, and a storlet may read from the descriptor.
        """
        if not self._is_watched:
            return None
        spelling = _INPUT.get(self.version.key.language, "in_files[{}]")
        names = [spelling.format(number) for number, feed in enumerate(self._feeds) if feed.is_unread()]
        if self._input_failure is not None or not names:
            return self._input_failure
        if len(names) > _SHOWN_INPUTS:
            names[_SHOWN_INPUTS - 1 :] = [f"{len(names) - _SHOWN_INPUTS + 1} other inputs"]
        listed = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
        return Failure("unread", f"it read nothing of {listed}, though there was something to read")

    def _parameters(self) -> dict[str, str]:
        # The only system parameter (StorletGatewayContainer._add_system_params).
        return {**self.request.params, contract.FOLDER_PARAMETER: self.version.folder}

    def _feed(self, source: Any) -> Feed:
        if source.has_fd:
            bounds = (self.request.start, self.request.end) if self.request.has_range else None
            return FileFeed(source.data_fd, bounds, self._progress, is_watched=self._is_watched)
        return IteratorFeed(source.data_iter, self._progress, self._input_failed, is_watched=self._is_watched)

    def _input_failed(self, error: BaseException) -> None:
        """Record that an input failed, so that the storlet doesn't mistake half an input for all of it."""
        self._input_failure = Failure("input", f"its input broke off: {type(error).__name__}: {error}")
        if self._child is not None:
            self._child.kill()

    def _read_metadata(self) -> dict[str, str]:
        text = descriptors.read(self._metadata, self._progress)
        descriptors.close(self._metadata)
        self._metadata = -1
        if not text:
            reason = _NO_METADATA.get(self.version.key.language, contract.NO_METADATA)
            raise InvocationError(self._verdict() or Failure("metadata", reason))
        is_stored = STORED in self.request.options
        try:
            metadata = contract.read_metadata(text, is_stored=is_stored)
        except contract.MetadataError as error:
            raise InvocationError(Failure("metadata", str(error))) from None
        # A copy ignores the content type in an object server's answer (storlets handlers/proxy.py: copy_headers).
        if is_stored and self.request.data.has_fd and "content-type" in map(str.lower, metadata):
            reason = "a copy that runs on an object server loses the content type it sets; run it on the proxy"
            raise InvocationError(Failure("metadata", reason))
        return metadata

    def _verdict(self) -> Failure | None:
        """Wait for the storlet's end; return its failure, or None."""
        assert self._child is not None
        failure = self._child.verdict(self._progress)
        return self._input_failure or failure

    def _failed(self, error: BaseException) -> BaseException:
        """End the invocation because of an error; return the error to raise."""
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
            self._release(is_success=failure is None)
        finally:  # also if this green thread is killed while it waits for a feed
            self.version.active -= 1
            self.version.last_used = time.monotonic()
            try:
                self._on_end(self, failure)
            finally:
                descriptors.close(self._log)
                self._log = -1

    def _release(self, *, is_success: bool) -> None:
        with ExitStack() as stack:  # releases everything, whatever fails
            for feed in reversed(self._feeds):
                stack.callback(feed.stop)
            for descriptor in (self._metadata, self._body):
                stack.callback(descriptors.close, descriptor)
            if self._child is not None and is_success and self._user:
                stack.callback(self.version.keep, self._child, self._user)
            elif self._child is not None:
                stack.callback(self._child.close)
