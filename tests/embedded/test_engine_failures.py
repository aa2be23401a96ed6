"""A failing storlet affects only its own invocation, and the client learns the reason."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest

from .storlets import IDENTITY, PROXY, Client, storlet

WHERE = pytest.mark.parametrize("where", [{}, PROXY], ids=["node", "proxy"])
BEFORE = {
    "raises": ("raise ValueError('boom')", "raised", "ValueError: boom"),
    "exits": ("sys.exit(3)", "exited", "exit(3)"),
    "ends": ("os._exit(4)", "exited", "status 4"),
    "is killed": ("os.kill(os.getpid(), signal.SIGKILL)", "killed", "SIGKILL"),
    "crashes": ("import ctypes; ctypes.string_at(0)", "killed", "SIGSEGV"),
    "sleeps": ("time.sleep(60)", "timeout", "2 s"),
    "loops": ("while True: pass", "timeout", "2 s"),
    "floods memory": ("x = bytearray(1 << 30)", "memory", "MemoryError"),
    "sets no metadata": ("pass", "metadata", "set_metadata"),
    "writes before metadata": ("out.write(b'1')", "raised", "Body should be sent after metadata"),
    "writes text": ("out.set_metadata({}); out.write('text')", "raised", "takes bytes, not str"),
    "forks and comes back": ("if os.fork(): time.sleep(0.2); raise KeyError(2)", "raised", "KeyError: 2"),
    "closes early": ("out.set_metadata({}); out.close(); raise KeyError(1)", "raised", "KeyError: 1"),
    "metadata over lines": ("out.set_metadata({'a': 'b\\r\\nX-Evil: 1'})", "metadata", "control character"),
    "metadata name over lines": ("out.set_metadata({'a\\n': 'b'})", "metadata", "control character"),
    "metadata too long": ("out.set_metadata({'a': 'b' * 5000})", "metadata", "4096"),
    "metadata not Latin-1": ("out.set_metadata({'a': '€'})", "metadata", "Latin-1"),
    "metadata a list": ("out.set_metadata(['a'])", "metadata", "list"),
    "metadata no JSON": ("out.set_metadata({'a': b'b'})", "raised", "not JSON serializable"),
}
LATE = "out.set_metadata({}); out.write(b'x' * 1000000); out.flush(); "
AFTER = {
    "raises": (LATE + "raise ValueError('late')", "raised: ValueError: late"),
    "exits": (LATE + "os._exit(0)", "exited"),
    "is killed": (LATE + "os.kill(os.getpid(), signal.SIGKILL)", "killed"),
    "stalls": (LATE + "time.sleep(60)", "timeout"),
    "writes text": (LATE + "out.write('text')", "takes bytes, not str"),
}


@pytest.mark.slow
@WHERE
@pytest.mark.parametrize("case", BEFORE)
def test_a_failure_before_the_body_is_answered_with_its_reason(
    client: Client, where: dict[str, str], case: str
) -> None:
    """The status is 500 or 503, the body one line of text that names storlet and reason, a header the kind."""
    code, kind, reason = BEFORE[case]
    client.deploy("fails.py", storlet(code))
    started = time.monotonic()
    answer = client.run("fails.py", "/c/o", where)
    assert answer.status in (500, 503)
    assert answer.failure == kind, answer
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text.startswith("Storlet fails.py failed")
    assert reason in answer.text
    assert answer.text.count("\n") == 1
    assert time.monotonic() - started < (12 if kind == "timeout" else 10)
    assert client.request("GET", "/c/o").status == 200


@pytest.mark.slow
@WHERE
@pytest.mark.parametrize("case", AFTER)
def test_a_failure_in_the_body_cuts_it(client: Client, where: dict[str, str], case: str) -> None:
    """The client sees an incomplete body; the reason is in the log; the storlet ran once."""
    code, reason = AFTER[case]
    client.deploy("breaks.py", storlet(code))
    answer = client.run("breaks.py", "/c/o", where)
    assert (answer.status, answer.whole) == (200, False)
    log = client.log("breaks.py", answer.headers["X-Trans-Id"])
    assert reason in log
    assert log.count("---") == 1


@WHERE
def test_http_1_0_clients_see_a_cut_body(client: Client, where: dict[str, str]) -> None:
    """Where the connection's end is the body's end, the connection is reset."""
    client.deploy("breaks.py", storlet(AFTER["raises"][0]))
    client.deploy("identity.py", IDENTITY)
    assert http_1_0(client, "identity.py", where).endswith(b"x" * 1024)
    with pytest.raises(ConnectionResetError):
        http_1_0(client, "breaks.py", where)


def http_1_0(client: Client, name: str, where: dict[str, str]) -> bytes:
    """Get an object through a storlet as an old client does."""
    parts = urlsplit(client.running.storage_url)
    headers = {"X-Auth-Token": client.token, "X-Run-Storlet": name, **where}
    lines = [f"GET {parts.path}/c/o HTTP/1.0", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    with socket.create_connection((parts.hostname, parts.port), 20) as connection:
        connection.sendall("\r\n".join(lines).encode())
        data = b""
        while part := connection.recv(65536):
            data += part
    return data


@pytest.mark.slow
@pytest.mark.parametrize("code", [BEFORE["raises"][0], LATE + "raise ValueError(1)", LATE + "time.sleep(60)"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_failed_upload_stores_nothing(client: Client, code: str, chunked: bool) -> None:
    """A PUT through a storlet that fails, early or late, is answered with the reason and stores nothing."""
    client.deploy("breaks.py", storlet(code))
    body = iter([b"y" * 500000] * 4) if chunked else b"y" * 2000000
    answer = client.request("PUT", "/c/never", {"X-Run-Storlet": "breaks.py"}, body)
    assert (answer.status, answer.text.startswith("Storlet breaks.py failed")) == (500, True), answer
    assert client.request("HEAD", "/c/never").status == 404
    assert client.request("GET", "/c/o").status == 200


@WHERE
@pytest.mark.parametrize("code", [BEFORE["raises"][0], LATE + "raise ValueError(1)"], ids=["early", "late"])
def test_a_failed_copy_stores_nothing(client: Client, where: dict[str, str], code: str) -> None:
    """A COPY through a storlet that fails, early or late, stores nothing: no error page either."""
    client.deploy("breaks.py", storlet(code))
    headers = {"X-Run-Storlet": "breaks.py", "Destination": "c/never", **where}
    answer = client.request("COPY", "/c/o", headers)
    assert answer.status in (500, 503)
    assert "breaks.py" in answer.text
    assert client.request("HEAD", "/c/never").status == 404


@pytest.mark.parametrize(("further", "status"), [(60, 200), (61, 400), (1000, 400)])
def test_more_inputs_than_can_be_handed_over_are_refused(client: Client, further: int, status: int) -> None:
    """They are counted before any is opened: each takes descriptors of the server's, which all accounts share."""
    client.deploy("count.py", storlet("out.set_metadata({}); out.write(b''.join(file.read(1) for file in in_files))"))
    answer = client.run("count.py", "/c/o", {"X-Storlet-Extra-Resources": ",".join(["/c/o"] * further)})
    assert answer.status == status, answer
    assert answer.body == b"x" * 61 if status == 200 else b"only 60 is allowed" in answer.body


def test_half_an_upload_is_no_input(client: Client) -> None:
    """When the client goes away in the middle of an upload, nothing is stored, and the storlet sees no end of input."""
    client.deploy("halved.py", IDENTITY)
    connection = client.connect()
    connection.putrequest("PUT", f"{client.account}/c/half")
    for name, value in {"X-Auth-Token": client.token, "X-Run-Storlet": "halved.py", "Content-Length": "1000"}.items():
        connection.putheader(name, value)
    connection.endheaders(b"half of it")
    time.sleep(0.3)
    connection.close()
    deadline = time.monotonic() + 20
    while not (told := client.request("GET", "?storlet-log=halved.py").text).startswith("---"):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    assert ": ok (" not in told  # the invocation is over, and did not take the half for the whole
    assert client.request("HEAD", "/c/half").status == 404


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("syntax.py", "class S\n", "SyntaxError"),
        ("imports.py", "import not_there\n", "No module named 'not_there'"),
        ("classless.py", "class T: pass\n", "no class S"),
        ("dies.py", "import os; os._exit(1)\n", "exited during its import"),
        ("hangs.py", "import time; time.sleep(60)\n", "import took longer"),
        ("prints.py", "print('hello'); raise OSError(5)\n", "OSError: 5"),
    ],
)
def test_a_storlet_that_can_not_be_imported(client: Client, name: str, code: str, reason: str) -> None:
    """It fails with the reason, each time it is asked for, and runs once it is mended."""
    client.deploy(name, code)
    for _ in range(1 if name == "hangs.py" else 2):
        answer = client.run(name, "/c/o")
        assert (answer.status, reason in answer.text) == (503, True), answer
    if name == "prints.py":
        assert 'hello\nTraceback (most recent call last):\n  File "prints.py", line 1' in client.log(name)
    client.deploy(name, IDENTITY)
    assert client.run(name, "/c/o").status == 200


def test_crashes_in_a_row_leave_the_server_alone(client: Client) -> None:
    """Swift does not take its one device for broken."""
    client.deploy("crashes.py", storlet("os.kill(os.getpid(), signal.SIGSEGV)"))
    for _ in range(15):
        assert client.run("crashes.py", "/c/o").failure == "killed"
    assert client.request("GET", "/c/o").status == 200


@pytest.mark.slow
def test_a_slow_reader_is_no_stalled_storlet(client: Client) -> None:
    """The time in which the client reads nothing does not count."""
    client.deploy("identity.py", IDENTITY)
    client.put("/c/eight", bytes(24 << 20))
    connection = client.connect()
    connection.request(
        "GET", f"{client.account}/c/eight", headers={"X-Auth-Token": client.token, "X-Run-Storlet": "identity.py"}
    )
    response = connection.getresponse()
    time.sleep(3)
    assert len(response.read()) == 24 << 20
    connection.close()


@pytest.mark.slow
def test_a_slow_upload_is_no_stalled_storlet(client: Client) -> None:
    """The time in which the client sends nothing does not count."""
    client.deploy("reads.py", storlet("data = source.read(); out.set_metadata({}); out.write(data)"))

    def body():
        yield b"first"
        time.sleep(3)
        yield b"second"

    assert client.request("PUT", "/c/slow", {"X-Run-Storlet": "reads.py"}, body()).status == 201
    assert client.request("GET", "/c/slow").body == b"firstsecond"
