"""Look up many objects, several at a time, in their order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from storlet_shell.store.metadata import Info, head
from storlet_shell.store.parallel import Tally, Worker, in_parallel
from storlet_shell.values import ObjectPath

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

JOBS = 8
"""Default number of concurrent requests."""

_AT_ONCE = 256
"""Objects that are looked up before the first of them is yielded, so that any number takes little memory."""


def head_all(client: Client, paths: Iterable[ObjectPath], tally: Tally, *, jobs: int = JOBS) -> Iterator[Info]:
    """Yield the headers of objects, in their order.

    :param tally: records the objects that couldn't be looked up, which are left out
    :raises StorletShellError: after too many consecutive failures
    """
    remaining = iter(paths)
    while part := list(itertools.islice(remaining, _AT_ONCE)):
        infos: dict[ObjectPath, Info] = {}

        def look_up(worker: Worker, path: ObjectPath, infos: dict[ObjectPath, Info] = infos) -> None:
            infos[path] = head(worker.client, path)

        in_parallel(client, tally, part, look_up, jobs=min(jobs, len(part)))
        yield from (infos[path] for path in part if path in infos)
