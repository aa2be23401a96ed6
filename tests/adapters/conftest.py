"""Fixtures for the front ends' tests: an identity on the real Swift, a container, and ways to run lines."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from storlet_shell.adapters.cli import main as cli
from storlet_shell.adapters.console import Console
from storlet_shell.adapters.shell.app import Shell, make_class
from storlet_shell.embedded.control import Running
from storlet_shell.identity.environment import discover
from storlet_shell.session import Session
from storlet_shell.spec.registry import Registry


@dataclass
class Outcome:
    """What a run left: its exit status and what it wrote."""

    status: int
    out: bytes
    err: str


@pytest.fixture
def environ(swift: Running, tmp_path: Path) -> dict[str, str]:
    """Return an environment with an identity at the real Swift, and files of the user's own out of the way."""
    return {
        "PATH": os.environ["PATH"],
        "ST_AUTH": swift.auth_url,
        "ST_USER": swift.user,
        "ST_KEY": swift.key,
        "STORLET_SHELL_HISTORY": str(tmp_path / "state" / "history"),
        "STORLET_SHELL_STARTUP": str(tmp_path / "startup"),
    }


@pytest.fixture
def session(environ: dict[str, str]) -> Iterator[Session]:
    """Open a session at the real Swift, that writes to the process's standard streams."""
    assert discover(environ)
    with Session(Console(environ)) as opened:
        yield opened


@pytest.fixture
def container(session: Session) -> str:
    """Make a container of the test's own."""
    name = f"front-{uuid.uuid4().hex[:8]}"
    Registry().get("mkdir").call([name]).run(session)
    return name


@pytest.fixture
def upload(session: Session) -> Callable[[str, bytes], None]:
    """Give a way to make an object."""

    def make(path: str, content: bytes) -> None:
        Registry().get("upload").call([path], content).run(session)

    return make


@pytest.fixture
def shell(session: Session) -> Shell:
    """Make an interactive shell without a terminal."""
    console = session.surroundings
    assert isinstance(console, Console)
    return make_class(Registry())(session, console, Registry())


Script = Callable[..., Outcome]


@pytest.fixture
def script(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Script:
    """Give a way to run a text as a command file, in this process."""
    monkeypatch.chdir(tmp_path)

    def run(text: str | bytes, *words: str, options: tuple[str, ...] = (), stdin: bytes | None = None) -> Outcome:
        path = tmp_path / "file.ss"
        path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
        for name in list(os.environ):
            monkeypatch.delenv(name)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfdbinary.readouterr()
        status = cli.main([*options, "-f", "file.ss", *words])
        out, err = capfdbinary.readouterr()
        return Outcome(status, out, err.decode())

    return run


Process = Callable[..., Outcome]


@pytest.fixture
def process(environ: dict[str, str], tmp_path: Path) -> Process:
    """Give a way to run ``storlet-shell`` as a process of its own."""

    def run(*words: str, stdin: bytes = b"", before: str = "exec", **changes: str | None) -> Outcome:
        changed = {name: value for name, value in {**environ, **changes}.items() if value is not None}
        found = subprocess.run(
            ["/bin/sh", "-c", f'{before} "$@"', "sh", sys.executable, "-W", "error", "-m", "storlet_shell", *words],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env={**changed, "PYTHONPATH": str(Path(__file__).parents[2])},
            timeout=60,
            check=False,
        )
        return Outcome(found.returncode, found.stdout, found.stderr.decode())

    return run


@dataclass
class SlowStore:
    """An object store over a real socket that is as slow as a test needs it.

    :param listing_seconds: how long a listing takes
    :param asked: set when an object is asked for
    :param hung_up: set when the client has gone before the end of an object
    """

    url: str = ""
    listing_seconds: float = 0.0
    asked: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)

    @property
    def environ(self) -> dict[str, str]:
        """The identity that leads there."""
        others = dict.fromkeys(("ST_AUTH", "ST_USER", "ST_KEY"), "")
        return {**others, "OS_STORAGE_URL": self.url, "OS_AUTH_TOKEN": "token-of-the-slow-one"}


@pytest.fixture
def slow_store() -> Iterator[SlowStore]:
    """Serve a container ``slow`` whose objects never end."""
    store, stop = SlowStore(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if "?" in self.path:
                stop.wait(store.listing_seconds)
                self._answer(b'[{"name": "slow"}]')
                return
            self.send_response(200)
            self.send_header("Content-Length", str(10**12))
            self.end_headers()
            store.asked.set()
            try:
                while not stop.wait(0.02):
                    self.wfile.write(b"more and more\n" * 100)
            except OSError:
                store.hung_up.set()
            self.close_connection = True

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        store.url = f"http://127.0.0.1:{server.server_port}/v1/AUTH_slow"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield store
        finally:
            stop.set()
            server.shutdown()
            thread.join()
