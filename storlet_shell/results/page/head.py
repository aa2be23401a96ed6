"""The start of a body, as far as a preview needs it."""

from __future__ import annotations

from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.results.page.decoding import without_mark
from storlet_shell.text import printable, size

HEAD_BYTES = 64 * 1024
"""How much of a body is read for a preview."""

IMAGE_BYTES = 4 * 2**20
"""The largest image that is shown."""

TABLE_BYTES = 8 * 2**20
"""The largest body of a binary table whose rows are shown: its description may be at the end."""

LINES = 20
"""The number of lines of text that are shown."""

LINE = 400
"""The longest line that is shown whole, in characters."""

IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"}
"""The content types of images that browsers show."""


@typed_equality
class Head(NamedTuple):
    """The start of a body.

    :param is_whole: whether it is the whole body
    :param length: the whole body's size, None if unknown
    :param kind: the content type without its parameters
    :param form: the format of a table, see :func:`.kinds.form_of`; empty if it isn't one
    :param name: the object's name, without the suffix of a compression
    """

    content: bytes
    is_whole: bool
    length: int | None
    kind: str
    charset: str = "utf-8"
    form: str = ""
    name: str = ""

    @property
    def cut(self) -> str:
        """The remark if there is more than is shown."""
        whole = size(self.length) if self.length is not None else "a body of unknown size"
        return f"cut: only the start of {whole} is shown"

    @property
    def text(self) -> str:
        """The content as text, without a byte order mark."""
        return without_mark(self.content.decode(self.charset, "replace"))


def wanted(kind: str, form: str, length: int | None) -> int:
    """Return how many bytes a preview needs.

    :param length: the whole body's size, None if unknown
    """
    limit = IMAGE_BYTES if kind in IMAGES else TABLE_BYTES if form in ("parquet", "arrow") else HEAD_BYTES
    return limit if length is None or length <= limit else HEAD_BYTES


def short(text: str, limit: int) -> str:
    """Return the start of a text, with its control characters escaped."""
    return printable(text if len(text) <= limit else f"{text[:limit]}…")
