"""Names and paths: of containers, objects, storlets, and local files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, UsageError

PATH_FORMAT = 'swift object path must have the format: "path:/<container>/<object>"'

CONTAINER_NAME_BYTES = 256
"""Swift's default ``max_container_name_length`` (swift/common/constraints.py)."""

OBJECT_NAME_BYTES = 1024
"""Swift's default ``max_object_name_length`` (swift/common/constraints.py)."""

_PREFIX = "path:"
_STORLET_NAME = r"[A-Za-z0-9._-]+"
_IDENTIFIER = r"[^\W\d]\w*"
_ANY_PREFIX = r"(?i)\s*(?:path:)?/?"

STANDARD_PREFIX = "std:"
"""The prefix that tells the name of a standard storlet from that of a file."""

STANDARD_FILE = "std_{}.py"
"""The name that a standard storlet is deployed under."""


def _check_container(container: str) -> str:
    if not container:
        raise UsageError("the container name is missing")
    if "/" in container:
        raise UsageError(f"a container name can't contain '/': {container}")
    if len(check_text(container, "a container name").encode()) > CONTAINER_NAME_BYTES:
        raise UsageError(f"a container name can't be longer than {CONTAINER_NAME_BYTES} bytes: {container[:40]}…")
    return container


def check_text(text: str, label: str) -> str:
    """Return a text after checking that it can be sent.

    :param label: what the text is, for the message
    :raises UsageError: if it contains a NUL character, or isn't valid Unicode
    """
    if "\x00" in text:
        raise UsageError(f"{label} can't contain a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"{label} must be valid UTF-8: {text!r}") from None
    return text


def _strip_prefix(text: str) -> str:
    return text.removeprefix(_PREFIX).removeprefix("/")


def no_object(text: str) -> UsageError:
    """Return the error for a text that isn't an object's path with its prefix, with the path that may have been meant.

    The message is one that old notebooks rely on.
    """
    prefix = f"{_PREFIX}/"
    paths = [re.sub(_ANY_PREFIX, "", part, count=1) for part in text.split(",")]
    container, slash, name = re.sub(_ANY_PREFIX, "", text, count=1).partition("/")
    if len(paths) > 1 and all("/" in path.strip("/") for path in paths):
        hint = f": write one path at a time, as in {prefix}{paths[0]}"
    elif name:
        hint = f": write {prefix}{container}/{name}"
    elif slash:
        hint = f": name an object in it, {prefix}{container}/OBJECT"
    else:
        hint = f": is it a container ({prefix}{container}/OBJECT) or an object ({prefix}CONTAINER/{container})?"
    return UsageError(f"{PATH_FORMAT}, not {text!r}{hint if container else ''}")


def names_container(text: str, container: str) -> UsageError:
    """Return the error for a container in the place of an object.

    :param text: how the user has spelled it
    """
    return UsageError(f"{text}: names a container; for an object in it: {container}/OBJECT")


@typed_equality
class ContainerName(NamedTuple):
    """The name of a container."""

    name: str

    @classmethod
    def parse(cls, text: str) -> ContainerName:
        """Parse ``CONTAINER``, ``/CONTAINER`` or ``path:/CONTAINER``.

        :raises UsageError: if the name is empty, too long, or contains a slash
        """
        return cls(_check_container(_strip_prefix(text).removesuffix("/")))

    def __str__(self) -> str:
        return f"{_PREFIX}/{self.name}" if self.name.startswith(_PREFIX) else self.name


@typed_equality
class ObjectPath(NamedTuple):
    """The path of an object: its container and its name."""

    container: str
    name: str

    @classmethod
    def parse(cls, text: str) -> ObjectPath:
        """Parse ``path:/CONTAINER/OBJECT`` (or ``path:CONTAINER/OBJECT``); the prefix is required.

        :raises UsageError: if the text has another form
        """
        if not text.startswith(_PREFIX) or not all(_strip_prefix(text).partition("/")):
            raise no_object(text)
        return cls.parse_position(text)

    @classmethod
    def parse_position(cls, text: str) -> ObjectPath:
        """Parse ``CONTAINER/OBJECT``, for positions where only an object is possible, so the prefix is optional.

        :raises UsageError: if a part is missing or too long
        """
        container, _, name = _strip_prefix(text).partition("/")
        if not container:
            raise no_object(text)
        if not name:
            raise names_container(text, container)
        if len(check_text(name, "an object name").encode()) > OBJECT_NAME_BYTES:
            raise UsageError(f"an object name can't be longer than {OBJECT_NAME_BYTES} bytes: {name[:40]}…")
        return cls(_check_container(container), name)

    def __str__(self) -> str:
        return f"{_PREFIX}/{self.container}/{self.name}"


@typed_equality
class Location(NamedTuple):
    """The subject of a listing: the account, a container, or the objects below a prefix."""

    container: str = ""
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> Location:
        """Parse an empty text, ``CONTAINER``, or ``CONTAINER/PREFIX``, with or without ``path:/``.

        :raises UsageError: if the container name is invalid
        """
        container, slash, prefix = _strip_prefix(text).partition("/")
        if not container:
            if slash:
                raise UsageError(f"the container name is missing: {text!r}")
            return cls()
        return cls(_check_container(container), check_text(prefix, "a prefix"))

    def __str__(self) -> str:
        if not self.container:
            return f"{_PREFIX}/"
        return f"{_PREFIX}/{self.container}/{self.prefix}" if self.prefix else f"{_PREFIX}/{self.container}"


@typed_equality
class StorletName(NamedTuple):
    """The name of a deployed storlet: that of its object in the storlet container."""

    name: str

    @classmethod
    def parse(cls, text: str) -> StorletName:
        """Parse the name of a storlet or a dependency.

        The server accepts a name with a slash, but every run fails (storlets ``gateway.py: bring_from_cache`` writes to
        a folder of that name), so it is refused here.

        :raises UsageError: if the name has characters other than letters, digits, dot, hyphen and underscore
        """
        if not re.fullmatch(_STORLET_NAME, text) or not text.strip("."):
            standard = text.removeprefix(STANDARD_PREFIX)
            is_standard = standard != text and re.fullmatch(_STORLET_NAME, standard)
            hint = f"; did you mean {STANDARD_FILE.format(standard)}?" if is_standard else ""
            raise UsageError(f"a storlet name can only have letters, digits, '.', '-' and '_': {text!r}{hint}")
        return cls(text)

    def __str__(self) -> str:
        return self.name


@typed_equality
class StorletMain(NamedTuple):
    """The main class of a Python storlet, as ``<module>.<Class>``."""

    module: str
    class_name: str

    @classmethod
    def parse(cls, text: str) -> StorletMain:
        """Parse ``module.Class``: one dot, both parts Python names (storlets ``validate_storlet_registration``).

        :raises UsageError: if it isn't two Python names
        """
        module, dot, class_name = text.partition(".")
        if not dot or not re.fullmatch(_IDENTIFIER, module) or not re.fullmatch(_IDENTIFIER, class_name):
            raise UsageError(f"the main class must be module.Class, with one dot: {text!r}")
        StorletName.parse(module)
        return cls(module, class_name)

    @property
    def storlet(self) -> StorletName:
        """The name under which the storlet is deployed."""
        return StorletName(f"{self.module}.py")

    def __str__(self) -> str:
        return f"{self.module}.{self.class_name}"


def expand(path: str | Path) -> Path:
    """Return a local path with its ``~`` expanded.

    :raises LocalFileError: if the user is unknown, or the name is impossible
    """
    try:
        expanded = Path(path).expanduser()
    except RuntimeError as error:
        raise LocalFileError(f"no local file {path}: {error}") from error
    if "\x00" in str(expanded):
        raise LocalFileError(f"the name of a local file can't contain a NUL character: {str(path)!r}")
    return expanded
