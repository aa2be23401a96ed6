"""Chains of storlets: their syntax, and a chain over one object; over many it is a batch (``mapping``)."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from storlet_shell.batches.checks import check_ready
from storlet_shell.batches.crew import SCRATCH_SECONDS
from storlet_shell.errors import UsageError
from storlet_shell.results import Response
from storlet_shell.store.reading import get
from storlet_shell.store.runs import copy_through
from storlet_shell.store.scratch import scratch
from storlet_shell.values import Invocation, ObjectPath, Parameter, StorletName
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


def parse_chain(text: str) -> tuple[Invocation, ...]:
    """Parse ``STORLET [KEY=VALUE …] | STORLET …``, with a shell's quotes.

    :raises UsageError: when a storlet is missing, or a parameter is malformed
    """
    words = shlex.shlex(text, posix=True, punctuation_chars="|")
    words.whitespace_split = True
    steps: list[list[str]] = [[]]
    try:
        for word in words:
            if set(word) == {"|"}:
                steps += [[] for _ in word]
            else:
                steps[-1].append(word)
    except ValueError as error:
        raise UsageError(f"can't parse the chain: {str(error).lower()}") from None
    if not all(steps):
        raise UsageError(f"a storlet is missing in the chain {text!r}; write 'STORLET [KEY=VALUE …] | STORLET …'")
    return tuple(_step(storlet, parameters) for storlet, *parameters in steps)


def _step(storlet: str, parameters: list[str]) -> Invocation:
    return Invocation(StorletName.parse(storlet), tuple(Parameter.parse(parameter) for parameter in parameters))


def run_chain(client: Client, steps: tuple[Invocation, ...], source: ObjectPath) -> Response:
    """Run a chain over one object, and return the last storlet's result; read it or close it.

    :param steps: the storlets' runs, at least one
    :raises NotFoundError: when the object doesn't exist, or a storlet is not deployed
    :raises StorletFailedError: when a storlet fails
    """
    for run in steps:
        check_ready(client, run)
    with scratch(client) as container:
        for number, run in enumerate(steps[:-1], 1):
            result = ObjectPath(container, str(number))
            copy_through(client, run, source, result, wire.encode_expiry(SCRATCH_SECONDS))
            source = result
        last = steps[-1]._replace(on_proxy=True)
        # The response has begun when the object is deleted, and Swift goes on sending from the open file.
        return get(client, source, last)
