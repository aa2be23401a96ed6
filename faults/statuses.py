"""Error statuses from a server, for each request of each command, once and always."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from queue import Queue

from faults.clients import Ended
from faults.count import EVERY, Count
from faults.place import Place, judge, place
from faults.relay import Fault
from faults.state import State, contents, stored
from storlet_shell.errors import ExitStatus
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.requests import Request
from tests.support.relay import Sent
from tests.support.storlets import STORLETS

STATUSES = (401, 429, 498, 500, 503, 507)
"""Answered to a request once."""

ALWAYS = (401, 500, 503)
"""Answered each time that a request is sent, whether it is retried or not."""

AT_A_TIME = 8
_STORED_AT = 10**9  # an upload preserves it
PATCHES = {
    "storlet_shell.wire.client.BACK_OFF": 0.01,
    "storlet_shell.store.scratch._PAUSE": 0.01,
    "storlet_shell.batches.throttle.FIRST_PAUSE": 0.01,
    "storlet_shell.batches.throttle.PATIENCE": 0.5,
}
"""Shorter pauses between attempts, and a shorter patience of batches; the behavior is the same."""


@dataclass(frozen=True)
class Line:
    """A line that gets error statuses; ``{w}`` in it is a name unique to the trial.

    :param before: lines that prepare it
    :param in_parts: whether a failure may leave some parts done, each completely or not at all
    :param is_batch: whether it is a batch, with a batch's exit status if a part fails
    :param varies: whether its output does, because of other trials or because it can't find something out
    """

    words: str
    before: tuple[str, ...] = ()
    in_parts: bool = False
    is_batch: bool = False
    varies: bool = False


_DEPLOYED = ("deploy old/{w}_up.py -d old/{w}_more.py",)
_MAP = "map --storlet upper.py --input 'path:/{w}/{{a,b}}' -j 1"
LINES = (
    Line("whoami", varies=True),
    Line("info"),
    Line("enable", varies=True),
    Line("ls", varies=True),
    Line("ls {w}"),
    Line("stat {w}"),
    Line("stat {w}/a"),
    Line("mkdir {w}-new"),
    Line("post {w}/a -m colour=green"),
    Line("post {w} -m colour=green"),
    Line("acl list {w}"),
    Line("acl grant {w} alice --storlet upper.py"),
    Line("acl revoke {w} test:reader --read", ("acl grant {w} test:reader --read",)),
    Line("get {w}/a"),
    Line("get {w}/a --save text.txt"),
    Line("get {w}/a --storlet upper.py"),
    Line("get {w}/a --storlet upper.py --save text.txt --extra path:/{w}/b"),
    Line("put text.txt {w}/a"),
    Line("put text.txt {w}/a --storlet upper.py --expect-bytes 12", in_parts=True),
    Line("copy {w}/a {w}/b"),
    Line("copy {w}/a {w}/b --storlet upper.py"),
    Line("upload text.txt {w}/a"),
    Line("upload up {w}/up -j 1", in_parts=True),
    Line("upload text.txt {w}/a --segment-size 6 -j 1", in_parts=True),
    Line("download {w} down -j 1", in_parts=True),
    Line("rm -y {w}/a"),
    Line("rm -y -r {w} -j 1", in_parts=True),
    Line("deploy new/{w}_up.py -d new/{w}_more.py"),
    Line("deploy new/{w}_up.py -d new/{w}_more.py", _DEPLOYED),
    Line("undeploy -y {w}_up.py --with-dependencies", _DEPLOYED, in_parts=True, varies=True),
    Line("storlets", varies=True),
    Line("storlets show {w}_up.py", _DEPLOYED),
    Line("dependencies", varies=True),
    Line("dependencies show {w}_more.py", _DEPLOYED, varies=True),
    Line("dependencies rm -y --force {w}_more.py", _DEPLOYED),
    Line("logs upper.py", ("get {w}/a --storlet upper.py",), varies=True),
    Line(_MAP, is_batch=True),
    Line(f"{_MAP} --save made", in_parts=True, is_batch=True),
    Line(f"{_MAP} --output path:/{{w}}/made/{{{{name}}}}", in_parts=True, is_batch=True),
    Line(
        "reduce --storlet join.py --input path:/{w}/* --fan-in 2 --output path:/{w}-new/all -j 1",
        ("mkdir {w}-new",),
        is_batch=True,
    ),
    Line("pipe 'upper.py | twice.py' --input path:/{w}/a --save made", is_batch=True),
    Line("pipe 'upper.py | twice.py' --input 'path:/{w}/{{a,b}}' --save made -j 1", in_parts=True, is_batch=True),
)


def counts() -> Iterator[Count]:
    """Yield a row for each status, over all commands."""
    with place() as site:
        worlds: Queue[World] = Queue()
        for number in range(AT_A_TIME):
            worlds.put(World(site, f"w{number}"))
        _deploy(site)
        ways = [(status, True) for status in STATUSES] + [(status, False) for status in ALWAYS]
        counts = {way: Count(f"status {way[0]} {'once' if way[1] else 'always'}") for way in ways}
        with ThreadPoolExecutor(AT_A_TIME) as threads:
            tried = list(threads.map(lambda line: _clean(worlds, line), LINES))
            tries = [
                (line, clean, number, status, is_once)
                for line, clean in zip(LINES, tried, strict=True)
                for number, (status, is_once) in product(range(1, clean.requests + 1), counts)
            ]
            for key, judged in threads.map(lambda judged: _faulty(worlds, *judged), tries[::EVERY]):
                judged(counts[key])
        yield from counts.values()


@dataclass(frozen=True)
class Clean:
    """The result of an undisturbed line."""

    before: State
    after: State
    shown: str
    requests: int
    runs: Counter[str]


@dataclass
class World:
    """The containers, objects and files of one trial at a time.

    :param name: the prefix of its containers' and storlets' names
    """

    place: Place
    name: str
    line: Line | None = None
    before: State = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = self.place.client()
        self.folder = self.place.folder / self.name

    def make(self, line: Line) -> None:
        """Restore the state before a line."""
        if line is self.line and self.state() == self.before:
            return
        self._clear()
        self.client.send(Request("PUT", self.name)).read()
        for name in "abc":
            self.client.send(Request("PUT", self.name, name), bytes_body(f"this is {name}".encode())).read()
        for version in ("old", "new"):
            (self.folder / version).mkdir(parents=True)
            (self.folder / version / f"{self.name}_up.py").write_text(f"{STORLETS['upper.py']}# {version}\n")
            (self.folder / version / f"{self.name}_more.py").write_text(f"MORE = '{version}'\n")
        (self.folder / "up").mkdir()
        for name in ("x", "y"):
            (self.folder / "up" / name).write_text(name)
        (self.folder / "text.txt").write_text("hello\nworld\n")
        for path in self.folder.rglob("*"):
            os.utime(path, (_STORED_AT, _STORED_AT))
        for earlier in line.before:
            ended, _, _ = self.run(earlier, lambda _number, _sent: None)
            assert ended.status == 0, ended.err
        self.line, self.before = line, self.state()

    def _clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in sorted(stored(self.client, self.name), reverse=True):  # objects before their containers
            kind, _, path = name.replace("W", self.name).partition(" ")
            self.client.find(Request("DELETE", *path.split("/", 1)) if kind == "object" else Request("DELETE", path))

    def run(self, words: str, choose: Callable[[int, Sent], Fault | None]) -> tuple[Ended, list[Sent], list[Sent]]:
        """Run a line through a relay; return its result, the requests sent, and those that the server received."""
        with self.place.relay(choose) as relay:
            words_of_line = shlex.split(words.format(w=self.name))
            ended = self.place.clients.run(words_of_line, self.place.environ(relay), self.folder, patches=PATCHES)
        return ended, relay.sent, relay.arrived

    def state(self) -> State:
        """Return the current contents."""
        files = {name.replace(self.name, "W"): text for name, text in contents(self.folder).items()}
        state = {**stored(self.client, self.name), **files}
        return {re.sub("/slo/[0-9a-f]+/", "/slo/S/", name): value for name, value in state.items()}

    def normal(self, text: str) -> str:
        """Return a text without the parts that differ between runs and worlds."""
        text = re.sub("(scratch-)[0-9a-f]+", r"\1S", text)
        return re.sub(r"(S/[0-9]+-[0-9]+)-[0-9a-f]+|tx[0-9a-f-]+|[\s\d.:T-]+", r"\1", text.replace(self.name, "W"))

    def leftovers(self, sent: list[Sent]) -> list[str]:
        """Return leftovers of intermediate results."""
        containers = {
            request.target.rpartition("/")[2]
            for request in sent
            if request.method == "PUT" and "-scratch-" in request.target
        }
        scratch = [name for name in containers if self.client.find(Request("HEAD", name)) is not None]
        return scratch + [str(path) for path in self.folder.rglob("*.part")]


def _deploy(site: Place) -> None:
    folder = site.folder / "storlets"
    folder.mkdir()
    with site.relay(lambda _number, _sent: None) as relay:
        for name in ("upper.py", "twice.py", "join.py"):
            (folder / name).write_text(STORLETS[name])
            ended = site.clients.run(["deploy", str(folder / name)], site.environ(relay))
            assert ended.status == 0, ended.err


def _runs(world: World, arrived: list[Sent]) -> Counter[str]:
    return Counter(
        world.normal(f"{request.method} {request.target}") for request in arrived if request.header("X-Run-Storlet")
    )


def _clean(worlds: Queue[World], line: Line) -> Clean:
    world = worlds.get()
    try:
        world.make(line)
        ended, sent, arrived = world.run(line.words, lambda _number, _sent: None)
        assert ended.status == 0, f"{line.words}: {ended}"
        return Clean(world.before, world.state(), world.normal(ended.out.decode()), len(sent), _runs(world, arrived))
    finally:
        worlds.put(world)


def _faulty(
    worlds: Queue[World], line: Line, clean: Clean, number: int, status: int, is_once: bool
) -> tuple[tuple[int, bool], Callable[[Count], None]]:
    """Answer one request of a line with a status; return a function that counts the result."""
    world = worlds.get()
    try:
        world.make(line)
        hit: list[Sent] = []

        def choose(count: int, sent: Sent) -> Fault | None:
            is_again = not is_once and hit and (sent.method, sent.target) == (hit[0].method, hit[0].target)
            if count != number and not is_again:
                return None
            hit.append(sent)
            return Fault(status=status)

        ended, sent, arrived = world.run(line.words, choose)
        expected = {*clean.before, *clean.after}
        # Leftovers that the line reports are documented.
        now = {
            name: value
            for name, value in world.state().items()
            if name in expected or name.partition(" ")[2].replace("W", world.name) not in ended.err
        }
        label = (
            f"{line.words}: {hit[0].method} {hit[0].target} {status} {'once' if is_once else 'always'}" if hit else ""
        )
        leftovers = [name for name in world.leftovers(sent) if name not in ended.err]
        runs = _runs(world, arrived)
        return (status, is_once), lambda count: judge(
            count,
            label,
            ended,
            good=_is_good(line, clean, world, ended, status, hit),
            whole=_is_whole(line, clean, now, ended, hit) and runs <= clean.runs,
            files=len(leftovers),
        )
    finally:
        worlds.put(world)


def _is_good(line: Line, clean: Clean, world: World, ended: Ended, status: int, hit: list[Sent]) -> bool:
    if ended.status == ExitStatus.OK:
        return line.varies or world.normal(ended.out.decode()) == clean.shown
    # A client that asks for the cluster's capabilities is logged in; if it can't get them, nobody knows where logs are.
    wanted = {ExitStatus.IDENTITY if status == 401 and not _is_info(hit) else ExitStatus.SERVICE}
    if _is_info(hit) and line.words.startswith("logs "):
        wanted.add(ExitStatus.NOT_FOUND)
    if line.is_batch or (hit and hit[0].header("X-Run-Storlet") and status in (500, 503)):
        wanted.add(ExitStatus.STORLET_FAILED)
    return ended.status in wanted and ended.is_clear


def _is_info(hit: list[Sent]) -> bool:
    return bool(hit) and hit[0].target == "/info"


def _is_whole(line: Line, clean: Clean, now: State, ended: Ended, hit: list[Sent]) -> bool:
    """Tell whether everything reported as done is done, and nothing is incomplete."""
    if ended.status == ExitStatus.OK and _is_info(hit) and line.words.startswith("deploy "):
        # On a cluster that may not notice changes, a dependency's new version gets another name.
        return all(any(name.startswith(f"object {kind}/") for name in now) for kind in ("storlet", "dependency"))
    if ended.status == ExitStatus.OK:
        return now == clean.after
    if not line.in_parts:
        return now in (clean.before, clean.after)
    return all(
        now.get(name) in (clean.before.get(name), clean.after.get(name)) for name in {*now, *clean.before, *clean.after}
    )
