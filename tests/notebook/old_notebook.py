"""A notebook of the removed extension, cell by cell (A1 to A12), and bad input, with what must be seen below each cell.

It is run in the IPython terminal, in a kernel, and in JupyterLab. What must be seen never stands in the cell itself,
since a terminal repeats what is typed; and no body has an empty line, which ends a cell there.
"""

from __future__ import annotations

from typing import NamedTuple

import nbformat

from storlet_shell.embedded import control
from tests.support.storlets import DEPENDENT, TEST_STORLET


class Step(NamedTuple):
    """A cell.

    :param shows: the line of the contract that it shows
    :param seen: texts that must be seen below it
    :param unseen: texts that must not
    :param fails: whether it is an error, in one line
    """

    shows: str
    source: str
    seen: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    fails: bool = False

    def check(self, output: str) -> None:
        """Check what is seen below the cell."""
        assert all(text in output for text in self.seen), (self, output)
        assert not any(text in output for text in (*self.unseen, "Traceback", "\x1b[")), (self, output)
        assert ("Error: " in output.strip().rpartition("\n")[2]) == self.fails, (self, output)


_FORMAT = 'swift object path must have the format: "path:/<container>/<object>"'
_GET = "%get --storlet test.py --input path:/CC/o"

_STEPS = (
    Step("the extension is loaded before there is an identity", "%load_ext storlet_shell", ("%sls",)),
    Step("A11: none", "%get path:/CC/o", ("IdentityError: ", "ST_AUTH", "OS_AUTH_URL"), fails=True),
    Step("A11: half", "import os\nos.environ['ST_AUTH'] = 'URL'"),
    Step("A11: half", "%get path:/CC/o", ("IdentityError: ", "ST_USER, ST_KEY"), fails=True),
    Step("the identity", "os.environ['ST_USER'], os.environ['ST_KEY'] = 'USER', 'KEY'"),
    Step("the identity", "%whoami", ("AUTH_local", "enabled for storlets: yes")),
    Step("the extension is reloaded", "%reload_ext storlet_shell", ("%sls",)),
    Step("A8", "%%uploadfile CC/o\nname,age\nann,31\nbob,25", ("path:/CC/o", "201")),
    Step(
        "A1",
        f"%%storletapp test.TestStorlet\n{TEST_STORLET}",
        ("deployed test.py (main test.TestStorlet) into container storlet",),
    ),
    Step("A2: a dependency", "import pathlib\n_ = pathlib.Path('greeting.txt').write_text('hello')"),
    Step("A2: a dependency", f"%%storletapp depends.Main -d greeting.txt\n{DEPENDENT}", ("deployed depends.py",)),
    Step("A2: a dependency", "%get --storlet depends.py --input path:/CC/o", ("HELLO", "200 OK")),
    Step("A2: a container", f"%%storletapp elsewhere.TestStorlet -c CC\n{TEST_STORLET}", ("into container CC",)),
    Step(
        "A3: shown",
        f"%%storletapp test.TestStorlet --with-invoke --input path:/CC/o --print-result\n{TEST_STORLET}",
        ("ann,31",),
    ),
    Step(
        "A3: not shown",
        f"%%storletapp test.TestStorlet --with-invoke --input path:/CC/o\n{TEST_STORLET}",
        ("HTTP 200",),
        ("ann",),
    ),
    Step(
        "A3: without an input",
        f"%%storletapp test.TestStorlet --with-invoke\n{TEST_STORLET}",
        ("UsageError: --with-invoke needs --input",),
        fails=True,
    ),
    Step(
        "A4",
        f"%%storletapp untold.TestStorlet --dry-run --input path:/CC/o\n{TEST_STORLET}",
        ("ann,31", "nothing was uploaded"),
    ),
    Step("A4: nothing was uploaded", "%get storlet/untold.py", ("NotFoundError: ",), fails=True),
    Step("A5: parameters", "params = {'color': 'red'}"),
    Step("A5", f"{_GET} -i params -o result", unseen=("ann",)),
    Step(
        "A5: the response",
        "print(result.status, result.headers['X-Object-Meta-Color'], result.content.decode().upper())",
        ("200 red NAME,AGE", "ANN,31"),
    ),
    Step(
        "A5: headers in any case",
        "print(result.headers['x-object-meta-color'].upper(), result['headers'].get('X-OBJECT-META-COLOR'))",
        ("RED red",),
    ),
    Step("A6: a local file", "_ = pathlib.Path('local.txt').write_text('from here')"),
    Step("A6", "%put --storlet test.py --input local.txt --output path:/CC/o2 -i params -o result"),
    Step("A6: the response", "print(result.status, result['headers']['X-Trans-Id'])", ("201 tx",)),
    Step("A6: the object", "%get path:/CC/o2", ("from here", "200 OK")),
    Step("A7", "%copy --storlet test.py --input path:/CC/o --output path:/CC/o3 -i params -o result"),
    Step("A7: the response", "print(result['status'], result.headers['X-Trans-Id'])", ("201 tx",)),
    Step("A7: the object", "print((get_ipython().run_line_magic('get', 'path:/CC/o3')).headers)", ("'red'",)),
    Step("A9", f"{_GET} -o result"),
    Step(
        "A9: streamed",
        "print(result['status'], b''.join(result.iter_content(5)).decode().upper())",
        ("200 NAME,AGE", "ANN,31"),
    ),
    Step("A9", f"{_GET} -o result"),
    Step(
        "A9: read more than once",
        "print(result.status, isinstance(result.headers, dict), result.content == result.content == b''.join(result))",
        ("200 True True",),
    ),
    Step("A10: without the slash", "%get --storlet test.py --input path:CC/o", ("ann,31", "200 OK")),
    Step("A10: without the prefix", "%get --storlet test.py --input CC/o", ("UsageError: ", _FORMAT), fails=True),
    Step("A12: an unknown option", "%get --nonsense", ("UsageError: get: unrecognized arguments",), fails=True),
    Step("A12: nothing given", "%copy", ("UsageError: ", "must be given"), fails=True),
    Step("A12: an undefined variable", f"{_GET} -i nowhere", ("UsageError: variable nowhere: not found",), fails=True),
    Step("bad input: no name", f"{_GET} -o 1x", ("UsageError: variable 1x: must be a Python identifier",), fails=True),
    Step(
        "bad input: a keyword",
        f"{_GET} -o class",
        ("UsageError: variable class: must be a Python identifier",),
        fails=True,
    ),
    Step("bad input: no mapping", "number = 3"),
    Step("bad input: no mapping", f"{_GET} -i number", ("UsageError: variable number: must be a mapping",), fails=True),
    Step("bad input: no class", "%%storletapp bad.Main\nx = 1", ("UsageError: bad.py: no class Main",), fails=True),
    Step(
        "bad input: two classes, and neither is meant",
        "%%storletapp bad.Main\nclass Mian:\n    pass\nclass Other:\n    pass",
        ("UsageError: bad.py: no class Main; did you mean Mian?",),
        fails=True,
    ),
    Step("bad input: nothing was deployed", "%get storlet/bad.py", ("NotFoundError: ",), fails=True),
    Step("bad input: no object", "%get --storlet test.py path:/CC/nowhere", ("NotFoundError: ",), fails=True),
    Step("bad input: no file", "%put /nowhere path:/CC/o", ("NotFoundError: no local file",), fails=True),
    Step("bad input: HTML", "%%uploadfile 'CC/<b>bold</b>'\n<script>x</script>", ("path:/CC/<b>bold</b>: ",)),
    Step("bad input: HTML", "%get 'CC/<b>bold</b>'", ("path:/CC/<b>bold</b> · 200 OK", "<script>x</script>")),
    Step("the extension is unloaded", "%unload_ext storlet_shell"),
    Step(
        "the extension is unloaded",
        "%get path:/CC/o",
        ("UsageError: Line magic function `%get` not found",),
        fails=True,
    ),
)


def steps(swift: control.Running, container: str) -> list[Step]:
    """Return the cells for a server and a container there."""
    given = {"CC": container, "'URL'": repr(swift.auth_url), "'USER'": repr(swift.user), "'KEY'": repr(swift.key)}

    def filled(text: str) -> str:
        for name, value in given.items():
            text = text.replace(name, value)
        return text

    return [one._replace(source=filled(one.source), seen=tuple(map(filled, one.seen))) for one in _STEPS]


def as_notebook(cells: list[Step]) -> nbformat.NotebookNode:
    """Return the cells as a notebook; where one is to fail, what runs it goes on."""
    made = [
        nbformat.v4.new_code_cell(cell.source, metadata={"tags": ["raises-exception"]} if cell.fails else {})
        for cell in cells
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return nbformat.v4.new_notebook(cells=made, metadata=kernel)
