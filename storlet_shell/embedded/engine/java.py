"""What Java storlets need from this machine: a JVM, and the compiled program that runs them in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eventlet import tpool
from eventlet.semaphore import Semaphore

from storlet_shell.embedded.engine.failures import Failure, InvocationError
from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.java import paths, program
from storlet_shell.java.compiler import interface_jar, runner_jar
from storlet_shell.java.jdk import find_program, libraries

JVM_BYTES = 768 << 20
"""Address space that a JVM needs in addition to its heap: its own code and classes, compiled code, and stacks."""

JVM_THREADS = 24
"""Threads that a JVM needs in addition to the storlet's; the JVM itself was seen to use 13 to 19."""

_MOST_PROCESSORS = 8  # a parallel stream has a thread for each

_OPTIONS = (
    *program.OPTIONS,
    "-XX:-UseContainerSupport",  # which looks for files that storlets can't see
)


@dataclass(frozen=True)
class Java:
    """What a warm parent needs to start JVMs.

    :ivar command: the path of ``java``, and its options
    :ivar classes: the jars of the engine
    :ivar libraries: the jars that the machine has for storlets
    :ivar visible: folders that JVMs read, in addition to Python's
    """

    command: tuple[str, ...]
    classes: tuple[str, ...]
    libraries: tuple[str, ...]
    visible: tuple[str, ...]

    def class_path(self, folder: str, jars: tuple[str, ...]) -> list[str]:
        """Return the class path of a version.

        The storlet's own jars come before the machine's libraries, whose versions vary between machines.

        :param folder: the folder of its code
        :param jars: the names of the storlet and its dependencies
        """
        return [*self.classes, *(f"{folder}/{jar}" for jar in jars), *self.libraries]


class Toolchain:
    """The machine's Java, prepared for the first storlet that needs it.

    :param folder: a folder for the engine's jars, which needn't exist
    :param heap: the size of a JVM's heap, in bytes
    """

    def __init__(self, folder: Path, heap: int) -> None:
        self._folder, self._heap = folder, heap
        self._java: Java | None = None
        self._preparing = Semaphore()

    def java(self) -> Java:
        """Return the machine's Java; prepare it if this is the first call.

        :raises InvocationError: if this machine has no JDK
        """
        with self._preparing:
            if self._java is None:
                try:
                    self._java = tpool.execute(_prepare, self._folder, self._heap)  # in a thread: it may compile
                except StorletShellError as error:
                    reason = f"it is a Java storlet, and this machine can't run any: {error}"
                    raise InvocationError(Failure("language", reason)) from None
            return self._java


def _prepare(folder: Path, heap: int) -> Java:
    java = find_program("java").resolve()
    home = _home(java)
    paths.require_plain(folder, "use another data folder")  # which also holds the storlets' jars
    processors = min(os.cpu_count() or 1, _MOST_PROCESSORS)
    options = [*_OPTIONS, f"-Xmx{heap >> 20}m", f"-XX:ActiveProcessorCount={processors}"]
    return Java(
        command=(str(java), *options),
        classes=tuple(_copied((runner_jar(), interface_jar()), folder)),
        libraries=tuple(map(str, libraries())),
        visible=(str(home), *(str(path) for path in sorted(Path("/etc").glob("java-*")))),
    )


def _home(java: Path) -> Path:
    """Return the folder of a JDK, which storlets see.

    :raises UsageError: if it isn't one: a script with this name may be anywhere, such as in the user's own ``bin``
    """
    home = java.parents[1]
    if not Path(home, "lib", "modules").is_file():
        raise UsageError(f"{java} isn't the program of a JDK; set JAVA_HOME to a JDK's folder, then restart the server")
    return home


def _copied(jars: tuple[Path, ...], folder: Path) -> Iterator[str]:
    """Copy jars to a folder that storlets can see; the user's cache is hidden from them."""
    folder.mkdir(exist_ok=True)
    for jar in jars:
        copy = folder / jar.name
        shutil.copyfile(jar, copy)
        copy.chmod(0o644)
        yield str(copy)
