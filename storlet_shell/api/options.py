"""Options of batches and of queries, as the API takes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from storlet_shell.api import checks
from storlet_shell.api.reading import Where, on_proxy
from storlet_shell.batches.endpoints import REGIONS, is_endpoint
from storlet_shell.batches.joining.joiner import Header, check_header
from storlet_shell.batches.mapping import MapOptions
from storlet_shell.batches.templates import Template
from storlet_shell.errors import UsageError
from storlet_shell.results.saving import is_stdout
from storlet_shell.select.options import SelectOptions


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


def map_options(
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
        on_proxy=on_proxy(where),
        jobs=checks.count(jobs, "jobs"),
        journal=None if journal is None else str(checks.local_path(journal, "journal")),
        allow_failures=allow_failures,
        endpoint=_endpoints(endpoints),
        scheduler=scheduler,
        executor=executor,
        scheduler_address=scheduler_address,
    )


def _endpoints(names: str | Iterable[str]) -> tuple[str, ...] | None:
    if names == REGIONS:
        return (REGIONS,)
    chosen = checks.several(names, "endpoints", f"storage URLs or servers, or the word {REGIONS}")
    for name in chosen:
        if name != REGIONS and not is_endpoint(checks.text(name, "an endpoint")):
            raise UsageError(f"an endpoint must be a storage URL, a scheme, name and port, or {REGIONS}: {name!r}")
    return chosen or None


def _prefixed(text: str) -> str:
    return text if text.startswith("path:") else f"path:/{text.removeprefix('/')}"
