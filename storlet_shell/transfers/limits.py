"""The cluster's limits on requests and segments, from ``GET /info``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

_SEGMENT_BYTES = 2**30
_MAX_FILE_BYTES = 5 * 2**30
"""Swift's default, for clusters that don't publish their limit."""


@typed_equality
class Limits(NamedTuple):
    """A cluster's limits.

    :param file_size: the maximum size of a single request, in bytes
    :param segments: the maximum number of segments of a static large object; 0 if the cluster doesn't support them
    :param smallest_segment: the minimum size of a segment, in bytes
    """

    file_size: int
    segments: int
    smallest_segment: int

    @classmethod
    def of(cls, client: Client) -> Limits:
        """Ask the cluster for its limits."""
        sections = client.capabilities()
        has_none = bool(sections) and "slo" not in sections
        segments = 0 if has_none else client.limit("slo", "max_manifest_segments", 1000)
        file_size = client.limit("swift", "max_file_size", _MAX_FILE_BYTES)
        return cls(file_size, segments, client.limit("slo", "min_segment_size", 1))

    def segment_size(self, size: int, label: str, chosen: int | None) -> int | None:
        """Return the segment size for a file, or None to send it in one request.

        :param size: the file's size, in bytes
        :param label: the file, for messages
        :param chosen: the segment size that the user asked for; None to choose one
        :raises UsageError: if the cluster can't store the file that way
        """
        if size <= (chosen or self.file_size):
            return None
        least = -(-size // max(self.segments, 1))
        fitting = chosen or max(min(_SEGMENT_BYTES, self.file_size), least, self.smallest_segment)
        self.check_segments(fitting, label, least)
        return fitting

    def check_segments(self, size: int, label: str, least: int = 1) -> None:
        """Check that the cluster accepts segments of this size.

        :param label: the file or stream, for the message
        :param least: the size below which there would be too many segments
        :raises UsageError: if it doesn't
        """
        if not self.segments:
            raise UsageError(f"the limit is {self.file_size} bytes, and the cluster has no segments", subject=label)
        least = max(least, self.smallest_segment)
        if not least <= size <= self.file_size:
            text = f"segments of it must have {least} to {self.file_size} bytes on this cluster"
            raise UsageError(text, subject=label)
