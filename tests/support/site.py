"""Simulate installed packages by a folder on the path of a child process."""

from __future__ import annotations

from pathlib import Path

from tests.support.lines import Outcome, Runner

PLUGIN = """
from storlet_shell.spec.arguments import Arg
from storlet_shell.spec.command import command
from storlet_shell.results import Text

@command({name!r}, "Greet.", Arg("who", nargs="?", default="you"), aliases={aliases!r})
def greet(session, who="you"):
    \"\"\"Greet somebody.\"\"\"
    return Text(f"hello {{who}}")
"""


class Site:
    """A folder of packages, each with its dist-info, that a child process finds as installed."""

    def __init__(self, folder: Path, runner: Runner) -> None:
        self.folder = folder
        self.runner = runner

    @property
    def path(self) -> str:
        """The ``PYTHONPATH`` that includes the folder."""
        return f"{self.runner.environ['PYTHONPATH']}:{self.folder}"

    def install(self, package: str, source: str, kind: str = "commands", **entries: str) -> None:
        """Install a package of one module, with entry points in the group of a kind."""
        (self.folder / f"{package}.py").write_text(source)
        info = self.folder / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in entries.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[storlet_shell.{kind}]", *lines, ""]))
        (info / "RECORD").touch()

    def plugin(self, package: str, name: str = "greet", aliases: tuple[str, ...] = ()) -> None:
        """Install a package with one working command."""
        self.install(package, PLUGIN.format(name=name, aliases=aliases), **{name: f"{package}:greet"})

    def __call__(self, *words: str) -> Outcome:
        """Run a line in a process that sees the folder."""
        return self.runner.process(*words, environ={"PYTHONPATH": self.path})
