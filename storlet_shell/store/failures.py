"""Why a request failed, by a look at what may be the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storlet_shell.errors import NotDeployedError, NotFoundError, StorletFailedError, StorletShellError
from storlet_shell.store.metadata import exists
from storlet_shell.values import Location
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.values import Invocation
    from storlet_shell.wire.client import Client


@contextmanager
def explained(client: Client, request: Request, run: Invocation | None) -> Iterator[None]:
    """Say more of a request that fails, by a look at what may be the reason.

    Which storlet may be meant by one that is not deployed; that an object's container is not there; and of a run with
    ``--generate-log`` that the option may be it: an upstream engine uploads the log without an object's name, and the
    run fails with that (storlets ``gateways/container/gateway.py: _upload_storlet_logs``).
    """
    try:
        yield
    except NotDeployedError as error:
        assert run is not None
        raise not_deployed(client, run.storlet.name, transaction_id=error.transaction_id) from error
    except NotFoundError as error:
        if request.method == "GET" and _is_missing(client, request.container):
            message = f"{error.message}; container {request.container} is not there, either"
            raise NotFoundError(message, transaction_id=error.transaction_id, details=error.details) from error
        raise
    except StorletFailedError as error:
        if run is None or not run.generate_log or client.is_embedded:
            raise
        raise StorletFailedError(
            f"{error.message}; upstream's engine can't store a log and fails such a run: try without --generate-log",
            transaction_id=error.transaction_id,
            details=error.details,
        ) from error


def _is_missing(client: Client, container: str) -> bool:
    """Tell whether a container is known not to be there."""
    try:
        return not exists(client, Location(container))
    except StorletShellError:
        return False


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
