"""Prepare the user's account for storlets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swift.common.swob import Request

from storlet_shell.errors import EmbeddedError

CONTAINERS = ("storlet", "dependency", "storletlog")


def prepare_account(proxy: Any, account: str) -> None:
    """Create the account and the containers that storlets need, unless they exist.

    :param proxy: the bare proxy application, without the middleware that authenticates
    """
    headers = _ask(proxy, "HEAD", account, {}).headers
    if headers.get("X-Account-Meta-Storlet-Enabled") is None:
        _ask(proxy, "POST", account, {"X-Account-Meta-Storlet-Enabled": "True"})
    for container in CONTAINERS:
        if _ask(proxy, "HEAD", f"{account}/{container}", {}, missing=True).status_int == 404:
            _ask(proxy, "PUT", f"{account}/{container}", {})


def _ask(proxy: Any, method: str, place: str, headers: Mapping[str, str], *, missing: bool = False) -> Any:
    """Send one request.

    :param place: the account, or the account and a container
    :param missing: whether 404 counts as a normal answer
    """
    path = f"/v1/{place}"
    response = Request.blank(path, method=method, headers=dict(headers)).get_response(proxy)
    if not response.is_success and not (missing and response.status_int == 404):
        raise EmbeddedError(f"the embedded Swift responds with {response.status} to {method} {path}; see its log")
    return response
