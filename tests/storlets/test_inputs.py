"""The maximum number of inputs that a storlet reads, by its source, or nothing if that isn't certain."""

from __future__ import annotations

import ast
from textwrap import dedent, indent

import pytest

from storlet_shell.storlets.inputs import count_read

HEAD = """\
class Main:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
"""


def count(code: str, top: str = "", methods: str = "") -> int | None:
    """Return the number for a storlet's ``__call__``."""
    body = indent(dedent(code).strip("\n"), " " * 8)
    module = f"{dedent(top)}\n{HEAD}{body}\n{indent(dedent(methods), ' ' * 4)}"
    return count_read(ast.parse(module), "Main")


SURE = {
    "in_files[0].read()": 1,
    "source = in_files[0]\nsource.read()": 1,
    "source, target = in_files[0], out_files[0]\nwhile chunk := source.read(1): target.write(chunk)": 1,
    "with in_files[0] as source: source.read()": 1,
    "helper = 1\nprint(in_files[0], helper)": 1,
    "files = in_files\nfiles[0].read()": 1,
    "a = b = in_files\nc = b\na[0].read(); b[0].read(); c[0].read()": 1,
    "first, *rest = in_files\nfirst.read()": 1,
    "[first, *_] = in_files\nfirst.read()": 1,
    "first, second = in_files\nfirst.read()": 2,
    "for file in in_files:\n    file.read()\n    break": 1,
    "for file in in_files:\n    return file.read()": 1,
    "for file in in_files:\n    if params: break\n    for line in file: break\n    break": 1,
    "for file in in_files[:1]: file.read()": 1,
    "for file in in_files[0:2]: file.read()": 2,
    "next(iter(in_files)).read()": 1,
    "source = next(iter(in_files))": 1,
    "for source, target in zip(in_files, out_files): target.write(source.read())": 1,
    "in_files[-1].read()": 1,
    "in_files[0].read() + in_files[1].read()": 2,
    "in_files[0].read() + in_files[0].read()": 1,
    "if len(in_files) > 1: self.logger.warn('dropped')\nin_files[0].read()": 1,
    "if not in_files: return\nassert in_files\nin_files[0].read()": 1,
    "pass": 0,
    "in_files = []\nin_files[0]": 1,
    "out_files[0].set_metadata({})": 0,
    "read = lambda: in_files[0].read()\nread()": 1,
    "def read(): return in_files[0].read()\nread()": 1,
    "in_files[0].read() if in_files else None": 1,
}
UNSURE = [
    "for file in in_files: file.read()",
    "[file.read() for file in in_files]",
    "for file in in_files:\n    if params: continue\n    break",
    "for file in in_files:\n    if params: break",
    "for number, file in enumerate(in_files): break",
    "in_files[len(in_files) - 1].read()",
    "for number in range(len(in_files)): in_files[number].read()",
    "in_files[params['n']].read()",
    "in_files[1:][0].read()",
    "in_files[::1]",
    "in_files[:-1]",
    "in_files[:int(params['n'])]",
    "first, *rest = in_files\nfor file in rest: file.read()",
    "first, *self.rest = in_files",
    "self.files = in_files",
    "return_value = [in_files]",
    "in_files.pop(0).read()",
    "while in_files: in_files.pop().read()",
    "sources = iter(in_files)\nnext(sources); next(sources)",
    "print(*in_files)",
    "merge(in_files)",
    "self.logger.info(in_files)",
    "other = self\nother.run(in_files)",
    "import heapq\nheapq.merge(*in_files)",
    "map(read, in_files)",
    "for a, b in zip(in_files, in_files): pass",
    "for a, b in zip(in_files, params): pass",
    "for a, b in zip(in_files, out_files, strict=True): pass",
    "out_files = out_files * 9\nfor a, b in zip(in_files, out_files): pass",
    "a, b = in_files, 1",
    "a = in_files if params else []",
    "(files := in_files)",
    "return in_files",
    "yield in_files[0]",
    "locals()['in_files']",
    "exec('in_files')",
    "len = list\nlen(in_files)",
    "def iter(files): return files\nnext(iter(in_files))",
    "del in_files[0]\nin_files[0].read()",
    "del in_files[0]",
    "in_files[0] = in_files[1]",
    "others += in_files",
    "out_files.append(out_files[0])\nfor a, b in zip(in_files, out_files): pass",
    "match in_files:\n    case [first, *rest]: pass",
    "def read():\n    nonlocal in_files\n    in_files[0].read()",
    "lambda files=in_files: files",
    "files: list = in_files\nfiles",
    "in_files is None or in_files",
    "print(f'{in_files}')",
    "with open('x') as self.file, in_files as files: pass",
    "async def read(): return [f async for f in in_files]",
    "global rest\nfirst, *rest = in_files\nself.run()",
    "out_files[1:] = out_files[:1]\nfor a, b in zip(in_files, out_files): pass",
    "class Reader:\n    files = in_files\nin_files[0]\n[file.read() for file in Reader.files]",
]


@pytest.mark.parametrize("code", SURE)
def test_what_is_sure_is_a_number(code: str) -> None:
    """By index, by another name, unpacked, in loops that end at once."""
    assert count(code) == SURE[code]


@pytest.mark.parametrize("code", UNSURE)
def test_what_is_not_sure_is_nothing(code: str) -> None:
    """A storlet that may read all of its inputs is never refused."""
    assert count(code) is None


def test_functions_of_the_file_are_followed() -> None:
    """Methods and functions that get the list, and what these call."""
    top = "def first(files): return deeper(1, files)\ndef deeper(n, sources): return sources[0]"
    assert count("first(in_files).read()", top) == 1
    methods = "def run(self, files, out): return self.pick(files)\ndef pick(self, files): return files[1]"
    assert count("self.run(in_files, out_files)\nin_files[0]", "", methods) == 2
    assert count("self.run(in_files)", "", "def run(self, files): return [f.read() for f in files]") is None


@pytest.mark.parametrize(
    ("code", "top", "methods"),
    [
        ("run(in_files)", "def run(files): return files", ""),
        ("run(in_files)", "def run(*files): return files[0][0]", ""),
        ("run(files=in_files)", "def run(files): return files[0]", ""),
        ("run(in_files)", "def run(files): return files[0]\nrun = print", ""),
        ("run(in_files)", "@cache\ndef run(files): return files[0]", ""),
        ("run(in_files)", "def run(files): return run(files)", ""),
        ("run(in_files)", "async def run(files): return files[0]", ""),
        ("run(in_files)", "def run(files): yield files[0]", ""),
        ("run(in_files)", "if 1:\n    def run(files): return files[0]\nelse:\n    def run(files): return files", ""),
        ("run(in_files)", "from other import run", ""),
        ("run(in_files)", "def run(files): return files[0]\nfrom other import *", ""),
        ("run(in_files)", "def run(files): return files[0]\nsys.modules[__name__].run = print", ""),
        ("run(*params, in_files)", "def run(a, files): return a[0]", ""),
        ("self.run(in_files)", "", "def run(self, files): return files[0]\nrun = print"),
        ("self.run = print\nself.run(in_files)", "", "def run(self, files): return files[0]"),
        ("self.run(in_files)", "", "@staticmethod\ndef run(files, other=1): return files[0]"),
        ("self.run(in_files)", "", ""),
        ("self = params\nself.run(in_files)", "", "def run(self, files): return files[0]"),
    ],
)
def test_functions_that_may_be_others_are_not_followed(code: str, top: str, methods: str) -> None:
    """What is decorated, bound again, imported, a generator, or called in another way."""
    assert count(code, top, methods) is None


PRIVATE = """
class Base:
    def __call__(self, i, o, p): self.__run(i)
    def __run(self, i): list(i)

class Main(Base):
    def __run(self, i): i[0]
"""
BODY = "\n    def __call__(self, i, o, p): i[0].read()\n"


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (f"class Main:{BODY}", 1),
        (f"class Main(object):{BODY}", 1),
        (f"class Base:{BODY}\nclass Main(Base): pass", 1),
        (f"class Base:{BODY}\nclass Main(Base):\n    def __call__(self, i, o, p): super().__call__(i, o, p)", None),
        (f"class Base:{BODY}\nclass Main(Base):\n    def __call__(self, i, o, p): return list(i)", None),
        ("class Main:\n    def __call__(self, *files): files[0][0].read()", None),
        ("class Main:\n    def __call__(self, files, *, o): files[0]", 1),
        ("class Main:\n    def __call__(self, i, /, o, p): i[0]", 1),
        (f"class Main(metaclass=Meta):{BODY}", None),
        (f"from other import Base\nclass Main(Base):{BODY}", None),
        (f"@wrap\nclass Main:{BODY}", None),
        (f"class Main:{BODY}\nMain = wrap(Main)", None),
        (f"class Main:{BODY}\nMain.__call__ = other", None),
        (f"class Main:{BODY}\nclass Main: pass", None),
        ("class Main:\n    @wrap\n    def __call__(self, i, o, p): i[0]", None),
        ("class Main:\n    async def __call__(self, i, o, p): i[0]", None),
        ("class Main:\n    __call__ = lambda self, i, o, p: i[0]", None),
        (f"class Main:{BODY}    __call__ = print", None),
        (
            PRIVATE,
            None,
        ),
        ("class Main:\n    def __call__(self, i, o, p): self.__run(i)\n    def __run(self, i): i[0]", 1),
        ("class Main: pass", None),
        ("class Other: pass", None),
        ("from other import Main", None),
        ("class Main:\n    def __call__(self, i, o, p):\n        global i\n        i[0]", None),
        ("class A(A): pass\nclass Main(Main): pass", None),
    ],
)
def test_classes_that_are_not_what_they_look_like_are_not_judged(module: str, expected: int | None) -> None:
    """Metaclasses, decorators, bases from elsewhere, a second definition."""
    assert count_read(ast.parse(module), "Main") == expected
