"""JVMs that serve several runs of one user, as ``local start --isolation account`` allows."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from storlet_shell.embedded import control
from storlet_shell.embedded.control import Settings
from tests.support.jars import needs_jdk
from tests.support.keystone import KeystoneSwift
from tests.support.lines import Runner, base_environment, one_line

from .jars import deploy_cases, processes
from .storlets import Client

pytestmark = [pytest.mark.slow, needs_jdk]

NAME = "cases-1.0.jar"


@pytest.fixture(scope="module")
def reusing() -> Iterator[KeystoneSwift]:
    """Run a Swift that reuses JVMs, with Keystone's users, in a temporary folder."""
    settings = Settings(ephemeral=True, auth=control.KEYSTONE, isolation="account", time_limit=3)
    with control.join_or_start(Path(), settings) as lease:
        yield KeystoneSwift(lease.running)


@pytest.fixture(scope="module")
def tester(reusing: KeystoneSwift) -> Iterator[Client]:
    """Connect as the account's owner; container ``c`` and its object ``o`` are there, and the storlet."""
    client = Client(reusing.running, reusing.token("tester"))
    client.request("PUT", "/c")
    client.put("/c/o", b"x" * 1024)
    deploy_cases(client, NAME)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def _fresh(request: pytest.FixtureRequest) -> None:
    """Deploy the storlet again, so that no JVM of an earlier test serves this one."""
    if "tester" in request.fixturenames:
        deploy_cases(request.getfixturevalue("tester"), NAME)


def count(client: Client, action: str = "count") -> Any:
    """Run the storlet; return the number of its JVM's runs, and its folder."""
    return client.result(NAME, "/c/o", action=action)


def test_a_user_s_runs_share_a_jvm(tester: Client) -> None:
    """One after another, they run in the same process, which counts them."""
    counts = [count(tester) for _ in range(4)]
    assert [answer["runs"] for answer in counts] == [1, 2, 3, 4]
    assert len({answer["folder"] for answer in counts}) == 1


def test_users_never_share_one(reusing: KeystoneSwift, tester: Client) -> None:
    """Another user of the same account gets another process, before and after."""
    admin = Client(reusing.running, reusing.token("admin"))
    assert (count(tester)["runs"], count(admin)["runs"]) == (1, 1)
    assert (count(tester)["runs"], count(admin)["runs"]) == (2, 2)
    assert count(tester)["folder"] != count(admin)["folder"]
    admin.close()


def test_a_new_version_gets_a_new_one(tester: Client) -> None:
    """A deployment ends reuse."""
    assert count(tester)["runs"] == 1
    deploy_cases(tester, NAME)
    assert count(tester)["runs"] == 1


ENDING = [
    *("throw", "hoard", "loop", "exit"),
    *("leave a thread", "leave a cleaner", "leave a task"),
    *("leave a process", "leave an orphan"),
]


@pytest.mark.parametrize("action", ENDING)
def test_a_jvm_that_failed_or_is_not_idle_serves_nobody(tester: Client, action: str) -> None:
    """After a failure, a time limit, or with a thread left over, the next run is another JVM's first."""
    assert count(tester)["runs"] == 1
    folder = count(tester)["folder"]
    tester.run(NAME, "/c/o", action=action)
    after = count(tester)
    assert (after["runs"], after["folder"] == folder) == (1, False)


@pytest.mark.parametrize("action", ["run a process", "run an orphan", "stream in parallel", "log as Java does"])
def test_a_jvm_is_reused_after_a_run_that_leaves_nothing(tester: Client, action: str) -> None:
    """Threads that the JDK keeps for itself don't prevent it, nor do processes that have ended."""
    assert [count(tester, action)["runs"] for _ in range(3)] == [1, 2, 3]
    assert count(tester)["runs"] == 4


def test_a_process_left_behind_is_killed(reusing: KeystoneSwift, tester: Client) -> None:
    """Even if its parent has ended, and the JVM has served a run before."""
    assert count(tester)["runs"] == 1
    assert count(tester, "leave an orphan")["runs"] == 2
    assert not psutil.wait_procs(processes(reusing.running.pid, "sleep"), timeout=20)[1]


def jvms(reusing: KeystoneSwift) -> list[psutil.Process]:
    """Return the JVMs: those that are idle, and those that were started in advance."""
    return processes(reusing.running.pid, "java")


def kill(victims: list[psutil.Process]) -> None:
    """Kill processes, and wait until they have ended, even if they aren't reaped."""
    for victim in victims:
        descriptor = os.pidfd_open(victim.pid)
        victim.kill()
        select.select([descriptor], [], [])
        os.close(descriptor)


@pytest.mark.parametrize("is_parent", [False, True], ids=["jvm", "parent"])
def test_an_idle_jvm_that_was_killed_is_replaced(reusing: KeystoneSwift, tester: Client, *, is_parent: bool) -> None:
    """The next run succeeds in another one, which serves later runs, too; likewise if its parent was killed."""
    for size in (10, 1 << 20):
        tester.put("/c/killed", b"k" * size)
        assert [count(tester)["runs"] for _ in range(2)] == [1, 2]
        victims = [jvm.parent() if is_parent else jvm for jvm in jvms(reusing)]
        kill(victims)
        assert tester.run(NAME, "/c/killed").body == b"k" * size
        assert [count(tester)["runs"] for _ in range(2)] == [2, 3]
        deploy_cases(tester, NAME)


@pytest.mark.parametrize("is_parent", [False, True], ids=["jvm", "parent"])
def test_a_jvm_killed_before_it_opens_its_streams_is_replaced(
    reusing: KeystoneSwift, tester: Client, *, is_parent: bool
) -> None:
    """Whether the order has reached the JVM or only its parent, the run's input is read once, and whole."""
    body = bytes(range(256)) * 4000
    tester.put("/c/killed", body)
    assert count(tester)["runs"] == 1
    victims = jvms(reusing)
    stopped = [victim.parent() if is_parent else victim for victim in victims]
    for process in stopped:
        process.suspend()
    connection = tester.connect()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(tester.run, NAME, "/c/killed", connection=connection)
        time.sleep(0.5)
        assert not waiting.done()
        kill(victims)
        for process in stopped if is_parent else ():
            process.resume()
        answer = waiting.result()
    connection.close()
    assert (answer.status, answer.body) == (200, body)
    assert count(tester)["runs"] == 2


def test_a_run_s_files_and_settings_are_gone(tester: Client) -> None:
    """The next run of the same JVM finds an empty folder, and the properties and output as at the start."""
    folder = count(tester, "leave files")["folder"]
    facts = count(tester, "look")
    assert facts["folder"] == folder
    assert (facts["files"], facts["left"], facts["others"]) == (0, False, 0)
    assert tester.run(NAME, "/c/o", action="print").status == 200
    assert "\nto standard output\n" in tester.log(NAME).rpartition("\n---")[2]
    assert count(tester)["runs"] == 4


def test_thread_that_calls_the_storlet_is_as_before(tester: Client) -> None:
    """Its name and exception handler aren't those that the previous run set."""
    assert count(tester, "leave a name")["runs"] == 1
    facts = count(tester, "look")
    assert (facts["thread"], facts["handled"]) == ("main", False)
    assert count(tester)["runs"] == 3


def test_output_that_a_run_has_closed_is_open_for_the_next_one(tester: Client) -> None:
    """What the next run of the same JVM prints is in its log."""
    assert count(tester, "close output")["runs"] == 1
    assert tester.run(NAME, "/c/o", action="print").status == 200
    log = tester.log(NAME).rpartition("\n---")[2]
    assert "\nto standard output\n" in log
    assert "\nto standard error\n" in log
    assert count(tester)["runs"] == 3


def test_each_run_reads_and_writes_its_own_object(tester: Client) -> None:
    """Inputs, results, metadata and logs aren't mixed up."""
    for number in range(5):
        tester.put(f"/c/own-{number}", bytes([number]) * 100_000, {"X-Object-Meta-Number": str(number)})
    for number in range(5):
        answer = tester.run(NAME, f"/c/own-{number}")
        assert (answer.body, answer.headers["X-Object-Meta-Number"]) == (bytes([number]) * 100_000, str(number))


def test_a_busy_jvm_makes_way_for_a_second_one(tester: Client) -> None:
    """Simultaneous runs are in different processes; all of them complete."""

    def run(milliseconds: int) -> Any:
        connection = tester.connect()
        try:
            return tester.run(NAME, "/c/o", connection=connection, action="wait", milliseconds=str(milliseconds))
        finally:
            connection.close()

    count(tester)
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(run, [1000] * 10))
    folders = {answer.text for answer in answers}
    assert {answer.status for answer in answers} == {200}
    assert len(folders) == 10


def test_runs_that_an_acl_allows_are_alone(reusing: KeystoneSwift, tester: Client) -> None:
    """A user who may only run the storlet over a container never gets a JVM that ran before, nor leaves one."""
    grant = {"X-Storlet-Container-Read": "tester_member", "X-Storlet-Name": NAME}
    assert tester.request("POST", "/c", grant).status == 204
    account = reusing.running.account
    shared = {"X-Container-Read": f"{account.removeprefix('AUTH_')}:tester_member"}
    assert tester.request("POST", "/storlet", {"X-Container-Read": "*:tester_member", **shared}).status == 204
    member = Client(reusing.running, reusing.token("tester_member"), account)
    try:
        counts = [count(member)["runs"] for _ in range(3)]
    finally:
        member.close()
        tester.request("POST", "/storlet", {"X-Remove-Container-Read": "x"})
        tester.request("POST", "/c", {"X-Remove-Container-Read": "x"})
    assert counts == [1, 1, 1]


def test_idle_jvms_are_bounded(reusing: KeystoneSwift, tester: Client) -> None:
    """However many ran at the same time, few are kept."""
    test_a_busy_jvm_makes_way_for_a_second_one(tester)
    while len(processes(reusing.running.pid, "java")) > 4 + 1:  # those that are kept, and one started in advance
        time.sleep(0.1)


def test_the_level_is_shown_and_kept(tmp_path: Path) -> None:
    """A running server keeps its level; status names it; another one is refused."""
    run = Runner({**base_environment(tmp_path), "STORLET_SHELL_DATA": str(tmp_path / "data")})
    try:
        assert run("local", "start", "--isolation", "account").status == 0
        assert run("local", "status", "--json").json["isolation"] == "account"
        assert "a JVM per account" in run("local", "status").text
        assert run("local", "start").status == 0
        refused = run("local", "start", "--isolation", "run")
        assert "already runs with --isolation account; stop it first: local stop" in one_line(refused)
        assert run("local", "start", "--isolation", "none").status == 2
    finally:
        run("local", "stop")
