"""Make engines use a new version: change the length of a storlet, and the name of a dependency.

Engines cache what they have fetched (storlets ``gateway.py: bring_from_cache``). A storlet is copied again only if its
length differs from that of the copy, and each node has the version that it ran last, perhaps several versions ago; so a
new version is made longer than all before it. A dependency is never fetched again under the same name; so a new version
gets another name.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import PurePath

from storlet_shell.storlets.preamble import with_preamble

_END = struct.Struct("<4s4H2LH")  # a zip archive's end: its last field is the length of the comment that follows
_LONGEST_COMMENT = 0xFFFF
_VERSION = re.compile(r"-[0-9a-f]{12}(?=\.[^.]*$|$)")

_RENAMING = """\
import os, shutil
here = os.path.dirname(os.path.abspath(__file__))
for kept, name in {names!r}.items():
    new = os.path.join(here, '%s.%d' % (name, os.getpid()))
    shutil.copy(os.path.join(here, kept), new)
    os.replace(new, os.path.join(here, name))
"""
"""Code that a Python storlet runs before its imports. It may write to its own folder (storlets ``docker/runtime.py``
runs it as the folder's owner), which has its dependencies by their stored names."""


def lengthened(content: bytes, length: int, *, is_jar: bool) -> bytes | None:
    """Pad a storlet to at least a number of bytes; None if that isn't possible.

    A Python module may end with any number of line ends, a zip archive with a comment of up to 65535 bytes.
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
    """Return the stored name of a version of a dependency; the suffix stays."""
    path = PurePath(name)
    return f"{path.stem}-{version}{path.suffix}"


def original_name(stored_name: str) -> str:
    """Return the name that :func:`renamed` was called with, or the same name if it wasn't."""
    return _VERSION.sub("", stored_name)


def with_names(code: bytes, names: Mapping[str, str]) -> bytes:
    """Make a Python storlet copy its dependencies to the names by which it knows them.

    :param names: the storlet's names of dependencies, by their stored names
    """
    return with_preamble(code, f"exec({_RENAMING.format(names=dict(names))!r}, {{'__file__': __file__}})")
