"""Tune our own process at its start and its end; each function explains why it is needed.

They are for processes that are ours alone. A notebook's kernel and xonsh are others' processes, and call none of them.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

_MOMENT = 0.001
"""Seconds until a dropped signal is raised again."""


def let_interrupts_kill() -> Callable[[], None]:
    """Let Ctrl-C end the process as it ends others: by the signal, without a traceback.

    While modules are read, which takes most of a start, nobody is there yet to catch a ``KeyboardInterrupt``.

    :returns: puts the handler back that was there
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def restore() -> None:
        signal.signal(signal.SIGINT, handler)

    return restore


def collect_rarely() -> None:
    """Collect garbage less often: in a short process, nearly all objects belong to modules, which stay anyway."""
    gc.set_threshold(50_000, 20, 50)


def set_aside_what_stays() -> Callable[[], None]:
    """Exclude all imported modules from later garbage collections, which then only check what lines leave.

    :returns: undoes it
    """
    gc.collect()
    gc.freeze()
    return gc.unfreeze


def free_cycles() -> None:
    """Free reference cycles: Python counts objects, so a few large ones could accumulate to tens of MiB."""
    gc.collect()


def unwind_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind the stack, so that unfinished files of ``--save`` are deleted.

    One that comes where Python lets nothing out, in an object's end or a lock's, comes once more a moment later.
    """
    signals = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))  # Windows has no SIGHUP
    for number in filter(None, signals):
        if signal.getsignal(number) is signal.SIG_DFL:  # under nohup, SIGHUP must stay ignored
            signal.signal(number, _unwind)
    sys.unraisablehook = _raise_again


def _unwind(number: int, _: object) -> NoReturn:
    from storlet_shell.errors import TerminatedError  # imported by now; this module is imported before all others

    raise TerminatedError(128 + number)


def _raise_again(ignored: sys.UnraisableHookArgs) -> None:
    end = ignored.exc_value
    if not isinstance(end, SystemExit | KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
        return

    def again(_number: int, _: object) -> NoReturn:
        raise end

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, _MOMENT)


def leave_out_keystoneclient() -> None:
    """Keep swiftclient from importing keystoneclient, which takes 0.3 s, and which our logins don't use."""
    sys.modules.setdefault("keystoneclient", None)  # type: ignore[arg-type]


def occupy_standard_descriptors() -> None:
    """Reopen closed standard streams on ``/dev/null``, so that no file or connection gets their descriptors."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115  it stays open until the process ends


def drop_standard_output() -> None:
    """Discard the buffer of standard output after a failed write; otherwise Python would flush it, and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def blank_arguments(secrets: Sequence[bytes]) -> None:
    """Overwrite secrets in this process's command line, which every user of the machine can read.

    The arguments lie where ``/proc/self/stat`` says (``proc(5)``); other systems than Linux have no such file.
    """
    try:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123  pathlib isn't imported yet
            fields = file.read().rpartition(b")")[2].split()
        start, length = int(fields[45]), int(fields[46]) - int(fields[45])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:  # noqa: PTH123
            memory.seek(start)
            arguments = memory.read(length)
            for secret in secrets:
                arguments = arguments.replace(secret, b"*" * len(secret))
            memory.seek(start)
            memory.write(arguments)
    except (OSError, ValueError, IndexError):
        pass


def end(status: int) -> NoReturn:
    """End the process without Python's teardown, which takes longer for some 300 modules than the line itself."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):  # its reader has exited, which has been reported; or it is closed
            pass
    os._exit(status)
