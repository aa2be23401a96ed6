"""How many files of a transfer are done, for its progress."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from storlet_shell.transfers.folder import LocalFile
from storlet_shell.wire.observer import remark

if TYPE_CHECKING:
    from storlet_shell.errors import LocalFileError
    from storlet_shell.store.parallel import Tally
    from storlet_shell.wire.observer import Progress


class FileCount:
    """Adds ``files 12 of 3,000`` to the progress of a transfer; a context manager that ends counting.

    :param total: the number of files, if it is known
    :param files: else the files, which are counted in a thread once the progress is shown: a quick transfer, and one
        that nobody watches, spend no time on that
    :param sums_sizes: whether the files' sizes are the total of the progress
    """

    def __init__(
        self,
        progress: Progress,
        tally: Tally,
        total: int | None = None,
        files: Iterable[LocalFile | LocalFileError] = (),
        *,
        sums_sizes: bool = False,
    ) -> None:
        self._progress = progress
        self._tally = tally
        self._total = total
        self._files = files
        self._sums_sizes = sums_sizes
        self._is_over = False
        self._counter: threading.Thread | None = None

    def __enter__(self) -> Self:
        remark(self._progress, self._describe)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True

    def _describe(self) -> str:
        if self._counter is None and self._total is None and self._files:
            self._counter = threading.Thread(target=self._count, name="storlet-shell count", daemon=True)
            self._counter.start()
        done = self._tally.failed + sum(list(self._tally.counts.values()))
        return f"files {done:,}" + (f" of {self._total:,}" if self._total is not None else "")

    def _count(self) -> None:
        count = size = 0
        for count, file in enumerate(self._files, 1):  # noqa: B007  it is the result
            if self._is_over:
                return
            size += file.size if isinstance(file, LocalFile) else 0
        self._total = count
        if self._sums_sizes:
            self._progress.expect(size)
