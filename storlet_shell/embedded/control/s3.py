"""S3 requests to the embedded Swift: the filters that answer them, and the environment of clients."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from storlet_shell.embedded.control import folder as places
from storlet_shell.embedded.control.settings import KEYSTONE, Running
from storlet_shell.embedded.control.users import ADMIN, FOLDER, USERS

REGION = "us-east-1"
"""The region that S3 requests are signed for: Swift's default."""

OTHER_VARIABLES = (
    "AWS_DEFAULT_PROFILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
)
"""Variables that hold another identity, or make clients ignore the URL."""

_KEYS = f"{FOLDER}/s3-keys.json"

Filters = Mapping[str, Mapping[str, str]]


def with_filters(auth: Filters, password: str) -> Filters:
    """Return the filters that authenticate, in order, with those for S3 where Swift's documentation puts them.

    :param auth: the filters without S3: tempauth's or Keystone's
    :param password: the password of Keystone's administrator; unused with tempauth, which checks signatures itself
    """
    s3api = {"paste.filter_factory": "storlet_shell.embedded.middleware.s3:filter_factory", "location": REGION}
    if "authtoken" not in auth:
        return {"s3api": s3api, **auth}
    login = {name: value for name, value in auth["authtoken"].items() if name != "paste.filter_factory"}
    s3token = {
        **login,
        "use": "egg:swift#s3token",
        "auth_uri": f"{login['auth_url']}/v3",
        "reseller_prefix": "AUTH",
        "delay_auth_decision": "false",
        # The maximum. If Keystone takes longer than the default of ten seconds, as it may on a busy machine, s3token
        # answers InvalidURI, which clients don't retry.
        "http_timeout": "60",
        # The proxy's user may have signatures checked, but only an administrator may read the secret keys, which
        # s3token keeps for a minute. Without them, Keystone would be asked for each request, and uploads in signed
        # chunks would always be refused.
        "username": ADMIN.name,
        "password": password,
        "project_name": ADMIN.project,
    }
    others = {name: options for name, options in auth.items() if name != "authtoken"}
    return {"authtoken": auth["authtoken"], "s3api": s3api, "s3token": s3token, **others}


def renew_keys(folder: Path) -> dict[str, str]:
    """Create the secret keys of Keystone's users for a server that is about to start; return them by user."""
    keys = {user.name: secrets.token_hex(24) for user in USERS}
    places.write_json(folder / _KEYS, keys)
    return keys


def environment(running: Running, name: str | None = None) -> dict[str, str]:
    """Return the environment variables that make boto3, aws, and other S3 clients use a server.

    The access key is the user's name; with tempauth, the secret key is the password.

    :param running: a server that answers S3 requests
    :param name: one of Keystone's users; None for the server's own user
    """
    user = name or running.user
    key = (places.read_json(running.folder, _KEYS) or {})[user] if running.auth == KEYSTONE else running.key
    return {
        "AWS_ACCESS_KEY_ID": user,
        "AWS_SECRET_ACCESS_KEY": key,
        "AWS_ENDPOINT_URL_S3": running.s3_url or "",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
