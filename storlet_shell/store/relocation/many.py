"""Copy or move many objects inside the cluster, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from storlet_shell.store.parallel import Tally, Worker, in_parallel
from storlet_shell.store.relocation.copying import copy
from storlet_shell.store.relocation.moving import move
from storlet_shell.store.segments import Replacing

if TYPE_CHECKING:
    from storlet_shell.store.relocation.targets import Step
    from storlet_shell.wire.client import Client

JOBS = 8
"""Default number of concurrent requests."""


def copy_all(client: Client, steps: Iterable[Step], label: str, *, jobs: int = JOBS) -> int:
    """Copy objects; a failure doesn't stop the others.

    :param label: describes the sources in the progress line
    :returns: the number of copied objects
    :raises StorletShellError: if something couldn't be copied
    """

    def work(client: Client, step: Step, replacing: Replacing) -> None:
        copy(client, step.source, step.target, replacing)

    return _each(client, steps, label, "copied", work, jobs)


def move_all(client: Client, steps: Iterable[Step], label: str, *, force: bool = False, jobs: int = JOBS) -> int:
    """Move objects; a failure doesn't stop the others.

    :param label: describes the sources in the progress line
    :param force: replace existing targets
    :returns: the number of moved objects
    :raises StorletShellError: if something couldn't be moved
    """

    def work(client: Client, step: Step, replacing: Replacing) -> None:
        move(client, step.source, step.target, replacing, force=force)

    return _each(client, steps, label, "moved", work, jobs)


def _each(
    client: Client,
    steps: Iterable[Step],
    label: str,
    action: str,
    work: Callable[[Client, Step, Replacing], object],
    jobs: int,
) -> int:
    replacing = Replacing(is_batch=True)

    def run(worker: Worker, step: Step) -> None:
        work(worker.client, step, replacing)
        worker.tally.count(action)
        worker.tally.advance(1)

    with client.observer.progress(label, None, "objects") as progress:
        tally = Tally(progress.advance)
        try:
            in_parallel(client, tally, steps, run, jobs=jobs)
        finally:
            for note in replacing.take_notes():
                client.observer.warn(*note)
    tally.check(action)
    return tally.counts[action]
