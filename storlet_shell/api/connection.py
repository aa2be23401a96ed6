"""How a Python program gets a store."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storlet_shell.api.store import Store
from storlet_shell.errors import Hint, UsageError, advise
from storlet_shell.session import Options, Session, Surroundings
from storlet_shell.wire.observer import Observer, Progress

if TYPE_CHECKING:
    from storlet_shell.identity.program import KeystoneSession

LOGGER = logging.getLogger("storlet_shell")
LOGGER.addHandler(logging.NullHandler())  # a program that has set up no logging is shown nothing


def connect(
    cloud: str | None = None,
    *,
    local: bool = False,
    ephemeral: bool = False,
    session: KeystoneSession | None = None,
    environ: Mapping[str, str] | None = None,
    timeout: float | None = None,
    observer: Observer | None = None,
) -> Store:
    """Return a store. Without arguments, the environment says whose, as it does for a command.

    The login is made by the first request, and kept.

    :param cloud: a cloud of ``clouds.yaml``
    :param local: use the embedded Swift; join a running one or start one
    :param ephemeral: with ``local``: a temporary one, deleted when the store is closed
    :param session: a keystoneauth1 ``Session`` that the program has: its token, catalog and TLS settings are used. An
        ``Adapter`` chooses a region or an interface as well
    :param environ: variables to use in the place of the process's
    :param timeout: seconds without an answer after which a request fails (default: the cloud's, or 60)
    :param observer: told of warnings and progress, by one thread at a time
    :raises UsageError: when arguments contradict each other
    :raises IdentityError: when there is no identity, or half of one
    :raises EmbeddedError: when the embedded Swift can't be started
    """
    if sum((cloud is not None, local, session is not None)) > 1:
        raise UsageError("connect takes one of cloud, local and session")
    if cloud is not None and not (isinstance(cloud, str) and cloud):
        raise UsageError(f"cloud is the name of a cloud of clouds.yaml, not {cloud!r}")
    if ephemeral and not local:
        raise UsageError("ephemeral goes with local")
    if environ is not None and not isinstance(environ, Mapping):
        raise UsageError(f"environ is a mapping of variables, not {type(environ).__name__}")
    if timeout is not None and not (isinstance(timeout, int | float) and 0 < timeout < float("inf")):
        raise UsageError(f"timeout is a number of seconds above 0, not {timeout!r}")
    identity = {} if cloud is None else {"OS_CLOUD": cloud}
    options = Options(local=local, ephemeral=ephemeral, identity=identity, timeout=timeout, trace=LOGGER.debug)
    surroundings = _Program(dict(os.environ if environ is None else environ), observer)
    login = None
    if session is not None:
        from storlet_shell.identity.program import login_of  # for programs that log in themselves

        login = login_of(session, timeout)
    opened = Session(surroundings, options=options, login=login)
    try:
        opened.login  # noqa: B018  it finds the identity, so that a missing one is told here
    except BaseException:
        opened.close()
        raise
    return Store(opened)


class _Program(Surroundings):
    """A Python program: warnings go to its logging and to its observer, which one thread at a time tells something."""

    def __init__(self, environ: Mapping[str, str], observer: Observer | None) -> None:
        super().__init__(environ)
        self._observer = observer or Observer()
        self._lock = threading.RLock()  # an observer may use the store, which tells it something

    def warn(self, message: str, hint: Hint | None = None) -> None:
        """Pass a warning on."""
        LOGGER.warning("%s", advise(message, hint, self.spell))
        with self._lock:
            self._observer.warn(message, hint)

    def spell(self, hint: Hint) -> str:
        """Spell a hint as the observer does."""
        return self._observer.spell(hint)

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:
        """Show how far something is; what raises in between is not shown to the observer."""
        showing = self._observer.progress(label, total, unit)
        with self._lock:
            progress = showing.__enter__()
        try:
            yield _Locked(progress, self._lock)
        finally:
            with self._lock:
                showing.__exit__(None, None, None)


class _Locked:
    def __init__(self, progress: Progress, lock: threading.RLock) -> None:
        self._progress = progress
        self._lock = lock

    def advance(self, count: int) -> None:
        """Pass it on."""
        with self._lock:
            self._progress.advance(count)

    def expect(self, total: int) -> None:
        """Pass it on."""
        with self._lock:
            self._progress.expect(total)
