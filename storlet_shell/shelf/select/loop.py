"""The loop over the rows of an object, as Python source.

Its fast paths serve what most fields are: numbers in plain ASCII, or texts. Any other field is converted by
:func:`.values.numeric`, and both give the same values.
"""

from __future__ import annotations

import json
from typing import Any

from storlet_shell.shelf.select.expressions import Expressions, QuickConditions, columns_of, is_column
from storlet_shell.shelf.select.plan import Plan, chain_operands

_NUMBER_LINES = """\
x = {raw}
if odd and not (x.isascii() and x.isprintable() and "_" not in x):
    v{column} = numeric(x)
elif x:
    try:
        if n{column} and len(x) < 19:
            v{column} = int(x)
        else:
            v{column} = float(x) if "." in x else int(x) if len(x) < 19 else numeric(x)
    except ValueError:
        n{column} = False
        v{column} = numeric(x)
else:
    v{column} = None"""
"""Fewer than 19 characters are within 64 bits. As long as n2 is true, column 2 seems to hold integers only."""

_EXACT_LINES = """
if v{column}.__class__ is float and v{column}.is_integer():
    v{column} = numeric(v{column})"""

_TEXT_LINES = """\
x = {raw}
v{column} = (x or None) if x > ":" or number(x) is None else numeric(x)"""  # no number starts with ":" or what follows

_VALUE_LINES = "v{column} = numeric({raw})"

_LOOP = """\
def loop(rows, out, state, odd):
{prologue}
    for row in rows:
{body}
"""


class Loop:
    """The source of a loop.

    :param source: the opened object
    """

    def __init__(self, plan: Plan, source: Any) -> None:
        self._plan = plan
        self._source = source
        self._expressions = Expressions()
        self._loaded: set[int] = set()
        self._exact = self._columns_of_expressions()
        self._prologue: list[str] = []

    def build(self) -> Any:
        """Return the loop: a function of rows, of what collects results, of a state, and whether fields may be odd.

        For rows, a list collects them, and the state is the largest number of them that is wanted. For groups, a dict
        holds what adds a row's values, and the state is what starts a group; without keys, it is the lists of values.
        """
        body = self._filter_lines()
        body += self._group_lines() if self._plan.has_groups else self._row_lines()
        source = _LOOP.format(
            prologue="\n".join("    " + line for line in self._prologue),
            body="\n".join(" " * 8 + line for line in body),
        )
        code = "\n".join([*self._expressions.functions, source])
        namespace = dict(self._expressions.namespace)
        exec(code, namespace)  # noqa: S102  it is made of this module's templates and of numbers
        return namespace["loop"]

    def _raw(self, column: int) -> str:
        return f"row[{self._source.positions[column]:d}]"

    def _columns_of_expressions(self) -> set[int]:
        """Return the columns that are more than compared or aggregated: only there, 7.0 and 7 differ."""
        plan = self._plan
        nodes = [node for node in [*(plan.rows or []), *plan.keys] if not is_column(node)]
        nodes += [node for _, node in plan.aggregates if node is not None and not is_column(node)]
        nodes += [node for node in self._conditions() if self._quick(node, set()) is None]
        return {column for node in nodes for column in columns_of(node)}

    def _conditions(self) -> list[Any]:
        condition = self._plan.condition
        if condition is None:
            return []
        return chain_operands(condition) if condition[0] == "and" else [condition]

    def _quick(self, node: Any, columns: set[int]) -> Any:
        raw = self._raw if self._source.is_text else None
        return QuickConditions(self._expressions, raw).source(node, columns)

    def _load(self, columns: set[int]) -> list[str]:
        """Return lines that set the values of columns, unless lines before do."""
        lines: list[str] = []
        for column in sorted(columns - self._loaded):
            template = _VALUE_LINES
            if self._source.is_text:
                template = _TEXT_LINES if self._source.holds_texts(column) else _NUMBER_LINES
                if column in self._exact and template is _NUMBER_LINES:
                    template += _EXACT_LINES
                if template is not _TEXT_LINES:
                    self._prologue.append(f"n{column} = {self._source.holds_integers(column)}")
            lines += template.format(column=column, raw=self._raw(column)).split("\n")
        self._loaded |= columns
        return lines

    def _filter_lines(self) -> list[str]:
        """Return lines that skip the rows that aren't wanted, cheap conditions first."""
        raw_lines, quick, general = [], [], []
        for node in self._conditions():
            columns: set[int] = set()
            condition = self._quick(node, columns)
            if condition is None:
                general.append(node)
            elif columns:
                quick.append((node, condition, columns))
            else:
                raw_lines += [f"if not {condition}:", "    continue"]
        lines = raw_lines
        for node, condition, columns in quick:
            lines += self._load(columns | columns_of(node))
            lines += ["try:", f"    if not {condition}:", "        continue", "except TypeError:"]
            lines += [f"    if not {self._expressions.is_true(node)}:", "        continue"]
        for node in general:
            lines += self._load(columns_of(node))
            lines += [f"if not {self._expressions.is_true(node)}:", "    continue"]
        return lines

    def _row_lines(self) -> list[str]:
        computed = [node for node in self._plan.rows if not is_column(node)]
        lines = self._load({column for node in computed for column in columns_of(node)})
        lines.append(f"append([{', '.join(map(self._output, self._plan.rows))}])")
        self._prologue.append("append = out.append")
        if self._plan.limit is not None:
            lines += ["if len(out) == state:", "    break"]
        return lines

    def _output(self, node: Any) -> str:
        if not is_column(node):
            return self._expressions.value(node)
        return f"{self._raw(node[1])} or None" if self._source.is_text else self._raw(node[1])

    def _group_lines(self) -> list[str]:
        keys, arguments = self._plan.keys, list(arguments_of(self._plan).values())
        used = [node for node in keys if not is_column(node)] + arguments
        lines = self._load({column for node in used for column in columns_of(node)})
        values = [self._expressions.value(node) for node in arguments]
        if not keys:
            self._prologue += [f"add{number} = state[{number}].append" for number in range(len(values))]
            return lines + [f"add{number}({value})" for number, value in enumerate(values)]
        sources = [self._raw(node[1]) if is_column(node) else self._expressions.value(node) for node in keys]
        key = sources[0] if len(keys) == 1 else f"({', '.join(sources)})"
        lines += [f"key = {key}", "try:", "    add = out[key]", "except KeyError:", "    add = state(key)"]
        if len(values) == 1:
            return [*lines, f"add({values[0]})"]
        return lines + [f"add[{number}]({value})" for number, value in enumerate(values)]


def arguments_of(plan: Plan) -> dict[str, Any]:
    """Return the different arguments of the aggregates, by their JSON; a constant if they only count rows."""
    nodes = {json.dumps(node): node for _, node in plan.aggregates if node is not None}
    return nodes or {"": ["lit", 1]}
