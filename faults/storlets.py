"""Storlets that do what they should not, deployed and run on the embedded server for real.

Its limits are narrow: two seconds, 256 MiB. Each runs on the object server and on the proxy, by a one-shot line.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from faults.count import EVERY, Count
from faults.plant import Plant, ended, is_clear
from storlet_shell.embedded.control import Settings
from tests.embedded.storlets import Client, storlet
from tests.embedded.test_engine_failures import AFTER, BEFORE
from tests.embedded.test_engine_sandbox import TRY, alive
from tests.support.storlets import STORLETS

_MARK = "faults-4711"
_SLEEPER = "98765.4711"
_SECRET = "what another storlet and another object hold"
_GONE_SECONDS = 15.0
_USUAL_PROCESSES = 8
"""The server, the zygote, and two warm parents, each with a child forked in advance; another version may be ending."""

_PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/usr", "/etc", "/proc", "/", "/root")
_ENDS = "out.set_metadata({}); out.write(b'done')\n"
_DAEMON = f"""
import subprocess
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execv("/bin/sleep", ["sleep", "{_SLEEPER}"])
    os._exit(0)
subprocess.Popen(["sleep", "{_SLEEPER}"], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
"""
_DEAF = "for number in set(signal.Signals) - {9, 19}: signal.signal(number, signal.SIG_IGN)\n"
_KILL_ALL = "for number in [0, -1, *range(1, 70000)]:\n    try: os.kill(number, 9)\n    except OSError: pass\n"


_SEARCH = """
out.set_metadata({{}})
found = []
for top in ("/tmp", "/var", "/home", "/srv", "/dev/shm", "/mnt", params["storlet_execution_path"] + "/.."):
    for folder, folders, names in os.walk(top):
        out.write(b".")
        out.flush()
        folders[:] = [name for name in folders if not name.endswith("-packages")]
        for name in names:
            try:
                if {secret!r}.encode() in open(folder + "/" + name, "rb").read(1 << 20):
                    found.append(folder + "/" + name)
            except OSError:
                pass
out.write(repr([name for name in found if "bad.py" not in name]).encode())
"""


class Bad(NamedTuple):
    """A storlet that does what it should not.

    :param row: the row of the table that it counts in
    :param code: of the whole storlet
    :param statuses: with which the line may end
    :param answer: what it must say if it ends well, but for dots
    :param is_imported: whether it does so when it is imported; what it starts then ends with its version
    """

    row: str
    code: str
    statuses: tuple[int, ...] = (6,)
    answer: bytes = b"done"
    is_imported: bool = False


def _body(row: str, code: str, *statuses: int) -> Bad:
    return Bad(f"storlets that {row}", storlet(code), statuses or (6,))


def _import(code: str, *statuses: int) -> Bad:
    row = "storlets that do so when they are imported"
    return Bad(row, storlet(_ENDS, code), statuses or (5, 6), is_imported=True)


def _reaching(row: str, actions: list[str]) -> Bad:
    """Return a storlet that tries things, and must not succeed with any."""
    lines = [f"attempt({action!r}, lambda: {action})" for action in actions]
    errors = "('OSError', 'PermissionError', 'FileNotFoundError', 'ConnectionRefusedError', 'NotADirectoryError')"
    end = f"out.set_metadata({{}}); out.write(repr([k for k, v in results.items() if v not in {errors}]).encode())"
    return Bad(f"storlets that {row}", storlet("\n".join([*lines, end]), TRY), (0,), b"[]")


def _bad(data: Path, port: int) -> Iterator[Bad]:
    """Yield them.

    :param data: the server's folder, which they try to reach
    """
    yield from (_body("fail, or end, before their first byte", code) for code, _, _ in BEFORE.values())
    yield from (_body("fail, or end, in the middle", code, 5, 6) for code, _ in AFTER.values())
    yield _body("fork or start threads without end", "while True: os.fork()")
    yield _body(
        "fork or start threads without end",
        "import threading\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()",
    )
    yield _body("leak memory", "kept = []\nwhile True: kept.append(bytearray(1 << 20))")
    yield _body("leak memory", "for _ in range(40): os.fork()\nkept = bytearray(200 << 20)\ntime.sleep(60)")
    yield _body("sleep, deaf to signals", f"{_DEAF}time.sleep(60)")
    yield _body(
        "sleep, deaf to signals", f"{_DEAF}os.fork(); os.setsid() if os.getpid() != 1 else 0\nwhile True: time.sleep(1)"
    )
    yield _body("kill their parent and all others", "os.kill(os.getppid(), 9)", 0, 6)
    yield _body("kill their parent and all others", _KILL_ALL, 0, 6)
    yield _body("leave daemons", _DAEMON + _ENDS, 0)
    yield _body("leave daemons", _DAEMON + "raise ValueError(1)")
    yield _body("leave daemons", _DAEMON + "time.sleep(60)")
    yield _body("exhaust descriptors", "kept = []\nwhile True: kept.append(os.open('/dev/null', 0))")
    yield _body("exhaust descriptors", "os.closerange(0, 4096)", 5, 6)
    yield _body("fill their folder", "for n in range(99): open(str(n), 'wb').write(bytes(60 << 20))")
    yield _body("fill their folder", "for n in range(99999): open(str(n), 'wb').close()")
    yield _body("fill their folder", "while True: self.logger.info('x' * 100000)")
    yield _reaching(
        "open sockets",
        [
            f"__import__('socket').create_connection(('127.0.0.1', {port}), 1)",
            "__import__('socket').socket(2, 2).sendto(b'x', ('127.0.0.1', 9))",
            "__import__('socket').socket(2, 3, 1)",
            *(
                f"__import__('socket').socket(1).connect({str(data / 'run' / name)!r})"
                for name in ("object", "container", "account")
            ),
        ],
    )
    yield _reaching(
        "write outside their folder",
        [
            *(f"open({f'{place}/{_MARK}'!r}, 'w')" for place in (*_PLACES, data, data.parent)),
            f"open(params['storlet_execution_path'] + '/{_MARK}', 'w')",
            f"open('../{_MARK}', 'w')",
            f"os.mkdir('/tmp/{_MARK}')",
            f"os.symlink('/etc/passwd', '../{_MARK}')",
        ],
    )
    yield _reaching(
        "read what is not theirs",
        [
            *(f"os.listdir({str(data / name)!r})" for name in ("devices", "etc", "run", "storlets/journal")),
            f"open({str(data / 'credentials.json')!r}).read()",
            "open('/etc/shadow').read()",
            "open('/proc/1/mem', 'rb').read(1)",
            "os.listdir('/proc/1/root/root')",
        ],
    )
    yield Bad("storlets that read what is not theirs", storlet(_SEARCH.format(secret=_SECRET)), (0,), b"[]")
    yield _import("while True: os.fork()")
    yield _import(_DAEMON, 0, 5, 6)
    yield _import(_KILL_ALL, 0, 5, 6)
    yield _import(f"{_DEAF}time.sleep(60)")
    yield _import("kept = []\nwhile True: kept.append(bytearray(1 << 20))")
    yield _import("kept = []\nwhile True: kept.append(os.open('/dev/null', 0))")
    yield _import("for n in range(99): open(os.environ.get('TMPDIR', '/tmp') + str(n), 'wb').write(bytes(60 << 20))")
    yield _import("os.closerange(0, 4096)")


def counts() -> Iterator[Count]:
    """Yield a row for each kind."""
    rows: dict[str, Count] = {}
    with Plant(Settings(time_limit=2, memory_limit=256 << 20)) as plant:
        with plant.client() as client:
            client.request("PUT", "/c")
            client.put("/c/o", b"honest\n" * 1000)
            client.put("/c/secret", _SECRET.encode())
            client.deploy("honest.py", STORLETS["upper.py"] + f"\n# {_SECRET}\n", main="honest.Main")
            for bad in list(_bad(plant.data, plant.running.port))[::EVERY]:
                row = rows.setdefault(bad.row, Count(bad.row))
                for where in ([], ["--on-proxy"]):
                    client.deploy("bad.py", bad.code)
                    _try(plant, client, bad, where, row)
        yield from rows.values()
        last = Count("the server of all these", tried=1, survived=int(plant.is_alive))
        last.processes = plant.kill()
        yield last


def _try(plant: Plant, client: Client, bad: Bad, where: list[str], row: Count) -> None:
    """Run one, and count what comes of it, of the server, and of an honest storlet."""
    row.tried += 1
    what = textwrap.shorten(bad.code if bad.is_imported else bad.code.partition("out_files[0]\n")[2], 100)
    outcome = ended(plant.shell("get", "path:/c/o", "--storlet", "bad.py", *where))
    if outcome is None:
        row.hung += 1
        row.notes.append(f"hangs: {what}")
    elif (
        is_clear(outcome)
        and outcome.status in bad.statuses
        and (outcome.status or outcome.out.strip(b".") == bad.answer)
    ):
        row.survived += 1
    else:
        row.notes.append(f"{outcome.status} {outcome.out[:200]!r} {outcome.err[-300:]}: {what}")
    honest = client.run("honest.py", "/c/o") if plant.is_alive else None
    if honest is None or honest.body != b"HONEST\n" * 1000:
        row.lost += 1
        row.notes.append(f"an honest run gives {honest}, after: {what}")
        if not plant.is_alive:
            plant.start()
    if bad.is_imported:
        client.deploy("bad.py", storlet(_ENDS))
        client.run("bad.py", "/c/o")
    processes, files = _left(plant)
    row.processes += processes
    row.files += len(files)
    row.notes += [f"left over: {name}, by: {what}" for name in [*files, *(["processes"] if processes else [])]]


def _left(plant: Plant) -> tuple[int, list[str]]:
    """Return how many processes a storlet left over, once they had time to end, and what files it made."""
    deadline = time.monotonic() + _GONE_SECONDS
    while time.monotonic() < deadline:
        excess = max(0, len(plant.processes()) - _USUAL_PROCESSES) + alive(_SLEEPER)
        if not excess:
            break
        time.sleep(0.1)
    made = [str(path) for place in (*_PLACES, plant.data.parent) for path in Path(place).glob(f"{_MARK}*")]
    return excess, [*made, *map(str, plant.data.rglob(f"{_MARK}*")), *plant.left_here(())]
