"""The environment that makes S3 clients use the embedded Swift."""

from __future__ import annotations

import secrets
from pathlib import Path

from storlet_shell.embedded.control import folder as places
from storlet_shell.embedded.control.settings import KEYSTONE, Running
from storlet_shell.embedded.control.users import FOLDER, USERS

REGION = "us-east-1"
"""The region that S3 requests are signed for: Swift's default."""

OTHER_VARIABLES = (
    "AWS_DEFAULT_PROFILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
)
"""Variables of another identity, or that would make clients ignore the URL."""

_KEYS = f"{FOLDER}/s3-keys.json"


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
