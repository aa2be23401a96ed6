"""The row of an object in the result of a batch."""

from __future__ import annotations

from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Spelling, StorletShellError
from storlet_shell.results.fields import Field, Shortened, dashed
from storlet_shell.text import escaped


@typed_equality
class _Columns(NamedTuple):
    status: int | None
    bytes: int | None
    seconds: float
    endpoint: str | None
    object: str
    output: str | None
    error: str | None
    transaction: str | None


class Row(_Columns):
    """One object of a batch: a named tuple of the table's columns, and the storlet's result.

    ``status`` is the HTTP status, ``bytes`` the size of the result, ``seconds`` the time that the endpoint took,
    ``error`` one line, ``transaction`` Swift's transaction ID; ``object`` and ``output`` are spelled as on a line.
    Unknown and missing values are None.

    ``content`` is the storlet's result, if the batch keeps it: if it is stored neither as objects nor as files.
    """

    content: bytes | None = None
    number = 0
    """The object's position in the listing, from 0."""

    @property
    def name(self) -> str:
        """The object's name in its container."""
        return self.object.split("/", 2)[2]


def spelled(error: StorletShellError, spell: Spelling) -> Shortened:
    """Spell the error of a row, which names the object already."""
    return Shortened(error.explained(spell), error.without_subject().explained(spell))


ERROR = _Columns._fields.index("error")
"""The place of the error in a row."""


def fields_of_rows(*, shows_endpoints: bool) -> tuple[Field, ...]:
    """Return the columns as people see them: of a width that most rows fit in, since they come one by one."""
    return (
        Field("status", spell=dashed, width=3, is_number=True),
        Field("bytes", spell=dashed, width=10, is_number=True, is_size=True),
        Field("seconds", spell="{:.3f}".format, width=7, is_number=True),
        Field("endpoint", spell=dashed, width=16, is_shown=shows_endpoints),
        Field("object", spell=escaped),
        Field("output", is_shown=False),
        Field("error"),
        Field("transaction", is_shown=False),
    )
