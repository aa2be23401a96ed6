"""``map``, ``reduce``, and ``pipe`` called by a program: a client, typed values, and no session."""

from __future__ import annotations

from pathlib import Path

import pytest

from storlet_shell.batches.executor import Access
from storlet_shell.batches.mapping import MapOptions, MapPlan
from storlet_shell.batches.pipeline import parse_chain, run_chain
from storlet_shell.batches.reducing import Reduced, ReduceOptions, ReducePlan
from storlet_shell.batches.templates import Template
from storlet_shell.errors import NotFoundError, PartFailedError, UsageError
from storlet_shell.patterns import Pattern
from storlet_shell.values import Invocation, ObjectPath, StorletName
from storlet_shell.wire.client import Client
from tests.support.responder import Answer, Recorded, Responder, ok

COUNT = 20
"""How many objects the fixture ``listed`` has, ``a`` to ``t``."""

RUN = Invocation(StorletName("s.py"))
PATTERN = Pattern.parse("path:/c/*")


@pytest.fixture
def access(client: Client, listed: Responder) -> Access:
    """Return how workers reach the scripted server."""
    return Access(client.another, (client.storage_url,))


def runs(responder: Responder) -> int:
    """Count the runs that were sent."""
    return sum(1 for sent in responder.requests if sent.header("X-Run-Storlet"))


def test_map_returns_when_all_is_done(client: Client, access: Access, listed: Responder) -> None:
    """Also after a failure in part, with what the storlet made of the others."""
    listed.on("GET", "/c/e", Answer(500, b"it failed"))
    rows = MapPlan((RUN,), PATTERN).run(client, access)
    assert (rows.is_whole, len(rows), runs(listed)) == (True, COUNT, COUNT)
    assert [row.name for row in rows.failed] == ["e"]
    assert rows["a"] == b"made"
    with pytest.raises(PartFailedError):
        rows.raise_for_failed()


def test_stream_begins_with_its_first_row(client: Client, access: Access, listed: Responder) -> None:
    """Nothing is sent before, and each row has its result."""
    stream = MapPlan((RUN,), PATTERN, MapOptions(ordered=True)).stream(client, access)
    sent = len(listed.requests)
    assert (next(stream).content, len(listed.requests) > sent) == (b"made", True)
    assert [row.name for row in stream] == list("bcdefghijklmnopqrst")


def test_planned_requests_are_those_that_are_sent(client: Client, access: Access, listed: Responder) -> None:
    """A dry run and a run are the same plan's."""
    plan = MapPlan((RUN,), PATTERN, MapOptions(limit=3, ordered=True))
    planned = [request["url"] for request in plan.planned(client, access).requests]
    assert runs(listed) == 0
    plan.run(client, access)
    sent = [client.storage_url + sent.path for sent in listed.sent("GET") if sent.header("X-Run-Storlet")]
    assert planned == sorted(sent)


@pytest.mark.parametrize(
    "options",
    [
        MapOptions(on="copy"),
        MapOptions(output=Template.parse_output("path:/o/{name}"), save=Template.parse_files("/x")),
        MapOptions(allow_failures=True, keep_going=False),
        MapOptions(journal="-"),
        MapOptions(scheduler="best"),
        MapOptions(executor="best"),
    ],
)
def test_plan_that_can_not_go_well_is_not_made(options: MapOptions) -> None:
    """It takes no client to see that."""
    with pytest.raises(UsageError):
        MapPlan((RUN,), PATTERN, options)


def test_journal_is_closed_when_the_batch_can_not_start(
    client: Client, access: Access, listed: Responder, tmp_path: Path
) -> None:
    """The next batch may use it."""
    listed.on("PUT", "*", Answer(403))
    options = MapOptions(journal=str(tmp_path / "journal"))
    with pytest.raises(Exception, match="403"):
        MapPlan((RUN, RUN), PATTERN, options).start(client, access)
    rows = MapPlan((RUN,), PATTERN, MapOptions(journal=str(tmp_path / "other"))).run(client, access)
    assert len(rows) == COUNT
    with pytest.raises(UsageError, match="belongs to another batch"):
        MapPlan((RUN,), PATTERN, options).run(client, access)


def test_reduce_tells_what_it_has_made(client: Client, access: Access, listed: Responder) -> None:
    """The object, and how many runs it took."""
    listed.on("GET", "*", ok(b"[]"))
    listed.on("PUT", "*", ok(status=201))
    listed.on("DELETE", "*", ok(status=204))
    listed.on("COPY", "*", ok(status=201, X_Storlet_Generated_From="c/a"))
    output = ObjectPath("out", "all")
    plan = ReducePlan(RUN, PATTERN, output, ReduceOptions(fan_in=3))
    assert len(plan.planned(client, access).requests) == 1
    assert listed.sent("COPY") == []
    assert plan.run(client, access) == Reduced(output, inputs=COUNT, runs=7, levels=3)
    assert len(listed.sent("COPY")) == 7


def test_reduce_into_its_own_inputs_is_not_made() -> None:
    """It takes no client to see that."""
    with pytest.raises(UsageError, match="would match"):
        ReducePlan(RUN, PATTERN, ObjectPath("c", "all"))


def test_chain_over_one_object_is_a_response(client: Client, listed: Responder) -> None:
    """To be read as any; each step before the last is a copy inside of the cluster."""

    def result_or_listing(request: Recorded) -> Answer:
        return Answer(200, b"made" if request.header("X-Run-Storlet") else b"[]", chunked=True)

    listed.on("GET", "*", result_or_listing)
    listed.on("PUT", "*", ok(status=201))
    listed.on("DELETE", "*", ok(status=204))
    listed.on("COPY", "*", ok(status=201, X_Storlet_Generated_From="c/a"))
    response = run_chain(client, parse_chain("s.py k=v | s.py"), ObjectPath("c", "a"))
    assert response.content == b"made"
    (copy,) = listed.sent("COPY")
    assert copy.header("X-Storlet-Parameter-1") == "k:v"
    listed.on("HEAD", "*", Answer(404))
    with pytest.raises(NotFoundError):
        run_chain(client, parse_chain("s.py | s.py"), ObjectPath("c", "a"))
