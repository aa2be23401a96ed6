"""The client imports and runs where Linux's own features are missing, as on macOS and Windows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.responder import Responder, ok
from tests.test_layers import modules

SERVER_SIDE = ("embedded.", "adapters.xonsh", "storlets.trial_process")
"""What runs on Linux only, or inside of another program."""

POORER = """
import os, signal, sys
for name in ("O_TMPFILE", "O_PATH", "O_CLOEXEC", "O_DIRECTORY", "pread", "fchmod"):
    delattr(os, name)
del signal.SIGHUP
for name in ("fcntl", "resource", "pwd", "grp"):
    sys.modules[name] = None
"""


def run(code: str, *words: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run code in a process that lacks what other systems lack."""
    line = [sys.executable, "-c", POORER + code, *words]
    return subprocess.run(line, capture_output=True, env={"PATH": "/usr/bin:/bin", **environ}, timeout=60, check=False)


@pytest.mark.slow
def test_every_module_of_the_client_imports() -> None:
    """None of them asks for a name of Linux's when it is imported."""
    names = [
        f"storlet_shell.{module}"
        for module in modules()
        if not f"{module}.".startswith(SERVER_SIDE) and module not in ("__init__", "__main__")
    ]
    assert len(names) > 100
    ended = run("import importlib\nfor name in sys.argv[1:]: importlib.import_module(name)", *names)
    assert ended.stderr.decode() == ""
    assert ended.returncode == 0


@pytest.mark.parametrize(
    ("words", "out"),
    [(["--version"], b"storlet-shell "), (["get", "c/o"], b"hello"), (["get", "c/o", "--save", "saved"], b"")],
)
def test_lines_run(responder: Responder, tmp_path: Path, words: list[str], out: bytes) -> None:
    """A line is parsed, sent, and its result is shown or saved."""
    responder.on("GET", "/c/o", ok(b"hello"))
    code = f"os.chdir({str(tmp_path)!r})\nfrom storlet_shell.__main__ import main\nmain()"
    ended = run(code, *words, OS_STORAGE_URL=responder.storage_url, OS_AUTH_TOKEN="t")
    assert (ended.returncode, ended.stdout[: len(out)]) == (0, out), ended.stderr.decode()
    if "--save" in words:
        assert (tmp_path / "saved").read_bytes() == b"hello"
