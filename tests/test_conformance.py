"""``make conformance`` counts every outcome, and misses no difference from stock."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from conformance import __main__ as program
from conformance import outcomes, suites
from conformance.outcomes import FAILED, PASSED, SKIPPED, Outcome
from conformance.suites import SUITES, Suite
from storlet_shell.results.saving import replacing

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

STOCK = {"t.A::good": Outcome(SKIPPED, "here it runs"), "t.A::absent": Outcome(SKIPPED)}


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
    outcomes.write_stock("swift", STOCK)
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


@pytest.mark.usefixtures("expected")
def test_suite_is_compared_with_another_ones_stock() -> None:
    """If both have the same tests, stock runs them once."""
    skipped = {"t.A::absent": Outcome(SKIPPED)}
    assert [difference.test for difference in outcomes.differences("swift-more", skipped)] == ["t.A::absent"]
    assert not list(outcomes.differences("swift-more", skipped, "swift"))
    likes = {suite.like for suite in SUITES if suite.like}
    assert likes <= {suite.name for suite in SUITES if suite.stock}


@pytest.mark.usefixtures("expected")
def test_partial_run_keeps_other_outcomes_of_stock() -> None:
    """Only the tests that ran are replaced; a complete run replaces all."""
    results = {"t.A::good": Outcome(PASSED), "t.A::bad": Outcome(FAILED, "first line")}
    outcomes.write_stock("swift", results, partial=True)
    assert outcomes.read_stock()["swift"] == {"t.A::absent": Outcome(SKIPPED), "t.A::bad": READ["t.A::bad"]}
    outcomes.write_stock("swift", results)
    assert outcomes.read_stock()["swift"] == {"t.A::bad": READ["t.A::bad"]}


@pytest.mark.usefixtures("expected")
def test_interrupted_write_keeps_stocks_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A half-written file never replaces the complete one."""

    @contextmanager
    def interrupted(path: Path) -> Iterator[IO[bytes]]:
        with replacing(path) as file:
            yield file
            raise KeyboardInterrupt

    monkeypatch.setattr(outcomes, "replacing", interrupted)
    with pytest.raises(KeyboardInterrupt):
        outcomes.write_stock("swift", READ)
    assert outcomes.read_stock() == {"swift": STOCK}


@pytest.mark.usefixtures("expected")
@pytest.mark.parametrize(
    ("end", "status"), [("raise KeyboardInterrupt", "2"), ("import os; os.kill(os.getpid(), 9)", "-9"), ("", "")]
)
def test_interrupted_run_records_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], end: str, status: str
) -> None:
    """Even though pytest reports the tests so far; a complete run is recorded, and both say where to look."""
    (tmp_path / "test_some.py").write_text(f"def test_fails(): assert False\ndef test_ends():\n    {end or 'pass'}\n")
    monkeypatch.setattr(suites, "BUILD", tmp_path / "build")
    monkeypatch.setattr(suites, "source", lambda _: tmp_path)
    monkeypatch.setattr(suites.environment, "python", lambda: Path(sys.executable))
    suite = Suite("swift", "swift", "test_some.py", cluster=no_cluster, stock=no_cluster)
    monkeypatch.setattr(program, "SUITES", (suite,))
    monkeypatch.setattr(sys, "argv", ["conformance", "--stock"])
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # this project's plugins take seconds to import
    if end:
        with pytest.raises(SystemExit, match=f"not all tests ran \\(pytest's exit status: {status}\\)"):
            program.main()
        assert outcomes.read_stock() == {"swift": STOCK}
    else:
        assert program.main() == 0
        assert list(outcomes.read_stock()["swift"]) == ["test_some::test_fails"]
    assert f"swift: running; see {tmp_path / 'build' / 'swift' / 'output'}" in capsys.readouterr().err


@contextmanager
def no_cluster(_: Path) -> Iterator[Mapping[str, str]]:
    """Run tests that need no Swift."""
    yield {}


def test_each_expected_difference_is_of_a_suite() -> None:
    """The committed lists name suites that exist."""
    names = {suite.name for suite in SUITES}
    assert set(outcomes.read_stock()) <= names
