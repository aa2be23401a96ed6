"""The rows of Parquet."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import partial
from itertools import repeat
from typing import Any

from storlet_shell.shelf.select.formats import BATCH_ROWS, in_batches, plain, resolve
from storlet_shell.shelf.select.opening import Opened, read_safely
from storlet_shell.shelf.select.plan import Plan
from storlet_shell.shelf.select.report import Report

_PARQUET_CHUNK_BYTES = 2**20
_ARROW_ROWS = 4096
_ARROW_BYTES = 2**22
_CLOCK = re.compile(r"(.*?\d:\d\d:\d\d)(\.\d{6})?(.*)")


class ParquetRows:
    """The rows of Parquet: lists of the values of the plan's columns."""

    is_text = False
    data = None

    def __init__(self, opened: Opened, plan: Plan, report: Report) -> None:
        try:
            arrow: Any = importlib.import_module("pyarrow")
            parquet: Any = importlib.import_module("pyarrow.parquet")
        except ImportError:
            raise ValueError("Parquet: the engine's Python has no pyarrow; ask the operator to install it") from None
        self._report = report
        self._arrow = arrow
        # In an engine's limits, the default allocator and threads fail: both reserve much address space.
        arrow.set_memory_pool(arrow.system_memory_pool())
        arrow.set_cpu_count(1)
        arrow.set_io_thread_count(1)
        try:
            data = bytearray(opened.head)  # it isn't copied as it grows
            for chunk in iter(partial(read_safely, opened.file, _PARQUET_CHUNK_BYTES), b""):
                data += chunk
            self._file = parquet.ParquetFile(arrow.BufferReader(arrow.py_buffer(data)), pre_buffer=False)
        except (arrow.ArrowException, OSError) as error:
            raise unreadable_parquet(error) from None
        except MemoryError:
            raise ValueError("Parquet: the object exceeds the engine's memory") from None
        self.names = list(self._file.schema_arrow.names)
        self._used = [self.names[position] for position in resolve(plan.columns, self.names)]
        self.positions = list(range(len(self._used)))
        self.odd: list[bool] = []

    def batches(self) -> Iterator[list[Any]]:
        """Yield some rows at a time."""
        return in_batches(self._values(), repeat(BATCH_ROWS))

    def _values(self) -> Iterator[tuple[Any, ...]]:
        for batch in self._tables():
            self._report.rows += batch.num_rows
            columns = {name: self._column(name, batch.column(name)) for name in dict.fromkeys(self._used)}
            yield from zip(*[columns[name] for name in self._used]) if self._used else [()] * batch.num_rows

    def _tables(self) -> Iterator[Any]:
        names = list(dict.fromkeys(self._used))
        batches = self._file.iter_batches(self._rows_of_batch(), columns=names, use_threads=False)
        while True:
            try:
                yield next(batches)
            except StopIteration:
                return
            except (self._arrow.ArrowException, OSError) as error:
                raise unreadable_parquet(error) from None

    def _column(self, name: str, array: Any) -> list[Any]:
        try:
            if getattr(array.type, "unit", "") == "ns":
                return precise_times(self._arrow, array)
            return [plain(value) for value in array.to_pylist()]
        except (ValueError, OverflowError, LookupError) as error:  # such as a date that Python doesn't have
            raise ValueError(f"Parquet: column {name}: {' '.join(str(error).split())}") from None

    def _rows_of_batch(self) -> int:
        """Return how many rows take a moderate amount of memory, once they aren't compressed."""
        facts = self._file.metadata
        size = sum(facts.row_group(number).total_byte_size for number in range(facts.num_row_groups))
        return max(1, min(_ARROW_ROWS, _ARROW_BYTES * int(facts.num_rows) // max(1, int(size))))


def precise_times(arrow: Any, array: Any) -> list[Any]:
    """Return times in nanoseconds, which Python's own types don't have, as texts."""
    numbers = array.cast(arrow.int64()).to_pylist()
    kind = array.type
    if arrow.types.is_timestamp(kind):
        kind = arrow.timestamp("us", kind.tz)
    else:
        kind = arrow.time64("us") if arrow.types.is_time(kind) else arrow.duration("us")
    whole = arrow.array([None if number is None else number // 1000 for number in numbers], kind).to_pylist()
    return [None if number is None else precise_text(value, number % 1000) for value, number in zip(whole, numbers)]


def precise_text(value: Any, nanoseconds: int) -> str:
    """Return a time as a text with so many nanoseconds."""
    text = str(value)
    match = _CLOCK.match(text) if nanoseconds else None
    if match is None:
        return text
    clock, fraction, zone = match.groups()
    return f"{clock}{fraction or '.000000'}{nanoseconds:03d}{zone}"


def unreadable_parquet(error: Exception) -> ValueError:
    """Return the error for an object that Arrow can't read."""
    return ValueError(f"Parquet: {' '.join(str(error).split())}")
