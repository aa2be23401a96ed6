"""What is said of the failures of Java storlets, and how orders and answers travel."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from storlet_shell.java import failures, program

JAR, MAIN = "words-1.0.jar", "org.example.Words"
LANG = "java.lang."
NEWER = (
    "org/example/Words has been compiled by a more recent version of the Java Runtime (class file version 65.0), "
    "this version of the Java Runtime only recognizes class file versions up to 61.0"
)
CRASH = b"""#
# A fatal error has been detected by the Java Runtime Environment:
#
#  SIGSEGV (0xb) at pc=0x00007f3b4b0c7d2a, pid=7, tid=8
#
"""


@pytest.mark.parametrize(
    ("error", "text", "kind", "message"),
    [
        ("IllegalStateException", ": no", "raised", f"{LANG}IllegalStateException: no"),
        ("OutOfMemoryError", ": Java heap space", "memory", f"{LANG}OutOfMemoryError: Java heap space"),
        ("ClassNotFoundException", f": {MAIN}", "raised", f"{JAR} has no class {MAIN}"),
        ("ClassNotFoundException", ": org.other.X", "raised", f"{LANG}ClassNotFoundException: org.other.X"),
        ("NoClassDefFoundError", ": org/other/X", "raised", f"{LANG}NoClassDefFoundError: org/other/X"),
        (
            "UnsupportedClassVersionError",
            f": {NEWER}",
            "raised",
            f"{MAIN} is compiled for Java 21, but this engine has Java 17; compile it with --release 17",
        ),
    ],
)
def test_what_is_thrown_is_described(error: str, text: str, kind: str, message: str) -> None:
    """The kind, and a message that says what to do where that is known."""
    report = failures.thrown(JAR, MAIN, LANG + error, f"{LANG}{error}{text}", "trace")
    assert (report["kind"], report["message"]) == (kind, message)


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("com/google/gson/Gson", "libgoogle-gson-java"),
        ("ch/qos/logback/classic/Logger", "liblogback-java"),
        ("org/slf4j/Logger", "libslf4j-java"),
    ],
)
def test_a_missing_library_of_the_engine_is_named(name: str, package: str) -> None:
    """Whether the JVM itself or a class loader misses it, the message has Debian's package."""
    for error, spelling in (("NoClassDefFoundError", name), ("ClassNotFoundException", name.replace("/", "."))):
        report = failures.thrown(JAR, MAIN, LANG + error, f"{LANG}{error}: {spelling}", "")
        assert f"apt install {package}" in report["message"]


@pytest.mark.parametrize(
    ("status", "frames", "printed", "report"),
    [
        (3, "\tat a.B\n", b"", {"kind": "exited", "message": "it called System.exit(3)"}),
        (-9, "\tat a.B\n", b"", {"message": "it called System.exit, and its shutdown hooks didn't finish"}),
        (99, None, b"", {"kind": "memory"}),
        (1, None, b"# There is insufficient memory for the Java Runtime Environment to continue.", {"kind": "memory"}),
        (1, None, b"", {"event": "ended", "status": 1}),
        (1, None, CRASH, {"event": "ended", "status": -11}),
        (1, None, CRASH.replace(b"SIGSEGV", b"SIGODD"), {"event": "ended", "status": 1}),
        (-9, None, b"", {"event": "ended", "status": -9}),
    ],
)
def test_the_end_of_a_jvm_is_described(status: int, frames: str | None, printed: bytes, report: dict[str, Any]) -> None:
    """A call of System.exit, memory that doesn't suffice, a crash, or just a status."""
    assert failures.ended(status, frames, printed).items() >= report.items()


@pytest.mark.parametrize("texts", [[], [""], ["loaded"], ["failed", "a", "\u20ac" * 1000, "\n"]])
def test_texts_come_back(texts: list[str]) -> None:
    """What is encoded is decoded, whatever the pieces in which it arrives."""
    stream = BytesIO(program.encode(texts))
    assert program.decode(lambda count: stream.read(min(count, 3))) == texts


def test_nonsense_is_refused() -> None:
    """A program that writes to the pipe of the answers can't make the engine wait for gigabytes."""
    with pytest.raises(ValueError, match="is more than"):
        program.decode(BytesIO(b"\xff" * 100).read)
    with pytest.raises(ValueError, match="is more than"):
        program.decode(BytesIO(b"\0\0\0\1" + b"\xff" * 100).read)
    with pytest.raises(EOFError):
        program.decode(BytesIO(b"\0\0\0\1\0\0\0\2x").read)
