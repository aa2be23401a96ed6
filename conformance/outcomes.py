"""The outcomes of a suite's tests, and how they differ from stock's."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from storlet_shell.results.saving import replacing

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
_STATUSES = {"failure": FAILED, "error": FAILED, "skipped": SKIPPED}

_HERE = Path(__file__).parent
STOCK = _HERE / "stock.json"
"""Stock's outcomes, written by ``python -m conformance --stock``: for each suite, the tests that don't pass."""

_EXPECTED = _HERE / "expected.toml"


class Outcome(NamedTuple):
    """The outcome of a test.

    :param status: :data:`PASSED`, :data:`FAILED` or :data:`SKIPPED`
    :param reason: why it failed or was skipped, in one line
    """

    status: str
    reason: str = ""


Outcomes = Mapping[str, Outcome]


@dataclass(frozen=True)
class Difference:
    """A test that fails or is skipped, but not on stock.

    :param expected: why that is expected; empty if it isn't
    """

    test: str
    stock: str
    here: Outcome
    expected: str

    def __str__(self) -> str:
        cause = f"{self.here.status} ({self.here.reason})" if self.here.reason else self.here.status
        return f"{self.test}: {cause}, {self.stock} on stock; {self.expected or 'NOT EXPECTED'}"


def read_report(path: Path) -> dict[str, Outcome]:
    """Return each test's outcome from pytest's report in JUnit's format."""
    outcomes: dict[str, Outcome] = {}
    for case in ElementTree.parse(path).iter("testcase"):
        test = f"{case.get('classname')}::{case.get('name')}"
        outcome = Outcome(PASSED)
        for child in case:
            if child.tag in _STATUSES:
                message = (child.get("message") or child.text or "").strip().splitlines()
                outcome = Outcome(_STATUSES[child.tag], message[0] if message else "")
        if test not in outcomes or outcome.status == FAILED:  # a test whose cleanup fails is reported twice
            outcomes[test] = outcome
    return outcomes


def counts(outcomes: Outcomes) -> tuple[int, int, int]:
    """Return how many tests passed, failed, and were skipped."""
    counter = Counter(outcome.status for outcome in outcomes.values())
    return counter[PASSED], counter[FAILED], counter[SKIPPED]


def read_stock() -> dict[str, dict[str, Outcome]]:
    """Return stock's outcomes of each suite, without the tests that pass."""
    if not STOCK.exists():
        return {}
    suites = json.loads(STOCK.read_text())
    return {suite: {test: Outcome(*pair) for test, pair in tests.items()} for suite, tests in suites.items()}


def write_stock(suite: str, outcomes: Outcomes, *, partial: bool = False) -> None:
    """Replace stock's outcomes of a suite, atomically: an interruption leaves the file as it was.

    :param partial: whether these are only some of its tests; the others' outcomes are kept
    """
    suites: dict[str, dict[str, Outcome]] = read_stock()
    others = {test: value for test, value in suites.get(suite, {}).items() if partial and test not in outcomes}
    suites[suite] = others | {test: value for test, value in outcomes.items() if value.status != PASSED}
    with replacing(STOCK) as file:
        file.write(f"{json.dumps(suites, indent=1, sort_keys=True)}\n".encode())


def differences(suite: str, outcomes: Outcomes, like: str = "") -> Iterator[Difference]:
    """Yield each difference of a suite's outcomes from stock's, except improvements.

    :param like: the suite to take stock's outcomes from; empty for ``suite`` itself
    """
    stock, reasons = read_stock().get(like or suite, {}), _reasons(suite)
    for test, outcome in sorted(outcomes.items()):
        usual = stock.get(test, Outcome(PASSED))
        if outcome.status not in (PASSED, usual.status):
            yield Difference(test, usual.status, outcome, reasons.get(test, ""))


def unneeded(suite: str, outcomes: Outcomes, like: str = "") -> list[str]:
    """Return the tests whose expected difference didn't occur, so that their entries should be removed.

    :param like: as for :func:`differences`
    """
    differing = {difference.test for difference in differences(suite, outcomes, like)}
    return sorted(test for test in _reasons(suite) if test in outcomes and test not in differing)


def _reasons(suite: str) -> Mapping[str, str]:
    """Return the reason of each expected difference of a suite."""
    reasons: Mapping[str, str] = tomllib.loads(_EXPECTED.read_text()).get(suite, {})
    return reasons
