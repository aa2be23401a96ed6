"""Undefined names in a storlet's source, and no false alarms."""

from __future__ import annotations

import builtins
import importlib
from contextlib import suppress
from pathlib import Path
from textwrap import dedent
from types import FunctionType

import pytest

from storlet_shell.errors import UsageError
from storlet_shell.storlets.checks import undefined
from storlet_shell.storlets.checks.calls import check_calls
from storlet_shell.storlets.checks.imports import find_imports, judge
from storlet_shell.storlets.source import StorletSource


def found(code: str) -> list[tuple[int, str, bool]]:
    """Return what is found in a module: lines, texts, and whether they are fatal."""
    tree = StorletSource.parse(dedent(code).encode(), "s.py").tree
    return [(finding.line, finding.text, finding.is_fatal) for finding in undefined.find_undefined(tree)]


@pytest.mark.parametrize(
    ("code", "line", "text"),
    [
        ("def f(line):\n    return csv.reader(line)", 2, "undefined name csv; import csv is missing"),
        ("def f(reader):\n    return reder", 2, "undefined name reder; did you mean reader?"),
        ("class Main:\n    rows = 1\n    def f(self):\n        return rows", 4, "undefined name rows"),
        ("x = 1\ndel x\nprint(x)", 3, "undefined name x"),
        ("try:\n    pass\nexcept ValueError as error:\n    pass\nprint(error)", 5, "undefined name error"),
        ("def f(x: Optinal): pass", 1, "undefined name Optinal"),
        ("try:\n    whole()\nexcept Exception as error:\n    print(error)", 2, "undefined name whole"),
    ],
)
def test_undefined_name_is_found_with_its_line(code: str, line: int, text: str) -> None:
    """One fatal finding, and an idea about what was meant."""
    ((found_line, found_text, is_fatal),) = found(code)
    assert (found_line, is_fatal) == (line, True)
    assert found_text.startswith(text)


def test_local_variable_used_before_its_assignment_is_a_warning() -> None:
    """In a loop, it may work."""
    assert found("total = 0\ndef f():\n    print(total)\n    total = 1\n") == [
        (3, "total is used before the function assigns it", False)
    ]


@pytest.mark.parametrize(
    "code",
    [
        "print(__file__, __name__, __doc__, __spec__, __builtins__, __debug__, WindowsError)",
        "from os.path import *\nprint(join('a', 'b'), nothing)",
        "import os.path\nprint(os.path.sep)",
        "def f():\n    import csv\n    return csv",
        "try:\n    import ujson as json\nexcept ImportError:\n    import json\njson.loads",
        "try:\n    unicode\nexcept NameError:\n    unicode = str",
        "try:\n    has = raw_input\nexcept Exception:\n    has = None",
        "import sys\nif sys.version_info < (3,):\n    text = unicode\nelse:\n    text = str",
        "import sys\ntext = unicode if sys.version_info[0] == 2 else str",
        "PY2 = False\nprint(PY2 and basestring)",
        "if False:\n    nothing()",
        "globals()['x'] = 1\nprint(x)",
        "exec('x = 1')\nprint(x)",
        "import sys\nsetattr(sys.modules[__name__], 'x', 1)\nprint(x)",
        "import builtins\nbuiltins.x = 1\nprint(x)",
        "import gettext\ngettext.install('x')\nprint(_('text'))",
        "from contextlib import suppress\nwith suppress(NameError):\n    print(nothing)",
        "from __future__ import annotations\ndef f(x: Later) -> Later: ...",
        "def f():\n    x: Later = 1\n    return x",
        "def f(x: 'Later'): ...",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import B\ndef f(x: 'B'): ...",
        "class Main:\n    n = 2\n    squares = [i for i in range(n)]\n    def f(self): return __class__",
        "def f(rows): return [(a, b) for a in rows if a for b in a if (c := b) and c]",
        "def f():\n    global late\n    late = 1\ndef g(): return late",
        "x = 1\ndef f(): return x\nf()\ndel x",
        "def f(x):\n    if x:\n        del x\n    return x",
        "def f(x):\n    match x:\n        case {'a': a, **rest}: return a, rest\n        case [b, *c]: return b, c",
        "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n    return inner",
        "import enum\n@enum.global_enum\nclass Color(enum.Enum):\n    RED = 1\nprint(RED)",
        'exec("1", {})  # as a deployment appends\n',
    ],
)
def test_name_that_may_be_defined_is_not_reported(code: str) -> None:
    """Whatever defines it, or keeps Python from looking it up."""
    assert found(code) == []


def test_appended_padding_doesnt_hide_an_undefined_name() -> None:
    """Code that was deployed before and downloaded again is still checked."""
    assert [line for line, _, _ in found('nothing\nexec("1", {})\n')] == [1]


def test_name_that_only_a_shell_defines_is_undefined(monkeypatch: pytest.MonkeyPatch) -> None:
    """``display`` of a notebook isn't there in an engine."""

    def display() -> None: ...

    monkeypatch.setattr(builtins, "display", FunctionType(display.__code__, {"__name__": "IPython.display"}), False)
    monkeypatch.setattr(undefined, "_OF_SHELLS", undefined._names_of_shells())
    monkeypatch.setattr(importlib.import_module("pyflakes.checker"), "builtin_vars", frozenset(dir(builtins)))
    assert found("def f(x):\n    display(x)") == [(2, "undefined name display", True)]


def test_deeply_nested_code_is_one_error_or_none() -> None:
    """Neither the parser nor a check may fail with an exception of its own."""
    for code in ("(" * 500 + ")" * 500, "x" + ".a" * 20000, "-" * 5000 + "1", "1" + "+1" * 20000):
        with suppress(UsageError):
            found(code)


@pytest.mark.slow
def test_any_module_is_checked_without_an_exception() -> None:
    """Every module of the standard library but its tests; working code has hardly any findings."""
    library = Path(importlib.import_module("os").__file__ or "").parent
    skipped = {"test", "tests", "idle_test", "site-packages"}
    files = [file for file in sorted(library.rglob("*.py")) if skipped.isdisjoint(file.parts)]
    reported, count = 0, 0
    for file in files:
        try:
            source = StorletSource.parse(file.read_bytes(), file.name)
        except UsageError:
            continue  # lib2to3 contains bad code on purpose
        count += 1
        list(judge(find_imports(source.tree)))
        list(check_calls(source.tree, "Main"))
        reported += any(finding.is_fatal for finding in undefined.find_undefined(source.tree))
    assert count > 500
    assert reported < count / 100
