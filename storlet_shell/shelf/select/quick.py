"""Conditions that native operators can decide: comparisons of columns and literals.

They are several times as fast as calls. If a number meets a text, ``<`` raises a TypeError, and the general form of the
condition decides.
"""

from __future__ import annotations

from typing import Any

from storlet_shell.shelf.select.expressions import OPPOSITES, Expressions, without_affinity
from storlet_shell.shelf.select.plan import COMPARISONS, chain_operands
from storlet_shell.shelf.select.values import numeric

_SIGNS = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class QuickConditions:
    """Source for conditions.

    :param raw: the source of a column's text as it is in a row, by number; None if rows hold typed values
    """

    def __init__(self, expressions: Expressions, raw: Any) -> None:
        self._expressions = expressions
        self._raw = raw

    def source(self, node: Any, columns: set[int], *, wanted: bool = True) -> Any:
        """Return source that tells whether a condition is true (or false), or None if only the general form can.

        :param columns: the columns whose values it uses are added
        """
        name = node[0]
        if name == "not":
            return self.source(node[1], columns, wanted=not wanted)
        if name in ("and", "or"):
            parts = [self.source(operand, columns, wanted=wanted) for operand in chain_operands(node)]
            if None in parts:
                return None
            return f"({(' and ' if (name == 'and') == wanted else ' or ').join(parts)})"
        if name in COMPARISONS:
            first, second = without_affinity(node[1]), without_affinity(node[2])
            return self._comparison(name if wanted else OPPOSITES[name], first, second, columns)
        if name in ("is", "isnot") and node[2] == ["lit", None]:
            return self._null_test(without_affinity(node[1]), columns, is_null=(name == "is") == wanted)
        if name == "in":
            return self._membership(without_affinity(node[1]), node[2], columns, wanted)
        return None

    def _comparison(self, name: str, first: Any, second: Any, columns: set[int]) -> Any:
        if first[0] == "lit":
            name, first, second = _MIRRORED[name], second, first
        if first[0] != "col" or second[0] not in ("col", "lit"):
            return None
        if second == ["lit", None]:
            return "False"
        if name in ("=", "!=") and self._raw is not None and second[0] == "lit" and _is_plain_text(second[1]):
            is_present = f" and {self._raw(first[1])}" if name == "!=" else ""  # an empty field is NULL
            return f"({self._raw(first[1])} {_SIGNS[name]} {self._expressions.constant(second[1])}{is_present})"
        columns.add(first[1])
        guards = [f"v{first[1]} is not None"]
        if second[0] == "col":
            columns.add(second[1])
            guards.append(f"v{second[1]} is not None")
            other = f"v{second[1]}"
        else:
            other = self._expressions.constant(second[1])
        return f"({' and '.join(guards)} and v{first[1]} {_SIGNS[name]} {other})"

    def _null_test(self, node: Any, columns: set[int], *, is_null: bool) -> Any:
        if node[0] != "col":
            return None
        if self._raw is not None:
            return f"(not {self._raw(node[1])})" if is_null else f"({self._raw(node[1])} != '')"
        columns.add(node[1])
        return f"(v{node[1]} {'is' if is_null else 'is not'} None)"

    def _membership(self, node: Any, nodes: list[Any], columns: set[int], wanted: bool) -> Any:
        choices = [without_affinity(choice) for choice in nodes]
        if node[0] != "col" or not all(choice[0] == "lit" for choice in choices) or not choices:
            return None
        values = frozenset(choice[1] for choice in choices)
        if not wanted and None in values:
            return "False"  # it is true or NULL
        values -= {None}
        members, sign = self._expressions.constant(values), "in" if wanted else "not in"
        if self._raw is not None and all(map(_is_plain_text, values)):
            is_present = "" if wanted else f" and {self._raw(node[1])}"
            return f"({self._raw(node[1])} {sign} {members}{is_present})"
        columns.add(node[1])
        return f"(v{node[1]} is not None and v{node[1]} {sign} {members})"


def _is_plain_text(value: Any) -> bool:
    """Tell whether a literal equals a field only if the field has the same text."""
    return isinstance(value, str) and value != "" and isinstance(numeric(value), str)
