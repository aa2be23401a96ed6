"""Parameters of storlets from mappings: the user's variables, and arguments of the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from storlet_shell.values import Parameter


def merge_parameters(mapping: Mapping[object, object] | None, typed: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Merge a mapping of parameters with those of the command line, which override it.

    :raises UsageError: if an item of the mapping can't be a parameter
    """
    merged = {parameter.key: parameter for parameter in (Parameter.of(k, v) for k, v in (mapping or {}).items())}
    merged.update({parameter.key: parameter for parameter in typed})
    return tuple(merged.values())
