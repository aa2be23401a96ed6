"""``make faults`` detects each kind of damage that it counts."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from faults import __main__ as program
from faults.bad import reaching
from faults.count import Count, table
from faults.plant import Plant, ended, is_clear, outlived
from faults.remains import Folder, Large, Made
from faults.scenarios import MANY, NEW, OLD, Get, Stored, Trial
from faults.tripwire import Point, Stage, Tripwire
from storlet_shell.embedded import control
from tests.embedded.storlets import Client
from tests.support.lines import Outcome

DONE, FAILED = Outcome(0, b"", ""), Outcome(5, b"", "storlet-shell: the server does not answer\n")
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def plant() -> Iterator[Plant]:
    """Make a plant whose server is not needed."""
    with Plant(starts=False) as made:
        yield made


@pytest.fixture(scope="module")
def client(swift: control.Running) -> Iterator[Client]:
    """Connect to the session's server, with the container and the object that interrupted lines have."""
    client = Client(swift)
    client.request("PUT", "/c")
    client.put("/c/new.bin", NEW)
    yield client
    client.close()


def test_a_row_is_good_only_if_nothing_is_lost_or_left() -> None:
    """Each of the numbers that must be 0 spoils it, and so does one that was not survived."""
    assert Count("x", tried=2, survived=2).is_good
    assert not Count("x", tried=2, survived=1).is_good
    for name in ("lost", "hung", "processes", "files"):
        count = Count("x", tried=2, survived=2)
        setattr(count, name, 1)
        assert not count.is_good, name


def test_the_table_ends_with_the_sum() -> None:
    """Each column is added up; notes stay with their row."""
    lines = list(table([Count("a", 3, 2, 1, 0, 4, 5), Count("b", 1, 1, 0, 2, 0, 0)]))
    assert [cell.strip() for cell in lines[-1].split("|")] == ["all", "4", "3", "1", "2", "4", "5"]


@pytest.mark.parametrize(("count", "status"), [(Count("x", 1, 1), 0), (Count("x", 1, 1, lost=1), 1)])
def test_the_program_fails_if_anything_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: Count, status: int
) -> None:
    """The exit status is what a script looks at."""
    monkeypatch.setitem(sys.modules, "faults.other", SimpleNamespace(counts=lambda: iter([count])))
    monkeypatch.setattr(program, "MODULES", ("other",))
    monkeypatch.setattr(sys, "argv", ["faults"])
    assert program.main() == status
    assert capsys.readouterr().out.startswith("what")


@pytest.mark.parametrize(
    ("found", "outcome", "is_lost"),
    [
        (NEW, DONE, False),
        (OLD, DONE, True),
        (None, DONE, True),
        (OLD, FAILED, False),
        (NEW, FAILED, False),
        (NEW[:-1], FAILED, True),
        (None, FAILED, True),
    ],
    ids=["done", "done and old", "done and gone", "failed", "failed and done", "failed and half", "failed and gone"],
)
@pytest.mark.parametrize("kind", ["object", "file"])
def test_what_is_lost_is_found(
    plant: Plant, client: Client, kind: str, found: bytes | None, outcome: Outcome, is_lost: bool
) -> None:
    """An acknowledged object or file must be the new one, another that or the old one; never half of it."""
    trial = Trial(plant, client, 4711, outcome)
    scenario = Stored("put", "") if kind == "object" else Get("")
    if kind == "object":
        client.request("DELETE", "/c/put-4711")
    if found is not None and kind == "object":
        client.put("/c/put-4711", found)
    elif found is not None:
        (plant.work / "saved.bin").write_bytes(found)
    assert bool(list(scenario.lost(trial))) is is_lost


@pytest.mark.parametrize(("found", "is_lost"), [(NEW, False), (OLD, True), (None, True)])
def test_a_large_object_that_is_lost_is_found(plant: Plant, client: Client, found: bytes | None, is_lost: bool) -> None:
    """It must be whole: with a segment gone, the server refuses it."""
    trial, large = Trial(plant, client, 4712, DONE), Large("")
    client.request("PUT", "/c_segments")
    large.prepare(trial)
    assert not [name for name in large.leftovers(trial) if "large-4712" in name]
    if found is None:
        client.request("DELETE", f"/c_segments/large-4712/slo/{0:016}/00000001")
    elif found is NEW:
        client.put("/c/large-4712", NEW)
    assert bool(list(large.lost(trial))) is is_lost
    assert len([name for name in large.leftovers(trial) if "large-4712" in name]) == (2 if found is NEW else 0)


@pytest.mark.parametrize("found", [*MANY.values(), None])
def test_a_file_of_a_folder_that_is_lost_is_found(plant: Plant, client: Client, found: bytes | None) -> None:
    """Each object must be what its file is."""
    for name, content in MANY.items():
        client.put(f"/c/up-4713/{name.removeprefix('many/')}", content)
    trial, first = Trial(plant, client, 4713, DONE), next(iter(MANY.values()))
    if found is None:
        client.request("DELETE", "/c/up-4713/00.txt")
    else:
        client.put("/c/up-4713/00.txt", found)
    assert bool(list(Folder("").lost(trial))) is (found != first)


def test_a_storlet_that_reaches_what_it_should_not_says_so(client: Client) -> None:
    """Each thing that it succeeded in is named; a refusal is not."""
    reached = "open(params['storlet_execution_path'] + '/reaches.py').read()"
    client.deploy("reaches.py", reaching("", [reached, "open('/nothing')"]).code)
    assert client.run("reaches.py", "/c/new.bin").body == repr([reached]).encode()


def test_what_does_not_expire_is_found(plant: Plant, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that a killed line leaves on its way goes by itself, and the line that removes it works."""
    monkeypatch.setattr(plant, "line", lambda *_: FAILED)
    client.request("PUT", "/storlet-shell-scratch-4714")
    client.put("/storlet-shell-scratch-4714/0", b"x", {"X-Delete-After": "3600"})
    trial, made = Trial(plant, client, 4714, DONE), Made("put", "")
    assert [problem.split(":")[0] for problem in made.cleared(trial)] == ["the line that removes it fails"]
    client.put("/storlet-shell-scratch-4714/1", b"x")
    assert "storlet-shell-scratch-4714/1 does not expire" in list(made.cleared(trial))


def test_what_is_left_over_is_found(plant: Plant) -> None:
    """A half-written file in any folder, a temporary one, and a process that goes on."""
    assert plant.left_here(()) == []
    (plant.work / "made").mkdir()
    (plant.work / "made" / ".storlet-shell-1.part").touch()
    (plant.temporary / "tmp1").touch()
    assert plant.left_here(["made"]) == [".storlet-shell-1.part", "tmp1"]
    with subprocess.Popen(SLEEP) as process:
        assert outlived([process.pid], 0.01) == [process.pid]
        process.kill()
        assert outlived([process.pid]) == []


def test_a_process_of_the_server_is_known(plant: Plant) -> None:
    """One that carries the data folder's name, and one that stands in it."""
    plant.data.mkdir()
    with (
        subprocess.Popen([*SLEEP, f"{plant.data}/x"]) as named,
        subprocess.Popen(SLEEP, cwd=plant.data) as standing,
        subprocess.Popen(SLEEP) as other,
    ):
        assert set(plant.processes()) == {named.pid, standing.pid}
        for process in (named, standing, other):
            process.kill()


def test_a_process_that_hangs_is_ended() -> None:
    """It is told from one that has ended."""
    assert ended(subprocess.Popen(SLEEP, stdin=-1, stdout=-1, stderr=-1), 0.01) is None


@pytest.mark.parametrize(
    ("outcome", "is_good"),
    [
        (DONE, True),
        (FAILED, True),
        (Outcome(5, b"", ""), False),
        (Outcome(-9, b"", "storlet-shell: x\n"), False),
        (Outcome(1, b"", "Traceback (most recent call last):\nstorlet-shell: KeyError: 1\n"), False),
        (Outcome(6, b"", "Traceback (most recent call last):\nstorlet-shell: it failed\n"), True),
    ],
)
def test_an_end_is_clear_or_not(outcome: Outcome, is_good: bool) -> None:
    """A failure wants a documented status and its reason; a traceback may be a storlet's own only."""
    assert is_clear(outcome) is is_good


def test_the_relay_stops_where_it_is_told(client: Client) -> None:
    """What is to happen happens once, at that point; then nothing passes any more."""
    happened = []
    path, headers = f"{client.account}/c/new.bin", {"X-Auth-Token": client.token}
    with Tripwire(lambda: client.running.port) as relay:
        connection = http.client.HTTPConnection("127.0.0.1", relay.port)
        connection.request("GET", path, headers=headers)
        assert connection.getresponse().read() == NEW
        connection.request("PUT", f"{client.account}/c/relayed", NEW, headers)
        assert connection.getresponse().read() == b""
        connection.close()
    got, put = ([stage for number, stage in relay.points() if number == which] for which in (1, 2))
    assert got == [Stage.BEFORE, Stage.HEAD, Stage.WORKING, Stage.ANSWERED, Stage.HALF, Stage.PASSED]
    assert put == [stage for stage in Stage if stage is not Stage.HALF]
    with Tripwire(lambda: client.running.port, Point(1, Stage.HALF), lambda: happened.append(1)) as relay:
        connection = http.client.HTTPConnection("127.0.0.1", relay.port)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
        connection.close()
        with pytest.raises(OSError):  # noqa: PT011  refused, or reset
            http.client.HTTPConnection("127.0.0.1", relay.port, timeout=10).connect()
    assert happened == [1]
