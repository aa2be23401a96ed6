"""Misbehaving storlets, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.embedded.storlets import storlet
from tests.embedded.test_engine_failures import AFTER, BEFORE
from tests.embedded.test_engine_sandbox import TRY

MARK = "faults-4711"
"""The prefix of files that they create where they shouldn't."""

SLEEPER = "98765.4711"
"""The sleeping time of processes that they leave behind, which identifies these."""

PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/usr", "/etc", "/proc", "/", "/root")
"""Places where they must not create files."""

ENDS = "out.set_metadata({}); out.write(b'done')\n"
_DAEMON = f"""
import subprocess
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execv("/bin/sleep", ["sleep", "{SLEEPER}"])
    os._exit(0)
subprocess.Popen(["sleep", "{SLEEPER}"], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
"""
_DEAF = "for number in set(signal.Signals) - {9, 19}: signal.signal(number, signal.SIG_IGN)\n"
_KILL_ALL = "for number in [0, -1, *range(1, 70000)]:\n    try: os.kill(number, 9)\n    except OSError: pass\n"


SEARCH = """
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
"""Code that searches every readable file for ``{secret}``."""


class Bad(NamedTuple):
    """A misbehaving storlet.

    :param row: its row of the table
    :param code: the whole storlet
    :param statuses: the exit statuses that the line may have
    :param answer: the output that it must have on success, ignoring dots
    :param is_imported: whether it misbehaves during its import; its processes then end with its version
    """

    row: str
    code: str
    statuses: tuple[int, ...] = (6,)
    answer: bytes = b"done"
    is_imported: bool = False


def body(row: str, code: str, *statuses: int) -> Bad:
    """Return a storlet that does something when it is called; by default, it must fail."""
    return Bad(f"storlets that {row}", storlet(code), statuses or (6,))


def imported(code: str, *statuses: int) -> Bad:
    """Return a storlet that does something when it is imported."""
    row = "storlets that do so when they are imported"
    return Bad(row, storlet(ENDS, code), statuses or (5, 6), is_imported=True)


def reaching(row: str, actions: list[str]) -> Bad:
    """Return a storlet that attempts things, none of which may succeed."""
    lines = [f"attempt({action!r}, lambda: {action})" for action in actions]
    errors = "('OSError', 'PermissionError', 'FileNotFoundError', 'ConnectionRefusedError', 'NotADirectoryError')"
    end = f"out.set_metadata({{}}); out.write(repr([k for k, v in results.items() if v not in {errors}]).encode())"
    return Bad(f"storlets that {row}", storlet("\n".join([*lines, end]), TRY), (0,), b"[]")


_THREADS = "import threading\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()"
_FORKED = "os.fork(); os.setsid() if os.getpid() != 1 else 0\nwhile True: time.sleep(1)"
_FILL = "for n in range(99): open(os.environ.get('TMPDIR', '/tmp') + str(n), 'wb').write(bytes(60 << 20))"

BAD = (
    *(body("fail, or end, before their first byte", code) for code, _, _ in BEFORE.values()),
    *(body("fail, or end, in the middle", code, 5, 6) for code, _ in AFTER.values()),
    body("fork or start threads without end", "while True: os.fork()"),
    body("fork or start threads without end", _THREADS),
    body("leak memory", "kept = []\nwhile True: kept.append(bytearray(1 << 20))"),
    body("leak memory", "for _ in range(40): os.fork()\nkept = bytearray(200 << 20)\ntime.sleep(60)"),
    body("sleep, deaf to signals", f"{_DEAF}time.sleep(60)"),
    body("sleep, deaf to signals", f"{_DEAF}{_FORKED}"),
    body("kill their parent and all others", "os.kill(os.getppid(), 9)", 0, 6),
    body("kill their parent and all others", _KILL_ALL, 0, 6),
    body("leave daemons", _DAEMON + ENDS, 0),
    body("leave daemons", _DAEMON + "raise ValueError(1)"),
    body("leave daemons", _DAEMON + "time.sleep(60)"),
    body("exhaust descriptors", "kept = []\nwhile True: kept.append(os.open('/dev/null', 0))"),
    body("exhaust descriptors", "os.closerange(0, 4096)", 5, 6),
    body("fill their folder", "for n in range(99): open(str(n), 'wb').write(bytes(60 << 20))"),
    body("fill their folder", "for n in range(99999): open(str(n), 'wb').close()"),
    body("fill their folder", "while True: self.logger.info('x' * 100000)"),
    imported("while True: os.fork()"),
    imported(_DAEMON, 0, 5, 6),
    imported(_KILL_ALL, 0, 5, 6),
    imported(f"{_DEAF}time.sleep(60)"),
    imported("kept = []\nwhile True: kept.append(bytearray(1 << 20))"),
    imported("kept = []\nwhile True: kept.append(os.open('/dev/null', 0))"),
    imported(_FILL),
    imported("os.closerange(0, 4096)"),
)
"""Storlets that are harmful by themselves."""


def reaching_out(data: Path, port: int, secret: str) -> Iterator[Bad]:
    """Yield storlets that try to access their surroundings.

    :param data: the server's folder
    :param secret: the text in storlets and objects that aren't theirs
    """
    yield reaching(
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
    yield reaching(
        "write outside their folder",
        [
            *(f"open({f'{place}/{MARK}'!r}, 'w')" for place in (*PLACES, data, data.parent)),
            f"open(params['storlet_execution_path'] + '/{MARK}', 'w')",
            f"open('../{MARK}', 'w')",
            f"os.mkdir('/tmp/{MARK}')",
            f"os.symlink('/etc/passwd', '../{MARK}')",
        ],
    )
    yield reaching(
        "read what is not theirs",
        [
            *(f"os.listdir({str(data / name)!r})" for name in ("devices", "etc", "run", "storlets/journal")),
            f"open({str(data / 'credentials.json')!r}).read()",
            "open('/etc/shadow').read()",
            "open('/proc/1/mem', 'rb').read(1)",
            "os.listdir('/proc/1/root/root')",
        ],
    )
    yield Bad("storlets that read what is not theirs", storlet(SEARCH.format(secret=secret)), (0,), b"[]")
