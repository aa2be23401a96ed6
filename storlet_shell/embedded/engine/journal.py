"""The outcomes of invocations: logs and tracebacks on disk, and recent failures in memory for the answers.

A storlet's latest invocations are in a file of JSON lines; older ones are dropped.
"""

from __future__ import annotations

import errno
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from storlet_shell.embedded.engine.failures import Failure
from storlet_shell.embedded.sandbox.disk import RESERVED_BYTES, shortage

_KEPT = 50
_KEPT_BYTES = 256 * 1024
_REMEMBERED = 1000

_FIELDS = {"time": float, "transaction": str, "request": str, "outcome": str, "seconds": float, "text": str}


@dataclass(frozen=True)
class Record:
    """The record of an invocation.

    :ivar time: when it ended, in seconds since the epoch
    :ivar request: method and path, as the client sent them
    :ivar outcome: ``ok``, or the kind of failure and its message
    :ivar text: its log, then its traceback
    """

    time: float
    transaction: str
    request: str
    outcome: str
    seconds: float
    text: str

    def render(self) -> str:
        """Return it as text: a header line, then its log and traceback."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.time))
        outcome = " ".join(self.outcome.split())  # on one line, since its text may come from a storlet
        header = f"--- {moment} {self.transaction or '-'} {self.request or '-'}: {outcome} ({self.seconds:.3f} s)"
        text = self.text if not self.text or self.text.endswith("\n") else self.text + "\n"
        return f"{header}\n{text}"


class Journal:
    """The records of a data folder.

    :param folder: where they are stored
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._requests: dict[str, str] = {}
        self._failures: OrderedDict[str, tuple[str, Failure]] = OrderedDict()
        self._places: dict[str, str] = {}
        self._sizes: dict[Path, tuple[int, int]] = {}

    def announce(self, transaction: str, request: str) -> None:
        """Record a transaction's request."""
        self._requests[transaction] = request

    def forget(self, transaction: str) -> None:
        """Forget a finished transaction."""
        self._requests.pop(transaction, None)
        self._places.pop(transaction, None)

    def request(self, transaction: str) -> str:
        """Return a transaction's request; empty if unknown."""
        return self._requests.get(transaction, "")

    def fail(self, transaction: str, storlet: str, failure: Failure) -> None:
        """Record the failure of a transaction's storlet."""
        self._failures[transaction] = (storlet, failure)
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def failure(self, transaction: str) -> tuple[str, Failure] | None:
        """Return the storlet of a transaction and its failure."""
        return self._failures.get(transaction)

    def ran(self, transaction: str, place: str) -> None:
        """Record where a transaction's storlet runs; transactions that weren't announced, or are over, are ignored."""
        if transaction in self._requests:
            self._places[transaction] = place

    def place(self, transaction: str) -> str:
        """Return where a transaction's storlet ran; empty if none has."""
        return self._places.get(transaction, "")

    def write(self, account: str, storlet: str, record: Record) -> None:
        """Append a record to a storlet's file.

        :raises OSError: if the disk is full; half of the reserve is kept for Swift's databases
        """
        reason = shortage(reserved=RESERVED_BYTES // 2)
        if reason:
            raise OSError(errno.ENOSPC, reason)
        path = self._path(account, storlet)
        line = json.dumps(asdict(record)) + "\n"
        if path not in self._sizes:
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = _lines(path)
            self._sizes[path] = (len(lines), sum(map(len, lines)))
        with path.open("a") as file:
            file.write(f"\n{line}")  # starts a new line, in case a full disk or a kill has left a partial one
        count, size = self._sizes[path]
        self._sizes[path] = (count + 1, size + len(line))
        if count >= 2 * _KEPT or size > 2 * _KEPT_BYTES:
            self._trim(path)

    def read(self, account: str, storlet: str) -> Iterator[Record]:
        """Yield the records of a storlet's latest invocations, newest last."""
        for line in _newest(_lines(self._path(account, storlet))):
            record = _record(line)
            if record is not None:
                yield record

    def _trim(self, path: Path) -> None:
        lines = _newest(_lines(path))
        temporary = path.with_suffix(".new")
        temporary.write_text("".join(lines))
        temporary.replace(path)
        self._sizes[path] = (len(lines), sum(map(len, lines)))

    def _path(self, account: str, storlet: str) -> Path:
        name = quote(storlet, safe="")
        if len(name) > 200:  # an object's name may be longer than a file's
            name = hashlib.sha256(storlet.encode()).hexdigest()
        return self._folder / quote(account, safe="") / f"{name}.jsonl"


def _record(line: str) -> Record | None:
    """Parse a record; None for a line that a full disk or a power failure has damaged."""
    try:
        fields = json.loads(line)
        return Record(**{name: kind(fields[name]) for name, kind in _FIELDS.items()})
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _lines(path: Path) -> list[str]:
    """Return a file's complete lines; a killed process or a full disk may have left a partial one."""
    try:
        lines = path.read_text(errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    return [line for line in lines if line.endswith("}\n")]


def _newest(lines: list[str]) -> list[str]:
    newest: list[str] = []
    size = 0
    for line in reversed(lines[-_KEPT:]):
        size += len(line)
        if newest and size > _KEPT_BYTES:
            break
        newest.insert(0, line)
    return newest
