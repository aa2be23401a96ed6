"""Where a storlet's imports come from, and which of them it can't do without."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from storlet_shell.storlets.checks.imports import find_imports, judge, locate
from storlet_shell.storlets.source import StorletSource

BUNDLED = {"s", "tables"}


def found(code: str) -> list[tuple[int, str, bool]]:
    """Return the findings about the imports of a module: lines, texts, and whether they are fatal."""
    tree = StorletSource.parse(dedent(code).encode(), "s.py").tree
    return [(item.line, item.text, item.is_fatal) for item in judge(find_imports(tree, BUNDLED), BUNDLED)]


@pytest.mark.parametrize(
    ("module", "origin"),
    [
        ("csv", "standard library"),
        ("sys", "standard library"),
        ("os.path", "standard library"),
        ("xml.etree.ElementTree", "standard library"),
        ("importlib.machinery", "standard library"),
        ("zipimport", "standard library"),
        ("__future__", "standard library"),
        ("json.nosuch", "missing"),
        ("csv.reader", "missing"),
        ("tables", "bundled"),
        ("s", "bundled"),
        ("tables.inner", "missing"),
        ("storlets.agent", "engine"),
        ("pytest", "embedded Swift"),
        ("yaml.constructor", "embedded Swift"),
        ("nosuchmodule", "missing"),
        ("..tables", "missing"),
    ],
)
def test_module_has_an_origin(module: str, origin: str) -> None:
    """Of each kind."""
    assert locate(module, BUNDLED) == origin


def test_modules_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package may do anything when it is imported."""
    (tmp_path / "loud").mkdir()
    (tmp_path / "loud" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "loud" / "inner.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert locate("loud.inner", ()) == "embedded Swift"
    assert "loud" not in sys.modules


def test_modules_of_the_working_folder_are_not_the_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's own folder is on its path, but not on the engine's."""
    (tmp_path / "mine.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    assert locate("mine", ()) == "missing"


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        ("import csv, pytest", 1, "import pytest: the embedded Swift has it; a cluster may not"),
        ("def f():\n    from pytest import fixture", 2, "import pytest: the embedded Swift has it; a cluster may not"),
        ("import nosuch", 1, "import nosuch: not among the dependencies, and the embedded Swift doesn't have it"),
        ("import jsom", 1, "did you mean json?"),
        ("import table", 1, "did you mean tables?"),
        ("import json.nosuch", 1, "this Python's standard library doesn't have it"),
        ("import tables.inner", 1, "tables is a single file, not a package"),
        ("try:\n    import nosuch\nexcept ImportError:\n    import neither", 4, "import neither"),
        ("try:\n    import nosuch\nexcept ImportError as error:\n    raise SystemExit from error", 2, "import nosuch"),
        ("try:\n    import nosuch\nexcept KeyError:\n    pass", 2, "import nosuch"),
        ("if x:\n    import nosuch\nimport nosuch", 2, "import nosuch"),
    ],
)
def test_import_that_may_fail_is_one_warning(code: str, line: int, words: str) -> None:
    """Each module once."""
    ((found_line, text, is_fatal),) = found(code)
    assert (found_line, is_fatal, words in text) == (line, False, True), text


def test_relative_import_can_never_work() -> None:
    """Engines import a storlet as a module without a package."""
    ((line, text, is_fatal),) = found("from . import tables")
    assert (line, is_fatal) == (1, True)
    assert "without a package" in text
    assert found("try:\n    from . import tables\nexcept ImportError:\n    import tables") == []


@pytest.mark.parametrize(
    "code",
    [
        "import csv, os.path, tables, storlets",
        "from __future__ import annotations",
        "try:\n    import pytest\nexcept ImportError:\n    pytest = None",
        "try:\n    import nosuch\nexcept (ValueError, ModuleNotFoundError):\n    import csv as nosuch",
        "try:\n    import nosuch\nexcept:\n    nosuch = None\nelse:\n    import nosuch.more",
        "try:\n    import nosuch\nexcept ImportError:\n    try:\n        import other\n    except ImportError: pass",
        "try:\n    import csv\nexcept ImportError:\n    import neither",
        "from contextlib import suppress\nwith suppress(ImportError):\n    import nosuch",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nosuch",
        "import typing as t\nif not t.TYPE_CHECKING:\n    import csv\nelse:\n    import nosuch",
        "import sys\nif sys.version_info < (3, 11):\n    import tomli\nelse:\n    import tomllib",
        "import sys\nif sys.platform == 'win32':\n    import winreg",
        "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib.zip'))\nimport nosuch",
    ],
)
def test_import_that_works_or_isnt_needed_is_not_reported(code: str) -> None:
    """Fallbacks, other versions, type checkers, and folders that the code adds itself."""
    assert found(code) == []
