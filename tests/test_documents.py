"""Every example of the documents, run as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import Reader, blocks, fits
from tests.support.lines import ROOT, base_environment

DOCUMENTS = ("README.md", "docs/tutorial.md")
"""Those whose examples are run; one that is added here starts from nothing, too."""


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Sit at a terminal in a folder with the examples, where storlet-shell is installed and nothing has run."""
    shutil.copytree(ROOT / "examples", tmp_path / "work" / "examples")
    environ = base_environment(tmp_path)
    environ = {name: value for name, value in environ.items() if name not in ("PYTHONWARNINGS", "PYTHONPATH")}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    environ |= {"STORLET_SHELL_DATA": str(tmp_path / "data"), "IPYTHONDIR": str(tmp_path / "ipython")}
    subprocess.run(["storlet-shell", "local", "start"], env=environ, check=True, capture_output=True, timeout=90)
    try:
        with Reader(tmp_path / "work", environ) as sitting:
            yield sitting
    finally:
        subprocess.run(["storlet-shell", "local", "stop"], env=environ, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_examples_show_what_they_do(reader: Reader, name: str) -> None:
    """From the first line to the last, each does what the document says."""
    found = blocks((ROOT / name).read_text())
    assert found
    for block in found:
        reader.read(block)


def test_what_is_shown_is_compared() -> None:
    """An ellipsis stands for anything on its line, or for lines; all else is compared to the letter."""
    assert fits("a … c\n…\nz", "a b c\n1\n2\nz\n")
    assert fits("a\n…", "a")
    assert not fits("a", "a\nb")
    assert not fits("a … c", "a b\nc")
    assert not fits("a.c", "abc")


def test_every_page_is_found_from_the_readme() -> None:
    """And every link of a page leads to a file."""
    readme = ROOT / "README.md"
    pages = sorted((ROOT / "docs").glob("*.md"))
    missing = [page.name for page in pages if f"docs/{page.name}" not in readme.read_text()]
    assert missing == ["changelog.md", "index.md"]  # the site's own
    for page in (readme, *pages):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"
