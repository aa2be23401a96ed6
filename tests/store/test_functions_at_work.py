"""Functions with the deployed adapter: long work, killed processes, readers that leave, and upstream's agent."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storlet_shell.deployments.package import read_package
from storlet_shell.embedded import control
from storlet_shell.errors import IncompleteBodyError
from storlet_shell.wire.frames import Frames, first_line, make_nonce
from tests.support import upstream_agent
from tests.support.lines import Runner, base_environment

LINE = (sys.executable, "-m", "storlet_shell")
CODE = """\
import os
import time
from collections.abc import Iterator


def work(data: bytes, metadata: dict, seconds: float = 0.0, then: str = "end") -> Iterator[bytes]:
    yield data.upper()
    time.sleep(seconds)
    if then == "kill":
        os.kill(os.getpid(), 9)
    if then == "fail":
        raise ValueError("on purpose")
    while then == "go on":
        yield b"line\\n" * 10000
    metadata["then"] = then
    yield b"done"
"""


@pytest.fixture
def work(storlets: Runner, module: str, tmp_path: Path) -> str:
    """Deploy the function; return the storlet's name."""
    path = tmp_path / f"{module}.py"
    path.write_text(CODE)
    outcome = storlets("deploy", str(path))
    assert outcome.status == 0, outcome.err
    return path.name


def log(run: Runner, name: str, text: str) -> str:
    """Return a storlet's log once it has a text; running storlets are waited for."""
    for _ in range(300):
        shown = run("logs", name).text
        if text in shown:
            return shown
        time.sleep(0.1)
    pytest.fail(f"{text!r} isn't in the log of {name}: {shown}")


def test_head_of_an_endless_result_leaves_nothing_running(storlets: Runner, here: str, work: str) -> None:
    """``| head -1`` ends the line as for any body, and the function with it."""
    words = " ".join([*LINE, "get", f"{here}/o", "--storlet", work, "-p", "'then=go on'"])
    script = f"{words} | head -1; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(
        ["bash", "-c", script], env=storlets.environ, capture_output=True, text=True, check=True, timeout=60
    )
    assert (ended.stdout, ended.stderr) == ("HELLO\n141\n", "")
    assert "abandoned" in log(storlets, work, "abandoned")


def test_interrupt_leaves_nothing_running(storlets: Runner, here: str, work: str) -> None:
    """Ctrl-C in the middle of a body ends the process and the function."""
    words = ["get", f"{here}/o", "--storlet", work, "-p", "then=go on"]
    child = subprocess.Popen([*LINE, *words], env=storlets.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read(1 << 20)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (130, b"storlet-shell: interrupted\n")
    assert "abandoned" in log(storlets, work, "abandoned")


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Run lines against a Swift that ends storlets which make no progress for four seconds."""
    with control.join_or_start(Path(), control.Settings(ephemeral=True, time_limit=4)) as lease:
        swift = lease.running
        identity = {"ST_AUTH": swift.auth_url, "ST_USER": swift.user, "ST_KEY": swift.key}
        yield Runner({**base_environment(tmp_path_factory.mktemp("home")), **identity})


@pytest.mark.slow
def test_long_work_is_whole_in_frames_only(impatient: Runner, tmp_path: Path) -> None:
    """Heartbeats keep it alive where a plain run is ended, and a process killed after them isn't taken for success."""
    (tmp_path / "work.py").write_text(CODE)
    for words in (["mkdir", "c"], ["deploy", str(tmp_path / "work.py")]):
        assert impatient(*words).status == 0
    assert impatient("put", "-", "c/o", stdin=b"hello\n").status == 0
    run = ["--storlet", "work.py", "-p", "seconds=7"]
    assert impatient("get", "c/o", *run).out == b"HELLO\ndone"
    assert impatient("map", "--input", "path:/c/o", "--save", str(tmp_path), *run).status == 0
    assert (tmp_path / "o").read_bytes() == b"HELLO\ndone"
    plain = impatient("copy", "c/o", "c/x", *run)
    assert (plain.status, "4 s, the time limit" in plain.err) == (6, True)
    killed = impatient("get", "c/o", *run, "-p", "then=kill", "--save", str(tmp_path / "killed"))
    assert (killed.status, (tmp_path / "killed").exists()) == (6, False)
    assert "last frame is missing" in killed.err or "the server cut the connection" in killed.err


def in_upstreams_agent(folder: Path, then: str, **parameters: str) -> tuple[str, bytes, str]:
    """Run the function over b"hello" in upstream's own agent; return the metadata, the body, and the logged error."""
    (folder / "scratch").mkdir(parents=True)
    (folder / "source").mkdir()
    (folder / "source" / "work.py").write_text(CODE)
    package = read_package(str(folder / "source" / "work.py"), None, None)
    (folder / "work.py").write_bytes(package.code)
    run = {
        "folder": str(folder),
        "scratch": str(folder / "scratch"),
        "main": package.main,
        "input": base64.b64encode(b"hello").decode(),
        "metadata": {"Kept": "yes"},
        "parameters": {"then": then, "storlet_execution_path": str(folder), **parameters},
    }
    command = [sys.executable, "-P", upstream_agent.__file__]
    environ = {name: os.environ.get(name, "") for name in ("PATH", "PYTHONPATH")}
    ended = subprocess.run(command, input=json.dumps([run]), capture_output=True, text=True, check=True, env=environ)
    (result,) = json.loads(ended.stdout)
    metadata, body, error = (base64.b64decode(result[part]) for part in ("metadata", "body", "error"))
    return metadata.decode(), body, error.decode()


def unframed(body: bytes, nonce: str) -> tuple[bytes, Frames]:
    """Return the data in a framed body, and its parser."""
    line, frames = first_line(nonce), Frames()
    assert body.startswith(line)
    data = b"".join(frames.feed(body.removeprefix(line)))
    frames.finish()
    return data, frames


@pytest.mark.slow
def test_upstreams_agent_is_spoken_to_in_frames(tmp_path: Path) -> None:
    """Upstream's own files carry them; without a nonce, the body is plain, as other clients get it."""
    nonce = make_nonce()
    metadata, body, error = in_upstreams_agent(tmp_path / "framed", "end", storlet_frames=nonce)
    data, frames = unframed(body, nonce)
    assert (metadata, data, error) == ("{}", b"HELLOdone", "")
    assert frames.metadata == {"Kept": "yes", "then": "end"}
    _, body, error = in_upstreams_agent(tmp_path / "failing", "fail", storlet_frames=nonce)
    _, frames = unframed(body, nonce)
    assert frames.failure is not None
    assert (frames.failure.error, error) == ("ValueError: on purpose", "ValueError: on purpose")
    assert ", line 13, in work" not in frames.failure.traceback  # of what is deployed, not of the author's file
    _, body, _ = in_upstreams_agent(tmp_path / "killed", "kill", storlet_frames=nonce)
    with pytest.raises(IncompleteBodyError, match="last frame is missing"):
        unframed(body, nonce)
    assert in_upstreams_agent(tmp_path / "plain", "kill")[1] in (b"", b"HELLO")
