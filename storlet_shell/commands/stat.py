"""``stat``: show the metadata of the account, a container or an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from storlet_shell.deployments.access import read_entries
from storlet_shell.results import Field, Report, Result, Table
from storlet_shell.results.fields import epoch_time, facts, header_time, sized
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.metadata import Info, head
from storlet_shell.store.names.globs import matching, resolve
from storlet_shell.store.names.lookup import head_all
from storlet_shell.store.parallel import Tally
from storlet_shell.values import Location, ObjectPath, read_count
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.patterns import Pattern
    from storlet_shell.results.schemas.facts import (
        AccountFacts,
        ContainerFacts,
        LargeObject,
        ObjectFacts,
        StorletMetadata,
    )


def _spelled_manifest(large: LargeObject | None) -> str:
    if large is None:
        return ""
    segments = f": everything that starts with {large['prefix']}" if large["prefix"] else ""
    return f"of a {large['kind']} large object{segments}"


def _spelled_storlet(storlet: StorletMetadata | None) -> str:
    if storlet is None:
        return ""
    needs = f", with {', '.join(storlet['dependencies'])}" if storlet["dependencies"] else ""
    return f"{storlet['language']}, main {storlet['main']}{needs}"


_FIELDS = (
    Field("account"),
    Field("container"),
    Field("object"),
    Field("containers"),
    Field("objects"),
    Field("bytes", spell=sized),
    Field("large_object", "manifest", _spelled_manifest),
    Field("symlink_target", "symbolic link to", lambda path: f"{path}, described here" if path else ""),
    Field("storlets_enabled", "enabled for storlets"),
    Field("content_type", "type"),
    Field("etag", "MD5"),
    Field("last_modified", "modified"),
    Field("expires_at", "expires"),
    Field("storage_policy"),
    Field("read_acl", "read ACL"),
    Field("write_acl", "write ACL"),
    Field("account_acl", "account ACL"),
    Field("keeps_versions", spell=lambda keeps: "yes" if keeps else ""),
    Field("versions_location", "keeps versions in"),
    Field("history_location", "keeps history in"),
    Field("content_encoding", "encoding"),
    Field("content_disposition", "disposition"),
    Field("storlet", spell=_spelled_storlet),
)
"""What people read, in this order."""

_COLUMNS = (
    Field("bytes", is_size=True),
    Field("last_modified", "modified"),
    Field("content_type", "type"),
    Field("location", "object"),
    *(
        Field(name, is_shown=False)
        for name in (
            "kind",
            "etag",
            "expires_at",
            "content_encoding",
            "content_disposition",
            "large_object",
            "symlink_target",
            "storlet",
            "metadata",
            "headers",
        )
    ),
)
"""The columns for several objects; people see the first ones."""


@command(
    "stat",
    "Show the size, date, metadata and rights of an object, container or account.",
    Arg(
        "location",
        nargs="?",
        type=Location.parse,
        kind=Kind.OBJECT,
        metavar="CONTAINER[/OBJECT]",
        help="an object may be a pattern such as 'weather/*.csv' (default: the account)",
    ),
    examples=(
        "stat  # the account",
        "stat weather  # a container",
        "stat weather/today.csv --json  # all headers of an object",
        "stat 'weather/2026/*.csv'  # all objects that match, one per line",
    ),
)
def stat(session: Session, location: Location | None = None) -> Result:
    """Show the size, date, metadata and rights of an object, container or account.

    For a pattern (as in map), each object that matches gets a line. If an object has exactly the pattern as its name,
    only that is shown. --json shows all headers of the reply. Keys that sign temporary URLs or synchronize containers
    are hidden.

    :raises NotFoundError: when it doesn't exist, or nothing matches the pattern
    """
    target = resolve(session.client, location or Location())
    if not isinstance(target, Location):
        return _table(session, target)
    info = head(session.client, target)
    values = _facts(info, session.client.account)
    name = session.client.account if info.kind == "account" else values["location"]
    metadata = {f"metadata {key}": value for key, value in values["metadata"].items()}
    return Report(values, {**dict(facts({**values, info.kind: name}, _FIELDS)), **metadata})


def _table(session: Session, pattern: Pattern) -> Table:
    """Return the facts of all objects that match a pattern, a row for each."""
    paths = (ObjectPath(pattern.container, entry["name"]) for entry in matching(session.client, pattern))
    tally = Tally()

    def rows() -> Iterator[tuple[Any, ...]]:
        for info in head_all(session.client, paths, tally):
            row: Mapping[str, Any] = _facts_of_object(info)
            yield tuple(row[field.name] for field in _COLUMNS)

    return Table(_COLUMNS, rows(), problem=lambda: tally.problem("looked up"))


def _facts(info: Info, account: str) -> ObjectFacts | ContainerFacts | AccountFacts:
    if info.kind == "object":
        return _facts_of_object(info)
    return _facts_of_container(info) if info.kind == "container" else _facts_of_account(info, account)


def _facts_of_object(info: Info) -> ObjectFacts:
    headers = info.headers
    return {
        "kind": "object",
        "location": str(info.location),
        "bytes": info.size,
        "content_type": headers.get(wire.CONTENT_TYPE),
        "etag": info.etag or None if wire.is_md5_of_body(headers) else None,
        "last_modified": header_time(headers.get(wire.LAST_MODIFIED)),
        "expires_at": epoch_time(headers.get(wire.EXPIRES)),
        "content_encoding": headers.get("Content-Encoding"),
        "content_disposition": headers.get("Content-Disposition"),
        "large_object": _large(headers),
        "symlink_target": info.link or None,
        "storlet": _storlet(headers),
        "metadata": _metadata(info),
        "headers": wire.without_keys(headers),
    }


def _facts_of_container(info: Info) -> ContainerFacts:
    headers = info.headers
    return {
        "kind": "container",
        "location": str(info.location),
        "objects": read_count(headers.get(wire.CONTAINER_OBJECTS, "")),
        "bytes": read_count(headers.get(wire.CONTAINER_BYTES, "")),
        "last_modified": header_time(headers.get(wire.LAST_MODIFIED)),
        "storage_policy": headers.get(wire.STORAGE_POLICY),
        "read_acl": list(read_entries(headers.get(wire.CONTAINER_READ, ""))),
        "write_acl": list(read_entries(headers.get(wire.CONTAINER_WRITE, ""))),
        "keeps_versions": headers.get(wire.VERSIONS_ENABLED, "").lower() == "true",
        "versions_location": headers.get(wire.VERSIONS_LOCATION),
        "history_location": headers.get(wire.HISTORY_LOCATION),
        "metadata": _metadata(info),
        "headers": wire.without_keys(headers),
    }


def _facts_of_account(info: Info, account: str) -> AccountFacts:
    headers = info.headers
    return {
        "kind": "account",
        "location": "path:/",
        "account": account,
        "containers": read_count(headers.get(wire.ACCOUNT_CONTAINERS, "")),
        "objects": read_count(headers.get(wire.ACCOUNT_OBJECTS, "")),
        "bytes": read_count(headers.get(wire.ACCOUNT_BYTES, "")),
        "storlets_enabled": info.is_enabled,
        "account_acl": headers.get(wire.ACCOUNT_ACL),
        "metadata": _metadata(info),
        "headers": wire.without_keys(headers),
    }


def _metadata(info: Info) -> dict[str, str]:
    """Return user metadata; whether the account may run storlets, which is one of them, has a field of its own."""
    metadata = wire.decode_metadata(wire.without_keys(info.headers), wire.metadata_prefix(*info.location))
    if info.kind == "account":
        metadata.pop(wire.STORLETS_ENABLED.removeprefix("X-Account-Meta-"), None)
    return metadata


def _large(headers: Mapping[str, str]) -> LargeObject | None:
    if wire.is_static_manifest(headers):
        return {"kind": "static", "prefix": None}
    if wire.DYNAMIC_MANIFEST in headers:
        return {"kind": "dynamic", "prefix": headers[wire.DYNAMIC_MANIFEST]}
    return None


def _storlet(headers: Mapping[str, str]) -> StorletMetadata | None:
    if wire.LANGUAGE not in headers:
        return None
    description = wire.decode_storlet(headers)
    return {
        "language": description.language,
        "main": description.main,
        "dependencies": list(description.dependencies),
    }
