"""The server's log: a file of limited size, with warnings and errors. It has no requests, and so no tokens.

Writing to it never fails: on a full disk, lines are lost.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

LOG = Path("log")
"""The log, relative to the server's working folder; the older part is in ``log.1``."""

_LARGEST = 4 * 2**20


class Lossy(io.RawIOBase):
    """Standard output or standard error that discards bytes it can't write.

    Python's own streams would raise an exception in whatever prints a traceback, such as eventlet's hub, which would
    end the process; and again at exit, with status 120.

    :param fd: 1 or 2
    """

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._fd

    def write(self, data: Any) -> int:
        """Write bytes, or discard them."""
        try:
            return os.write(self._fd, data)
        except OSError:
            return len(data)


class BoundedLog(logging.Handler):
    """Writes records to standard error, which is the log file, and starts a new file when it grows large.

    :param path: the log file
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Use no lock: a record is a single write, which the kernel doesn't interleave.

        A lock that eventlet has patched would hang when a native thread (tpool) logs at the same time.
        """
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Write a record unless a filter rejects it; Python 3.13 would use the lock without checking that it exists."""
        is_accepted = bool(self.filter(record))
        if is_accepted:
            self.emit(record)
        return is_accepted

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            os.write(2, f"{self.format(record)}\n".encode(errors="backslashreplace"))
            if os.fstat(2).st_size > _LARGEST:
                begin(self._path)
        except Exception:
            self.handleError(record)


def begin(path: Path) -> None:
    """Start a new log, keep the last one next to it, and redirect standard output and standard error to it."""
    if path.exists():
        path.replace(path.with_suffix(".1"))
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.close(fd)


def start(path: Path = LOG) -> None:
    """Start a new log for this process, and send all records to it."""
    begin(path)
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(Lossy(fd), encoding="utf-8", errors="backslashreplace", write_through=True)  # type: ignore[type-var]
        for fd in (1, 2)
    )
    # Printed when eventlet 0.41 is first imported; Swift can't do without eventlet.
    warnings.filterwarnings("ignore", message="\\s*Eventlet is deprecated")
    handler = BoundedLog(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # It logs each option of Swift's or a plug-in's own in the section that paste.deploy passes to it.
    logging.getLogger("keystonemiddleware._common.config").setLevel(logging.ERROR)
    # Upstream's loader of gateways logs that no entry point has the name of ours, then loads it by its path.
    logging.getLogger("stevedore.named").setLevel(logging.ERROR)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def attach(
    _conf: Any, _name: str, _console: bool, _route: str, _format: str, logger: logging.Logger, _adapted: Any
) -> None:
    """Redirect a Swift logger from syslog to this process's log.

    Swift 2.38 calls this for each logger it creates (option ``log_custom_handlers``); it always adds syslog first.
    """
    from swift.common.utils.logs import get_swift_logger  # already imported; the log starts before Swift is imported

    syslog = get_swift_logger.handler4logger.pop(logger, None)
    if syslog is not None:
        logger.removeHandler(syslog)
        syslog.close()
    logger.propagate = True
