"""The outcome of a transfer of many files."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError

if TYPE_CHECKING:
    from storlet_shell.store.parallel import Tally


@typed_equality
class Transferred(NamedTuple):
    """The outcome of a transfer.

    :param files: the number of files transferred
    :param identical: the number of files skipped because both sides had the same content
    :param folders: the number of folders created; for an upload, of empty folders
    :param bytes: the number of bytes transferred
    :param failures: the errors of files that failed, up to a thousand
    :param problem: all failures as one error, of their common class; None if nothing failed
    :param deleted: the number of files or objects that a sync deleted
    """

    files: int
    identical: int
    folders: int
    bytes: int
    failures: tuple[StorletShellError, ...] = ()
    problem: StorletShellError | None = None
    deleted: int = 0

    @classmethod
    def of(cls, tally: Tally, verb: str) -> Transferred:
        """Summarize a tally.

        :param verb: the tally's name for transferred files, such as "uploaded"
        """
        counts = tally.counts
        identical, folders = counts["identical"], counts["folders"]
        failures, problem = tuple(tally.failures), tally.problem(verb)
        return cls(counts[verb], identical, folders, tally.bytes, failures, problem)

    def raise_for_failed(self) -> None:
        """Raise an error if any file failed, with a line for each failure in its details.

        :raises StorletShellError: of the common class of all failures
        """
        if self.problem is not None:
            raise self.problem
