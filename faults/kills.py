"""Kill the embedded server, or the client, at every step of lines that store, read, deploy and run."""

from __future__ import annotations

import itertools
import queue
import signal
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

from faults.count import EVERY, Count
from faults.plant import Plant, ended, is_clear
from faults.remains import Folder, Large, Made, Pipe
from faults.scenarios import FILES, MANY, NEW, Deploy, Get, Map, Scenario, Stored, Trial, furnish
from faults.tripwire import Point, Tripwire
from storlet_shell.errors import ExitStatus
from tests.support.lines import Outcome

_PLANTS = 4
"""Number of servers that are killed in parallel: most of the time is spent waiting."""

_CLEARED_SECONDS = 60.0

_CHAIN = "'upper.py | upper.py'"
_LOUD = MANY["many/00.txt"].upper()
_JOINED = b"[[%b][%b]][[%b][%b]]" % tuple(MANY.values())
_REDUCE = "reduce --storlet join.py --input path:/many/** --fan-in 1"
_MAP = "map --storlet upper.py --input path:/many/** --journal journal -j 3"
_COMMON: tuple[Scenario, ...] = (
    Stored("put", "put new.bin path:/c/put-{number}"),
    Stored("put", "put new.bin path:/c/put-{number} --storlet upper.py", NEW.upper()),
    Get("get path:/c/new.bin --save saved.bin"),
    Get("get path:/c/new.bin --save saved.bin --storlet upper.py", NEW.upper()),
    Stored("copy", "copy path:/c/new.bin path:/c/copy-{number}"),
    Stored("copy", "copy path:/c/new.bin path:/c/copy-{number} --storlet upper.py", NEW.upper()),
    Deploy("deploy ver.py -d part.py"),
    Large("upload new.bin path:/c/large-{number} --segment-size 250K -j 2"),
    Map(f"{_MAP} --save made"),
)
SERVERS = (*_COMMON, Map(f"{_MAP} --output path:/made/{{{{path}}}}"))
"""Lines during which the server is killed; those of one row are adjacent."""

CLIENTS = (
    *_COMMON,
    Folder("upload up path:/c/up-{number} -j 2"),
    Pipe(f"pipe {_CHAIN} --input path:/c/new.bin", NEW.upper()),
    Made("pipe", f"pipe {_CHAIN} --input path:/many/many/00.txt --output path:/c/pipe-{{number}}", _LOUD),
    Made("reduce", f"{_REDUCE} --output path:/c/reduce-{{number}}", _JOINED),
)
"""Lines whose own process is killed."""


class Case(NamedTuple):
    """A single trial.

    :param kills_client: kill the line's own process rather than the server
    """

    scenario: Scenario
    point: Point
    number: int
    kills_client: bool

    @property
    def row(self) -> str:
        """Its row of the table."""
        return f"{'client' if self.kills_client else 'server'} killed during {self.scenario.title}"

    @property
    def stays_down(self) -> bool:
        """Whether the server is restarted only after the line has ended, rather than at once."""
        return self.kills_client or self.number % self.scenario.stays_down == 0


def counts() -> Iterator[Count]:
    """Yield a row for each command and each victim."""
    with ExitStack() as stack:
        plants = [stack.enter_context(Plant()) for _ in range(_PLANTS)]
        free: queue.Queue[Plant] = queue.Queue()
        for plant in plants:
            furnish(plant)
            free.put(plant)

        def attempt(case: Case) -> Count:
            plant = free.get()
            try:
                return tried(plant, case)
            finally:
                free.put(plant)

        everything = list(cases(plants[0]))
        with ThreadPoolExecutor(_PLANTS) as pool:
            for title, ones in itertools.groupby(pool.map(attempt, everything), lambda case: case.title):
                row = Count(title)
                for case in ones:
                    row.add(case)
                yield row
        yield _kept(plants)


def cases(plant: Plant) -> Iterator[Case]:
    """Yield the points of every line, found by running each once undisturbed."""
    number = 0
    for kills_client, scenarios in ((False, SERVERS), (True, CLIENTS)):
        for scenario in scenarios:
            number += 1  # a unique name: its results stay, and no trial may find them
            with plant.client() as client:
                scenario.prepare(Trial(plant, client, number))
            with Tripwire(lambda: plant.running.port) as relay:
                outcome = ended(plant.shell(*scenario.line(number), port=relay.port))
            assert outcome is not None, scenario.words
            assert outcome.status == 0, outcome.err
            for point in list(relay.points())[::EVERY]:
                number += 1
                yield Case(scenario, point, number, kills_client)


def tried(plant: Plant, case: Case) -> Count:
    """Run one trial and count its result."""
    count, scenario = Count(case.row, tried=1), case.scenario
    with plant.client() as client:
        scenario.prepare(Trial(plant, client, case.number))

    def kill() -> None:
        if case.kills_client:
            shell.kill()
            shell.wait()
        else:
            count.processes += plant.kill()

    again = None if case.stays_down else plant.start
    with Tripwire(lambda: plant.running.port, case.point, kill, again) as relay:
        shell = plant.shell(*scenario.line(case.number), port=relay.port)
        outcome = ended(shell)
        relay.finish()
    label = f"{scenario.words} at {case.point.stage.name} of {relay.requests.get(case.point.number)}"
    if not relay.tripped:
        return Count(case.row, notes=[f"{label}: not reached, so not tried"])
    problems = list(_ended(plant, case, outcome, count))
    if not plant.is_alive:
        plant.start()
    with plant.client() as client:
        trial = Trial(plant, client, case.number, None if case.kills_client else outcome)
        try:
            lost = list(scenario.lost(trial))
        except TimeoutError as error:
            count.hung += 1
            lost = [str(error)]
        leftovers = [*scenario.leftovers(trial), *plant.left_here(FILES)]
    count.lost += bool(lost)
    count.files += len(leftovers)
    count.notes += [f"{label}: {text}" for text in (*problems, *lost, *(f"left over: {name}" for name in leftovers))]
    for path in plant.work.rglob(".storlet-shell-*"):
        path.unlink()
    return count


def _statuses(case: Case) -> Collection[int]:
    """Return the exit statuses that a line may have; one with its password in the environment may be refused later."""
    is_renewed = not case.kills_client and not case.stays_down
    return {*case.scenario.statuses, *([ExitStatus.IDENTITY] if is_renewed else [])}


def _ended(plant: Plant, case: Case, outcome: Outcome | None, count: Count) -> Iterator[str]:
    """Count how a line ended, and yield problems with that."""
    if outcome is None:
        count.hung += 1
        yield "it hangs"
    elif case.kills_client and not plant.is_alive:
        yield "the server is gone"
    elif (case.kills_client and outcome.status == -signal.SIGKILL) or (
        is_clear(outcome) and outcome.status in _statuses(case)
    ):
        count.survived += 1
    else:
        yield f"ended with {outcome.status}: {outcome.err}"


def _kept(plants: list[Plant]) -> Count:
    """Count leftovers in the data folders, after restarting servers that haven't run storlets since."""
    count = Count("data folders after all of these", tried=len(plants))
    for plant in plants:
        count.processes += plant.kill()
        plant.start()
        deadline = time.monotonic() + _CLEARED_SECONDS
        while (leftovers := plant.left_in_data()) and time.monotonic() < deadline:
            time.sleep(1)
        count.files += len(leftovers)
        count.survived += plant.is_alive
        count.notes += [f"left over in a data folder: {name}" for name in leftovers]
    return count
