"""Start the zygote, and have it start and end warm parents."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import eventlet
from eventlet.patcher import original
from eventlet.semaphore import Semaphore

import storlet_shell
from storlet_shell.embedded.engine.versions import Version, green_pair, send
from storlet_shell.embedded.processes import descriptors, messages
from storlet_shell.embedded.processes.descriptors import Progress
from storlet_shell.embedded.sandbox.isolation import Sandbox

_subprocess = original("subprocess")
_START_SECONDS = 20.0
_END_SECONDS = 2.0

# The zygote runs isolated (-I): no user site, no PYTHON* variables, not the working folder. What it imports is told.
_PROGRAM = "import sys; sys.path[:] = {path!r}; from storlet_shell.embedded.processes.zygote import main; main()"


@dataclass(frozen=True)
class Limits:
    """What an invocation may take.

    :ivar seconds: without progress
    :ivar memory: bytes of each process
    :ivar file_bytes: of each file that it writes, its log included
    :ivar scratch_bytes: of all files that the invocations of one storlet version write
    :ivar processes: processes and threads
    :ivar concurrent: invocations at a time, of all storlets together
    :ivar warm: warm parents at a time
    :ivar idle: seconds after which an unused warm parent ends
    """

    seconds: float = 40.0
    memory: int = 512 << 20
    file_bytes: int = 64 << 20
    scratch_bytes: int = 128 << 20
    processes: int = 64
    concurrent: int = 32
    warm: int = 32
    idle: float = 900.0


class Nursery:
    """The zygote and its warm parents.

    :param folder: an absolute folder for deployed code
    :param hidden: what storlets must not see even where they may read: the data folder
    """

    def __init__(self, folder: Path, hidden: Path, limits: Limits) -> None:
        self._folder, self._hidden, self._limits = folder, hidden, limits
        self._root = folder / "root"
        self._imports = [entry for entry in sys.path if entry and Path(entry).is_dir()]
        self._versions: dict[int, Version] = {}
        self._channel: Any = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: Any = None
        self._opening = Semaphore()
        self.sandbox = Sandbox()

    def open(self) -> None:
        """Start the zygote unless there is one; it is ready when this returns."""
        with self._opening:  # several storlets may find it gone at the same time
            if self._channel is None:
                self._open()

    def _open(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        (self._folder / "probe").mkdir(exist_ok=True)
        own, other = green_pair()
        path = [*self._imports, str(Path(storlet_shell.__file__).parent.parent)]
        arguments = [str(other), str(self._folder / "probe"), str(self._root), str(self._hidden), *self._visible()]
        try:
            self._process = _subprocess.Popen(
                [sys.executable, "-I", "-c", _PROGRAM.format(path=path), *arguments],
                stdin=subprocess.DEVNULL,
                pass_fds=[other],
                cwd="/",
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
            )
        finally:
            os.close(other)
        ready = _receive(own, Progress(_START_SECONDS))
        if ready is None:
            own.close()
            raise OSError("the process that forks storlets did not start")
        self.sandbox = Sandbox.from_data(ready["sandbox"])
        self._channel = own
        self._reader = eventlet.spawn(self._listen, own)

    def _visible(self) -> list[str]:
        """Return the folders of modules that storlets may import from; not this product's, if that is a checkout."""
        own = Path(storlet_shell.__file__).parent.parent
        return [entry for entry in self._imports if entry.endswith("-packages") or Path(entry) != own]

    def start(self, version: Version) -> None:
        """Start a version's warm parent."""
        self.open()
        limits = self._limits
        order = {
            "event": "start",
            "version": version.number,
            "folder": version.folder,
            "main": version.key.main,
            "root": str(self._root),
            "hidden": str(self._hidden),
            "imports": self._visible(),
            "memory": limits.memory,
            "files": limits.file_bytes,
            "scratch": limits.scratch_bytes,
            "processes": limits.processes,
            "all_processes": limits.processes * (limits.concurrent + 1),  # those of its import, too
        }
        version.channel, other = green_pair()
        version.log = os.memfd_create("import-log", os.MFD_CLOEXEC)
        try:
            self._versions[version.number] = version
            send(self._channel, order, [other, version.log])
        finally:
            os.close(other)
        version.listen()

    def end(self, version: Version) -> None:
        """End a version's warm parent and everything that it forked."""
        version.close()
        if self._channel is not None and version.number in self._versions:
            with suppress(OSError):
                send(self._channel, {"event": "end", "version": version.number}, [])

    def close(self) -> None:
        """End the zygote and all below it."""
        if self._reader is not None:
            self._reader.kill()
        self._forget()
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
            return
        self._process.kill()

    def _listen(self, channel: Any) -> None:
        while (message := _receive(channel, Progress(float("inf")))) is not None:
            if message["event"] == "started" and message["version"] in self._versions:
                self._versions[message["version"]].started(message["pid"])
            elif message["event"] == "ended":
                version = self._versions.pop(message["version"], None)
                if version is not None:
                    version.alive = False
        self._forget()

    def _forget(self) -> None:
        """Forget the zygote: it is gone, or going; the next version starts another."""
        # Taken out before any is closed: closing one lets other green threads run, and they may start new ones.
        versions, self._versions = self._versions, {}
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
        for version in versions.values():
            version.close()


def _receive(channel: Any, progress: Progress) -> messages.Message | None:
    while True:
        try:
            return messages.receive(channel)[0]
        except BlockingIOError:
            descriptors.wait_readable(channel.fileno(), progress)
        except OSError:
            return None
