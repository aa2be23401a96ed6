"""Options that hold one value, and are refused when a line gives two: the last one alone would be a silent mistake."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

OCCURRENCES = "(occurrences)"
"""Where a namespace notes which options a line has given; no option's own name."""


class _StoreOnce(argparse._StoreAction):
    """Stores the value of an option that is given once."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store a value.

        :raises ArgumentError: when the line has given the option before
        """
        other = _note(namespace, self.dest, option_string) if option_string is not None else ""
        if other and other not in self.option_strings:
            raise argparse.ArgumentError(self, f"not allowed with {other}")
        if other:
            raise argparse.ArgumentError(self, "given twice; it takes one value")
        super().__call__(parser, namespace, values, option_string)


class _StoreConstOnce(argparse._StoreConstAction):
    """Stores a flag's value; the flag may be repeated, but not contradicted by another one."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the flag's value.

        :raises ArgumentError: when the line contains a contradicting flag
        """
        other = _note(namespace, self.dest, option_string or "")
        if other and getattr(namespace, self.dest) != self.const:
            raise argparse.ArgumentError(self, f"not allowed with {other}")
        super().__call__(parser, namespace, values, option_string)


def _note(namespace: argparse.Namespace, dest: str, option: str) -> str:
    """Note that a line gives an option, and return the option that gave a value to the same name before."""
    occurrences: dict[str, str] = vars(namespace).setdefault(OCCURRENCES, {})
    earlier = occurrences.get(dest, "")
    occurrences[dest] = option
    return earlier


ACTIONS = (_StoreOnce, _StoreConstOnce)


def refuse_repeats(parser: argparse.ArgumentParser) -> None:
    """Have a parser refuse options that are given twice, unless they add up or say the same; before it gets any."""
    for name in (None, "store"):
        parser.register("action", name, _StoreOnce)
    parser.register("action", "store_const", _StoreConstOnce)
