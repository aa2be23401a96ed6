"""The examples in each command's help: they exist, parse, and work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storlet_shell.adapters.script.lines import parse as split_words
from storlet_shell.adapters.script.lines import split
from storlet_shell.spec.command import Command
from storlet_shell.spec.registry import Registry, parse
from tests.support.lines import Runner, base_environment
from tests.support.storlets import STORLETS

COMMANDS = [Registry().get(name) for name in Registry().builtin_names()]
each_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)

CITY = "city,sky,degrees\nLima,fog,17\nCairo,clear,31\n"
WARM = """
class Warm:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({})
        out_files[0].write(in_files[0].readline())
        while line := in_files[0].readline():
            if float(line.split(b",")[2]) >= float(params.get("least", 0)):
                out_files[0].write(line)
"""
HOTTEST = """
from collections.abc import Iterator

def hottest(rows: Iterator[dict], count: int = 3) -> Iterator[dict]:
    yield from sorted(rows, key=lambda row: float(row["degrees"]))[-count:]
"""
FILES = {
    "hottest.py": HOTTEST,
    "warm.py": WARM,
    "upper.py": STORLETS["upper.py"],
    "join.py": STORLETS["join.py"],
    "today.csv": CITY,
    "note.txt": "a note\n",
    "cities.txt": "Lima\nCairo\n",
    "old.txt": "old\n",
    "photos/a.jpg": "no real photo\n",
    "FirstLine.java": (Path(__file__).parents[2] / "examples/storlets/FirstLine.java").read_text(),
}
"""The files where the examples run."""

SITE = """
enable
mkdir weather
mkdir archive
put today.csv weather/today.csv
put today.csv weather/2026/monday.csv
put today.csv weather/2026/tuesday.csv
put today.csv weather/2025/monday.csv
put today.csv weather/old.csv
post weather/today.csv --remove station
deploy upper.py -d old.txt
deploy upper.py
deploy warm.py -d cities.txt
deploy join.py
deploy hottest.py
deploy std:select
get weather/today.csv --storlet warm.py
acl grant weather alice --storlet warm.py
"""
"""The account that the examples are about."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Run an embedded Swift of its own for the examples, some of which stop it or empty it."""
    home = tmp_path_factory.mktemp("examples")
    environ = {**base_environment(home), "STORLET_SHELL_LOCAL": "1", "STORLET_SHELL_DATA": str(home / "data")}
    run = Runner(environ)
    assert run("local", "start", "--s3").status == 0
    try:
        yield run
    finally:
        run("local", "stop")


@each_command
def test_help_ends_with_examples(command: Command, run: Runner) -> None:
    """Three for each command, and at least one for each of its actions."""
    for line in command.lines:
        assert len(line.examples) >= (1 if command.actions else 3)
        page = run("help", *line.name.split()).text.partition("\nalso called")[0].splitlines()
        heading = page.index("examples:")
        assert [row.split("  # ")[0].strip() for row in page[heading + 1 :] if row] == [
            example.split("  # ")[0] for example in line.examples
        ]
    assert len(command.examples) >= 3


@each_command
def test_examples_parse(command: Command) -> None:
    """Each is a line of its command or action."""
    for line in command.lines:
        for example in line.examples:
            (text,) = split(example)
            words = split_words(text.text).words
            if words[0] == "eval":  # for a terminal's shell
                words = words[1].removeprefix("$(storlet-shell ").removesuffix(")").split()
            if words != ["help", "syntax"]:
                assert parse(Registry(), words).command.name == line.name


@pytest.mark.slow
@each_command
def test_examples_work(command: Command, site: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the lines of a command file, one after the other, over a real Swift."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site").write_text(SITE)
    before = site("-f", "site")
    assert before.status == 0, before.err
    # A terminal's shell, a user who answers, and an end by Ctrl-C are tested elsewhere; Java needs a JDK.
    left_out = ("eval", "login") if shutil.which("javac") else ("eval", "login", "deploy FirstLine.java")
    examples = [line for line in command.examples if not line.startswith(left_out) and " -f " not in line]
    outcome = site(*(word for example in examples for word in ("-c", example))) if examples else before
    assert outcome.status == 0, outcome.err
