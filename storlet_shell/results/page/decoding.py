"""Bodies as text: decompressed, and without a byte order mark.

Swift returns objects as they were stored: ``Content-Encoding`` is a header as any other, and nothing on the way acts on
it, since requests ask for ``identity``.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError

_MARK = "\ufeff"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@typed_equality
class Compression(NamedTuple):
    """A way to compress a body.

    :param codings: its names in ``Content-Encoding``
    :param suffix: of files' names
    :param magic: what compressed content begins with
    :param module: the module of the standard library that knows it
    """

    codings: tuple[str, ...]
    suffix: str
    magic: bytes
    module: str

    def decompress(self, content: bytes) -> bytes:
        """Return the whole of a compressed body.

        :raises StorletShellError: when it is damaged
        """
        import lzma
        import zlib
        from importlib import import_module

        try:
            whole: bytes = import_module(self.module).decompress(content)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise StorletShellError(f"the body can't be decompressed ({self.codings[0]}): {error}") from error
        return whole

    def head(self, content: bytes, count: int) -> tuple[bytes, bool]:
        """Decompress at most so many bytes of the start; return them, and whether they are all.

        :param content: the start of a compressed body
        """
        import lzma
        import zlib

        decompressor = _decompressor(self.module)
        try:
            head: bytes = decompressor.decompress(content, count)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
            return b"", False
        return head, bool(decompressor.eof) and not decompressor.unused_data


def _decompressor(module: str) -> Any:
    import bz2
    import lzma
    import zlib

    makers: dict[str, Callable[[], Any]] = {
        "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
        "bz2": bz2.BZ2Decompressor,
        "lzma": lzma.LZMADecompressor,
    }
    return makers[module]()


COMPRESSIONS = (
    Compression(("gzip", "x-gzip"), ".gz", b"\x1f\x8b", "gzip"),
    Compression(("bzip2", "x-bzip2"), ".bz2", b"BZh", "bz2"),
    Compression(("xz",), ".xz", b"\xfd7zXZ\x00", "lzma"),
)


def compression_of(content: bytes, name: str, coding: str) -> Compression | None:
    """Return how a body is compressed; None if it isn't, as a storlet's result over a compressed object may not be.

    :param content: the body's start
    :param name: the object's name
    :param coding: its ``Content-Encoding``
    """
    for compression in COMPRESSIONS:
        is_named = coding.strip().lower() in compression.codings or name.lower().endswith(compression.suffix)
        if is_named and content.startswith(compression.magic):
            return compression
    return None


def marked_charset(content: bytes) -> str:
    """Return the charset that a byte order mark tells; empty without one."""
    return next((charset for mark, charset in _MARKS if content.startswith(mark)), "")


def is_mark_begun(head: bytes) -> bool:
    """Tell whether a body may begin with a byte order mark, by its first byte."""
    return any(mark[:1] == head[:1] for mark, _ in _MARKS)


def without_mark(text: str) -> str:
    """Return a text without the byte order mark that it begins with, if it does."""
    return text.removeprefix(_MARK)
