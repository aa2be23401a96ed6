"""Requests: metadata, counts, the size of chunks, and how to connect."""

from __future__ import annotations

import re
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, UsageError
from storlet_shell.values.names import check_text

CHUNK_BYTES = 64 * 1024
"""Default size of the chunks in which bodies are read."""

HEADER_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Characters that no header may contain; C1 controls (U+0080 to U+009F) drive terminals, too."""
_METADATA_KEY = r"[A-Za-z0-9!#$%&'*+.^`|~-]+"


def read_count(text: str) -> int | None:
    """Parse a number of bytes, lines or seconds; None if it isn't a non-negative integer, or has too many digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


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
        if not re.fullmatch(_METADATA_KEY, text):
            raise UsageError(f"a metadata key can only have letters, digits and hyphens: {text!r}")
        return text

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


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
