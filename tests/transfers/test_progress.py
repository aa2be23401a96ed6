"""The progress of transfers of folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storlet_shell.store.parallel import Tally
from storlet_shell.transfers.download import download
from storlet_shell.transfers.folder import FileCount, walk
from storlet_shell.transfers.upload import upload_files
from storlet_shell.values import Location
from storlet_shell.wire.client import Client
from storlet_shell.wire.observer import Observer, Progress


class Showing(Observer, Progress):
    """Progress that is shown with each advance; ``texts`` are the remarks, ``total`` is the last total."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.total: int | None = None
        self._describe: Callable[[], str] = str

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:
        """Note the total."""
        self.total = total
        yield self

    def advance(self, count: int) -> None:
        """Show it."""
        self.texts.append(self._describe())

    def expect(self, total: int) -> None:
        """Note the total."""
        self.total = total

    def remark(self, describe: Callable[[], str]) -> None:
        """Show it from now on."""
        self._describe = describe


def test_files_are_counted_once_the_progress_is_shown(tmp_path: Path) -> None:
    """With those that failed; their number and their size are counted by a thread."""
    for number in range(1200):
        (tmp_path / f"{number}").write_bytes(b"ab")
    showing, tally = Showing(), Tally()
    with FileCount(showing, tally, files=walk(tmp_path), sums_sizes=True) as count:
        assert count._counter is None
        tally.count("uploaded", 10)
        tally.count("identical", 2)
        showing.advance(1)
        assert showing.texts[0].startswith("files 12")
        assert count._counter is not None
        count._counter.join(30)
        showing.advance(1)
    assert showing.texts[-1] == "files 12 of 1,200"
    assert showing.total == 2400


def test_counting_ends_with_the_transfer(tmp_path: Path) -> None:
    """A large folder isn't read any further by then."""
    (tmp_path / "a").write_bytes(b"a")
    showing, tally = Showing(), Tally()
    with FileCount(showing, tally, files=walk(tmp_path)) as count:
        pass
    showing.advance(1)
    assert count._counter is not None
    count._counter.join(30)
    showing.advance(1)
    assert showing.texts[-1] == "files 0"


@pytest.mark.slow
def test_folders_show_their_files(real_client: Client, container: str, folder: Path) -> None:
    """Uploads count them, downloads know their number from the container."""
    showing = Showing()
    real_client.observer = showing
    number = upload_files(real_client, folder, Location(container)).files
    assert showing.texts
    assert all(text.startswith("files ") for text in showing.texts)
    showing.texts.clear()
    download(real_client, Location(container), folder.parent / "back")
    assert number > 1
    assert showing.texts[-1].endswith(f" of {number + 1}")  # and an empty folder
