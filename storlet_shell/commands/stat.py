"""``stat``: what the cluster says of the account, a container or an object."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from storlet_shell.results import Report, Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.metadata import Info, head
from storlet_shell.text import size
from storlet_shell.values import Location, read_count
from storlet_shell.wire import headers as wire


def _bytes(text: str) -> str:
    return f"{text} ({size(count)})" if (count := read_count(text)) is not None and count >= 1024 else text


def _date(text: str) -> str:
    """Spell a time in seconds since 1970."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(float(text))) + " UTC"
    except (ValueError, OverflowError, OSError):
        return text


def _same(text: str) -> str:
    return text


def _unquoted(text: str) -> str:
    return text.strip('"')


_FACTS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("containers", wire.ACCOUNT_CONTAINERS, _same),
    ("objects", wire.ACCOUNT_OBJECTS, _same),
    ("objects", wire.CONTAINER_OBJECTS, _same),
    ("bytes", wire.ACCOUNT_BYTES, _bytes),
    ("bytes", wire.CONTAINER_BYTES, _bytes),
    ("enabled for storlets", wire.STORLETS_ENABLED, _same),
    ("type", wire.CONTENT_TYPE, _same),
    ("MD5", wire.ETAG, _unquoted),
    ("modified", wire.LAST_MODIFIED, _same),
    ("expires", wire.EXPIRES, _date),
    ("storage policy", wire.STORAGE_POLICY, _same),
    ("read ACL", wire.CONTAINER_READ, _same),
    ("write ACL", wire.CONTAINER_WRITE, _same),
    ("account ACL", wire.ACCOUNT_ACL, _same),
    ("keeps versions", wire.VERSIONS_ENABLED, _same),
    ("keeps versions in", wire.VERSIONS_LOCATION, _same),
    ("keeps history in", wire.HISTORY_LOCATION, _same),
    ("encoding", "Content-Encoding", _same),
    ("disposition", "Content-Disposition", _same),
)
"""What people are told, in this order: the fact, the header that says it, how it is spelled."""


@command(
    "stat",
    "Show the size, date, metadata and rights of an object, container or account.",
    Arg(
        "location",
        nargs="?",
        type=Location.parse,
        kind=Kind.OBJECT,
        metavar="CONTAINER[/OBJECT]",
        help="nothing shows the account",
    ),
)
def stat(session: Session, location: Location | None = None) -> Result:
    """Show the size, date, metadata and rights of an object, container or account.

    --json shows every header of the answer. Keys that sign temporary URLs, or let containers be
    kept in step, are hidden.

    :raises NotFoundError: when it is not there
    """
    info = head(session.client, location or Location())
    headers = wire.without_keys(info.headers)
    metadata = wire.decode_metadata(headers, wire.metadata_prefix(*info.location))
    metadata.pop(wire.STORLETS_ENABLED.removeprefix("X-Account-Meta-"), None)  # it is among the facts
    subject = session.client.account if info.kind == "account" else str(location)
    facts = {
        info.kind: subject,
        **(_facts_of_object(info) if info.kind == "object" else {}),
        **_facts_of_headers(info),
        **({"storlet": _storlet(info.headers)} if wire.LANGUAGE in info.headers else {}),
        **{f"metadata {key}": value for key, value in metadata.items()},
    }
    return Report(facts, {info.kind: subject, "metadata": metadata, "headers": headers})


def _facts_of_object(info: Info) -> dict[str, str]:
    facts = {"bytes": _bytes(info.headers.get(wire.CONTENT_LENGTH, "?")), **_large(info.headers)}
    return {**facts, "symbolic link to": f"{info.link}, which is told here"} if info.link else facts


def _facts_of_headers(info: Info) -> dict[str, str]:
    facts = {fact: spelled(info.headers[header]) for fact, header, spelled in _FACTS if header in info.headers}
    if not wire.is_md5_of_body(info.headers):
        facts.pop("MD5", None)
    if info.kind != "object":
        facts.pop("type", None)  # of the answer, which has no body
    return facts


def _large(headers: Mapping[str, str]) -> dict[str, str]:
    """Say which kind of large object it is, if it is one."""
    if wire.is_static_manifest(headers):
        return {"manifest": "of a static large object"}
    if wire.DYNAMIC_MANIFEST in headers:
        return {"manifest": f"of a dynamic large object: everything that starts with {headers[wire.DYNAMIC_MANIFEST]}"}
    return {}


def _storlet(headers: Mapping[str, str]) -> str:
    description = wire.decode_storlet(headers)
    needs = f", with {', '.join(description.dependencies)}" if description.dependencies else ""
    return f"{description.language}, main {description.main}{needs}"
