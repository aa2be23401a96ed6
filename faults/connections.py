"""Connections that are reset, closed and stalled at every 64 KiB of a body, and a server that drips."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from random import Random

from faults.count import Count
from faults.place import Place, judge, place
from faults.relay import BODY, CLOSE, DRIP, HEAD, REQUEST, RESET, STALL, Fault
from storlet_shell.errors import ExitStatus
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.requests import Request
from tests.support.relay import Sent
from tests.support.storlets import STORLETS

STEP = 64 * 1024
SIZE = 2 * 2**20
TIMEOUTS = {RESET: "60", CLOSE: "60", STALL: "1", DRIP: "2"}
"""Seconds after which clients give up on a silent server."""

CONTENT = Random(1).randbytes(SIZE)
BEFORE = b"what was there before"
AT_A_TIME = 12
_CONTAINER = "faults"


@dataclass(frozen=True)
class Transfer:
    """A line that transfers the body.

    :param words: the line; ``{file}`` and ``{name}`` are the local file and the object
    :param method: the method of the request with the body
    :param part: the part of the exchange that contains the body
    :param again: whether it is sent again if the connection fails
    """

    words: str
    method: str
    part: str
    again: bool = False


TRANSFERS = {
    "get --save": Transfer(f"get {_CONTAINER}/body --save {{file}}", "GET", BODY),
    "download": Transfer(f"download {_CONTAINER}/body {{folder}}", "GET", BODY),
    "put": Transfer(f"put body {_CONTAINER}/{{name}}", "PUT", REQUEST, again=True),
    "upload": Transfer(f"upload body {_CONTAINER}/{{name}}", "PUT", REQUEST, again=True),
    "copy": Transfer(f"copy {_CONTAINER}/body {_CONTAINER}/{{name}}", "COPY", HEAD, again=True),
}
"""A copy has no body: it is cut off before its answer."""


def counts() -> Iterator[Count]:
    """Yield a row for each kind of failure and each command."""
    with place() as site, ThreadPoolExecutor(AT_A_TIME) as threads:
        client = site.client()
        client.send(Request("PUT", _CONTAINER)).read()
        client.send(Request("PUT", _CONTAINER, "body"), bytes_body(CONTENT)).read()
        (site.folder / "body").write_bytes(CONTENT)
        for name, transfer in TRANSFERS.items():
            for manner in (RESET, CLOSE, STALL):
                count = Count(f"connection {manner}: {name}")
                faults = list(itertools.product(_places(transfer), (True, False) if transfer.again else (False,)))
                kind = f"{name.split()[0]}-{manner}"
                tries = [
                    Try(site, transfer, manner, at, is_once, f"{kind}-{n}") for n, (at, is_once) in enumerate(faults)
                ]
                for judged in threads.map(Try.run, tries):
                    judged(count)
                yield count
        yield _dripping(site, threads)
        client.close()


def _places(transfer: Transfer) -> range:
    return range(0, SIZE, STEP if transfer.part != HEAD else SIZE // 4)


@dataclass(frozen=True)
class Try:
    """A transfer whose connection fails at a byte, at its first attempt or at every attempt."""

    place: Place
    transfer: Transfer
    manner: str
    at: int
    is_once: bool
    name: str

    def run(self) -> Callable[[Count], None]:
        """Run it; return a function that counts the result."""
        folder = self.place.folder / self.name
        folder.mkdir()
        file, target = folder / "body", self.name
        file.write_bytes(BEFORE)
        client = self.place.client()
        client.send(Request("PUT", _CONTAINER, target), bytes_body(BEFORE)).read()
        words = self.transfer.words.format(file=file, folder=folder, name=target).split()
        with self.place.relay(self._chooser()) as relay:
            ended = self.place.clients.run(["--timeout", TIMEOUTS[self.manner], *words], self.place.environ(relay))
        stored = client.send(Request("GET", _CONTAINER, target)).read()
        client.close()
        is_done, downloads = ended.status == ExitStatus.OK, self.transfer.part == BODY
        # A truncated upload is never stored; a complete one whose answer was lost may be.
        may_be_done = not downloads and (is_done or self.is_once or self.transfer.part == HEAD)
        may_be = {CONTENT if is_done else BEFORE} | ({CONTENT} if may_be_done else set())
        local, remote = file.read_bytes(), stored
        whole = (local in may_be and remote == BEFORE) if downloads else (local == BEFORE and remote in may_be)
        leftovers = [path for path in folder.iterdir() if path != file]
        wanted = {ExitStatus.OK if self.transfer.again and self.is_once else ExitStatus.SERVICE}
        if self.manner == STALL:
            wanted.add(ExitStatus.SERVICE)  # such a short timeout may also end a busy server's answer
        file.unlink()
        label = f"{' '.join(words)}, at {self.at}, {'once' if self.is_once else 'always'}"
        return partial(
            judge,
            label=label,
            ended=ended,
            good=ended.status in wanted and ended.is_clear,
            whole=whole,
            files=len(leftovers),
        )

    def _chooser(self) -> Callable[[int, Sent], Fault | None]:
        attempts = itertools.count()

        def choose(_: int, sent: Sent) -> Fault | None:
            is_it = sent.method == self.transfer.method and "/v1/" in sent.target and "?" not in sent.target
            if not is_it or (next(attempts) and self.is_once):
                return None
            return Fault(self.manner, self.transfer.part, self.at)

        return choose


def _dripping(site: Place, threads: ThreadPoolExecutor) -> Count:
    """Make a server answer at one byte per second: a timeout must end it, whatever the request."""
    count = Count("a byte of the answer's head each second")
    lines = [
        "get faults/body",
        "get faults/body --save file",
        "put body faults/dripped",
        "copy faults/body faults/dripped",
        "ls faults",
        "stat faults/body",
        "mkdir dripped",
        "rm -y faults/dripped",
        "download faults/body .",
        "upload body faults/dripped",
        "deploy upper.py",
        "whoami",
    ]

    def choose(_: int, sent: Sent) -> Fault | None:
        return Fault(DRIP) if sent.target.startswith("/v1/") else None

    (site.folder / "upper.py").write_text(STORLETS["upper.py"])

    def run(line: str) -> None:
        with site.relay(choose) as relay:
            ended = site.clients.run(["--timeout", TIMEOUTS[DRIP], *line.split()], site.environ(relay))
        judge(count, line, ended, good=ended.status == ExitStatus.SERVICE and ended.is_clear, whole=True)

    list(threads.map(run, lines))
    return count
