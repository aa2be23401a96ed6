"""Inject every fault, print the results, and fail if anything was lost, hung or left over."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator

from faults.count import Count, UntriedError, table

MODULES: tuple[str, ...] = (
    "connections",
    "statuses",
    "kills",
    "crowd",
    "storlets",
    "accounts",
    "clocks",
    "signals",
    "disks",
)
"""Modules with a function ``counts`` that yields rows of the table."""


def counts(names: list[str]) -> Iterator[Count]:
    """Yield the results of some modules."""
    for name in names:
        try:
            yield from importlib.import_module(f"faults.{name}").counts()
        except UntriedError as error:
            yield Count(f"{name}: not tried: {error}")


def main() -> int:
    """Print the table; return 0 if everything is as documented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", choices=[*MODULES, []], default=[], metavar="MODULE")
    rows = []
    for count in counts(parser.parse_args().modules or list(MODULES)):
        print(f"… {' '.join(count.cells())}", file=sys.stderr, flush=True)
        for note in count.notes:
            print(f"    {note}", file=sys.stderr, flush=True)
        rows.append(count)
    print("\n".join(table(rows)))
    return 0 if all(count.is_good for count in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
