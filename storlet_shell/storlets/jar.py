"""A Java storlet's jar: whether it is one, and which class the storlet is started by."""

from __future__ import annotations

import difflib
import io
import zipfile
import zlib
from functools import cached_property

from storlet_shell.errors import Action, Hint, UsageError
from storlet_shell.storlets.classfile import ClassFile
from storlet_shell.values import StorletName

INTERFACE = "org.openstack.storlet.common.IStorlet"
"""What a Java storlet's main class implements (Storlets' guide on writing Java storlets)."""

_CLASS_BYTES = 2**20
"""How much of a class file is read; its constant pool and its interfaces are at its start."""

_MOST_BYTES = 2**28
"""How much is unpacked of all class files together, so that no jar keeps anybody waiting."""

_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)
"""What ``zipfile`` raises over archives that are damaged, encrypted, or packed in an unknown way."""


def is_zip(content: bytes) -> bool:
    """Tell whether something begins as zip archives, and so jars, do."""
    return content.startswith(b"PK\x03\x04")


class StorletJar:
    """A jar that can be deployed.

    :param content: the archive
    :param label: the file's name, as messages spell it
    """

    def __init__(self, content: bytes, label: str) -> None:
        self.label = label
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except _DAMAGES as error:
            raise UsageError(f"{label}: no jar: {error}") from error
        files = [file for file in self._archive.namelist() if file.endswith(".class")]
        self._files = {
            file.removesuffix(".class").replace("/", "."): file
            for file in sorted(files)
            if not file.startswith("META-INF/") and not file.endswith("module-info.class")
        }

    @classmethod
    def parse(cls, name: StorletName, content: bytes) -> StorletJar:
        """Check a jar's name and read what is in it.

        :raises UsageError: when the name is none that the server takes (storlets ``validate_storlet_registration``: it
            holds a hyphen and a dot), or when it is no zip archive
        """
        first, hyphen, version = name.name.removesuffix(".jar").partition("-")
        if not (first and hyphen and version):
            raise UsageError(f"{name}: a Java storlet's file is named <name>-<version>.jar")
        return cls(content, name.name)

    def main_class(self, wanted: str | None) -> str:
        """Return the qualified name of the class that the storlet is started by.

        :param wanted: its name, if the user gave it; otherwise the only class that implements ``IStorlet``
        :raises UsageError: when it is not there, or there are several to choose from, or none
        """
        if wanted is not None:
            return self._named(wanted)
        self._check_size()
        found = [name for name in self._files if self._is_storlet(name) is True and self._is_concrete(name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                f"several classes could be the main one: {', '.join(found[:20])}",
                subject=self.label,
                hint=Hint(Action.NAME_MAIN),
            )
        text = f"a jar's main class is named by{{hint}}{self._there('')}"
        raise UsageError(text, subject=self.label, hint=Hint(Action.NAME_JAR_MAIN))

    def findings(self, main: str) -> list[str]:
        """Return what would keep the main class from being started, as far as the jar tells."""
        found = self._class(main)
        if isinstance(found, str):
            return [f"{main} can't be read: {found}"]
        if not found.is_concrete:
            return [f"{main} is abstract or an interface, so it can't be started"]
        if self._is_storlet(main) is False:
            return [f"{main} does not implement {INTERFACE}"]
        return []

    def _named(self, wanted: str) -> str:
        if not all(part.replace("$", "_").isidentifier() for part in wanted.split(".")):
            text = f"{{hint}} is a class's qualified name, such as org.example.Words: {wanted!r}"
            raise UsageError(text, hint=Hint(Action.NAME_JAR_MAIN))
        if wanted not in self._files:
            raise UsageError(f"{self.label}: there is no class {wanted}{self._there(wanted)}")
        return wanted

    def _there(self, wanted: str) -> str:
        """Say which classes there are, the closest one first of all."""
        names = list(self._files)
        close = difflib.get_close_matches(wanted, names[:10_000], n=1) or names[:3]
        return f"; there are: {', '.join(name[:200] for name in close)}" if close else "; it holds no classes"

    def _check_size(self) -> None:
        sizes = (min(self._archive.getinfo(file).file_size, _CLASS_BYTES) for file in self._files.values())
        if sum(sizes) > _MOST_BYTES:
            text = "too much is in it to look for the main class"
            raise UsageError(text, subject=self.label, hint=Hint(Action.NAME_MAIN))

    @cached_property
    def _classes(self) -> dict[str, ClassFile | str]:
        """What has been read so far, by name; of a class file that can't be read, the reason."""
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
        found = self._class(name)
        return isinstance(found, ClassFile) and found.is_concrete

    def _is_storlet(self, name: str) -> bool | None:
        """Tell whether a class is an ``IStorlet``; None when that depends on classes that are not in the jar."""
        is_known, open_names, seen = True, [name], set[str]()
        while open_names:
            each = open_names.pop()
            if each == INTERFACE:
                return True
            if each in seen or each.startswith("java."):
                continue
            seen.add(each)
            found = self._class(each) if each in self._files else ""
            if isinstance(found, str):
                is_known = False
            else:
                open_names += [found.parent, *found.interfaces] if found.parent else found.interfaces
        return None if not is_known else False
