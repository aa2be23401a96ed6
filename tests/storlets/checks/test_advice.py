"""Advice for authors of storlets before they deploy, and none for sound code."""

from __future__ import annotations

import ast
from textwrap import indent

import pytest

from storlet_shell.storlets.checks.advice import advise
from storlet_shell.storlets.source import StorletSource
from tests.support.storlets import STORLETS

SOUND = """\
source, target = in_files[0], out_files[0]
target.set_metadata({})
while chunk := source.read(65536):
    target.write(chunk)
"""


def main_of(code: str, name: str) -> ast.ClassDef:
    """Return the class statement of a storlet."""
    node = StorletSource.parse(code.encode(), name).class_of("Main")
    assert node is not None
    return node


def findings(body: str, init: str = "self.logger = logger") -> list[tuple[int, str]]:
    """Return what is found in a storlet's ``__call__``; its body starts in line 5."""
    code = f"class Main:\n    def __init__(self, logger):\n        {init}\n"
    code += f"    def __call__(self, in_files, out_files, params):\n{indent(body, ' ' * 8)}"
    return advise(main_of(code, "s.py"))


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("out_files[0].write(b'x')\nout_files[0].set_metadata({})", 5, "before the first write"),
        ("target = out_files[0]\ntarget.write(b'x')\ntarget.set_metadata({})", 6, "before the first write"),
        ("data = in_files[0].read()\nout_files[0].write(data)", 4, "out_files[0].set_metadata({…}) is never called"),
        (SOUND + "target.write('text')", 9, "takes bytes, not str"),
        (SOUND + "target.write(f'{1}')", 9, "takes bytes, not str"),
        (SOUND + "target.write('%d' % 1)", 9, "takes bytes, not str"),
        (SOUND + "target.write('a' + 'b')", 9, "takes bytes, not str"),
        (SOUND + "target.write(', '.join(params))", 9, "takes bytes, not str"),
        (SOUND + "import json\ntarget.write(json.dumps({}))", 10, "takes bytes, not str"),
        (SOUND + "content = ''\ncontent += source.read()\ntarget.write(content)", 11, "takes bytes, not str"),
        (SOUND + "for line in source:\n    target.write(line)", 9, "whole body at once"),
        (SOUND + "lines = [line for line in in_files[0]]", 9, "whole body at once"),
        (SOUND + "self.logger.exception('no')", 9, "doesn't support exception()"),
        (SOUND + "while source.read(16):\n    pass", 9, "reading 16 bytes at a time"),
    ],
)
def test_surprise_is_told_with_its_line(body: str, line: int, words: str) -> None:
    """One finding, where it is."""
    ((found_line, text),) = findings(body)
    assert found_line == line
    assert words in text


@pytest.mark.parametrize(
    "body",
    [
        SOUND,
        SOUND + "header = source.read(16)",
        SOUND + "for line in source.readlines():\n    target.write(line)",
        SOUND + "for each in in_files:\n    target.write(each.read())",
        SOUND + "text = 'a'\ntext = text.encode()\ntarget.write(text)",
        SOUND + "target.write('a'.encode())\ntarget.write(str(1).encode())\ntarget.write(b'%d' % 1)",
        SOUND + "for text in ('a', b'b'):\n    target.write(text)",
        SOUND + "with open('f') as other:\n    other.write('text')\n    for line in other:\n        pass",
        SOUND + "import logging\nlogging.getLogger('x').exception('mine')",
        "self.fill(out_files)",
        "target = out_files[0]\nself.start(target)\ntarget.write(b'x')",
        "for target in out_files:\n    target.set_metadata({})\n    target.write(b'x')",
        "set_it = out_files[0].set_metadata\nset_it({})\nout_files[0].write(b'x')",
    ],
)
def test_sound_code_is_left_in_peace(body: str) -> None:
    """No false alarm."""
    assert findings(body) == []


def test_logger_of_another_name_is_followed() -> None:
    """The engine's logger is what ``__init__`` was given."""
    body = SOUND + "self.log.exception('no')\nself.other.exception('mine')"
    assert [line for line, _ in findings(body, "self.log = logger")] == [9]


@pytest.mark.parametrize("name", ["upper.py", "tell.py", "join.py", "typed.py", "twice.py", "lines.py"])
def test_storlets_that_work_are_sound(name: str) -> None:
    """Those of the other tests."""
    assert advise(main_of(STORLETS[name], name)) == []
