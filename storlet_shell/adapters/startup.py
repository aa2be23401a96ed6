"""What a process of ours does to itself: the tricks of its start and of its end, each with its reason.

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
"""Seconds after which a signal that was dropped is raised once more."""


def let_interrupts_kill() -> Callable[[], None]:
    """Have Ctrl-C end the process as it ends others: by the signal, not by a traceback.

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
    """Look for garbage less often: a short process would do so mostly among freshly imported modules, which stay."""
    gc.set_threshold(50_000, 20, 50)


def set_aside_what_stays() -> Callable[[], None]:
    """Have later collections look at what lines leave only, not at all the modules that a shell has imported.

    :returns: undoes it
    """
    gc.collect()
    gc.freeze()
    return gc.unfreeze


def free_cycles() -> None:
    """Free what refers to itself: Python counts objects, and would let few that hold much gather to tens of MiB."""
    gc.collect()


def unwind_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind the stack: a file that ``--save`` has begun is removed, a server is left.

    One that comes where Python lets nothing out, in an object's end or a lock's, comes once more a moment later.
    """
    signals = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))  # Windows has no SIGHUP
    for number in filter(None, signals):
        if signal.getsignal(number) is signal.SIG_DFL:  # under nohup, SIGHUP is to stay ignored
            signal.signal(number, _unwind)
    sys.unraisablehook = _raise_again


def _unwind(number: int, _: object) -> NoReturn:
    from storlet_shell.errors import TerminatedError  # read by now; this module is read before all others

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
    """Have swiftclient do without keystoneclient, where that is installed: 0.3 s for logins that are made otherwise."""
    sys.modules.setdefault("keystoneclient", None)  # type: ignore[arg-type]


def occupy_standard_descriptors() -> None:
    """Put something in the place of closed standard streams, so that no file or connection is taken for one."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115  it stays for the process's life


def drop_standard_output() -> None:
    """Let go of what standard output, which can't be written, still holds: Python would flush it and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def blank_arguments(secrets: Sequence[bytes]) -> None:
    """Overwrite secrets in this process's command line, which every user of the machine can read.

    The arguments lie where ``/proc/self/stat`` says (``proc(5)``); other systems than Linux have no such file.
    """
    try:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123  pathlib is not read yet
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
    """End the process without Python's teardown: to take down some 300 modules takes longer than the line itself."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):  # its reader has gone, and that has been said; or it is closed
            pass
    os._exit(status)
