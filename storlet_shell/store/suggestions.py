"""What may be meant by a name that is not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from storlet_shell.errors import NotFoundError, StorletShellError
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


def not_deployed(client: Client, name: str, container: str = "", *, transaction_id: str = "") -> NotFoundError:
    """Say that a storlet is not deployed, and which one may be meant.

    :param container: where it was looked for, if that is not where storlets run from
    """
    hint = storlet_meant(client, name, container) or "; see: storlets" + (f" -c {container}" if container else "")
    return NotFoundError(f"storlet {name} is not deployed{hint}", transaction_id=transaction_id)


def storlet_meant(client: Client, name: str, container: str = "") -> str:
    """Return a hint at the storlet that is meant by a name, by one look at those there are; nothing without one.

    That is one with the same letters before the first dot or hyphen, or with similar ones.
    """
    try:
        reply = client.send(Request("GET", container or client.storlet_container))
        names = reply.read().decode("utf-8", "replace").splitlines()
    except StorletShellError:  # this must not hide what is wrong
        return ""
    import difflib  # for those who mistype

    stems = {_stem(each): each for each in reversed(names)}
    close = difflib.get_close_matches(_stem(name), stems, n=1)
    return f"; did you mean {stems[close[0]]}?" if close and name not in names else ""


def _stem(name: str) -> str:
    return re.split("[.-]", name)[0].lower()
