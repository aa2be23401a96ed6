"""Values that command lines are parsed into: paths, names, parameters, ranges.

Strings are parsed at the door (an argument's ``type``), never further down. ``str()`` of a value is what a user would
type. Every ``parse`` raises :class:`~storlet_shell.errors.UsageError` with a one-line message.

They are named tuples, which start faster than frozen dataclasses (:mod:`storlet_shell.equality`). For the same reason,
they are imported, and most patterns compiled, on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from storlet_shell.values.invocations import RESERVED_PARAMETER_PREFIX as RESERVED_PARAMETER_PREFIX
    from storlet_shell.values.invocations import ByteRange as ByteRange
    from storlet_shell.values.invocations import Invocation as Invocation
    from storlet_shell.values.invocations import Parameter as Parameter
    from storlet_shell.values.names import CONTAINER_NAME_BYTES as CONTAINER_NAME_BYTES
    from storlet_shell.values.names import OBJECT_NAME_BYTES as OBJECT_NAME_BYTES
    from storlet_shell.values.names import PATH_FORMAT as PATH_FORMAT
    from storlet_shell.values.names import STANDARD_FILE as STANDARD_FILE
    from storlet_shell.values.names import STANDARD_PREFIX as STANDARD_PREFIX
    from storlet_shell.values.names import ContainerName as ContainerName
    from storlet_shell.values.names import Location as Location
    from storlet_shell.values.names import ObjectPath as ObjectPath
    from storlet_shell.values.names import StorletMain as StorletMain
    from storlet_shell.values.names import StorletName as StorletName
    from storlet_shell.values.names import check_text as check_text
    from storlet_shell.values.names import expand as expand
    from storlet_shell.values.names import names_container as names_container
    from storlet_shell.values.names import no_object as no_object
    from storlet_shell.values.requests import CHUNK_BYTES as CHUNK_BYTES
    from storlet_shell.values.requests import HEADER_CONTROL as HEADER_CONTROL
    from storlet_shell.values.requests import Connection as Connection
    from storlet_shell.values.requests import Metadatum as Metadatum
    from storlet_shell.values.requests import read_count as read_count

_EXPORTS = {
    "CHUNK_BYTES": "requests",
    "CONTAINER_NAME_BYTES": "names",
    "HEADER_CONTROL": "requests",
    "OBJECT_NAME_BYTES": "names",
    "PATH_FORMAT": "names",
    "RESERVED_PARAMETER_PREFIX": "invocations",
    "STANDARD_FILE": "names",
    "STANDARD_PREFIX": "names",
    "ByteRange": "invocations",
    "Connection": "requests",
    "ContainerName": "names",
    "Invocation": "invocations",
    "Location": "names",
    "Metadatum": "requests",
    "ObjectPath": "names",
    "Parameter": "invocations",
    "StorletMain": "names",
    "StorletName": "names",
    "check_text": "names",
    "expand": "names",
    "names_container": "names",
    "no_object": "names",
    "read_count": "requests",
}
"""The values and their modules."""

__all__ = list(_EXPORTS)


if not TYPE_CHECKING:  # otherwise, every misspelled name would have the type Any

    def __getattr__(name: str) -> Any:
        if name not in _EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
