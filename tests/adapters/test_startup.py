"""How a process starts and ends, each case in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storlet_shell.adapters import startup
from storlet_shell.errors import TerminatedError
from tests.support.lines import ROOT


def play(code: str, *words: str, before: str = "exec", path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run code that has the tricks at hand, in a process that a shell starts.

    :param before: what the shell does first
    :param path: a further folder of modules
    """
    begun = f"import os, signal, sys; from storlet_shell.adapters import startup; {code}"
    return subprocess.run(
        ["/bin/sh", "-c", f'{before} "$@"', "sh", sys.executable, "-c", begun, *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}{os.pathsep}{path}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_interrupts_kill_until_they_are_restored() -> None:
    """A handler of somebody else's stays."""
    previous = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        restore = startup.let_interrupts_kill()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        restore()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        startup.let_interrupts_kill()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, previous)


def test_garbage_is_looked_for_rarely_and_among_what_is_new() -> None:
    """What is there when lines begin is left out, until that is undone; cycles are freed when it is asked for."""
    code = """import gc, weakref
class Cycle: pass
startup.collect_rarely()
take_back = startup.set_aside_what_stays()
print(gc.get_threshold()[0], gc.get_freeze_count() > 1000)
take_back()
cycle = Cycle(); cycle.itself = cycle; seen = weakref.ref(cycle); del cycle
print(gc.get_freeze_count(), seen() is None)
startup.free_cycles()
print(seen() is None)"""
    assert play(code).stdout.splitlines() == ["50000 True", "0 False", "True"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_unwind(name: str) -> None:
    """What has begun is let go of, and the status tells the signal."""
    code = f"startup.unwind_on_signals()\ntry: os.kill(os.getpid(), signal.{name})\nfinally: print('let go')"
    ended = play(code)
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + signal.Signals[name], "let go\n", "")
    assert issubclass(TerminatedError, SystemExit)


def test_hangups_that_are_ignored_stay_so() -> None:
    """As under nohup."""
    code = "startup.unwind_on_signals(); os.kill(os.getpid(), signal.SIGHUP); print('on')"
    assert play(code, before="trap '' HUP; exec").stdout == "on\n"


def test_keystoneclient_is_left_out(tmp_path: Path) -> None:
    """Whoever asks for it is told that it is not there, as swiftclient expects."""
    (tmp_path / "keystoneclient.py").write_text("print('read')")
    code = "startup.leave_out_keystoneclient()\ntry: import keystoneclient\nexcept ImportError: print('left out')"
    assert play(code, path=tmp_path).stdout == "left out\n"


def test_closed_descriptors_are_occupied() -> None:
    """A file that is opened then is none of the standard streams."""
    code = "startup.occupy_standard_descriptors(); os._exit(0 if os.open('/', os.O_RDONLY) > 2 and sys.stderr else 1)"
    assert play(code, before="exec 0<&- 1>&- 2>&-; exec").returncode == 0


def test_standard_output_that_is_full_can_be_dropped() -> None:
    """The interpreter's own end does not fail over it."""
    for drop, status in (("startup.drop_standard_output()", 0), ("pass", 120)):
        ended = play(f"sys.stdout.write('x'); {drop}", before="exec >/dev/full; exec")
        assert (ended.returncode, bool(ended.stderr)) == (status, bool(status))


def test_arguments_are_blanked() -> None:
    """In what every user of the machine can read; where they can't be, nothing happens."""
    code = "startup.blank_arguments([b's3cret']); print(open('/proc/self/cmdline').read())"
    shown = play(code, "--os-password=s3cret", "--os-username=ann").stdout
    assert "--os-password=******\0--os-username=ann" in shown
    assert "--os-password=s3cret" not in shown


def test_end_is_sudden_and_loses_nothing() -> None:
    """What was written arrives; what would run at exit does not."""
    code = "import atexit; atexit.register(print, 'exit'); sys.stdout.write('written'); startup.end(7)"
    ended = play(code)
    assert (ended.returncode, ended.stdout) == (7, "written")
