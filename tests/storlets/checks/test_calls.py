"""Methods of a main class that the engine's calls can't run, and none that they can."""

from __future__ import annotations

import pytest

from storlet_shell.storlets.checks.calls import check_calls
from storlet_shell.storlets.source import StorletSource

INIT = "    def __init__(self, logger): pass\n"
CALL = "    def __call__(self, in_files, out_files, params): pass\n"


def fatal(code: str) -> list[tuple[int, str]]:
    """Return the findings about the class ``Main``, all of which are fatal."""
    found = list(check_calls(StorletSource.parse(code.encode(), "s.py").tree, "Main"))
    assert all(finding.is_fatal for finding in found)
    return [(finding.line, finding.text) for finding in found]


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        (f"class Main:\n{INIT}    def __call__(self, in_files): pass\n", 3, "Main.__call__ must accept the call"),
        (f"class Main:\n{INIT}    def __call__(self, a, b, c, d): pass\n", 3, "Main.__call__ must accept the call"),
        (f"class Main:\n{INIT}    def __call__(self, a, b, *, c): pass\n", 3, "Main.__call__ must accept the call"),
        (f"class Main:\n{INIT}    def __call__(): pass\n", 3, "Main.__call__ must accept the call"),
        (f"class Main:\n{INIT}    @staticmethod\n    def __call__(self, a, b, c): pass\n", 4, "must accept the call"),
        (f"class Main:\n{INIT}    async def __call__(self, a, b, c): pass\n", 3, "Main.__call__ is async def"),
        (f"class Main:\n{INIT}    def __call__(self, a, b, c): yield\n", 3, "Main.__call__ is a generator"),
        (f"class Main:\n    async def __init__(self, logger): pass\n{CALL}", 2, "Main.__init__ is async def"),
        (f"class Main:\n    def __init__(self, logger): yield from ()\n{CALL}", 2, "Main.__init__ is a generator"),
        (f"class Main:\n    def __init__(self): pass\n{CALL}", 2, "must accept the call __init__(self, logger)"),
        (f"class Main:\n{CALL}", 1, "Main has no method __init__(self, logger)"),
        (f"class Main:\n{INIT}", 1, "Main has no method __call__(self, in_files, out_files, params)"),
        (f"class Main(object):\n{CALL}", 1, "Main has no method __init__(self, logger)"),
        (f"class Base:\n{INIT}    async def __call__(self, *all): pass\nclass Main(Base): pass\n", 3, "is async def"),
        (f"class Main:\n{INIT}    def __call__(self): pass\n    def __call__(self, a): pass\n", 4, "must accept"),
    ],
)
def test_call_that_fails_is_found_with_its_line(code: str, line: int, words: str) -> None:
    """One finding for the method that a call would run."""
    ((found_line, text),) = fatal(code)
    assert (found_line, words in text) == (line, True), text


@pytest.mark.parametrize(
    "code",
    [
        f"class Main:\n{INIT}{CALL}",
        "class Main:\n    def __init__(self, *args): pass\n    def __call__(self, *args, **options): pass\n",
        "class Main:\n    def __init__(self, logger, more=1): pass\n    def __call__(self, a, b, c, d=2, *, e=3): 1\n",
        f"class Main:\n{INIT}    @staticmethod\n    def __call__(a, b, c): pass\n",
        f"class Main:\n{INIT}    @classmethod\n    def __call__(cls, a, b, c): pass\n",
        f"class Main:\n{INIT}    @wrapped\n    def __call__(self): pass\n",
        f"class Main:\n{INIT}    @wrapped\n    async def __call__(self): pass\n",
        f"class Main:\n{INIT}    def __call__(self, a, b, c):\n        def lines(): yield\n        list(lines())\n",
        f"class Main:\n{INIT}    __call__ = run\n",
        f"class Main:\n{INIT}    if True:\n        def __call__(self, a, b, c): pass\n",
        f"class Main:\n    def __new__(cls, logger): return cls\n{CALL}",
        f"@dataclass\nclass Main:\n    logger: object\n{CALL}",
        f"class Main(metaclass=Meta):\n    def __init__(self): pass\n{CALL}",
        f"class Main(Elsewhere):\n{CALL}",
        "from elsewhere import Main\n",
        "Main = make()\n",
        f"class Base:\n{INIT}class Main(Base):\n{CALL}",
        f"class Main:\n{INIT}Main.__call__ = lambda self, a, b, c: None\n",
        f"class Main:\n{INIT}setattr(Main, '__call__', run)\n",
    ],
)
def test_call_that_may_work_is_not_reported(code: str) -> None:
    """What the source doesn't show is left to the author."""
    assert fatal(code) == []
