"""The rules for storlets, which the embedded engine and the dry run both enforce.

Standard library only: the engine's worker processes import this module.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any

METADATA_BYTES = 4096
"""The maximum length of the metadata's JSON that upstream's gateway reads (``gateways/container/runtime.py``)."""

FOLDER_PARAMETER = "storlet_execution_path"
"""The parameter that engines add: the folder of the storlet's code and dependencies."""

NO_METADATA = "it ended without out_files[0].set_metadata()"

_STORED_NAME, _STORED_VALUE, _STORED_COUNT = 128, 256, 90
"""Swift's default limits (``swift/common/constraints.py``): bytes of a name, bytes of a value, items of an object."""

# RFC 9110, 5.6.2. Any other character would end the header, or all headers, for some parser on the way to the user.
# The second form is an underscore: Swift's s3api keeps those of S3's metadata apart from hyphens (s3request.py,
# to_swift_req), and a storlet may pass on its input's names.
_TOKEN = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]|=5[Ff])+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTENT_TYPE = "content-type"

_ENGINES_OWN = frozenset({"__main__", "storlets", "storlet_shell"})
"""Modules outside the standard library that engines import before a storlet."""


class MetadataError(Exception):
    """A storlet's metadata can't be sent as headers; the message says why."""


def read_metadata(text: bytes, *, is_stored: bool = False) -> dict[str, str]:
    """Parse a storlet's metadata, as they will appear in the response headers.

    Values become text, and None is dropped, as upstream does (``handlers/base.py``). The parameter that the engine adds
    is dropped too: storlets that copy all their parameters into metadata run on upstream, which drops it.

    :param text: the JSON that ``set_metadata`` sends
    :param is_stored: whether the result becomes an object, to which Swift's limits apply
    :raises MetadataError: if they can't be headers, or would be lost or changed on the way
    """
    if len(text) > METADATA_BYTES:
        raise MetadataError(f"its metadata are too long: at most {METADATA_BYTES} bytes of JSON are allowed")
    try:
        parsed = json.loads(text, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError):
        raise MetadataError("its metadata aren't JSON") from None
    if not isinstance(parsed, dict):
        raise MetadataError(f"its metadata are a {type(parsed).__name__}, not a dict")
    metadata = {name: str(value) for name, value in parsed.items() if value is not None and name != FOLDER_PARAMETER}
    for name, value in metadata.items():
        _check_name(name)
        _check_value(name, value)
    _check_collisions(metadata)
    if is_stored:
        _check_limits(metadata)
    return metadata


def unstorable(metadata: dict[str, Any]) -> str:
    """Return why Swift would refuse to store valid metadata; empty if it wouldn't."""
    try:
        _check_limits({name: str(value) for name, value in metadata.items()})
    except MetadataError as error:
        return str(error)
    return ""


def _without_repetition(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Create a dict from a JSON object, unless it has equal names, as from ``set_metadata({1: "a", "1": "b"})``."""
    names = [name for name, _ in pairs]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise MetadataError(f"its metadata name {repeated!r} twice")
    return dict(pairs)


def _check_name(name: str) -> None:
    if _CONTROL.search(name):
        raise MetadataError(f"the name of its metadata {name!r} contains a control character")
    if not _TOKEN.fullmatch(name):
        raise MetadataError(f"{name!r} can't be a header name; use only ASCII letters, digits and !#$%&'*+.^_`|~-")
    # The middleware removes them from objects that it stores, and hides them from storlets (handlers/proxy.py:
    # _remove_storlet_headers, handlers/base.py: _get_user_metadata).
    if name.lower().replace("_", "-").startswith("storlet-"):
        raise MetadataError(f"the middleware drops metadata whose names start with 'storlet-': {name!r}")


def _check_value(name: str, value: str) -> None:
    if _CONTROL.search(value):
        raise MetadataError(f"the value of its metadata {name!r} contains a control character")
    # Not only ASCII: the metadata of the input are UTF-8 that was decoded as Latin-1, and are sent back that way.
    if any(ord(character) > 255 for character in value):
        raise MetadataError(f"the value of its metadata {name!r} contains characters outside Latin-1; quote them")
    if value != value.strip(" "):
        raise MetadataError(f"the value of its metadata {name!r} starts or ends with a blank, which HTTP drops")
    if name.lower() == _CONTENT_TYPE and not (value and value.isascii()):
        raise MetadataError(f"its metadata can't have the content type {value!r}")


def _check_collisions(metadata: dict[str, str]) -> None:
    """Refuse names that become the same header: case is ignored, and WSGI replaces _ by -."""
    names: dict[str, str] = {}
    for name in metadata:
        header = name.lower() if name.lower() == _CONTENT_TYPE else f"meta-{name.lower().replace('_', '-')}"
        if header in names:
            raise MetadataError(f"its metadata {names[header]!r} and {name!r} would become the same header")
        names[header] = name


def _check_limits(metadata: dict[str, str]) -> None:
    user = {name: value for name, value in metadata.items() if name.lower() != _CONTENT_TYPE}
    if len(user) > _STORED_COUNT:
        raise MetadataError(f"it set {len(user)} metadata, but Swift stores at most {_STORED_COUNT} per object")
    for name, value in user.items():
        if len(name) > _STORED_NAME:
            raise MetadataError(
                f"a name of its metadata has {len(name)} bytes, but Swift stores at most {_STORED_NAME}: {name!r}"
            )
        if len(value) > _STORED_VALUE:
            text = f"its metadata {name!r} has {len(value)} bytes, but Swift stores at most {_STORED_VALUE}"
            raise MetadataError(text)


def is_name_taken(module: str) -> bool:
    """Tell whether a storlet's or a dependency's name is that of a module which engines would import instead.

    Imported and built-in modules take precedence over the storlet's folder. Upstream's engine, on the other hand, finds
    that folder before the standard library, and would itself import the storlet instead of a library module.
    """
    return module in sys.stdlib_module_names or module in sys.builtin_module_names or module in _ENGINES_OWN


def module_of(file: str) -> str:
    """Return the name by which Python would import a file; empty if it wouldn't."""
    return file.partition(".")[0] if file.endswith((".py", ".pyc", ".so")) else ""


def ended(status: object) -> tuple[str, str]:
    """Describe a process that ended without reporting a result.

    :param status: its exit status, or the negated number of the signal that killed it; None if unknown
    :returns: the kind of failure, and a message
    """
    if not isinstance(status, int):
        return "killed", "its process was killed"
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = str(-status)
        return "killed", f"its process was killed by signal {name}"
    return "exited", f"its process exited with status {status} during the invocation"
