"""Run a storlet once in a local process, without a server.

The process isn't sandboxed: it is the author's own code on the author's own machine. Its file objects behave like the
engine's.
"""

from __future__ import annotations

import json
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletFailedError
from storlet_shell.results.reports import Named
from storlet_shell.storlets import contract
from storlet_shell.storlets.origins import with_own_lines
from storlet_shell.storlets.trial_run import Descriptors, TrialProcess
from storlet_shell.text import counted
from storlet_shell.values import CHUNK_BYTES, StorletMain
from storlet_shell.wire.failures import with_cure
from storlet_shell.wire.headers import FUNCTION_CLASS

_PROGRAM = "import sys; sys.path[:] = {path!r}; from storlet_shell.storlets.trial_process import main; main()"
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


class Program(ABC):
    """A storlet, and how a process of its language runs it.

    :param file: the name of its code's file
    :param main: its main class, as its language writes it
    :ivar no_metadata: what is wrong if it sets no metadata
    """

    no_metadata = contract.NO_METADATA

    def __init__(self, file: str, main: str, code: bytes) -> None:
        self.file, self.main, self.code = file, main, code

    @abstractmethod
    def command(self, order: Order, descriptors: Descriptors) -> Sequence[str]:
        """Return the command of the process, which inherits the descriptors."""

    @abstractmethod
    def result(self, process: TrialProcess, status: int | None) -> dict[str, Any]:
        """Return what the process has reported: an ``event``, and for a failure ``message`` and ``traceback``.

        It is empty if the process has ended without a report.
        """

    def own_lines(self, traceback: str) -> str:
        """Return a traceback with the lines of the code as its author knows them."""
        return traceback


@typed_equality
class Order(NamedTuple):
    """What the process of a trial is to do.

    :param folder: has the storlet's files in ``code``, and an empty ``scratch``; the process gets the latter as its
        working folder
    :param metadata: those of the input
    """

    folder: Path
    metadata: Mapping[str, str]
    parameters: Mapping[str, str]


class PythonProgram(Program):
    """A Python storlet."""

    def __init__(self, main: StorletMain, code: bytes) -> None:
        super().__init__(main.storlet.name, str(main), code)
        self._is_function = main.class_name == FUNCTION_CLASS

    def command(self, order: Order, descriptors: Descriptors) -> Sequence[str]:
        """Start Python with this process's import path."""
        spec = {
            "main": self.main,
            "folder": str(order.folder / "code"),
            "metadata": dict(order.metadata),
            "parameters": dict(order.parameters),
            "descriptors": descriptors,
        }
        file = order.folder / "spec"
        file.write_text(json.dumps(spec), encoding="utf-8")
        path = [entry for entry in sys.path if entry]
        return [sys.executable, "-I", "-c", _PROGRAM.format(path=path), str(file)]

    def result(self, process: TrialProcess, status: int | None) -> dict[str, Any]:  # noqa: ARG002  others need it
        """Parse the report; it is empty if it can only be something that the storlet wrote."""
        try:
            result = json.loads(process.report or b"{}")
        except ValueError:
            return {}
        return result if isinstance(result, dict) and {"event"} < result.keys() else {}

    def own_lines(self, traceback: str) -> str:
        """Return the traceback of a function with the lines of its own file."""
        if not self._is_function:
            return traceback
        return with_own_lines(traceback, self.file, self.code.decode("utf-8", "replace"))


def run(
    program: Program,
    input_file: Path,
    parameters: Mapping[str, str],
    *,
    input_metadata: Mapping[str, str] | None = None,
    dependencies: Sequence[BundledFile] = (),
    notes: Sequence[str] = (),
    time_limit: float = 40,
) -> Trial:
    """Run a storlet over a local file.

    :param dependencies: files for the code's folder
    :param time_limit: seconds until it is killed
    :raises StorletFailedError: if it fails; the details are the notes, its log and its traceback
    """
    with tempfile.TemporaryDirectory(prefix="storlet-trial-") as name:
        folder = Path(name)
        _put_code(folder / "code", program, dependencies)
        (folder / "scratch").mkdir()
        parameters = {**parameters, contract.FOLDER_PARAMETER: str(folder / "code")}
        process = TrialProcess(folder, input_file)
        status = process.run(partial(program.command, Order(folder, input_metadata or {}, parameters)), time_limit)
        log = _log_lines(process)
        result = program.result(process, status)
        metadata, problem = _judge(program, process.metadata, result, status, time_limit)
        if problem:
            traceback = program.own_lines(str(result.get("traceback", "")))
            details = "\n".join([*(f"note: {note}" for note in notes), *log, *traceback.splitlines()])
            raise StorletFailedError(f"dry run of {program.main}: {with_cure(problem)}", details=details)
        unstorable = contract.unstorable(metadata)
        return Trial(
            main=program.main,
            output=process.output,
            count=process.count,
            metadata=metadata,
            log=tuple(log),
            seconds=float(result.get("seconds", 0)),
            notes=(*notes, f"works with get, but not with put and copy: {unstorable}") if unstorable else tuple(notes),
        )


def _put_code(folder: Path, program: Program, dependencies: Sequence[BundledFile]) -> None:
    folder.mkdir()
    (folder / program.file).write_bytes(program.code)
    for dependency in dependencies:
        file = folder / dependency.name
        file.write_bytes(dependency.content)
        file.chmod(dependency.mode & 0o700)  # as engines do (storlets gateway.py: bring_from_cache)


def _judge(
    program: Program, sent: bytes, result: Mapping[str, Any], status: int | None, time_limit: float
) -> tuple[dict[str, str], str]:
    """Return the metadata and the failure, with the same precedence as in the engine; empty texts without them.

    :param sent: what the storlet sent as its metadata
    """
    if status is None:
        return {}, f"it did not end within {time_limit:g} s"
    if sent:
        try:
            metadata = contract.read_metadata(sent)
        except contract.MetadataError as error:
            return {}, str(error)
    else:
        metadata = {}
    if not result:
        return metadata, contract.ended(status)[1]
    if result["event"] == "failed":
        return metadata, str(result.get("message"))
    return metadata, "" if sent else program.no_metadata


def _log_lines(process: TrialProcess) -> list[str]:
    """Return the lines that the process logged and printed, in order, as the engine keeps them."""
    log, rest = process.log(_LOG_BYTES)
    return log.decode("utf-8", "replace").splitlines() + ([f"(cut: {rest} more bytes)"] if rest else [])


def copy_stream(chunks: Iterator[bytes], target: Path) -> None:
    """Write a body to a local file for a trial."""
    with target.open("wb", buffering=CHUNK_BYTES) as file:
        for chunk in chunks:
            file.write(chunk)
