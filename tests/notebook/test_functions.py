"""Functions of cells as storlets: by ``@storlet``, and by a cell that deploys one."""

from __future__ import annotations

from pathlib import Path

import pytest

from storlet_shell.errors import UsageError
from tests.notebook.cells import Cells
from tests.support.wheels import Index


@pytest.mark.slow
def test_function_of_a_cell_is_a_storlet(notebook: Cells) -> None:
    """With helpers, classes and imports from other cells, as they are now."""
    notebook.good("import math as m\nfrom typing import NamedTuple\nLEAST = 30")
    notebook.good("class Person(NamedTuple):\n    name: str\n    age: int")
    notebook.good("def person(row):\n    return Person(row['name'], m.floor(float(row['age'])))")
    notebook.good("from collections.abc import Iterator\nfrom storlet_shell import storlet, connect")
    notebook.good(
        "@storlet\ndef old(rows: Iterator[dict]) -> Iterator[str]:\n    for row in rows:\n"
        "        if person(row).age >= LEAST:\n            yield person(row).name"
    )
    assert notebook.good("with connect() as store: names = old.get(store, f'{c}/o').text\nnames").value == "ann"
    notebook.good("LEAST = 20")
    notebook.good("def person(row):\n    return Person(row['name'].upper(), int(row['age']))")
    assert notebook.good("with connect() as store: names = old.get(store, f'{c}/o').text\nnames").value == "ANNBOB"
    source = notebook.good("old.source()").value
    assert "# old.py:2\ndef old(" in source
    assert "LEAST = 20\n" in source


def test_cell_deploys_a_function(notebook: Cells) -> None:
    """Its name is the storlet's; one that isn't a function is refused."""
    notebook.good("%%deploy ages\ndef ages(rows: Iterator[dict]):\n    return [row['age'] for row in rows]")
    assert notebook.good("%get {c}/o --storlet ages.py").value.json() == ["31", "25"]
    error = notebook("%%deploy ages\nx = 1").error
    assert error is not None
    assert str(error) == "ages: the code has no function, and no class with a method __call__"
    error = notebook("%%deploy ages\ndef a(data: bytes): ...\ndef b(data: bytes): ...").error
    assert str(error).startswith("ages.py: several functions could be the storlet: a, b; mark one with @storlet")


@pytest.mark.slow
def test_cell_deploys_packages_with_a_function(notebook: Cells, tmp_path: Path) -> None:
    """Those of the line, resolved as elsewhere; unpacked, too. Without them, the function can't be imported."""
    wheel = Index(tmp_path / "index").add("shouting", "1.5", {"shouting.py": "def shout(text): return text.upper()"})
    body = "import shouting\ndef loud(data: bytes) -> str:\n    return shouting.shout(data.decode())"
    for option in ("", " --unpack"):
        outcome = notebook.good(f"%%deploy loud --package {wheel}{option}\n{body}")
        assert "with shouting 1.5" in outcome.out
        assert notebook.good("%get {c}/o --storlet loud.py").value.text.startswith("NAME,AGE")
    assert "packages" in notebook.good("%storlets show loud.py").text
    error = notebook(f"%%deploy loud --package {tmp_path}/none.whl\n{body}").error
    assert "none.whl: no such wheel" in str(error)
    error = notebook(f"%%deploy loud --unpack\n{body}").error
    assert "no package to deploy is named" in str(error)


def test_class_and_constant_are_those_of_now(notebook: Cells) -> None:
    """Not an earlier version in the function's own cell, nor what a constant was before it was changed."""
    notebook.good("from storlet_shell import storlet\nfrom enum import Enum")
    notebook.good("class Kind(Enum):\n    A = 1\nclass Plain:\n    def get(self): return 1\nLIST = list((1,))")
    notebook.good("@storlet\ndef f(data: bytes):\n    return Kind.A.value, Plain().get(), LIST")
    notebook.good(
        "class Kind(Enum):\n    A = 1\nclass Plain:\n    def get(self): return 1\n"
        "@storlet\ndef g(data: bytes):\n    return Kind.A.value, Plain().get()"
    )
    notebook.good("class Kind(Enum):\n    A = 2\nclass Plain:\n    def get(self): return 2\nLIST.append(2)")
    for name in "fg":
        source = notebook.good(f"{name}.source()").value
        assert "A = 2" in source
        assert "return 2" in source
    assert "LIST = [1, 2]\n" in notebook.good("f.source()").value


def test_classes_made_by_calls_and_aliases_go_along(notebook: Cells) -> None:
    """From the function's cell or another one; a value that was changed since isn't taken for that of the call."""
    imports = "from storlet_shell import storlet\nfrom collections import Counter, namedtuple\n"
    notebook.good(f"{imports}Pair = namedtuple('Pair', 'a b')")
    notebook.good(f"{imports}Triple = namedtuple('Triple', 'a b c')\ndef helper(): return 1")
    notebook.good(
        f"{imports}Own = namedtuple('Own', 'a')\nsame = helper\nCOUNTS = Counter()\nCOUNTS['x'] += 1\n"
        "@storlet\ndef f(data: bytes):\n    return Pair(1, 2), Triple(1, 2, 3), Own(1), same()\n"
        "@storlet\ndef g(data: bytes):\n    return COUNTS"
    )
    source = notebook.good("f.source()").value
    for text in ("Pair = namedtuple('Pair', 'a b')", "Triple = ", "Own = ", "def helper()", "same = helper"):
        assert f"\n{text}" in source
    assert "COUNTS is of type Counter, which can't be shipped" in str(notebook("g.source()").error)


def test_submodules_imported_in_another_cell_go_along(notebook: Cells) -> None:
    """A package's name alone wouldn't do where storlets run."""
    notebook.good("from storlet_shell import storlet\nimport xml.etree.ElementTree")
    notebook.good("@storlet\ndef f(data: bytes):\n    return xml.etree.ElementTree.fromstring(data).tag")
    assert "\nimport xml.etree.ElementTree\n" in notebook.good("f.source()").value


def test_text_in_an_indented_function_keeps_its_blanks(notebook: Cells) -> None:
    """Only the indentation of code is removed."""
    notebook.good("from storlet_shell import storlet")
    notebook.good('if True:\n    @storlet\n    def f(data: bytes):\n        return """a\n      b\nc"""')
    assert 'def f(data: bytes):\n    return """a\n      b\nc"""\n' in notebook.good("f.source()").value


def test_standard_storlet_is_deployed_by_its_name(notebook: Cells) -> None:
    """Without a cell, since it comes with its code."""
    notebook.good("%deploy std:head")
    assert notebook.good("%get {c}/o --storlet std_head.py -p rows=1").value.text.splitlines()[0].startswith("name")
    assert "std:head" in [row.name for row in notebook.good("%storlets std").value if row.deployed]
    error = notebook("%%deploy std:head\ndef f(data: bytes): return data").error
    assert str(error) == "std:head comes with its own code and main class; pass neither"


def test_commands_cant_be_shipped(notebook: Cells) -> None:
    """A function with ``!command`` runs in cells only."""
    notebook.good("from storlet_shell import storlet\n@storlet\ndef f(data: bytes):\n    !ls\n    return data")
    error = notebook("f.source()").error
    assert isinstance(error, UsageError)
    assert str(error) == "f.py:3: f uses !command or %magic, which works in cells only"
