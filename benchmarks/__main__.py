"""``python -m benchmarks [MODULE …]``: measure, store results as they come, and print the table."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks import idle, runs, table
from benchmarks.figures import FIGURES
from benchmarks.lab import Lab
from benchmarks.records import FILE, Records

_QUICK = Path("build/bench-quick.json")


def main() -> None:
    """Run the requested measurements; exit with 1 if any of them failed."""
    arguments = _arguments()
    lab, records = Lab(quick=arguments.quick), Records(arguments.results or (_QUICK if arguments.quick else FILE))
    chosen = [name for name in FIGURES if name in arguments.module or not arguments.module]
    with ExitStack() as stack:
        # The others are measured while this one's server is idle.
        idling = stack.enter_context(idle.idling()) if "idle" in chosen else None
        for name in chosen:
            runs.measure(name, lab, records, idling)
    measured = {name: records.modules[name] for name in chosen}
    print("\n".join(table.text(measured)))
    sys.exit(any(record["failure"] for results in measured.values() for record in results["figures"].values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("module", nargs="*", help=f"what to measure; all of it by default: {', '.join(FIGURES)}")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, two rounds: tries the benchmark itself")
    parser.add_argument("--results", type=Path, metavar="FILE", help=f"{FILE.name}; with --quick {_QUICK}")
    arguments = parser.parse_args()
    if unknown := set(arguments.module) - set(FIGURES):
        parser.error(f"no such module: {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    return arguments


if __name__ == "__main__":
    main()
