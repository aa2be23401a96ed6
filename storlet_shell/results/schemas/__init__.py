"""The schema of each command's result: what ``--json`` shows, and what :meth:`Result.fields` returns.

The one declaration of them: type checkers compare the commands with it, ``json_schema`` makes JSON Schema of it,
docs/json.md is rendered from it, and a test compares it with what every command returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from storlet_shell.results.schemas.acl import AclChange, AclEntry
from storlet_shell.results.schemas.batches import BatchRows, ReducedObject
from storlet_shell.results.schemas.changes import (
    ChangedMetadata,
    CreatedContainer,
    DeletedObjects,
    DoomedObject,
    EditedText,
)
from storlet_shell.results.schemas.dependencies import DeletedDependencies, Dependency
from storlet_shell.results.schemas.deployments import CheckedCode, Deployment, EnabledAccount, TrialRun, Undeployment
from storlet_shell.results.schemas.facts import AccountFacts, ContainerFacts, ObjectFacts, TemporaryUrl
from storlet_shell.results.schemas.listings import Entry, FolderUsage, JoinedObjects
from storlet_shell.results.schemas.local import (
    EmptiedSwift,
    StartedSwift,
    StoppedSwift,
    SwiftStatus,
    WrittenInterface,
)
from storlet_shell.results.schemas.logs import LogRecord
from storlet_shell.results.schemas.relocation import PlannedRelocation, RelocatedObjects
from storlet_shell.results.schemas.select import ExplainedQuery, SavedRows, SelectedRows
from storlet_shell.results.schemas.session import (
    AddedCloud,
    CommandHelp,
    CommandList,
    Identity,
    Page,
    Plugin,
    SetVariable,
    Variable,
)
from storlet_shell.results.schemas.shared import Answer, Listing, Plan
from storlet_shell.results.schemas.storlets import StandardStorlet, StorletDetails, StorletSummary
from storlet_shell.results.schemas.transfers import (
    DownloadedFiles,
    PlannedFile,
    PlannedStep,
    SyncedFiles,
    UploadedFiles,
)

SCHEMAS: Mapping[str, Any] = MappingProxyType(
    {
        "acl list": Listing[AclEntry] | Plan,
        "acl grant": AclChange | Plan,
        "acl revoke": AclChange | Plan,
        "cat": Answer | JoinedObjects,
        "copy": Answer | Plan,
        "cp": RelocatedObjects | Listing[PlannedRelocation],
        "dependencies list": Listing[Dependency],
        "dependencies show": Dependency,
        "dependencies rm": DeletedDependencies | Plan,
        "deploy": Deployment | Answer | Plan | CheckedCode | TrialRun,
        "download": DownloadedFiles | Listing[PlannedFile],
        "du": Listing[FolderUsage],
        "edit": EditedText | Plan,
        "enable": EnabledAccount | Plan,
        "get": Answer | Plan,
        "help": CommandList | CommandHelp | Page,
        "info": dict[str, dict[str, Any]],
        "local start": StartedSwift,
        "local stop": StoppedSwift,
        "local status": SwiftStatus,
        "local reset": EmptiedSwift,
        "local env": dict[str, str],
        "local java-api": WrittenInterface,
        "login": AddedCloud | Page,
        "logs": Listing[LogRecord],
        "ls": Listing[Entry],
        "map": BatchRows | Answer | Plan,
        "mkdir": CreatedContainer | Plan,
        "mv": RelocatedObjects | Listing[PlannedRelocation],
        "pipe": BatchRows | Answer | Plan,
        "plugins": Listing[Plugin],
        "post": ChangedMetadata | Plan,
        "put": Answer | Plan,
        "reduce": ReducedObject | Plan,
        "rm": DeletedObjects | Listing[DoomedObject] | Plan,
        "select": SelectedRows | SavedRows | ExplainedQuery | Plan,
        "stat": ObjectFacts | ContainerFacts | AccountFacts | Listing[ObjectFacts],
        "storlets list": Listing[StorletSummary],
        "storlets show": StorletDetails,
        "storlets std": Listing[StandardStorlet],
        "sync": SyncedFiles | Listing[PlannedStep],
        "tempurl": TemporaryUrl | Listing[TemporaryUrl] | Plan,
        "undeploy": Undeployment | Plan,
        "upload": UploadedFiles | Plan,
        "vars": Listing[Variable] | SetVariable | Any,
        "whoami": Identity,
    }
)
"""The results of each command, or of each of its actions."""
