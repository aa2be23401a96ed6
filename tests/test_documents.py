"""Run every example in the documents, and check their links and names."""

from __future__ import annotations

import ast
import configparser
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from storlet_shell.adapters.execution import BROKEN_PIPE
from storlet_shell.errors import ExitStatus
from storlet_shell.spec.registry import Registry
from tests.support.documents import LEFT, RUN, Block, blocks, fits
from tests.support.jars import needs_jdk
from tests.support.lines import ROOT, base_environment
from tests.support.reader import Reader
from tests.support.wheels import NATIVE, Index

README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
MARKS = {
    "batches.md": pytest.mark.slow,  # starts three proxies
    "cloud.md": pytest.mark.slow,  # makes Keystone's database
    "dask.md": pytest.mark.slow,  # starts a cluster
    "embedded.md": pytest.mark.slow,  # starts four servers
    "from-other-tools.md": pytest.mark.slow,
    "from-the-extension.md": pytest.mark.slow,
    "front-ends.md": pytest.mark.slow,
    "java.md": (pytest.mark.slow, needs_jdk),
    "jobs.md": pytest.mark.slow,  # starts two servers
    "json.md": pytest.mark.slow,
    "lines.md": pytest.mark.slow,
    "notebooks.md": pytest.mark.slow,  # imports pandas
    "objects.md": pytest.mark.slow,
    "one-table.md": pytest.mark.slow,  # stores 200 files, and imports pandas
    "packages.md": pytest.mark.slow,  # runs pip
    "plugins.md": pytest.mark.slow,  # installs a package
    "running.md": pytest.mark.slow,
    "s3.md": pytest.mark.slow,
    "select.md": pytest.mark.slow,
    "shelf.md": pytest.mark.slow,
    "storlets.md": pytest.mark.slow,
    "troubleshooting.md": pytest.mark.slow,
    "tutorial.md": pytest.mark.slow,
    "xonsh.md": pytest.mark.slow,
}
"""``make slow`` runs the slow ones."""


WITH_EXAMPLES = [
    pytest.param(page, marks=MARKS.get(page.name, ()), id=page.name)
    for page in PAGES
    if any(block.kind in RUN for block in blocks(page.read_text()))
]


HUMANIZE = """
def naturalsize(size):
    for unit, digits in (("Bytes", 0), ("kB", 1), ("MB", 1)):
        if size < 1000:
            break
        size /= 1000
    return f"{size:.{digits}f} {unit}"
"""


def _make_index(folder: Path) -> dict[str, str]:
    """Build stand-ins for the packages that a page names; return the variables with which pip finds them."""
    index = Index(folder)
    index.add("humanize", "4.9.0", {"humanize/__init__.py": HUMANIZE})
    index.add("feeds", "1.0", {"feeds.py": ""}, needs=["ujson>=5"])
    index.add("ujson", "5.10.0", {"ujson.pyd": ""}, tags=NATIVE)
    return index.environ


@pytest.fixture
def environ(tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the environment of a terminal in which storlet-shell is installed into a separate virtual environment."""
    folder = tmp_path / "venv"
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    outer = [path for path in sys.path if path.endswith("site-packages")] + [str(ROOT)]
    (packages / "outer.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in outer))
    for program, module, function in (
        ("storlet-shell", "storlet_shell.adapters.cli.main", "run"),
        ("pip", "pip._internal.cli.main", "main"),
        ("xonsh", "xonsh.main", "main"),
        ("dask", "dask.__main__", "main"),
    ):
        script = folder / "bin" / program
        start = f"if __name__ == '__main__':\n    raise SystemExit({function}())\n"
        script.write_text(f"#!{folder}/bin/python\nfrom {module} import {function}\n{start}")
        script.chmod(0o755)
    environ = {name: value for name, value in base_environment(tmp_path).items() if not name.startswith("PYTHON")}
    environ["PATH"] = os.pathsep.join([f"{folder}/bin", str(Path(sys.executable).parent), environ["PATH"]])
    # pip installs without dependencies and without an index.
    pip = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    folders = {"STORLET_SHELL_DATA": str(tmp_path / "data"), "IPYTHONDIR": str(tmp_path / "ipython")}
    page = getattr(request.node, "callspec", None) and request.node.callspec.params.get("page")
    if page and page.name == "packages.md":
        pip = _make_index(tmp_path / "index")
    return environ | pip | folders


@pytest.fixture
def reader(tmp_path: Path, environ: dict[str, str]) -> Iterator[Reader]:
    """Open a terminal in a folder with the examples, where no embedded Swift runs."""
    folder = tmp_path / "work"
    shutil.copytree(ROOT / "examples", folder / "examples")
    ports = {"--keystone-port 5000": 5000, "127.0.0.1:5000": 5000, "--port 8786": 8786, "127.0.0.1:8786": 8786}
    free = {port: str(_free_port()) for port in set(ports.values())}
    stand_ins = {words: words.replace(str(port), free[port]) for words, port in ports.items()}
    try:
        with Reader(folder, environ, stand_ins) as sitting:
            yield sitting
    finally:
        subprocess.run(["storlet-shell", "local", "stop"], env=environ, check=False, capture_output=True, timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("page", WITH_EXAMPLES)
def test_examples_show_what_they_do(reader: Reader, page: Path) -> None:
    """Every line does what the document says, from the first to the last."""
    for block in blocks(page.read_text()):
        if block.kind in RUN:
            reader.read(block)
    reader.end()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_run_or_says_that_it_is_not(page: Path) -> None:
    """The language of a block tells; an indented block has none."""
    other = [f"{page.name}:{block.line}: {block.kind}" for block in blocks(page.read_text())]
    assert [block for block in other if block.split(": ")[1] not in (*RUN, *LEFT)] == []


def test_excerpts_are_the_codes_own() -> None:
    """Python code that isn't a file of the reader's stands in the package, to the letter."""
    code = [path.read_text() for path in (ROOT / "storlet_shell").rglob("*.py")]
    for page in PAGES:
        for block in blocks(page.read_text()):
            assert block.kind != "python" or any(block.text in text for text in code), f"{page.name}:{block.line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_named_is_there(page: Path) -> None:
    """Extras, modules, and commands that a page names exist."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    text = page.read_text()
    for extras in re.findall(r"(?:storlet-shell|'\.)\[([\w,]+)\]", text):
        assert set(extras.split(",")) <= set(setup["options.extras_require"])
    if page.name in ("architecture.md", "lines.md"):
        for path in re.findall(r"`((?:\w+/)*\w+\.py)`", text):
            assert (ROOT / path).exists() or list((ROOT / "storlet_shell").rglob(path)), path
    for name in re.findall(r"`(?:storlet-shell )?help (\w+)`", text):
        assert name == "syntax" or Registry().get(name)


def test_what_is_shown_is_compared() -> None:
    """An ellipsis stands for any text, or alone for any lines; everything else is compared to the letter."""
    assert fits("a … c\n…\nz", "a b c\n1\n2\nz\n")
    assert fits("a\n…", "a")
    assert not fits("a", "a\nb")
    assert not fits("a … c", "a b\nc")
    assert not fits("a.c", "abc")


@pytest.mark.parametrize(("text", "said"), [("$ false\n", "unexpectedly"), ("$ echo a\nb\n", "but it is\na\n")])
def test_what_differs_is_told(reader: Reader, text: str, said: str) -> None:
    """An unexpected failure or output is reported with the line number of its block."""
    reader.read(Block("console", "$ true\n$ echo a\na\n", 1))
    with pytest.raises(AssertionError, match=f"line 7(?s:.*){said}"):
        reader.read(Block("console", text, 7))


def test_kinds_of_blocks_are_told_apart() -> None:
    """The fence tells, also in lists, and indented blocks are found."""
    text = "```console\n$ a\n```\n- x\n\n  ```text\n  b\n  ```\n\nx\n\n    c\n\n"
    text += "```{code-block} yaml\n:caption: d.yaml\n\ne\n```\n"
    assert [(block.kind, block.text, block.line, block.name) for block in blocks(text)] == [
        ("console", "$ a\n", 1, ""),
        ("text", "b\n", 6, ""),
        ("indented", "c\n", 12, ""),
        ("file", "e\n", 14, "d.yaml"),
    ]


def test_every_page_is_linked_from_the_readme() -> None:
    """Every page can be reached, and every link of a page leads to a file."""
    missing = [page.name for page in PAGES[1:] if page.relative_to(ROOT).as_posix() not in README.read_text()]
    assert missing == ["changelog.md", "index.md"]  # parts of the site
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_long_description_has_no_relative_link() -> None:
    """A package index shows README without the links and pictures that only work in the repository."""
    functions = runpy.run_path(str(ROOT / "setup.py"), run_name="setup")
    text = functions["without_relative_links"](README.read_text())
    assert re.findall(r"\]\((?!https://)", text) == []
    assert "make demo" in text
    assert "the tutorial" in text


def test_every_line_of_ours_in_a_table_is_run() -> None:
    """Each of our lines in a table is also in the page's session."""
    text = (ROOT / "docs" / "from-other-tools.md").read_text()
    lines = re.findall(r"\| `(storlet-shell [^`]+)` \|$", text, re.MULTILINE)
    assert len(lines) > 15
    assert [line for line in lines if not re.search(rf"^\$ (?:.* \| )?{re.escape(line)}$", text, re.MULTILINE)] == []


@pytest.mark.slow
def test_every_message_in_troubleshooting_is_real() -> None:
    """Each quoted message, between its ellipses, stands in the package's code."""
    tables = re.split(r"\n\n", (ROOT / "docs" / "troubleshooting.md").read_text())
    messages = [
        message
        for table in tables
        if table.startswith("| Message |")
        for message in re.findall(r"^\| `([^|`]+)` \|", table, re.MULTILINE)
    ]
    assert len(messages) > 20
    trees = [ast.parse(path.read_text()) for path in (ROOT / "storlet_shell").rglob("*.py")]
    texts = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    code = "\n".join(text for text in texts if isinstance(text, str))
    parts = [part.strip() for message in messages for part in message.split("…")]
    assert [part for part in parts if part not in code] == []


def test_every_exit_status_is_public() -> None:
    """The page about what is public lists each status."""
    text = (ROOT / "docs" / "public.md").read_text()
    assert [int(status) for status in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)] == [
        *map(int, ExitStatus),
        BROKEN_PIPE,
    ]


def test_make_lists_its_targets() -> None:
    """``make`` alone prints a line for every target that a user may call."""
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    shown = subprocess.run(["make", "--silent"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert [line.split()[1] for line in shown.splitlines()] == phony[1].split()
