"""The options of ``select``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from storlet_shell.batches.checks import check_journal
from storlet_shell.batches.mapping import MapOptions
from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError


@typed_equality
class SelectOptions(NamedTuple):
    """The options of a query, with their defaults.

    :param header: whether the first row of CSV names the columns; otherwise they are ``_1``, ``_2``, …
    :param delimiter: the character between fields of CSV
    :param quote: the character around fields of CSV; empty for none
    :param strict: whether a malformed row fails the query, rather than being left out
    :param on_proxy: whether the storlet runs on the proxy server; None to let the objects' own servers run it
    :param jobs: number of concurrent runs
    :param journal: the file that records progress, to resume the query; None for none
    :param allow_failures: leave out objects that fail, rather than end there
    :param endpoint: where to send runs, see :func:`~storlet_shell.batches.endpoints.find_endpoints`
    :param scheduler: the driver that chooses the endpoint of a run
    :param executor: the driver that does the work
    :param scheduler_address: the address of the executor's cluster; empty for none
    """

    header: bool = True
    delimiter: str = ","
    quote: str = '"'
    strict: bool = False
    on_proxy: bool | None = None
    jobs: int = 8
    journal: str | None = None
    allow_failures: bool = False
    endpoint: Sequence[str] | None = None
    scheduler: str = "least-outstanding"
    executor: str = "threads"
    scheduler_address: str = ""

    def check(self) -> None:
        """Check the options.

        :raises UsageError: if one is invalid
        """
        for name, char in (("delimiter", self.delimiter), ("quote", self.quote or '"')):
            if len(char) != 1 or char in "\r\n\0":
                raise UsageError(f"{name} must be one character, not {char!r}")
        if self.delimiter == self.quote:
            raise UsageError("delimiter and quote must differ")
        check_journal(self.journal)

    def format(self) -> dict[str, Any]:
        """Return the description of CSV for the storlet's plan."""
        return {"header": self.header, "delimiter": self.delimiter, "quote": self.quote}

    def batch(self) -> MapOptions:
        """Return the options of the batch."""
        return MapOptions(
            jobs=self.jobs,
            journal=self.journal,
            keep_going=self.allow_failures,
            allow_failures=self.allow_failures,
            endpoint=self.endpoint,
            scheduler=self.scheduler,
            executor=self.executor,
            scheduler_address=self.scheduler_address,
        )
