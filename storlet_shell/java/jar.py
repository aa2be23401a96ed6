"""Check the jar of a Java storlet, and find its main class."""

from __future__ import annotations

import difflib
import io
import zipfile
import zlib
from functools import cached_property

from storlet_shell.errors import Action, Hint, UsageError
from storlet_shell.java.classfile import ClassFile
from storlet_shell.values import StorletName

INTERFACE = "org.openstack.storlet.common.IStorlet"
"""The interface of a Java storlet's main class (Storlets' guide on writing Java storlets)."""

_CLASS_BYTES = 2**20
"""How much of a class file is read; its constant pool and its interfaces are at the beginning."""

_MOST_BYTES = 2**28
"""How much of all class files together is unpacked, so that no jar takes too long."""

_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The compression methods that Java can read. With others, an engine doesn't find any class in the jar."""

_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)
"""Exceptions of ``zipfile`` for archives that are damaged, encrypted, or use an unknown compression."""


def is_zip(content: bytes) -> bool:
    """Tell whether bytes start like a zip archive, such as a jar."""
    return content.startswith(b"PK\x03\x04")


class StorletJar:
    """The jar of a Java storlet.

    :param content: the archive
    :param label: the file's name, for messages
    :raises UsageError: if it isn't a zip archive, or Java can't read it
    """

    def __init__(self, content: bytes, label: str) -> None:
        self.label = label
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except _DAMAGES as error:
            raise UsageError(f"{label}: not a jar: {error}") from error
        for entry in self._archive.infolist():
            if entry.compress_type not in _COMPRESSIONS:
                text = f"Java can't read the compression of {entry.filename[:200]}; build the jar with the jar command"
                raise UsageError(text, subject=label)
        files = [file for file in self._archive.namelist() if file.endswith(".class")]
        self._files = {
            file.removesuffix(".class").replace("/", "."): file
            for file in sorted(files)
            if not file.startswith("META-INF/") and not file.endswith("module-info.class")
        }

    @classmethod
    def parse(cls, name: StorletName, content: bytes) -> StorletJar:
        """Check a jar's name, and open it.

        :raises UsageError: if the server wouldn't accept the name (storlets ``validate_storlet_registration`` requires
            a hyphen and a dot), or if it isn't a zip archive
        """
        first, hyphen, version = name.name.removesuffix(".jar").partition("-")
        if not (first and hyphen and version):
            raise UsageError(f"{name}: the file name of a Java storlet must be <name>-<version>.jar")
        return cls(content, name.name)

    def main_class(self, wanted: str | None) -> str:
        """Return the qualified name of the main class.

        :param wanted: the name that the user chose; None for the only class that implements ``IStorlet``
        :raises UsageError: if it doesn't exist, or there isn't exactly one candidate
        """
        if wanted is not None:
            return self._named(wanted)
        candidates = self.candidates()
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise UsageError(
                f"several classes could be the main one: {', '.join(candidates[:20])}",
                subject=self.label,
                hint=Hint(Action.NAME_MAIN),
            )
        text = f"no main class found; name it with{{hint}}{self._available('')}"
        raise UsageError(text, subject=self.label, hint=Hint(Action.NAME_JAR_MAIN))

    def candidates(self) -> list[str]:
        """Return the classes that implement ``IStorlet`` and can be started, as far as the jar shows them.

        :raises UsageError: if the jar is too large to search
        """
        self._check_size()
        return [name for name in self._files if self._is_storlet(name) is True and self._is_concrete(name)]

    def findings(self, main: str) -> list[str]:
        """Return the reasons why the main class couldn't be started, as far as the jar shows them."""
        main_class = self._class(main)
        if isinstance(main_class, str):
            return [f"can't read {main}: {main_class}"]
        if not main_class.is_concrete:
            return [f"{main} is abstract or an interface, so it can't be started"]
        if main_class.is_public is False:
            return [f"{main} must be public, with a public constructor without parameters, or it can't be started"]
        if self._is_storlet(main) is False:
            return [f"{main} doesn't implement {INTERFACE}"]
        return []

    def _named(self, wanted: str) -> str:
        if not all(part.replace("$", "_").isidentifier() for part in wanted.split(".")):
            text = f"{{hint}} must be the qualified name of a class, such as org.example.Words: {wanted!r}"
            raise UsageError(text, hint=Hint(Action.NAME_JAR_MAIN))
        if wanted not in self._files:
            raise UsageError(f"{self.label}: no class {wanted}{self._available(wanted)}")
        return wanted

    def _available(self, wanted: str) -> str:
        """List the class with the closest name, or the first classes, as the end of a message."""
        names = list(self._files)
        close = difflib.get_close_matches(wanted, names[:10_000], n=1) or names[:3]
        return f"; it has: {', '.join(name[:200] for name in close)}" if close else "; it has no classes"

    def _check_size(self) -> None:
        sizes = (min(self._archive.getinfo(file).file_size, _CLASS_BYTES) for file in self._files.values())
        if sum(sizes) > _MOST_BYTES:
            text = "the jar is too large to search for the main class"
            raise UsageError(text, subject=self.label, hint=Hint(Action.NAME_MAIN))

    @cached_property
    def _classes(self) -> dict[str, ClassFile | str]:
        """The classes that have been read, by name; for one that can't be read, the reason."""
        return {}

    def _class(self, name: str) -> ClassFile | str:
        if name not in self._classes:
            try:
                with self._archive.open(self._files[name]) as file:
                    self._classes[name] = ClassFile.parse(file.read(_CLASS_BYTES))
            except _DAMAGES as error:
                self._classes[name] = str(error)
        return self._classes[name]

    def _is_concrete(self, name: str) -> bool:
        content = self._class(name)
        return isinstance(content, ClassFile) and content.is_concrete

    def _is_storlet(self, name: str) -> bool | None:
        """Tell whether a class implements ``IStorlet``; None if that depends on classes outside the jar."""
        is_known, names, visited = True, [name], set[str]()
        while names:
            ancestor = names.pop()
            if ancestor == INTERFACE:
                return True
            if ancestor in visited or ancestor.startswith("java."):
                continue
            visited.add(ancestor)
            content = self._class(ancestor) if ancestor in self._files else ""
            if isinstance(content, str):
                is_known = False
            else:
                names += [content.parent, *content.interfaces] if content.parent else content.interfaces
        return None if not is_known else False
