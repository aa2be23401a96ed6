"""Convert the API's arguments, which are strings or values, to values: here and nowhere else."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar, cast, runtime_checkable

from storlet_shell.api import checks
from storlet_shell.batches.endpoints import REGIONS, is_endpoint
from storlet_shell.batches.joining.joiner import Header, check_header
from storlet_shell.batches.mapping import MapOptions
from storlet_shell.batches.patterns import Pattern
from storlet_shell.batches.pipeline import parse_chain
from storlet_shell.batches.templates import Template
from storlet_shell.deployments.access import Grant, check_entry
from storlet_shell.deployments.acls import Rule
from storlet_shell.deployments.package import Package, read_package
from storlet_shell.deployments.packages.wanted import Wanted
from storlet_shell.errors import UsageError
from storlet_shell.results.saving import is_stdout
from storlet_shell.select.options import SelectOptions
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


class BatchOptions(TypedDict, total=False):
    """The options of a batch. All of them are optional.

    :param output: the object to store each result as: ``CONTAINER/TEMPLATE`` with the fields ``{path}``, ``{dir}``,
        ``{name}``, ``{stem}``, ``{suffix}`` and ``{container}``
    :param save: the local folder to write results to, under the objects' names; or a path with these fields
    :param concat: the local file to join all results in, in listing order; it is written at the end of the batch
    :param header: with ``concat``: ``once``, ``keep`` or ``none``; see :meth:`storlet_shell.Rows.concat`
    :param jobs: the number of simultaneous runs (default: 8)
    :param limit: process at most this many matching objects
    :param journal: a local file that records progress; repeat the call to resume the batch
    :param ordered: yield rows in listing order rather than as they are finished
    :param fail_fast: stop at the first failure
    :param endpoints: storage URLs or proxy servers to send runs to, or ``regions`` for all of the catalog
    :param scheduler: the driver that chooses among several endpoints (default: ``least-outstanding``)
    :param executor: the driver that runs tasks in parallel (default: ``threads``)
    :param scheduler_address: the address of the executor's own cluster: ``tcp://HOST:PORT``
    """

    output: str
    save: str | Path
    concat: str | Path
    header: Header
    jobs: int
    limit: int
    journal: str | Path
    ordered: bool
    fail_fast: bool
    endpoints: str | Iterable[str]
    scheduler: str
    executor: str
    scheduler_address: str


class QueryOptions(TypedDict, total=False):
    """The options of a query. All of them are optional.

    :param header: whether the first row of CSV names the columns (default); otherwise they are ``_1``, ``_2``, …
    :param delimiter: the character between fields of CSV (default: a comma)
    :param quote: the character around fields of CSV (default: a double quote)
    :param strict: fail on a malformed row, rather than leave it out
    :param where: where the storlet runs, as for :meth:`storlet_shell.Store.get`
    :param allow_failures: leave out objects that fail, rather than raise their error
    :param jobs: the number of simultaneous runs (default: 8)
    :param journal: a local file that records progress; repeat the call to resume the query
    :param endpoints: as in :class:`BatchOptions`; so are the following
    :param scheduler: see there
    :param executor: see there
    :param scheduler_address: see there
    """

    header: bool
    delimiter: str
    quote: str
    strict: bool
    where: Where
    allow_failures: bool
    jobs: int
    journal: str | Path
    endpoints: str | Iterable[str]
    scheduler: str
    executor: str
    scheduler_address: str


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
    place = _place(where)
    paths = tuple(object_path(path) for path in checks.several(extra, "extra", "objects' paths"))
    merged = parameters(params)
    if storlet is None:
        if merged or paths or where != "auto" or allow_unread:
            raise UsageError("params, extra, where and allow_unread require a storlet")
        return None
    return Invocation(storlet_name(storlet), merged, None, paths, place, allow_unread=allow_unread)


def _place(where: Where) -> bool | None:
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


def options(
    *,
    output: str | None = None,
    save: str | Path | None = None,
    concat: str | Path | None = None,
    header: Header | None = None,
    jobs: int = 8,
    limit: int | None = None,
    journal: str | Path | None = None,
    ordered: bool = False,
    fail_fast: bool = False,
    endpoints: str | Iterable[str] = (),
    scheduler: str = "least-outstanding",
    executor: str = "threads",
    scheduler_address: str = "",
) -> MapOptions:
    """Return the options of a batch; see :class:`BatchOptions`.

    :raises UsageError: if one is invalid
    """
    if concat is not None and is_stdout(checks.local_path(concat, "concat")):
        raise UsageError(f"concat creates a file, so it can't be standard output: {concat}")
    check_header(header)
    return MapOptions(
        output=None if output is None else Template.parse_output(_prefixed(checks.text(output, "output"))),
        save=None if save is None else Template.parse_files(str(checks.local_path(save, "save"))),
        concat=None if concat is None else str(concat),
        header=header,
        jobs=checks.count(jobs, "jobs"),
        limit=None if limit is None else checks.count(limit, "limit"),
        journal=None if journal is None else str(checks.local_path(journal, "journal")),
        ordered=ordered,
        keep_going=not fail_fast,
        endpoint=_endpoints(endpoints),
        scheduler=scheduler,
        executor=executor,
        scheduler_address=scheduler_address,
    )


def select_options(
    *,
    header: bool = True,
    delimiter: str = ",",
    quote: str = '"',
    strict: bool = False,
    where: Where = "auto",
    allow_failures: bool = False,
    jobs: int = 8,
    journal: str | Path | None = None,
    endpoints: str | Iterable[str] = (),
    scheduler: str = "least-outstanding",
    executor: str = "threads",
    scheduler_address: str = "",
) -> SelectOptions:
    """Return the options of a query; see :class:`QueryOptions`.

    :raises UsageError: if one is invalid
    """
    return SelectOptions(
        header=header,
        delimiter=checks.text(delimiter, "delimiter"),
        quote=checks.text(quote, "quote"),
        strict=strict,
        on_proxy=_place(where),
        jobs=checks.count(jobs, "jobs"),
        journal=None if journal is None else str(checks.local_path(journal, "journal")),
        allow_failures=allow_failures,
        endpoint=_endpoints(endpoints),
        scheduler=scheduler,
        executor=executor,
        scheduler_address=scheduler_address,
    )


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
    source: str | Path | bytes | Packaged, name: str | None, main: str | None, *, force: bool = False
) -> Package:
    """Read a storlet from a local file, from its code, or from a function, and check it.

    :param force: leave what certainly fails in a function to the review
    :raises UsageError: if it isn't a storlet, or the code has no name
    :raises NotFoundError: if the local file doesn't exist
    """
    if isinstance(source, str | Path):
        if name is not None:
            raise UsageError("name is for code passed as bytes; a file names its storlet itself")
        return read_package(str(source), main, None, force=force)
    if isinstance(source, Packaged):
        if name is not None or main is not None:
            raise UsageError("a function names its storlet itself; it takes no name and no main")
        return source.package(force=force)
    if not isinstance(source, bytes):
        raise UsageError(
            f"source must be a path, code as bytes, or a function with @storlet, not {type(source).__name__}"
        )
    if name is None or main is not None:
        raise UsageError("code passed as bytes needs name='MODULE.CLASS', or 'MODULE' for a function, and no main")
    checks.text(name, "name")
    return read_package(name, None, source, force=force)


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


def _prefixed(text: str) -> str:
    return text if text.startswith("path:") else f"path:/{text.removeprefix('/')}"


def _read(value: Any, kind: type[_Value], parse: Callable[[str], _Value], label: str) -> _Value:
    if isinstance(value, kind):
        return value
    if not isinstance(value, str):
        raise UsageError(f"{label} must be a str or {kind.__name__}, not {type(value).__name__}")
    return parse(value)


def _endpoints(names: str | Iterable[str]) -> tuple[str, ...] | None:
    if names == REGIONS:
        return (REGIONS,)
    chosen = checks.several(names, "endpoints", f"storage URLs or servers, or the word {REGIONS}")
    for name in chosen:
        if name != REGIONS and not is_endpoint(checks.text(name, "an endpoint")):
            raise UsageError(f"an endpoint must be a storage URL, a scheme, name and port, or {REGIONS}: {name!r}")
    return chosen or None
