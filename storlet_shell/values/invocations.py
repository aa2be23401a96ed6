"""Storlet invocations: the parameters, the range to read, and where to run."""

from __future__ import annotations

import re
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.values.names import ObjectPath, StorletName, check_text

_NOT_IN_PARAMETERS = r"[\x00-\x08\x0a-\x1f\x7f]"
"""Control characters other than tabs, which separate columns; a tab is sent as ``%09``."""
_RANGE = r"(?:bytes=)?([0-9]{0,18})-([0-9]{0,18})"

RESERVED_PARAMETER_PREFIX = "storlet_"
"""The engine adds parameters of its own under this prefix (storlets ``gateway.py: _add_system_params``)."""


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
            if re.search(_NOT_IN_PARAMETERS, half):
                raise UsageError(f"a parameter can't contain control characters other than tabs: {half!r}")
            check_text(half, "a parameter")
        return parameter

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


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
        match = re.fullmatch(_RANGE, text)
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
        """Whether it selects the last bytes, which is possible even for an empty object."""
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
    :param on_proxy: True to run on the proxy server, False on the object's own server, None to choose a safe place
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
