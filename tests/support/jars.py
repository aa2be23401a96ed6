"""Make jars: compiled ones if a JDK is installed, or of class files that only declare their class."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

SOURCES = Path(__file__).with_name("java")
INTERFACE = "org/openstack/storlet/common/IStorlet"
PUBLIC, INTERFACE_FLAG, ABSTRACT = 0x21, 0x0200, 0x0400

needs_jdk = pytest.mark.skipif(shutil.which("javac") is None, reason="javac is not installed")


def class_file(
    name: str, interfaces: Iterable[str] = (), *, parent: str = "java/lang/Object", flags: int = PUBLIC
) -> bytes:
    """Return a class file without members; its constant pool has entries of several kinds, as real ones do."""
    names = [name, parent, *interfaces]
    pool = [b"\x05" + b"\x00" * 8, b"", b"\x0f\x01\x00\x01", b"\x03\x00\x00\x00\x01", b"\x0c\x00\x01\x00\x01"]
    for text in map(str.encode, names):
        pool += [b"\x01" + struct.pack(">H", len(text)) + text, b"\x07" + struct.pack(">H", len(pool) + 1)]
    places = [7 + 2 * number for number in range(len(names))]
    head = struct.pack(">IHHH", 0xCAFEBABE, 0, 55, len(pool) + 1)
    tail = struct.pack(f">HHHH{len(names) - 2}H", flags, *places[:2], len(names) - 2, *places[2:])
    return head + b"".join(pool) + tail + b"\x00" * 6


def write_jar(path: Path, classes: Mapping[str, bytes]) -> Path:
    """Write a jar of class files, whose names have slashes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        for name, content in classes.items():
            archive.writestr(f"{name}.class", content)
    return path


def compile_jar(path: Path) -> Path:
    """Compile the tests' Java storlet into a jar; the engine's interface stays in a folder next to it."""
    classes = path.with_name("engine")
    sources = [str(source) for source in sorted(SOURCES.rglob("*.java"))]
    subprocess.run(["javac", "-Xlint:all", "-Werror", "--release", "11", "-d", str(classes), *sources], check=True)
    files = sorted((classes / "org" / "example").glob("*.class"))
    return write_jar(path, {f"org/example/{file.stem}": file.read_bytes() for file in files})
