"""Java storlets where a kernel, or a container's policy, offers fewer layers of the sandbox."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.jars import needs_jdk

from .kernels import python, run_program

pytestmark = [pytest.mark.slow, needs_jdk]

OTHER = 1234
PROGRAM = """
import json, os, psutil
from pathlib import Path
from storlet_shell.embedded import control
from tests.embedded.jars import deploy_cases, processes
from tests.embedded.kernels import restrict_process
from tests.embedded.storlets import Client

(isolation,) = restrict_process()
settings = control.Settings(ephemeral=True, isolation=isolation)
with control.join_or_start(Path(), settings) as lease:
    client = Client(lease.running)
    client.request("PUT", "/c")
    client.put("/c/o", b"x" * 100000)
    deploy_cases(client, "cases-1.0.jar")
    answers = [client.run("cases-1.0.jar", "/c/o").text for _ in range(3)]
    assert answers == ["x" * 100000] * 3, answers
    count = client.result("cases-1.0.jar", "/c/o", action="count")["runs"]
    client.run("cases-1.0.jar", "/c/o", action="leave an orphan")
    after = client.result("cases-1.0.jar", "/c/o", action="count")["runs"]
    assert not psutil.wait_procs(processes(lease.running.pid, "sleep"), timeout=20)[1]
    client.run("cases-1.0.jar", "/c/o", action="leave a process")
    others = client.result("cases-1.0.jar", "/c/o", action="look")["others"]
    client.close()
    jvms = [process.pid for process in processes(lease.running.pid, "java")]
    print(json.dumps([count, after, others, jvms]))
    if isolation == "run":
        os.kill(lease.running.pid, 9)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """Make a home folder that any user can reach."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize(
    ("user", "lacking", "level"),
    [
        (0, (), "run"),
        (0, ("namespaces",), "account"),
        (0, ("landlock",), "run"),
        (0, ("namespaces", "landlock", "seccomp"), "account"),
        (OTHER, (), "account"),
        (OTHER, ("namespaces",), "run"),
    ],
)
def test_java_storlets_run(user: int, lacking: tuple[str, ...], level: str, home: Path) -> None:
    """Their results are right, Landlock keeps them from other runs' descriptors, and JVMs end with the server."""
    if user and os.geteuid() != 0:
        pytest.skip("only root can become another user")
    if not python(user):
        pytest.skip("other users can't run this project; put it where they can")
    if user:
        os.chown(home, user, user)
    count, after, others, jvms = run_program(PROGRAM, lacking, user, level, HOME=str(home))
    assert (count, after) == (4 if level == "account" else 1, 1)
    assert others == 0 or "landlock" in lacking
    assert not psutil.wait_procs([psutil.Process(pid) for pid in jvms if psutil.pid_exists(pid)], timeout=30)[1]
