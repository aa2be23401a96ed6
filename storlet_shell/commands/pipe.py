"""``pipe``: a chain of storlets over an object, or over many."""

from __future__ import annotations

import shlex
from typing import Any

from storlet_shell.batches.crew import SCRATCH_SECONDS
from storlet_shell.batches.patterns import Pattern
from storlet_shell.commands._batches import check_ready
from storlet_shell.commands._mapping import PACE, PLACES, run_over
from storlet_shell.errors import UsageError
from storlet_shell.results import Response, Result
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.reading import get
from storlet_shell.store.runs import copy_through
from storlet_shell.store.scratch import scratch
from storlet_shell.values import Invocation, ObjectPath, Parameter, StorletName
from storlet_shell.wire import headers as wire


def parse_chain(text: str) -> tuple[Invocation, ...]:
    """Read ``STORLET [KEY=VALUE …] | STORLET …``, with the quotes that a shell has.

    :raises UsageError: when a storlet is missing, or a parameter is none
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
        raise UsageError(f"the chain can't be split into words: {str(error).lower()}") from None
    if not all(steps):
        raise UsageError(f"a chain is written 'STORLET [KEY=VALUE …] | STORLET …': a storlet is missing in {text!r}")
    return tuple(_step(storlet, parameters) for storlet, *parameters in steps)


def _step(storlet: str, parameters: list[str]) -> Invocation:
    return Invocation(StorletName.parse(storlet), tuple(Parameter.parse(parameter) for parameter in parameters))


@command(
    "pipe",
    "Run a chain of storlets over objects.",
    Arg(
        "chain",
        type=parse_chain,
        kind=Kind.STORLET,
        metavar="'STORLET [KEY=VALUE …] | STORLET …'",
        help="the storlets, each with its parameters, in quotes",
    ),
    *PLACES,
    *PACE,
)
def pipe(session: Session, chain: tuple[Invocation, ...], input: Pattern, **how: Any) -> Result:
    """Run a chain of storlets over objects.

    Each storlet reads what the one before it made: inside the cluster, in a container that is removed at the end. The
    last one's output goes to --output, --save or -o, with a row for each object, as ``map`` has it. Of one object that
    is named, without a pattern, it is the result, as with ``get``.

    :raises NotFoundError: when no object matches, or a storlet is not deployed
    :raises UsageError: when two objects would make one output, or an output would be an input
    """
    if input.is_name and not any(how.get(name) for name in ("output", "save", "journal", "dry_run", "allow_failures")):
        return _run_over_one(session, chain, ObjectPath(input.container, input.prefix))
    return run_over(session, chain, input, **how)


def _run_over_one(session: Session, chain: tuple[Invocation, ...], source: ObjectPath) -> Response:
    """Run a chain over one object, whose body is the result."""
    for run in chain:
        check_ready(session, run)
    with scratch(session.client) as container:
        for number, run in enumerate(chain[:-1], 1):
            made = ObjectPath(container, str(number))
            copy_through(session.client, run, source, made, wire.encode_expiry(SCRATCH_SECONDS))
            source = made
        last = chain[-1]._replace(on_proxy=True)
        # The answer has begun when the object is removed, and a body that has begun is read from the open file.
        return get(session.client, source, last)
