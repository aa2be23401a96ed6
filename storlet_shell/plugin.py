"""Everything that authors of commands, schedulers and executors import; other modules may move.

Errors are in :mod:`storlet_shell.errors`. Names are imported on first use, so that a command doesn't pay for what only
an executor needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from storlet_shell.batches.crew import Crew as Crew
    from storlet_shell.batches.executor import Access as Access
    from storlet_shell.batches.executor import Executor as Executor
    from storlet_shell.batches.work import Outcome as Outcome
    from storlet_shell.batches.work import Task as Task
    from storlet_shell.batches.work import Work as Work
    from storlet_shell.results import Done as Done
    from storlet_shell.results import Planned as Planned
    from storlet_shell.results import Report as Report
    from storlet_shell.results import Response as Response
    from storlet_shell.results import Result as Result
    from storlet_shell.results import Table as Table
    from storlet_shell.results import Text as Text
    from storlet_shell.schedulers.base import Endpoint as Endpoint
    from storlet_shell.schedulers.base import Scheduler as Scheduler
    from storlet_shell.session import Session as Session
    from storlet_shell.spec.arguments import Arg as Arg
    from storlet_shell.spec.arguments import Kind as Kind
    from storlet_shell.spec.command import Action as Action
    from storlet_shell.spec.command import command as command
    from storlet_shell.spec.command import group as group
    from storlet_shell.store.listing import list_entries as list_entries
    from storlet_shell.values import ByteRange as ByteRange
    from storlet_shell.values import ContainerName as ContainerName
    from storlet_shell.values import Invocation as Invocation
    from storlet_shell.values import Location as Location
    from storlet_shell.values import Metadatum as Metadatum
    from storlet_shell.values import ObjectPath as ObjectPath
    from storlet_shell.values import Parameter as Parameter
    from storlet_shell.values import StorletName as StorletName
    from storlet_shell.wire.client import Client as Client
    from storlet_shell.wire.requests import Request as Request

_EXPORTS = {
    "Access": "batches.executor",
    "Action": "spec.command",
    "Arg": "spec.arguments",
    "ByteRange": "values",
    "Client": "wire.client",
    "ContainerName": "values",
    "Crew": "batches.crew",
    "Done": "results",
    "Endpoint": "schedulers.base",
    "Executor": "batches.executor",
    "Invocation": "values",
    "Kind": "spec.arguments",
    "Location": "values",
    "Metadatum": "values",
    "ObjectPath": "values",
    "Outcome": "batches.work",
    "Parameter": "values",
    "Planned": "results",
    "Report": "results",
    "Request": "wire.requests",
    "Response": "results",
    "Result": "results",
    "Scheduler": "schedulers.base",
    "Session": "session",
    "StorletName": "values",
    "Table": "results",
    "Task": "batches.work",
    "Text": "results",
    "Work": "batches.work",
    "command": "spec.command",
    "group": "spec.command",
    "list_entries": "store.listing",
}
"""The public names and their modules."""

__all__ = [*_EXPORTS]


if not TYPE_CHECKING:  # otherwise, misspelled names would silently have the type Any

    def __getattr__(name: str) -> Any:
        if name not in _EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"storlet_shell.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
