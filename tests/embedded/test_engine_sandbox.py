"""What a storlet's process can reach."""

from __future__ import annotations

import http.client
import json
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from storlet_shell.embedded import control

from .storlets import Client, storlet

TRY = """
def attempt(name, action):
    try:
        results[name] = repr(action())
    except BaseException as error:
        results[name] = type(error).__name__
results = {}
"""


def attempts(client: Client, name: str, actions: dict[str, str], where: dict[str, str] | None = None) -> dict[str, Any]:
    """Let a storlet try things; return what came of each: a result, or an error's name."""
    lines = [f"attempt({key!r}, lambda: {action})" for key, action in actions.items()]
    end = "import json; out.set_metadata({}); out.write(json.dumps(results).encode())"
    client.deploy(name, storlet("\n".join([*lines, end]), TRY))
    told: dict[str, Any] = client.result(name, "/c/o", where)
    return told


def test_there_is_no_network(client: Client) -> None:
    """Neither the server's own port, nor any other address, nor another process's socket can be reached."""
    connect = "__import__('socket').create_connection(({!r}, {}), 2)"
    told = attempts(
        client,
        "network.py",
        {
            "server": connect.format("127.0.0.1", client.running.port),
            "world": connect.format("192.0.2.1", 80),
            "udp": "__import__('socket').socket(2, 2).sendto(b'x', ('127.0.0.1', 9))",
            "path": f"__import__('socket').socket(1).connect('{client.running.folder}/run/object')",
            "interfaces": "__import__('socket').if_nameindex()",
        },
    )
    assert set(told.values()) <= {"OSError", "PermissionError", "FileNotFoundError"}


def test_files_are_out_of_reach(client: Client) -> None:
    """Nothing but the scratch folder can be written; the data folder and other storlets can't even be read."""
    folder = client.running.folder
    client.deploy("other.py", storlet("out.set_metadata({}); out.write(b'')"))
    assert client.run("other.py", "/c/o").status == 200
    code = next((folder / "storlets/code").glob("v*/other.py"))
    told = attempts(
        client,
        "files.py",
        {
            "credentials": f"open({str(folder / 'credentials.json')!r}).read()",
            "objects": f"os.listdir({str(folder / 'devices')!r})",
            "other": f"open({str(code)!r}).read()",
            "shadow": "open('/etc/shadow').read()",
            "here": f"open({__file__!r}).read()",
            "home": "os.listdir('/root/.ssh')",
            "tmp": "open('/tmp/x', 'w')",
            "usr": "open('/usr/x', 'w')",
            "own": "open(params['storlet_execution_path'] + '/x', 'w')",
            "change own": "os.chmod(params['storlet_execution_path'] + '/files.py', 0o777)",
            "memory": "open('/proc/1/mem', 'rb').read(1)",
            "mount": "__import__('ctypes').CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None) or 1/0",
            "scratch": "open('x', 'w').write('fine')",
        },
    )
    assert told.pop("scratch") == "4"
    told.pop("mount")
    assert set(told.values()) <= {"PermissionError", "FileNotFoundError", "OSError"}, told
    assert (
        "-1"
        in attempts(
            client, "mounts.py", {"mount": "__import__('ctypes').CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None)"}
        )["mount"]
    )


def test_processes_are_out_of_reach(client: Client) -> None:
    """A storlet sees and signals its own processes only, has no privileges and gains none."""
    told = attempts(
        client,
        "processes.py",
        {
            "server": f"os.kill({client.running.pid}, 0)",
            "seen": f"os.path.exists('/proc/{client.running.pid}/environ')",
            "me": "os.getpid()",
            "caps": "[line.split()[1] for line in open('/proc/self/status') if line.startswith(('CapEff', 'CapBnd'))]",
            "privileges": "[line.split()[1] for line in open('/proc/self/status') if line.startswith('NoNew')]",
            "user": "os.stat('.').st_uid == 0",
            "environment": "[name for name in os.environ if 'KEY' in name or 'TOKEN' in name or 'PYTHONPATH' in name]",
            "descriptors": "len(os.listdir('/proc/self/fd'))",
        },
    )
    assert told["server"] == "ProcessLookupError"
    assert told["seen"] == "False"
    assert told["me"] == "1"
    assert int(json.loads(told["caps"].replace("'", '"'))[0], 16) == 0
    assert told["privileges"] == "['1']"
    assert told["user"] == "False"
    assert told["environment"] == "[]"
    assert int(told["descriptors"]) < 16


def test_inputs_are_not_the_objects_files(client: Client) -> None:
    """What a storlet reads from is a pipe: it can change neither an object's bytes nor its attributes."""
    told = attempts(
        client,
        "inputs.py",
        {
            "write": "open('/proc/self/fd/%d' % in_files[0].fileno(), 'r+b').write(b'x')",
            "attribute": "os.setxattr(in_files[0].fileno(), 'user.swift.metadata', b'x')",
            "seek": "os.lseek(in_files[0].fileno(), 0, 0)",
        },
    )
    assert told.pop("seek") == "OSError"
    assert client.request("GET", "/c/o").body == b"x" * 1024


def test_what_holds_is_told(client: Client) -> None:
    """The status of a server and its /info say what keeps storlets in."""
    told = control.status(client.running.folder).sandbox
    assert "no network" in told
    connection = http.client.HTTPConnection(client.host)
    connection.request("GET", "/info")
    info = json.load(connection.getresponse())["storlet_shell"]
    connection.close()
    assert (info["logs"], info["sandbox"]["network"], info["sandbox"]["description"]) == (True, "closed", told)


def alive(mark: str) -> int:
    """Count the processes whose arguments hold a text."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found += mark in (process / "cmdline").read_text().split("\0")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("end", ["pass", "raise ValueError(1)", "os._exit(1)", "time.sleep(60)"])
def test_processes_left_behind_are_ended(client: Client, end: str) -> None:
    """What a storlet started ends with the invocation, even in a session of its own."""
    mark = f"98765.{abs(hash(end)) % 1000}"
    code = f"""
        import subprocess
        subprocess.Popen(["sleep", "{mark}"], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv("/bin/sleep", ["sleep", "{mark}"])
            os._exit(0)
        time.sleep(0.1)
        out.set_metadata({{}})
        {end}
        """
    client.deploy("leaves.py", storlet(code))
    client.run("leaves.py", "/c/o")
    deadline = time.monotonic() + 2
    while alive(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(mark) == 0


def test_a_bomb_stays_in_its_place(client: Client) -> None:
    """A storlet can't have more than its share of processes."""
    client.deploy("bomb.py", storlet("while True:\n    os.fork()"))
    assert client.run("bomb.py", "/c/o").failure in ("raised", "timeout", "metadata", "exited")
    assert client.request("GET", "/c/o").status == 200


@pytest.mark.slow
def test_the_scratch_folder_is_bounded(client: Client) -> None:
    """A storlet that writes without end is stopped by its own file size, and by its folder's."""
    client.deploy("fills.py", storlet("for n in range(9): open(str(n), 'wb').write(bytes(60 << 20))"))
    assert "No space left" in client.run("fills.py", "/c/o").text
    client.deploy("large.py", storlet("open('x', 'wb').write(bytes(65 << 20))"))
    assert "File too large" in client.run("large.py", "/c/o").text


def test_a_client_that_leaves_ends_the_storlet(client: Client) -> None:
    """The storlet is ended when nobody reads it any more."""
    client.put("/c/large", bytes(32 << 20))
    client.deploy("writes.py", storlet("out.set_metadata({})\nwhile True: out.write(bytes(65536))"))
    request = f"GET {client.account}/c/large HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {client.token}\r\n"
    with socket.create_connection(client.host.split(":"), 10) as connection:
        connection.sendall(f"{request}X-Run-Storlet: writes.py\r\n\r\n".encode())
        connection.recv(65536)
    deadline = time.monotonic() + 5
    while "abandoned" not in (told := client.request("GET", "?storlet-log=writes.py").text):
        assert time.monotonic() < deadline, told
        time.sleep(0.1)
