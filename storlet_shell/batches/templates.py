"""Templates of outputs: ``path:/out/{dir}/{stem}.csv``, or local files.

The fields are parts of the input's name. For ``2026/11/a.log.gz`` in container ``logs``:

===========  ==================  ==================================
field        part                value
===========  ==================  ==================================
container    its container       ``logs``
path         its whole name      ``2026/11/a.log.gz``
dir          up to the last /    ``2026/11``
name         after the last /    ``a.log.gz``
stem         name, to last dot   ``a.log``
suffix       from the last dot   ``.gz``
===========  ==================  ==================================

For a name without a slash, ``{dir}/`` is empty. Double a brace to write one. Templates can't number
outputs: an output's name depends only on its input's name, so that a batch that is restarted writes to the same place.
"""

from __future__ import annotations

import string
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.patterns import Pattern
from storlet_shell.results.saving import is_stdout
from storlet_shell.values import Location, ObjectPath, no_object

FIELDS = ("container", "path", "dir", "name", "stem", "suffix")


@typed_equality
class Template(NamedTuple):
    """A text with fields.

    :param parts: pairs of a text and the field after it; the last field may be empty
    """

    text: str
    parts: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Parse a text with fields in braces.

        :raises UsageError: when a brace isn't closed, or a field doesn't exist
        """
        try:
            pieces = list(string.Formatter().parse(text))
        except ValueError as error:
            raise UsageError(f"{text!r}: {error}; to write a brace, double it") from None
        parts = []
        for literal, field, options, conversion in pieces:
            if field not in (None, *FIELDS) and literal.endswith("$"):
                raise UsageError(f"${{{field}}} is not expanded, since it is in single quotes; use double quotes")
            if field is not None and (field not in FIELDS or options or conversion):
                raise UsageError(f"unknown field {{{field}}}; fields: {', '.join(f'{{{name}}}' for name in FIELDS)}")
            parts.append((literal, field or ""))
        return cls(text, tuple(parts))

    @classmethod
    def parse_output(cls, text: str) -> Template:
        """Parse the template of an object: ``path:/CONTAINER/TEMPLATE``.

        :raises UsageError: when it has another form, or the container's name depends on the object's
        """
        template = cls.parse(text)
        head = ""
        for literal, field in template.parts:
            head += literal
            if "/" in head.removeprefix("path:").removeprefix("/"):
                break
            if field not in ("", "container"):
                raise UsageError(f"{text!r}: a container's name can only use {{container}}")
            head += field
        filled = template.fill(ObjectPath("c", "n"))
        location = Location.parse(filled) if text.startswith("path:") else Location()
        if not location.container or not location.prefix:
            raise no_object(text)
        ObjectPath.parse(filled)
        return template

    @classmethod
    def parse_files(cls, text: str) -> Template:
        """Parse the template of local files; a folder means files below it with the objects' names.

        :raises UsageError: as :meth:`parse`, and for standard output, which can't hold several files
        """
        if not text:
            raise UsageError("the name of the local folder is missing")
        if is_stdout(text):
            raise UsageError(f"each result is written to its own file: name a folder, not standard output: {text}")
        template = cls.parse(text)
        return template if any(field for _, field in template.parts) else cls.parse(f"{text.rstrip('/')}/{{path}}")

    def fill(self, source: ObjectPath) -> str:
        """Return the text for one object."""
        folder, slash, name = source.name.rpartition("/")
        stem, dot, suffix = name.rpartition(".")
        if not dot:
            stem, suffix = name, ""
        values = dict(zip(FIELDS, (*source, folder, name, stem, dot + suffix), strict=True))
        filled, skips = "", False
        for literal, field in self.parts:
            filled += literal.removeprefix("/") if skips else literal
            skips = field == "dir" and not slash
            filled += values[field] if field else ""
        return filled

    def output(self, source: ObjectPath) -> ObjectPath:
        """Return the output object of an input.

        :raises UsageError: when its name is too long
        """
        return ObjectPath.parse(self.fill(source))

    @property
    def folder(self) -> str:
        """The folder of the local files, as written: up to the last slash before the first field."""
        literal = self.parts[0][0]
        return literal[: literal.rfind("/") + 1]

    def file(self, source: ObjectPath) -> str:
        """Return the local file for an object, relative to the folder.

        :raises UsageError: when the object's name leads out of the folder, or can't be a file name
        """
        filled = self.fill(source)
        below = filled[len(self.folder) :]
        if "\0" in below or any(part in ("", ".", "..") for part in below.split("/")):
            raise UsageError(f"{source}: can't be a file in the folder: {filled!r}")
        return below

    def keeps_apart(self, pattern: Pattern) -> bool:
        """Tell whether two names that match a pattern always give different texts; False if that isn't certain."""
        parts = list(self.parts)
        while parts and parts[0][1] == "container":
            del parts[0]
        fields = tuple(field for _, field in parts if field)
        between = [literal for literal, _ in parts[1 : len(fields)]]
        if fields[:1] == ("dir",):
            if between[:1] != ["/"]:
                return False
            fields, between = fields[1:], between[1:]
        elif fields != ("path",) and not pattern.has_one_folder:
            return False
        if fields == ("stem", "suffix"):
            return between == [""]
        return fields in (("path",), ("name",)) or (fields == ("stem",) and pattern.has_one_suffix)

    def __str__(self) -> str:
        return self.text
