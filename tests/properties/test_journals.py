"""The journal of a batch: records are read back, for any names in any order."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storlet_shell.batches.journal import Journal
from tests.test_values import OBJECTS

pytestmark = pytest.mark.slow

STEPS = st.lists(st.tuples(st.sampled_from(["take", "done", "failed", "again"]), st.integers(0, 3)), max_size=12)


@settings(max_examples=settings.default.max_examples // 4)
@given(st.lists(OBJECTS, min_size=4, max_size=4, unique=True), STEPS, st.dictionaries(OBJECTS, OBJECTS, max_size=2))
def test_journal_tells_what_it_was_told(names: list[str], steps: list[tuple[str, int]], batch: dict[str, str]) -> None:
    """A process that reopens it knows what is done and what was running."""
    taken, done = set[str](), set[str]()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        journal = Journal(path, batch)
        for step, number in steps:
            name = names[number]
            if step == "take":
                journal.take([name])
                taken.add(name)
                done.discard(name)
            elif step == "done":
                journal.end(name, succeeded=True)
                taken.discard(name)
                done.add(name)
            elif step == "failed":
                journal.write()
                journal.end(name, succeeded=False)
                taken.discard(name)
                done.discard(name)
            else:
                journal.__exit__()
                journal = Journal(path, batch)
            journal.write()
        journal.__exit__()
        with Journal(path, batch) as read:
            assert (read.done_count, read.under_way) == (len(done), len(taken))
            assert {name for name in names if read.is_done(name)} == done
