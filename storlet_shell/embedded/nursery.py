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

import storlet_shell
from storlet_shell.embedded import descriptors, messages
from storlet_shell.embedded.descriptors import Progress
from storlet_shell.embedded.sandbox import Sandbox
from storlet_shell.embedded.versions import Version, green_pair

_subprocess = original("subprocess")
_START_SECONDS = 20.0
_END_SECONDS = 2.0

# The zygote runs isolated (-I): no user site, no PYTHON* variables, not the working folder. What it imports is told.
_PROGRAM = "import sys; sys.path[:] = {path!r}; from storlet_shell.embedded.zygote import main; main()"


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
        self.sandbox = Sandbox()

    def open(self) -> None:
        """Start the zygote; it is ready when this returns."""
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
        self._channel = own
        ready = self._receive(Progress(_START_SECONDS))
        if ready is None:
            raise OSError("the process that forks storlets did not start")
        facts = ready["sandbox"]
        self.sandbox = Sandbox(facts["namespaces"], facts["landlock"], facts["refused"])
        self._reader = eventlet.spawn(self._listen)

    def _visible(self) -> list[str]:
        """Return the folders of modules that storlets may import from; not this product's, if that is a checkout."""
        own = Path(storlet_shell.__file__).parent.parent
        return [entry for entry in self._imports if entry.endswith("-packages") or Path(entry) != own]

    def start(self, version: Version) -> None:
        """Start a version's warm parent."""
        if self._channel is None:
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
        }
        version.channel, other = green_pair()
        version.log = os.memfd_create("import-log", os.MFD_CLOEXEC)
        try:
            messages.send(self._channel, order, [other, version.log])
        finally:
            os.close(other)
        self._versions[version.number] = version
        version.listen()

    def end(self, version: Version) -> None:
        """End a version's warm parent and everything that it forked."""
        version.close()
        if self._channel is not None and version.number in self._versions:
            with suppress(OSError):
                messages.send(self._channel, {"event": "end", "version": version.number})

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

    def _listen(self) -> None:
        while (message := self._receive(Progress(float("inf")))) is not None:
            if message["event"] == "ended":
                version = self._versions.pop(message["version"], None)
                if version is not None:
                    version.alive = False
        self._forget()

    def _forget(self) -> None:
        """Forget the zygote: it is gone, or going; the next version starts another."""
        for version in list(self._versions.values()):
            version.close()
        self._versions.clear()
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _receive(self, progress: Progress) -> messages.Message | None:
        while True:
            try:
                return messages.receive(self._channel)[0]
            except BlockingIOError:
                descriptors.wait_readable(self._channel.fileno(), progress)
            except OSError:
                return None
