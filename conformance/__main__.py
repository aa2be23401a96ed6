"""Run upstream's suites against the embedded Swift, and compare each test's outcome with stock's.

Prints a table of counts, and on standard error each difference; fails if one is unexpected.
"""

from __future__ import annotations

import argparse
import sys

from conformance import outcomes
from conformance.suites import SUITES, Suite, run


def main() -> int:
    """Print the table; return 0 if every difference from stock is expected."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [suite.name for suite in SUITES]
    parser.add_argument("suites", nargs="*", choices=[*names, []], default=[], metavar="SUITE", help=", ".join(names))
    parser.add_argument("--stock", action="store_true", help="run Swift's suites on stock Swift; record the outcomes")
    parser.add_argument("--only", default="", metavar="EXPRESSION", help="choose tests by name, as with pytest -k")
    options = parser.parse_args()
    chosen = [suite for suite in SUITES if not options.suites or suite.name in options.suites]
    if options.stock:
        return _record(chosen, options.only)
    print("| suite | tests | passed | failed | skipped | different from stock |\n|---|---|---|---|---|---|", flush=True)
    unexpected = [suite for suite in chosen if not _compare(suite, options.only)]
    return 1 if unexpected else 0


def _record(chosen: list[Suite], only: str) -> int:
    """Record stock's outcomes of Swift's own suites; Storlets' need a cluster with Docker."""
    for suite in chosen:
        if suite.stock is not None:
            results = run(suite, suite.stock, only)
            outcomes.write_stock(suite.name, results, partial=bool(only))
            print(f"{suite.name}: passed, failed, skipped: {outcomes.counts(results)}", flush=True)
    return 0


def _compare(suite: Suite, only: str) -> bool:
    """Run a suite, print its row, and return whether it is as expected."""
    results = run(suite, suite.cluster, only)
    differing = list(outcomes.differences(suite.name, results, suite.like))
    for difference in differing:
        print(f"{suite.name}: {difference}", file=sys.stderr)
    unneeded = outcomes.unneeded(suite.name, results, suite.like)
    for test in unneeded:
        print(f"{suite.name}: {test}: as on stock; remove it from conformance/expected.toml", file=sys.stderr)
    cells = (suite.name, len(results), *outcomes.counts(results), len(differing))
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return not unneeded and all(difference.expected for difference in differing)


if __name__ == "__main__":
    sys.exit(main())
