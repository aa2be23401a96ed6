"""Templates of outputs: ``path:/out/{dir}/{stem}.csv``, or of local files.

The fields are made of the input's name: of ``2026/11/a.log.gz`` in container ``logs``,

===========  ==================  ==================================
field        stands for          is
===========  ==================  ==================================
container    its container       ``logs``
path         its whole name      ``2026/11/a.log.gz``
dir          up to the last /    ``2026/11``
name         after the last /    ``a.log.gz``
stem         name, to last dot   ``a.log``
suffix       from the last dot   ``.gz``
===========  ==================  ==================================

Of a name without a slash, ``{dir}/`` is nothing. Braces are written twice. There is no number of the object among them:
what an input makes depends on its name alone, so that a batch that is started again makes it in the same place.
"""

from __future__ import annotations

import string
from typing import NamedTuple

from storlet_shell.batches.patterns import Pattern
from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.results.saving import is_stdout
from storlet_shell.values import Location, ObjectPath, no_object

FIELDS = ("container", "path", "dir", "name", "stem", "suffix")


@typed_equality
class Template(NamedTuple):
    """A text with fields.

    :param parts: pairs of a text and the field that follows it; the last one's is empty
    """

    text: str
    parts: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read a text with fields in braces.

        :raises UsageError: when a brace is left open, or a field is none
        """
        try:
            pieces = list(string.Formatter().parse(text))
        except ValueError as error:
            raise UsageError(f"{text!r}: {error}; a brace itself is written twice") from None
        parts = []
        for literal, field, options, conversion in pieces:
            if field is not None and (field not in FIELDS or options or conversion):
                raise UsageError(f"{{{field}}} is no field; there are: {', '.join(f'{{{name}}}' for name in FIELDS)}")
            parts.append((literal, field or ""))
        return cls(text, tuple(parts))

    @classmethod
    def parse_output(cls, text: str) -> Template:
        """Read the template of an object: ``path:/CONTAINER/TEMPLATE``.

        :raises UsageError: when it has another form, or the container's name is made of the object's
        """
        template = cls.parse(text)
        head = ""
        for literal, field in template.parts:
            head += literal
            if "/" in head.removeprefix("path:").removeprefix("/"):
                break
            if field not in ("", "container"):
                raise UsageError(f"{text!r}: of a container's name, only {{container}} can be a part")
            head += field
        filled = template.fill(ObjectPath("c", "n"))
        location = Location.parse(filled) if text.startswith("path:") else Location()
        if not location.container or not location.prefix:
            raise no_object(text)
        ObjectPath.parse(filled)
        return template

    @classmethod
    def parse_files(cls, text: str) -> Template:
        """Read the template of local files; a folder's name stands for all files below it, named as the objects.

        :raises UsageError: as :meth:`parse`, and for standard output, where files would be one after the other
        """
        if not text:
            raise UsageError("a local folder's name is missing")
        if is_stdout(text):
            raise UsageError(
                f"--save makes a file of each object here, and takes a folder, not standard output: {text}"
            )
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
        """Return the object that is made of another.

        :raises UsageError: when its name is too long
        """
        return ObjectPath.parse(self.fill(source))

    @property
    def folder(self) -> str:
        """The folder that local files are made in, as it is written: up to the last slash before the first field."""
        literal = self.parts[0][0]
        return literal[: literal.rfind("/") + 1]

    def file(self, source: ObjectPath) -> str:
        """Return the local file that is made of an object, in its folder.

        :raises UsageError: when the object's name would lead out of the folder, or can't be a file's
        """
        filled = self.fill(source)
        below = filled[len(self.folder) :]
        if "\0" in below or any(part in ("", ".", "..") for part in below.split("/")):
            raise UsageError(f"{source}: its name can't be a file's in the folder: {filled!r}")
        return below

    def keeps_apart(self, pattern: Pattern) -> bool:
        """Tell whether any two names that match a pattern surely make different texts; False where nobody can tell."""
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
