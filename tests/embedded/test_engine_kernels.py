"""Sandboxing where a kernel, or a container's policy, offers fewer layers, and what is reported then."""

from __future__ import annotations

import os
from typing import Any

import pytest

from .kernels import LACKING, python, run_program

PROGRAM = """
import json, os, time
from pathlib import Path
from storlet_shell.embedded import control
from tests.embedded.kernels import restrict_process
from tests.embedded.storlets import Client, storlet

restrict_process()
TRY = '''
import multiprocessing, socket
def attempt(name, action):
    try:
        results[name] = repr(action())
    except BaseException as error:
        results[name] = type(error).__name__
def pool():
    with multiprocessing.Pool(2) as workers:
        return workers.map(abs, [-1, 2])
results = {}
'''
CALL = '''
attempt("inet", lambda: socket.socket(2).close())
attempt("vsock", lambda: socket.socket(40).close())
attempt("secret", lambda: open(params["file"]).read())
attempt("scratch", lambda: open("x", "w").write("fine"))
attempt("memory", lambda: os.close(os.memfd_create("x")))
attempt("pool", pool)
os.makedirs("/".join("d" * 300))
for _ in range(3):
    os.spawnlp(os.P_NOWAIT, "sleep", "sleep", params["mark"])
import json; out.set_metadata({}); out.write(json.dumps(results).encode())
'''
def content(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""

with control.join_or_start(Path(), control.Settings(ephemeral=True)) as lease:
    client = Client(lease.running)
    client.request("PUT", "/c")
    client.put("/c/o", b"x")
    client.deploy("tries.py", storlet(CALL, TRY))
    secret = str(lease.running.folder / "credentials.json")
    for _ in range(2):
        result = client.result("tries.py", "/c/o", file=secret, mark=f"97.{os.getpid()}")
    client.close()
    mark = f"97.{os.getpid()}".encode()
    for _ in range(100):  # the kernel ends them after the answer
        leftovers = [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark in content(path)]
        if not leftovers:
            break
        time.sleep(0.1)
    print(json.dumps([control.status(lease.running.folder).sandbox, result, len(leftovers)]))
"""


def run(*lacking: str, user: int = 0) -> tuple[str, dict[str, Any], int]:
    """Start a Swift without layers; return its description of the sandbox, a storlet's results, and leftovers."""
    description, result, leftovers = run_program(PROGRAM, lacking, user)
    return description, result, leftovers


CLOSED = {"inet": "OSError", "vsock": "OSError", "scratch": "4", "memory": "PermissionError", "pool": "[1, 2]"}


@pytest.mark.slow
@pytest.mark.parametrize("lacking", LACKING)
def test_what_is_lacking_is_said_and_the_rest_holds(lacking: str) -> None:
    """Storlets run, and what the other layers keep from them they do not get."""
    description, result, leftovers = run(lacking)
    closed = dict(CLOSED)
    if lacking == "namespaces":
        closed |= {"pool": "PermissionError"}
        assert "no namespaces (" in description
        assert "processes not counted" in description
    elif lacking == "landlock":
        assert "no Landlock" in description
    elif lacking == "seccomp":
        closed |= {"inet": "None", "vsock": result["vsock"], "memory": "None"}
        assert "no seccomp: no IP network, AF_VSOCK open" in description
    if lacking != "seccomp":
        assert "seccomp: no network, files read-only outside the scratch folder" in description
    assert result.pop("secret") in ("FileNotFoundError", "PermissionError")
    assert result == closed
    assert leftovers == 0


@pytest.mark.slow
def test_a_kernel_without_any_says_that_all_is_open() -> None:
    """Without namespaces, Landlock and seccomp, storlets run, and nothing is claimed."""
    description, result, leftovers = run("namespaces", "landlock", "seccomp")
    assert description.endswith(
        "no Landlock, no seccomp: NETWORK OPEN, FILES OPEN, processes not counted, SHARED MEMORY AND KEYRINGS OPEN"
    )
    assert (result["scratch"], result["pool"], leftovers) == ("4", "[1, 2]", 0)


USER = 1234 if os.geteuid() == 0 else 0


@pytest.mark.slow
@pytest.mark.skipif(not python(USER), reason="other users can't run this project; put it where they can")
def test_a_server_of_an_ordinary_user_s_confines_as_well() -> None:
    """A server without root has the same sandbox layers."""
    description, result, leftovers = run("everything", user=USER)
    assert description.startswith("namespaces, Landlock")
    assert result.pop("secret") in ("FileNotFoundError", "PermissionError")
    assert (result, leftovers) == (CLOSED, 0)
