"""SQLite's operators and their precedence, where sqlglot's differs."""

from __future__ import annotations

from sqlglot import exp

from storlet_shell.select.statement.dialect import Plus

BINARY: dict[type[exp.Expression], tuple[str, int]] = {
    exp.Or: ("or", 0),
    exp.And: ("and", 1),
    exp.EQ: ("=", 3),
    exp.NEQ: ("!=", 3),
    exp.Is: ("is", 3),
    exp.NullSafeEQ: ("is", 3),
    exp.NullSafeNEQ: ("isnot", 3),
    exp.Glob: ("glob", 3),
    exp.LT: ("<", 4),
    exp.LTE: ("<=", 4),
    exp.GT: (">", 4),
    exp.GTE: (">=", 4),
    exp.BitwiseAnd: ("&", 5),
    exp.BitwiseOr: ("|", 5),
    exp.BitwiseLeftShift: ("<<", 5),
    exp.BitwiseRightShift: (">>", 5),
    exp.Add: ("+", 6),
    exp.Sub: ("-", 6),
    exp.Mul: ("*", 7),
    exp.Div: ("/", 7),
    exp.Mod: ("%", 7),
    exp.DPipe: ("||", 8),
}
"""The operators with their precedence in SQLite, from the loosest."""

UNARY: dict[type[exp.Expression], tuple[str, int]] = {
    exp.Not: ("not", 2),
    exp.Neg: ("-", 9),
    Plus: ("+", 9),
    exp.BitwiseNot: ("~", 9),
}
"""The signs and NOT, in the same way."""

_COMPARISON = 3
_COMPARING = (exp.In, exp.Like, exp.Between, exp.Escape, exp.Is, exp.Glob, exp.NullSafeEQ, exp.NullSafeNEQ)


def misplaced_operand(node: exp.Expression) -> exp.Expression | None:
    """Return an operand that SQLite would bind otherwise; None if all bind as in SQLite.

    An operand binds tighter than its operator, or equally and on its left; only one tree of a text does so everywhere.
    """
    level = _level(node)
    if level is None:
        return None
    is_unary = type(node) in UNARY
    operands = [node.this] if isinstance(node, exp.In) else list(node.iter_expressions())
    for number, operand in enumerate(operands):
        inner = _level(operand)
        may_equal = number == 0 or is_unary
        if inner is not None and (inner < level or (inner == level and not may_equal)):
            return operand
    return None


def _level(node: exp.Expression) -> int | None:
    """Return the precedence of an operator; None if the node is delimited by itself."""
    if isinstance(node, exp.Not) and isinstance(node.this, _COMPARING):
        return _COMPARISON  # as in NOT IN
    if type(node) in UNARY:
        return UNARY[type(node)][1]
    if type(node) in BINARY:
        return BINARY[type(node)][1]
    return _COMPARISON if isinstance(node, _COMPARING) else None
