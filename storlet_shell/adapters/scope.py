"""The variables that a line sees where the user's own code runs it: in a function, a comprehension, a class, a module.

Names mean what they mean to Python there. A line's text isn't code, so a nested function takes no variable from the
functions around it for the text's sake; such a name, and any other that Python would not find, is refused rather than
looked up elsewhere: a line may delete what it names.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from abc import abstractmethod
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from types import CodeType, FrameType
from typing import Any

from storlet_shell.errors import UsageError
from storlet_shell.session import GuardedVariables

_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
"""Up to Python 3.11, these are functions, called only by the enclosing code (PEP 709)."""

_CAN_SET_LOCALS = sys.version_info >= (3, 13)
"""Whether a frame's variables can be set from outside (PEP 667)."""


class PromptVariables(MutableMapping[str, Any]):
    """The variables at the user's prompt."""

    @property
    @abstractmethod
    def namespace(self) -> Mapping[str, Any]:
        """The namespace that typed code runs in."""

    def parse(self, text: str) -> ast.AST:
        """Parse a file or a cell of the user's.

        :raises SyntaxError: when it isn't code
        """
        return ast.parse(text)


class Scope:
    """Look up, set, and delete variables as the code of a frame would.

    :param frame: the user's code, at the place that runs a line
    :param user: the variables at the user's prompt
    :param advice: what to do where a variable can't be set; ``{name}`` in it is the variable
    """

    def __init__(self, frame: FrameType, user: PromptVariables, advice: str) -> None:
        self._frame = frame
        self._code = frame.f_code
        self._user = user
        self._advice = advice

    @property
    def _is_function(self) -> bool:
        return bool(self._code.co_flags & inspect.CO_OPTIMIZED)

    @property
    def _is_class(self) -> bool:
        return not self._is_function and self._code.co_name.isidentifier()

    @property
    def _is_copy(self) -> bool:
        """Whether this is a comprehension in a module or class; it doesn't see a class's variables (PEP 709)."""
        return self._frame.f_locals is not self._frame.f_locals

    def find(self, name: str) -> Any:
        """Return the value of a name.

        :raises KeyError: when the variable doesn't exist
        :raises UsageError: when it exists but can't be accessed, or the name is ambiguous
        """
        self._check_is_users(name)
        local = self._frame.f_locals
        if name in local and not (self._is_class and self._is_copy and name not in _names(self._code)):
            return local[name]
        if self._is_function and name in _names(self._code):
            raise UsageError(f"{name} is a variable of {self._label}, and has no value at this point")
        if self._code.co_name in _COMPREHENSIONS and (outer := self._outer) is not None:
            return outer.find(name)
        return self._get_global(name)

    def _check_is_users(self, name: str) -> None:
        """Check that the calling code isn't the standard library's, as when a magic is the target of a thread.

        :raises UsageError: if it is, since it isn't known whose variables to use
        """
        module = str(self._frame.f_globals.get("__name__"))
        if module.partition(".")[0] in sys.stdlib_module_names:
            raise UsageError(
                f"{name} can't be looked up, since Python's module {module} runs the line; put the line into a "
                "function of yours, and pass that"
            )

    def _get_global(self, name: str) -> Any:
        values = self._frame.f_globals
        is_known = name in values or name in self._user
        if owner := self._owner(name, is_known=is_known):
            raise UsageError(
                f"{name} is a variable of {owner}, which {self._label} doesn't take over; {self._way_in(name)}"
            )
        if not is_known:
            raise KeyError(name)
        if name not in values:
            return self._user[name]
        if self._is_module and name in self._user and self._user[name] is not values[name]:
            raise UsageError(
                f"{name} is a variable of module {values.get('__name__')} and another one at your prompt; assign the "
                "one you mean to a name of its own"
            )
        return values[name]

    def _way_in(self, name: str) -> str:
        """Tell how to access a variable of an enclosing function; only named functions can contain statements."""
        if self._label.isidentifier():
            return f"declare nonlocal {name} in {self._label}, or pass it as an argument"
        return "pass it as an argument" if self._label == "<lambda>" else "use a list comprehension, or a loop"

    @property
    def _is_module(self) -> bool:
        values = self._frame.f_globals
        return values is not self._user.namespace and values.get("__name__") != "__main__"

    @property
    def _label(self) -> str:
        return self._code.co_name

    @property
    def _outer(self) -> Scope | None:
        """The scope that encloses a comprehension; None in a class, whose variables it doesn't see."""
        frame = self._frame.f_back
        outer = Scope(frame, self._user, self._advice) if frame is not None else None
        return None if outer is None or outer._is_class else outer

    def _owner(self, name: str, *, is_known: bool) -> str:
        """Return the enclosing function that has a variable; empty if none does.

        :param is_known: whether there is a global variable of the name
        """
        if "<locals>" not in self._code.co_qualname or self._is_declared_global(name):
            return ""
        if self._around is None:
            return "a function around it, perhaps" if is_known else ""
        return next((code.co_name for code in self._around if name in _names(code)), "")

    @cached_property
    def _around(self) -> list[CodeType] | None:
        """The enclosing functions, innermost first; None if the source is unknown."""
        if self._tree is None:
            return None
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        path = _path(compile(self._tree, self._code.co_filename, "exec", flags, dont_inherit=True), self._code)
        return path and [code for code in reversed(path) if code.co_flags & inspect.CO_OPTIMIZED]

    def check(self, name: str) -> None:
        """Check that a variable can be set.

        :raises UsageError: if it can't
        """
        self._check_is_users(name)
        if not self._is_function or self._is_declared_global(name):
            return
        if name in _names(self._code):
            if _CAN_SET_LOCALS:
                return
            why = f"before Python 3.13, a line can't set {self._label}'s variables"
        else:
            why = f"{self._label} has no variable {name}"
        raise UsageError(f"{name} can't be set here: {why}; {self._advice.format(name=name)}")

    def assign(self, name: str, value: Any) -> None:
        """Set a variable, as an assignment in this code would.

        :raises UsageError: if it can't be set
        """
        self.check(name)
        place = self._frame.f_globals
        if name in _names(self._code) if self._is_function else not self._is_copy:
            place = self._frame.f_locals
        if place is self._user.namespace:
            self._user[name] = value
        else:
            place[name] = value

    def delete(self, name: str) -> None:
        """Delete a variable.

        :raises KeyError: if it isn't defined
        :raises UsageError: if it is a variable of a function
        """
        self.find(name)
        if self._is_function and name in self._frame.f_locals:
            raise UsageError(f"{name} is a variable of {self._label}; write del {name}")
        places = (self._frame.f_locals, self._frame.f_globals, self._user)
        del next(place for place in places if name in place)[name]

    def names(self) -> set[str]:
        """Return the names of all variables that can be read."""
        local = self._frame.f_locals
        names = {*self._user} if local is self._user.namespace else {*local, *self._user}
        return {name for name in names if self._has(name)}

    def _has(self, name: str) -> bool:
        try:
            self.find(name)
        except (KeyError, UsageError):
            return False
        return name.isidentifier() and not name.startswith("_")

    def _is_declared_global(self, name: str) -> bool:
        if name in _names(self._code):
            return False
        return self._tree is not None and any(
            name in statement.names for statement in _globals_of(self._tree, self._code)
        )

    @cached_property
    def _tree(self) -> Any:
        """The syntax tree of the code's cell or file; None if it is unknown."""
        text = "".join(linecache.getlines(self._code.co_filename, self._frame.f_globals))
        try:
            return self._user.parse(text) if text else None
        except (SyntaxError, ValueError):  # the file has changed since
            return None


def _names(code: CodeType) -> set[str]:
    """Return the names of a function's variables, including those of enclosing functions that it uses."""
    return {*code.co_varnames, *code.co_cellvars, *code.co_freevars}


def _path(outer: CodeType, sought: CodeType) -> list[CodeType] | None:
    """Return the code objects that enclose another, outermost first; None if it isn't inside."""
    for code in outer.co_consts:
        if isinstance(code, CodeType):
            if (code.co_qualname, code.co_firstlineno) == (sought.co_qualname, sought.co_firstlineno):
                return [outer]
            if (path := _path(code, sought)) is not None:
                return [outer, *path]
    return None


def _globals_of(tree: ast.AST, code: CodeType) -> Iterator[ast.Global]:
    """Yield the declarations of global variables of a function."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != code.co_name:
            continue
        if min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) == code.co_firstlineno:
            yield from _declarations(node)


def _declarations(node: ast.AST) -> Iterator[ast.Global]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Global):
            yield child
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _declarations(child)


class ScopedVariables(GuardedVariables):
    """The user's variables as seen by the code that runs the current line; for a typed line, those at the prompt.

    Each thread and each task has its own current line.

    :param user: the variables at the user's prompt
    :param advice: as for :class:`Scope`
    """

    def __init__(self, user: PromptVariables, advice: str) -> None:
        self._user = user
        self._advice = advice
        self._scope: ContextVar[Scope | None] = ContextVar("scope", default=None)

    @contextmanager
    def seen_from(self, frame: FrameType | None) -> Iterator[None]:
        """Look up variables from a frame within this context."""
        token = self._scope.set(None if frame is None else Scope(frame, self._user, self._advice))
        try:
            yield
        finally:
            self._scope.reset(token)

    def check(self, name: str) -> None:
        """Check that a variable can be set."""
        if scope := self._scope.get():
            scope.check(name)

    def __getitem__(self, name: str) -> Any:
        scope = self._scope.get()
        return scope.find(name) if scope else self._user[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if scope := self._scope.get():
            scope.assign(name, value)
        else:
            self._user[name] = value

    def __delitem__(self, name: str) -> None:
        if scope := self._scope.get():
            scope.delete(name)
        else:
            del self._user[name]

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except KeyError:
            return False
        except UsageError:  # it exists; reading it explains why it is inaccessible
            return True
        return True

    def __iter__(self) -> Iterator[str]:
        scope = self._scope.get()
        return iter(scope.names() if scope else self._user)

    def __len__(self) -> int:
        return len(list(iter(self)))
