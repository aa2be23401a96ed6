"""Fixtures and settings for all tests, among them one real Swift."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from storlet_shell.embedded import control

pytest_plugins = ["tests.support.fixtures", "tests.support.keystone"]

# "quick" tries the same examples in every run; make fuzz uses "large", which tries new ones. No deadline, since the
# machine may be busy.
hypothesis.settings.register_profile("quick", deadline=None, derandomize=True)
hypothesis.settings.register_profile("large", deadline=None, max_examples=1000, print_blob=True)
hypothesis.settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """Check that no test module imports eventlet, which warns at every later fork of its process."""
    if "eventlet" in sys.modules:
        raise pytest.UsageError("a test module imports eventlet; run what needs it as a program of its own")


# The background job of a shell ignores SIGINT, and the processes that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def swift() -> Iterator[control.Running]:
    """Run a storlet-enabled Swift for the whole test session, in a temporary folder."""
    with control.join_or_start(Path(), control.Settings(ephemeral=True)) as lease:
        yield lease.running
