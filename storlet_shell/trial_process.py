"""The process that a trial of a storlet runs in: ``python -m storlet_shell.trial_process``, in the trial's folder.

It reads what to do as JSON from standard input and leaves ``output``, ``metadata`` and ``log`` there, ``facts`` when
the storlet has returned, and ``errors`` when it has not. What it prints comes to the ``log``, as in the engine.
The file objects behave as those of storlets ``agent/daemon/files.py`` do, surprises included, so that what works here
works there; a test holds the two side by side.
"""

from __future__ import annotations

import copy
import importlib
import json
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Self

METADATA_BYTES = 4096
"""The most that the engine reads of the metadata's JSON (storlets ``gateways/container/runtime.py``)."""


class _File:
    """What both kinds of files can do."""

    def __init__(self, path: str, mode: str) -> None:
        self._file: IO[bytes] = Path(path).open(mode)  # noqa: SIM115  the storlet closes it

    def fileno(self) -> int:
        """Return the number of the open file."""
        return self._file.fileno()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._file.closed

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class InputFile(_File):
    """The object's bytes and metadata, as the storlet reads them; iteration yields the whole rest at once."""

    def __init__(self, path: str, metadata: dict[str, str]) -> None:
        super().__init__(path, "rb")
        self._metadata = metadata

    def get_metadata(self) -> dict[str, str]:
        """Return the object's metadata."""
        return copy.deepcopy(self._metadata)

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or all that are left."""
        return self._file.read(size)

    def readline(self, size: int = -1) -> bytes:
        """Return the next line."""
        return self._file.readline(size)

    def readlines(self, sizehint: int = -1) -> list[bytes]:
        """Return the lines that are left."""
        return self._file.readlines(sizehint)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = self.read()
        if not chunk:
            raise StopIteration
        return chunk


class OutputFile(_File):
    """Where the storlet writes: metadata once, then bytes."""

    def __init__(self) -> None:
        super().__init__("output", "wb")
        self._path = Path("metadata").absolute()  # the storlet may go to another folder
        self._metadata: dict[str, Any] | None = None

    def set_metadata(self, metadata: dict[str, Any]) -> None:
        """Set the result's metadata; a second time is refused."""
        if self._metadata is not None:
            raise OSError("Sending metadata twice is not allowed")
        encoded = json.dumps(metadata).encode("utf-8")
        if len(encoded) > METADATA_BYTES:
            raise ValueError(f"the metadata take {len(encoded)} bytes as JSON, at most {METADATA_BYTES} are allowed")
        self._path.write_bytes(encoded)
        self._metadata = metadata

    def get_metadata(self) -> dict[str, Any]:
        """Return what was set."""
        if self._metadata is None:
            raise OSError("Metadata is not set yet")
        return copy.deepcopy(self._metadata)

    def write(self, chunk: bytes) -> None:
        """Write bytes, after the metadata."""
        self._check()
        self._file.write(chunk)

    def writelines(self, chunks: Iterable[bytes]) -> None:
        """Write several pieces, after the metadata."""
        self._check()
        self._file.writelines(chunks)

    def _check(self) -> None:
        if self._metadata is None:
            raise OSError("Body should be sent after metadata is sent")

    def flush(self) -> None:
        """Pass on what was written."""
        self._file.flush()


class Logger:
    """What the storlet logs to."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._file = Path("log").open("a", encoding="utf-8", buffering=1)  # noqa: SIM115  open until the process ends

    def _write(self, level: str, message: object) -> None:
        self._file.write(f"{self._name} {level}: {message}\n")

    def debug(self, message: object) -> None:
        """Log a line."""
        self._write("DEBUG", message)

    def info(self, message: object) -> None:
        """Log a line."""
        self._write("INFO", message)

    def warning(self, message: object) -> None:
        """Log a line."""
        self._write("WARN", message)

    warn = warning

    def error(self, message: object) -> None:
        """Log a line."""
        self._write("ERROR", message)

    def exception(self, message: object) -> None:
        """Fail, as the engine's logger does."""
        raise NotImplementedError


def main() -> int:
    """Run the trial that standard input describes."""
    spec, folder = json.load(sys.stdin), Path.cwd()
    sys.path.insert(0, str(folder))
    try:
        storlet_class = getattr(importlib.import_module(spec["module"]), spec["class"])
        storlet = storlet_class(Logger(f"{spec['module']}.{spec['class']}"))
        source, target = InputFile(spec["input"], spec["input_metadata"]), OutputFile()
        started = time.monotonic()
        storlet([source], [target], spec["parameters"])
        seconds = time.monotonic() - started
        target.close()
    except (Exception, SystemExit) as error:
        (folder / "errors").write_text(_traceback(error, folder), encoding="utf-8", errors="backslashreplace")
        return 1
    (folder / "facts").write_text(json.dumps({"seconds": seconds}), encoding="utf-8")
    return 0


def _traceback(error: BaseException, folder: Path) -> str:
    """Return the traceback without the frames of this file, and without the trial's folder."""
    shown = traceback.TracebackException.from_exception(error)
    shown.stack = traceback.StackSummary.from_list([frame for frame in shown.stack if frame.filename != __file__])
    return "".join(shown.format()).replace(f"{folder}/", "")


if __name__ == "__main__":
    sys.exit(main())
