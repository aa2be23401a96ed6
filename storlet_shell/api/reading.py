"""Convert the API's arguments, which are strings or values, to values: here and nowhere else."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, Literal, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

from storlet_shell.api import checks
from storlet_shell.batches.pipeline import parse_chain
from storlet_shell.deployments.access import Grant, check_entry
from storlet_shell.deployments.acls import Rule
from storlet_shell.deployments.package import Package, read_package
from storlet_shell.deployments.packages.wanted import Wanted
from storlet_shell.errors import UsageError
from storlet_shell.patterns import Pattern
from storlet_shell.session.parameters import merge_parameters
from storlet_shell.values import (
    ByteRange,
    ContainerName,
    Invocation,
    Location,
    Metadatum,
    ObjectPath,
    Parameter,
    StorletName,
)
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import Body, bytes_body, chunks_body, file_body, stream_body

Where: TypeAlias = Literal["auto", "proxy", "node"]
"""Where a storlet runs: automatically chosen, on the proxy server, or on the object's own server."""

File: TypeAlias = "str | Path | bytes | IO[bytes] | Iterable[bytes]"
"""Data to send: the path of a local file, bytes, a binary file from its current position, or chunks of bytes."""

Right: TypeAlias = Literal["read", "write"]
"""The right that an ACL entry grants."""

Stages: TypeAlias = "str | Iterable[str | StorletName | tuple[str | StorletName, Mapping[str, object]]]"
"""A chain of storlets."""


@runtime_checkable
class Packaged(Protocol):
    """A function with the decorator ``@storlet``."""

    def package(self, *, force: bool = False) -> Package:
        """Return what is deployed."""


_ON_PROXY: Mapping[str, bool | None] = {"auto": None, "proxy": True, "node": False}
_Value = TypeVar("_Value", bound=tuple[Any, ...])


def object_path(value: str | ObjectPath) -> ObjectPath:
    """Parse ``CONTAINER/OBJECT``, with or without ``path:/``.

    :raises UsageError: if it isn't an object's path
    """
    return _read(value, ObjectPath, ObjectPath.parse_position, "an object's path")


def location(value: str | Location | ObjectPath | ContainerName) -> Location:
    """Parse an empty string (the account), ``CONTAINER``, or ``CONTAINER/PREFIX``.

    :raises UsageError: if it isn't one of these
    """
    if isinstance(value, ObjectPath):
        return Location(*value)
    if isinstance(value, ContainerName):
        return Location(value.name)
    return _read(value, Location, Location.parse, "a path")


def side(value: str | Path | Location | ContainerName, name: str) -> Path | Location:
    """Parse one side of a sync: ``path:/CONTAINER[/PREFIX]``, or else the path of a local folder.

    :raises UsageError: if it is neither
    """
    is_remote = value.startswith("path:") if isinstance(value, str) else not isinstance(value, Path)
    return location(cast("str", value)) if is_remote else checks.local_path(cast("str | Path", value), name)


def container_name(value: str | ContainerName) -> ContainerName:
    """Parse the name of a container.

    :raises UsageError: if it isn't one
    """
    return _read(value, ContainerName, ContainerName.parse, "a container's name")


def storlet_name(value: str | StorletName) -> StorletName:
    """Parse the name of a deployed storlet.

    :raises UsageError: if it isn't one
    """
    return _read(value, StorletName, StorletName.parse, "a storlet's name")


def byte_range(value: str | ByteRange | None) -> ByteRange | None:
    """Parse ``FIRST-LAST``, ``FIRST-`` or ``-COUNT``; None is the whole object.

    :raises UsageError: if it isn't a single range
    """
    return None if value is None else _read(value, ByteRange, ByteRange.parse, "a range")


def parameters(params: Mapping[str, object] | None) -> tuple[Parameter, ...]:
    """Convert a storlet's parameters; values of any type become text.

    :raises UsageError: if one can't be sent in a header
    """
    return merge_parameters(checks.mapping(params, "params"), ())


def metadata_headers(location: Location, metadata: Mapping[str, object] | None) -> dict[str, str]:
    """Return metadata as headers of an object, a container or the account.

    :param metadata: values are converted to text; None and empty text become an empty header, which removes an entry
    :raises UsageError: if one can't be sent in a header
    """
    prefix = wire.metadata_prefix(*location)
    headers: dict[str, str] = {}
    for key, value in checks.mapping(metadata, "metadata").items():
        name, text = Metadatum.parse_key(str(key)), "" if value is None else str(value)
        if f"{prefix}{name}".lower() in map(str.lower, headers):
            raise UsageError(f"metadata keys must differ in more than case: {name!r}")
        headers[f"{prefix}{name}"] = Metadatum.parse(f"{name}={text}").value if text.strip() else ""
    return headers


def invocation(
    storlet: str | StorletName | None,
    params: Mapping[str, object] | None = None,
    *,
    extra: Iterable[str | ObjectPath] = (),
    where: Where = "auto",
    allow_unread: bool = False,
) -> Invocation | None:
    """Return the run that the arguments describe; None without a storlet.

    :raises UsageError: if an argument is invalid, or requires a storlet
    """
    place = on_proxy(where)
    paths = tuple(object_path(path) for path in checks.several(extra, "extra", "objects' paths"))
    merged = parameters(params)
    if storlet is None:
        if merged or paths or where != "auto" or allow_unread:
            raise UsageError("params, extra, where and allow_unread require a storlet")
        return None
    return Invocation(storlet_name(storlet), merged, None, paths, place, allow_unread=allow_unread)


def on_proxy(where: Where) -> bool | None:
    """Tell whether a storlet runs on the proxy server; None if that is chosen automatically.

    :raises UsageError: if it isn't one of these words
    """
    if not isinstance(where, str) or where not in _ON_PROXY:
        raise UsageError(f"where must be one of {', '.join(_ON_PROXY)}, not {where!r}")
    return _ON_PROXY[where]


def run(
    storlet: str | StorletName,
    params: Mapping[str, object] | None = None,
    *,
    extra: Iterable[str | ObjectPath] = (),
    where: Where = "auto",
    allow_unread: bool = False,
) -> Invocation:
    """Return the run of a storlet; errors as for :func:`invocation`."""
    described = invocation(storlet_name(storlet), params, extra=extra, where=where, allow_unread=allow_unread)
    assert described is not None
    return described


def stages(chain: Stages) -> tuple[Invocation, ...]:
    """Parse a chain of storlets: names, pairs of a name and parameters, or the text that a command line uses.

    :raises UsageError: if it is empty, or contains anything else
    """
    if isinstance(chain, str):
        return parse_chain(chain)
    steps = tuple(_step(stage) for stage in checks.several(chain, "stages", "storlets"))
    if not steps:
        raise UsageError("stages must be storlets, or pairs of a storlet and its parameters, and at least one")
    return steps


def _step(stage: str | StorletName | tuple[str | StorletName, Mapping[str, object]]) -> Invocation:
    if isinstance(stage, str | StorletName):
        return run(stage)
    if not isinstance(stage, tuple) or len(stage) != 2:
        raise UsageError(f"a stage must be a storlet, or a pair of a storlet and its parameters, not {stage!r}")
    return run(*stage)


def pattern(text: str | Pattern) -> Pattern:
    """Parse ``CONTAINER/PATTERN``, with or without ``path:/``.

    :raises UsageError: if it isn't a pattern of objects in one container
    """
    return _read(text, Pattern, Pattern.parse_position, "a pattern")


def optional_storlet(value: str | StorletName | None) -> StorletName | None:
    """Parse the name of a storlet, or None.

    :raises UsageError: if it isn't one
    """
    return None if value is None else storlet_name(value)


def rule(user: str, right: Right, storlet: StorletName | None = None) -> Rule:
    """Return the ACL entry that stands for a right.

    :param storlet: the storlet that the user may run; None for the right itself
    :raises UsageError: if no server could match the user
    """
    if right not in ("read", "write"):
        raise UsageError(f"right must be read or write, not {right!r}")
    user = checks.text(user, "user")
    if storlet is None:
        return Rule(right, check_entry(user))
    grant = Grant.of(user, storlet.name)
    return Rule("read", grant.entry, grant)


def body(file: File) -> AbstractContextManager[Body]:
    """Return the body of a request.

    :raises UsageError: if it has another type, such as a text file
    :raises NotFoundError: if the local file doesn't exist
    :raises LocalFileError: if the local file can't be read
    """
    if isinstance(file, str | Path):
        return file_body(file)
    if isinstance(file, bytes | bytearray | memoryview):
        return nullcontext(bytes_body(bytes(file)))
    if isinstance(file, io.TextIOBase):
        raise UsageError("can't send a text file; open it in binary mode")
    if hasattr(file, "read"):
        label = str(getattr(file, "name", "") or "a file")
        if getattr(file, "closed", False):
            raise UsageError(f"{label} is closed and can't be sent")
        return nullcontext(stream_body(cast("IO[bytes]", file), label))
    if isinstance(file, Iterable):
        return nullcontext(chunks_body(_chunks(file)))
    raise UsageError(f"file must be a path, bytes, a binary file or an iterable of bytes, not {type(file).__name__}")


def package(
    source: str | Path | bytes | Packaged,
    name: str | None,
    main: str | None,
    needed: Iterable[str],
    *,
    force: bool = False,
) -> Package:
    """Read a storlet from a local file, from its code, or from a function, and check it.

    :param needed: the dependencies' names; Java code is compiled with the local jars among them
    :param force: leave what certainly fails in a function to the review
    :raises UsageError: if it isn't a storlet, or the code has no name
    :raises NotFoundError: if the local file doesn't exist
    """
    if isinstance(source, str | Path):
        if name is not None:
            raise UsageError("name is for code passed as bytes; a file names its storlet itself")
        return read_package(str(source), main, None, force=force, needed=needed)
    if isinstance(source, Packaged):
        if name is not None or main is not None:
            raise UsageError("a function names its storlet itself; it takes no name and no main")
        return source.package(force=force)
    if not isinstance(source, bytes):
        raise UsageError(
            f"source must be a path, code as bytes, or a function with @storlet, not {type(source).__name__}"
        )
    if name is None or main is not None:
        raise UsageError(
            "code passed as bytes needs name='MODULE.CLASS', 'MODULE' for a function, or 'CLASS.java', and no main"
        )
    checks.text(name, "name")
    return read_package(name, None, source, force=force, needed=needed)


def wanted(
    packages: Iterable[str], requirements: str | Path | None, provided: Iterable[str], *, unpack: bool
) -> Wanted | None:
    """Return the packages that a storlet needs; None if it needs none.

    :raises UsageError: if one isn't a package's name or requirement
    :raises NotFoundError: if the file doesn't exist
    """
    names, engines = (
        [checks.text(text, name) for text in checks.several(values, name, "packages")]
        for name, values in (("packages", packages), ("provided", provided))
    )
    files = () if requirements is None else (checks.local_path(requirements, "requirements"),)
    return Wanted.parse(names, files, engines, is_unpacked=unpack)


def _chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise UsageError(f"an iterable to send must yield bytes, not {type(chunk).__name__}")
        yield bytes(chunk)


def _read(value: Any, kind: type[_Value], parse: Callable[[str], _Value], label: str) -> _Value:
    if isinstance(value, kind):
        return value
    if not isinstance(value, str):
        raise UsageError(f"{label} must be a str or {kind.__name__}, not {type(value).__name__}")
    return parse(value)
