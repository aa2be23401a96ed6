"""What became of invocations: their logs and tracebacks on disk, their failures at hand for the answers.

A storlet's last invocations are in a file of JSON lines; older ones make room.
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
    """One invocation.

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
        outcome = " ".join(self.outcome.split())  # a storlet may have worded it: it stays on this line
        header = f"--- {moment} {self.transaction or '-'} {self.request or '-'}: {outcome} ({self.seconds:.3f} s)"
        text = self.text if not self.text or self.text.endswith("\n") else self.text + "\n"
        return f"{header}\n{text}"


class Journal:
    """The records of a data folder.

    :param folder: where they are kept
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._requests: dict[str, str] = {}
        self._failures: OrderedDict[str, tuple[str, Failure]] = OrderedDict()
        self._places: dict[str, str] = {}
        self._sizes: dict[Path, tuple[int, int]] = {}

    def announce(self, transaction: str, request: str) -> None:
        """Take down what a transaction asks for."""
        self._requests[transaction] = request

    def forget(self, transaction: str) -> None:
        """Forget a transaction that is over."""
        self._requests.pop(transaction, None)
        self._places.pop(transaction, None)

    def request(self, transaction: str) -> str:
        """Return what a transaction asks for; empty if that is not known."""
        return self._requests.get(transaction, "")

    def fail(self, transaction: str, storlet: str, failure: Failure) -> None:
        """Take down why a transaction's storlet failed."""
        self._failures[transaction] = (storlet, failure)
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def failure(self, transaction: str) -> tuple[str, Failure] | None:
        """Return a transaction's failed storlet and why it failed."""
        return self._failures.get(transaction)

    def ran(self, transaction: str, place: str) -> None:
        """Take down where a transaction's storlet runs; one that nobody has announced, or that is over, is left out."""
        if transaction in self._requests:
            self._places[transaction] = place

    def place(self, transaction: str) -> str:
        """Return where a transaction's storlet has run; empty if none has."""
        return self._places.get(transaction, "")

    def write(self, account: str, storlet: str, record: Record) -> None:
        """Append a record to a storlet's.

        :raises OSError: the disk has no room for it; half of the reserve is left to Swift's databases alone
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
            file.write(f"\n{line}")  # not at the end of a part of one that a full disk or a kill has left
        count, size = self._sizes[path]
        self._sizes[path] = (count + 1, size + len(line))
        if count >= 2 * _KEPT or size > 2 * _KEPT_BYTES:
            self._trim(path)

    def read(self, account: str, storlet: str) -> Iterator[Record]:
        """Yield what is kept of a storlet's invocations, the newest last."""
        for line in _newest(_lines(self._path(account, storlet))):
            record = _record(line)
            if record is not None:
                yield record

    def _trim(self, path: Path) -> None:
        kept = _newest(_lines(path))
        temporary = path.with_suffix(".new")
        temporary.write_text("".join(kept))
        temporary.replace(path)
        self._sizes[path] = (len(kept), sum(map(len, kept)))

    def _path(self, account: str, storlet: str) -> Path:
        name = quote(storlet, safe="")
        if len(name) > 200:  # an object's name may be longer than a file's
            name = hashlib.sha256(storlet.encode()).hexdigest()
        return self._folder / quote(account, safe="") / f"{name}.jsonl"


def _record(line: str) -> Record | None:
    """Return the record of a line; None for one that a disk without room, or without power, has mixed up."""
    try:
        fields = json.loads(line)
        return Record(**{name: kind(fields[name]) for name, kind in _FIELDS.items()})
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _lines(path: Path) -> list[str]:
    """Return a file's whole lines; a process that was killed, or a full disk, may have left a part of one."""
    try:
        lines = path.read_text(errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    return [line for line in lines if line.endswith("}\n")]


def _newest(lines: list[str]) -> list[str]:
    kept: list[str] = []
    size = 0
    for line in reversed(lines[-_KEPT:]):
        size += len(line)
        if kept and size > _KEPT_BYTES:
            break
        kept.insert(0, line)
    return kept
