"""Prepare the users' accounts, and the main user's for storlets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from swift.common.swob import Request

from storlet_shell.errors import EmbeddedError

_SHARED = ("storlet", "dependency")
CONTAINERS = (*_SHARED, "storletlog")


def prepare_account(proxy: Any, account: str, readers: str = "") -> None:
    """Create the account and the containers that storlets need, unless they exist.

    :param proxy: the bare proxy application, without the middleware that authenticates
    :param readers: the read ACL of new containers for storlets and dependencies, as devstack sets it when it installs
        storlets
    """
    headers = _ask(proxy, "HEAD", account, {}).headers
    if headers.get("X-Account-Meta-Storlet-Enabled") is None:
        _ask(proxy, "POST", account, {"X-Account-Meta-Storlet-Enabled": "True"})
    for container in CONTAINERS:
        if _ask(proxy, "HEAD", f"{account}/{container}", {}, missing=True).status_int == 404:
            acl = {"X-Container-Read": readers} if readers and container in _SHARED else {}
            _ask(proxy, "PUT", f"{account}/{container}", acl)


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
