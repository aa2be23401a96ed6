"""Swift's background daemons, run as green threads in the server's process.

==================== =========================================================== ==========================
daemon               work                                                        schedule
==================== =========================================================== ==========================
container updater    reports a container's object count and size to its account  a second after a change
object updater       adds listing entries that failed during their upload        at start, every 30 seconds
object expirer       removes expired objects (``X-Delete-At``) from listings     at start, every 30 seconds
==================== =========================================================== ==========================

An expired object answers 404 immediately; only its listing entry lags. Replicators, the reconstructor, auditors, the
sharder and the reconciler don't run: nothing has a second replica, and no disk fails alone. So the tombstones of
deleted objects, a few bytes each, stay on the disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import eventlet
from swift.common.utils import get_logger, hash_path, storage_directory
from swift.container.backend import DATADIR
from swift.container.updater import ContainerUpdater
from swift.obj.expirer import ObjectExpirer
from swift.obj.updater import ObjectUpdater

from storlet_shell.embedded.middleware.cache import WSGI
from storlet_shell.embedded.server.configuration import daemon_options
from storlet_shell.embedded.server.policies import DEVICE, DEVICES

_REPORT_SECONDS = 1.0
_FIRST_SWEEP_SECONDS, _SWEEP_SECONDS = 5.0, 30.0
_CHANGES = frozenset(("PUT", "DELETE", "UPDATE"))


class Upkeep:
    """The daemons, as green threads."""

    def __init__(self) -> None:
        self._changed: set[tuple[str, str, str]] = set()
        self._logger = get_logger({}, log_route="upkeep")

    def watch(self, container_server: WSGI) -> WSGI:
        """Wrap the container server to record containers in which objects are added or deleted."""

        def watching(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] in _CHANGES:
                # /DEVICE/PARTITION/ACCOUNT/CONTAINER[/OBJECT], each character one byte of UTF-8
                parts = environ["PATH_INFO"].encode("latin-1").decode().split("/", 5)
                if len(parts) > 4:
                    self._changed.add((parts[2], parts[3], parts[4]))
            return container_server(environ, start_response)

        return watching

    def start(self) -> None:
        """Start working, some time after the first requests."""
        eventlet.spawn_after(_REPORT_SECONDS, self._report_changes)
        eventlet.spawn_after(_FIRST_SWEEP_SECONDS, self._sweep)

    def _report_changes(self) -> None:
        """Report changed containers to their accounts, in an endless loop."""
        updater = ContainerUpdater(daemon_options())
        while True:
            changed, self._changed = self._changed, set()
            for partition, account, container in changed:
                name = hash_path(account, container)
                path = Path("devices", DEVICE, storage_directory(DATADIR, partition, name), f"{name}.db")
                if path.exists():
                    self._attempt(updater.process_container, str(path))
            eventlet.sleep(_REPORT_SECONDS)

    def _sweep(self) -> None:
        """Look for unfinished work everywhere, in an endless loop; first for what the last server left."""
        container_updater = ContainerUpdater(daemon_options())
        object_updater, expirer = ObjectUpdater(daemon_options()), ObjectExpirer(daemon_options())
        for path in container_updater.get_paths():
            self._attempt(container_updater.container_sweep, path)
        while True:
            object_updater.begin = time.time()
            for device in DEVICES:
                self._attempt(object_updater.object_sweep, f"devices/{device}")
            self._attempt(expirer.run_once)
            eventlet.sleep(_SWEEP_SECONDS)

    def _attempt(self, work: Callable[..., Any], *arguments: str) -> None:
        """Do a piece of work; log a failure without stopping anything else."""
        try:
            work(*arguments)
        except (Exception, eventlet.Timeout):
            self._logger.exception("%s %s", work.__qualname__, arguments)
