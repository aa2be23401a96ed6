"""The command-file reader without running commands: ``-f FILE --parse-only``, with each command's own parser.

Any bytes become a status. In addition: standard output stays empty; each complaint is one line with the file and a line
number; the status is that of a complaint, and 0 if there is none.
"""

from __future__ import annotations

import io
import re
from typing import Any, ClassVar

from storlet_shell.adapters.console import Console
from storlet_shell.adapters.script.interpreter import Interpreter, Scope
from storlet_shell.adapters.script.runner import Mode, Runner, decode
from storlet_shell.errors import ExitStatus, UsageError
from storlet_shell.session import Session
from storlet_shell.spec.command import Command
from storlet_shell.spec.parser import AnyParser, Parser
from storlet_shell.spec.registry import Registry

_ENVIRON = {"HOME": "/nowhere", "NAME": "a 'value' | > #"}
_COMPLAINT = re.compile(r"storlet-shell: FILE:(\d+): .+")


class _Command(Command):
    """A command that caches its parser."""

    _parsers: ClassVar[dict[str, Parser]] = {}

    def parser(self, cls: type[AnyParser]) -> Any:
        """Return the command's parser, which is built once."""
        if self.name not in self._parsers:
            self._parsers[self.name] = super().parser(Parser)
        return self._parsers[self.name]


def _cached(command: Command) -> _Command:
    return _Command(*command._replace(actions=tuple(map(_cached, command.actions))))


class _Commands(Registry):
    """All commands, looked up once."""

    def __init__(self) -> None:
        super().__init__()
        self._commands = {name: _cached(entry) for entry in Registry() for name in (entry.name, *entry.aliases)}

    def builtin_names(self) -> list[str]:
        """Return the names and aliases of all commands."""
        return list(self._commands)


_REGISTRY = _Commands()


def check(data: bytes) -> None:
    """Decode bytes as a command file."""
    try:
        text = decode(data, "FILE")
    except UsageError as error:
        assert re.fullmatch(r"FILE:\d+: .+", str(error))
        return
    stdout, stderr = io.StringIO(), io.StringIO()
    console = Console(_ENVIRON, io.BytesIO(), lambda: stdout, lambda: stderr)
    with Session(console) as session:
        runner = Runner(Interpreter(session, console, _REGISTRY), Mode(parse_only=True))
        status = runner.run((text, Scope("FILE", ("one", "t w o"), {"DEFINED": "-o x"}, _ENVIRON)))
    _check(status, stdout.getvalue(), stderr.getvalue(), text.count("\n") + 1)


def _check(status: int, out: str, err: str, count: int) -> None:
    assert out == ""
    assert status in {0, ExitStatus.USAGE, ExitStatus.UNKNOWN_COMMAND, ExitStatus.NOT_FOUND, ExitStatus.ERROR}
    complaints = err.split("\n")
    assert complaints.pop() == ""
    assert (status == 0) == (not complaints)
    numbers = []
    for complaint in complaints:
        match = _COMPLAINT.fullmatch(complaint)
        assert match, complaint
        numbers.append(int(match[1]))
    assert numbers == sorted(numbers)
    assert all(1 <= number <= count for number in numbers)
