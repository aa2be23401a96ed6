"""Start the zygote, which starts and ends warm parents."""

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
from storlet_shell.embedded.engine.java import JVM_BYTES, JVM_THREADS, Toolchain
from storlet_shell.embedded.engine.versions import JAVA, Version, green_pair, send
from storlet_shell.embedded.processes import descriptors, messages
from storlet_shell.embedded.processes.descriptors import Progress
from storlet_shell.embedded.processes.messages import Message
from storlet_shell.embedded.sandbox.isolation import Sandbox

_subprocess = original("subprocess")
_START_SECONDS = 20.0
_END_SECONDS = 2.0

# The zygote runs isolated (-I): no user site, no PYTHON* variables, no working folder. Its import path is passed.
_PROGRAM = "import sys; sys.path[:] = {path!r}; from storlet_shell.embedded.processes.zygote import main; main()"


@dataclass(frozen=True)
class Limits:
    """The limits of an invocation.

    :ivar seconds: time without progress
    :ivar memory: bytes, for each process; for Java storlets, the size of the heap
    :ivar file_bytes: size of each file that it writes, including its log
    :ivar scratch_bytes: total size of the files written by all invocations of a storlet version
    :ivar processes: processes and threads
    :ivar concurrent: simultaneous invocations of all storlets
    :ivar warm: simultaneous warm parents
    :ivar idle: seconds after which an unused warm parent exits
    :ivar is_reusing: whether a JVM may serve several invocations of one user
    """

    seconds: float = 40.0
    memory: int = 512 << 20
    file_bytes: int = 64 << 20
    scratch_bytes: int = 128 << 20
    processes: int = 64
    concurrent: int = 32
    warm: int = 32
    idle: float = 900.0
    is_reusing: bool = False


class Nursery:
    """The zygote and its warm parents.

    :param folder: an absolute folder for deployed code
    :param hidden: the data folder, which storlets must not see even if they could read it
    """

    def __init__(self, folder: Path, hidden: Path, limits: Limits) -> None:
        self._folder, self._hidden, self._limits = folder, hidden, limits
        self._root = folder / "root"
        self._toolchain = Toolchain(folder / "java", limits.memory)
        self._imports = [entry for entry in sys.path if entry and Path(entry).is_dir()]
        self._versions: dict[int, Version] = {}
        self._channel: Any = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: Any = None
        self._opening = Semaphore()
        self.sandbox = Sandbox()

    def open(self) -> None:
        """Start the zygote if necessary; it is ready when this returns."""
        with self._opening:  # several storlets may notice at the same time that it is gone
            if self._channel is None:
                self._open()

    def _open(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        (self._folder / "probe").mkdir(exist_ok=True)
        channel, other = green_pair()
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
        ready = _receive(channel, Progress(_START_SECONDS))
        if ready is None:
            channel.close()
            raise OSError("the process that forks storlets didn't start")
        self.sandbox = Sandbox.from_data(ready["sandbox"])
        self._channel = channel
        self._reader = eventlet.spawn(self._listen, channel)

    def _visible(self) -> list[str]:
        """Return the module folders that storlets may import from; not this product's if that is a checkout."""
        checkout = Path(storlet_shell.__file__).parent.parent
        return [entry for entry in self._imports if entry.endswith("-packages") or Path(entry) != checkout]

    def start(self, version: Version) -> None:
        """Start a version's warm parent.

        :raises InvocationError: if this machine can't run its language
        """
        self.open()
        order = self._order(version)
        version.channel, other = green_pair()
        version.log = os.memfd_create("import-log", os.MFD_CLOEXEC)
        try:
            self._versions[version.number] = version
            send(self._channel, order, [other, version.log])
        finally:
            os.close(other)
        version.listen()

    def _order(self, version: Version) -> Message:
        limits, key = self._limits, version.key
        memory, processes, imports, shown, java = limits.memory, limits.processes, self._visible(), [], None
        if key.language == JAVA:
            machine = self._toolchain.java()
            memory, processes = memory + JVM_BYTES, processes + JVM_THREADS
            imports, shown = [*imports, *machine.visible], list(machine.classes)
            java = {
                "command": machine.command,
                "class_path": machine.class_path(version.folder, key.files),
                "seconds": limits.seconds,
                "is_reusing": limits.is_reusing,
            }
        return {
            "event": "start",
            "version": version.number,
            "folder": version.folder,
            "storlet": key.storlet,
            "main": key.main,
            "java": java,
            "root": str(self._root),
            "hidden": str(self._hidden),
            "imports": imports,
            "shown": shown,
            "memory": memory,
            "files": limits.file_bytes,
            "scratch": limits.scratch_bytes,
            "processes": processes,
            "all_processes": processes * (limits.concurrent + 1),  # including those of its import
        }

    def end(self, version: Version) -> None:
        """End a version's warm parent and everything that it forked."""
        version.close()
        if self._channel is not None and version.number in self._versions:
            with suppress(OSError):
                send(self._channel, {"event": "end", "version": version.number}, [])

    def close(self) -> None:
        """End the zygote and all its descendants."""
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
        """Forget the zygote, which is gone or exiting; the next version starts another."""
        # Removed before any is closed: closing lets other green threads run, which may start new ones.
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
