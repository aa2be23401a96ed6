"""Run lines as a user would: in this process over real files, or in a separate process."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from storlet_shell.adapters.cli.main import main

ROOT = Path(__file__).parents[2]

_WITHOUT_ROOT = """
import ctypes, sys
from storlet_shell.adapters.cli.main import main
# CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH let root read everything.
header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert ctypes.CDLL(None).capset(header, data) == 0
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Outcome:
    """The result of a line: its exit status, standard output in bytes, and standard error as text."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.out.decode()

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


def base_environment(home: Path) -> dict[str, str]:
    """Return the environment of a process without an identity.

    All share a cache, which has compiled Java.
    """
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    warnings = "error,ignore:'cgi' is deprecated:DeprecationWarning"  # as in pyproject.toml
    cache = f"{tempfile.gettempdir()}/storlet-shell-tests-{os.getuid()}"
    places = {"HOME": str(home), "XDG_CACHE_HOME": cache, "PYTHONPATH": str(ROOT)}
    return {**inherited, **places, "PYTHONWARNINGS": warnings, "EDITOR": "true"}


class Runner:
    """Run lines in one environment.

    :param environ: the whole environment
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)

    def __call__(self, *words: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Outcome:
        """Run a line in this process, with real files as its standard streams."""
        with ExitStack() as stack:
            files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
            files[0].write(stdin)
            files[0].seek(0)
            # Duplicates, so that what a broken stream leaves open refers to nothing else.
            buffers = [stack.enter_context(os.fdopen(os.dup(file.fileno()), "r+b")) for file in files]
            streams = [io.TextIOWrapper(buffer, encoding="utf-8", write_through=True) for buffer in buffers]
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                stack.enter_context(patch.object(sys, name, stream))
            stack.enter_context(patch.dict(os.environ, {**self.environ, **(environ or {})}, clear=True))
            try:
                status = main(list(words))
            except SystemExit as end:
                status = int(end.code or 0)
            for stream in streams[1:]:
                stream.flush()
            for file in files[1:]:
                file.seek(0)
            return Outcome(status, files[1].read(), files[2].read().decode())

    def without_root(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a line in a process that respects file permissions, even if root runs the tests."""
        return subprocess.run(
            [sys.executable, "-c", _WITHOUT_ROOT, *words], env=self.environ, capture_output=True, text=True, check=False
        )

    def process(
        self, *words: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None, **options: Any
    ) -> Outcome:
        """Run a line in a separate process; ``options`` are passed to ``subprocess.run``."""
        ended = subprocess.run(
            [sys.executable, "-m", "storlet_shell", *words],
            input=stdin,
            capture_output=True,
            env={**self.environ, **(environ or {})},
            timeout=60,
            check=False,
            **options,
        )
        return Outcome(ended.returncode, ended.stdout, ended.stderr.decode())


def one_line(outcome: Outcome) -> str:
    """Return the only line on standard error; fail if there are more, as with a traceback."""
    lines = outcome.err.splitlines()
    assert len(lines) == 1, outcome.err
    assert lines[0].startswith("storlet-shell: ")
    return lines[0].removeprefix("storlet-shell: ")
