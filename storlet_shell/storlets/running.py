"""Load a storlet's class and call it, in a process of the embedded engine or of a dry run.

Standard library only. Upstream's file classes (``storlets/agent/daemon/files.py``) are passed in: the engine has them,
and a dry run does if they are installed.
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
"""The end of a run, as reported by its process: ``event``, and for a failure ``kind``, ``message``, ``traceback``."""

_PACKAGE = str(Path(__file__).parents[1]) + os.sep
_LONGEST_TRACEBACK = 32 * 1024


def make_logger_class(upstream: Any) -> Any:
    """Subclass upstream's logger so that it ends and flushes its lines.

    Upstream's doesn't. Everything else stays the same, even ``exception``, which raises.
    """

    class StorletLogger(upstream):  # type: ignore[misc]
        def _emit_log(self, level: str, msg: object) -> None:
            super()._emit_log(level, f"{msg}\n")
            self.log_file.flush()

    return StorletLogger


def prepare_streams() -> None:
    """Make standard output and error accept any text, and flush each line."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]


def load(main: str, folder: str) -> tuple[Any, Message | None]:
    """Import a storlet's class.

    :param main: the module and the class
    :param folder: the folder of its code
    :returns: the class and None, or None and a failure
    """
    module, name = main.split(".")
    if _is_imported_elsewhere(module):
        message = f"Python or the engine has a module {module}; deploy the storlet under another name"
        return None, {"event": "failed", "kind": "raised", "message": message, "traceback": ""}
    sys.path.insert(0, folder)
    try:
        # Not importlib.import_module, whose frames would appear in every traceback.
        return getattr(__import__(module), name), None
    except BaseException as error:
        failure = failure_of(error, folder)
        if isinstance(error, AttributeError) and module in sys.modules and not hasattr(sys.modules[module], name):
            failure |= {"message": f"{module}.py has no class {name}", "traceback": ""}
        return None, failure


def _is_imported_elsewhere(module: str) -> bool:
    """Tell whether an import would find another module before the one in the storlet's folder."""
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
    """Call a storlet as upstream's agent does (``storlets/agent/daemon/server.py``, ``_execute``).

    :param folder: the folder of its code
    :returns: the failure; None if it succeeded
    """
    try:
        with logger:
            result = storlet(logger)(in_files, out_files, parameters)
        never_run = _never_run(storlet, result) if not out_files[0].md_file.closed else ""
        for file in [*in_files, *out_files]:
            if not file.closed:
                file.close()
    except BaseException as error:  # anything is reported to the user
        return failure_of(error, folder)
    return {"event": "failed", "kind": "raised", "message": never_run, "traceback": ""} if never_run else None


def _never_run(storlet: Callable[..., Any], result: object) -> str:
    """Explain that a call returned a coroutine or a generator, which engines don't run; empty for other results."""
    kinds = {CoroutineType: "a coroutine (async def)", GeneratorType: "a generator", AsyncGeneratorType: "a generator"}
    if type(result) not in kinds:
        return ""
    name = getattr(storlet, "__name__", "the storlet")
    if isinstance(result, CoroutineType):
        result.close()  # or Python warns about it
    return f"nothing of it ran: {name}.__call__ is {kinds[type(result)]}, but engines call it as a plain function"


def failure_of(error: BaseException, folder: str) -> Message:
    """Describe an exception: its kind, a one-line message, and the traceback without frames of this package.

    :param folder: the folder of the storlet's code, which is removed from the traceback
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
    """Replace surrogates, which a storlet may get from file names, and which streams refuse."""
    return text.encode("utf-8", "backslashreplace").decode()


def _end_of(text: str) -> str:
    """Return the end of a long text, short enough for a message even if JSON escapes many characters."""
    text = text[-_LONGEST_TRACEBACK:]
    while len(json.dumps(text)) > 2 * _LONGEST_TRACEBACK:
        text = text[len(text) // 4 :]
    return text


def _storlet_frames(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        trace = trace.tb_next
    return trace


def _is_text_written(error: BaseException) -> bool:
    """Tell whether the error comes from passing text to ``write`` of upstream's output file."""
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
