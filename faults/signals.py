"""SIGINT, SIGTERM and SIGHUP at random moments of lines, command files and the interactive shell."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from faults.clients import HUNG_SECONDS, Ended
from faults.count import Count
from faults.place import Place, judge, place
from faults.state import State, contents, stored
from faults.terminals import Terminal
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.storlets import STORLETS

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TRIES = 8
"""How often each signal is sent to each line."""

AT_A_TIME = 4
CONTENT = random.Random(2).randbytes(2 * 2**20)
BEFORE = b"what was there before"
_OBJECTS = 12
_OURS = re.compile(r"storlet_shell/(?!__main__|__init__)")
_PROGRAM = [sys.executable, "-m", "storlet_shell"]

LINES = {
    "get --save": "get {w}/body --save file",
    "put": "put body {w}/file",
    "upload": "upload up {w}/up",
    "deploy": "deploy {w}_up.py -d {w}_more.py",
    "map --journal": "map --storlet upper.py --input path:/{w}/in/* --save made --journal journal -j 2",
    "command file": "-f lines {w}",
}
_SCRIPT = "put body ${1}/file\nget ${1}/body --save file\nls ${1} > listing\n"


def counts() -> Iterator[Count]:
    """Yield a row for each signal and each kind of line."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"signals: FAULTS_SEED={seed}", file=sys.stderr)
    with place() as site, ThreadPoolExecutor(AT_A_TIME) as threads:
        worlds = iter(range(10**6))
        _deploy(site)
        for name, words in LINES.items():
            clean = [Try(site, name, words, f"w{next(worlds)}") for _ in range(AT_A_TIME)]
            longest = max(threads.map(Try.time_clean, clean))
            for number in SIGNALS:
                count = Count(f"{number.name}: {name}")
                chosen = random.Random(f"{seed} {name} {number}")
                tries = [(Try(site, name, words, f"w{next(worlds)}"), chosen.uniform(0, longest)) for _ in range(TRIES)]
                for judged in threads.map(lambda pair, number=number: pair[0].run(number, pair[1]), tries):
                    judged(count)
                yield count
        for number in SIGNALS:
            yield _shell(site, threads, number, random.Random(f"{seed} shell {number}"))


def _deploy(site: Place) -> None:
    (site.folder / "upper.py").write_text(STORLETS["upper.py"])
    with site.relay(lambda _number, _sent: None) as relay:
        ended = site.clients.run(["deploy", "upper.py"], site.environ(relay))
    assert ended.status == 0, ended.err


def _signalled(process: subprocess.Popen[bytes], number: signal.Signals | None, delay: float) -> Ended:
    """Wait a while, send a signal, and return the result of the process."""
    if number is not None:
        time.sleep(delay)
        process.send_signal(number)
    try:
        out, err = process.communicate(timeout=HUNG_SECONDS)
        status: int | None = process.returncode if process.returncode >= 0 else 128 - process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        (out, err), status = process.communicate(), None
    leftover = True
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        leftover = False
    return Ended(status, out, err.decode(), leftover)


def _is_good(ended: Ended, number: signal.Signals) -> bool:
    """Tell whether a process ended properly by a signal, or before it.

    SIGTERM and SIGHUP need no message. A traceback during Python's own start, before our code is read, isn't ours.
    """
    is_interrupted = "Traceback" in ended.err
    is_starting = number == signal.SIGINT and is_interrupted and not _OURS.search(ended.err)
    return is_starting or (not is_interrupted and ended.status in (0, 128 + number))


@dataclass(frozen=True)
class Try:
    """A line that is ended by a signal; each has its own objects and files."""

    place: Place
    kind: str
    words: str
    name: str

    def time_clean(self) -> float:
        """Return how many seconds the line takes undisturbed."""
        client = self._make()
        started = time.monotonic()
        ended = self._start(None, 0)
        assert ended.status == 0, ended
        client.close()
        return time.monotonic() - started

    def run(self, number: signal.Signals, delay: float) -> Callable[[Count], None]:
        """Run it and send the signal after this many seconds; return a function that counts the result."""
        client = self._make()
        ended = self._start(number, delay)
        whole = self._is_whole(client, ended)
        files = [path for path in self._folder.rglob("*") if path.suffix == ".part"]
        client.close()
        good = _is_good(ended, number)
        label = f"{number.name} at {delay:.3f} s: {self.words}"
        return lambda count: judge(count, label, ended, good=good, whole=whole, files=len(files))

    @property
    def _folder(self) -> Path:
        return self.place.folder / self.name

    def _make(self) -> Client:
        self._folder.mkdir()
        client = self.place.client()
        client.send(Request("PUT", self.name)).read()
        for name, content in {"body": CONTENT, "file": BEFORE}.items():
            client.send(Request("PUT", self.name, name), bytes_body(content)).read()
            (self._folder / name).write_bytes(content)
        if self.kind == "map --journal":
            for number in range(_OBJECTS):
                client.send(Request("PUT", self.name, f"in/{number}"), bytes_body(b"abc" * number)).read()
        (self._folder / "up").mkdir()
        for number in range(_OBJECTS):
            (self._folder / "up" / str(number)).write_text(f"file {number}" * 1000)
        (self._folder / f"{self.name}_up.py").write_text(STORLETS["upper.py"])
        (self._folder / f"{self.name}_more.py").write_text("MORE = 1\n")
        (self._folder / "lines").write_text(_SCRIPT)
        return client

    def _start(self, number: signal.Signals | None, delay: float) -> Ended:
        process = subprocess.Popen(
            [*_PROGRAM, *self.words.format(w=self.name).split()],
            cwd=self._folder,
            env=self.place.own_environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        return _signalled(process, number, delay)

    def _is_whole(self, client: Client, ended: Ended) -> bool:
        """Tell whether nothing is incomplete, and everything that was reported as done is done."""
        local_state, remote_state = contents(self._folder), stored(client, self.name)
        local, succeeded = local_state["file file"].encode("latin-1"), ended.status == 0
        remote = client.send(Request("GET", self.name, "file")).read()
        if self.kind == "map --journal":
            return self._resumes(ended)
        if self.kind == "deploy":
            parts = [name for name in remote_state if name.startswith(("object storlet/", "object dependency/"))]
            return len(parts) == 2 if succeeded else len(parts) in (0, 2)
        if self.kind == "upload":
            return self._is_uploaded(client, remote_state, succeeded=succeeded)
        is_local_good = local == CONTENT or (local == BEFORE and (not succeeded or self.kind == "put"))
        is_remote_good = remote == CONTENT or (remote == BEFORE and (not succeeded or self.kind == "get --save"))
        return is_local_good and is_remote_good

    def _is_uploaded(self, client: Client, remote_state: State, *, succeeded: bool) -> bool:
        names = [str(number) for number in range(_OBJECTS) if f"object W/up/{number}" in remote_state]
        bodies = {name: client.send(Request("GET", self.name, f"up/{name}")).read() for name in names}
        return (not succeeded or len(names) == _OBJECTS) and all(
            body == (self._folder / "up" / name).read_bytes() for name, body in bodies.items()
        )

    def _resumes(self, ended: Ended) -> bool:
        """Repeat a batch with its journal: it must do what wasn't finished, and nothing that was shown as finished."""
        shown = set(re.findall(rb"\s200\s.*?(in/\d+)$|^200\s.*?(in/\d+)$", ended.out, re.MULTILINE))
        again = self._start(None, 0)
        twice = [name for pair in shown for name in pair if name and re.search(rb"\b" + name + rb"$", again.out, re.M)]
        results = {path.name: path.read_bytes() for path in (self._folder / "made" / "in").iterdir()}
        return again.status == 0 and not twice and results == {str(n): b"ABC" * n for n in range(_OBJECTS)}


def _shell(site: Place, threads: ThreadPoolExecutor, number: signal.Signals, chosen: random.Random) -> Count:
    """Send a signal to shells that wait for a line, or run one, or are just starting."""
    count = Count(f"{number.name}: interactive shell")

    def run(moment: float) -> tuple[Ended, bool]:
        with Terminal(_PROGRAM, site.shell_environ("/dev/null")) as terminal:
            terminal.wait_for_prompt()
            terminal.type("ls\r" if moment < 0.5 else "")
            time.sleep(moment / 2)
            terminal.process.send_signal(number)
            if number == signal.SIGINT:  # ends a line, not the shell
                terminal.type("\r")
                terminal.wait_for_prompt()
                return terminal.leave(), terminal.is_restored
            return terminal.end(), terminal.is_restored

    for ended, is_restored in threads.map(run, [chosen.random() for _ in range(TRIES)]):
        wanted = 0 if number == signal.SIGINT else 128 + number
        good = ended.status == wanted and is_restored
        judge(count, f"terminal restored: {is_restored}", ended, good=good, whole=True)
    return count
