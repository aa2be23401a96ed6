"""Run storlets on OpenStack Swift from a shell, a command line, a command file, a notebook or a Python program.

A program starts with :func:`connect`. Public names are imported when first used, so one-shot lines don't pay for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from storlet_shell.api.connection import connect as connect
    from storlet_shell.api.functions import Storlet as Storlet
    from storlet_shell.api.functions import storlet as storlet
    from storlet_shell.api.options import BatchOptions as BatchOptions
    from storlet_shell.api.options import QueryOptions as QueryOptions
    from storlet_shell.api.store import Store as Store
    from storlet_shell.api.values import Deleted as Deleted
    from storlet_shell.api.values import Entry as Entry
    from storlet_shell.batches.reducing import Reduced as Reduced
    from storlet_shell.batches.report import Rows as Rows
    from storlet_shell.batches.rows.row import Row as Row
    from storlet_shell.deployments.deploy import Deployed as Deployed
    from storlet_shell.deployments.logs import Record as Record
    from storlet_shell.errors import StorletShellError as StorletShellError
    from storlet_shell.results import Response as Response
    from storlet_shell.results import Table as Table
    from storlet_shell.store.metadata import Info as Info
    from storlet_shell.store.names.folders import Usage as Usage
    from storlet_shell.store.objects import Stored as Stored
    from storlet_shell.storlets.trial import Trial as Trial
    from storlet_shell.transfers.counts import Transferred as Transferred
    from storlet_shell.wire.observer import Observer as Observer

__version__ = "0.1.0"

_EXPORTS = {
    "BatchOptions": "api.options",
    "Deleted": "api.values",
    "Deployed": "deployments.deploy",
    "Entry": "api.values",
    "Info": "store.metadata",
    "Observer": "wire.observer",
    "QueryOptions": "api.options",
    "Record": "deployments.logs",
    "Reduced": "batches.reducing",
    "Response": "results",
    "Row": "batches.rows.row",
    "Rows": "batches.report",
    "Store": "api.store",
    "Stored": "store.objects",
    "Storlet": "api.functions",
    "StorletShellError": "errors",
    "Table": "results",
    "Transferred": "transfers.counts",
    "Trial": "storlets.trial",
    "Usage": "store.names.folders",
    "connect": "api.connection",
    "storlet": "api.functions",
}
"""The public names and their modules."""

__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension", *_EXPORTS]


if not TYPE_CHECKING:  # otherwise, every misspelled name would have the type Any

    def __getattr__(name: str) -> Any:
        if name not in _EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # one-shot lines don't need it

        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add every command as a magic: ``%load_ext storlet_shell``."""
    from storlet_shell.adapters.notebook import magics  # imports IPython

    magics.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Remove the magics: ``%unload_ext storlet_shell``."""
    from storlet_shell.adapters.notebook import magics  # imports IPython

    magics.unload(shell)
