"""Content types and compressions of objects, by their names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COMPRESSED: Mapping[str, str] = MappingProxyType(
    {
        "gzip": "application/gzip",
        "bzip2": "application/x-bzip2",
        "xz": "application/x-xz",
        "compress": "application/x-compress",
        "br": "application/x-brotli",
    }
)
"""The content types of compressed files, by what Python's ``mimetypes`` calls the compression."""


def type_of(name: str) -> str:
    """Return the content type that a name tells; empty if it tells none.

    A compressed file has the type of its compression: as ``text/csv``, what is in ``a.csv.gz`` would be taken for CSV.
    """
    import mimetypes  # for those who upload, and for what a notebook shows

    kind, compression = mimetypes.guess_type(name)
    if compression:
        return COMPRESSED.get(compression, "application/octet-stream")
    return kind or ""


def inner_type_of(name: str) -> str:
    """Return the content type inside a compressed file: CSV's for ``a.csv.gz``; empty if unknown."""
    import mimetypes  # the same

    return mimetypes.guess_type(name)[0] or ""
