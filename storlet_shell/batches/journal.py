"""The journal of a batch: its progress, in an SQLite file that survives a killed process.

An object is recorded as taken before its run begins, and as done within a tenth of a second after its output is safe.
So an object that is taken and not done when a journal is opened may have been under way when the last process
ended: whether it ran is unknown.

Each change is a transaction in SQLite's write-ahead log, which the kernel has as soon as it is made. A power failure
may lose the last transactions, but never the file (``synchronous=NORMAL``).
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple, Self

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, StorletShellError, UsageError
from storlet_shell.values import expand

APPLICATION_ID = 0x53744A31
"""Identifies a journal among SQLite files; its last digit is the version of its tables."""

_MAGIC = b"SQLite format 3\0"
_HEAD_BYTES = 512
_APPLICATION_ID_AT = 68
"""SQLite's file format: the smallest page, and the offset of the application ID."""

_TAKEN, _DONE = 0, 1
_NEWEST = "newest"

_ADDED = frozenset({"server", "container's date"})
"""Missing in the journals of storlet-shell 0.1.0; recorded when they are opened."""

_BETWEEN = 0.1
_MOST_ENDED = 64
_TABLES = """
CREATE TABLE batch (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE objects (name TEXT PRIMARY KEY, state INTEGER NOT NULL) WITHOUT ROWID;
"""


@typed_equality
class Span(NamedTuple):
    """When the first objects of a batch were stored, as the listing says; empty if it doesn't.

    A container that is deleted and created again under its name keeps its ``X-Timestamp`` (swift
    ``container/server.py: _update_or_create``), but all of its objects are newer.
    """

    oldest: str = ""
    newest: str = ""


class Journal:
    """The progress of each object of a batch; a context manager, used by one process.

    :param path: the file; it is created if missing, and used if empty
    :param batch: the description of the batch: names and values, which must match the file's
    :param span: when its objects were stored
    :raises UsageError: when the file is the journal of another batch, or another process uses it
    :raises LocalFileError: when it isn't a journal (it is left unchanged), or can't be read or written

    ``done_count`` and ``under_way`` are the numbers of objects in these states when it was opened.
    """

    def __init__(self, path: str | Path, batch: Mapping[str, str], span: Span | None = None) -> None:
        self._path = expand(path)
        self._ended: list[str] = []
        self._written_at = 0.0
        self._timer: threading.Timer | None = None
        self._mutex = threading.RLock()
        self._lock = self._locked()
        try:
            is_new = self._is_empty()
            self._database = self._opened(batch, span or Span(), is_new=is_new)
        except BaseException as error:
            os.close(self._lock)
            if isinstance(error, sqlite3.Error):
                raise LocalFileError(f"journal {self._path}: not a journal, or damaged: {error}") from error
            raise

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def _locked(self) -> int:
        """Lock the file for the life of the process, independently of SQLite's own locks."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
        try:
            descriptor = os.open(self._path, flags, 0o600)
        except OSError as error:
            raise LocalFileError(f"journal {self._path}: can't write it: {error.strerror}") from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise LocalFileError(f"journal {self._path}: a pipe or a device can't be a journal; name a file")
            self._lock_file(descriptor)
        except OSError:
            os.close(descriptor)
            raise UsageError(f"journal {self._path}: in use by another process") from None
        except LocalFileError:
            os.close(descriptor)
            raise
        return descriptor

    def _lock_file(self, descriptor: int) -> None:
        """Lock an open file exclusively.

        :raises OSError: if another process has locked it
        :raises LocalFileError: if the platform has no file locks
        """
        try:
            import fcntl  # Windows doesn't have it
        except ImportError:
            raise LocalFileError(
                f"journal {self._path}: this platform has no file locks; leave out the journal"
            ) from None
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_empty(self) -> bool:
        """Tell whether the file is empty; SQLite would treat a few bytes of anything as empty, too.

        :raises LocalFileError: when it contains something other than a journal
        """
        head = os.pread(self._lock, _HEAD_BYTES, 0)
        if not head:
            return True
        if not head.startswith(_MAGIC):
            raise LocalFileError(f"journal {self._path}: not a journal; name another file")
        if len(head) < _HEAD_BYTES:
            raise LocalFileError(f"journal {self._path}: damaged: only {len(head)} bytes left")
        application = int.from_bytes(head[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4], "big")
        path = self._path.resolve()
        if not application and Path(f"{path}-wal").exists():  # it may still be in the write-ahead log
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
                application = database.execute("PRAGMA application_id").fetchone()[0]
        if application == APPLICATION_ID:
            return False
        if application >> 8 == APPLICATION_ID >> 8:
            reason = "written by another version of storlet-shell; use that version, or name another file"
        else:
            reason = "an SQLite file, but not a journal; name another file"
        raise LocalFileError(f"journal {self._path}: {reason}")

    def _opened(self, batch: Mapping[str, str], span: Span, *, is_new: bool) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)  # see _mutex
        try:
            if is_new:  # in one transaction: whenever the process ends, the file is empty or a journal
                database.executescript(f"BEGIN IMMEDIATE; PRAGMA application_id={APPLICATION_ID}; {_TABLES}")
            else:
                self._check(database, batch, span)
            rows = [*batch.items(), (_NEWEST, span.newest)]
            database.executemany("INSERT OR IGNORE INTO batch VALUES (?, ?)", rows)  # an older journal lacks some
            if is_new:
                database.execute("COMMIT")
            database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
            self.under_way, self.done_count = (self._count(database, state) for state in (_TAKEN, _DONE))
        except BaseException:
            database.close()
            raise
        return database

    def _check(self, database: sqlite3.Connection, batch: Mapping[str, str], span: Span) -> None:
        recorded = dict(database.execute("SELECT name, value FROM batch"))
        newest = recorded.pop(_NEWEST, "")
        refusal = f"journal {self._path}: belongs to another batch"
        for name in sorted({*recorded, *batch} - (_ADDED - set(recorded))):
            if recorded.get(name) != batch.get(name):
                had, has = (values.get(name) or "none" for values in (recorded, batch))
                raise UsageError(f"{refusal} ({name} was {had}, now {has}); name another file")
        if newest and span.oldest > newest:
            reason = "all objects were stored after it began, so the container was created again"
            raise UsageError(f"{refusal} ({reason}); name another file")

    @staticmethod
    def _count(database: sqlite3.Connection, state: int) -> int:
        return int(database.execute("SELECT count(*) FROM objects WHERE state = ?", (state,)).fetchone()[0])

    def is_done(self, name: str) -> bool:
        """Tell whether an object was recorded as done when the journal was opened."""
        if not self.done_count:
            return False
        row = self._execute("SELECT state FROM objects WHERE name = ?", (name,)).fetchone()
        return row is not None and row[0] == _DONE

    def take(self, names: list[str]) -> None:
        """Record that these objects' runs are about to begin."""
        self._record(names, _TAKEN)

    def end(self, name: str, *, succeeded: bool) -> None:
        """Record that an object is done, or forget that it was taken, because its run failed, say.

        Finished objects are written at most ten times a second, several at a time.
        """
        if not succeeded:
            self._execute("DELETE FROM objects WHERE name = ?", (name,))
            return
        with self._mutex:
            self._ended.append(name)
            wait = self._written_at + _BETWEEN - time.monotonic()
            if wait <= 0 or len(self._ended) >= _MOST_ENDED:
                self.write()
            elif self._timer is None:
                self._timer = threading.Timer(wait, self._write_late)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Write pending records."""
        with self._mutex:
            self._record(self._ended, _DONE)
            self._ended = []
            self._written_at = time.monotonic()

    def _write_late(self) -> None:
        """Write pending records if the next object takes long; an error is raised by the next write."""
        with self._mutex, suppress(LocalFileError):
            self._timer = None
            self.write()

    def _record(self, names: list[str], state: int) -> None:
        if names:
            rows = ", ".join(["(?, ?)"] * len(names))  # one statement: each one gives up the interpreter lock
            values = [value for name in names for value in (name, state)]
            self._execute(f"INSERT OR REPLACE INTO objects VALUES {rows}", values)  # noqa: S608  they are question marks

    def _execute(self, statement: str, values: Sequence[object]) -> sqlite3.Cursor:
        try:
            with self._mutex:
                return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise LocalFileError(f"journal {self._path}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._mutex:
            if self._timer is not None:
                self._timer.cancel()
            with suppress(sqlite3.Error, StorletShellError):
                self.write()
                self._database.close()
        os.close(self._lock)


class Outputs:
    """The outputs of a batch with their inputs, in a temporary file, to find two inputs of one output."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
            "CREATE TABLE outputs (name TEXT PRIMARY KEY, input TEXT) WITHOUT ROWID; BEGIN"
        )

    def add(self, output: str, source: str) -> None:
        """Add an output.

        :raises UsageError: when another input has the same output
        """
        try:
            self._database.execute("INSERT INTO outputs VALUES (?, ?)", (output, source))
        except sqlite3.IntegrityError:
            (other,) = self._database.execute("SELECT input FROM outputs WHERE name = ?", (output,)).fetchone()
            raise UsageError(f"{other} and {source} would both make {output}; nothing was run") from None
        except sqlite3.Error as error:
            raise StorletShellError(f"can't keep the list of outputs: {error}") from error

    def close(self) -> None:
        """Delete the file."""
        self._database.close()
