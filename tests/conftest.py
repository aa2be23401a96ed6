"""What all tests share: one real Swift."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from storlet_shell.embedded import control

pytest_plugins = ["tests.support.fixtures", "tests.support.keystone"]

# The same examples at each run, and no deadline: the machine may be busy. make fuzz takes many more, and new ones.
hypothesis.settings.register_profile("quick", deadline=None, derandomize=True)
hypothesis.settings.register_profile("large", deadline=None, max_examples=1000, print_blob=True)
hypothesis.settings.load_profile("quick")

# A shell's background job ignores Ctrl-C, and so would every process that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def swift() -> Iterator[control.Running]:
    """Run a storlet-enabled Swift for the whole test session, in a temporary folder of its own."""
    with control.join_or_start(Path(), control.Settings(ephemeral=True)) as lease:
        yield lease.running
