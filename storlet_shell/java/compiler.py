"""Compile Java with the machine's ``javac``: sources of this package once, those of users each time."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import platformdirs

from storlet_shell.errors import LocalFileError
from storlet_shell.java import jdk, paths
from storlet_shell.java.diagnostics import compile_error
from storlet_shell.results.saving import replacing, temporarily

RELEASE = 11
"""The Java version to compile for: the oldest that runs the engine of Storlets 18, which comes with logback 1.6."""

_OPTIONS = (
    *("--release", str(RELEASE), "-encoding", "UTF-8", "-g", "-proc:none", "-nowarn"),
    "-XDstringConcat=inline",  # else a JVM's first concatenation takes 20 ms
    *("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-J-Duser.language=en"),  # starts faster; English is parsed
)

_INTERFACE, _RUNNER = (Path(__file__).with_name(name) for name in ("interface", "runner"))
_MANIFEST = b"Manifest-Version: 1.0\r\n\r\n"
_DATE = (1980, 1, 1, 0, 0, 0)


def interface_jar() -> Path:
    """Return the jar of the interface that Java storlets implement.

    :raises UsageError: if it must be compiled, and no JDK is installed
    :raises LocalFileError: if the cache can't be written
    """
    return compiled("storlet-interface", sorted(_INTERFACE.rglob("*.java")))


def runner_jar() -> Path:
    """Return the jar of the program that runs Java storlets; raises as :func:`interface_jar`."""
    return compiled("storlet-runner", sorted(_RUNNER.rglob("*.java")), [interface_jar()])


def compiled(name: str, sources: Sequence[Path], class_path: Sequence[Path] = ()) -> Path:
    """Return the jar of this package's sources, which is kept in the user's cache folder.

    Its name contains a digest of all that it is compiled from. It appears when it is complete, and is never changed
    afterward, so any number of processes can compile it at once.

    :param name: the beginning of its file name
    :param class_path: jars that the sources need
    :raises UsageError: if it must be compiled, and no JDK is installed
    :raises LocalFileError: if the cache can't be written
    """
    digest = hashlib.sha256("\0".join(_OPTIONS).encode())
    for path in (*sources, *class_path):
        content = path.read_bytes()
        digest.update(b"%d %b %d\n" % (len(path.name), path.name.encode(), len(content)) + content)
    jar = platformdirs.user_cache_path("storlet-shell") / "java" / f"{name}-{digest.hexdigest()[:16]}.jar"
    if not jar.is_file():
        try:
            jar.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            text = f"can't create the cache folder {jar.parent}: {error.strerror}; set XDG_CACHE_HOME to another folder"
            raise LocalFileError(text) from error
        with replacing(jar) as file:
            file.write(jar_of(compile_classes(sources, class_path)))
    return jar


def compile_classes(
    sources: Sequence[Path],
    class_path: Sequence[Path] = (),
    source_path: Path | None = None,
    *,
    folder: Path | None = None,
) -> dict[str, bytes]:
    """Compile sources, and return the class files by their names in a jar.

    :param class_path: jars that the sources need
    :param source_path: a folder of further sources, each in the folder of its package, which are compiled if they are
        needed; None if there isn't one
    :param folder: the folder that relative paths of sources start from; None for the current one
    :raises UsageError: if the sources have errors, or no JDK is installed
    """
    javac = jdk.find_program("javac")
    with temporarily(), tempfile.TemporaryDirectory(prefix="storlet-classes-") as name:
        classes = Path(name, "classes")
        classes.mkdir()
        empty = Path(name, "empty")  # else javac would search the current folder, or the jars, for sources
        empty.mkdir()
        jars = paths.join([empty, *(path.absolute() for path in class_path)], Path(name))
        root = _as_file(source_path or empty)
        linked_root = paths.join([Path(root)], Path(name)) if os.pathsep in root else root
        places = ["-d", str(classes), "-classpath", jars, "-sourcepath", linked_root]
        process = subprocess.run(
            [javac, *_OPTIONS, *places, *map(_as_file, sources)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=jdk.ENVIRONMENT,
            check=False,
        )
        if process.returncode != 0:
            output = process.stdout.decode("utf-8", "replace")
            raise compile_error(output.replace(f"{linked_root}{os.sep}", f"{root}{os.sep}"))
        return {file.relative_to(classes).as_posix(): file.read_bytes() for file in sorted(classes.rglob("*.class"))}


def _as_file(path: Path) -> str:
    """Spell a path so that ``javac`` takes it neither for an option nor for an argument file."""
    return f"./{path}" if str(path).startswith(("-", "@")) else str(path)


def jar_of(files: Mapping[str, bytes]) -> bytes:
    """Return a jar with the given files; equal files give equal jars.

    :param files: contents by names, such as ``org/example/Words.class``
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {"META-INF/MANIFEST.MF": _MANIFEST, **files}.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return content.getvalue()
