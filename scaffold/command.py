"""Write a new command: its module, its test, and its lines in the lists that every command is in.

``make command NAME=tally`` writes a command that works, to be changed into what you need, and then everything derived.
"""

from __future__ import annotations

import sys
from pathlib import Path

from storlet_shell.spec.builtin import BUILT_IN
from storlet_shell.spec.registry import RESERVED

ROOT = Path(__file__).parents[1]

MODULE = '''"""``{name}``: count the objects of a container."""

from __future__ import annotations

from storlet_shell.results import Result, Text
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.metadata import head
from storlet_shell.values import ContainerName, Location
from storlet_shell.wire.headers import CONTAINER_OBJECTS


@command(
    "{name}",
    "Count the objects of a container.",
    Arg("container", type=ContainerName.parse, kind=Kind.CONTAINER, metavar="CONTAINER"),
    examples=(
        "{name} weather  # one container",
        "{name} weather --json  # as a JSON document",
        "{name} weather | wc -w  # for other programs",
    ),
)
def {name}(session: Session, container: ContainerName) -> Result:
    """Count the objects of a container.

    :raises NotFoundError: when the container doesn't exist
    """
    info = head(session.client, Location(container.name))
    return Text(f"container {{container}}: {{info.headers[CONTAINER_OBJECTS]}} objects")
'''

TEST = '''"""``{name}``: count the objects of a container."""

from __future__ import annotations

from tests.support.lines import Runner


def test_objects_are_counted(run: Runner, container: str) -> None:
    """The container has one object."""
    run("upload", f"path:/{{container}}/o", stdin=b"text")
    assert run("{name}", container).text == f"container {{container}}: 1 objects\\n"


def test_missing_container_is_not_found(run: Runner) -> None:
    """The exit status is 4."""
    assert run("{name}", "no-such-container").status == 4
'''

LINES = {
    "storlet_shell/results/schemas/__init__.py": (
        '    }\n)\n"""The results of each command',
        '        "{name}": Page,\n',
    ),
    "tests/commands/test_json.py": (
        ']\n"""Commands, with their actions, and lines of them',
        '    ("{name}", "{name} storlet"),\n',
    ),
    "tests/test_wire.py": (']\n"""One or more lines for each command', '    Line("{name} storlet"),\n'),
}
"""The lists that every command is in: the text in front of which a line is inserted, and the line."""


def write(name: str) -> list[Path]:
    """Write a command's files and lines, and return the changed files.

    :raises SystemExit: when the name can't be a command's
    """
    taken = {word for entry in BUILT_IN for word in (entry.name, *entry.aliases)} | RESERVED
    if not (name.isidentifier() and name.isascii() and name.islower()) or name in taken:
        sys.exit(f"{name}: a command's name is a lower-case Python identifier that no other command has")
    files = {
        ROOT / "storlet_shell" / "commands" / f"{name}.py": MODULE.format(name=name),
        ROOT / "tests" / "commands" / f"test_{name}.py": TEST.format(name=name),
    }
    for path, (anchor, line) in LINES.items():
        head, found, tail = (ROOT / path).read_text().partition(anchor)
        if not found:
            sys.exit(f"{path}: the list of commands isn't where it was; update scaffold/command.py")
        files[ROOT / path] = f"{head}{line.format(name=name)}{anchor}{tail}"
    for path, text in files.items():
        path.write_text(text)
    return [*files]


def main() -> None:
    """Write the command that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: make command NAME=tally")
    for path in write(sys.argv[1]):
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
