"""What a cluster accepts in one request and in segments, as ``GET /info`` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

_SEGMENT_BYTES = 2**30
_MAX_FILE_BYTES = 5 * 2**30
"""What Swift takes in one request, where the cluster does not say."""


@typed_equality
class Limits(NamedTuple):
    """A cluster's limits.

    :param file_size: the most bytes of one request
    :param segments: the most segments of a static large object; 0 where the cluster has none
    :param smallest_segment: the fewest bytes of a segment
    """

    file_size: int
    segments: int
    smallest_segment: int

    @classmethod
    def of(cls, client: Client) -> Limits:
        """Ask the cluster; one without static large objects accepts no segments."""
        sections = client.capabilities()
        has_none = bool(sections) and "slo" not in sections
        segments = 0 if has_none else client.limit("slo", "max_manifest_segments", 1000)
        file_size = client.limit("swift", "max_file_size", _MAX_FILE_BYTES)
        return cls(file_size, segments, client.limit("slo", "min_segment_size", 1))

    def segment_size(self, size: int, label: str, chosen: int | None) -> int | None:
        """Return the size of the segments that a file is to go in; None for one request.

        :param size: the file's, in bytes
        :param label: the file, for messages
        :param chosen: the segment size that the user wants; None for whatever suits
        :raises UsageError: when the cluster can't store the file that way
        """
        if size <= (chosen or self.file_size):
            return None
        least = -(-size // max(self.segments, 1))
        fitting = chosen or max(min(_SEGMENT_BYTES, self.file_size), least, self.smallest_segment)
        self.check_segments(fitting, label, least)
        return fitting

    def check_segments(self, size: int, label: str, least: int = 1) -> None:
        """Check that the cluster accepts segments of a size.

        :param label: what they are of, for the message
        :param least: the size below which there would be too many of them
        :raises UsageError: when it does not
        """
        if not self.segments:
            raise UsageError(f"the cluster takes objects of {self.file_size} bytes, and no segments", subject=label)
        least = max(least, self.smallest_segment)
        if not least <= size <= self.file_size:
            text = f"the cluster takes segments of {least} to {self.file_size} bytes of this"
            raise UsageError(text, subject=label)
