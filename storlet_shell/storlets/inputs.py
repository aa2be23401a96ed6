"""How many of its inputs a Python storlet can read at most, as far as its syntax tree tells.

A storlet that reads ``in_files[0]`` only, as nearly all do, drops the other inputs of a run in silence. The list of the
files is followed through the main class's ``__call__`` and the functions of the file that are called with it. Whatever
isn't surely understood means that nothing is known: a storlet must never be refused that would have read its inputs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_BUILTINS = frozenset({"bool", "iter", "len", "next", "zip"})
"""Built-in functions that are understood where no other thing has their names."""

_UNPREDICTABLE = frozenset(
    {"eval", "exec", "locals", "vars", "globals", "setattr", "delattr", "_getframe", "currentframe", "gc", "__dict__"}
    | {"__getattribute__", "__init_subclass__", "__new__", "__class__", "f_locals", "*"}
)
"""Names with which code can do what its syntax doesn't show."""

_DEPTH = 8


class _UnknownError(Exception):
    """The source doesn't tell what becomes of the files."""


def count_read(tree: ast.Module, main: str) -> int | None:
    """Return how many inputs a storlet's class can read at most; None if that isn't known.

    :param main: the class's name
    """
    own = ast.Module([statement for statement in tree.body if not _is_elsewhere(statement)], [])
    try:
        return len(_Reader(own, main).read())
    except (_UnknownError, RecursionError):
        return None


class _Scope:
    """A function that gets the list of the input files.

    :param files: the parameter that holds it
    :param outputs: the parameter that holds the list of the output files, one in every run; empty if there is none
    :param depth: how many calls deeper may be followed
    """

    def __init__(self, function: ast.FunctionDef, files: str, outputs: str, own: str, depth: int) -> None:
        self.nodes = list(ast.walk(function))
        if not depth or any(isinstance(node, ast.Yield | ast.YieldFrom | ast.Await) for node in self.nodes):
            raise _UnknownError  # it is recursive, or calling it runs nothing yet
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self.names = self._aliases(files)
        self.outputs = outputs if self._is_constant(outputs) else ""
        self.own = own if self._is_constant(own) else ""
        self.depth = depth

    def _is_constant(self, parameter: str) -> bool:
        """Tell whether a parameter stands for one thing in all of the function, functions within it included."""
        return sum(_bindings(node).count(parameter) for node in self.nodes) == 1

    def _aliases(self, files: str) -> set[str]:
        """Return the names that the function gives to the files, the one that they come by included."""
        names, count = {files}, 0
        while len(names) > count:
            count = len(names)
            for node in self.nodes:
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in names:
                    names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        return names

    def loads(self, names: set[str]) -> Iterator[ast.Name]:
        """Yield where names are used."""
        for node in self.nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
                yield node

    def is_used(self, name: str) -> bool:
        """Tell whether a name is used in the function, or may be elsewhere."""
        is_global = any(isinstance(node, ast.Global) and name in node.names for node in self.nodes)
        return is_global or any(self.loads({name}))

    def are_outputs(self, node: ast.expr) -> bool:
        """Tell whether an expression is the list of the output files, as it came."""
        for use in self.loads({self.outputs}):
            parent = self.parents[use]
            is_zipped = isinstance(parent, ast.Call) and _name(parent.func) == "zip"
            is_read = isinstance(parent, ast.Subscript) and parent.value is use and isinstance(parent.ctx, ast.Load)
            if not is_zipped and not is_read:
                return False
        return isinstance(node, ast.Name) and node.id == self.outputs


class _Reader:
    """Follows the list of the input files.

    What is read is a set of positions: two that differ may be one file (0 and -1), so their number is an upper bound.
    """

    def __init__(self, tree: ast.Module, main: str) -> None:
        nodes = list(ast.walk(tree))
        if any(_name(node) in _UNPREDICTABLE for node in nodes):
            raise _UnknownError  # among them is the * of an import, which may replace any name
        self._tree = tree
        self._bound = [name for node in nodes for name in _bindings(node)]
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
        """Yield a class of the file and its bases, as methods are looked up."""
        for _ in range(_DEPTH):
            if name == "object":
                return
            found = [node for node in self._tree.body if isinstance(node, ast.ClassDef) and node.name == name]
            if self._bound.count(name) != 1 or not found or found[0].decorator_list or found[0].keywords:
                break
            yield found[0]
            bases = found[0].bases
            if len(bases) > 1 or not all(isinstance(base, ast.Name) for base in bases):
                break
            name = _name(bases[0]) if bases else "object"
        raise _UnknownError

    def _method(self, name: str) -> ast.FunctionDef:
        """Return the function that a method's name stands for."""
        is_private = name.startswith("__") and not name.endswith("__")  # then it is each class's own
        if name in self._stored or (is_private and len(self._classes) > 1):
            raise _UnknownError
        for node in self._classes:
            functions = [item for item in node.body if name in _bound_within(item)]
            if functions:
                return _plain(functions)
        raise _UnknownError

    def _function(self, name: str) -> ast.FunctionDef:
        """Return the function that a name stands for in all of the module."""
        if self._bound.count(name) != 1 or name in self._stored:
            raise _UnknownError
        return _plain([item for item in self._tree.body if name in _bound_within(item)])

    def _follow(self, scope: _Scope) -> set[object]:
        """Return what a function reads of the files that it gets."""
        for node in scope.nodes:
            if isinstance(node, ast.Global | ast.Nonlocal) and scope.names & set(node.names):
                raise _UnknownError
            if isinstance(node, ast.ClassDef) and any(_name(inner) in scope.names for inner in ast.walk(node)):
                raise _UnknownError  # an attribute may hold them
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del) and node.id in scope.names:
                raise _UnknownError
        return {position for node in scope.loads(scope.names) for position in self._use(node, scope)}

    def _use(self, node: ast.Name, scope: _Scope) -> set[object]:
        """Return what is read where a name of the files stands."""
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
        """Return what is read by a function of the file that gets the files."""
        position = call.args.index(node)
        if any(isinstance(argument, ast.Starred) for argument in call.args[:position]):
            raise _UnknownError
        own = ""
        if isinstance(call.func, ast.Name):
            function = self._function(call.func.id)
        elif isinstance(call.func, ast.Attribute) and scope.own and _name(call.func.value) == scope.own:
            function, position = self._method(call.func.attr), position + 1
            own = next(iter(_parameters(function)), "")
        else:
            raise _UnknownError
        parameters = _parameters(function)
        if position >= len(parameters):
            raise _UnknownError
        return self._follow(_Scope(function, parameters[position], "", own, scope.depth - 1))

    def _built_in(self, call: ast.Call, scope: _Scope) -> set[object]:
        """Return what is read by a built-in function that gets the files."""
        name, around = _name(call.func), scope.parents[call]
        if name in self._bound or call.keywords:
            raise _UnknownError
        if name in ("len", "bool"):
            return set()
        is_next = isinstance(around, ast.Call) and isinstance(around.func, ast.Name) and around.func.id == "next"
        if name == "iter" and is_next and "next" not in self._bound:
            return {0}
        if name == "zip" and any(scope.are_outputs(argument) for argument in call.args):
            return {0}  # it ends with the shortest of the lists
        raise _UnknownError


def _is_elsewhere(statement: ast.stmt) -> bool:
    """Tell whether a statement runs code that sees nothing of the module, as ``deploy`` puts at its top (renewal)."""
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


def _bindings(node: ast.AST) -> list[str]:
    """Return the names that a node itself binds."""
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


def _bound_within(statement: ast.stmt) -> list[str]:
    """Return the names that a statement of a module or a class binds there, or somewhere deeper in it."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return _bindings(statement)
    return [name for node in ast.walk(statement) for name in _bindings(node)]


def _is_stored(node: ast.Attribute) -> bool:
    return not isinstance(node.ctx, ast.Load)


def _plain(nodes: list[ast.stmt]) -> ast.FunctionDef:
    """Return a name's only definition, if it is a function as it stands there."""
    if len(nodes) != 1 or not isinstance(nodes[0], ast.FunctionDef) or nodes[0].decorator_list:
        raise _UnknownError
    return nodes[0]


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]


def _items(index: ast.expr) -> set[object]:
    """Return the positions of an index or a slice."""
    match index:
        case ast.Constant(value=int(number)) if type(number) is int:
            return {number}
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))) if type(number) is int:
            return {-number}
        case ast.Slice(lower=None | ast.Constant(value=0), upper=ast.Constant(value=int(end)), step=None) if end >= 0:
            return set(range(end))
    raise _UnknownError


def _unpacked(assignment: ast.Assign, scope: _Scope) -> set[object]:
    """Return what an assignment of the files reads: nothing by another name, or the names of ``first, *others``."""
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
    """Return what a loop over the files reads, if it surely ends with the first of them."""
    inner = [node for statement in loop.body for node in ast.walk(statement)]
    if isinstance(loop.body[-1], ast.Break | ast.Return) and not any(isinstance(node, ast.Continue) for node in inner):
        return {0}
    raise _UnknownError
