"""What is deployed for a function of a file or of typed code: all that it uses, and no more."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from storlet_shell.deployments.package import Package, read_package
from storlet_shell.deployments.rehearsal import Input, try_out
from storlet_shell.deployments.review import review
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


def test_variables_of_comprehensions_are_not_names_of_the_module() -> None:
    """Python 3.12 lists them there; the names that a comprehension uses go along."""
    code = HEAD + "SIZE = 3\nCODES = {code: code + SIZE for code in range(SIZE)}\n\n\n" + FUNCTION.format("CODES")
    text = own(code)
    assert "SIZE = 3" in text
    assert "CODES = {code: code + SIZE for code in range(SIZE)}" in text


def test_import_that_may_fail_goes_along() -> None:
    """With its alternative."""
    code = "try:\n    import orjson as j\nexcept ImportError:\n    import json as j\n\n\n"
    code += "def f(data: bytes):\n    return j.loads(data)\n"
    assert own(code).startswith("# f.py:1\ntry:\n")


def test_imports_of_one_package_go_along_together() -> None:
    """As do equal ones, and those for one version of Python."""
    code = "import os.path\nimport os\nimport json\nimport json\nimport sys\n"
    code += "if sys.version_info > (3,):\n    import math\nelse:\n    import cmath as math\n"
    code += "def f(data: bytes): return os.path.join(json.dumps(1), math.pi)"
    assert own(code).startswith(
        "import json\nimport os\nimport os.path\nimport sys\n\n\n# f.py:6\nif sys.version_info > (3,):\n"
    )


def test_body_of_a_class_may_use_a_name_that_it_binds() -> None:
    """The global one is meant before; the class's own isn't looked for elsewhere."""
    code = "N = 3\nclass C:\n    N = N + 1\n    m = 1\n    k = m\ndef f(data: bytes): return C.N"
    assert own(code).startswith("# f.py:1\nN = 3\n")


def test_several_functions_are_told_apart_by_the_storlets_name() -> None:
    """In typed code; a class that could be a storlet doesn't count, since the name isn't a class's."""
    code = "def g(data: bytes): ...\ndef f(data: bytes): ...\nclass H:\n    def __call__(self, row): ...\n"
    assert b"staticmethod(f)" in package(code).code
    assert "h: several functions could be the storlet: g, f" in refusal(code, name="h").replace("h.py", "h")


def test_settings_of_modules_are_noted() -> None:
    """They aren't deployed; those for programs were never meant to be."""
    code = "import csv, locale\ncsv.field_size_limit(9)\nif __name__ == '__main__':\n    locale.setlocale(0)\n"
    code += "def f(data: bytes): return csv, locale"
    text = "csv.field_size_limit(9) isn't deployed; if the storlet needs it, move it there"
    assert package(code).notes == (f"f.py:2: {text}",)


def test_reading_annotations_is_noted() -> None:
    """They are texts in what is deployed, whatever they are here; not if they are here, too."""
    code = "class C:\n    n: int\n\ndef f(data: bytes):\n    return [k(1) for k in C.__annotations__.values()]\n"
    (note,) = package(code).notes
    assert note.startswith("f.py:5: annotations are texts where storlets run")
    assert package("from __future__ import annotations\n" + code).notes == ()


def test_what_fails_for_certain_is_deployed_on_demand() -> None:
    """As with classes: undefined names and relative imports are left to the review."""
    code = "from . import x\ndef f(data: bytes): return x, absent"
    refused = [refusal(code), refusal(code.replace("x, ", ""))]
    assert [text.endswith("(deploy it anyway: force=True)") for text in refused] == [True, True]
    forced = review(read_package("f", None, code.encode(), force=True), force=True)
    assert "from . import x" in forced.code.decode()
    relative, undefined = forced.notes
    assert relative.startswith("f.py: import from .: engines import the file as a module of its own")
    assert undefined.startswith("f.py:2: undefined name absent")


def test_notes_point_at_the_authors_lines(tmp_path: Path) -> None:
    """Whatever kind of line ends or form feeds the code has; a comment of a class storlet isn't a place."""
    code = "\x0c\nA = '\\x0c'\n\x0c\n\n\ndef f(data: bytes):\n    return A, absent"
    forced = review(read_package("f", None, code.encode(), force=True), force=True)
    assert forced.notes[0].startswith("f.py:7: undefined name absent")
    (tmp_path / "g.py").write_text(
        "# ratio 16:9\nclass G:\n    def __init__(self, logger): ...\n"
        "    def __call__(self, in_files, out_files, params):\n        out_files[0].write(absent)\n"
    )
    with pytest.raises(UsageError, match=r"g\.py:5: undefined name absent"):
        review(read_package(str(tmp_path / "g.py"), None, None))


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
        (
            HEAD + "X = []\nX.append(1)\n" + FUNCTION.format("X"),
            "f.py:7: X may be changed here, but only its definition in",
        ),
        (HEAD + "X = {}\nfor n in 'ab':\n    X[n] = 1\n" + FUNCTION.format("X"), "f.py:7: X may be changed here"),
        (HEAD + "class X: n = 1\nX.n = 2\n" + FUNCTION.format("X"), "f.py:7: X may be changed here"),
        (
            "from datetime import datetime as d\nX = d.now()\ndef f(data: bytes): return X",
            "f.py:2: X can't be shipped",
        ),
        ("from math import *\n" + FUNCTION.format("pow"), "f.py:1: pow may be that of from math import *"),
        ("from numpy import *\n" + FUNCTION.format("len"), "f.py:1: len may be that of from numpy import *"),
        ("from a import x\nfrom b import x\n" + FUNCTION.format("x"), "f.py:2: x is defined again"),
        ("async def f(data: bytes): ...", "f.py:1: f is async def, but engines don't await; use def"),
        ("def f(data): ...", "f.py:1: f: data, its input, has no annotation; annotate it as BinaryIO"),
        ("def f(data: bytes, /): ...", "f.py:1: f: data can't be positional-only"),
        ("def list(data: bytes): ...", "list: list needs another name: it is a built-in name that the adapter uses"),
        (
            "def storlet_type(data: bytes): ...",
            "storlet_type: storlet_type needs another name: it is the adapter's name",
        ),
        ("class F:\n    def __call__(self, a, b, c): ...", "f: no function in the code; name the class, too: f.F"),
        ("x = 1", "f: the code has no function, and no class with a method __call__"),
        ("def _a(data: bytes): ...", "f: the code has no function, and no class with a method __call__"),
        (
            "def a(data: bytes): ...\ndef b(data: bytes): ...",
            "f.py: several functions could be the storlet: a, b; mark",
        ),
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
