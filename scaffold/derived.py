"""Write what is derived from the commands' specs: the table of built-in commands, their entry points, the manual page.

``python -m scaffold.derived`` (``make derived``) writes the files; a test compares them with the specs.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

from storlet_shell.spec.command import Command

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "storlet_shell" / "spec" / "builtin.py"
SETUP = ROOT / "setup.cfg"
MANUAL = ROOT / "docs" / "storlet-shell.1"

_COMMANDS = "storlet_shell.commands"
_SHARED = ("__init__",)
"""The modules of that package that hold no command."""

_HEAD = '''"""The built-in commands, as lists of them need them. Written by ``make derived``; edit the commands."""

from __future__ import annotations

from storlet_shell.spec.summary import Summary

BUILT_IN = (
'''


def commands() -> list[Command]:
    """Import every built-in command; each module defines the one of its name."""
    names = sorted({file.stem for file in (ROOT / "storlet_shell" / "commands").glob("*.py")} - {*_SHARED})
    return [command_of(name) for name in names]


def command_of(name: str) -> Command:
    """Import the command that a module defines."""
    module = importlib.import_module(f"{_COMMANDS}.{name}")
    return next(value for value in vars(module).values() if isinstance(value, Command) and value.name == name)


def table() -> str:
    """Render the module of the built-in commands' summaries."""
    rows = "".join(_row(command) for command in commands())
    return f"{_HEAD}{rows})\n"


def _row(command: Command) -> str:
    fields = command.listing(f"{_COMMANDS}.{command.name}")._asdict()
    lines = "".join(f"        {name}={_literal(value)},\n" for name, value in fields.items())
    return f"    Summary(\n{lines}    ),\n"


def _literal(value: object) -> str:
    """Spell a value as the formatter does."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
    text = str(value)
    return f'"{text}"' if isinstance(value, str) and not set(text) & {'"', "\\"} else repr(value)


def setup() -> str:
    """Render setup.cfg with the entry points of the built-in commands."""
    head, _, rest = SETUP.read_text().partition(f"\n{_COMMANDS} =\n")
    lines = rest.splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines) if not line.startswith(" "))
    entries = "".join(f"    {command.name} = {_COMMANDS}.{command.name}:{command.name}\n" for command in commands())
    return f"{head}\n{_COMMANDS} =\n{entries}{''.join(lines[end:])}"


def manual() -> str:
    """Render the manual page, in a process that reads the table as it is now."""
    line = [sys.executable, "-m", "storlet_shell.adapters.cli.reference"]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout


DERIVED = {TABLE: table, SETUP: setup, MANUAL: manual}
"""The derived files in the order in which they are written, and what renders each."""


def main() -> None:
    """Write the derived files that have changed."""
    for path, render in DERIVED.items():
        text = render()
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
