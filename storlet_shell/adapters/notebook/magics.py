"""The registry as IPython magics: ``%load_ext storlet_shell``. The only import of IPython."""

from __future__ import annotations

import atexit
import inspect
import json
import os
import re
import shlex
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import needs_local_scope, no_var_expand
from IPython.display import display

from storlet_shell.adapters.execution import Outcome, execute
from storlet_shell.adapters.notebook.expansion import expand, expand_begun, go_on
from storlet_shell.adapters.notebook.page import ALWAYS, Handle, Notebook
from storlet_shell.adapters.scope import PromptVariables, ScopedVariables
from storlet_shell.errors import UsageError
from storlet_shell.results import Result
from storlet_shell.results.formats import DOCUMENT, PEOPLE, Formatted
from storlet_shell.results.tables import chosen
from storlet_shell.session import Session
from storlet_shell.spec.command import Call, Command
from storlet_shell.spec.parser import Parser
from storlet_shell.spec.registry import Registry
from storlet_shell.spec.summary import Summary
from storlet_shell.text import printable

_KEY = "storlet_shell"
_ADVICE = "write {name} = %get …"
"""What to do where a variable can't be set."""

SUBSTITUTE = "s"
"""In front of a command whose name IPython has already: ``%sls``."""

_STORED = re.compile(r"\s*([^\s<]+)\s*<<\s*(.*)", re.DOTALL)
_LINE = re.compile(r"\s*(?:[\w\s.,*\[\]'\"()]+=\s*)?(%{0,2})([\w-]+)(\s+.*)", re.DOTALL)

_TOKEN = re.compile(r"""\\.|'[^']*'|"(?:[^"\\]|\\.)*"|\s+|[^\s'"\\]+|['"\\]""", re.DOTALL)

Magic = Callable[..., Any]


def load(shell: InteractiveShell) -> None:
    """Add the magics to a shell; reloading replaces them."""
    unload(shell)
    magics = shell.meta[_KEY] = StorletMagics(shell)
    magics.add()


def unload(shell: InteractiveShell) -> None:
    """Take away everything that :func:`load` has added."""
    magics = shell.meta.pop(_KEY, None)
    if magics is not None:
        magics.remove()


class UserVariables(PromptVariables):
    """The user's namespace; iteration leaves out what IPython itself keeps there."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    @property
    def namespace(self) -> Mapping[str, Any]:
        """The namespace of cells."""
        names: dict[str, Any] = self._shell.user_ns
        return names

    def __getitem__(self, name: str) -> Any:
        return self._shell.user_ns[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._shell.push({name: value})  # type: ignore[no-untyped-call]

    def __delitem__(self, name: str) -> None:
        del self._shell.user_ns[name]

    def __contains__(self, name: object) -> bool:
        return name in self._shell.user_ns

    def __iter__(self) -> Iterator[str]:
        hidden = self._shell.user_ns_hidden
        return iter([name for name in self._shell.user_ns if not name.startswith("_") and name not in hidden])

    def __len__(self) -> int:
        return len(list(iter(self)))


class FrontEnd:
    """Where the output of a shell's cells is displayed."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._kernel = getattr(shell, "kernel", None)
        self.is_kernel = self._kernel is not None

    def is_watched(self) -> bool:
        """Tell whether a user is there: at a terminal, or at a front end that takes input, unlike nbclient."""
        if self._kernel is None:
            return sys.stdin is not None and sys.stdin.isatty()
        return bool(self._kernel.get_parent("shell").get("content", {}).get("allow_stdin"))

    def show(self, shown: object) -> Handle:
        """Display something below the cell that can be updated."""
        handle: Handle = display(shown, display_id=True)  # type: ignore[no-untyped-call]
        return handle


class StorletMagics:
    """The commands of a registry in one shell, over one session."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._registry = Registry(Notebook.further_commands)
        self._front_end = FrontEnd(shell)
        self._variables = ScopedVariables(UserVariables(shell), _ADVICE)
        self.session = Session(Notebook(os.environ, self._front_end), self._variables)
        self._added: dict[tuple[str, str], Magic] = {}
        self._parsers: dict[str, Parser] = {}
        self._parsing = threading.Lock()  # argparse changes a parser while it parses options between words

    def add(self) -> None:
        """Register a magic for each free name, another name for each that IPython has, and report those."""
        conflicts: dict[str, tuple[Magic, tuple[str, ...]]] = {}
        for summary in self._registry.summaries():
            kinds = ("line", "cell") if summary.takes_body else ("line",)
            magic = self._magic_of(summary)
            for name in (summary.name, *summary.aliases):
                if not self._register(name, magic, kinds):
                    conflicts[name] = magic, kinds
        if not self._register(ALWAYS, self._magic_of(None), ("line", "cell")):
            conflicts[ALWAYS] = self._magic_of(None), ("line", "cell")
        others = [SUBSTITUTE + name for name, magic in conflicts.items() if self._register(SUBSTITUTE + name, *magic)]
        self._shell.Completer.custom_matchers.append(self.match)
        atexit.register(self.session.close)
        self._say(list(conflicts), others)

    def _say(self, conflicts: list[str], others: list[str]) -> None:
        """Report what can't be used, and the names to use instead of those that IPython has."""
        lines = [f"not usable: {unusable}" for unusable in self._registry.broken]
        if conflicts:
            instead = f"{', '.join(_magics(others))}, or %{ALWAYS} COMMAND" if others else f"%{ALWAYS} COMMAND"
            lines.append(f"{', '.join(_magics(conflicts))}: already defined in IPython, not replaced; use {instead}")
        stream = sys.stdout if self._front_end.is_kernel else sys.stderr  # on a page, the latter looks like an error
        stream.write("".join(f"storlet_shell: {line}\n" for line in lines))

    def _register(self, name: str, magic: Magic, kinds: tuple[str, ...]) -> bool:
        manager = self._shell.magics_manager
        if any(name in manager.magics[kind] for kind in ("line", "cell")):
            return False
        for kind in kinds:
            manager.register_function(magic, magic_kind=kind, magic_name=name)
            self._added[kind, name] = magic
        return True

    def remove(self) -> None:
        """Take away the magics that are still ours, and the matcher, and end the session."""
        manager = self._shell.magics_manager
        for (kind, name), magic in self._added.items():
            if manager.magics[kind].get(name) is magic:
                del manager.magics[kind][name]
            if vars(manager.user_magics).get(name) is magic:
                delattr(manager.user_magics, name)
        self._added.clear()
        self._shell.Completer.custom_matchers.remove(self.match)
        atexit.unregister(self.session.close)
        self.session.close()

    def _magic_of(self, summary: Summary | None) -> Magic:
        """Make the function of a magic: for one command, or for all of them."""
        name = summary.name if summary else None

        @needs_local_scope
        @no_var_expand
        def magic(line: str, cell: str | None = None, local_ns: Any = None) -> Any:
            with self._variables.seen_from(_caller(None if cell is not None else local_ns)):
                return self.run(name, line, cell)

        magic.__name__ = magic.__qualname__ = name or ALWAYS
        magic.__doc__ = summary.summary if summary else self._help()
        if name is not None:
            # IPython calls it for ``%get?``; rendering all help texts would import all commands.
            magic.getdoc = lambda: self._usage(name)  # type: ignore[attr-defined]
        return magic

    def _parser(self, command: Command) -> Parser:
        """Return a command's parser; building it for each line would take as long as a warm request."""
        if command.name not in self._parsers:
            self._parsers[command.name] = command.parser(Parser)
        return self._parsers[command.name]

    def _usage(self, name: str) -> str:
        """Return a command's help, under a name that its magic has."""
        from storlet_shell.adapters.notebook.usage import usage  # for those who ask for it

        command = self._registry.get(name)
        names = [magic for kind, magic in self._added if kind == "line" and self._added[kind, magic].__name__ == name]
        magic = name if name in names else names[0] if names else f"{ALWAYS} {name}"
        return usage(command, magic, takes_body=bool(command.body))

    def _help(self) -> str:
        commands = "\n".join(f"  {entry.name:<12} {entry.summary}" for entry in self._registry.summaries())
        return f"Run a storlet-shell command: %{ALWAYS} COMMAND …, with a body %%{ALWAYS} COMMAND …\n\n{commands}"

    def run(self, name: str | None, line: str, cell: str | None) -> Any:
        """Run a magic and return the cell's value: None when the result was stored.

        :param name: the command; None if it is the line's first word
        :raises IPythonUsageError: when the arguments are wrong
        :raises StorletShellError: anything else that is expected; IPython shows it in short
        :raises Interrupted: when the cell was interrupted
        """
        value = _Value()
        line, is_silent = _without_ending(line)
        outcome = execute(self._parsed(name, line, cell), self.session, value.take)
        if outcome.error is None:
            return None if is_silent else value.shown
        if outcome.partial is not None:
            self._keep(outcome.partial, value.shown)
        raise _as_shown(outcome)

    def _keep(self, result: Result, shown: Any) -> None:
        """Show a result, and store it in ``_``: an exception keeps IPython from both.

        :param shown: its shown form; None when it was stored under a name
        """
        if shown is not None:
            display(shown)  # type: ignore[no-untyped-call]
        self._shell.displayhook.update_user_ns(result if shown is None else shown)  # type: ignore[no-untyped-call]

    @contextmanager
    def _parsed(self, name: str | None, line: str, cell: str | None) -> Iterator[Call]:
        yield self._parse(name, line, cell)

    def _parse(self, name: str | None, line: str, cell: str | None) -> Call:
        stored = _STORED.match(line)
        words = _words(stored[2] if stored else line)
        words = [expand(word, self.session.variables) for word in words]
        if name is None:
            if not words and cell is not None:
                raise UsageError(f"a command is missing: %%{ALWAYS} COMMAND …; try: %{ALWAYS} help")
            name = words.pop(0) if words else "help"
        command, words = self._registry.get(name).choose(words)
        with self._parsing:
            arguments = vars(self._parser(command).parse_words(words))
        call = command.bind(arguments, None if cell is None else _encoded(cell))
        if stored is None:
            return call
        if call.store is not None:
            raise UsageError(f"-o {call.store}: the result goes to {stored[1]} already")
        return call._replace(store=stored[1])

    @context_matcher(priority=100, identifier=_KEY)  # type: ignore[untyped-decorator]
    def match(self, context: CompletionContext) -> SimpleMatcherResult:
        """Complete what stands at the cursor of a magic's line; never an exception, and always within a second."""
        try:
            return self._match(context.text_until_cursor)
        except Exception:  # Tab shows no errors; the command will
            return {"completions": []}

    def _match(self, text: str) -> SimpleMatcherResult:
        from storlet_shell.adapters.completion import (
            cursor,  # with it come the HTTP libraries, which loading does not need
        )

        line = _LINE.fullmatch(text)
        name = self._command_at(line) if line else None
        if line is None or name is None:
            return {"completions": []}
        stored = _STORED.match(line[3])
        at = cursor.split(stored[2] if stored else line[3])
        words = at.words if name == ALWAYS else (name, *at.words)
        variables = self.session.variables
        entries = cursor.candidates(self.session, self._registry, words, expand_begun(at.word, variables))
        spelled = [at.spell(go_on(at.word, entry.text, variables), final=entry.final) for entry in entries]
        return {
            "completions": [SimpleCompletion(text, type="storlet") for text in spelled],
            "matched_fragment": at.spelled,
            "suppress": bool(entries),
            "ordered": True,
        }

    def _command_at(self, line: re.Match[str]) -> str | None:
        """Return the command whose magic a line starts with, also where IPython lets the ``%`` be left out."""
        kind, name = "cell" if line[1] == "%%" else "line", line[2]
        if (kind, name) not in self._added:
            return None
        if not line[1] and (not self._shell.automagic or name in self._shell.user_ns):
            return None
        return self._added[kind, name].__name__


class _Value:
    """The value of a cell: the shown form of a result that wasn't stored."""

    def __init__(self) -> None:
        self.shown: Any = None

    def take(self, call: Call, result: Result) -> None:
        """Fetch what showing a result takes."""
        if call.store is not None:
            return
        rendering = call.rendering()
        if rendering.format == DOCUMENT:
            self.shown = json.loads("".join(result.pieces(rendering)))
        elif rendering.format != PEOPLE:
            self.shown = Formatted("".join(result.pieces(rendering)))
        else:
            self.shown = chosen(result, rendering.columns) if rendering.columns else result
            self.shown.look()


class Interrupted(KeyboardInterrupt):
    """A cell was interrupted; IPython shows it as one line, and runs no further cell."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}".removesuffix(": ")]


def _as_shown(outcome: Outcome) -> BaseException:
    """Return the error of an outcome as IPython shows it best."""
    error = outcome.error
    assert error is not None
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("what is done is kept in _") if outcome.partial is not None else Interrupted()
    if isinstance(error, UsageError) and not outcome.was_shown:  # the line's, not an object's
        return IPythonUsageError("\n".join(map(printable, (str(error), *error.details.splitlines()))))
    return error


def _caller(local_ns: Any) -> FrameType | None:
    """Return the frame of the user's code that runs a magic.

    :param local_ns: its variables, as IPython passes them to a line's magic; None to a cell's, which gets no more than
        the namespace of cells (IPython ``interactiveshell.py: run_cell_magic``)
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(("IPython.", "ipykernel.")):
        frame = frame.f_back
    if local_ns is None:
        return frame
    first, match = frame, None
    while frame is not None:
        local = frame.f_locals
        if local is local_ns or (not isinstance(local, dict) and local == local_ns):
            match = match or frame
            if match.f_locals is match.f_globals or match.f_code.co_flags & inspect.CO_OPTIMIZED:
                return match
            if frame.f_code.co_flags & inspect.CO_OPTIMIZED:
                return frame  # %time runs a line in a frame of its own, over a function's variables
        frame = frame.f_back
    return match or first


def _magics(names: list[str]) -> list[str]:
    return [f"%{name}" for name in names]


def _without_ending(line: str) -> tuple[str, bool]:
    """Return a line without a comment at its end, and whether a semicolon ended it: then its value isn't shown."""
    end, may_begin = len(line), True
    for token in _TOKEN.finditer(line):
        if may_begin and token[0].startswith("#"):
            end = token.start()
            break
        may_begin = token[0].isspace()
    line = line[:end].rstrip()
    is_silent = line.endswith(";") and not line.endswith("\\;")
    return line.removesuffix(";") if is_silent else line, is_silent


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"the line can't be split into words: {str(error).lower()}") from None


def _encoded(cell: str) -> bytes:
    try:
        return cell.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("the cell holds characters that can't be encoded as UTF-8") from None
