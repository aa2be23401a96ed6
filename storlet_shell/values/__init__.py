"""Values that command lines are parsed into: paths, names, parameters, ranges.

Strings are parsed at the door (an argument's ``type``), never further down. ``str()`` of a value is what a user would
type. Every ``parse`` raises :class:`~storlet_shell.errors.UsageError` with a one-line message.

They are named tuples, which start faster than frozen dataclasses (:mod:`storlet_shell.equality`). For the same reason,
most patterns are compiled on first use.
"""

from __future__ import annotations

from storlet_shell.values.invocations import (
    RESERVED_PARAMETER_PREFIX,
    ByteRange,
    Invocation,
    Parameter,
)
from storlet_shell.values.names import (
    CONTAINER_NAME_BYTES,
    OBJECT_NAME_BYTES,
    PATH_FORMAT,
    STANDARD_FILE,
    STANDARD_PREFIX,
    ContainerName,
    Location,
    ObjectPath,
    StorletMain,
    StorletName,
    check_text,
    expand,
    names_container,
    no_object,
)
from storlet_shell.values.requests import (
    CHUNK_BYTES,
    HEADER_CONTROL,
    Connection,
    Metadatum,
    read_count,
)

__all__ = [
    "CHUNK_BYTES",
    "CONTAINER_NAME_BYTES",
    "HEADER_CONTROL",
    "OBJECT_NAME_BYTES",
    "PATH_FORMAT",
    "RESERVED_PARAMETER_PREFIX",
    "STANDARD_FILE",
    "STANDARD_PREFIX",
    "ByteRange",
    "Connection",
    "ContainerName",
    "Invocation",
    "Location",
    "Metadatum",
    "ObjectPath",
    "Parameter",
    "StorletMain",
    "StorletName",
    "check_text",
    "expand",
    "names_container",
    "no_object",
    "read_count",
]
