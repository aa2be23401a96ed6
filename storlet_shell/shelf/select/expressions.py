"""Python source for the expressions of a plan.

The source consists of the templates in this module, of numbers, and of names of its own: ``v2`` is column 2's value,
``k7`` a constant. Nothing that a plan says becomes source: its texts and numbers are objects in a namespace.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from storlet_shell.shelf.select.arithmetic import (
    both,
    cast_to_integer,
    cast_to_numeric,
    cast_to_real,
    divided,
    either,
    is_among,
    joined,
    minus,
    negated,
    opposite,
    plus,
    remainder,
    times,
)
from storlet_shell.shelf.select.functions import CALLS
from storlet_shell.shelf.select.patterns import glob_pattern, like_pattern
from storlet_shell.shelf.select.plan import CHAINS, COMPARISONS, chain_operands
from storlet_shell.shelf.select.values import is_at_most, is_equal, is_less, number_match, numeric, text_of, truth

_OPERATORS = {
    "+": plus,
    "-": minus,
    "*": times,
    "/": divided,
    "%": remainder,
    "||": joined,
    "and": both,
    "or": either,
}
_CAST_CALLS = {
    "INTEGER": cast_to_integer,
    "REAL": cast_to_real,
    "TEXT": text_of,
    "NUMERIC": cast_to_numeric,
}
_COMPARISON_SOURCES = {
    "=": "equal({0}, {1})",
    "!=": "differ({0}, {1})",
    "<": "less({0}, {1})",
    "<=": "at_most({0}, {1})",
    ">": "less({1}, {0})",
    ">=": "at_most({1}, {0})",
}
OPPOSITES = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
"""The comparisons that are true where others are false; NULL is neither."""

_SIGNS = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

_LEVELS_IN_FUNCTION = 10  # Python's parser takes no more than about 90 nested parentheses
_BRANCHES_IN_EXPRESSION = 20


def is_column(node: Any) -> bool:
    """Tell whether an expression is a column as it is."""
    return bool(node[0] == "col")


def without_affinity(node: Any) -> Any:
    """Return a column or a literal for one to which NUMERIC affinity is applied; any other expression as it is."""
    if node[0] == "num" and node[1][0] in ("col", "num"):
        return without_affinity(node[1])
    if node[0] == "num" and node[1][0] == "lit":
        return ["lit", numeric(node[1][1])]
    return node


def columns_of(node: Any) -> set[int]:
    """Return the numbers of the columns that an expression uses."""
    columns = set()
    pending = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            if len(part) == 2 and part[0] == "col":
                columns.add(part[1])
            elif part and part[0] != "lit":
                pending += part
    return columns


class Expressions:
    """Source for expressions, and the namespace in which it runs."""

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {
            "at_most": is_at_most,
            "bits": {True: 1, False: 0, None: None},
            "differ": _differ,
            "equal": is_equal,
            "among": is_among,
            "glob": _is_glob,
            "less": is_less,
            "like": _is_like,
            "matches": _matches,
            "negated": negated,
            "number": number_match(),
            "numeric": numeric,
            "opposite": opposite,
            "reduce": reduce,
            "text": text_of,
            "truth": truth,
        }
        self.functions: list[str] = []
        """Lines that define functions, for the parts of deep expressions."""

        self._count = 0

    def constant(self, value: Any) -> str:
        """Return a name for an object."""
        name = self.name("k")
        self.namespace[name] = value
        return name

    def name(self, letter: str) -> str:
        """Return a new name."""
        self._count += 1
        return f"{letter}{self._count}"

    def value(self, node: Any, level: int = 1) -> str:
        """Return source for the value of an expression."""
        name = node[0]
        if level % _LEVELS_IN_FUNCTION == 0:
            return self._in_function(node, level + 1)
        if name == "col":
            return f"v{node[1]}"
        if name == "lit":
            return self.constant(node[1])
        if name in ("num", "text", "neg", "not"):
            plain = without_affinity(node)
            if plain is not node:
                return self.value(plain, level)
            function = {"num": "numeric", "text": "text", "neg": "negated", "not": "opposite"}[name]
            return f"{function}({self.value(node[1], level + 1)})"
        if name in CHAINS:
            operands = ", ".join([self.value(operand, level + 1) for operand in chain_operands(node)])
            function = self.constant(_OPERATORS[name])
            return f"{function}({operands})" if len(chain_operands(node)) == 2 else f"reduce({function}, ({operands}))"
        if name == "case":
            return self._case(node[1], node[2], level)
        if name == "cast":
            return f"{self.constant(_CAST_CALLS[node[2]])}({self.value(node[1], level + 1)})"
        if name == "fn":
            return self._call(node[1], node[2], level)
        return f"bits[{self._test(node, level)}]"

    def is_true(self, node: Any, level: int = 1) -> str:
        """Return source that tells whether an expression is true: neither false nor NULL."""
        return self._decision(node, level, wanted=True)

    def _decision(self, node: Any, level: int, *, wanted: bool) -> str:
        """Return source that tells whether an expression is true, or whether it is false; if NULL, neither."""
        name = node[0]
        if level % _LEVELS_IN_FUNCTION == 0:
            return f"truth({self._in_function(node, level + 1)}) is {wanted}"
        if name == "not":
            return self._decision(node[1], level + 1, wanted=not wanted)
        if name in ("and", "or"):
            parts = [self._decision(operand, level + 1, wanted=wanted) for operand in chain_operands(node)]
            return f"({(' and ' if (name == 'and') == wanted else ' or ').join(parts)})"
        if name in COMPARISONS:
            return self._comparison(name if wanted else OPPOSITES[name], node, level)
        if name in ("is", "isnot", "in", "like", "glob"):
            test = self._test(node, level)
            return test if wanted else f"({test} is False)"
        return f"(truth({self.value(node, level + 1)}) is {wanted})"

    def _test(self, node: Any, level: int) -> str:
        """Return source whose value is True, False or None."""
        name, first, second = node[:3]
        if name in COMPARISONS:
            return self._comparison(name, node, level)
        if name in ("is", "isnot"):
            sign = "==" if name == "is" else "!="
            return f"({self.value(first, level + 1)} {sign} {self.value(second, level + 1)})"
        value = self.value(first, level + 1)
        if name == "in":
            choices = "".join([f"{self.value(choice, level + 1)}, " for choice in second])
            return f"among({value}, ({choices}))"
        escape = node[3] if name == "like" else None
        if second[0] == "lit" and isinstance(second[1], str) and (escape is None or isinstance(escape[1], str)):
            if name == "glob":
                return f"matches({self.constant(glob_pattern(second[1]))}, {value})"
            if escape is None or escape[0] == "lit":
                pattern = like_pattern(second[1], None if escape is None else escape[1])
                return f"matches({self.constant(pattern)}, {value})"
        operands = [value, self.value(second, level + 1)]
        operands += [] if escape is None else [self.value(escape, level + 1)]
        return f"{name}({', '.join(operands)})"

    def _comparison(self, name: str, node: Any, level: int) -> str:
        operands = (self.value(node[1], level + 1), self.value(node[2], level + 1))
        return _COMPARISON_SOURCES[name].format(*operands)

    def _case(self, branches: list[Any], default: Any, level: int) -> str:
        sources = []
        for condition, value in branches[:_BRANCHES_IN_EXPRESSION]:
            sources.append(f"{self.value(value, level + 1)} if {self.is_true(condition, level + 1)} else ")
        rest = branches[_BRANCHES_IN_EXPRESSION:]
        if rest:
            end = self._in_function(["case", rest, default], level + 1)
        else:
            end = "None" if default is None else self.value(default, level + 1)
        return f"({''.join(sources)}{end})"

    def _call(self, name: str, arguments: list[Any], level: int) -> str:
        if name == "iif":
            return self._case([arguments[:2]], arguments[2], level)
        if name in ("coalesce", "ifnull"):
            return self._first(arguments, level)
        operands = ", ".join([self.value(argument, level + 1) for argument in arguments])
        return f"{self.constant(CALLS[name][0])}({operands})"

    def _first(self, arguments: list[Any], level: int) -> str:
        """Return source for the first value that isn't NULL."""
        sources = []
        for argument in arguments[: min(len(arguments) - 1, _BRANCHES_IN_EXPRESSION)]:
            name = self.name("t")
            sources.append(f"{name} if ({name} := {self.value(argument, level + 1)}) is not None else ")
        rest = arguments[len(sources) :]
        if len(rest) > 1:
            end = self._in_function(["fn", "coalesce", rest], level + 1)
        else:
            end = self.value(rest[0], level + 1)
        return f"({''.join(sources)}{end})"

    def _in_function(self, node: Any, level: int) -> str:
        """Define a function for an expression, and return a call of it."""
        name = self.name("f")
        columns = ", ".join([f"v{column}" for column in sorted(columns_of(node))])
        self.functions.append(f"def {name}({columns}): return {self.value(node, level)}")
        return f"{name}({columns})"


def _differ(first: Any, second: Any) -> Any:
    return None if first is None or second is None else first != second


def _is_like(value: Any, pattern: Any, *escape: Any) -> Any:
    if value is None or pattern is None or None in escape:
        return None
    return like_pattern(text_of(pattern), *map(text_of, escape)).matches(text_of(value))


def _is_glob(value: Any, pattern: Any) -> Any:
    return None if value is None or pattern is None else glob_pattern(text_of(pattern)).matches(text_of(value))


def _matches(pattern: Any, value: Any) -> Any:
    return None if value is None else pattern.matches(text_of(value))


class QuickConditions:
    """Source for conditions that native operators can decide: comparisons of columns and literals.

    They are several times as fast as calls. If a number meets a text, ``<`` raises a TypeError, and the general form of
    the condition decides.

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
