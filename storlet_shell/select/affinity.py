"""SQLite's type affinities: where it converts operands before it compares them (https://sqlite.org/datatype3.html).

The storlet knows nothing of them: an encoded expression has the nodes ``num`` and ``text`` where they apply.
"""

from __future__ import annotations

from storlet_shell.select.tree import Cast, Column, Expression, Literal

NUMERIC, TEXT = "num", "text"
"""Affinities, by the nodes that apply them."""


def affinity(node: Expression) -> str:
    """Return an expression's affinity; empty for none.

    Every column has NUMERIC affinity. INTEGER and REAL convert operands of comparisons as NUMERIC does.
    """
    match node:
        case Column():
            return NUMERIC
        case Cast(_, type):
            return TEXT if type == "TEXT" else NUMERIC
        case _:
            return ""


def compared(x: Expression, y: Expression) -> str:
    """Return the affinity that is applied to both operands of a comparison (3.2, 4.2); empty for none."""
    of_x, of_y = affinity(x), affinity(y)
    if of_x and of_y:
        return NUMERIC if NUMERIC in (of_x, of_y) else ""
    return of_x or of_y


def is_needless(kind: str, node: Expression) -> bool:
    """Tell whether applying an affinity changes nothing."""
    if isinstance(node, Literal):
        return node.value is None or isinstance(node.value, str) == (kind == TEXT)
    return affinity(node) == kind
