"""Prepare the users' accounts, and the main user's for storlets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from swift.common.swob import Request

from storlet_shell.errors import EmbeddedError

_SHARED = ("storlet", "dependency")
CONTAINERS = (*_SHARED, "storletlog")

# System metadata, which clients can neither see nor change. It is on the account rather than on the containers, so that
# a container that its owner deletes and creates again isn't changed, either.
_READERS_SET = "X-Account-Sysmeta-Storlet-Shell-Readers-Set"


def prepare_account(proxy: Any, account: str, readers: str = "") -> None:
    """Create the account and the containers that storlets need, unless they exist.

    :param proxy: the bare proxy application, without the middleware that authenticates
    :param readers: the read ACL of containers for storlets and dependencies, as devstack sets it when it installs
        storlets. Containers get it when they are created here. Those of an account that this function hasn't prepared
        with readers before, such as one of an earlier version, also get it, unless they have another read ACL.
    """
    headers = _ask(proxy, "HEAD", account, {}).headers
    if headers.get("X-Account-Meta-Storlet-Enabled") is None:
        _ask(proxy, "POST", account, {"X-Account-Meta-Storlet-Enabled": "True"})
    is_first = bool(readers) and _READERS_SET not in headers
    for container in CONTAINERS:
        acl = {"X-Container-Read": readers} if readers and container in _SHARED else {}
        answer = _ask(proxy, "HEAD", f"{account}/{container}", {}, missing=True)
        if answer.status_int == 404:
            _ask(proxy, "PUT", f"{account}/{container}", acl)
        elif acl and is_first and not answer.headers.get("X-Container-Read"):
            _ask(proxy, "POST", f"{account}/{container}", acl)
    if is_first:  # last: an interrupted start is repeated, and nobody can have changed an ACL in between
        _ask(proxy, "POST", account, {_READERS_SET: "true"})


def create_accounts(proxy: Any, accounts: Iterable[str]) -> None:
    """Create accounts, unless they exist.

    Swift answers requests for a missing account as if it were empty, but HEAD with 200 instead of 204.

    :param proxy: the bare proxy application
    """
    for account in accounts:
        if "X-Backend-Fake-Account-Listing" in _ask(proxy, "HEAD", account, {}).headers:
            _ask(proxy, "PUT", account, {})


def _ask(proxy: Any, method: str, place: str, headers: Mapping[str, str], *, missing: bool = False) -> Any:
    """Send one request.

    :param place: the account, or the account and a container
    :param missing: whether 404 counts as a normal answer
    """
    path = f"/v1/{place}"
    # Only an account's owner may set ACLs.
    request = Request.blank(path, environ={"swift_owner": True}, method=method, headers=dict(headers))
    response = request.get_response(proxy)
    if not response.is_success and not (missing and response.status_int == 404):
        raise EmbeddedError(f"the embedded Swift responds with {response.status} to {method} {path}; see its log")
    return response
