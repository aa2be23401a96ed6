"""The server's log: one file of bounded size, warnings and worse, no requests, so no tokens either.

Writing to it fails nobody: on a full disk, lines are lost.
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
"""The log, relative to the server's working folder; an older part lies beside it as ``log.1``."""

_LARGEST = 4 * 2**20


class Lossy(io.RawIOBase):
    """Standard output or standard error, whose bytes are lost where they can't be written.

    Python's own streams raise then, in whatever prints a traceback: eventlet's hub does, and that ends the process. At
    exit they raise once more, with the status 120.

    :param fd: 1 or 2
    """

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._fd

    def write(self, data: Any) -> int:
        """Write bytes, or lose them."""
        try:
            return os.write(self._fd, data)
        except OSError:
            return len(data)


class BoundedLog(logging.Handler):
    """Write records to standard error, which is the log file, and begin a new file when that is large.

    :param path: the log file
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Do without a lock: a record is one write, which the kernel does not tear apart.

        A lock that eventlet made green would hang when a native thread (tpool) logs at the same time.
        """
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Write a record unless a filter refuses it; Python 3.13 would take the lock without asking if there is one."""
        kept = bool(self.filter(record))
        if kept:
            self.emit(record)
        return kept

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            os.write(2, f"{self.format(record)}\n".encode(errors="backslashreplace"))
            if os.fstat(2).st_size > _LARGEST:
                begin(self._path)
        except Exception:
            self.handleError(record)


def begin(path: Path) -> None:
    """Begin a new log, keep the last one beside it, and make it standard output and standard error."""
    if path.exists():
        path.replace(path.with_suffix(".1"))
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.close(fd)


def start(path: Path = LOG) -> None:
    """Begin a new log for this process and send all records there."""
    begin(path)
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(Lossy(fd), encoding="utf-8", errors="backslashreplace", write_through=True)  # type: ignore[type-var]
        for fd in (1, 2)
    )
    # Printed at the first import of eventlet 0.41; there is no Swift without eventlet.
    warnings.filterwarnings("ignore", message="\\s*Eventlet is deprecated")
    handler = BoundedLog(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # It names each option that is Swift's, or its own plugin's, in the section that paste.deploy hands it.
    logging.getLogger("keystonemiddleware._common.config").setLevel(logging.ERROR)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def attach(
    _conf: Any, _name: str, _console: bool, _route: str, _format: str, logger: logging.Logger, _adapted: Any
) -> None:
    """Take a Swift logger away from syslog and hand its records to this process's log.

    Swift 2.38 calls this for each logger it makes, by the option ``log_custom_handlers``; it always adds syslog first.
    """
    from swift.common.utils.logs import get_swift_logger  # loaded by now; the log begins before Swift is

    syslog = get_swift_logger.handler4logger.pop(logger, None)
    if syslog is not None:
        logger.removeHandler(syslog)
        syslog.close()
    logger.propagate = True
