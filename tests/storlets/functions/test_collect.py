"""What is deployed for a function of a file or of typed code: all that it uses, and no more."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from storlet_shell.deployments.package import Package, read_package
from storlet_shell.deployments.rehearsal import Input, try_out
from storlet_shell.errors import UsageError
from tests.api.test_functions import warm
from tests.support.lines import ROOT

HEAD = "from typing import Iterator\nimport os, re as r\nimport json\nfrom storlet_shell import storlet, connect\n\n"
FUNCTION = "@storlet\ndef f(lines: Iterator[str], least: int = 3):\n    return {}\n"


def package(code: str, name: str = "f", main: str | None = None) -> Package:
    """Return the package of typed code."""
    return read_package(name, main, dedent(code).encode())


def own(code: str) -> str:
    """Return what is deployed of typed code, without the adapter."""
    return package(code).code.decode().partition("\n\n\n# The rest")[0].partition("annotations\n\n")[2]


def refusal(code: str, **options: Any) -> str:
    """Return why code is refused."""
    with pytest.raises(UsageError) as caught:
        package(code, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_it_uses_goes_along_and_nothing_else() -> None:
    """Each piece says where it comes from."""
    code = HEAD + "NAME = r.compile('x')\nUNUSED = open('x')\n\n\ndef _help(line):\n    return NAME.match(line)\n\n\n"
    code += FUNCTION.format("[line for line in lines if _help(line)]")
    assert (
        own(code).strip()
        == dedent(
            """
        import re as r
        from typing import Iterator


        # f.py:6
        NAME = r.compile('x')


        # f.py:10
        def _help(line):
            return NAME.match(line)


        # f.py:15
        def f(lines: Iterator[str], least: int = 3):
            return [line for line in lines if _help(line)]
        """
        ).strip()
    )


def test_names_of_inner_scopes_are_found() -> None:
    """In defaults, comprehensions, nested functions, classes, and decorators; attributes aren't names."""
    code = (
        HEAD
        + "A = 1\nB = 2\nC = 3\nD = 4\nE = 5\nF = 6\n\n\ndef deco(x):\n    return x\n\n\n"
        + "@deco\nclass K:\n    x = A\n\n\n"
    )
    code += "def g(x=B):\n    def inner():\n        return [C for _ in x]\n    return inner\n\n\n"
    code += FUNCTION.format("(g(), K.F, lambda: D, json.E)")
    text = own(code)
    assert [name for name in "ABCDEF" if f"\n{name} = " in f"\n{text}"] == ["A", "B", "C", "D"]
    assert "@deco\nclass K" in text


def test_import_that_may_fail_goes_along() -> None:
    """With its alternative."""
    code = "try:\n    import orjson as j\nexcept ImportError:\n    import json as j\n\n\n"
    code += "def f(data: bytes):\n    return j.loads(data)\n"
    assert own(code).startswith("# f.py:1\ntry:\n")


def test_each_way_to_deploy_makes_the_same_of_the_same_source(tmp_path: Path) -> None:
    """A file, typed code, and a function of this process."""
    code = Path(warm.__wrapped__.__code__.co_filename).read_bytes()
    (tmp_path / "test_functions.py").write_bytes(code)
    from_file = read_package(str(tmp_path / "test_functions.py"), "warm", None).code
    assert from_file == warm.package().code
    (tmp_path / "warm.py").write_text(HEAD + FUNCTION.format("1"))
    assert read_package(str(tmp_path / "warm.py"), None, None).code == package(HEAD + FUNCTION.format("1"), "warm").code


def test_deployed_file_can_be_deployed_again(tmp_path: Path) -> None:
    """As it was read from the cluster."""
    first = package(HEAD + FUNCTION.format("1"))
    (tmp_path / "f.py").write_bytes(first.code)
    again = read_package(str(tmp_path / "f.py"), None, None)
    assert (again.code, again.main, again.notes) == (first.code, "f.FunctionStorlet", ())


def test_main_chooses_among_several_functions(tmp_path: Path) -> None:
    """Or the decorator does."""
    (tmp_path / "f.py").write_text("def f(data: bytes): ...\ndef g(data: bytes): ...\n")
    assert b"staticmethod(g)" in read_package(str(tmp_path / "f.py"), "g", None).code
    with pytest.raises(UsageError, match="several functions could be the storlet: f, g; mark one with @storlet"):
        read_package(str(tmp_path / "f.py"), None, None)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            HEAD + "X = open('x')\n" + FUNCTION.format("X"),
            "f.py:6: X can't be shipped: it isn't a function, a class or",
        ),
        (HEAD + "X = os.environ['x']\n" + FUNCTION.format("X"), "f.py:6: X can't be shipped"),
        (HEAD + "X = 1; Y = open('x')\n" + FUNCTION.format("X"), "f.py:6: X can't be shipped: another statement is on"),
        (
            HEAD + "X = 1\nX = 2\n" + FUNCTION.format("X"),
            "f.py:7: X is defined again, after line 6, so what runs isn't",
        ),
        (HEAD + FUNCTION.format("1") + FUNCTION.format("2"), "f.py:10: f is defined again, after line 7"),
        (HEAD + FUNCTION.format("absent"), "f.py:8: absent isn't defined"),
        ("from os import *\n" + FUNCTION.format("absent"), "absent isn't defined; import each name instead of *"),
        ("from . import x\n" + FUNCTION.format("x"), "f.py:1: x can't be imported by a relative import"),
        (HEAD + FUNCTION.format("connect()"), "f.py:4: connect can't be used: engines don't have storlet_shell"),
        (HEAD + "@json.x\n" + FUNCTION.format("1"), "f.py:8: f can have no decorator but @storlet, not @json.x"),
        ("async def f(data: bytes): ...", "f.py:1: f is async def, but engines don't await; use def"),
        ("def f(data): ...", "f.py:1: f: data, its input, has no annotation; annotate it as BinaryIO"),
        ("def f(data: bytes, /): ...", "f.py:1: f: data can't be positional-only"),
        ("def list(data: bytes): ...", "list: list needs another name: it is a built-in name that the adapter uses"),
        (
            "def storlet_type(data: bytes): ...",
            "storlet_type: storlet_type needs another name: it is the adapter's name",
        ),
        ("class F:\n    def __call__(self, a, b, c): ...", "f: no function in the code; name the class, too: f.F"),
        ("x = 1", "f.py: no class with a method __call__"),
    ],
)
def test_what_cant_be_shipped_is_refused_by_name(code: str, reason: str) -> None:
    """In one line, with the user's own line."""
    assert reason in refusal(code)


def test_typed_code_keeps_its_label() -> None:
    """Errors name the storlet."""
    assert refusal("def f(data: bytes):\n    return absent", name="g").startswith("g.py:2: absent isn't defined")
    assert refusal("def f(data: bytes): ...", name="json").startswith("json.py needs another name")


def test_example_runs(tmp_path: Path) -> None:
    """The one in the repository."""
    (tmp_path / "in.csv").write_text("city,degrees\nOslo,3\nRome,30\n")
    example = read_package(str(ROOT / "examples" / "storlets" / "warm.py"), None, None)
    assert try_out(example, Input(tmp_path / "in.csv")).output == b"city,degrees\nRome,30\n"
