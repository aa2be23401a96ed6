"""Explain a query: what runs next to the data, what runs here, and how many bytes move."""

from __future__ import annotations

from typing import Any

from storlet_shell.results import Report
from storlet_shell.select.statement.binding import Bound
from storlet_shell.select.statement.split import Split
from storlet_shell.text import counted, size


def explanation(query: Bound, parts: Split, plan: dict[str, Any], facts: dict[str, Any]) -> Report:
    """Return the explanation of a query.

    :param facts: what is known of the objects, by name
    """
    data = {
        **facts,
        "at_the_data": _at_the_data(query, parts),
        "here": [*parts.local.clauses] if parts.local else ["LIMIT"] if parts.limit is not None else [],
        "plan": plan,
    }
    shown = {
        "objects": _objects(facts),
        "format": facts["format"] or "unknown: the first objects are empty",
        "measured": f"{counted(len(facts['measured']), 'object')}, {size(facts['measured_bytes'])}; "
        f"{size(facts['measured_moved'])} moved in {facts['measured_seconds']:.1f} s",
        "estimate": _estimate(facts),
        "at the data": "; ".join(data["at_the_data"]),
        "here": ", ".join([*_merging(parts, facts["objects"]), *data["here"]]) or "rows are passed on as they come",
    }
    return Report(data, shown)


def _estimate(facts: dict[str, Any]) -> str:
    """Return how many bytes the whole query moves, if all objects are like those that were measured."""
    moved, whole = facts["estimated_moved"], facts["bytes"]
    if moved is None:
        return f"about {100 * facts['measured_moved'] / max(1, facts['measured_bytes']):.2g} % of the bytes move"
    share = f", {100 * moved / whole:.2g} % of the bytes" if whole else ""
    return f"about {size(moved)} move{share}"


def _objects(facts: dict[str, Any]) -> str:
    if facts["objects"] is None:
        return f"over 10000 of {facts['pattern']}"
    return f"{facts['objects']} of {facts['pattern']}, {size(facts['bytes'])}"


def _merging(parts: Split, objects: int | None) -> list[str]:
    """Return the step that joins the objects' partial aggregates, if the query has some.

    :param objects: how many there are; None for too many to count
    """
    if parts.kind != "groups":
        return []
    results = "groups" if parts.keys else "aggregates"
    return [f"merging the {results} of {'all objects' if objects is None else counted(objects, 'object')}"]


def _at_the_data(query: Bound, parts: Split) -> list[str]:
    columns = ", ".join(query.columns) or "none"
    steps = [f"columns {columns}"]
    if parts.where:
        is_part = parts.local is not None and "WHERE" in parts.local.clauses
        steps += ["WHERE in part" if is_part else "WHERE"]
    if parts.kind == "groups":
        names = [f"{name}()" if argument is None else name for name, argument in parts.aggregates]
        steps += ["groups"] if parts.keys else []
        steps += [f"aggregates {', '.join(names)}"] if names else []
    elif parts.kind == "rows":
        steps += ["the result's columns"]
    steps += [f"at most {parts.limit} rows of each object"] if parts.limit is not None else []
    return steps
