"""Code is parsed from any thread."""

from __future__ import annotations

import ast
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from storlet_shell import shelf
from storlet_shell.storlets.parsing import parse_code


@pytest.fixture
def releasing() -> Iterator[None]:
    """Let other threads run whenever garbage is collected, which happens often."""

    def release(*_: Any) -> None:
        time.sleep(0)

    threshold = gc.get_threshold()
    gc.callbacks.append(release)
    gc.set_threshold(200, 5, 5)
    yield
    gc.set_threshold(*threshold)
    gc.callbacks.remove(release)


def count_errors(parse: Callable[[str], object]) -> int:
    """Return how often parsing the same large code in four threads fails."""
    code, errors = shelf.source("select"), []

    def work() -> None:
        for _ in range(5):
            try:
                parse(code)
            except SystemError as error:
                errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(errors)


@pytest.mark.slow
def test_several_threads_parse_large_code(releasing: None) -> None:
    """CPython's own function fails then, up to 3.11.7."""
    assert count_errors(parse_code) == 0
    if sys.version_info[:3] <= (3, 11, 7):
        assert count_errors(ast.parse) > 0
