"""What a storlet must keep to wherever it runs: the embedded engine and the dry run both judge by these functions.

Standard library only: the engine's worker processes import this.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any

METADATA_BYTES = 4096
"""The most that upstream's gateway reads of the metadata's JSON (storlets ``gateways/container/runtime.py``)."""

NO_METADATA = "it ended without out_files[0].set_metadata()"

_STORED_NAME, _STORED_VALUE, _STORED_COUNT = 128, 256, 90
"""Swift's default limits for what is stored (``swift/common/constraints.py``): bytes, bytes, metadata of an object."""

# RFC 9110, 5.6.2. Anything else ends the header, or all headers, for some parser between the storlet and its user.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTENT_TYPE = "content-type"

_ENGINES_OWN = frozenset({"__main__", "storlets", "storlet_shell"})
"""Modules besides the standard library's that engines have imported before they import a storlet."""


class MetadataError(Exception):
    """A storlet's metadata can't become headers; the message says why."""


def read_metadata(text: bytes, *, is_stored: bool = False) -> dict[str, str]:
    """Read what a storlet set as metadata, as the headers of its answer will have it.

    Values become text, and those that are None are dropped, as upstream does (``handlers/base.py``).

    :param text: the JSON that ``set_metadata`` sends
    :param is_stored: whether the result becomes an object, to which Swift's limits apply
    :raises MetadataError: they can't be headers, or would be lost or changed on the way
    """
    if len(text) > METADATA_BYTES:
        raise MetadataError(f"its metadata are too long: at most {METADATA_BYTES} bytes of JSON are allowed")
    try:
        parsed = json.loads(text, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError):
        raise MetadataError("its metadata aren't JSON") from None
    if not isinstance(parsed, dict):
        raise MetadataError(f"its metadata are a {type(parsed).__name__}, not a dict")
    metadata = {name: str(value) for name, value in parsed.items() if value is not None}
    for name, value in metadata.items():
        _check_name(name)
        _check_value(name, value)
    _check_collisions(metadata)
    if is_stored:
        _check_limits(metadata)
    return metadata


def unstorable(metadata: dict[str, Any]) -> str:
    """Return why Swift would refuse to store metadata that can be read; empty if it would not."""
    try:
        _check_limits({name: str(value) for name, value in metadata.items()})
    except MetadataError as error:
        return str(error)
    return ""


def _without_repetition(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dict of a JSON object; ``set_metadata({1: "a", "1": "b"})`` sends one with two equal names."""
    names = [name for name, _ in pairs]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise MetadataError(f"its metadata name {repeated!r} twice")
    return dict(pairs)


def _check_name(name: str) -> None:
    if _CONTROL.search(name):
        raise MetadataError(f"the name of its metadata {name!r} holds a control character")
    if not _TOKEN.fullmatch(name):
        raise MetadataError(f"{name!r} can't be the name of a header; ASCII letters, digits and !#$%&'*+.^_`|~- can")
    # The middleware takes them off what it stores, and hides them from storlets (handlers/proxy.py:
    # _remove_storlet_headers, handlers/base.py: _get_user_metadata).
    if name.lower().replace("_", "-").startswith("storlet-"):
        raise MetadataError(f"the middleware drops metadata whose names begin with 'storlet-': {name!r}")


def _check_value(name: str, value: str) -> None:
    if _CONTROL.search(value):
        raise MetadataError(f"the value of its metadata {name!r} holds a control character")
    # Not only ASCII: the metadata of its input are UTF-8 that was read as Latin-1, and go back in the same way.
    if any(ord(character) > 255 for character in value):
        raise MetadataError(f"the value of its metadata {name!r} holds characters outside Latin-1; quote them")
    if value != value.strip(" "):
        raise MetadataError(f"the value of its metadata {name!r} begins or ends with a blank, which HTTP drops")
    if name.lower() == _CONTENT_TYPE and not (value and value.isascii()):
        raise MetadataError(f"its metadata can't have the content type {value!r}")


def _check_collisions(metadata: dict[str, str]) -> None:
    """Refuse names of one and the same header: case doesn't count, and what is stored has - for _ (WSGI)."""
    names: dict[str, str] = {}
    for name in metadata:
        header = name.lower() if name.lower() == _CONTENT_TYPE else f"meta-{name.lower().replace('_', '-')}"
        if header in names:
            raise MetadataError(f"its metadata {names[header]!r} and {name!r} would be one header")
        names[header] = name


def _check_limits(metadata: dict[str, str]) -> None:
    user = {name: value for name, value in metadata.items() if name.lower() != _CONTENT_TYPE}
    if len(user) > _STORED_COUNT:
        raise MetadataError(f"it set {len(user)} metadata, and Swift stores at most {_STORED_COUNT} of an object")
    for name, value in user.items():
        if len(name) > _STORED_NAME:
            raise MetadataError(
                f"a name of its metadata has {len(name)} bytes, and Swift stores {_STORED_NAME}: {name!r}"
            )
        if len(value) > _STORED_VALUE:
            raise MetadataError(f"its metadata {name!r} has {len(value)} bytes, and Swift stores {_STORED_VALUE}")


def is_name_taken(module: str) -> bool:
    """Tell whether engines import another module under a storlet's or a dependency's name.

    They look at what they have imported, and at what is built into Python, before they look into the storlet's folder;
    and upstream's engine, which looks there before the standard library, would itself import the storlet in its place.
    """
    return module in sys.stdlib_module_names or module in sys.builtin_module_names or module in _ENGINES_OWN


def module_of(file: str) -> str:
    """Return the name by which Python would import a file; empty if it wouldn't."""
    return file.partition(".")[0] if file.endswith((".py", ".pyc", ".so")) else ""


def ended(status: object) -> tuple[str, str]:
    """Describe a process that ended without saying how the run went.

    :param status: its exit status, or the negated signal that killed it; None if that isn't known
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
    return "exited", f"its process exited with status {status} in the middle of the invocation"
