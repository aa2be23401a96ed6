"""Run a storlet's class once in a process here, without any server, to see what it does.

The process is no sandbox: it is the author's own code on the author's own machine. It gets file objects that behave as
the engine's do.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from storlet_shell.errors import LocalFileError, StorletFailedError
from storlet_shell.results import Result
from storlet_shell.storlets import contract
from storlet_shell.text import counted
from storlet_shell.values import CHUNK_BYTES, StorletMain
from storlet_shell.wire.failures import with_cure

_PROGRAM = "import sys; sys.path[:] = {path!r}; from storlet_shell.storlets.trial_process import main; main()"
_LEFTOVER_SECONDS = 2.0
_LARGEST_MESSAGE = 192 * 1024
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
        yield f"dry run of {self.main}: {counted(self.count, 'byte')} in {self.seconds:.3f} s; nothing was uploaded"
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
        _put_code(folder / "code", code, main, dependencies)
        (folder / "scratch").mkdir()
        spec = {
            "main": str(main),
            "folder": str(folder / "code"),
            "metadata": dict(input_metadata or {}),
            "parameters": {**parameters, "storlet_execution_path": str(folder / "code")},
        }
        process = _Process(folder, input_file)
        status = process.run(spec, time_limit)
        log = _log(folder / "log")
        metadata, problem = _judge(process, status, time_limit)
        if problem:
            traceback = str(process.result.get("traceback", "")).splitlines()
            details = "\n".join([*(f"note: {note}" for note in notes), *log, *traceback])
            raise StorletFailedError(f"dry run of {main}: {with_cure(problem)}", details=details)
        unstorable = contract.unstorable(metadata)
        return Trial(
            main=str(main),
            output=process.output,
            count=process.count,
            metadata=metadata,
            log=tuple(log),
            seconds=float(process.result.get("seconds", 0)),
            notes=(*notes, f"get takes this, put and copy would not: {unstorable}") if unstorable else tuple(notes),
        )


def _put_code(folder: Path, code: bytes, main: StorletMain, dependencies: Sequence[Path]) -> None:
    folder.mkdir()
    (folder / main.storlet.name).write_bytes(code)
    for dependency in dependencies:
        copied = folder / dependency.name
        copied.write_bytes(dependency.read_bytes())
        copied.chmod(dependency.stat().st_mode & 0o700)  # as engines do (storlets gateway.py: bring_from_cache)


def _judge(process: _Process, status: int | None, time_limit: float) -> tuple[dict[str, str], str]:
    """Return the metadata, and what is wrong with the run, in the order in which the engine looks."""
    if status is None:
        return {}, f"it did not end within {time_limit:g} s"
    if process.metadata:
        try:
            metadata = contract.read_metadata(process.metadata)
        except contract.MetadataError as error:
            return {}, str(error)
    else:
        metadata = {}
    if not process.result:
        return metadata, contract.ended(status)[1]
    if process.result["event"] == "failed":
        return metadata, str(process.result.get("message"))
    return metadata, "" if process.metadata else contract.NO_METADATA


class _Process:
    """The process of a run, with the pipes that it reads and writes, as an engine's invocation has them.

    :param folder: holds its ``scratch`` folder, and gets its ``log``
    :ivar output: the first bytes of its body, ``count`` in all
    :ivar result: what it said when the storlet had returned or failed; empty if it didn't get there
    """

    def __init__(self, folder: Path, input_file: Path) -> None:
        self._folder, self._input = folder, input_file
        self.output = self.metadata = b""
        self.count = 0
        self.result: dict[str, Any] = {}
        self._input_error: OSError | None = None

    def run(self, spec: Mapping[str, Any], time_limit: float) -> int | None:
        """Run it to its end, and return its exit status; None if it had to be ended.

        :raises LocalFileError: when the input can't be read to its end
        """
        log = os.open(self._folder / "log", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        pipes = [os.pipe() for _ in range(4)]
        (source, feed), ours = pipes[0], [reader for reader, _ in pipes[1:]]
        metadata, body, result = (writer for _, writer in pipes[1:])
        theirs = [log, metadata, body, source, result]
        try:
            process = self._start({**spec, "descriptors": theirs}, theirs)
        except BaseException:
            for descriptor in (feed, *ours):
                os.close(descriptor)
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        sent, ended = bytearray(), bytearray()
        readers = [
            threading.Thread(target=_drain, args=arguments, daemon=True)
            for arguments in zip(ours, (partial(_keep, sent), self._add, partial(_keep, ended)), strict=True)
        ]
        for thread in (*readers, threading.Thread(target=self._feed, args=(feed,), daemon=True)):
            thread.start()
        status = _wait(process, time_limit)
        for thread in readers:  # what has left the process group may hold a pipe open
            thread.join(_LEFTOVER_SECONDS)
        if self._input_error is not None:
            raise LocalFileError(f"{self._input}: {self._input_error.strerror}") from self._input_error
        self.metadata, self.result = bytes(sent), _result(bytes(ended))
        return status

    def _start(self, spec: Mapping[str, Any], descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
        path = [entry for entry in sys.path if entry]
        scratch = str(self._folder / "scratch")
        (self._folder / "spec").write_text(json.dumps(spec), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM.format(path=path), str(self._folder / "spec")],
            stdin=subprocess.DEVNULL,
            stdout=descriptors[0],
            stderr=descriptors[0],
            pass_fds=descriptors,
            cwd=scratch,
            # The engine's (embedded/engine/nursery.py, warm.py): what only this terminal has would be missing there.
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": scratch, "TMPDIR": scratch},
            start_new_session=True,
        )

    def _feed(self, pipe: int) -> None:
        """Write the input into a pipe; a storlet that wants no more of it closes it."""
        try:
            with os.fdopen(pipe, "wb", buffering=0) as target, self._input.open("rb") as source:
                shutil.copyfileobj(source, target, CHUNK_BYTES)
        except BrokenPipeError:
            pass
        except OSError as error:
            self._input_error = error

    def _add(self, chunk: bytes) -> None:
        self.output += chunk[: _SHOWN_BYTES - len(self.output)]
        self.count += len(chunk)


def _wait(process: subprocess.Popen[bytes], time_limit: float) -> int | None:
    """Wait for a process, and end it with what it has started; return its status, None if the time was over."""
    try:
        return process.wait(time_limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _keep(kept: bytearray, chunk: bytes) -> None:
    """Take the first bytes of a message; a storlet may send without end."""
    kept.extend(chunk[: max(0, _LARGEST_MESSAGE - len(kept))])


def _result(text: bytes) -> dict[str, Any]:
    """Read what the process said at its end, if that can be anything but the storlet's own writing."""
    try:
        result = json.loads(text or b"{}")
    except ValueError:
        return {}
    return result if isinstance(result, dict) and {"event"} < result.keys() else {}


def _drain(pipe: int, add: Callable[[bytes], None]) -> None:
    """Hand on what comes out of a pipe."""
    with open(pipe, "rb", buffering=0) as source:
        while chunk := source.read(CHUNK_BYTES):
            add(chunk)


def _log(path: Path) -> list[str]:
    """Return what it logged and printed, as the engine keeps it: in one, in order."""
    with path.open("rb") as file:
        log = file.read(_LOG_BYTES)
        rest = path.stat().st_size - len(log)
    return log.decode("utf-8", "replace").splitlines() + ([f"(cut: {rest} more bytes)"] if rest else [])


def copy_stream(chunks: Iterator[bytes], target: Path) -> None:
    """Write a body to a local file, so that a trial can run over it."""
    with target.open("wb", buffering=CHUNK_BYTES) as file:
        for chunk in chunks:
            file.write(chunk)
