"""Entries of container ACLs, including those that let a user run a storlet over objects the user can't read.

Swift keeps an ACL as one header of comma-separated entries. The storlets middleware stores a storlet ACL as a referrer
in the read ACL, in a form that clients can't send: ``.r:storlets.<user>_<storlet>`` (storlets ``handlers/proxy.py:
_build_acl_string``). For each run it builds a URL from the user's name and the storlet's, and compares the entry with
its host name (``GET`` there, ``swift/common/middleware/acl.py: referrer_allowed``). Host names are lower case.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError

_REFERRER = ".r:storlets."
_NO_HOST_NAME = re.compile(r"[^\x20-\x7e]|[,:/?#@%\[\]\\]")
_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}|\*")
_SEPARATORS = re.compile(r"[,\x00-\x1f\x7f]")


@typed_equality
class Grant(NamedTuple):
    """Permission for a user to run a storlet.

    :param user: the user's bare name, without project or domain
    :param storlet: the storlet's name
    """

    user: str
    storlet: str

    @classmethod
    def of(cls, user: str, storlet: str) -> Grant:
        """Create a grant as the server compares it: in lower case.

        :raises UsageError: if the server could never match the user's name, since it parses the name as part of a URL
        """
        if ":" in user:
            raise UsageError(f"a storlet ACL takes a bare user name, without account or project: {user}")
        if not user or user != user.strip() or _NO_HOST_NAME.search(user):
            raise UsageError(
                f"storlet ACLs can't name this user, because servers parse the name as a host name: {user!r}"
            )
        return cls(user.lower(), storlet.lower())

    @property
    def entry(self) -> str:
        """The read ACL entry that stands for it."""
        return f"{_REFERRER}{self.user}_{self.storlet}"


def is_grant(entry: str) -> bool:
    """Tell whether a read ACL entry lets a user run a storlet."""
    return entry.lower().startswith(_REFERRER) and "_" in entry


def read_grant(entry: str, storlets: Container[str] = ()) -> Grant:
    """Parse a grant. User and storlet are joined by ``_``, which both may contain.

    :param storlets: known storlets' names, in lower case; a split that yields one of them is preferred to the first
    """
    text = entry[len(_REFERRER) :]
    splits = [Grant(text[: match.start()], text[match.end() :]) for match in re.finditer("_", text)]
    return next((grant for grant in splits if grant.storlet.lower() in storlets), splits[0])


def users_of(acl: str, storlet: str) -> list[str]:
    """Return the users whom a read ACL lets run a storlet."""
    ending = f"_{storlet.lower()}"
    entries = [entry for entry in read_entries(acl) if is_grant(entry) and entry.lower().endswith(ending)]
    return [entry[len(_REFERRER) : -len(ending)] for entry in entries]


def read_entries(acl: str) -> tuple[str, ...]:
    """Split an ACL header into its entries."""
    return tuple(entry.strip() for entry in acl.split(",") if entry.strip())


def check_entry(text: str) -> str:
    """Check that a text is a single entry; the server checks the rest.

    :raises UsageError: if it isn't
    """
    if not text.strip() or _SEPARATORS.search(text):
        raise UsageError(f"an ACL entry must be one word, such as PROJECT_ID:USER_ID or .r:*, not {text!r}")
    return text.strip()


def names_ids(entry: str) -> bool:
    """Tell whether an entry names project and user by ID, as Keystone requires, or doesn't name a user at all."""
    project, colon, user = entry.partition(":")
    return entry.startswith(".") or not colon or bool(_ID.fullmatch(project) and _ID.fullmatch(user))
