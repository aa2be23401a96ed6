"""How a transfer of many files has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError

if TYPE_CHECKING:
    from storlet_shell.store.parallel import Tally


@typed_equality
class Transferred(NamedTuple):
    """What became of the files of a transfer.

    :param files: how many were transferred
    :param identical: how many were left as they are, having the same content on both sides
    :param folders: how many folders were made; of an upload, those without files
    :param bytes: how many were transferred
    :param failures: why each of the others was not, for the first thousand of them
    :param problem: all failures as one error, of the kind that they have in common; None without failures
    """

    files: int
    identical: int
    folders: int
    bytes: int
    failures: tuple[StorletShellError, ...] = ()
    problem: StorletShellError | None = None

    @classmethod
    def of(cls, tally: Tally, verb: str) -> Transferred:
        """Sum up a tally.

        :param verb: what the tally calls files that were transferred: "uploaded"
        """
        counts = tally.counts
        identical, folders = counts["identical"], counts["folders"]
        failures, problem = tuple(tally.failures), tally.problem(verb)
        return cls(counts[verb], identical, folders, tally.bytes, failures, problem)

    def raise_for_failed(self) -> None:
        """Raise an error if any file has failed, with a line for each in its details.

        :raises StorletShellError: of the kind that all failures have in common
        """
        if self.problem is not None:
            raise self.problem
