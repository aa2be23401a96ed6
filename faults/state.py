"""The content of an account and of a folder, for comparisons between before and after."""

from __future__ import annotations

import json
from pathlib import Path

from storlet_shell.wire import headers as wire
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request

State = dict[str, str]
"""Contents by name; names that are unique to a trial are replaced by ``W``."""

_TOLD = ("x-container-meta-", "x-object-meta-", "x-container-read", "x-container-write")


def contents(folder: Path) -> State:
    """Return every file below a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {f"file {path.relative_to(folder)}": path.read_bytes().decode("latin-1") for path in files}


def stored(client: Client, prefix: str) -> State:
    """Return all containers and objects whose names start with a prefix, including storlets and dependencies."""
    state: State = {}
    for container in _listed(client, Request("GET", query=(("prefix", prefix), ("format", "json")))):
        name = container["name"]
        state[f"container {name}"] = _told(client, Request("HEAD", name))
        for entry in _listed(client, Request("GET", name, query=(("format", "json"),))):
            headers = _told(client, Request("HEAD", name, entry["name"]))
            state[f"object {name}/{entry['name']}"] = f"{entry.get('slo_etag', entry['hash'])} {headers}"
    for name in (wire.STORLET_CONTAINER, wire.DEPENDENCY_CONTAINER):
        query = (("prefix", prefix), ("format", "json"))
        for entry in _listed(client, Request("GET", name, query=query)):
            state[f"object {name}/{entry['name']}"] = entry["hash"]
    return {name.replace(prefix, "W"): value.replace(prefix, "W") for name, value in state.items()}


def _listed(client: Client, request: Request) -> list[dict[str, str]]:
    reply = client.find(request)
    return json.loads(reply.read()) if reply is not None and reply.status == 200 else []


def _told(client: Client, request: Request) -> str:
    reply = client.find(request)
    if reply is None:
        return ""
    reply.close()
    return str(sorted((name, value) for name, value in reply.headers.items() if name.lower().startswith(_TOLD)))
