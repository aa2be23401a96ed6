"""Deployed storlets, their descriptions, and the dependencies that they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell import shelf
from storlet_shell.equality import typed_equality
from storlet_shell.errors import NotFoundError
from storlet_shell.results import Field, Table
from storlet_shell.results.fields import dashed, listed_time, plain
from storlet_shell.store.listing import list_entries
from storlet_shell.store.metadata import head
from storlet_shell.storlets.parsing import parse_code
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.results.schemas.storlets import FunctionParameter, StandardStorlet, StorletSummary
    from storlet_shell.storlets.functions.signature import Signature
    from storlet_shell.wire.client import Client


@typed_equality
class DeployedStorlet(NamedTuple):
    """A deployed storlet.

    :param date: when it was deployed, in ISO 8601, UTC; empty if the server doesn't say
    """

    name: str
    date: str
    description: wire.StorletDescription


def list_storlets(client: Client, container: str | None = None) -> Iterator[DeployedStorlet]:
    """Yield the storlets of a container by name; the first page of the listing has been read when this returns.

    :param container: None for the cluster's own container of storlets
    :raises NotFoundError: if the container doesn't exist
    """
    storlets = _storlets(client, container or client.storlet_container)
    first = next(storlets, None)
    return chain([first] if first else [], storlets)


def table_of_storlets(client: Client, container: str | None = None, *, empty: str = "") -> Table:
    """Return the storlets of a container as a table whose rows are fetched on demand.

    :param container: None for the cluster's own container of storlets
    :param empty: the line to show to people if there aren't any
    :raises NotFoundError: if the container doesn't exist
    """
    rows = (tuple(_summary(storlet).values()) for storlet in list_storlets(client, container))
    return Table(_FIELDS, rows, empty=empty)


_FIELDS = (
    Field("name"),
    Field("language"),
    Field("main"),
    Field("dependencies", spell=dashed),
    Field("last_modified", "modified"),
)


def _summary(storlet: DeployedStorlet) -> StorletSummary:
    description = storlet.description
    return {
        "name": storlet.name,
        "language": description.language,
        "main": description.main,
        "dependencies": list(description.dependencies),
        "last_modified": storlet.date or None,
    }


def standard_states(client: Client, container: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the listed entries of the deployed standard storlets, by their names; empty if storlets aren't enabled.

    :param container: None for the cluster's own container of storlets
    """
    prefix = shelf.file_of("").removesuffix(".py")
    try:
        entries = list_entries(client, Location(container or client.storlet_container, prefix))
        return {shelf.standard_of(entry["name"]): entry for entry in entries}
    except NotFoundError:
        return {}


def table_of_standard_storlets(deployed: Mapping[str, dict[str, Any]] | None) -> Table:
    """Return the standard storlets as a table.

    :param deployed: the listed entries of those that are deployed, by name; None if that isn't known
    """
    return Table(_STANDARD_FIELDS, [tuple(_standard(name, deployed).values()) for name in shelf.STANDARD])


_STANDARD_FIELDS = (
    Field("name"),
    Field("deployed", spell=lambda is_deployed: plain(is_deployed) or "unknown"),
    Field("current", "this version", spell=dashed),
    Field("description"),
    Field("parameters", spell=lambda parameters: ", ".join(parameter["name"] for parameter in parameters)),
)


def _standard(name: str, deployed: Mapping[str, dict[str, Any]] | None) -> StandardStorlet:
    import ast  # few lines parse code

    from storlet_shell.storlets.functions.signature import Signature

    body = parse_code(shelf.module_text(shelf.modules_of(name)[-1])).body
    signature = Signature.of(next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == name))
    entry = (deployed or {}).get(name)
    return {
        "name": f"{shelf.PREFIX}{name}",
        "deployed": None if deployed is None else entry is not None,
        "current": None if entry is None else _is_current(name, entry),
        "description": shelf.STANDARD[name],
        "parameters": described_parameters(signature),
    }


def _is_current(name: str, entry: Mapping[str, Any]) -> bool:
    """Tell whether the listed entry of a standard storlet is that of this version."""
    from storlet_shell.deployments.package import standard_package
    from storlet_shell.deployments.versions import etag_of
    from storlet_shell.storlets.renewal import lengthened

    code = standard_package(f"{shelf.PREFIX}{name}").code
    stored = lengthened(code, entry["bytes"] or 0, is_jar=False) or code  # as deployed over an older version
    return bool(entry.get("hash") == etag_of(stored))


def described_parameters(signature: Signature) -> list[FunctionParameter]:
    """Return a function's parameters as results show them."""
    return [
        {"name": parameter.name, "type": parameter.type, "default": parameter.default}
        for parameter in signature.parameters
    ]


def _storlets(client: Client, container: str) -> Iterator[DeployedStorlet]:
    for entry in list_entries(client, Location(container)):
        try:
            info = head(client, ObjectPath(container, entry["name"]))
        except NotFoundError:  # undeployed since it was listed
            continue
        yield DeployedStorlet(entry["name"], date_of(entry), wire.decode_storlet(info.headers))


def date_of(entry: dict[str, Any]) -> str:
    """Return when a listed object was stored, in ISO 8601, UTC, to the second; empty if the server doesn't say."""
    return listed_time(str(entry["last_modified"] or "").split(".")[0]) or ""


def users_of_dependencies(client: Client) -> dict[str, list[str]]:
    """Return the storlets that need each dependency, by its name; empty if the account isn't enabled for storlets."""
    users: dict[str, list[str]] = {}
    try:
        for storlet in list_storlets(client):
            for name in storlet.description.dependencies:
                users.setdefault(name, []).append(storlet.name)
    except NotFoundError:
        return {}
    return users
