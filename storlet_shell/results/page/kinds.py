"""The formats of tables in bodies, by their content types and the names of objects."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from storlet_shell.results.page.decoding import COMPRESSIONS

_FORMS: Mapping[str, str] = MappingProxyType(
    {
        "text/csv": "csv",
        "text/tab-separated-values": "tsv",
        "application/json": "json",
        "application/jsonl": "jsonl",
        "application/x-jsonlines": "jsonl",
        "application/x-ndjson": "jsonl",
        "application/vnd.apache.arrow.file": "arrow",
        "application/vnd.apache.arrow.stream": "arrow",
        "application/vnd.apache.parquet": "parquet",
        "application/x-parquet": "parquet",
    }
)
_SUFFIXES: Mapping[str, str] = MappingProxyType(
    {
        "csv": "csv",
        "tsv": "tsv",
        "json": "json",
        "jsonl": "jsonl",
        "ndjson": "jsonl",
        "arrow": "arrow",
        "feather": "arrow",
        "parquet": "parquet",
    }
)


ARROW_FILE = b"ARROW1\x00\x00"
"""What an Arrow file begins with, unlike a stream of Arrow."""


def is_arrow_file(content: bytes) -> bool:
    """Tell an Arrow file from a stream, by its start."""
    return content.startswith(ARROW_FILE)


def form_of(content_type: str, name: str) -> str:
    """Return ``csv``, ``tsv``, ``json``, ``jsonl``, ``arrow`` or ``parquet``; empty for anything else.

    :param content_type: without its parameters; it comes first
    :param name: the object's name
    """
    return _FORMS.get(content_type) or _SUFFIXES.get(plain_name(name).lower().rpartition(".")[2], "")


def plain_name(name: str) -> str:
    """Return a name without the suffix of a compression."""
    for compression in COMPRESSIONS:
        if name.lower().endswith(compression.suffix):
            return name[: -len(compression.suffix)]
    return name
