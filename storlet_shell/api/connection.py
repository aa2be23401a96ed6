"""Connect a Python program to a store."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storlet_shell.api.store import Store
from storlet_shell.errors import Hint, UsageError, advise
from storlet_shell.session import Options, Session, Surroundings
from storlet_shell.wire.observer import Observer, Progress, remark

if TYPE_CHECKING:
    from storlet_shell.identity.program import KeystoneSession

LOGGER = logging.getLogger("storlet_shell")
LOGGER.addHandler(logging.NullHandler())  # silent unless the program configures logging


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
    """Return a store. Without arguments, the environment determines the identity, as for a command.

    The first request logs in, and the login is reused.

    :param cloud: the name of a cloud in ``clouds.yaml``
    :param local: use the embedded Swift; join a running one or start one
    :param ephemeral: with ``local``: use a temporary one, deleted when the store is closed
    :param session: the program's own keystoneauth1 ``Session``, whose token, catalog and TLS settings are used; an
        ``Adapter`` also chooses a region or an interface
    :param environ: environment variables to use instead of the process's
    :param timeout: response timeout in seconds (default: the cloud's, or 60)
    :param observer: receives warnings and progress, from one thread at a time
    :raises UsageError: if the arguments contradict each other
    :raises IdentityError: if the identity is missing or incomplete
    :raises EmbeddedError: if the embedded Swift can't be started
    """
    if sum((cloud is not None, local, session is not None)) > 1:
        raise UsageError("cloud, local and session are mutually exclusive")
    if cloud is not None and not (isinstance(cloud, str) and cloud):
        raise UsageError(f"cloud must be the name of a cloud in clouds.yaml, not {cloud!r}")
    if ephemeral and not local:
        raise UsageError("ephemeral requires local")
    if environ is not None and not isinstance(environ, Mapping):
        raise UsageError(f"environ must be a mapping of variables, not {type(environ).__name__}")
    if timeout is not None and not (isinstance(timeout, int | float) and 0 < timeout < float("inf")):
        raise UsageError(f"timeout must be a positive number of seconds, not {timeout!r}")
    identity = {} if cloud is None else {"OS_CLOUD": cloud}
    options = Options(local=local, ephemeral=ephemeral, identity=identity, timeout=timeout, trace=LOGGER.debug)
    surroundings = _Program(dict(os.environ if environ is None else environ), observer)
    login = None
    if session is not None:
        from storlet_shell.identity.program import login_of  # only for programs with their own login

        login = login_of(session, timeout)
    opened = Session(surroundings, options=options, login=login)
    try:
        opened.login  # noqa: B018  it finds the identity, so that a missing one is told here
    except BaseException:
        opened.close()
        raise
    return Store(opened)


class _Program(Surroundings):
    """The surroundings of a Python program: warnings go to its logger and observer, from one thread at a time."""

    def __init__(self, environ: Mapping[str, str], observer: Observer | None) -> None:
        super().__init__(environ)
        self._observer = observer or Observer()
        self._lock = threading.RLock()  # reentrant: an observer may use the store, which calls the observer

    def warn(self, message: str, hint: Hint | None = None) -> None:
        """Pass a warning to the logger and the observer."""
        LOGGER.warning("%s", advise(message, hint, self.spell))
        with self._lock:
            self._observer.warn(message, hint)

    def awaits(self, running: int) -> bool:
        """Ask the observer."""
        with self._lock:
            return self._observer.awaits(running)

    def spell(self, hint: Hint) -> str:
        """Spell a hint in the observer's way."""
        return self._observer.spell(hint)

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:
        """Show progress; exceptions of the context aren't passed to the observer."""
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
        """Forward the call under the lock."""
        with self._lock:
            self._progress.advance(count)

    def expect(self, total: int) -> None:
        """Forward the call under the lock."""
        with self._lock:
            self._progress.expect(total)

    def remark(self, describe: Callable[[], str]) -> None:
        """Forward the call under the lock."""
        with self._lock:
            remark(self._progress, describe)
