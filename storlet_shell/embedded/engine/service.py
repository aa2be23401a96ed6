"""The engine of an embedded Swift, which runs storlets."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import eventlet
from eventlet.event import Event

from storlet_shell.embedded.engine.deployments import Deployments
from storlet_shell.embedded.engine.failures import Failure, InvocationError, encode
from storlet_shell.embedded.engine.invocation import USER, Invocation
from storlet_shell.embedded.engine.journal import Journal, Record
from storlet_shell.embedded.engine.lookups import Lookups
from storlet_shell.embedded.engine.nursery import Limits, Nursery
from storlet_shell.embedded.engine.slots import Slots
from storlet_shell.embedded.engine.versions import JAVA, Key, Version
from storlet_shell.embedded.sandbox.isolation import Sandbox, runs_as_nobody

# Less than the proxy's timeout for an object server minus the time limit (configuration.py).
_QUEUE_SECONDS = 15.0
_SWEEP_SECONDS = 5.0


class Engine:
    """Warm parents, their invocations, and the journal.

    :param folder: the engine's folder, below the data folder
    :param hidden: the data folder, which storlets must not see
    :param journal: a journal, possibly another process's
    """

    def __init__(
        self, folder: Path, hidden: Path, limits: Limits, journal: Any = None, lookups: Lookups | None = None
    ) -> None:
        self.limits = limits
        self.lookups = lookups or Lookups()
        self.journal: Journal = journal or Journal(folder / "journal")
        self._deployments = Deployments(folder / "code")
        self._nursery = Nursery(folder / "code", hidden, limits)
        self._versions: OrderedDict[Key, Version] = OrderedDict()
        self._starting: dict[Key, Event] = {}
        self._slots = Slots(limits.concurrent)
        self._sweeper: Any = None

    @property
    def sandbox(self) -> Sandbox:
        """The restrictions that this kernel enforces on storlets."""
        return self._nursery.sandbox

    def open(self) -> None:
        """Start the process from which warm parents are forked."""
        self._nursery.open()
        self._sweeper = eventlet.spawn(self._sweep)

    def close(self) -> None:
        """End all processes."""
        if self._sweeper is not None:
            self._sweeper.kill()
        self._nursery.close()

    def run(self, request: Any, transaction: str) -> tuple[dict[str, str], Invocation]:
        """Run a storlet.

        :param request: the middleware's storlet request
        :param transaction: Swift's transaction ID
        :returns: the storlet's metadata, and its body
        :raises InvocationError: if it fails before its metadata arrive
        """
        started, account = time.monotonic(), request.file_manager.account
        try:
            version = self._slot(request, account)
        except InvocationError as error:
            self._record(request, transaction, error.failure, started, error.failure.traceback)
            raise

        def ended(invocation: Invocation, failure: Failure | None) -> None:
            self._slots.release(account)
            self._ended(invocation, transaction, failure)

        is_reusing = self.limits.is_reusing and version.key.language == JAVA
        user = request.options.get(USER, "") if is_reusing else ""
        invocation = Invocation(request, version, self.limits.seconds, ended, user)
        return invocation.begin(), invocation

    def _slot(self, request: Any, account: str) -> Version:
        """Wait for a slot and return the warm parent; the caller then owns the slot."""
        if not self._slots.acquire(account, _QUEUE_SECONDS):
            reason = (
                f"too many invocations of this account are running, out of {self.limits.concurrent} in total; try again"
            )
            raise InvocationError(Failure("busy", reason))
        try:
            return self._version(request)
        except BaseException as error:
            self._slots.release(account)
            if isinstance(error, InvocationError) or not isinstance(error, (Exception, eventlet.Timeout)):
                raise
            request.file_manager.logger.exception(f"storlet {request.storlet_id} can't be started")
            raise InvocationError(Failure("engine", f"{type(error).__name__}: {error}")) from error

    def _version(self, request: Any) -> Version:
        """Return the living warm parent for a request; start it if necessary."""
        key = self._deployments.key(request)
        while (starting := self._starting.get(key)) is not None:
            failure = starting.wait()
            if failure is not None:  # it would fail again and take as long: everyone who waits should wait only once
                raise InvocationError(failure)
        version = self._versions.get(key)
        if version is not None and version.alive:
            self._versions.move_to_end(key)
            version.last_used = time.monotonic()
            return version
        self._starting[key] = Event()
        failure = None
        try:
            return self._start(key, request)
        except InvocationError as error:
            failure = error.failure
            raise
        finally:
            self._starting.pop(key).send(failure)

    def _start(self, key: Key, request: Any) -> Version:
        old = self._versions.pop(key, None)
        if old is not None:
            self._drop(old)
        to_nobody = runs_as_nobody(self.sandbox)
        number, folder = self._deployments.fetch(key, request.file_manager, to_nobody=to_nobody)
        version = Version(key, number, folder)
        try:
            self._nursery.start(version)
            version.wait_loaded(self.limits.seconds)
        except InvocationError as error:
            printed = _import_log(version)
            self._drop(version)
            failure = error.failure
            failed = Failure(failure.kind, failure.message, printed + failure.traceback)
            raise InvocationError(failed) from None
        except BaseException:
            self._drop(version)
            raise
        self._versions[key] = version
        version.active += 1  # so that others that make room meanwhile don't end it
        try:
            version.prepare()
            self._make_room(key)
        finally:
            version.active -= 1
        return version

    def _make_room(self, newest: Key) -> None:
        for key, version in self._versions.items():
            version.replaced |= key.deployment == newest.deployment and key != newest
        self._end_unused()

    def _end_unused(self) -> None:
        """End warm parents that were replaced, are idle, or exceed the maximum number (least recently used first)."""
        now = time.monotonic()
        excess = len(self._versions) - self.limits.warm
        unused: list[Key] = []
        for key, version in list(self._versions.items()):
            version.end_idle()
            idle = now - version.last_used
            superfluous = version.replaced or idle > self.limits.idle or len(unused) < excess
            if not version.active and (not version.alive or superfluous):
                unused.append(key)
        # Removed before any is ended: ending lets other green threads run.
        for version in [self._versions.pop(key) for key in unused]:
            self._drop(version)

    def _sweep(self) -> None:
        while True:
            eventlet.sleep(_SWEEP_SECONDS)
            self._end_unused()

    def _drop(self, version: Version) -> None:
        self._nursery.end(version)
        self._deployments.discard(version.folder)

    def _ended(self, invocation: Invocation, transaction: str, failure: Failure | None) -> None:
        text = invocation.log() + (failure.traceback if failure else "")
        request = invocation.request
        self._record(request, transaction, failure, invocation.started, text)
        if request.generate_log:
            self._store_log(request, text)

    def _record(self, request: Any, transaction: str, failure: Failure | None, started: float, text: str) -> None:
        if failure is not None:
            self.journal.fail(transaction, request.storlet_id, failure)
        outcome = f"{failure.kind}: {failure.message}" if failure else "ok"
        seconds = time.monotonic() - started
        record = Record(time.time(), transaction, self.journal.request(transaction), outcome, seconds, text)
        try:
            self.journal.write(request.options["scope"], request.storlet_id, record)
        except OSError as error:  # a full disk must not fail a successful invocation
            request.file_manager.logger.warning(f"the log of {request.storlet_id} can't be written: {error}")

    def _store_log(self, request: Any, text: str) -> None:
        name = log_name(request.storlet_id)
        try:
            # In a green thread of its own, because this changes the logger's transaction ID.
            eventlet.spawn(self._deployments.put_log, request.file_manager, name, encode(text)).wait()
        except (Exception, eventlet.Timeout) as error:
            request.file_manager.logger.warning(f"the log object {name} can't be stored: {error}")


def log_name(storlet: str) -> str:
    """Return the name of the object for a storlet's log, by upstream's rule (``_upload_storlet_logs``)."""
    return f"{storlet.split('-')[0]}.log"


def _import_log(version: Version) -> str:
    if version.log < 0:
        return ""
    size = os.fstat(version.log).st_size
    return os.pread(version.log, 65536, max(0, size - 65536)).decode(errors="replace")


_engines: dict[str, Engine] = {}


def open_engine(
    name: str,
    data: Path,
    limits: Limits,
    *,
    folder: Path | None = None,
    journal: Any = None,
    lookups: Lookups | None = None,
) -> Engine:
    """Open an engine under a name, for this process's gateways.

    The middleware creates a gateway for each request and passes it only its configuration, so gateways find engines by
    name.

    :param name: the engine's folder, relative to the data folder, as in the gateway's configuration
    :param folder: a different folder, for an additional proxy's engine; the other options are those of :class:`Engine`
    """
    engine = Engine(folder or data / name, data, limits, journal, lookups)
    engine.open()
    _engines[name] = engine
    return engine


def engine_of(name: str) -> Engine:
    """Return the open engine with a name."""
    return _engines[name]
