"""The records of a storlet's runs, parsed from its log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storlet_shell.deployments import logs as logs_module
from storlet_shell.deployments.logs import Record, Selection, follow, further_records, logs, read_records
from storlet_shell.errors import NotFoundError, StorletFailedError
from storlet_shell.store.reading import get
from storlet_shell.store.runs import read_through
from storlet_shell.values import Invocation, ObjectPath, Parameter, StorletName
from storlet_shell.wire.client import Client
from tests.support.functions import CODE, deploy

LOG = """\
--- 2023-11-14T22:13:20Z tx1 GET /v1/AUTH_a/c/%20o: ok (0.250 s)
a line
--- no heading
--- 99 tx - : (1 s)
--- 2023-11-14T22:13:20Z tx2 -: failed: over (2 s) and --- out (1.500 s)
--- 2023-11-14T22:13:20Z - PUT /v1/AUTH_a/c/o: ok (0.000 s)
the last
"""
"""As the embedded engine renders its records (``embedded/engine/journal.py: Record.render``)."""

MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_records_are_split_by_their_headings() -> None:
    """With an outcome of several words, without a request, without a text; what only looks like a heading is text."""
    assert list(read_records(LOG)) == [
        Record("a line\n--- no heading\n--- 99 tx - : (1 s)\n", MOMENT, "tx1", "GET /v1/AUTH_a/c/%20o", "ok", 0.25),
        Record("", MOMENT, "tx2", "", "failed: over (2 s) and --- out", 1.5),
        Record("the last\n", MOMENT, "", "PUT /v1/AUTH_a/c/o", "ok", 0.0),
    ]


@pytest.mark.parametrize("text", ["", "\n", "a line\nanother", "--- 2026-13-01T00:00:00Z tx -: ok (1 s)\n"])
def test_log_without_headings_is_one_record(text: str) -> None:
    """Upstream's engine doesn't tell runs apart; what only looks like a heading is none."""
    assert list(read_records(text)) == ([Record(text)] if text else [])


def test_run_is_in_the_log(observed: Client, here: str) -> None:
    """With its transaction, how it ended, and what the storlet has logged."""
    reply = read_through(observed, ObjectPath(here, "o"), Invocation(StorletName("upper.py"))).reply
    reply.read()
    (record,) = logs(observed, StorletName("upper.py"), reply.transaction_id)
    assert (record.transaction_id, record.outcome) == (reply.transaction_id, "ok")
    assert record.request.endswith(f"/{here}/o")
    assert "upper ran" in record.text
    assert list(logs(observed, StorletName("upper.py")))[-1] == record


def test_log_of_a_function_shows_its_authors_lines(observed: Client, here: str, module: str) -> None:
    """Of the version that is deployed; tracebacks of another one stay as they are."""
    name, source = StorletName(deploy(observed, module)), ObjectPath(here, "o")
    failing = Invocation(name, (Parameter("how", "fails"),))
    for code in (CODE, CODE.replace("# /home/me/mine.py:10", "\n# /home/me/mine.py:10")):
        deploy(observed, module, code)
        with pytest.raises(StorletFailedError):
            assert get(observed, source, failing).content
        assert '"/home/me/mine.py", line 11, in fail' in list(logs(observed, name))[-1].text
    first, last = logs(observed, name)
    assert f'{name}", line 14, in fail' in first.text
    assert f"{name}" not in last.text


def test_storlet_without_a_log_is_raised(observed: Client, here: str) -> None:
    """Before anything is read of the records, with the storlet that may be meant."""
    with pytest.raises(NotFoundError, match=r"did you mean upper\.py"):
        logs(observed, StorletName("uper.py"))


def test_records_are_selected_by_outcome_time_and_number() -> None:
    """The latest of those that meet every condition, oldest first."""
    first, failed, last = records = [
        Record("", MOMENT, "tx1", "", "ok", 0.1),
        Record("", MOMENT + timedelta(hours=1), "tx2", "", "raised: x", 0.1),
        Record("", MOMENT + timedelta(hours=2), "tx3", "", "ok", 0.1),
    ]
    assert Selection().of(records) == records
    assert Selection(last=2).of(records) == [failed, last]
    assert Selection(failed=True).of(records) == [failed]
    assert Selection(since=MOMENT).of(records) == [failed, last]
    assert Selection(last=1, failed=True, since=MOMENT + timedelta(hours=1)).of(records) == []
    assert Selection(last=5).of([first]) == [first]


@pytest.mark.parametrize(
    ("earlier", "latest", "further"),
    [("", "abc", "abc"), ("abc", "abc", ""), ("abc", "abcd", "d"), ("abc", "cde", "de"), ("abc", "xyz", "xyz")],
)
def test_further_records_are_those_that_a_log_has_gained(earlier: str, latest: str, further: str) -> None:
    """Also where it has lost its oldest ones meanwhile, or all that were known."""

    def records(names: str) -> list[Record]:
        return [Record(f"{len(names)}", MOMENT, name, "", "ok", 0.1) for name in names]

    gained = further_records(records(earlier), records(latest))
    assert [record.transaction_id for record in gained] == list(further)


@pytest.mark.parametrize(
    ("earlier", "latest", "further"), [("a\n", "a\nb\n", "b\n"), ("a\n", "a\n", ""), ("a\n", "b\n", "b\n")]
)
def test_further_text_of_a_log_without_headings_is_its_end(earlier: str, latest: str, further: str) -> None:
    """Such a log grows at its end, or was replaced by another run's."""
    assert further_records([Record(earlier)], [Record(latest)]) == ([Record(further)] if further else [])


@pytest.mark.slow
def test_followed_log_continues_with_further_runs(
    observed: Client, here: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins empty for a storlet that hasn't run; one that isn't deployed is an error."""
    monkeypatch.setattr(logs_module, "POLL_SECONDS", 0.01)
    name = StorletName(deploy(observed, module))
    records = follow(observed, name)
    for _ in range(2):
        reply = read_through(observed, ObjectPath(here, "o"), Invocation(name)).reply
        reply.read()
        assert next(records).transaction_id == reply.transaction_id
    with pytest.raises(NotFoundError, match=r"did you mean upper\.py"):
        follow(observed, StorletName("uper.py"))
