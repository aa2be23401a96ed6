"""The storlet's class, which calls the function."""

from __future__ import annotations

import inspect as _inspect
from typing import Any as _Any

from storlet_shell.storlets.functions.adapter.frames import _StorletFrames
from storlet_shell.storlets.functions.adapter.inputs import _StorletInput
from storlet_shell.storlets.functions.adapter.output import _StorletOutput
from storlet_shell.storlets.functions.adapter.results import storlet_write, storlet_write_header
from storlet_shell.storlets.functions.adapter.types import (
    storlet_convert,
    storlet_input,
    storlet_is_table,
    storlet_type,
)


class _Adapter:
    """A storlet that opens its inputs as a function's annotations say, calls it, and writes its result.

    With the parameter ``storlet_frames``, the result is framed, so that a reader can tell whether it is whole.
    """

    function: _Any = None
    columns: tuple[str | None, ...] = ()
    """The columns of its rows, if its code shows them; None stands for those of the input."""
    _others: _Any = ()
    _input = _kind = ""
    _is_list = _is_table = False

    def __init_subclass__(cls) -> None:
        """Read the function's annotations: once for all runs of a process that engines fork."""
        signature = _inspect.signature(cls.function)
        first, *cls._others = signature.parameters.values()
        cls._input = first.annotation
        cls._kind, cls._is_list = storlet_input(first.annotation)
        cls._is_table = bool(cls.columns) or storlet_is_table(signature.return_annotation)

    def __init__(self, logger: _Any) -> None:
        self._logger = logger

    def __call__(self, in_files: _Any, out_files: _Any, params: dict[str, str]) -> None:
        """Run the function over the inputs."""
        is_metadata_wanted = any(parameter.name == "metadata" for parameter in self._others)
        metadata = dict(in_files[0].get_metadata()) if is_metadata_wanted else {}
        nonce = params.get("storlet_frames", "")
        target = out_files[0]
        output = _StorletFrames(target, metadata, nonce, in_files) if nonce else _StorletOutput(target, metadata)
        try:
            kind, is_list = self._kind, self._is_list
            if len(in_files) > 1 and not is_list:
                raise ValueError(f"it takes one input, not {len(in_files)}; several need list[{self._input}]")
            inputs = [_StorletInput(file, number if is_list else 0) for number, file in enumerate(in_files, 1)]
            values = [source.open(kind) for source in inputs]
            arguments = storlet_arguments(self._others, params, {"logger": self._logger, "metadata": metadata})
            result = self.function(values if is_list else values[0], **arguments)
            storlet_write(result, output, lambda: kind != "rows" or inputs[0].is_json(), is_table=self._is_table)
            if self.columns and not output.content_type and kind == "rows" and not inputs[0].is_json():
                storlet_write_header(output, self.columns, inputs[0].read_columns(values[0]))
            output.end()
        except BaseException as error:
            output.fail(error)
            raise


def storlet_arguments(parameters: _Any, texts: dict[str, str], filled: dict[str, object]) -> dict[str, object]:
    """Return the function's arguments; that one is missing is for Python to say."""
    names = {parameter.name: parameter for parameter in parameters}
    arguments = {name: value for name, value in filled.items() if name in names}
    for name, text in texts.items():
        if name.startswith("storlet_"):  # the adapter's, and engines'
            continue
        if name not in names or name in filled:
            raise ValueError(f"parameter {name}: no such parameter")
        annotation = names[name].annotation
        annotation = "" if annotation is _inspect.Parameter.empty else annotation
        try:
            arguments[name] = storlet_convert(storlet_type(annotation, names[name].default), text)
        except ValueError as error:
            raise ValueError(f"parameter {name}: {error}") from None
    return arguments
