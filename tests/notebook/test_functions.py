"""Functions of cells as storlets: by ``@storlet``, and by a cell that deploys one."""

from __future__ import annotations

from storlet_shell.errors import UsageError
from tests.notebook.cells import Cells


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
    assert "no class with a method __call__" in str(error)


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
