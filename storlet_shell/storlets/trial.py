"""Run a storlet once in a local process, without a server.

The process isn't sandboxed: it is the author's own code on the author's own machine. Its file objects behave like the
engine's.
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
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, StorletFailedError
from storlet_shell.results.reports import Named
from storlet_shell.storlets import contract
from storlet_shell.storlets.origins import with_own_lines
from storlet_shell.text import counted
from storlet_shell.values import CHUNK_BYTES, StorletMain
from storlet_shell.wire.failures import with_cure
from storlet_shell.wire.headers import FUNCTION_CLASS

_PROGRAM = "import sys; sys.path[:] = {path!r}; from storlet_shell.storlets.trial_process import main; main()"
_LEFTOVER_SECONDS = 2.0
_LARGEST_MESSAGE = 192 * 1024
_SHOWN_BYTES = 4096
_LOG_BYTES = 64 * 1024


@typed_equality
class BundledFile(NamedTuple):
    """A file next to a storlet's code.

    :param mode: its permissions
    """

    name: str
    content: bytes
    mode: int = 0o644


@dataclass(frozen=True)
class Trial(Named):
    """The result of a trial.

    :param output: the first 4096 bytes of the output
    :param count: the number of bytes of the whole output
    :param metadata: the metadata that the storlet set
    :param log: the lines that it logged and printed
    :param seconds: the duration of the call
    :param notes: findings about its source
    """

    main: str
    output: bytes
    count: int
    metadata: Mapping[str, Any]
    log: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    def fields(self) -> dict[str, Any]:
        """Return all facts, with the output as text."""
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
        """Yield the facts, then the output, and a note if that is cut."""
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
    dependencies: Sequence[BundledFile] = (),
    notes: Sequence[str] = (),
    time_limit: float = 40,
) -> Trial:
    """Run a storlet's class over a local file.

    :param dependencies: files for the code's folder
    :param time_limit: seconds until it is killed
    :raises StorletFailedError: if it fails; the details are the notes, its log and its traceback
    """
    with tempfile.TemporaryDirectory(prefix="storlet-trial-") as name:
        folder = Path(name)
        _put_code(folder / "code", code, main, dependencies)
        (folder / "scratch").mkdir()
        spec = {
            "main": str(main),
            "folder": str(folder / "code"),
            "metadata": dict(input_metadata or {}),
            "parameters": {**parameters, contract.FOLDER_PARAMETER: str(folder / "code")},
        }
        process = _Process(folder, input_file)
        status = process.run(spec, time_limit)
        log = _log(folder / "log")
        metadata, problem = _judge(process, status, time_limit)
        if problem:
            traceback = str(process.result.get("traceback", ""))
            if main.class_name == FUNCTION_CLASS:
                traceback = with_own_lines(traceback, main.storlet.name, code.decode("utf-8", "replace"))
            details = "\n".join([*(f"note: {note}" for note in notes), *log, *traceback.splitlines()])
            raise StorletFailedError(f"dry run of {main}: {with_cure(problem)}", details=details)
        unstorable = contract.unstorable(metadata)
        return Trial(
            main=str(main),
            output=process.output,
            count=process.count,
            metadata=metadata,
            log=tuple(log),
            seconds=float(process.result.get("seconds", 0)),
            notes=(*notes, f"works with get, but not with put and copy: {unstorable}") if unstorable else tuple(notes),
        )


def _put_code(folder: Path, code: bytes, main: StorletMain, dependencies: Sequence[BundledFile]) -> None:
    folder.mkdir()
    (folder / main.storlet.name).write_bytes(code)
    for dependency in dependencies:
        file = folder / dependency.name
        file.write_bytes(dependency.content)
        file.chmod(dependency.mode & 0o700)  # as engines do (storlets gateway.py: bring_from_cache)


def _judge(process: _Process, status: int | None, time_limit: float) -> tuple[dict[str, str], str]:
    """Return the metadata and the failure, with the same precedence as in the engine; empty texts without them."""
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
    """The process of a run, with the same pipes as an invocation of the engine.

    :param folder: the folder for its ``log``; it has a ``scratch`` folder
    :ivar output: the first of ``count`` bytes of its output
    :ivar result: its report after the storlet has returned or failed; empty without one
    """

    def __init__(self, folder: Path, input_file: Path) -> None:
        self._folder, self._input = folder, input_file
        self.output = self.metadata = b""
        self.count = 0
        self.result: dict[str, Any] = {}
        self._input_error: OSError | None = None

    def run(self, spec: Mapping[str, Any], time_limit: float) -> int | None:
        """Run the process, and return its exit status; None if it had to be killed.

        :raises LocalFileError: if the input can't be read completely
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
        for thread in readers:  # processes that have left the process group may keep a pipe open
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
            # As in the engine (embedded/engine/nursery.py, warm.py), which lacks this terminal's variables.
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": scratch, "TMPDIR": scratch},
            start_new_session=True,
        )

    def _feed(self, pipe: int) -> None:
        """Write the input into a pipe until a storlet that doesn't need the rest closes it."""
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
    """Wait for a process, then kill it and all that it started; return its status, None after the time limit."""
    try:
        return process.wait(time_limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _keep(message: bytearray, chunk: bytes) -> None:
    """Append to a message up to the limit; a storlet may send endlessly."""
    message.extend(chunk[: max(0, _LARGEST_MESSAGE - len(message))])


def _result(text: bytes) -> dict[str, Any]:
    """Parse the report of the process; empty if it can only be something that the storlet wrote."""
    try:
        result = json.loads(text or b"{}")
    except ValueError:
        return {}
    return result if isinstance(result, dict) and {"event"} < result.keys() else {}


def _drain(pipe: int, add: Callable[[bytes], None]) -> None:
    """Read a pipe to its end, and pass on its chunks."""
    with open(pipe, "rb", buffering=0) as source:
        while chunk := source.read(CHUNK_BYTES):
            add(chunk)


def _log(path: Path) -> list[str]:
    """Return the lines that the process logged and printed, in order, as the engine keeps them."""
    with path.open("rb") as file:
        log = file.read(_LOG_BYTES)
        rest = path.stat().st_size - len(log)
    return log.decode("utf-8", "replace").splitlines() + ([f"(cut: {rest} more bytes)"] if rest else [])


def copy_stream(chunks: Iterator[bytes], target: Path) -> None:
    """Write a body to a local file for a trial."""
    with target.open("wb", buffering=CHUNK_BYTES) as file:
        for chunk in chunks:
            file.write(chunk)
