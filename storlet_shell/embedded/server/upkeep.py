"""What background daemons do in a cloud, done here in the server's process by Swift's own daemon classes.

==================== =========================================================== ==========================
daemon               work                                                        when
==================== =========================================================== ==========================
container updater    a container's object count and bytes, told to its account   a second after a change
object updater       listing entries that could not be made with their upload    at start, each half minute
object expirer       objects past their ``X-Delete-At``, out of their listings   at start, each half minute
==================== =========================================================== ==========================

An expired object answers 404 at once in any case; only its listing entry waits. Replicators, the reconstructor,
auditors, the sharder and the reconciler do not run: nothing has a second replica, and no disk is lost alone. So the
marks of deleted objects, a few bytes each, stay on the disk.
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
        """Wrap the container server so that containers in which objects come and go are noted."""

        def watching(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] in _CHANGES:
                # /DEVICE/PARTITION/ACCOUNT/CONTAINER[/OBJECT], each character one byte of UTF-8
                parts = environ["PATH_INFO"].encode("latin-1").decode().split("/", 5)
                if len(parts) > 4:
                    self._changed.add((parts[2], parts[3], parts[4]))
            return container_server(environ, start_response)

        return watching

    def start(self) -> None:
        """Begin to work, some time after the first requests."""
        eventlet.spawn_after(_REPORT_SECONDS, self._report_for_ever)
        eventlet.spawn_after(_FIRST_SWEEP_SECONDS, self._sweep_for_ever)

    def _report_for_ever(self) -> None:
        """Tell the accounts of containers that have changed."""
        updater = ContainerUpdater(daemon_options())
        while True:
            changed, self._changed = self._changed, set()
            for partition, account, container in changed:
                name = hash_path(account, container)
                path = Path("devices", DEVICE, storage_directory(DATADIR, partition, name), f"{name}.db")
                if path.exists():
                    self._attempt(updater.process_container, str(path))
            eventlet.sleep(_REPORT_SECONDS)

    def _sweep_for_ever(self) -> None:
        """Look everywhere for what is left to do: at first, what the last server did not get to."""
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
        """Do a piece of work; its failure is logged and stops nothing else."""
        try:
            work(*arguments)
        except (Exception, eventlet.Timeout):
            self._logger.exception("%s %s", work.__qualname__, arguments)
