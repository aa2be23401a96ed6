"""Run a storlet's class once in a process here, without any server, to see what it does.

The process is no sandbox: it is the author's own code on the author's own machine. It gets file objects that behave as
the engine's do.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storlet_shell.errors import StorletFailedError
from storlet_shell.excerpts import with_cure
from storlet_shell.results import CHUNK_BYTES, Result
from storlet_shell.values import StorletMain

_PROCESS = "storlet_shell.trial_process"
_SHOWN_BYTES = 4096
_LOG_BYTES = 64 * 1024


@dataclass(frozen=True)
class Trial(Result):
    """What a storlet did in a trial.

    :param output: the first 4096 bytes that it wrote
    :param count: how many bytes it wrote
    :param metadata: what it set as metadata
    :param log: what it logged and printed, line by line
    :param seconds: how long its call took
    :param notes: what the check of its source found
    """

    main: str
    output: bytes
    count: int
    metadata: Mapping[str, Any]
    log: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    def fields(self) -> dict[str, Any]:
        """Return everything, the output as text."""
        return {
            "main": self.main,
            "seconds": round(self.seconds, 3),
            "metadata": dict(self.metadata),
            "log": list(self.log),
            "notes": list(self.notes),
            "bytes": self.count,
            "output": self.output.decode("utf-8", "replace"),
            "output_is_cut": self.count > len(self.output),
        }

    def render(self) -> Iterator[str]:
        """Yield the facts and then the output, which says when it is cut."""
        yield f"dry run of {self.main}: {self.count} bytes in {self.seconds:.3f} s; nothing was uploaded"
        yield from (f"note: {note}" for note in self.notes)
        yield from (f"metadata: {name}: {value}" for name, value in self.metadata.items())
        yield from (f"log: {line}" for line in self.log)
        yield "output:"
        yield from self.output.decode("utf-8", "replace").splitlines()
        if self.count > len(self.output):
            yield f"(cut: {self.count - len(self.output)} more bytes)"


def run(
    code: bytes,
    main: StorletMain,
    input_file: Path,
    parameters: Mapping[str, str],
    *,
    input_metadata: Mapping[str, str] | None = None,
    dependencies: Sequence[Path] = (),
    notes: Sequence[str] = (),
    time_limit: float = 40,
) -> Trial:
    """Run a storlet's class over a local file.

    :param dependencies: files that are put beside the code, with their permissions
    :param time_limit: seconds until it is ended
    :raises StorletFailedError: when it fails; the notes, its log and its traceback are the error's details
    """
    with tempfile.TemporaryDirectory(prefix="storlet-trial-") as name:
        folder = Path(name)
        (folder / main.storlet.name).write_bytes(code)
        for dependency in dependencies:
            copied = folder / dependency.name
            copied.write_bytes(dependency.read_bytes())
            copied.chmod(dependency.stat().st_mode & 0o700 | 0o600)
        spec = {
            "module": main.module,
            "class": main.class_name,
            "input": str(input_file.resolve()),
            "input_metadata": dict(input_metadata or {}),
            "parameters": {**parameters, "storlet_execution_path": name},
        }
        problem = _run_process(folder, spec, time_limit)
        log = _log(folder / "log")
        if problem:
            details = [*(f"note: {note}" for note in notes), *log, *problem[:-1]]
            raise StorletFailedError(f"dry run of {main}: {with_cure(problem[-1])}", details="\n".join(details))
        return _trial(folder, main, log, notes)


def _trial(folder: Path, main: StorletMain, log: list[str], notes: Sequence[str]) -> Trial:
    facts = json.loads(_read(folder / "facts"))
    with (folder / "output").open("rb") as file:
        output = file.read(_SHOWN_BYTES)
    return Trial(
        main=str(main),
        output=output,
        count=(folder / "output").stat().st_size,
        metadata=json.loads(_read(folder / "metadata")),
        log=tuple(log),
        seconds=facts["seconds"],
        notes=tuple(notes),
    )


def _run_process(folder: Path, spec: Mapping[str, Any], time_limit: float) -> list[str]:
    """Run the process to its end; return what went wrong as lines, the last of which says it in short."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    (folder / "spec").write_text(json.dumps(spec), encoding="utf-8")
    # What it prints goes to a file: a pipe would stay open for as long as anything runs that the storlet has started.
    with (folder / "spec").open("rb") as stdin, (folder / "log").open("ab") as printed:
        process = subprocess.Popen(
            [sys.executable, "-P", "-u", "-m", _PROCESS],
            stdin=stdin,
            stdout=printed,
            stderr=printed,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
    try:
        status = process.wait(time_limit)
    except subprocess.TimeoutExpired:
        return [f"it did not end within {time_limit:g} s"]
    finally:
        with suppress(ProcessLookupError):  # what it has started ends with it, as in the engine
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    lines = _read(folder / "errors").decode("utf-8", "replace").splitlines()
    if status < 0:
        return [*lines, f"it was ended by signal {-status}"]
    if status > 0:
        return lines or [f"it ended the process with status {status}"]
    if not (folder / "facts").exists():
        return [*lines, "it ended the process with status 0"]
    if not (folder / "metadata").exists():
        return ["it returned without out_files[0].set_metadata(...)"]
    return []


def _log(path: Path) -> list[str]:
    """Return what it logged and printed, as the engine keeps it: in one, in order."""
    with path.open("rb") as file:
        log = file.read(_LOG_BYTES)
        rest = path.stat().st_size - len(log)
    return log.decode("utf-8", "replace").splitlines() + ([f"(cut: {rest} more bytes)"] if rest else [])


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def copy_stream(chunks: Iterator[bytes], target: Path) -> None:
    """Write a body to a local file, so that a trial can run over it."""
    with target.open("wb", buffering=CHUNK_BYTES) as file:
        for chunk in chunks:
            file.write(chunk)
