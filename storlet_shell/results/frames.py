"""Data frames of pandas or polars, whichever is installed, from bodies and tables."""

from __future__ import annotations

import codecs
import importlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.results.page.decoding import compression_of, marked_charset, without_mark
from storlet_shell.results.page.kinds import form_of, is_arrow_file
from storlet_shell.results.streamed import StreamedBody

_READERS: Mapping[str, Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "pandas": {
        "csv": ("read_csv", {}),
        "tsv": ("read_csv", {"sep": "\t"}),
        "json": ("read_json", {}),
        "jsonl": ("read_json", {"lines": True}),
        "parquet": ("read_parquet", {}),
        "arrow": ("read_feather", {}),
    },
    "polars": {
        "csv": ("read_csv", {}),
        "tsv": ("read_csv", {"separator": "\t"}),
        "json": ("read_json", {}),
        "jsonl": ("read_ndjson", {}),
        "parquet": ("read_parquet", {}),
        "arrow": ("read_ipc", {}),
    },
}
_BINARY = ("parquet", "arrow")


def dataframe(response: StreamedBody, library: str | None, options: Mapping[str, Any]) -> Any:
    """Return a response's body as a data frame; see :meth:`Response.dataframe`."""
    if response.length is None:
        response.content  # noqa: B018  the content type of a function's result comes with its end
    name = _form(response)
    module, readers = _library(library)
    reader, defaults = readers[name]
    content = _content(response, is_text=name not in _BINARY and "encoding" not in options)
    try:
        if name == "arrow" and not is_arrow_file(content):
            return _frame_of_stream(module, content)
        return getattr(module, reader)(io.BytesIO(content), **{**defaults, **options})
    except ImportError as error:  # pandas reads Parquet by a further package
        raise StorletShellError(f"{response.subject}: {error}") from error
    except _errors(module) as error:
        text = f"{response.subject}: {module.__name__} can't read the body as {name}: {error}"
        raise StorletShellError(text) from error


def _frame_of_stream(module: Any, content: bytes) -> Any:
    """Read a stream of Arrow, for which pandas has no reader of its own."""
    if hasattr(module, "read_ipc_stream"):
        return module.read_ipc_stream(io.BytesIO(content))
    return importlib.import_module("pyarrow.ipc").open_stream(content).read_pandas()


def _content(response: StreamedBody, *, is_text: bool) -> bytes:
    """Return a whole body, decompressed.

    :param is_text: whether to return it in UTF-8, without a byte order mark
    """
    content = response.content
    coding = response.headers.get("Content-Encoding", "")
    if compression := compression_of(content, response.subject, coding):
        try:
            content = compression.decompress(content)
        except StorletShellError as error:
            raise error.about(response.subject) from error
    charset = response.charset_of(content)
    if not is_text or (codecs.lookup(charset).name == "utf-8" and not marked_charset(content)):
        return content
    try:
        return without_mark(content.decode(charset)).encode()
    except UnicodeError as error:
        raise StorletShellError(f"{response.subject}: the body isn't text in {charset}: {error}") from error


def frame_of_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], library: str | None) -> Any:
    """Return rows as a data frame; see :meth:`Table.dataframe`."""
    module, _ = _library(library)
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    return module.DataFrame({name: list(column) for name, column in zip(columns, values, strict=True)})


def _form(response: StreamedBody) -> str:
    if form := form_of(response.content_type, response.subject):
        return form
    actual = response.content_type or "no content type"
    raise StorletShellError(
        f"{response.subject}: can't make a data frame of {actual}: only of CSV, JSON, JSON lines, Parquet or Arrow"
    )


def _library(wanted: str | None) -> tuple[Any, Mapping[str, tuple[str, Mapping[str, Any]]]]:
    if wanted is not None and wanted not in _READERS:
        raise UsageError(f"dataframe() supports {' and '.join(_READERS)}, not {wanted}")
    for name in [wanted] if wanted else _READERS:
        try:
            return importlib.import_module(name), _READERS[name]
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
    raise StorletShellError(
        f"dataframe() needs {wanted or 'pandas or polars'}; install it: pip install {wanted or 'pandas'}"
    )


def _errors(module: Any) -> tuple[type[Exception], ...]:
    """Return the exceptions that a library raises for bad input."""
    polars_error = getattr(getattr(module, "exceptions", None), "PolarsError", ValueError)
    return ValueError, polars_error
