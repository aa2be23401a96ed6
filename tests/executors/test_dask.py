"""The executor ``dask`` on a real cluster: a scheduler and two workers in processes."""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import distributed
import pytest

from storlet_shell.embedded import control
from tests.support.lines import Outcome, Runner, one_line

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # distributed's own connections, at its end

COUNT = 40


class Cluster:
    """A scheduler and its workers, each with its log."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self._environ = {**environ, "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "debug"}
        self._file = folder / "scheduler.json"
        self.processes = {"scheduler": self._start("scheduler", "dask_scheduler", "--host", "127.0.0.1", "--port", "0")}
        for name in ("worker-1", "worker-2"):
            where = ["--host", "127.0.0.1", "--local-directory", str(folder / name)]
            self.processes[name] = self._start(name, "dask_worker", "--no-nanny", "--nthreads", "2", *where)

    def _start(self, log: str, module: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-W", "ignore", "-m", f"distributed.cli.{module}", "--no-dashboard", *options]
        with (self.folder / f"{log}.log").open("wb") as file:
            return subprocess.Popen(
                [*command, "--scheduler-file", str(self._file)], env=self._environ, stdout=file, stderr=file
            )

    @property
    def address(self) -> str:
        """Where its scheduler is, once both workers are there."""
        while not self._file.exists() or not self._file.read_text():
            assert self.processes["scheduler"].poll() is None
        address: str = json.loads(self._file.read_text())["address"]
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(1)
        return address

    def logs(self) -> bytes:
        """Return everything that was logged."""
        return b"".join(path.read_bytes() for path in self.folder.glob("*.log"))

    def close(self) -> None:
        """End all processes."""
        for process in self.processes.values():
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(run: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run a cluster whose workers have an identity in their environment, as the embedded Swift's user."""
    running = Cluster(tmp_path_factory.mktemp("dask"), run.environ)
    yield running
    running.close()


@pytest.fixture(scope="module")
def filled(storlets: Runner) -> str:
    """Return a container of objects."""
    assert storlets("mkdir", "dask").status == 0
    for number in range(COUNT):
        assert storlets("upload", f"dask/{number}", stdin=b"abc").status == 0
    return "dask"


def mapped(run: Runner, filled: str, address: str, *words: str) -> Outcome:
    """Run a map by the cluster."""
    line = ["map", "--storlet", "upper.py", "--input", f"path:/{filled}/*", "--executor", "dask"]
    return run(*line, "--scheduler-address", address, *words)


@pytest.mark.slow
def test_cluster_does_a_batch(run: Runner, cluster: Cluster, filled: str, tmp_path: Path) -> None:
    """Every object once, and what the storlet makes is saved here."""
    outcome = mapped(run, filled, cluster.address, "--save", str(tmp_path), "--json")
    assert (outcome.status, outcome.json["rows"][0]["status"]) == (0, 200)
    saved = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert saved == {str(number): b"ABC" for number in range(COUNT)}


@pytest.mark.slow
def test_cluster_returns_results_to_join(run: Runner, cluster: Cluster, filled: str, tmp_path: Path) -> None:
    """In the order of the listing, with a line end between them, as threads do."""
    outcome = mapped(run, filled, cluster.address, "--concat", str(tmp_path / "all"), "--limit", "20")
    assert outcome.status == 0, outcome.err
    assert (tmp_path / "all").read_bytes() == b"\n".join([b"ABC"] * 20)


@pytest.mark.slow
def test_nothing_secret_travels(
    run: Runner, cluster: Cluster, filled: str, swift: control.Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither password nor token is in what is sent, or in what the cluster logs at its most talkative."""
    sent: list[bytes] = []
    submit = distributed.Client.submit

    def recorded(self, function, *arguments, **options):
        sent.append(pickle.dumps((function, arguments, options)))
        return submit(self, function, *arguments, **options)

    monkeypatch.setattr(distributed.Client, "submit", recorded)
    assert mapped(run, filled, cluster.address).status == 0
    everything = b"".join(sent) + cluster.logs()
    assert len(sent) == COUNT
    assert b"upper.py" in everything
    assert swift.key.encode() not in everything
    assert b"AUTH_tk" not in everything
    assert b"X-Auth-Token" not in everything


@pytest.mark.slow
def test_worker_without_an_identity_says_so(run: Runner, filled: str, tmp_path: Path) -> None:
    """The login of the line's own session is not handed on."""
    bare = {name: value for name, value in run.environ.items() if not name.startswith("ST_")}
    stranger = Cluster(tmp_path, bare)
    try:
        outcome = mapped(run, filled, stranger.address)
    finally:
        stranger.close()
    assert outcome.status == 3
    assert "no identity" in outcome.err


SLOW = """
import time

class Slow:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        time.sleep(0.1)
        out_files[0].set_metadata({})
        out_files[0].write(in_files[0].read().upper())
        out_files[0].close()
"""


@pytest.mark.slow
def test_lost_worker_loses_nothing(storlets: Runner, cluster: Cluster, filled: str, tmp_path: Path) -> None:
    """Killed in the middle, its tasks are done by the other one, and the journal knows every object as done."""
    made, journal = f"{filled}-made", tmp_path / "journal"
    assert storlets("mkdir", made).status == 0
    assert storlets("deploy", "slow.Slow", stdin=SLOW.encode()).status == 0
    words = ["map", "--storlet", "slow.py", "--input", f"path:/{filled}/*", "--output", f"path:/{made}/{{name}}"]
    words += ["--executor", "dask", "--scheduler-address", cluster.address, "--journal", str(journal), "--json"]
    child = subprocess.Popen(
        [sys.executable, "-m", "storlet_shell", *words],
        env={**storlets.environ, "PYTHONWARNINGS": "default"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while (done := len(storlets("ls", made).text.splitlines())) < 3:
        assert child.poll() is None
    os.kill(cluster.processes["worker-1"].pid, signal.SIGKILL)
    assert done < COUNT
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    rows = json.loads(out)["rows"]
    assert sorted(row["object"] for row in rows) == sorted(f"path:/{filled}/{number}" for number in range(COUNT))
    assert {row["status"] for row in rows} == {201}
    assert len(storlets("ls", made).text.splitlines()) == COUNT
    again = storlets(*words)
    assert (again.status, again.json["rows"]) == (0, [])


@pytest.mark.slow
def test_local_cluster_does_a_batch(storlets: Runner, filled: str) -> None:
    """Without an address, one is started here, and nothing of it is said."""
    words = ["map", "--storlet", "upper.py", "--input", f"path:/{filled}/*", "--limit", "3", "-j", "2", "--json"]
    with socket.socket() as other:
        with suppress(OSError):  # then something else is there
            other.bind(("127.0.0.1", 8787))  # where another cluster's dashboard would be
            other.listen()
        outcome = storlets.process(*words, "--executor", "dask", environ={"PYTHONWARNINGS": ""})
    assert (outcome.status, outcome.err) == (0, "")
    assert len(outcome.json["rows"]) == 3


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "rubbish", "http://127.0.0.1:1"])
def test_scheduler_that_is_not_there(
    storlets: Runner, filled: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line names it, in time."""
    monkeypatch.setattr("storlet_shell.executors.dask.TIMEOUT", 0.3)
    outcome = mapped(storlets, filled, address)
    assert outcome.status == 5
    assert f"the Dask scheduler at {address} can't be reached: " in one_line(outcome)


def test_missing_package_says_how_to_install_it(storlets: Runner, filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    outcome = mapped(storlets, filled, "tcp://127.0.0.1:1")
    assert outcome.status == 2
    assert "pip install 'storlet-shell[dask]'" in one_line(outcome)
