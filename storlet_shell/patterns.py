r"""Patterns of objects' names: ``path:/logs/2026/**/*.gz``.

A name is a line of parts between slashes. ``*`` is any characters of one part, ``?`` one of them, ``[a-z]`` one of
these and ``[!a-z]`` one of the others; ``**`` as a whole part is any number of parts, none included. ``{a,b}`` is
either, and ``{1..9}`` each number. A part that is matched is not empty. A backslash takes the next character's
meaning away.

File systems' rules don't apply, since names aren't paths: a leading dot hides nothing, ``.`` and ``..`` are parts as
any other, and two slashes are not one.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import NotFoundError, UsageError
from storlet_shell.values import Location, no_object

_SPECIAL = re.compile(r"[*?[]")
_LITERAL = re.compile(r"((?:[^\\*?[]|\\.)*)(.*)", re.DOTALL)
_CLASS = re.compile(r"\[([!^]?)(\]?(?:\\.|[^\]\\])*)\]", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@typed_equality
class Pattern(NamedTuple):
    """The objects of one container whose names are alike.

    :param alternatives: what the braces expand to; a name matches one of them at least
    """

    container: str
    text: str
    alternatives: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read ``path:/CONTAINER/PATTERN`` and insist on the prefix.

        :raises UsageError: when it has another form, or the container is a pattern, too
        """
        location = Location.parse(text) if text.startswith("path:") else Location()
        if not location.container or not location.prefix:
            raise no_object(text)
        if _SPECIAL.search(location.container):
            raise UsageError(f"a pattern matches objects of one container, which is named as it is: {text!r}")
        return cls.of(location)

    @classmethod
    def of(cls, location: Location) -> Pattern:
        """Take the second part of a location for a pattern; its container is a name, whatever is in it.

        :raises UsageError: when it isn't a valid pattern
        """
        pattern = cls(location.container, location.prefix, tuple(_expand(location.prefix)))
        pattern.matcher()
        return pattern

    @classmethod
    def parse_position(cls, text: str) -> Pattern:
        """Parse ``CONTAINER/PATTERN``, for positions where only a pattern is possible, so the prefix is optional.

        :raises UsageError: as :meth:`parse`
        """
        location = Location.parse(text)
        if location.container and not location.prefix:
            raise UsageError(f"{text}: names a container; for all objects in it: '{location.container}/*'")
        return cls.parse(text if text.startswith("path:") else f"path:/{text.removeprefix('/')}")

    @property
    def prefix(self) -> str:
        """What every matching name begins with: what the server can narrow a listing by."""
        beginnings = [_unescape(_literal(text)) for text in self.alternatives]
        return os.path.commonprefix(beginnings)  # noqa: RUF071  a prefix may end within a part

    @property
    def folder(self) -> str:
        """The folder that all matching names are in, with its slash; empty without one."""
        return self.prefix[: self.prefix.rfind("/") + 1]

    def with_contents(self) -> Pattern:
        """Return a pattern that also matches everything in folders whose names match."""
        contents = (f"{text.removesuffix('/')}/**" for text in self.alternatives)
        return self._replace(alternatives=(*self.alternatives, *contents))

    @property
    def is_name(self) -> bool:
        """Whether it is a literal name, which matches only itself."""
        return len(self.alternatives) == 1 and not _SPECIAL.search(_ESCAPED.sub("", self.text))

    @property
    def has_one_folder(self) -> bool:
        """Whether all matching names are alike up to their last slash."""
        parted = [text.rpartition("/") for text in self.alternatives]
        folders = {folder for folder, _, _ in parted}
        is_deep = any(last == "**" for _, _, last in parted)
        return not is_deep and len(folders) == 1 and not _SPECIAL.search(_ESCAPED.sub("", folders.pop()))

    @property
    def has_one_suffix(self) -> bool:
        """Whether all matching names are alike from their last dot on, which is in their last part."""
        ends = {_ESCAPED.sub(r"\1", re.split(r"[*?\]/]", text)[-1]) for text in self.alternatives}
        suffixes = {end.rpartition(".")[2] if "." in end else None for end in ends}
        return len(suffixes) == 1 and None not in suffixes

    def matcher(self) -> Callable[[str], object]:
        """Return what tells whether a name matches.

        :raises UsageError: when a bracket holds a range that ends before it starts
        """
        try:
            return re.compile("|".join(map(_translate, self.alternatives)), re.DOTALL).fullmatch
        except re.error as error:
            raise UsageError(f"{self}: {error.msg}") from None

    def no_match(self) -> NotFoundError:
        """Return the error for a pattern that nothing matches."""
        return NotFoundError(f"{self}: no object matches")

    def __str__(self) -> str:
        return f"path:/{self.container}/{self.text}"


def _expand(text: str) -> Iterable[str]:
    import bracex

    try:
        return dict.fromkeys(bracex.expand(text, keep_escapes=True))
    except bracex.ExpansionLimitException:
        raise UsageError(f"the braces stand for over 1000 patterns: {text[:80]}") from None


def _literal(alternative: str) -> str:
    match = _LITERAL.match(alternative)
    return match[1] if match else ""


def _unescape(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _translate(alternative: str) -> str:
    """Return a pattern without braces as a regular expression of whole names."""
    *folders, last = alternative.split("/")
    expression = "".join("(?:.*/)?" if part == "**" else f"{_part(part)}/" for part in folders)
    return expression + (".+" if last == "**" else _part(last))


def _part(text: str) -> str:
    expression, rest = "(?=[^/])" if text else "", text
    while rest:
        literal, rest = _LITERAL.match(rest).groups()  # type: ignore[union-attr]  # it matches anything
        expression += re.escape(_unescape(literal))
        if not rest:
            break
        if rest[0] == "[" and (match := _CLASS.match(rest)):
            negation, members = match.groups()
            expression += f"(?!/)[{'^' if negation else ''}{_members(members)}]"
            rest = rest[match.end() :]
            continue
        expression += {"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0]))
        rest = rest[1:]
    return expression


def _members(text: str) -> str:
    """Return what stands between brackets as a regular expression has it; only hyphens keep their meaning."""
    return re.sub(r"\\(.)|([^-\w])", lambda match: re.escape(match[1] or match[2]), text, flags=re.DOTALL)
