"""The users of the embedded Swift's Keystone, and the environments that log them in.

Names, passwords and the project are those in the Storlets documentation. They are public, which is fine for a
cluster that listens on loopback only; administrators have random passwords.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import NamedTuple

from storlet_shell.embedded.control import folder as places
from storlet_shell.embedded.control.settings import KEYSTONE, Running
from storlet_shell.equality import typed_equality

FOLDER = Path("keystone")
"""Keystone's folder, relative to the data folder."""

DOMAIN = "default"
"""The ID and name of the domain of all users and projects."""

REGION = "RegionOne"
"""The only region in the catalog."""

OPERATOR_ROLES = ("admin", "swiftoperator", "member")
"""Roles whose users may do everything in their project's account."""

_PASSWORDS = f"{FOLDER}/passwords.json"


@typed_equality
class User(NamedTuple):
    """A Keystone user.

    :param password: empty for a random one
    """

    name: str
    password: str
    project: str
    roles: tuple[str, ...]


TESTER = User("tester", "testing", "test", ("member", "swiftoperator"))
"""The user in the Storlets documentation, whose account is enabled for storlets from the start."""

MEMBER = User("tester_member", "member", "test", ("reader",))
"""A user in the same project who may do what ACLs allow."""

OUTSIDER = User("outsider", "outside", "other", ("member", "swiftoperator"))
"""The owner of another account."""

ADMIN = User("admin", "", "test", ("admin",))
"""The administrator of Keystone and of tester's project."""

SWIFT = User("swift", "", "service", ("service",))
"""The proxy, which validates tokens with Keystone."""

USERS = (TESTER, MEMBER, OUTSIDER, ADMIN)

RANDOM = (ADMIN, SWIFT)
"""The users whose passwords are random, and change at each start of the server."""


def read_passwords(folder: Path) -> dict[str, str]:
    """Return the password of each user of a data folder's Keystone, including random ones."""
    random = places.read_json(folder, _PASSWORDS) or {}
    return {user.name: user.password or random.get(user.name, "") for user in (*USERS, SWIFT)}


def renew_passwords(folder: Path) -> dict[str, str]:
    """Create the random passwords for a Keystone that is about to start; return the password of each user."""
    (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
    places.write_json(folder / _PASSWORDS, {user.name: secrets.token_hex(24) for user in RANDOM})
    return read_passwords(folder)


def environment(running: Running, name: str | None = None) -> dict[str, str]:
    """Return the environment variables that log a user in.

    :param name: one of Keystone's users; None for the server's own user
    """
    if running.auth != KEYSTONE:
        return {"ST_AUTH": running.auth_url, "ST_USER": running.user, "ST_KEY": running.key}
    user = next(user for user in USERS if user.name == (name or running.user))
    return {
        "OS_AUTH_VERSION": "3",
        "OS_IDENTITY_API_VERSION": "3",
        "OS_AUTH_URL": running.auth_url,
        "OS_USERNAME": user.name,
        "OS_PASSWORD": read_passwords(running.folder)[user.name],
        "OS_USER_DOMAIN_NAME": DOMAIN,
        "OS_PROJECT_DOMAIN_NAME": DOMAIN,
        "OS_PROJECT_NAME": user.project,
    }
