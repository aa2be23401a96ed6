"""Container ACLs: their entries, and those of them that let a user run a storlet over what the user may not read.

Swift keeps an ACL as one header of comma separated entries. The storlets middleware writes a storlet ACL into the read
ACL, as a referrer that no client may send: ``.r:storlets.<user>_<storlet>`` (storlets ``handlers/proxy.py:
_build_acl_string``). At a run it compares that with the host name of a URL that it makes of the user's name and the
storlet's (``GET`` there, ``swift/common/middleware/acl.py: referrer_allowed``), and a host name is in lower case.
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
    """The right of a user to run a storlet.

    :param user: the user's name alone, without project or domain
    :param storlet: the storlet's name
    """

    user: str
    storlet: str

    @classmethod
    def of(cls, user: str, storlet: str) -> Grant:
        """Make a grant as the server compares it: in lower case.

        :raises UsageError: when the server could never match the user's name, since it reads it as a part of a URL
        """
        if ":" in user:
            raise UsageError(f"a storlet ACL names a user by the name alone, without account or project: {user}")
        if not user or user != user.strip() or _NO_HOST_NAME.search(user):
            raise UsageError(f"a storlet ACL can't name this user, since servers read the name as a host's: {user!r}")
        return cls(user.lower(), storlet.lower())

    @property
    def entry(self) -> str:
        """The entry of a read ACL that stands for it."""
        return f"{_REFERRER}{self.user}_{self.storlet}"


def is_grant(entry: str) -> bool:
    """Tell whether an entry of a read ACL lets a user run a storlet."""
    return entry.lower().startswith(_REFERRER) and "_" in entry


def read_grant(entry: str, storlets: Container[str] = ()) -> Grant:
    """Read a grant from an entry: user and storlet are joined by the ``_`` that both may hold.

    :param storlets: names of storlets in lower case; one of them wins over the first possible split
    """
    text = entry[len(_REFERRER) :]
    splits = [Grant(text[: match.start()], text[match.end() :]) for match in re.finditer("_", text)]
    return next((grant for grant in splits if grant.storlet.lower() in storlets), splits[0])


def users_of(acl: str, storlet: str) -> list[str]:
    """Return which users a read ACL lets run a storlet."""
    ending = f"_{storlet.lower()}"
    entries = [entry for entry in read_entries(acl) if is_grant(entry) and entry.lower().endswith(ending)]
    return [entry[len(_REFERRER) : -len(ending)] for entry in entries]


def read_entries(acl: str) -> tuple[str, ...]:
    """Split an ACL's header into its entries."""
    return tuple(entry.strip() for entry in acl.split(",") if entry.strip())


def check_entry(text: str) -> str:
    """Check that a text is one entry; the server checks the rest.

    :raises UsageError: when it is not
    """
    if not text.strip() or _SEPARATORS.search(text):
        raise UsageError(f"an ACL's entry is one word, such as PROJECT_ID:USER_ID or .r:*, not {text!r}")
    return text.strip()


def names_ids(entry: str) -> bool:
    """Tell whether an entry is none of a user, or names project and user by ids, as Keystone's must."""
    project, colon, user = entry.partition(":")
    return entry.startswith(".") or not colon or bool(_ID.fullmatch(project) and _ID.fullmatch(user))
