"""Many invocations leave nothing behind, and don't delay others."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from storlet_shell.embedded import control

from .storlets import IDENTITY, PROXY, Client, storlet


def descriptors(client: Client) -> int:
    """Count the server's open descriptors, but for those that come and go with what else it does.

    Eventlet opens one for each of its twenty threads, and Swift closes its databases when Python collects them.
    """
    found = 0
    for entry in Path(f"/proc/{client.running.pid}/fd").iterdir():
        with suppress(OSError):
            opened = str(entry.readlink())
            found += opened != "anon_inode:[eventpoll]" and "/devices/" not in opened
    return found


def descendants(client: Client) -> dict[int, str]:
    """Return the server's descendants with their states."""
    parents: dict[int, tuple[int, str]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = (int(fields[1]), fields[0])
    found = {client.running.pid: ""}
    while new := {pid: state for pid, (parent, state) in parents.items() if parent in found and pid not in found}:
        found |= new
    del found[client.running.pid]
    return found


def settled(client: Client) -> tuple[int, int]:
    """Return descriptors and processes once they do not change any more."""
    last = (-1, -1)
    for _ in range(40):
        now = (descriptors(client), len(descendants(client)))
        if now == last:
            break
        last = now
        time.sleep(0.25)
    assert "Z" not in descendants(client).values()
    return last


@pytest.mark.slow
def test_nothing_is_left_of_a_hundred_invocations(client: Client) -> None:
    """The numbers of descriptors and processes don't grow, however runs end."""
    client.deploy("identity.py", IDENTITY)
    client.deploy("fails_at_once.py", storlet("raise ValueError(1)"))
    client.deploy("late.py", storlet("out.set_metadata({}); out.write(bytes(10 ** 6)); raise ValueError(1)"))
    client.put("/c/large", bytes(3 << 20))

    def some(rounds: int) -> None:
        for _ in range(rounds):
            client.run("identity.py", "/c/large")
            client.run("identity.py", "/c/large", PROXY)
            client.run("fails_at_once.py", "/c/large")
            client.run("fails_at_once.py", "/c/large", PROXY)
            client.run("late.py", "/c/large", PROXY)

    some(2)
    before = settled(client)
    some(20)
    after = settled(client)
    assert after[0] <= before[0] + 2
    assert after[1] <= before[1]


@pytest.mark.slow
def test_redeploying_leaves_no_old_parents(client: Client) -> None:
    """A replaced version's processes end."""
    client.deploy("often.py", IDENTITY)
    client.run("often.py", "/c/o")
    before = settled(client)
    for number in range(10):
        client.deploy("often.py", f"{IDENTITY}# {number}")
        assert client.run("often.py", "/c/o").status == 200
    deadline = time.monotonic() + 12
    while (len(descendants(client)) > before[1] or descriptors(client) > before[0] + 2) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(descendants(client)) <= before[1]
    assert descriptors(client) <= before[0] + 2


@pytest.mark.slow
def test_a_dead_warm_parent_is_replaced(client: Client) -> None:
    """The next invocation starts another one; so it does when all processes of the engine are killed."""
    client.deploy("identity.py", IDENTITY)
    assert client.run("identity.py", "/c/o").status == 200
    for pid in sorted(descendants(client), reverse=True):
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            continue
    time.sleep(0.2)
    assert client.run("identity.py", "/c/o").status == 200


@pytest.mark.slow
def test_fifty_at_once(client: Client) -> None:
    """Fifty bodies of 4 MiB come through whole, and plain requests are answered meanwhile."""
    client.deploy("identity.py", IDENTITY)
    body = os.urandom(4 << 20)
    client.put("/c/four", body)
    results: list[bool] = []

    def get() -> None:
        connection = client.connect()
        results.append(client.run("identity.py", "/c/four", connection=connection).body == body)
        connection.close()

    threads = [threading.Thread(target=get) for _ in range(50)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        started = time.monotonic()
        assert client.request("GET", "/c/o").status == 200
        assert time.monotonic() - started < 10
        time.sleep(0.05)
    assert results == [True] * 50


@pytest.mark.slow
def test_stalled_storlets_do_not_keep_others_waiting_for_long(client: Client) -> None:
    """More stalled invocations than may run at a time cost others no more than the time limit."""
    client.deploy("stalls.py", storlet("time.sleep(60)"))
    client.deploy("identity.py", IDENTITY)

    def stall() -> None:
        connection = client.connect()
        assert client.run("stalls.py", "/c/o", connection=connection).failure == "timeout"
        connection.close()

    threads = [threading.Thread(target=stall) for _ in range(40)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    started = time.monotonic()
    assert client.request("GET", "/c/o").status == 200
    assert time.monotonic() - started < 10
    assert client.run("identity.py", "/c/o").status == 200
    for thread in threads:
        thread.join()


@pytest.mark.slow
def test_those_who_wait_for_a_failing_import_wait_once(client: Client) -> None:
    """An import that never ends costs the time limit, not that many times it."""
    client.deploy("hangs.py", storlet("pass", "time.sleep(60)"))
    took: list[float] = []

    def run() -> None:
        started = time.monotonic()
        connection = client.connect()
        assert client.run("hangs.py", "/c/o", connection=connection).failure == "timeout"
        connection.close()
        took.append(time.monotonic() - started)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(took) == len(threads)
    assert max(took) < 4 * min(took)


def test_who_may_run_a_storlet_is_asked_each_time(client: Client) -> None:
    """What is remembered of a storlet ends with its deletion and changes with its metadata."""
    client.deploy("known.py", IDENTITY)
    assert client.run("known.py", "/c/o").status == 200
    headers = {"Language": "python", "Interface-Version": "1.0", "Object-Metadata": "no", "Main": "known.T"}
    sent = {f"X-Object-Meta-Storlet-{name}": value for name, value in headers.items()}
    assert client.request("POST", "/storlet/known.py", sent).status == 202
    assert "no class T" in client.run("known.py", "/c/o").text
    nobody = {"X-Auth-Token": "", "X-Run-Storlet": "known.py"}
    assert client.request("GET", "/c/o", nobody).status == 401
    assert client.request("DELETE", "/storlet/known.py").status == 204
    assert client.run("known.py", "/c/o").status == 401


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_server(number: int) -> None:
    """However the server ends, all its processes end, those of a running storlet too."""
    writes = "out.set_metadata({}); out.write(bytes(10 << 20)); out.flush(); time.sleep(60)"
    with control.join_or_start(Path(), control.Settings(ephemeral=True)) as lease:
        client = Client(lease.running)
        client.request("PUT", "/c")
        client.put("/c/o", b"x")
        client.deploy("sleeps.py", storlet(f"if os.fork() == 0: time.sleep(60)\n{writes}"))
        connection = client.connect()
        headers = {"X-Auth-Token": client.token, "X-Run-Storlet": "sleeps.py"}
        connection.request("GET", f"{client.account}/c/o", headers=headers)
        assert connection.getresponse().status == 200
        running = {lease.running.pid, *descendants(client)}
        assert len(running) >= 5
        os.kill(lease.running.pid, number)
        deadline = time.monotonic() + 6
        while (left := [pid for pid in running if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert left == []
        connection.close()
        client.close()


@pytest.mark.slow
def test_many_deployments_at_once(client: Client) -> None:
    """Storlets that are redeployed and run by several clients run in the version that each has just deployed."""
    wrong: list[str] = []

    def work(worker: int) -> None:
        own = Client(client.running)
        for turn in range(12):
            own.deploy(f"several{worker}.py", storlet(f"out.set_metadata({{}}); out.write(b'{worker}.{turn}')"))
            answer = own.run(f"several{worker}.py", "/c/o")
            if answer.body != f"{worker}.{turn}".encode():
                wrong.append(answer.text)
        own.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
