"""Variants of one test, of which a few are fast tests and the others slow ones."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.mark.structures import ParameterSet


def fast_and_slow(fast: Iterable[object], slow: Iterable[object]) -> list[object | ParameterSet]:
    """Join values for ``parametrize``; ``make test`` runs the tests of the first ones only.

    :param fast: values of tests that always run
    :param slow: values of tests that ``make slow`` runs; a tuple holds several arguments
    """
    rows = (value if isinstance(value, tuple) else (value,) for value in slow)
    return [*fast, *(pytest.param(*row, marks=pytest.mark.slow) for row in rows)]
