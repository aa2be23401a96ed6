"""The storlet of ``select``: how it is called, what it finds in an object, and what its errors mean."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from storlet_shell import shelf
from storlet_shell.errors import ServiceError
from storlet_shell.select.joining.messages import Probe, parse_probe
from storlet_shell.select.options import SelectOptions
from storlet_shell.shelf.select.plan import PLAN_VERSION
from storlet_shell.store.objects import put
from storlet_shell.store.reading import get
from storlet_shell.store.scratch import scratch
from storlet_shell.values import Invocation, ObjectPath, Parameter, StorletName
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import bytes_body

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

NAME = StorletName(shelf.file_of("select"))
_LONGEST = 6000
"""The longest plan that is sent in a header, in bytes: Swift limits a line to 8 KiB."""


def complete(work: dict[str, Any], options: SelectOptions, format: str | None = None) -> str:
    """Return a plan as the storlet's parameter.

    :param work: what is particular to the query
    :param format: the format that objects must have; None for any
    """
    plan = {"v": PLAN_VERSION, "format": format, "csv": options.format(), "strict": options.strict, **work}
    return json.dumps(plan, ensure_ascii=False, separators=(",", ":"))


def label(plan: str) -> str:
    """Describe the run of a plan for a journal, wherever the plan is sent; the same plan has the same label."""
    return f"{NAME} with the plan {hashlib.sha256(plan.encode()).hexdigest()[:12]}"


@contextmanager
def invocation(client: Client, plan: str, options: SelectOptions) -> Iterator[Invocation]:
    """Return the run of a plan; one that is too long for a header waits in an object until the end of the block."""
    run = Invocation(NAME, (Parameter("plan", plan),), on_proxy=options.on_proxy)
    if max(map(len, wire.encode_invocation(run).values())) <= _LONGEST:
        yield run
        return
    with scratch(client) as container:
        path = ObjectPath(container, "plan.json")
        put(client, path, bytes_body(plan.encode()))
        yield Invocation(NAME, extra=(path,), on_proxy=True)


def probe_run(options: SelectOptions) -> Invocation:
    """Return the run that looks at an object."""
    return Invocation(NAME, (Parameter("plan", complete({"probe": True}, options)),), on_proxy=options.on_proxy)


def probe(client: Client, source: ObjectPath, options: SelectOptions) -> Probe:
    """Look at an object's format and columns.

    :raises NotDeployedError: if the storlet isn't deployed
    :raises StorletFailedError: if the object has none of the formats
    """
    content = get(client, source, probe_run(options)).content
    try:
        return parse_probe(content.split(b"\n", 1)[0])
    except ValueError as error:
        raise ServiceError(f"not a result of the storlet: is another one deployed as {NAME}?") from error
