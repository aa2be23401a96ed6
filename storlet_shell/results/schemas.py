"""The schema of each command's result: what ``--json`` shows, and what :meth:`Result.fields` returns.

The one declaration of them: type checkers compare the commands with it, ``json_schema`` makes JSON Schema of it,
docs/json.md is rendered from it, and a test compares it with what every command returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Generic, Literal, NotRequired, TypedDict, TypeVar

Row = TypeVar("Row")

Time = str
"""A time in ISO 8601, UTC, with a ``Z`` at its end."""


class Listing(TypedDict, Generic[Row]):
    """A table."""

    rows: Annotated[list[Row], "one object for each row"]


class PlannedRequest(TypedDict):
    """A request that would be sent."""

    method: Annotated[str, "HTTP method"]
    url: str
    headers: Annotated[dict[str, str], "header names and values; secrets are hidden"]
    body: Annotated[str | None, "description of the body; null without one"]


class Plan(TypedDict):
    """The result of `--dry-run`: nothing was sent."""

    requests: Annotated[list[PlannedRequest], "the requests, in order"]


class Failure(TypedDict):
    """An error instead of a result; the exit status is that of the line."""

    error: Annotated[str, "class of the error, as in `storlet_shell.errors`"]
    message: Annotated[str, "one line: what failed, why, and what to do next"]
    transaction: Annotated[str | None, "Swift's transaction id of the request that failed"]
    details: Annotated[str | None, "further lines: a storlet's log and traceback, say"]
    exit_status: int
    subject: Annotated[str | None, "what the error is about: a path, a container, a storlet, a file"]
    status: Annotated[int | None, "HTTP status of the request that failed"]
    hint: Annotated[Hint | None, "what to do next"]


class Hint(TypedDict):
    """What to do about an error."""

    action: Annotated[str, "name of the action, such as `make_container`"]
    arguments: Annotated[list[str], "names and paths that the action applies to"]
    text: Annotated[str, "the same as a line to type"]


# --- objects


class Answer(TypedDict):
    """An object that was read or written."""

    object: Annotated[str, "the object, as `path:/CONTAINER/OBJECT`"]
    status: Annotated[int, "HTTP status"]
    headers: Annotated[dict[str, str], "headers of the answer, as Swift sent them"]
    content: NotRequired[Annotated[str, "the body, if it is UTF-8"]]
    content_base64: NotRequired[Annotated[str, "the body in Base64, if it isn't UTF-8"]]
    file: NotRequired[Annotated[str, "with `--save`: the file that the body was written to"]]
    bytes: NotRequired[Annotated[int, "with `--save`: size of the file"]]


class Entry(TypedDict):
    """A container or an object of a listing; or names folded at a delimiter, of which only the name is known."""

    name: str
    bytes: Annotated[int | None, "size of the object, or of all objects in the container"]
    objects: Annotated[int | None, "number of objects in the container; null for an object"]
    last_modified: Annotated[Time | None, "when it was last written"]
    content_type: Annotated[str | None, "null for a container"]
    etag: Annotated[str | None, "of an object: MD5 of its bytes, except for large objects; null for a container"]


class UploadedFiles(TypedDict):
    """Files, or one stream, that were stored as objects."""

    location: Annotated[str, "object, container or prefix, as `path:/CONTAINER[/NAME]`"]
    uploaded: Annotated[int, "number of objects that were stored"]
    identical: Annotated[int, "number of files that were skipped because their objects are identical"]
    bytes: Annotated[int, "bytes that were sent"]
    segments: Annotated[int | None, "number of segments of a stream, 0 if it was sent in one request; null for files"]
    object: NotRequired[Annotated[str, "of a stream sent in one request: as in the result of `put`"]]
    status: NotRequired[Annotated[int, "likewise"]]
    headers: NotRequired[Annotated[dict[str, str], "likewise"]]


class DownloadedFiles(TypedDict):
    """Objects that were written to files."""

    location: Annotated[str, "container or prefix, as `path:/CONTAINER[/PREFIX]`"]
    folder: Annotated[str, "local folder"]
    downloaded: Annotated[int, "number of files that were written"]
    identical: Annotated[int, "number of files that were skipped because they are identical"]
    folders: Annotated[int, "number of folders that were created for objects of type application/directory"]
    bytes: Annotated[int, "bytes that were received"]


class PlannedFile(TypedDict):
    """An object that would be downloaded."""

    bytes: Annotated[int | None, "size of the object"]
    name: Annotated[str, "the object, as `path:/CONTAINER/OBJECT`"]
    file: Annotated[str | None, "the file; null if the object can't be one"]
    error: Annotated[str | None, "why it can't be downloaded"]


class CreatedContainer(TypedDict):
    """A container that exists now."""

    container: str
    created: Annotated[bool, "false if it existed before"]


class ChangedMetadata(TypedDict):
    """Headers that were changed."""

    location: Annotated[str, "object or container; `path:/` is the account"]
    set: Annotated[dict[str, str], "headers that were set, with their values; secrets are hidden"]
    removed: Annotated[list[str], "headers that were removed"]
    absent: Annotated[list[str], "headers to remove that didn't exist"]


class DeletedObjects(TypedDict):
    """Objects and containers that were deleted."""

    deleted: Annotated[list[str], "the paths, as `path:/CONTAINER[/OBJECT]`"]
    objects: Annotated[int, "number of objects that were deleted, without segments"]


class DoomedObject(TypedDict):
    """An object or a container that would be deleted."""

    bytes: Annotated[int | None, "size of the object; null for a container"]
    name: Annotated[str, "its path"]


class LargeObject(TypedDict):
    """A large object's manifest."""

    kind: Literal["static", "dynamic"]
    prefix: Annotated[str | None, "of a dynamic one: CONTAINER/PREFIX of its segments"]


class StorletMetadata(TypedDict):
    """The description of a deployed storlet."""

    language: Annotated[str, "`python` or `java`"]
    main: Annotated[str, "the main class"]
    dependencies: Annotated[list[str], "names of the dependencies"]


class ObjectFacts(TypedDict):
    """All about an object."""

    kind: Literal["object"]
    location: Annotated[str, "the path, as `path:/CONTAINER/OBJECT`"]
    bytes: Annotated[int | None, "size"]
    content_type: str | None
    etag: Annotated[str | None, "MD5 of its bytes, except for large objects"]
    last_modified: Time | None
    expires_at: Annotated[Time | None, "when Swift deletes it"]
    content_encoding: str | None
    content_disposition: str | None
    large_object: LargeObject | None
    symlink_target: Annotated[str | None, "path of the object that a link leads to, which all else describes"]
    storlet: Annotated[StorletMetadata | None, "if it is a deployed storlet"]
    metadata: Annotated[dict[str, str], "user metadata"]
    headers: Annotated[dict[str, str], "all headers, as Swift sent them; secrets are hidden"]


class ContainerFacts(TypedDict):
    """All about a container."""

    kind: Literal["container"]
    location: Annotated[str, "the path, as `path:/CONTAINER`"]
    objects: Annotated[int | None, "number of objects"]
    bytes: Annotated[int | None, "size of all objects"]
    last_modified: Time | None
    storage_policy: str | None
    read_acl: Annotated[list[str], "entries"]
    write_acl: Annotated[list[str], "entries"]
    keeps_versions: Annotated[bool, "whether Swift keeps older versions of objects in place"]
    versions_location: Annotated[str | None, "container that older versions are moved to"]
    history_location: Annotated[str | None, "container that older and deleted versions are moved to"]
    metadata: Annotated[dict[str, str], "user metadata"]
    headers: Annotated[dict[str, str], "all headers, as Swift sent them; secrets are hidden"]


class AccountFacts(TypedDict):
    """All about the account."""

    kind: Literal["account"]
    location: Annotated[str, "`path:/`"]
    account: Annotated[str, "name of the account"]
    containers: Annotated[int | None, "number of containers"]
    objects: Annotated[int | None, "number of objects"]
    bytes: Annotated[int | None, "size of all objects"]
    storlets_enabled: bool
    account_acl: Annotated[str | None, "as Swift gives it: JSON"]
    metadata: Annotated[dict[str, str], "user metadata"]
    headers: Annotated[dict[str, str], "all headers, as Swift sent them; secrets are hidden"]


# --- storlets


class AclEntry(TypedDict):
    """An entry of a container's ACLs."""

    right: Literal["read", "write", "run"]
    grantee: Annotated[str, "an entry as Swift spells it; for `run`, the user's name"]
    storlet: Annotated[str | None, "for `run`: the storlet that the user may run over the container"]


class AclChange(TypedDict):
    """A right that was granted or revoked."""

    container: str
    right: Literal["read", "write", "run"]
    grantee: Annotated[str, "as in the rows of `acl list`"]
    storlet: Annotated[str | None, "for `run`: the storlet"]
    changed: Annotated[bool, "false if the grantee had the right already"]


class Dependency(TypedDict):
    """A deployed dependency."""

    name: str
    container: Annotated[str, "the container of dependencies"]
    bytes: Annotated[int | None, "size"]
    permissions: Annotated[str, "permissions of the file in engines, in octal: `0600`"]
    version: Annotated[str | None, "derived from its content; null if another client uploaded it"]
    needed_by: Annotated[list[str], "storlets that name it"]
    packages: Annotated[dict[str, str], "packages in it, with their versions; empty for other dependencies"]
    last_modified: Time | None
    etag: Annotated[str, "MD5 of its bytes"]


class DeletedDependencies(TypedDict):
    """Dependencies that were deleted."""

    container: Annotated[str, "the container of dependencies"]
    deleted: Annotated[list[str], "names"]


class FirstRun(TypedDict):
    """The run of a storlet right after its deployment."""

    object: Annotated[str, "the object that it ran over"]
    status: Annotated[int, "HTTP status"]
    bytes: Annotated[int, "size of the result"]


class Deployment(TypedDict):
    """A storlet that was deployed."""

    storlet: Annotated[str, "its name"]
    main: Annotated[str, "the main class"]
    container: str
    dependencies: Annotated[list[str], "names of the dependencies, as they were uploaded"]
    packages: Annotated[dict[str, str], "packages that were deployed with it, with their versions"]
    imports: Annotated[dict[str, str], "where each imported module comes from, as `standard library`"]
    bytes: Annotated[int, "size of the code, as it was uploaded"]
    is_new: Annotated[bool, "false if it replaced an earlier deployment"]
    changed: Annotated[bool, "false if the same code and dependencies were deployed already"]
    run: Annotated[FirstRun | None, "with `--with-invoke`"]


class CheckedCode(TypedDict):
    """Code that was checked without an identity; nothing was uploaded."""

    main: Annotated[str, "the main class"]


class TrialRun(TypedDict):
    """A storlet that was run on this machine; nothing was uploaded."""

    main: Annotated[str, "the main class"]
    seconds: Annotated[float, "duration of the call"]
    metadata: Annotated[dict[str, Any], "metadata that the storlet has set"]
    log: Annotated[list[str], "lines that it logged or printed"]
    notes: Annotated[list[str], "what the check of its code found"]
    bytes: Annotated[int, "size of the output"]
    output: Annotated[str, "the first 4096 bytes of the output, as text"]
    output_is_cut: Annotated[bool, "whether there is more"]


class EnabledAccount(TypedDict):
    """An account that may run storlets."""

    account: str
    containers: Annotated[list[str], "of storlets, dependencies and logs"]
    policies: Annotated[
        dict[str, Literal["node", "proxy"]] | None,
        "where reads run, by storage policy; null if each answer tells, as on the embedded Swift",
    ]


class LogRecord(TypedDict):
    """A run of a storlet. A log that doesn't tell runs apart is one record with nothing but text."""

    time: Annotated[Time | None, "when it ended"]
    transaction: Annotated[str | None, "Swift's transaction id"]
    request: Annotated[str | None, "method and path, as the client sent them"]
    succeeded: bool | None
    error: Annotated[str | None, "kind of the failure and its message"]
    seconds: Annotated[float | None, "duration"]
    text: Annotated[str, "its log, and its traceback"]


class RunSummary(TypedDict):
    """A run without what it logged; its fields are those of a log's record."""

    time: Time | None
    transaction: str | None
    request: str | None
    succeeded: bool | None
    error: str | None
    seconds: float | None


class MappedObject(TypedDict):
    """An object of a batch."""

    status: Annotated[int | None, "HTTP status; null without an answer"]
    bytes: Annotated[int | None, "size of the result; null if the cluster keeps it"]
    seconds: Annotated[float, "time that the endpoint took"]
    endpoint: Annotated[str | None, "region, or host and port, that took the run"]
    object: Annotated[str, "the input, as `path:/CONTAINER/OBJECT`"]
    output: Annotated[str | None, "object or file that the result was written to"]
    error: Annotated[str | None, "one line; null if all went well"]
    transaction: Annotated[str | None, "Swift's transaction id"]


class BatchRows(TypedDict):
    """A batch: a row for each object as it is done, and figures after the last row."""

    rows: list[MappedObject]
    done: Annotated[int, "number of objects that are done"]
    failed: Annotated[int, "number of objects that failed"]
    done_before: Annotated[int, "number of objects that the journal knew as done"]
    bytes: Annotated[int, "size of all results"]
    seconds: Annotated[float, "duration of the batch"]
    is_whole: Annotated[bool, "whether every object was run; failures included"]
    file: NotRequired[Annotated[str | None, "with `--concat`: the file of all results"]]
    file_bytes: NotRequired[Annotated[int, "with `--concat`: the size of that file"]]


class ReducedObject(TypedDict):
    """An object that was made from many."""

    object: Annotated[str, "the object, as `path:/CONTAINER/OBJECT`"]
    inputs: Annotated[int, "number of objects that were read"]
    runs: Annotated[int, "number of runs"]
    levels: Annotated[int, "height of the tree of runs"]


class QueryFigures(TypedDict):
    """What a query has read and moved."""

    objects: Annotated[int, "number of objects that were read"]
    failed: Annotated[int, "number of objects that failed, and were left out"]
    rows_read: Annotated[int, "number of rows that were read next to the data"]
    rows_malformed: Annotated[int, "number of rows that were left out"]
    bytes_read: Annotated[int | None, "size of all objects; null if unknown, or if a LIMIT ended the query early"]
    bytes_moved: Annotated[int, "size of the objects' results"]
    seconds: Annotated[float, "duration"]


class SelectedRows(QueryFigures):
    """The result of a query: its rows, and figures after the last row."""

    rows: Annotated[list[dict[str, Any]], "one object for each row, with the query's own columns"]


class SavedRows(QueryFigures):
    """With `--save`: the file that the rows were written to."""

    file: str
    bytes: Annotated[int, "size of the file"]


class ExplainedQuery(TypedDict):
    """With `--explain`: what runs where, and what the first object takes."""

    pattern: Annotated[str, "the objects, as `path:/CONTAINER/PATTERN`"]
    objects: Annotated[int | None, "number of objects that match; null if there are over 10000"]
    bytes: Annotated[int | None, "size of all objects; null likewise"]
    format: Annotated[str | None, "`csv`, `jsonl` or `parquet`; null if the first object is empty"]
    first: Annotated[str, "the object that was read"]
    first_bytes: Annotated[int | None, "its size"]
    first_moved: Annotated[int, "size of its result"]
    first_seconds: Annotated[float, "duration of its run"]
    at_the_data: Annotated[list[str], "what runs next to the data"]
    here: Annotated[list[str], "clauses that run here"]
    plan: Annotated[dict[str, Any], "the storlet's part of the query"]


class StorletSummary(TypedDict):
    """A deployed storlet."""

    name: str
    language: Annotated[str, "`python` or `java`"]
    main: Annotated[str, "the main class"]
    dependencies: Annotated[list[str], "names of the dependencies"]
    last_modified: Annotated[Time | None, "when it was deployed"]


class Grantee(TypedDict):
    """A user who may run a storlet over a container."""

    user: str
    container: str


class FunctionParameter(TypedDict):
    """A parameter of a function storlet."""

    name: str
    type: Annotated[str, "`str`, `int`, `float`, `bool` or `Literal[…]`, with `| None` if it may be None"]
    default: Annotated[str | None, "its source text; null if the parameter is required"]


class FunctionSignature(TypedDict):
    """The signature of the function that a storlet was made from."""

    name: Annotated[str, "name of the function"]
    text: Annotated[str, "all of the signature, as people read it"]
    input: Annotated[str, "annotation of its first parameter, which receives the object"]
    result: Annotated[str | None, "annotation of its result"]
    parameters: Annotated[list[FunctionParameter], "further parameters, as for `-p`"]


class StandardStorlet(TypedDict):
    """A standard storlet."""

    name: Annotated[str, "as for `deploy`: `std:` and its name"]
    deployed: Annotated[bool | None, "null if this user can't know"]
    current: Annotated[bool | None, "whether the deployed one is this version; null if it isn't deployed"]
    description: Annotated[str, "its result"]
    parameters: Annotated[list[FunctionParameter], "its parameters, as for `-p`"]


class StorletDetails(TypedDict):
    """All about a deployed storlet."""

    name: str
    container: str
    language: Annotated[str, "`python` or `java`"]
    language_version: Annotated[str | None, "the Python that runs it; null for the engine's own"]
    main: Annotated[str, "the main class"]
    function: Annotated[FunctionSignature | None, "the function that it was made from; null for other storlets"]
    bytes: Annotated[int | None, "size of the code"]
    last_modified: Annotated[Time | None, "when it was deployed"]
    etag: Annotated[str, "MD5 of the code"]
    interface_version: str | None
    dependencies: Annotated[list[str], "names of the dependencies"]
    missing_dependencies: Annotated[list[str], "those that aren't deployed"]
    packages: Annotated[dict[str, str], "packages in its dependencies, with their versions"]
    metadata: Annotated[dict[str, str], "further user metadata"]
    readers: Annotated[list[str], "entries of its container's read ACL: who may run it besides the account's users"]
    last_run: Annotated[RunSummary | None, "the last run in the log, if the cluster has one"]
    granted: Annotated[list[Grantee] | None, "with `--grants`: who may run it over which container; else null"]


class Undeployment(TypedDict):
    """A storlet that was deleted."""

    storlet: Annotated[str, "its name"]
    container: str
    dependencies: Annotated[list[str], "dependencies that were deleted with it"]
    kept: Annotated[dict[str, list[str]], "dependencies that were kept, with the storlets that need them"]


# --- session


class Identity(TypedDict):
    """The identity that requests are made with; null or missing where its kind has no such thing."""

    source: Annotated[str, "where it was found: variables, a cloud of clouds.yaml, the embedded Swift"]
    auth_url: NotRequired[Annotated[str, "identity service"]]
    user: NotRequired[Annotated[str | None, "user name"]]
    user_id: NotRequired[str]
    user_domain: NotRequired[str]
    project: NotRequired[str]
    project_id: NotRequired[str]
    project_domain: NotRequired[str]
    roles: NotRequired[list[str]]
    token_expires_at: NotRequired[Time]
    region: NotRequired[Annotated[str | None, "region of the catalog; null for any"]]
    interface: NotRequired[Annotated[str, "interface of the catalog"]]
    account: Annotated[str, "name of the account"]
    storage_url: Annotated[str, "URL of the account"]
    storlets_enabled: Annotated[bool | None, "null if this user may not know"]


class StartedSwift(TypedDict):
    """The embedded Swift that runs now."""

    started: Annotated[bool, "false if it ran already"]
    auth: Annotated[str, "who issues tokens: `tempauth` or `keystone`"]
    auth_url: str
    storage_url: str
    storage_urls: Annotated[list[str], "the account at each proxy"]
    user: str
    pid: int


class StoppedSwift(TypedDict):
    """The embedded Swift, which doesn't run now."""

    stopped: Annotated[bool, "false if it didn't run"]


class EmptiedSwift(TypedDict):
    """The embedded Swift, whose data was deleted."""

    deleted: Annotated[str, "the data folder"]


class SwiftStatus(TypedDict):
    """The embedded Swift; what only a running one has is null otherwise."""

    running: bool
    auth: Annotated[str | None, "who issues tokens: `tempauth` or `keystone`"]
    auth_url: str | None
    storage_url: str | None
    storage_urls: Annotated[list[str], "the account at each proxy"]
    user: str | None
    pid: int | None
    started_at: Time | None
    is_lasting: Annotated[bool | None, "whether it runs until it is stopped, rather than until nobody uses it"]
    time_limit_seconds: Annotated[int | None, "how long a storlet may run"]
    memory_limit_bytes: Annotated[int | None, "memory of each process of a storlet"]
    sandbox: Annotated[str | None, "what isolates storlets, in the engine's own words"]
    versions: Annotated[dict[str, str], "releases of Swift and Storlets"]
    folder: Annotated[str, "data folder"]
    used_bytes: Annotated[int, "size of the data folder"]
    free_bytes: Annotated[int, "free space on its disk"]


class Plugin(TypedDict):
    """A command, a scheduler or an executor."""

    kind: Literal["command", "scheduler", "executor"]
    name: str
    package: str
    version: Annotated[str, "of the package"]
    problem: Annotated[str | None, "why it can't be used; null if it can"]


class CommandSummary(TypedDict):
    """A command."""

    name: str
    category: str
    summary: str


class CommandList(TypedDict):
    """The commands."""

    commands: list[CommandSummary]
    unusable: Annotated[list[str], "plug-ins that can't be used, and why"]


class CommandHelp(TypedDict):
    """How to use a command."""

    name: str
    category: str
    summary: str
    aliases: list[str]
    text: Annotated[str, "help for people"]
    result: Annotated[dict[str, Any] | None, "JSON Schema of its results, by its actions; null for a plug-in's command"]


class Page(TypedDict):
    """Text for people."""

    text: str


class Variable(TypedDict):
    """A variable."""

    name: str
    type: Annotated[str, "class of its value"]
    value: Annotated[Any, "text, a number, a truth value, or an object of these; null for anything else"]
    description: Annotated[str, "a short description of the value"]


class SetVariable(TypedDict):
    """A variable that was set or deleted."""

    name: str
    value: Annotated[dict[str, str] | None, "parameters of a storlet; null if the variable was deleted"]


SCHEMAS: Mapping[str, Any] = MappingProxyType(
    {
        "acl list": Listing[AclEntry] | Plan,
        "acl grant": AclChange | Plan,
        "acl revoke": AclChange | Plan,
        "copy": Answer | Plan,
        "dependencies list": Listing[Dependency],
        "dependencies show": Dependency,
        "dependencies rm": DeletedDependencies | Plan,
        "deploy": Deployment | Answer | Plan | CheckedCode | TrialRun,
        "download": DownloadedFiles | Listing[PlannedFile],
        "enable": EnabledAccount | Plan,
        "get": Answer | Plan,
        "help": CommandList | CommandHelp | Page,
        "info": dict[str, dict[str, Any]],
        "local start": StartedSwift,
        "local stop": StoppedSwift,
        "local status": SwiftStatus,
        "local reset": EmptiedSwift,
        "local env": dict[str, str],
        "logs": Listing[LogRecord],
        "ls": Listing[Entry],
        "map": BatchRows | Answer | Plan,
        "mkdir": CreatedContainer | Plan,
        "pipe": BatchRows | Answer | Plan,
        "plugins": Listing[Plugin],
        "post": ChangedMetadata | Plan,
        "put": Answer | Plan,
        "reduce": ReducedObject | Plan,
        "rm": DeletedObjects | Listing[DoomedObject] | Plan,
        "select": SelectedRows | SavedRows | ExplainedQuery | Plan,
        "stat": ObjectFacts | ContainerFacts | AccountFacts,
        "storlets list": Listing[StorletSummary],
        "storlets show": StorletDetails,
        "storlets std": Listing[StandardStorlet],
        "undeploy": Undeployment | Plan,
        "upload": UploadedFiles | Plan,
        "vars": Listing[Variable] | SetVariable | Any,
        "whoami": Identity,
    }
)
"""The results of each command, or of each of its actions."""
