"""The registry as xonsh aliases: an xontrib that xonsh loads by itself. The only import of xonsh.

xonsh runs an alias in a thread, several at once in a pipe: each has a session of its own, over one login. Python hands
Ctrl-C to the main thread alone, so a line looks itself whether it was interrupted.
"""

from __future__ import annotations

import ast
import atexit
import builtins
import inspect
import keyword
import re
import select
import shutil
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import IO, Any

from xonsh.built_ins import XonshSession
from xonsh.completers.tools import RichCompletion
from xonsh.parsers.completion_context import CommandContext

from storlet_shell.adapters.console import Console
from storlet_shell.adapters.execution import Outcome, execute
from storlet_shell.adapters.scope import PromptVariables, ScopedVariables
from storlet_shell.errors import ExitStatus
from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.spec.command import Call
from storlet_shell.spec.registry import Registry, parse
from storlet_shell.text import printable
from storlet_shell.wire.observer import Progress, remark

ALWAYS = "storlet"
"""The alias that takes any command, whatever names are taken."""

_ADVICE = "say global {name} there, or run the line outside of it"
"""What to do where a variable can't be set."""

_ABANDONED = Outcome(ExitStatus.INTERRUPTED)
"""The outcome of a line that doesn't end."""

_LOOK = 0.1
_PATIENCE = 2.0
_PLAIN = re.compile(r"[\w./:=+%^-]*")


def _load_xontrib_(xsh: XonshSession, **_: Any) -> dict[str, Any]:
    """Add the aliases to xonsh."""
    # swiftclient imports what warns so, where keystoneclient is installed. Unlike Python, xonsh shows it.
    warnings.filterwarnings("ignore", "'cgi' is deprecated", DeprecationWarning)
    Aliases(xsh).add()
    return {}


def _unload_xontrib_(xsh: XonshSession, **_: Any) -> dict[str, Any]:
    """Remove the aliases."""
    function = getattr(xsh.aliases.get(ALWAYS, [None])[0], "func", None)
    if isinstance(function, _Alias):
        function.owner.remove()
    return {}


class UserVariables(PromptVariables):
    """The user's Python variables; other names are looked up in the environment."""

    def __init__(self, xsh: XonshSession) -> None:
        self._xsh = xsh

    @property
    def namespace(self) -> Mapping[str, Any]:
        """The namespace of typed lines."""
        names: dict[str, Any] = self._xsh.ctx
        return names

    def parse(self, text: str) -> ast.AST:
        """Parse a script, which may contain lines that aren't Python."""
        tree: ast.AST = self._xsh.execer.parse(text, ctx=set(self._xsh.ctx))
        return tree

    def __getitem__(self, name: str) -> Any:
        return self._xsh.ctx[name] if name in self._xsh.ctx else self._xsh.env[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._xsh.ctx[name] = value

    def __delitem__(self, name: str) -> None:
        del self._xsh.ctx[name]

    def __contains__(self, name: object) -> bool:
        return name in self._xsh.ctx or name in self._xsh.env

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in self._xsh.ctx if not name.startswith("_")])

    def __len__(self) -> int:
        return len(list(iter(self)))


class _Line(Console):
    """The surroundings of one line: its streams from xonsh, and whether it was interrupted."""

    goes_on = True
    is_interrupted = False
    before_commands = f"{ALWAYS} "

    def check(self) -> None:
        """Raise an interrupt if the line was interrupted."""
        if self.is_interrupted:
            raise KeyboardInterrupt

    def own_words(self) -> Mapping[str, str]:
        """Return nothing: xonsh has words of its own."""
        return {}

    def show_unless_stored(self, call: Call, result: Result) -> None:
        """Write a result to the line's output, unless it is stored in a variable."""
        if call.store is None:
            self.show(result, call.rendering())

    def is_watched(self) -> bool:
        """Tell whether the process's own input and the line's messages are on a terminal."""
        return bool(sys.__stdin__ and sys.__stdin__.isatty() and self.stderr.isatty())

    def read_answer(self, question: str) -> str:
        """Ask on the terminal; an interrupted line doesn't read input meant for the next one."""
        self.stderr.write(printable(question))
        self.stderr.flush()
        assert sys.__stdin__ is not None
        while not select.select([sys.__stdin__], [], [], _LOOK)[0]:
            self.check()
        return sys.__stdin__.readline().strip()

    def awaits(self, running: int) -> bool:  # noqa: ARG002  the base class's signature
        """Wait briefly: xonsh doesn't wait for an interrupted line, and takes the next Ctrl-C itself."""
        return False

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:
        """Show the progress of a transfer, and end it if it was interrupted."""
        with super().progress(label, total, unit) as shown:
            yield _Checked(self, shown)


class _Checked:
    def __init__(self, line: _Line, shown: Progress) -> None:
        self._line = line
        self._shown = shown

    def advance(self, count: int) -> None:
        """Add to the count, unless the line was interrupted."""
        self._line.check()
        self._shown.advance(count)

    def expect(self, total: int) -> None:
        """Set the total."""
        self._shown.expect(total)

    def remark(self, describe: Callable[[], str]) -> None:
        """Pass a remark on to the progress on display."""
        remark(self._shown, describe)


class _Alias:
    """A command as xonsh calls it.

    :param name: the command; empty for the alias that takes any
    """

    def __init__(self, owner: Aliases, name: str) -> None:
        self.owner = owner
        self.name = name
        self.__name__ = name or ALWAYS
        self.__doc__ = f"The storlet-shell command {name}; {ALWAYS} help {name} shows its arguments."

    def __call__(
        self,
        args: list[str],
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        spec: Any = None,
        stack: Any = None,
    ) -> int:
        """Run the command and return its exit status.

        :param stack: the frames of the code that runs the line, the innermost first
        """
        words = [self.name, *args] if self.name else args
        out = _stream(stdout, sys.__stdout__, spec.stdout, spec.captured_stdout, spec.captured)
        err = _stream(stderr, sys.__stderr__, spec.stderr, spec.captured_stderr, spec.captured)
        line = self.owner.line(getattr(stdin, "buffer", None), out, err)
        return self.owner.run(words or ["help"], line, _caller(stack))

    def xonsh_complete(self, command: CommandContext, **_: Any) -> Iterator[RichCompletion]:
        """Yield completions of the word at the cursor."""
        before = [arg.value for arg in command.args[: command.arg_index]]
        return self.owner.complete(before if self.name else before[1:], command)


def _caller(stack: Sequence[inspect.FrameInfo] | None) -> FrameType | None:
    """Return the frame of the user's code that runs a line; None if it was typed at the prompt, or is unknown."""
    frames = (info.frame for info in stack or ())
    return next((frame for frame in frames if not str(frame.f_globals.get("__name__")).startswith("xonsh.")), None)


def _stream(stream: IO[str], real: IO[str] | None, target: Any, reader: Any, captured: Any) -> IO[str]:
    """Return the stream for a line's output, bypassing xonsh where it would copy the output to the terminal.

    A copy is decoded on the way, so the bytes may change; and its writer can't tell that the output is a terminal.
    """
    is_copied = captured == "hiddenobject" and reader is not None and reader is not target
    return real if is_copied and real is not None else stream


class Aliases:
    """The commands of a registry as aliases of one xonsh."""

    def __init__(self, xsh: XonshSession) -> None:
        self._xsh = xsh
        self._registry = Registry()
        self._variables = ScopedVariables(UserVariables(xsh), _ADVICE)
        self._first = Session(self.line(), self._variables)
        self._idle = [self._first]
        self._added: dict[str, _Alias] = {}
        self._untold: list[str] = []
        self._lock = threading.Lock()

    def add(self) -> None:
        """Add an alias for each command whose name is free, without importing the commands."""
        names = self._registry.names()
        self._untold = [name for name in names if not self._is_free(name)]
        for name in ("", *(name for name in names if name not in self._untold)):
            alias = self._added[name or ALWAYS] = _Alias(self, name)
            self._xsh.aliases[name or ALWAYS] = alias
        atexit.register(self.close)

    def _is_free(self, name: str) -> bool:
        """Tell whether a name is unused: not a program, an alias, or a name in Python."""
        is_python = hasattr(builtins, name) or keyword.iskeyword(name)
        return not is_python and name not in self._xsh.aliases and shutil.which(name) is None

    def remove(self) -> None:
        """Remove the aliases that are still ours, and end the sessions."""
        for name, alias in self._added.items():
            if getattr(self._xsh.aliases.get(name, [None])[0], "func", None) is alias:
                del self._xsh.aliases[name]
        atexit.unregister(self.close)
        self.close()

    def close(self) -> None:
        """Close the connections of every session that isn't in use."""
        for session in self._idle:
            session.close()

    def line(self, stdin: IO[bytes] | None = None, out: IO[str] | None = None, err: IO[str] | None = None) -> _Line:
        """Return the surroundings of a line: its streams, and the current environment."""
        environ = self._xsh.env.detype()
        return _Line(environ, stdin, lambda: out or sys.stdout, lambda: err or sys.stderr)

    def run(self, words: list[str], line: _Line, caller: FrameType | None) -> int:
        """Run a line and return its exit status.

        :param caller: the user's code that runs it
        """
        self._tell(line)
        outcome = self._attend(line, words, caller)
        if isinstance(outcome.error, BrokenPipeError):  # the other end has read as much as it wants
            return ExitStatus.OK
        return line.conclude(outcome)

    def _tell(self, line: _Line) -> None:
        """Warn an interactive user once about skipped aliases."""
        if self._untold and self._xsh.env.get("XONSH_INTERACTIVE"):
            line.warn(
                f"already defined, not replaced: {', '.join(self._untold)}; use {ALWAYS} {self._untold[0]} … instead"
            )
        self._untold = []

    def _attend(self, line: _Line, words: list[str], caller: FrameType | None) -> Outcome:
        """Run a line in a thread; if it doesn't end after an interrupt, leave it running in the background."""
        session, outcomes = self._borrow(), [_ABANDONED]
        session.surroundings = line

        def work() -> None:
            with self._variables.seen_from(caller):
                outcomes.append(execute(self._parsed(words, line), session, line.show_unless_stored))

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        while worker.is_alive():
            try:
                worker.join(_LOOK)
                # xonsh notes Ctrl-C on the thread of the alias.
                line.is_interrupted |= getattr(threading.current_thread(), "_interrupted", False)
            except KeyboardInterrupt:  # without threads ($THREAD_SUBPROCS), this is the main one
                line.is_interrupted = True
            if line.is_interrupted:
                worker.join(_PATIENCE)
                break
        if not worker.is_alive():
            self._idle.append(session)
        elif session is self._first:
            self._first = session.another(line)
            self._idle.append(self._first)
        return outcomes[-1]

    @contextmanager
    def _parsed(self, words: list[str], line: _Line) -> Iterator[Call]:
        yield parse(self._registry, words, out=line.stdout)

    def _borrow(self) -> Session:
        """Return a session that no other line is using; all sessions share one login."""
        with self._lock:
            return self._idle.pop() if self._idle else self._first.another(self.line())

    def complete(self, words: list[str], command: CommandContext) -> Iterator[RichCompletion]:
        """Yield completions of a word, quoted where necessary."""
        from storlet_shell.adapters.completion.cursor import (
            candidates,  # with it come the HTTP libraries, which loading does not need
        )

        if self._first in self._idle:
            self._first.surroundings = self.line()
        for entry in candidates(self._first, self._registry, words, command.prefix):
            text = entry.text if command.opening_quote else _quoted(entry.text)
            yield RichCompletion(
                text,
                prefix_len=len(command.prefix),
                display=entry.text,
                description=entry.note,
                append_space=entry.final,
            )


def _quoted(text: str) -> str:
    """Quote a word for xonsh, where quoted words are Python strings, and ``$`` is literal only in raw strings."""
    if _PLAIN.fullmatch(text):
        return text
    return f"r'{text}'" if "$" in text and "'" not in text else repr(text)
