"""Build the jar of a storlet from its Java source."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, UsageError
from storlet_shell.java.compiler import compile_classes, interface_jar, jar_of
from storlet_shell.java.jar import INTERFACE, StorletJar
from storlet_shell.java.jdk import libraries
from storlet_shell.java.source import JavaSource
from storlet_shell.results.saving import temporarily
from storlet_shell.values import StorletName

_VERSION = "1.0"
"""The version in the name of the jar, which servers require, but engines ignore."""


@typed_equality
class Built(NamedTuple):
    """The jar of a storlet.

    :param main: the qualified name of its main class
    :param findings: reasons why the main class couldn't be started
    """

    storlet: StorletName
    main: str
    content: bytes
    findings: tuple[str, ...]


def build(source: JavaSource, file: Path | None, main: str | None, class_path: Sequence[Path] = ()) -> Built:
    """Compile a source, and the sources of its packages that it needs, into a jar.

    :param file: where the source is; None if it isn't in a file, and so needs no other sources
    :param main: the qualified name of the main class; None for the file's own class, or the only storlet
    :param class_path: jars that it needs
    :raises UsageError: if it doesn't compile, or its main class can't be determined, or no JDK is installed
    """
    storlet = StorletName.parse(f"{source.name}-{_VERSION}.jar")
    jars = (interface_jar(), *class_path, *libraries())
    classes = _compile_code(source, jars) if file is None else compile_classes([file], jars, source.root(file))
    content = jar_of(classes)
    jar = StorletJar(content, source.label)
    main_class = jar.main_class(main) if main is not None else _main_class(source, jar)
    return Built(storlet, main_class, content, tuple(jar.findings(main_class)))


def _compile_code(source: JavaSource, class_path: Sequence[Path]) -> dict[str, bytes]:
    """Compile code that isn't in a file; its errors name the file that it would be in."""
    with temporarily(), tempfile.TemporaryDirectory(prefix="storlet-source-") as folder:
        file = Path(folder, f"{source.name}.java")
        file.write_bytes(source.code)
        return compile_classes([Path(file.name)], class_path, folder=Path(folder))


def _main_class(source: JavaSource, jar: StorletJar) -> str:
    """Return the class of the file's name if it is a storlet, or else the only class that is one."""
    candidates = jar.candidates()
    if source.main_class in candidates:
        return source.main_class
    if not candidates:
        text = f"no class implements {INTERFACE}; if one inherits that from a dependency, name it with{{hint}}"
        raise UsageError(text, subject=source.label, hint=Hint(Action.NAME_JAR_MAIN))
    return jar.main_class(None)
