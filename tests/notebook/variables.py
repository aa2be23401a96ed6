"""What a name in a magic's line stands for, wherever the line is run; to be run under every Python.

Each case is a cell. Before it, ``day`` is ``monday`` at the prompt; ``c`` names a container, in which the objects
``monday`` and ``tuesday`` hold their own names. As a program, this runs all of them in a shell of its own.
"""

# ruff: noqa: E501  a cell is one string

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.utils.capture import capture_output

NEW = sys.version_info >= (3, 13)
"""Whether a running function's variables can be set (PEP 667)."""


class Case(NamedTuple):
    """A cell.

    :param seen: what the cell leaves in the variable ``seen``; None where it must fail
    :param error: a part of the message, where it must fail
    """

    name: str
    cell: str
    seen: object = None
    error: str = ""


_RUN = "get_ipython().run_line_magic"
_OWNER = "day is a variable of outer, which inner doesn't take over; declare nonlocal day in inner"
_NO_SET = "before Python 3.13, a line can't set f's variables; write r = %get"

CASES = (
    Case("at the prompt", "x = %get {c}/{day}\nseen = x.text", "monday"),
    Case("argument", "def f(day):\n    x = %get {c}/{day}\n    return x.text\nseen = f('tuesday')", "tuesday"),
    Case("dollar", "def f(day):\n    x = %get $c/$day\n    return x.text\nseen = f('tuesday')", "tuesday"),
    Case(
        "dollar and braces", "def f(day):\n    x = %get ${c}/${day}\n    return x.text\nseen = f('tuesday')", "tuesday"
    ),
    Case(
        "attribute",
        "import types\ndef f(day):\n    x = %get {c}/{day.name}\n    return x.text\n"
        "seen = f(types.SimpleNamespace(name='tuesday'))",
        "tuesday",
    ),
    Case("local", "def f():\n    day = 'tuesday'\n    x = %get {c}/{day}\n    return x.text\nseen = f()", "tuesday"),
    Case("global", "def f():\n    x = %get {c}/{day}\n    return x.text\nseen = f()", "monday"),
    Case(
        "declared global",
        "def f():\n    global day\n    day = 'tuesday'\n    x = %get {c}/{day}\n    return x.text\nseen = f(), day",
        ("tuesday", "tuesday"),
    ),
    Case(
        "not assigned yet",
        "def f():\n    x = %get {c}/{day}\n    day = 'tuesday'\n    return x.text\nseen = f()",
        error="day is a variable of f, and has no value at this point",
    ),
    Case(
        "method",
        "class A:\n    def m(self, day):\n        x = %get {c}/{day}\n        return x.text\nseen = A().m('tuesday')",
        "tuesday",
    ),
    Case(
        "attribute of self",
        "class A:\n    day = 'tuesday'\n    def m(self):\n        x = %get {c}/{self.day}\n        return x.text\n"
        "seen = A().m()",
        "tuesday",
    ),
    Case("class", "class A:\n    day = 'tuesday'\n    x = %get {c}/{day}\nseen = A.x.text", "tuesday"),
    Case("class without it", "class A:\n    x = %get {c}/{day}\nseen = A.x.text", "monday"),
    Case(
        "method does not see its class",
        "class A:\n    day = 'tuesday'\n    def m(self):\n        x = %get {c}/{day}\n        return x.text\nseen = A().m()",
        "monday",
    ),
    Case("comprehension", f"seen = [{_RUN}('get', '{{c}}/{{day}}').text for day in ['tuesday']]", ["tuesday"]),
    Case("around a comprehension", f"seen = [{_RUN}('get', '{{c}}/{{day}}').text for _ in 'x']", ["monday"]),
    Case(
        "comprehension in a function",
        f"def f(day):\n    return [{_RUN}('get', '{{c}}/{{day}}').text for _ in 'x']\nseen = f('tuesday')",
        ["tuesday"],
    ),
    Case(
        "comprehensions in a function",
        f"def f(c):\n    return [[{_RUN}('get', '{{c}}/{{day}}').text for _ in 'x'] for day in ['tuesday']]\nseen = f(c)",
        [["tuesday"]],
    ),
    Case(
        "set and dict comprehensions",
        f"def f(day):\n    return {{{_RUN}('get', '{{c}}/{{day}}').text for _ in 'x'}}, "
        f"{{_: {_RUN}('get', '{{c}}/{{day}}').text for _ in 'x'}}\nseen = f('tuesday')",
        ({"tuesday"}, {"x": "tuesday"}),
    ),
    Case(
        "comprehension in a class",
        f"class A:\n    day = 'tuesday'\n    seen = [{_RUN}('get', '{{c}}/{{day}}').text for _ in 'x']\nseen = A.seen",
        ["monday"],
    ),
    Case("generator", f"seen = list({_RUN}('get', '{{c}}/{{day}}').text for day in ['tuesday'])", ["tuesday"]),
    Case(
        "generator in a function",
        f"def outer(day):\n    return list({_RUN}('get', '{{c}}/{{day}}').text for _ in 'x')\nseen = outer('tuesday')",
        error="day is a variable of outer, which <genexpr> doesn't take over",
    ),
    Case(
        "generator function",
        "def f(days):\n    for day in days:\n        x = %get {c}/{day}\n        yield x.text\nseen = list(f(['tuesday']))",
        ["tuesday"],
    ),
    Case("lambda", f"f = lambda day: {_RUN}('get', '{{c}}/{{day}}').text\nseen = f('tuesday')", "tuesday"),
    Case(
        "nested function",
        "def outer(day):\n    def inner():\n        x = %get {c}/{day}\n        return x.text\n    return inner()\n"
        "seen = outer('tuesday')",
        error=_OWNER,
    ),
    Case(
        "nested function after the outer one",
        "def outer(day):\n    def inner():\n        x = %get {c}/{day}\n        return x.text\n    return inner\n"
        "seen = outer('tuesday')()",
        error=_OWNER,
    ),
    Case(
        "nested function with the variable",
        "def outer(day):\n    def inner():\n        nonlocal day\n        x = %get {c}/{day}\n        return x.text\n"
        "    return inner\nseen = outer('tuesday')()",
        "tuesday",
    ),
    Case(
        "nested function with a global",
        "def outer(other):\n    def inner():\n        x = %get {c}/{day}\n        return x.text\n    return inner()\n"
        "seen = outer('tuesday')",
        "monday",
    ),
    Case(
        "nested function that declares a global",
        "def outer(day):\n    def inner():\n        global day\n        x = %get {c}/{day}\n        return x.text\n"
        "    return inner()\nseen = outer('tuesday')",
        "monday",
    ),
    Case(
        "decorated nested function",
        "import functools\ndef outer(day):\n    @functools.cache\n    def inner():\n        x = %get {c}/{day}\n"
        "        return x.text\n    return inner()\nseen = outer('tuesday')",
        error=_OWNER,
    ),
    Case(
        "class in a function",
        "def outer(day):\n    class inner:\n        x = %get {c}/{day}\n    return inner.x.text\nseen = outer('tuesday')",
        error=_OWNER,
    ),
    Case(
        "nested function without its source",
        'names = {}\nexec(\'def outer(day):\\n    def inner():\\n        return get_ipython().run_line_magic("get", '
        "\"{c}/{day}\")\\n    return inner()', globals(), names)\nseen = names['outer']('tuesday').text",
        error="a variable of a function around it, perhaps",
    ),
    Case(
        "coroutine",
        "async def f(day):\n    x = %get {c}/{day}\n    return x.text\nseen = await f('tuesday')",
        "tuesday",
    ),
    Case("typed await", "import asyncio\nawait asyncio.sleep(0)\nx = %get {c}/{day}\nseen = x.text", "monday"),
    Case(
        "tasks side by side",
        "import asyncio\nasync def f(day):\n    await asyncio.sleep(0)\n    x = %get {c}/{day}\n    await asyncio.sleep(0)\n"
        "    return x.text\nseen = await asyncio.gather(f('tuesday'), f('monday'))",
        ["tuesday", "monday"],
    ),
    Case(
        "threads side by side",
        "from concurrent.futures import ThreadPoolExecutor\ndef f(day):\n    x = %get {c}/{day}\n    return x.text\n"
        "with ThreadPoolExecutor(8) as pool:\n    seen = set(pool.map(f, ['tuesday'] * 60))",
        {"tuesday"},
    ),
    Case(
        "timed",
        f"def f(day):\n    x = get_ipython().run_line_magic('time', \"{_RUN}('get', '{{c}}/{{day}}')\")\n"
        "    return x.text\nseen = f('tuesday')",
        "tuesday",
    ),
    Case(
        "line of another function",
        "def run(line):\n    return get_ipython().run_line_magic('get', line, _stack_depth=2)\n"
        "def f(day):\n    return run('{c}/{day}').text\nseen = f('tuesday')",
        "tuesday",
    ),
    Case(
        "another name for the magic",
        "%alias_magic fetch get\ndef f(day):\n    x = %fetch {c}/{day}\n    return x.text\nseen = f('tuesday')",
        "tuesday",
    ),
    Case(
        "cell magic in a function",
        "def f(day):\n    return get_ipython().run_cell_magic('uploadfile', '{c}/{day}-new', 'text').subject\n"
        "seen = f('tuesday').rpartition('/')[2]",
        "tuesday-new",
    ),
    Case(
        "exec",
        "space = {'day': 'tuesday'}\nexec(\"x = get_ipython().run_line_magic('get', '{c}/{day}')\", globals(), space)\n"
        "seen = space['x'].text",
        "tuesday",
    ),
    Case(
        "another module",
        "import types\ntools = types.ModuleType('tools')\nexec(\"def f(get):\\n    return get('get', '{c}/{mine}').text\\n"
        f"mine = 'tuesday'\", vars(tools))\nseen = tools.f({_RUN})",
        "tuesday",
    ),
    Case(
        "another module's variable of the same name",
        "import types\ntools = types.ModuleType('tools')\nexec(\"def f(get):\\n    return get('get', '{c}/{day}').text\\n"
        f"day = 'tuesday'\", vars(tools))\nseen = tools.f({_RUN})",
        error="day is a variable of module tools and another one at your prompt",
    ),
    # --- parameters
    Case(
        "parameters",
        "p = {'color': 'red'}\ndef f():\n    p = {'color': 'blue'}\n    x = %get --storlet test.py {c}/monday -i p\n"
        "    return x.headers['x-object-meta-color']\nseen = f()",
        "blue",
    ),
    Case(
        "parameters of an outer function",
        "p = {'color': 'red'}\ndef outer():\n    p = {'color': 'blue'}\n    def inner():\n"
        "        x = %get --storlet test.py {c}/monday -i p\n        return x\n    return inner()\nseen = outer()",
        error="p is a variable of outer",
    ),
    # --- variables that are set
    Case("stored at the prompt", "%get {c}/{day} -o r\nseen = r.text", "monday"),
    Case("stored in a loop", "for day in ['tuesday']:\n    %get {c}/{day} -o r\nseen = r.text", "tuesday"),
    Case(
        "stored in a class",
        "class A:\n    %get {c}/{day} -o r\n    text = r.text\nseen = A.text, A.r.text",
        ("monday",) * 2,
    ),
    Case(
        "stored by exec",
        "space = {}\nexec(\"get_ipython().run_line_magic('get', '{c}/{day} -o r')\", globals(), space)\n"
        "seen = space['r'].text, 'r' in globals()",
        ("monday", False),
    ),
    Case("stored after await", "import asyncio\nawait asyncio.sleep(0)\n%get {c}/{day} -o r\nseen = r.text", "monday"),
    Case(
        "stored in a function's variable",
        "r = 'mine'\ndef f(day):\n    r = None\n    %get {c}/{day} -o r\n    return r.text\nseen = f('tuesday'), r",
        ("tuesday", "mine") if NEW else None,
        "" if NEW else _NO_SET,
    ),
    Case(
        "stored in the variable of an outer function",
        "def outer(day):\n    r = None\n    def f():\n        nonlocal r\n        %get {c}/tuesday -o r\n    f()\n"
        "    return r.text\nseen = outer('monday')",
        "tuesday" if NEW else None,
        "" if NEW else _NO_SET,
    ),
    Case(
        "stored in no variable of the function",
        "def f(day):\n    %get {c}/{day} -o r\nf('tuesday')",
        error="r can't be set here: f has no variable r; write r = %get",
    ),
    Case(
        "stored in a declared global",
        "def f(day):\n    if day:\n        global r\n    %get {c}/{day} -o r\nf('tuesday')\nseen = r.text",
        "tuesday",
    ),
    Case(
        "stored by <<",
        "def f(day):\n    %get r << {c}/{day}\nf('tuesday')",
        error="r can't be set here",
    ),
    Case(
        "defined",
        "def f(day):\n    %vars r k=v\nf('tuesday')",
        error="r can't be set here",
    ),
    # --- variables that are listed
    Case(
        "listed",
        "def f(day, other):\n    x = %vars\n    return {row.name: row.description for row in x}\nrows = f('tuesday', 'o')\n"
        "seen = rows['day'], rows['other'], 'c' in rows",
        ("tuesday", "o", True),
    ),
    Case("shown", "def f(day):\n    x = %vars day\n    return x.text\nseen = f('tuesday')", "tuesday"),
    Case(
        "not deleted",
        "def f(day):\n    %vars day --delete\nf('tuesday')",
        error="day is a variable of f; write del day",
    ),
    Case("deleted", "%vars day --delete\nseen = 'day' in globals()", False),
    # --- what is lost; the last case, since it is
    Case(
        "deletes what the function names",
        "def f(day):\n    %storlet rm -y {c}/$day\nf('tuesday')\nx = %storlet ls {c}\n"
        "seen = [row.name for row in x if row.name in ('monday', 'tuesday')]",
        ["monday"],
    ),
    Case(
        "callable of a thread",
        "import concurrent.futures\ndef f(day):\n    with concurrent.futures.ThreadPoolExecutor(1) as pool:\n"
        f"        return pool.submit({_RUN}, 'get', '{{c}}/{{day}}').result().text\nseen = f('tuesday')",
        error="can't be looked up, since Python's module concurrent.futures.thread runs the line",
    ),
    Case(
        "callable of a coroutine's thread",
        f"import asyncio\nasync def f(day):\n    return (await asyncio.to_thread({_RUN}, 'get', '{{c}}/{{day}}')).text\n"
        "seen = await f('tuesday')",
        error="can't be looked up, since Python's module concurrent.futures.thread runs the line",
    ),
    Case(
        "callback",
        "import contextlib\ndef f(day):\n    with contextlib.ExitStack() as stack:\n"
        f"        stack.callback({_RUN}, 'storlet', 'rm -y {{c}}/{{day}}')\nf('tuesday')",
        error="can't be looked up, since Python's module contextlib runs the line",
    ),
    Case(
        "no statement fits in a generator expression",
        f"def f(day):\n    return list({_RUN}('get', '{{c}}/{{day}}').text for _ in [1])\nseen = f('tuesday')",
        error="which <genexpr> doesn't take over; use a list comprehension, or a loop",
    ),
    Case(
        "no statement fits in a lambda",
        f"def f(day):\n    return (lambda: {_RUN}('get', '{{c}}/{{day}}').text)()\nseen = f('tuesday')",
        error="which <lambda> doesn't take over; pass it as an argument",
    ),
)


_UPLOAD = "_ = get_ipython().run_cell_magic('uploadfile', '{{c}}/{0}', '{0}')"


def failures_of(run_cell: Callable[[str], ExecutionResult], names: dict[str, object]) -> list[str]:
    """Run all cases in a shell with the extension loaded, and say which don't do as they should.

    :param names: the namespace of cells; ``c`` in it is a container
    """
    failures = []
    for cell in (_STORLET, *(_UPLOAD.format(name) for name in ("monday", "tuesday"))):
        assert run_cell(cell).success
    for case in CASES:
        for name in ("seen", "r", "x", "p"):
            names.pop(name, None)
        names["day"] = "monday"
        ended = run_cell(case.cell)
        error = ended.error_in_exec or ended.error_before_exec
        text = repr(names.get("seen")) if error is None else str(error)
        is_right = error is None and names.get("seen") == case.seen
        if case.error:
            is_right = error is not None and case.error in text and "\n" not in text
        if not is_right:
            failures.append(f"{case.name}: {text}, not {case.error or repr(case.seen)}")
    return failures


def main() -> int:
    """Run all cases over an embedded Swift."""
    shell = InteractiveShell.instance()
    with capture_output(display=False):
        for cell in ("%load_ext storlet_shell", "%storlet local start", "c = 'variables'", "%storlet mkdir {c}"):
            shell.run_cell(cell)
        try:
            failures = failures_of(shell.run_cell, shell.user_ns)
        finally:
            shell.run_cell("%storlet local stop")
    sys.stdout.write(
        "\n".join([f"Python {sys.version.split()[0]}: {len(CASES)} cases, {len(failures)} wrong", *failures, ""])
    )
    return bool(failures)


_STORLET = """\
%%storletapp test.TestStorlet
class TestStorlet:
    def __init__(self, logger):
        pass

    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({'color': params.get('color', '')})
        out_files[0].write(in_files[0].read())
"""

if __name__ == "__main__":
    sys.exit(main())
