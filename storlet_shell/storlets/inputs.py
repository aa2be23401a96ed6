"""Determine the maximum number of inputs that a Python storlet can read, from its syntax tree.

A storlet that reads only ``in_files[0]``, as nearly all do, silently drops the other inputs of a run. The analysis
follows the list of files through ``__call__`` of the main class and the functions that get the list. In any doubt, the
number is unknown: a storlet that would read its inputs must never be refused.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_BUILTINS = frozenset({"bool", "iter", "len", "next", "zip"})
"""Built-in functions that are understood, unless their names are bound to something else."""

_UNPREDICTABLE = frozenset(
    {"eval", "exec", "locals", "vars", "globals", "setattr", "delattr", "_getframe", "currentframe", "gc", "__dict__"}
    | {"__getattribute__", "__init_subclass__", "__new__", "__class__", "f_locals", "*"}
)
"""Names that allow code to do what its syntax doesn't show."""

_DEPTH = 8


class _UnknownError(Exception):
    """The source doesn't show what happens to the files."""


def count_read(tree: ast.Module, main: str) -> int | None:
    """Return the maximum number of inputs that a storlet's class can read; None if unknown.

    :param main: the name of the class
    """
    module = ast.Module([statement for statement in tree.body if not is_isolated(statement)], [])
    try:
        return len(_Reader(module, main).read())
    except (_UnknownError, RecursionError):
        return None


class _Scope:
    """A function that gets the list of input files.

    :param files: the parameter for the input files
    :param outputs: the parameter for the output files, of which each run has one; empty without such a parameter
    :param receiver: the parameter for the object, usually ``self``; empty for plain functions
    :param depth: the maximum depth of further calls
    """

    def __init__(self, function: ast.FunctionDef, files: str, outputs: str, receiver: str, depth: int) -> None:
        self.nodes = list(ast.walk(function))
        if not depth or any(isinstance(node, ast.Yield | ast.YieldFrom | ast.Await) for node in self.nodes):
            raise _UnknownError  # recursive, or a call doesn't run it yet
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self.names = self._aliases(files)
        self.outputs = outputs if self._is_constant(outputs) else ""
        self.receiver = receiver if self._is_constant(receiver) else ""
        self.depth = depth

    def _is_constant(self, parameter: str) -> bool:
        """Tell whether a parameter is never rebound in the function, or in functions within it."""
        return sum(bindings(node).count(parameter) for node in self.nodes) == 1

    def _aliases(self, files: str) -> set[str]:
        """Return all names of the files in the function, including the parameter."""
        names, count = {files}, 0
        while len(names) > count:
            count = len(names)
            for node in self.nodes:
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in names:
                    names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        return names

    def loads(self, names: set[str]) -> Iterator[ast.Name]:
        """Yield the uses of names."""
        for node in self.nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
                yield node

    def is_used(self, name: str) -> bool:
        """Tell whether a name is used in the function, or may be elsewhere."""
        is_global = any(isinstance(node, ast.Global) and name in node.names for node in self.nodes)
        return is_global or any(self.loads({name}))

    def are_outputs(self, node: ast.expr) -> bool:
        """Tell whether an expression is the unmodified list of output files."""
        for use in self.loads({self.outputs}):
            parent = self.parents[use]
            is_zipped = isinstance(parent, ast.Call) and _name(parent.func) == "zip"
            is_read = isinstance(parent, ast.Subscript) and parent.value is use and isinstance(parent.ctx, ast.Load)
            if not is_zipped and not is_read:
                return False
        return isinstance(node, ast.Name) and node.id == self.outputs


class _Reader:
    """Follows the list of input files.

    The result is a set of positions. Different ones may be the same file (0 and -1), so their number is an upper bound.
    """

    def __init__(self, tree: ast.Module, main: str) -> None:
        nodes = list(ast.walk(tree))
        if any(_name(node) in _UNPREDICTABLE for node in nodes):
            raise _UnknownError  # including the * of an import, which may replace any name
        self._tree = tree
        self._bound = [name for node in nodes for name in bindings(node)]
        self._stored = {node.attr for node in nodes if isinstance(node, ast.Attribute) and _is_stored(node)}
        self._classes = list(self._lineage(main))

    def read(self) -> set[object]:
        """Return the positions that ``__call__`` reads."""
        call = self._method("__call__")
        names = _parameters(call)
        if len(names) < 2:
            raise _UnknownError
        return self._follow(_Scope(call, names[1], names[2] if len(names) > 2 else "", names[0], _DEPTH))

    def _lineage(self, name: str) -> Iterator[ast.ClassDef]:
        """Yield a class of the module and its bases, in the order of method lookup."""
        for _ in range(_DEPTH):
            if name == "object":
                return
            matches = [node for node in self._tree.body if isinstance(node, ast.ClassDef) and node.name == name]
            if self._bound.count(name) != 1 or not matches or matches[0].decorator_list or matches[0].keywords:
                break
            yield matches[0]
            bases = matches[0].bases
            if len(bases) > 1 or not all(isinstance(base, ast.Name) for base in bases):
                break
            name = _name(bases[0]) if bases else "object"
        raise _UnknownError

    def _method(self, name: str) -> ast.FunctionDef:
        """Return the function of a method."""
        is_private = name.startswith("__") and not name.endswith("__")  # mangled, so each class has its own
        if name in self._stored or (is_private and len(self._classes) > 1):
            raise _UnknownError
        for node in self._classes:
            functions = [item for item in node.body if name in bound_within(item)]
            if functions:
                return _plain(functions)
        raise _UnknownError

    def _function(self, name: str) -> ast.FunctionDef:
        """Return the function with a name in the module."""
        if self._bound.count(name) != 1 or name in self._stored:
            raise _UnknownError
        return _plain([item for item in self._tree.body if name in bound_within(item)])

    def _follow(self, scope: _Scope) -> set[object]:
        """Return the positions that a function reads."""
        for node in scope.nodes:
            if isinstance(node, ast.Global | ast.Nonlocal) and scope.names & set(node.names):
                raise _UnknownError
            if isinstance(node, ast.ClassDef) and any(_name(inner) in scope.names for inner in ast.walk(node)):
                raise _UnknownError  # an attribute may refer to them
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del) and node.id in scope.names:
                raise _UnknownError
        return {position for node in scope.loads(scope.names) for position in self._use(node, scope)}

    def _use(self, node: ast.Name, scope: _Scope) -> set[object]:
        """Return the positions that a use of the files reads."""
        parent = scope.parents[node]
        if isinstance(parent, ast.Subscript) and parent.value is node and isinstance(parent.ctx, ast.Load):
            return _items(parent.slice)
        if isinstance(parent, ast.Assign) and parent.value is node:
            return _unpacked(parent, scope)
        if isinstance(parent, ast.For) and parent.iter is node:
            return _first_only(parent)
        if isinstance(parent, ast.If | ast.While | ast.IfExp | ast.Assert) and parent.test is node:
            return set()
        if isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not):
            return set()
        if isinstance(parent, ast.Call) and node in parent.args:
            name = _name(parent.func) if isinstance(parent.func, ast.Name) else ""
            return self._built_in(parent, scope) if name in _BUILTINS else self._handed_over(node, parent, scope)
        raise _UnknownError

    def _handed_over(self, node: ast.Name, call: ast.Call, scope: _Scope) -> set[object]:
        """Return the positions that another function of the module reads."""
        position = call.args.index(node)
        if any(isinstance(argument, ast.Starred) for argument in call.args[:position]):
            raise _UnknownError
        receiver = ""
        if isinstance(call.func, ast.Name):
            function = self._function(call.func.id)
        elif isinstance(call.func, ast.Attribute) and scope.receiver and _name(call.func.value) == scope.receiver:
            function, position = self._method(call.func.attr), position + 1
            receiver = next(iter(_parameters(function)), "")
        else:
            raise _UnknownError
        parameters = _parameters(function)
        if position >= len(parameters):
            raise _UnknownError
        return self._follow(_Scope(function, parameters[position], "", receiver, scope.depth - 1))

    def _built_in(self, call: ast.Call, scope: _Scope) -> set[object]:
        """Return the positions that a built-in function reads."""
        name, around = _name(call.func), scope.parents[call]
        if name in self._bound or call.keywords:
            raise _UnknownError
        if name in ("len", "bool"):
            return set()
        is_next = isinstance(around, ast.Call) and isinstance(around.func, ast.Name) and around.func.id == "next"
        if name == "iter" and is_next and "next" not in self._bound:
            return {0}
        if name == "zip" and any(scope.are_outputs(argument) for argument in call.args):
            return {0}  # zip ends with the shortest list
        raise _UnknownError


def is_isolated(statement: ast.stmt) -> bool:
    """Tell whether a statement runs code in a namespace of its own, like the one that ``deploy`` adds (renewal)."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and _name(call.func) == "exec"
        and len(call.args) == 2
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[1], ast.Dict)
    )


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.alias):
        return node.name
    return ""


def bindings(node: ast.AST) -> list[str]:
    """Return the names that a node binds, without those of nodes within it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.alias):
        return [(node.asname or node.name).split(".")[0]]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        return [node.name]
    return []


def bound_within(statement: ast.stmt) -> list[str]:
    """Return the names that a statement of a module or a class binds; of a function or a class, only its own."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return bindings(statement)
    return [name for node in ast.walk(statement) for name in bindings(node)]


def _is_stored(node: ast.Attribute) -> bool:
    return not isinstance(node.ctx, ast.Load)


def _plain(nodes: list[ast.stmt]) -> ast.FunctionDef:
    """Return the only definition of a name if it is a function without decorators."""
    if len(nodes) != 1 or not isinstance(nodes[0], ast.FunctionDef) or nodes[0].decorator_list:
        raise _UnknownError
    return nodes[0]


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]


def _items(index: ast.expr) -> set[object]:
    """Return the positions in an index or a slice."""
    match index:
        case ast.Constant(value=int(number)) if type(number) is int:
            return {number}
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))) if type(number) is int:
            return {-number}
        case ast.Slice(lower=None | ast.Constant(value=0), upper=ast.Constant(value=int(end)), step=None) if end >= 0:
            return set(range(end))
    raise _UnknownError


def _unpacked(assignment: ast.Assign, scope: _Scope) -> set[object]:
    """Return the positions that an assignment reads: none for an alias, the names before ``*others`` otherwise."""
    positions: set[object] = set()
    for target in assignment.targets:
        if isinstance(target, ast.Name):
            continue
        if not isinstance(target, ast.Tuple | ast.List):
            raise _UnknownError
        for number, element in enumerate(target.elts):
            if not isinstance(element, ast.Starred):
                positions.add((id(target), number))
            elif not isinstance(element.value, ast.Name) or scope.is_used(element.value.id):
                raise _UnknownError
    return positions


def _first_only(loop: ast.For) -> set[object]:
    """Return the positions that a loop reads, if it certainly ends with the first file."""
    inner = [node for statement in loop.body for node in ast.walk(statement)]
    if isinstance(loop.body[-1], ast.Break | ast.Return) and not any(isinstance(node, ast.Continue) for node in inner):
        return {0}
    raise _UnknownError
