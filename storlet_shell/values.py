"""The values that a line is parsed into: paths, names, parameters, ranges.

Strings become values at the door (an argument's ``type``); nobody below splits strings. ``str()`` of a value is what a
user would type. Every ``parse`` raises :class:`~storlet_shell.errors.UsageError` with one line that says what is wrong.

They are named tuples, which start faster than frozen dataclasses (:mod:`storlet_shell.equality`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, UsageError

PATH_FORMAT = 'swift object path must have the format: "path:/<container>/<object>"'

CONTAINER_NAME_BYTES = 256
"""Swift's default ``max_container_name_length`` (swift/common/constraints.py)."""

OBJECT_NAME_BYTES = 1024
"""Swift's default ``max_object_name_length`` (swift/common/constraints.py)."""

CHUNK_BYTES = 64 * 1024
"""How much of a body is read at a time where the caller does not say."""

_PREFIX = "path:"
_STORLET_NAME = re.compile(r"[A-Za-z0-9._-]+")
_NOT_IN_PARAMETERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters but for tabs, which separate columns; a tab is sent as ``%09``."""
HEADER_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What no header may hold: C1 controls (U+0080 to U+009F) drive terminals, too."""
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]+")
_RANGE = re.compile(r"(?:bytes=)?([0-9]{0,18})-([0-9]{0,18})")
_ANY_PREFIX = re.compile(r"\s*(?:path:)?/?", re.IGNORECASE)

RESERVED_PARAMETER_PREFIX = "storlet_"
"""The engine adds parameters of its own under this prefix (storlets ``gateway.py: _add_system_params``)."""


def _check_container(container: str) -> str:
    if not container:
        raise UsageError("a container's name is missing")
    if "/" in container:
        raise UsageError(f"a container's name holds no slash: {container}")
    if len(check_text(container, "a container's name").encode()) > CONTAINER_NAME_BYTES:
        raise UsageError(f"a container's name has at most {CONTAINER_NAME_BYTES} bytes: {container[:40]}…")
    return container


def check_text(text: str, what: str) -> str:
    """Return a text that can be sent.

    :param what: what it is, for the message
    :raises UsageError: when it holds a NUL character, or is not UTF-8
    """
    if "\x00" in text:
        raise UsageError(f"{what} can't hold a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"{what} must be valid UTF-8: {text!r}") from None
    return text


def read_count(text: str) -> int | None:
    """Read a number of bytes, lines or seconds; None when the text is none, or has more digits than any of these."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _strip_prefix(text: str) -> str:
    return text.removeprefix(_PREFIX).removeprefix("/")


def no_object(text: str, prefix: str = f"{_PREFIX}/") -> UsageError:
    """Say that a text names no object, and what may have been meant, spelled with the prefix that it takes there."""
    container, slash, name = _ANY_PREFIX.sub("", text, count=1).partition("/")
    if name:
        hint = f": write {prefix}{container}/{name}"
    elif slash:
        hint = f": name an object in it, {prefix}{container}/OBJECT"
    else:
        hint = f": is it a container ({prefix}{container}/OBJECT) or an object ({prefix}CONTAINER/{container})?"
    return UsageError(f"{PATH_FORMAT}, not {text!r}{hint if container else ''}")


@typed_equality
class ContainerName(NamedTuple):
    """The name of a container."""

    name: str

    @classmethod
    def parse(cls, text: str) -> ContainerName:
        """Read ``CONTAINER``, ``/CONTAINER`` or ``path:/CONTAINER``.

        :raises UsageError: when the name is empty, too long, or holds a slash
        """
        return cls(_check_container(_strip_prefix(text).removesuffix("/")))

    def __str__(self) -> str:
        return f"{_PREFIX}/{self.name}" if self.name.startswith(_PREFIX) else self.name


@typed_equality
class ObjectPath(NamedTuple):
    """The place of one object: its container and its name in it."""

    container: str
    name: str

    @classmethod
    def parse(cls, text: str) -> ObjectPath:
        """Read ``path:/CONTAINER/OBJECT`` (or ``path:CONTAINER/OBJECT``) and insist on the prefix.

        :raises UsageError: with the sentence that old notebooks rely on, when the text has another form
        """
        if not text.startswith(_PREFIX) or not all(_strip_prefix(text).partition("/")):
            raise no_object(text)
        return cls.parse_position(text)

    @classmethod
    def parse_position(cls, text: str) -> ObjectPath:
        """Read ``CONTAINER/OBJECT``, where the prefix may be left out since only an object can stand there.

        :raises UsageError: when a part is missing or too long
        """
        container, _, name = _strip_prefix(text).partition("/")
        if not (container and name):
            raise no_object(text, prefix="")
        if len(check_text(name, "an object's name").encode()) > OBJECT_NAME_BYTES:
            raise UsageError(f"an object's name has at most {OBJECT_NAME_BYTES} bytes: {name[:40]}…")
        return cls(_check_container(container), name)

    def __str__(self) -> str:
        return f"{_PREFIX}/{self.container}/{self.name}"


@typed_equality
class Location(NamedTuple):
    """What a listing lists: the account, a container, or the objects of a container whose names start alike."""

    container: str = ""
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> Location:
        """Read nothing, ``CONTAINER``, or ``CONTAINER/PREFIX``, with or without ``path:/``.

        :raises UsageError: when the container's name is not one
        """
        container, slash, prefix = _strip_prefix(text).partition("/")
        if not container:
            if slash:
                raise UsageError(f"a container's name is missing in {text!r}")
            return cls()
        return cls(_check_container(container), check_text(prefix, "a prefix"))

    def __str__(self) -> str:
        if not self.container:
            return f"{_PREFIX}/"
        return f"{_PREFIX}/{self.container}/{self.prefix}" if self.prefix else f"{_PREFIX}/{self.container}"


@typed_equality
class StorletName(NamedTuple):
    """The name of a deployed storlet, which is the name of its object in the storlet container."""

    name: str

    @classmethod
    def parse(cls, text: str) -> StorletName:
        """Read the name of a storlet or dependency object.

        A name with a slash is accepted by the server and fails at every run (storlets ``gateway.py:
        bring_from_cache`` writes to a folder of that name), so it is refused here.

        :raises UsageError: when the name has other characters than letters, digits, dot, hyphen and underscore
        """
        if not _STORLET_NAME.fullmatch(text) or not text.strip("."):
            raise UsageError(f"a storlet's name has only letters, digits, '.', '-' and '_': {text!r}")
        return cls(text)

    def __str__(self) -> str:
        return self.name


@typed_equality
class StorletMain(NamedTuple):
    """The class that a Python storlet is started by, as ``<module>.<Class>``."""

    module: str
    class_name: str

    @classmethod
    def parse(cls, text: str) -> StorletMain:
        """Read ``module.Class``: exactly one dot, both parts Python names (storlets ``validate_storlet_registration``).

        :raises UsageError: when it is not two Python names
        """
        module, dot, class_name = text.partition(".")
        if not dot or not _IDENTIFIER.fullmatch(module) or not _IDENTIFIER.fullmatch(class_name):
            raise UsageError(f"a storlet's main class is written module.Class, with one dot: {text!r}")
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
    """One parameter of an invocation; the storlet sees both halves as ``str``."""

    key: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Parameter:
        """Read ``KEY=VALUE``.

        :raises UsageError: when there is no ``=``, or the wire can't carry the key or the value
        """
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"a parameter is written KEY=VALUE: {text!r}")
        return cls.of(key, value)

    @classmethod
    def of(cls, key: object, value: object) -> Parameter:
        """Convert a key and a value of any type with ``str`` and check them.

        :raises UsageError: when the key is empty, holds a ``:`` (the server splits there), starts with the reserved
            prefix, or either half holds a control character
        """
        parameter = cls(str(key), str(value))
        if not parameter.key:
            raise UsageError("a parameter's key is missing")
        if ":" in parameter.key:
            raise UsageError(f"a parameter's key can't hold a ':', since the server splits there: {parameter.key!r}")
        if parameter.key.lower().startswith(RESERVED_PARAMETER_PREFIX):
            raise UsageError(
                f"parameters that start with {RESERVED_PARAMETER_PREFIX} belong to the engine: {parameter.key!r}"
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
    """One of the metadata of an object, a container or the account."""

    key: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Metadatum:
        """Read ``KEY=VALUE``.

        :raises UsageError: when there is no key, no value, or a header can't carry them
        """
        key, equals, value = text.partition("=")
        if not equals or not value.strip():
            raise UsageError(f"metadata are written KEY=VALUE: {text!r}; to remove one: --remove {key or 'KEY'}")
        if HEADER_CONTROL.search(value):
            raise UsageError(f"metadata can't hold control characters: {value!r}")
        return cls(cls.parse_key(key), check_text(value.strip(), "a metadatum"))

    @staticmethod
    def parse_key(text: str) -> str:
        """Read a key.

        Servers take an underscore for a hyphen, and any case for the same, so the first is refused.

        :raises UsageError: when a header's name can't hold it
        """
        if not _TOKEN.fullmatch(text):
            raise UsageError(f"metadata have keys of letters, digits and hyphens: {text!r}")
        return text

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


def expand(path: str | Path) -> Path:
    """Return a local path with its ``~`` replaced.

    :raises LocalFileError: when there is no such user, or the system can't have such a name
    """
    try:
        expanded = Path(path).expanduser()
    except RuntimeError as error:
        raise LocalFileError(f"no local file {path}: {error}") from error
    if "\x00" in str(expanded):
        raise LocalFileError(f"a local file's name can't hold a NUL character: {str(path)!r}")
    return expanded


def merge_parameters(mapping: Mapping[object, object] | None, given: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Merge a dict of parameters with those of the command line; the command line wins.

    :raises UsageError: when one of the dict's can't be a parameter
    """
    merged = {parameter.key: parameter for parameter in (Parameter.of(k, v) for k, v in (mapping or {}).items())}
    merged.update({parameter.key: parameter for parameter in given})
    return tuple(merged.values())


@typed_equality
class ByteRange(NamedTuple):
    """One range of bytes of the input: first and last position, or the last so many bytes."""

    first: int | None
    last: int | None

    @classmethod
    def parse(cls, text: str) -> ByteRange:
        """Read ``A-B``, ``A-`` or ``-N``, with or without ``bytes=``.

        :raises UsageError: when it is none of these, is empty, or is several ranges (engines differ on those)
        """
        match = _RANGE.fullmatch(text)
        if "," in text:
            raise UsageError(f"one range at a time: {text!r}")
        if match is None or match.group(1) == match.group(2) == "":
            raise UsageError(f"a range is written FIRST-LAST, FIRST- or -COUNT: {text!r}")
        first, last = (int(half) if half else None for half in match.groups())
        if first is not None and last is not None and last < first:
            raise UsageError(f"a range ends before it starts: {text!r}")
        if first is None and last == 0:
            raise UsageError(f"a range of no bytes: {text!r}")
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
    """One run of a storlet over one object.

    :param on_proxy: True to run on the proxy, False on the object's node, None for what is safe for the request
    :param allow_unread: whether the storlet may leave an input unread that isn't empty, where there are several
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
    """How servers are reached.

    :param cacert: a CA bundle to verify them with; empty for the platform's
    :param insecure: do not verify their certificates
    :param timeout: seconds without an answer after which a request has failed
    :param cert: a client certificate, in PEM; it may hold the key as well
    :param key: the client certificate's key, in a file of its own
    :param direct: use no proxy, whatever the environment says: they are on this machine
    """

    cacert: str = ""
    insecure: bool = False
    timeout: float = 60.0
    cert: str = ""
    key: str = ""
    direct: bool = False
