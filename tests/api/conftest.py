"""A store on the real Swift, and an observer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storlet_shell import Store, connect
from storlet_shell.embedded import control
from tests.api.recording import Recording


@pytest.fixture
def identity(swift: control.Running) -> dict[str, str]:
    """Return the variables of the real Swift's user."""
    return {"ST_AUTH": swift.auth_url, "ST_USER": swift.user, "ST_KEY": swift.key}


@pytest.fixture
def observer() -> Recording:
    """Return an observer that records what it is told."""
    return Recording()


@pytest.fixture
def store(identity: dict[str, str], observer: Recording) -> Iterator[Store]:
    """Connect to the real Swift."""
    with connect(environ=identity, observer=observer) as connected:
        yield connected
