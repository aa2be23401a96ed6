"""Read a Java source file as far as a deployment needs it; everything else is left to the compiler."""

from __future__ import annotations

import codecs
import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError

SUFFIX = ".java"

_PACKAGE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*+package\s+(?P<name>\w+(?:\s*\.\s*\w+)*)\s*;", re.DOTALL)


@typed_equality
class JavaSource(NamedTuple):
    """A Java source file.

    :param label: the file's name, for messages
    :param package: the name of its package; empty for the unnamed one
    """

    code: bytes
    label: str
    package: str

    @classmethod
    def parse(cls, code: bytes, label: str) -> JavaSource:
        """Parse the beginning of a source file.

        :raises UsageError: if it is empty, isn't UTF-8, or starts with a byte order mark, which javac refuses
        """
        if not code.strip():
            raise UsageError(f"{label}: the storlet's code is empty")
        if code.startswith(codecs.BOM_UTF8):
            raise UsageError(f"{label}:1: byte order mark; save the file as UTF-8 without one")
        try:
            text = code.decode("utf-8")
        except UnicodeDecodeError as error:
            line = code.count(b"\n", 0, error.start) + 1
            text = f"{label}:{line}: not UTF-8: byte 0x{code[error.start]:02x}; save the file as UTF-8"
            raise UsageError(text) from None
        match = _PACKAGE.match(text)
        return cls(code, label, "".join(match["name"].split()) if match else "")

    @property
    def name(self) -> str:
        """The file's name without its folder and suffix, which Java also requires of its public class."""
        return Path(self.label).stem

    @property
    def main_class(self) -> str:
        """The qualified name of the class that has the file's name."""
        return f"{self.package}.{self.name}".lstrip(".")

    @property
    def trace_name(self) -> str:
        """The file's name in stack traces, below the folders of its package."""
        return f"{PurePosixPath(*self.package.split('.'), self.name)}{SUFFIX}"

    def root(self, file: Path) -> Path | None:
        """Return the folder above those of the package; None if the file isn't in the folders of its package.

        :param file: where the source is
        """
        parts = tuple(self.package.split(".")) if self.package else ()
        for folder in (file.parent, file.absolute().parent):
            if folder.parts[len(folder.parts) - len(parts) :] == parts:
                return Path(*folder.parts[: len(folder.parts) - len(parts)])
        return None
