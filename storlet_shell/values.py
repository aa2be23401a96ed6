"""Values that command lines are parsed into: paths, names, parameters, ranges.

Strings are parsed at the door (an argument's ``type``), never further down. ``str()`` of a value is what a user would
type. Every ``parse`` raises :class:`~storlet_shell.errors.UsageError` with a one-line message.

They are named tuples, which start faster than frozen dataclasses (:mod:`storlet_shell.equality`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, LocalFileError, UsageError

PATH_FORMAT = 'swift object path must have the format: "path:/<container>/<object>"'

CONTAINER_NAME_BYTES = 256
"""Swift's default ``max_container_name_length`` (swift/common/constraints.py)."""

OBJECT_NAME_BYTES = 1024
"""Swift's default ``max_object_name_length`` (swift/common/constraints.py)."""

CHUNK_BYTES = 64 * 1024
"""Default size of the chunks in which bodies are read."""

_PREFIX = "path:"
_STORLET_NAME = re.compile(r"[A-Za-z0-9._-]+")
_NOT_IN_PARAMETERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters but for tabs, which separate columns; a tab is sent as ``%09``."""
HEADER_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Characters that no header may contain; C1 controls (U+0080 to U+009F) drive terminals, too."""
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]+")
_RANGE = re.compile(r"(?:bytes=)?([0-9]{0,18})-([0-9]{0,18})")
_ANY_PREFIX = re.compile(r"\s*(?:path:)?/?", re.IGNORECASE)

STANDARD_PREFIX = "std:"
"""What precedes the name of a standard storlet, where a file could be named as well."""

STANDARD_FILE = "std_{}.py"
"""The name that a standard storlet is deployed under."""

RESERVED_PARAMETER_PREFIX = "storlet_"
"""The engine adds parameters of its own under this prefix (storlets ``gateway.py: _add_system_params``)."""


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


def read_count(text: str) -> int | None:
    """Parse a number of bytes, lines or seconds; None if it isn't a non-negative integer, or has too many digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _strip_prefix(text: str) -> str:
    return text.removeprefix(_PREFIX).removeprefix("/")


def no_object(text: str) -> UsageError:
    """Return the error for a text that isn't an object's path with its prefix, with the path that may have been meant.

    The message is one that old notebooks rely on.
    """
    prefix = f"{_PREFIX}/"
    paths = [_ANY_PREFIX.sub("", part, count=1) for part in text.split(",")]
    container, slash, name = _ANY_PREFIX.sub("", text, count=1).partition("/")
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
        if not _STORLET_NAME.fullmatch(text) or not text.strip("."):
            standard = text.removeprefix(STANDARD_PREFIX)
            is_standard = standard != text and _STORLET_NAME.fullmatch(standard)
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
        if not dot or not _IDENTIFIER.fullmatch(module) or not _IDENTIFIER.fullmatch(class_name):
            raise UsageError(f"the main class must be module.Class, with one dot: {text!r}")
        StorletName.parse(module)
        return cls(module, class_name)

    @property
    def storlet(self) -> StorletName:
        """The name under which the storlet is deployed."""
        return StorletName(f"{self.module}.py")

    def __str__(self) -> str:
        return f"{self.module}.{self.class_name}"


@typed_equality
class Parameter(NamedTuple):
    """A parameter of an invocation; the storlet sees key and value as ``str``."""

    key: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Parameter:
        """Parse ``KEY=VALUE``.

        :raises UsageError: if the ``=`` is missing, or the key or the value can't be sent
        """
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"a parameter must be KEY=VALUE: {text!r}")
        return cls.of(key, value)

    @classmethod
    def of(cls, key: object, value: object) -> Parameter:
        """Convert a key and a value of any type with ``str``, and check them.

        :raises UsageError: if the key is empty, contains a ``:`` (where the server splits), or starts with the reserved
            prefix, or if either contains a control character other than a tab
        """
        parameter = cls(str(key), str(value))
        if not parameter.key:
            raise UsageError("the key of a parameter is missing")
        if ":" in parameter.key:
            raise UsageError(f"a parameter's key can't contain ':', where the server splits it: {parameter.key!r}")
        if parameter.key.lower().startswith(RESERVED_PARAMETER_PREFIX):
            raise UsageError(
                f"a parameter's key can't start with {RESERVED_PARAMETER_PREFIX}, which the engine reserves: "
                f"{parameter.key!r}"
            )
        for half in (parameter.key, parameter.value):
            if _NOT_IN_PARAMETERS.search(half):
                raise UsageError(f"a parameter can't contain control characters other than tabs: {half!r}")
            check_text(half, "a parameter")
        return parameter

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


@typed_equality
class Metadatum(NamedTuple):
    """A metadata item of an object, a container or the account."""

    key: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Metadatum:
        """Parse ``KEY=VALUE``.

        :raises UsageError: if the key or the value is missing, or can't be part of a header
        """
        key, equals, value = text.partition("=")
        if not equals or not value.strip():
            hint = Hint(Action.REMOVE_METADATA, (key or "KEY",))
            raise UsageError(f"metadata must be KEY=VALUE: {text!r}", hint=hint)
        if HEADER_CONTROL.search(value):
            raise UsageError(f"metadata can't contain control characters: {value!r}")
        return cls(cls.parse_key(key), check_text(value.strip(), "metadata"))

    @staticmethod
    def parse_key(text: str) -> str:
        """Parse a key.

        Servers ignore case, and take an underscore for a hyphen, so underscores are refused.

        :raises UsageError: if it can't be part of a header's name
        """
        if not _TOKEN.fullmatch(text):
            raise UsageError(f"a metadata key can only have letters, digits and hyphens: {text!r}")
        return text

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


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


@typed_equality
class ByteRange(NamedTuple):
    """A range of bytes: from the first to the last position, or the last ``last`` bytes if ``first`` is None."""

    first: int | None
    last: int | None

    @classmethod
    def parse(cls, text: str) -> ByteRange:
        """Parse ``A-B``, ``A-`` or ``-N``, with or without ``bytes=``.

        :raises UsageError: if it is invalid or empty, or several ranges, which engines treat differently
        """
        match = _RANGE.fullmatch(text)
        if "," in text:
            raise UsageError(f"only one range is possible: {text!r}")
        if match is None or match.group(1) == match.group(2) == "":
            raise UsageError(f"a range must be FIRST-LAST, FIRST- or -COUNT: {text!r}")
        first, last = (int(half) if half else None for half in match.groups())
        if first is not None and last is not None and last < first:
            raise UsageError(f"the range ends before it starts: {text!r}")
        if first is None and last == 0:
            raise UsageError(f"the range is empty: {text!r}")
        return cls(first, last)

    @property
    def is_suffix(self) -> bool:
        """Whether it is the last bytes, of which an empty object simply has none."""
        return self.first is None

    def within(self, length: int) -> tuple[int, int] | None:
        """Return the first and the last position within a number of bytes; None if the range selects none of them."""
        if self.first is None:
            assert self.last is not None
            return (max(0, length - self.last), length - 1) if length else None
        last = length - 1 if self.last is None else min(self.last, length - 1)
        return (self.first, last) if self.first <= last else None

    def __str__(self) -> str:
        return f"{'' if self.first is None else self.first}-{'' if self.last is None else self.last}"


@typed_equality
class Invocation(NamedTuple):
    """A run of a storlet over an object.

    :param range: the range of the object that the storlet reads; None for all of it
    :param extra: further inputs
    :param on_proxy: True to run on the proxy server, False on the object's own server, None for where it is safe
    :param generate_log: whether the engine stores the run's log
    :param allow_unread: whether the storlet may leave one of several inputs unread
    """

    storlet: StorletName
    parameters: tuple[Parameter, ...] = ()
    range: ByteRange | None = None
    extra: tuple[ObjectPath, ...] = ()
    on_proxy: bool | None = None
    generate_log: bool = False
    allow_unread: bool = False


@typed_equality
class Connection(NamedTuple):
    """How to connect to servers.

    :param cacert: the file of CA certificates that verify servers; empty for the platform's
    :param insecure: don't verify the servers' certificates
    :param timeout: response timeout in seconds
    :param cert: the file of the client certificate, in PEM, which may include the key; empty without one
    :param key: the file of the client certificate's key, if separate; else empty
    :param direct: ignore the environment's HTTP proxies: the servers are on this machine
    """

    cacert: str = ""
    insecure: bool = False
    timeout: float = 60.0
    cert: str = ""
    key: str = ""
    direct: bool = False
