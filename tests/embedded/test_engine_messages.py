"""The server checks every message of a storlet's process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .hostile import TALK
from .storlets import IDENTITY, Answer, Client, storlet
from .test_engine_load import descendants, descriptors

# The kinds that are the storlet's own doing, and that of a warm parent that can't fork (docs/embedded.md).
KINDS = {"raised", "exited", "killed", "timeout", "memory", "metadata", "engine"}

SAID = {
    "a header in the kind": "tell(event='failed', kind='raised\\r\\nSet-Cookie: a=b', message='m', traceback='')",
    "an answer in the kind": "tell(event='failed', kind='x\\r\\nContent-Length: 0\\r\\n\\r\\nHTTP/1.1 200 OK')",
    "an unknown kind": "tell(event='failed', kind='fine', message='m', traceback='')",
    "another's kind": "tell(event='failed', kind='busy', message='m', traceback='')",
    "a kind that is a list": "tell(event='failed', kind=['raised'], message='m', traceback='')",
    "a message over lines": "tell(event='failed', kind='raised', message='a\\r\\n--- b\\x00\\x1b[2J\\x85c')",
    "a message that is a dict": "tell(event='failed', kind='raised', message={'a': 1}, traceback=7)",
    "a lone surrogate": "tell(event='failed', kind='raised', message='\\udc80', traceback='\\ud800')",
    "much": "tell(event='failed', kind='raised', message='m' * 90000, traceback='t' * 90000)",
    "a status too large": "tell(event='ended', status=10 ** 4000)",
    "a status no number": 'say(b\'{"event": "ended", "status": NaN}\')',
    "a status of true": "tell(event='ended', status=True)",
    "an event that is a dict": "tell(event={'done': 1})",
    "no event": "tell(kind='raised')",
    "a list": 'say(\'["event", "done"]\')',
    "a number": "say('1')",
    "a number of many digits": "say('1' * 5000)",
    "no JSON": "say(b'\\xff\\xfe{{{')",
    "depths": "say('[' * 150000)",
    "nothing": "say('')",
    "hello": "tell(event='hello')",
    "loaded": "tell(event='loaded')",
    "reaped": "tell(event='reaped', task=1, status=0)",
    "descriptors": "say('no JSON', [0] * 60)",
    "too many descriptors": "say(json.dumps({'event': 'failed', 'kind': 'raised', 'message': 'm'}), [0] * 200)",
}


def check(answer: Answer, name: str) -> None:
    """Check that an answer is a failure's, and nothing more."""
    assert answer.status in (500, 503), answer
    assert answer.failure in KINDS
    assert "Set-Cookie" not in answer.headers
    assert answer.text.startswith(f"Storlet {name} failed ({answer.failure}): ")
    assert answer.text.endswith("\n")
    assert all(character.isprintable() for character in answer.text[:-1])
    assert len(answer.text) < 1200


@pytest.mark.slow
def test_a_runs_own_words_are_checked(client: Client) -> None:
    """Whatever a storlet writes on its channel in the place of the verdict, the answer is one clean failure."""
    cases = "\n".join(f"if params['case'] == {case!r}: {code}" for case, code in SAID.items())
    client.deploy("words.py", storlet(f"{cases}\ntime.sleep(0.05)\nos._exit(0)", TALK))
    client.run("words.py", "/c/o", case="nothing")
    before = descriptors(client)
    for case in SAID:
        answer = client.run("words.py", "/c/o", case=case)
        check(answer, "words.py")
        assert f"{answer.failure}: " in client.log("words.py", answer.headers["X-Trans-Id"]).partition("\n")[0], case
    assert len([line for line in client.log("words.py").splitlines() if line.startswith("---")]) == len(SAID) + 1
    assert descriptors(client) <= before + 2


IMPORTED = {
    **SAID,
    "loaded twice": "tell(event='loaded'); tell(event='loaded')",
    "failed after loaded": "tell(event='loaded'); tell(event='failed', kind='raised', message='late')",
    "the end of a run that is not there": "tell(event='loaded'); tell(event='reaped', task=77, status=0)",
}


@pytest.mark.slow
@pytest.mark.parametrize("case", ["an answer in the kind", "depths", "descriptors", "hello", "loaded twice", "a list"])
def test_an_imports_words_are_checked(client: Client, case: str) -> None:
    """What a storlet writes on its warm parent's channel makes a clean failure, and leaves nothing open."""
    code = f"{IMPORTED[case]}; time.sleep(0.1); os._exit(0)"
    for turn in range(2):
        client.deploy("imports.py", storlet("pass", f"{TALK}\n{code}\n"))
        before = descriptors(client)
        check(client.run("imports.py", "/c/o"), "imports.py")
        assert descriptors(client) <= before + 2, turn
    client.deploy("imports.py", IDENTITY)
    assert client.run("imports.py", "/c/o").status == 200


FLOOD = """
def flood(message):
    talk, text = channel(), json.dumps(message).encode()
    while True:
        talk.send(text)
"""


@pytest.mark.parametrize("event", ["reaped", "loaded", "failed"])
def test_a_flood_of_words_keeps_nobody_waiting(client: Client, event: str) -> None:
    """A storlet that talks to the server without end, from its import on, does not hold others up."""
    message = {"event": event, "task": 1, "status": 0, "kind": "raised"}
    top = f"import os{TALK}{FLOOD}\nfor _ in range(4):\n    if os.fork() == 0: flood({message})\n"
    client.deploy("floods.py", storlet("out.set_metadata({}); out.write(b'')", top))
    connection = client.connect()
    headers = {"X-Auth-Token": client.token, "X-Run-Storlet": "floods.py"}
    connection.request("GET", f"{client.account}/c/o", headers=headers)
    started = time.monotonic()
    for _ in range(5):
        assert client.request("GET", "/c/o").status == 200
    assert time.monotonic() - started < 10
    connection.getresponse().read()
    connection.close()


# Its second child says hello and ends; all others are as they should be.
STALE = """
import os, sys, time
task, messages = (sys.modules[f"storlet_shell.embedded.processes.{name}"] for name in ("task", "messages"))
run = task.PythonStorlet.run
def stale(storlet, channel, *arguments):
    if os.path.basename(os.getcwd()) != "2":
        return run(storlet, channel, *arguments)
    messages.send(channel, {"event": "hello"})
    time.sleep(3)
    os._exit(0)
task.PythonStorlet.run = stale
"""
SECOND = ("/tmp/2", "/2")  # a child's folder is named by its number
NEXT = Path("/proc/sys/kernel/ns_last_pid")


@pytest.mark.slow
@pytest.mark.skipif(not os.access(NEXT, os.W_OK) or os.geteuid() != 0, reason="process ids can't be chosen here")
def test_an_unrelated_process_with_a_gone_child_s_number_is_left_alone(client: Client) -> None:
    """A child says hello and ends; whatever gets its number then is not taken for it, so not ended."""

    def spares() -> list[int]:
        return [pid for pid in descendants(client) if Path(f"/proc/{pid}/cwd").readlink().as_posix() in SECOND]

    others = spares()
    client.deploy("stale.py", storlet("out.set_metadata({}); out.write(b'fine')", STALE))
    assert client.run("stale.py", "/c/o").body == b"fine"
    deadline = time.monotonic() + 20
    while not (new := [pid for pid in spares() if pid not in others]):  # it is forked after the answer
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (number,) = new
    while Path(f"/proc/{number}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for _ in range(50):
        NEXT.write_text(str(number - 1))
        bystander = subprocess.Popen(["sleep", "60"])
        if bystander.pid == number:
            break
        bystander.kill()
        bystander.wait()
    assert bystander.pid == number
    try:
        assert client.run("stale.py", "/c/o").body == b"fine"
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


STALLED = """
import os
from storlet_shell.embedded.engine import versions

versions._FORK_SECONDS = 0.05
version = versions.Version(versions.Key("a", "stalled.py", "stalled.Stalled", "1"), 1, "/nowhere")
version.channel, other = versions.green_pair()
for _ in range(10_000):
    version._fork().close()
    if not version.alive:
        break
print(version.alive)
"""
"""Forks for a warm parent whose channel nobody reads."""


@pytest.mark.slow
def test_a_warm_parent_that_does_not_read_is_given_up() -> None:
    """Import code can keep it from reading; no request waits for it without end, and the next one starts another."""
    words = [sys.executable, "-W", "ignore", "-c", STALLED]
    assert subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout == "False\n"


GONE = """
import os
from storlets.gateway.common.stob import StorletData
from storlets.gateway.gateways.container.gateway import ContainerStorletRequest
from storlet_shell.embedded.engine import invocation, versions
from storlet_shell.embedded.processes import messages

socket = versions._socket
version = versions.Version(versions.Key("a", "gone.py", "gone.Gone", "1"), 1, "/nowhere", parent=os.getpid())

def fork():
    channel, other = versions.green_pair()
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    pid = os.fork()
    if pid == 0:
        messages.send(socket.socket(fileno=other), {"event": "hello"})
        os._exit(0)
    os.close(other)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # it isn't reaped
    return versions.Child(channel, lambda: 0)

version._fork = fork
options = {"storlet_main": "gone.Gone", "storlet_language": "python", "file_manager": object()}
request = ContainerStorletRequest("gone.py", {}, StorletData({}, data_iter=iter([b"x"])), options)
descriptors = len(os.listdir("/proc/self/fd"))
failures = []
run = invocation.Invocation(request, version, 5, lambda _, failure: failures.append(failure.kind))
try:
    run.begin()
except invocation.InvocationError as error:
    print(error.failure.kind, failures, version.active, len(os.listdir("/proc/self/fd")) - descriptors)
"""
"""Runs a storlet whose processes all end after they have introduced themselves; prints what is left."""


@pytest.mark.slow
def test_process_that_ends_before_its_order_is_the_engines_failure() -> None:
    """Not the client's, and nothing is left open."""
    words = [sys.executable, "-W", "ignore", "-c", GONE]
    process = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (process.stdout, process.stderr) == ("engine ['engine'] 0 0\n", "")
