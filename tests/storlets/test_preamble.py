"""A statement that is added to a storlet runs before its imports, and moves no line."""

from __future__ import annotations

import traceback

import pytest

from storlet_shell.storlets.preamble import with_preamble

STATEMENT = "print('first'); print('second')"

FIRST_LINES = [
    "import os",
    "\n\nimport os",
    "from os import (\n    path,\n)",
    '"""Doc."""',
    '"""Doc\nof two lines."""; import os',
    "'''Doc.'''\nfrom __future__ import annotations  # é\nimport os",
    "#!/usr/bin/env python\n# coding: latin-1\nimport os  # é",
    "class A:\n    '''Doc.'''\n    def __init__(self): ...",
    "class A: x = 1",
    "@staticmethod\nclass A:\n    import os",
    "class A:\n    def __init__(self): ...",
    "def f(): ...\n\n\nx = 1",
    "async def f(): ...",
    "try:\n    import os\nexcept ImportError: ...",
    "try: import os\nfinally: ...",
    "\nif True:\n    import os",
    "class A:\n    class B:\n        y = 2",
    "\r\nimport os\r\n",
    "\ufeffimport os",
    "",
]


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("head", FIRST_LINES)
def test_statement_runs_first_and_keeps_the_lines(
    head: str, end: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the module starts with; an error in its last line still has that line's number."""
    encoding = "latin-1" if "latin" in head else "utf-8"
    code = f"{head}\nraise KeyError('x'){end}".encode(encoding)
    changed = with_preamble(code, STATEMENT)
    with pytest.raises(KeyError) as raised:
        exec(compile(changed, "x.py", "exec"), {})
    assert capsys.readouterr().out == "first\nsecond\n"
    assert traceback.extract_tb(raised.tb)[-1].lineno == len(code.decode(encoding).splitlines())


@pytest.mark.parametrize("code", ["def f(): ...", "class A:\n    def f(self): ...\n", "# nothing\n", ""])
def test_module_of_definitions_gets_it_at_the_end(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else runs when it is imported."""
    changed = with_preamble(code.encode(), STATEMENT).decode()
    assert changed.startswith(code)
    exec(compile(changed, "x.py", "exec"), {})
    assert capsys.readouterr().out == "first\nsecond\n"


def test_block_in_the_first_line_moves_by_one() -> None:
    """It can't be joined with a statement, and there is no blank line to use."""
    for code in ("if True:\n    x = 1\n", "class A:\n    for x in []:\n        ...\n"):
        assert with_preamble(code.encode(), STATEMENT).decode() == f"{STATEMENT}\n{code}"
