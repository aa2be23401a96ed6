"""``make conformance`` counts every outcome, and misses no difference from stock."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from conformance import __main__ as program
from conformance import outcomes
from conformance.outcomes import FAILED, PASSED, SKIPPED, Outcome
from conformance.suites import SUITES

REPORT = """<testsuites><testsuite>
<testcase classname="t.A" name="good"/>
<testcase classname="t.A" name="bad"><failure message="first line&#10;second"/></testcase>
<testcase classname="t.A" name="absent"><skipped message="no policy"/></testcase>
<testcase classname="t.A" name="dirty"/>
<testcase classname="t.A" name="dirty"><error message="its cleanup"/></testcase>
</testsuite></testsuites>"""

READ = {
    "t.A::good": Outcome(PASSED),
    "t.A::bad": Outcome(FAILED, "first line"),
    "t.A::absent": Outcome(SKIPPED, "no policy"),
    "t.A::dirty": Outcome(FAILED, "its cleanup"),
}


def test_report_is_read(tmp_path: Path) -> None:
    """A failed cleanup is a failure, and a reason is one line."""
    (tmp_path / "report.xml").write_text(REPORT)
    assert outcomes.read_report(tmp_path / "report.xml") == READ
    assert outcomes.counts(READ) == (1, 2, 1)


@pytest.fixture
def expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a list of expected differences, and stock's outcomes, that nobody else has."""
    monkeypatch.setattr(outcomes, "STOCK", tmp_path / "stock.json")
    monkeypatch.setattr(outcomes, "_EXPECTED", tmp_path / "expected.toml")
    (tmp_path / "expected.toml").write_text("")
    outcomes.write_stock("swift", {"t.A::good": Outcome(SKIPPED, "here it runs"), "t.A::absent": Outcome(SKIPPED)})
    return tmp_path / "expected.toml"


@pytest.mark.parametrize(
    ("reasons", "results", "status"),
    [
        ({}, READ, 1),
        ({"t.A::bad": "meant"}, READ, 1),
        ({"t.A::bad": "meant", "t.A::dirty": "meant"}, READ, 0),
        ({"t.A::good": "no longer so"}, {"t.A::good": Outcome(PASSED)}, 1),
        ({}, {"t.A::other": Outcome(SKIPPED, "stock runs it")}, 1),
        ({}, {"t.A::other": Outcome(PASSED)}, 0),
    ],
)
def test_difference_needs_a_reason(
    expected: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reasons: Mapping[str, str],
    results: Mapping[str, Outcome],
    status: int,
) -> None:
    """It fails for a test that is worse than on stock, and for a reason that is no longer needed."""
    expected.write_text("[swift]\n" + "".join(f'"{test}" = "{reason}"\n' for test, reason in reasons.items()))
    monkeypatch.setattr(program, "run", lambda *_: results)
    monkeypatch.setattr(sys, "argv", ["conformance", "swift"])
    assert program.main() == status
    shown = capsys.readouterr()
    assert f"| swift | {len(results)} | " in shown.out
    assert ("NOT EXPECTED" in shown.err or "remove it" in shown.err) == bool(status)


def test_each_expected_difference_is_of_a_suite() -> None:
    """The committed lists name suites that exist."""
    names = {suite.name for suite in SUITES}
    assert set(outcomes.read_stock()) <= names
