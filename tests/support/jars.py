"""Make jars: compiled ones if a JDK is installed, or of class files that only declare their class."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from storlet_shell.java.compiler import interface_jar

SOURCES = Path(__file__).with_name("java")
INTERFACE = "org/openstack/storlet/common/IStorlet"
PUBLIC, INTERFACE_FLAG, ABSTRACT = 0x21, 0x0200, 0x0400

needs_jdk = pytest.mark.skipif(shutil.which("javac") is None, reason="javac is not installed")


def class_file(
    name: str,
    interfaces: Iterable[str] = (),
    *,
    parent: str = "java/lang/Object",
    flags: int = PUBLIC,
    constructor: int | None = PUBLIC,
) -> bytes:
    """Return a class file without code; its constant pool has entries of several kinds, as real ones do.

    :param constructor: the flags of its constructor without parameters; None without one
    """
    names = [name, parent, *interfaces]
    pool = [b"\x05" + b"\x00" * 8, b"", b"\x0f\x01\x00\x01", b"\x03\x00\x00\x00\x01", b"\x0c\x00\x01\x00\x01"]
    for text in map(str.encode, names):
        pool += [b"\x01" + struct.pack(">H", len(text)) + text, b"\x07" + struct.pack(">H", len(pool) + 1)]
    pool += [b"\x01" + struct.pack(">H", len(text)) + text for text in (b"<init>", b"()V")]
    places = [7 + 2 * number for number in range(len(names))]
    methods = [] if constructor is None else [struct.pack(">HHHH", constructor, len(pool) - 1, len(pool), 0)]
    head = struct.pack(">IHHH", 0xCAFEBABE, 0, 55, len(pool) + 1)
    tail = struct.pack(f">HHHH{len(names) - 2}H", flags, *places[:2], len(names) - 2, *places[2:])
    return head + b"".join(pool) + tail + struct.pack(">HH", 0, len(methods)) + b"".join(methods) + b"\x00" * 2


def write_jar(path: Path, classes: Mapping[str, bytes]) -> Path:
    """Write a jar of class files, whose names have slashes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        for name, content in classes.items():
            archive.writestr(f"{name}.class", content)
    return path


def compile_jar(path: Path) -> Path:
    """Compile the tests' Java storlet into a jar."""
    classes = path.with_name("classes")
    options = ["-Xlint:all", "-Werror", "--release", "11", "-cp", str(interface_jar()), "-d", str(classes)]
    subprocess.run(["javac", *options, *map(str, sorted(SOURCES.rglob("*.java")))], check=True)
    files = sorted((classes / "org" / "example").glob("*.class"))
    return write_jar(path, {f"org/example/{file.stem}": file.read_bytes() for file in files})
