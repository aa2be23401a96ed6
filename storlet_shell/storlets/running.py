"""Load a storlet's class and call it, in the process that is its own: the embedded engine's, or a dry run's.

Standard library only, and upstream's file classes (``storlets/agent/daemon/files.py``) are handed in: the engine has
them, and a dry run does where they are installed.
"""

from __future__ import annotations

import importlib.machinery
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType, TracebackType
from typing import Any

Message = dict[str, Any]
"""How a run ended, as it is sent to whoever waits for it: ``event``, and of a failure kind, message and traceback."""

_PACKAGE = str(Path(__file__).parents[1]) + os.sep
_LONGEST_TRACEBACK = 32 * 1024


def make_logger_class(upstream: Any) -> Any:
    """Make upstream's logger one whose lines end, and survive the process.

    Upstream writes neither a newline nor at once; all else, ``exception`` that raises too, stays as it is there.
    """

    class StorletLogger(upstream):  # type: ignore[misc]
        def _emit_log(self, level: str, msg: object) -> None:
            super()._emit_log(level, f"{msg}\n")
            self.log_file.flush()

    return StorletLogger


def prepare_streams() -> None:
    """Let a storlet print what it likes, and see it at once."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]


def load(main: str, folder: str) -> tuple[Any, Message | None]:
    """Import a storlet's class.

    :param main: its module and class
    :param folder: where its code lies
    :returns: the class and None, or None and a failure
    """
    module, name = main.split(".")
    if _is_imported_elsewhere(module):
        message = f"its name {module}.py is that of a module of Python's or the engine's; deploy it under another name"
        return None, {"event": "failed", "kind": "raised", "message": message, "traceback": ""}
    sys.path.insert(0, folder)
    try:
        # Not importlib.import_module: its frames would stand in every traceback.
        return getattr(__import__(module), name), None
    except BaseException as error:
        failure = failure_of(error, folder)
        if isinstance(error, AttributeError) and module in sys.modules and not hasattr(sys.modules[module], name):
            failure |= {"message": f"{module}.py has no class {name}", "traceback": ""}
        return None, failure


def _is_imported_elsewhere(module: str) -> bool:
    """Tell whether an import would find another module before it looks into the storlet's folder."""
    finders = (importlib.machinery.BuiltinImporter, importlib.machinery.FrozenImporter)
    return module in sys.modules or any(finder.find_spec(module) is not None for finder in finders)


def call(
    storlet: Callable[..., Any],
    in_files: Sequence[Any],
    out_files: Sequence[Any],
    logger: Any,
    parameters: dict[str, str],
    folder: str,
) -> Message | None:
    """Do what upstream's agent does (``storlets/agent/daemon/server.py``, ``_execute``); return a failure."""
    try:
        with logger:
            result = storlet(logger)(in_files, out_files, parameters)
        never_run = _never_run(storlet, result) if not out_files[0].md_file.closed else ""
        for file in [*in_files, *out_files]:
            if not file.closed:
                file.close()
    except BaseException as error:  # whatever it is, it is told to the user
        return failure_of(error, folder)
    return {"event": "failed", "kind": "raised", "message": never_run, "traceback": ""} if never_run else None


def _never_run(storlet: Callable[..., Any], result: object) -> str:
    """Return why nothing of a call has run: what it returned is a promise to run, which engines don't hold it to."""
    kinds = {CoroutineType: "a coroutine (async def)", GeneratorType: "a generator", AsyncGeneratorType: "a generator"}
    if type(result) not in kinds:
        return ""
    name = getattr(storlet, "__name__", "the storlet")
    if isinstance(result, CoroutineType):
        result.close()  # or Python warns of it
    return f"nothing of it ran: {name}.__call__ is {kinds[type(result)]}, and engines call it as a plain function"


def failure_of(error: BaseException, folder: str) -> Message:
    """Describe an exception: its kind, a line, and the traceback without this product's frames.

    :param folder: where the storlet's code lies, to be left out of it
    """
    kind = "memory" if isinstance(error, MemoryError) else "exited" if isinstance(error, SystemExit) else "raised"
    message = " ".join("".join(traceback.format_exception_only(error)[-1:]).split())
    if _is_text_written(error):
        message += " (out_files[0].write takes bytes, not str)"
    if kind == "exited":
        message = f"it called exit({error})" if error.args else "it called exit()"
    shown = "".join(traceback.format_exception(type(error), error, _storlet_frames(error.__traceback__)))
    shown = _end_of(_encodable(shown.replace(f"{folder}/", "")))
    return {"event": "failed", "kind": kind, "message": _encodable(message[:1000]), "traceback": shown}


def _encodable(text: str) -> str:
    """Return text that every stream takes: a storlet's may hold surrogates, as of a file's name."""
    return text.encode("utf-8", "backslashreplace").decode()


def _end_of(text: str) -> str:
    """Return the end of a long text, cut so that a message can hold it however many characters JSON escapes."""
    text = text[-_LONGEST_TRACEBACK:]
    while len(json.dumps(text)) > 2 * _LONGEST_TRACEBACK:
        text = text[len(text) // 4 :]
    return text


def _storlet_frames(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        trace = trace.tb_next
    return trace


def _is_text_written(error: BaseException) -> bool:
    """Tell whether ``write`` of upstream's output file was called with text."""
    trace = error.__traceback__
    frame: FrameType | None = None
    while trace is not None:
        frame, trace = trace.tb_frame, trace.tb_next
    return (
        isinstance(error, TypeError)
        and frame is not None
        and frame.f_code.co_name == "write"
        and hasattr(frame.f_locals.get("self"), "md_file")
    )
