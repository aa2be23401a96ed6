"""Describe the failures of Java storlets.

Standard library only: worker processes import this.
"""

from __future__ import annotations

import re
import signal
from typing import Any

Message = dict[str, Any]
"""The report about the end of a run, as in ``storlet_shell.storlets.running``."""

OUT_OF_MEMORY = 99
"""The exit status of a JVM that had too little memory left to report the failure (``Runner.java``)."""

_LONGEST_MESSAGE, _LONGEST_TRACE = 2000, 12 * 1024  # fit into a packet of the engine, however JSON escapes them
_REFUSAL = "org.storletshell.runner.Refusal"
_MEMORY = "java.lang.OutOfMemoryError"

_NEWER = re.compile(r"class file version (\d+)\.\d+\).* up to (\d+)\.")
_FIRST_VERSION = 44  # of class files: Java 1 has 45

# The libraries that upstream's engine has on its class path, and Debian's packages of them, by the beginning of a
# class's name.
_LIBRARIES = {
    "com/google/gson/": ("gson", "libgoogle-gson-java"),
    "ch/qos/logback/": ("logback", "liblogback-java"),
    "org/slf4j/": ("slf4j", "libslf4j-java"),
}

# What a JVM prints when it runs out of address space (os.cpp, java.cpp).
_MEMORY_SIGNS = (b"insufficient memory for the Java Runtime", b"Could not reserve enough space", b"OutOfMemoryError")

# What a JVM prints when it crashes with a signal, in its own or other native code (vmError.cpp). It then exits with
# status 1 instead of being killed by the signal, because core dumps are turned off (``program.OPTIONS``).
_CRASH = re.compile(rb"A fatal error has been detected by the Java Runtime Environment:\s+#\s+#\s+(SIG[A-Z]+) ")


def failed(kind: str, message: str, trace: str = "") -> Message:
    """Return the message about a failure."""
    text = message[:_LONGEST_MESSAGE]
    return {"event": "failed", "kind": kind, "message": text, "traceback": trace[:_LONGEST_TRACE]}


def thrown(jar: str, main: str, type_name: str, description: str, trace: str) -> Message:
    """Describe what a storlet has thrown.

    :param jar: the storlet's name
    :param main: its main class
    :param type_name: the class of what was thrown
    :param description: the result of its ``toString``
    """
    if type_name == _REFUSAL:
        return failed("raised", description.removeprefix(f"{_REFUSAL}: "))
    if type_name == "java.lang.ClassNotFoundException" and description == f"{type_name}: {main}":
        return failed("raised", f"{jar} has no class {main}")
    if type_name == "java.lang.UnsupportedClassVersionError" and (match := _NEWER.search(description)):
        needed, present = (int(version) - _FIRST_VERSION for version in match.groups())
        name = description.removeprefix(f"{type_name}: ").split(" ")[0].replace("/", ".")
        text = f"{name} is compiled for Java {needed}, but this engine has Java {present}"
        return failed("raised", f"{text}; compile it with --release {present}")
    if type_name in ("java.lang.NoClassDefFoundError", "java.lang.ClassNotFoundException"):
        description += _missing_library(description.removeprefix(f"{type_name}: ").replace(".", "/"))
    kind = "memory" if type_name == _MEMORY else "raised"
    return failed(kind, description, trace)


def _missing_library(name: str) -> str:
    for prefix, (library, package) in _LIBRARIES.items():
        if name.startswith(prefix):
            return (
                f" ({library} isn't installed for the embedded Swift; on Debian: apt install {package}; "
                "or deploy it as a dependency)"
            )
    return ""


def ended(status: int | None, exit_frames: str | None, printed: bytes) -> Message:
    """Describe the end of a JVM that hasn't reported a result.

    :param status: its exit status, or the negated signal that killed it
    :param exit_frames: the stack of a call of ``System.exit``; None if there was no call
    :param printed: the latest output of the JVM itself
    """
    if exit_frames is not None and (status is None or status < 0):
        text = "it called System.exit, and its shutdown hooks didn't finish"
        return failed("exited", text, f"System.exit\n{exit_frames}")
    if exit_frames is not None:
        call = f"System.exit({status})"
        return failed("exited", f"it called {call}", f"{call}\n{exit_frames}")
    if status == OUT_OF_MEMORY or any(sign in printed for sign in _MEMORY_SIGNS):
        return failed("memory", f"{_MEMORY}: its JVM ran out of memory")
    crash = _CRASH.search(printed)
    if crash and (name := crash[1].decode()) in signal.Signals.__members__:
        return {"event": "ended", "status": -signal.Signals[name]}
    return {"event": "ended", "status": status}
