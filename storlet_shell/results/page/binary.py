"""The first rows of Parquet and Arrow, by pyarrow or polars, whichever is installed."""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Callable
from typing import Any

from storlet_shell.results.page.grid import View
from storlet_shell.results.page.head import TABLE_BYTES, Head
from storlet_shell.results.page.kinds import ARROW_FILE, is_arrow_file
from storlet_shell.results.page.samples import ROWS, Sample, sample_view
from storlet_shell.text import size

_SIZES = re.compile(r"large_|_view\b|(?<=<)(?:element|item): ")
"""What tells how values are stored in the name of a type, rather than what they are."""

_NAMES = {"parquet": "Parquet", "arrow": "Arrow"}
_STARTS = {"parquet": (b"PAR1",), "arrow": (ARROW_FILE, b"\xff\xff\xff\xff")}
"""What these bodies begin with; a stream of Arrow begins with a mark in front of its schema."""


def binary_table(head: Head) -> View | None:
    """Return the first rows of a table; None if the body isn't what its type says."""
    if not head.content.startswith(_STARTS[head.form]):
        return None
    name = _NAMES[head.form]
    if not head.is_whole:
        whole = size(head.length) if head.length is not None else f"over {size(TABLE_BYTES)}"
        return _remark(f"{name}, {whole}: too large for a preview; dataframe() reads it")
    for library, read in _READERS.items():
        try:
            importlib.import_module(library)
        except ModuleNotFoundError:
            continue
        try:
            return sample_view(read[head.form](head.content), head)
        except Exception as error:  # whatever the library raises for a damaged body
            return _remark(f"{name} that can't be read: {' '.join(str(error).split())}")
    return _remark(f"{name}: install pyarrow or polars to see its rows")


def _remark(text: str) -> View:
    return View([], "").noted(text)


def _parquet_by_pyarrow(content: bytes) -> Sample:
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    file = parquet.ParquetFile(arrow.BufferReader(content))
    first = next(file.iter_batches(batch_size=ROWS), None)
    return _arrow_sample(file.schema_arrow, _rows(first) if first is not None else [], file.metadata.num_rows)


def _arrow_by_pyarrow(content: bytes) -> Sample:
    arrow, ipc = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.ipc")
    if is_arrow_file(content):
        reader = ipc.open_file(arrow.BufferReader(content))
        batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
    else:
        reader = batches = ipc.open_stream(arrow.BufferReader(content))
    rows: list[tuple[Any, ...]] = []
    total = 0
    for batch in batches:
        rows += _rows(batch.slice(0, max(0, ROWS - len(rows))))
        total += batch.num_rows
    return _arrow_sample(reader.schema, rows, total)


def _rows(batch: Any) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))  # two may have the same name


def _arrow_sample(schema: Any, rows: list[tuple[Any, ...]], total: int) -> Sample:
    return Sample([(field.name, _SIZES.sub("", str(field.type))) for field in schema], rows, total)


def _by_polars(reader: str, content: bytes) -> Sample:
    frame = getattr(importlib.import_module("polars"), reader)(io.BytesIO(content))
    columns = [(name, str(kind)) for name, kind in frame.schema.items()]
    return Sample(columns, frame.head(ROWS).rows(), len(frame))


_READERS: dict[str, dict[str, Callable[[bytes], Sample]]] = {
    "pyarrow": {"parquet": _parquet_by_pyarrow, "arrow": _arrow_by_pyarrow},
    "polars": {
        "parquet": lambda content: _by_polars("read_parquet", content),
        "arrow": lambda content: _by_polars("read_ipc" if is_arrow_file(content) else "read_ipc_stream", content),
    },
}
