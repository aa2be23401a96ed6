"""What makes engines take the new one of two versions: another length, another name.

An engine keeps what it has fetched (storlets ``gateway.py: bring_from_cache``). A storlet is copied anew into the place
that it runs from when its length differs from what is there, and each node has what it ran last, maybe several
versions ago; so a new version is made longer than all before it. A dependency is never fetched again under a name;
so another version of it gets another name.
"""

from __future__ import annotations

import ast
import io
import struct
import tokenize
import zipfile
from collections.abc import Mapping
from pathlib import PurePath

_END = struct.Struct("<4s4H2LH")  # a zip archive's end: its last field is the length of the comment that follows
_LONGEST_COMMENT = 0xFFFF

_RENAMING = """\
import os, shutil
here = os.path.dirname(os.path.abspath(__file__))
for kept, name in {names!r}.items():
    new = os.path.join(here, '%s.%d' % (name, os.getpid()))
    shutil.copy(os.path.join(here, kept), new)
    os.replace(new, os.path.join(here, name))
"""
"""What a Python storlet does before it imports anything: its folder is its own (storlets ``docker/runtime.py`` runs it
as the user whose folder that is), and holds its dependencies under the names they are kept by."""


def lengthened(content: bytes, length: int, *, is_jar: bool) -> bytes | None:
    """Return the same storlet in at least so many bytes; None when that can't be done.

    Python takes any number of line ends at the end of a module, a zip archive a comment of up to 65535 bytes.
    """
    more = length - len(content)
    if more <= 0:
        return content
    if not is_jar:
        return content + b"\n" * more
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        comment = archive.comment
    end = len(content) - len(comment) - _END.size
    if end < 0 or not content.startswith(b"PK\x05\x06", end) or len(comment) + more > _LONGEST_COMMENT:
        return None
    fields = _END.unpack_from(content, end)[:-1]
    return content[:end] + _END.pack(*fields, len(comment) + more) + comment + b"\n" * more


def renamed(name: str, version: str) -> str:
    """Return the name that a version of a dependency is kept by; its suffix stays."""
    path = PurePath(name)
    return f"{path.stem}-{version}{path.suffix}"


def with_names(code: bytes, names: Mapping[str, str]) -> bytes:
    """Return a Python storlet that finds its dependencies by the names it knows them by.

    Where the code begins with a docstring or an import from ``__future__``, its lines keep their numbers.

    :param names: what the storlet knows a dependency by, for the name that it is kept by
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(code).readline)
    text = code.decode(encoding)
    lines = list(io.StringIO(text, newline=""))
    renaming = f"exec({_RENAMING.format(names=dict(names))!r}, {{'__file__': __file__}})"
    body = ast.parse(code).body
    head = [node for number, node in enumerate(body) if _must_be_first(node, number)]
    if head:
        row = (head[-1].end_lineno or 1) - 1
        column = len(lines[row].encode()[: head[-1].end_col_offset].decode())
        lines[row] = f"{lines[row][:column]}; {renaming}{lines[row][column:]}"
    else:
        first = body[0]
        decorators = first.decorator_list if isinstance(first, ast.ClassDef | ast.FunctionDef) else []
        row = min((first.lineno, *(decorator.lineno for decorator in decorators))) - 1
        lines.insert(row, f"{renaming}\n")
    return "".join(lines).encode(encoding)


def _must_be_first(node: ast.stmt, number: int) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__"
    return (
        number == 0
        and isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
