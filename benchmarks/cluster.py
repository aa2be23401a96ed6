"""An embedded Swift to measure on, and the simplest client: ``http.client`` on a persistent connection."""

from __future__ import annotations

import http.client
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from storlet_shell.embedded import control
from storlet_shell.wire import headers as wire

IDENTITY = b"""
class Identity:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({})
        while chunk := in_files[0].read(65536):
            out_files[0].write(chunk)
        in_files[0].close()
        out_files[0].close()
"""
PLAIN = control.Settings(ephemeral=True, auth=control.TEMPAUTH)
ON_PROXY = {wire.RUN_ON_PROXY: ""}
HOST = "127.0.0.1"


class Wire:
    """A persistent connection to the account."""

    def __init__(self, running: control.Running) -> None:
        self._running = running
        self._connection = http.client.HTTPConnection(HOST, running.port, timeout=120)
        self._connection.request("GET", "/auth/v1.0", headers={"X-Auth-User": running.user, "X-Auth-Key": running.key})
        answer = self._connection.getresponse()
        answer.read()
        self._token = answer.getheader(wire.AUTH_TOKEN, "")

    def send(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> int:
        """Send a request, discard its answer's body, and return the duration.

        :raises RuntimeError: if the answer isn't a success
        """
        self._connection.request(
            method, f"/v1/AUTH_local/{path}", body or None, {wire.AUTH_TOKEN: self._token, **(headers or {})}
        )
        answer = self._connection.getresponse()
        count = 0
        while chunk := answer.read(65536):
            count += len(chunk)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status}")
        return count

    def fill(self, container: str, count: int, size: int) -> None:
        """Create a container with objects ``object-000000`` and so on, of equal size, from one archive."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as archive:
            for number in range(count):
                member = tarfile.TarInfo(f"object-{number:06}")
                member.size = size
                archive.addfile(member, io.BytesIO(b"x" * size))
        self.send("PUT", f"{container}?extract-archive=tar", body=content.getvalue())

    def log(self, storlet: str) -> str:
        """Return the log of a storlet's latest invocations."""
        path = f"/v1/AUTH_local?{wire.LOG_QUERY}={storlet}"
        self._connection.request("GET", path, headers={wire.AUTH_TOKEN: self._token})
        return self._connection.getresponse().read().decode()

    def deploy(self, name: str, code: bytes = IDENTITY) -> dict[str, str]:
        """Deploy a storlet and return the header that runs it."""
        headers = wire.encode_storlet(wire.StorletDescription("python", f"{name}.Identity"))
        self.send("PUT", f"storlet/{name}.py", headers, code)
        return {wire.RUN_STORLET: f"{name}.py"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


@contextmanager
def cluster(settings: control.Settings = PLAIN) -> Iterator[control.Running]:
    """Run an embedded Swift in a temporary folder."""
    with control.join_or_start(control.data_folder(), settings) as lease:
        yield lease.running


def environment(running: control.Running | None = None) -> dict[str, str]:
    """Return an environment for child processes, with the identity of a cluster.

    Python's own variables are left out as well: if bytecode can't be written, an editable package would be compiled in
    each process.
    """
    left_out = ("OS_", "ST_", "STORLET_SHELL_", "PYTHON")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    if running is None:
        return variables
    return {**variables, **control.environment(running)}


def login(running: control.Running) -> str:
    """Return a line of sh that logs in, and leaves the token in ``$T``."""
    words = f"curl -sD- -o /dev/null -H X-Auth-User:$ST_USER -H X-Auth-Key:$ST_KEY {running.auth_url}"
    return f"T=$({words} | tr -d '\\r' | sed -n 's/^X-Auth-Token: //Ip')"


def tool(name: str) -> str:
    """Return the path of a program that is installed next to this Python."""
    return str(Path(sys.executable).parent / name)


def run(
    words: list[str],
    running: control.Running | None = None,
    stdin: bytes = b"",
    environ: Mapping[str, str] | None = None,
) -> None:
    """Run a process to its end, and discard its output.

    :param environ: additional variables
    :raises RuntimeError: if it fails
    """
    process = subprocess.run(
        words,
        input=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**environment(running), **(environ or {})},
        check=False,
    )
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)}: {process.stderr.decode()}")


# The kernel counts the forking process's memory as the child's, so a small process forks.
_PEAK = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def peak_memory(words: list[str], running: control.Running) -> float:
    """Run a process to its end; return its peak memory in MiB."""
    process = subprocess.run(
        [sys.executable, "-S", "-c", _PEAK, *words],
        stdout=subprocess.PIPE,
        env=environment(running),
        timeout=900,
        check=True,
    )
    return int(process.stdout) / 1024
