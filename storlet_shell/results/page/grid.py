"""Tables on a page: as lines of text, as HTML, and as Markdown.

Everything from a server is escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.text import printable, size

WIDEST_UNBROKEN = 60
"""The longest text of a cell, in characters, that stays on one line of a page."""

PRE = (
    '<pre style="margin:0;white-space:pre-wrap;word-break:normal;overflow-wrap:break-word;'
    'font-family:var(--jp-code-font-family,monospace)">'
)
"""Opens text with line ends of its own; JupyterLab would break words, and exports have a proportional font."""

_ON_PAPER = (
    "<style>@media print{.storlet-table{overflow:visible!important}.storlet-table td:not([style*=right])"
    "{white-space:normal!important;min-width:0!important;overflow-wrap:anywhere!important}"
    ".storlet-table pre{overflow-wrap:anywhere!important;min-width:10em}}</style>"
)
"""Wraps the text of wide tables in print, which can't be scrolled. Exports keep it; JupyterLab may drop it."""

_SIGNS = re.compile(r"([\\`*_{}\[\]<>#!|$~^@&])")
_FOLDED_START = 8


@typed_equality
class View(NamedTuple):
    """A result as a front end may show it.

    :param markdown: empty if Markdown adds nothing to the text
    :param others: further forms by their MIME types
    """

    text: list[str]
    html: str
    markdown: str = ""
    others: Mapping[str, str] = MappingProxyType({})

    def noted(self, remark: str) -> View:
        """Return the view with a remark below it; an empty one is left out."""
        if not remark:
            return self
        markdown = f"{self.markdown}\n\n*{marked_down(remark)}*" if self.markdown else ""
        return self._replace(text=[*self.text, f"({remark})"], html=self.html + note(remark), markdown=markdown)


@typed_equality
class Column(NamedTuple):
    """A column of a grid.

    :param type: the type of its values, for people; empty if it isn't shown
    :param is_number: align it to the right
    """

    name: str
    type: str = ""
    is_number: bool = False


class Cell(str):
    """The text of a cell, and how a page shows it.

    ``hint`` is a remark for a pointer that rests on it; ``is_folded`` shows only the start until it is opened;
    ``is_void`` marks a text that stands for a missing value; ``is_block`` keeps the text's own line ends.
    """

    hint = ""
    is_folded = False
    is_void = False
    is_block = False


def sized_cell(count: int) -> Cell:
    """Return a number of bytes in the largest fitting unit; the exact number is its hint."""
    cell = Cell(size(count))
    cell.hint = f"{count:,} bytes" if count >= 1024 else ""
    return cell


def folded_cell(text: str) -> Cell:
    """Return a long identifier, which few people read."""
    cell = Cell(text)
    cell.is_folded = True
    return cell


def block_cell(text: str) -> Cell:
    """Return text with several lines, such as a log."""
    cell = Cell("\n".join(map(printable, text.splitlines())))
    cell.is_block = True
    return cell


def void_cell(text: str) -> Cell:
    """Return the text of a missing value."""
    cell = Cell(text)
    cell.is_void = True
    return cell


def grid(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, has_names: bool = True) -> View:
    """Show cells as a table; short rows are filled up.

    :param columns: a column for each cell of the longest row
    :param has_names: whether the columns have names
    """
    filled = [[*row, *([""] * (len(columns) - len(row)))] for row in rows]
    headings = [[column.name for column in columns]] if has_names else []
    if any(column.type for column in columns):
        headings.append([column.type for column in columns])
    lines = [*headings, *filled]
    widths = [max((len(row[at]) for row in lines), default=0) for at in range(len(columns))]
    text = [
        "  ".join(
            cell.rjust(width) if column.is_number else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ).rstrip()
        for row in lines
    ]
    return View(text, as_html(columns if has_names else (), filled, columns), as_markdown(columns, filled))


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return labels and values as HTML: a row for each."""
    rows = "".join(
        f'<tr><th scope="row"{_style(is_number=False)}>{_escaped(label)}</th>{_cell(value, is_number=False)}</tr>'
        for label, value in pairs
    )
    return _table(f"<tbody>{rows}</tbody>")


def facts_as_markdown(pairs: Iterable[tuple[str, str]]) -> str:
    """Return labels and values as a list in Markdown."""
    return "\n".join(f"- {marked_down(label)}: {marked_down(value)}" for label, value in pairs)


def as_html(headings: Sequence[Column], rows: Iterable[Sequence[str]], columns: Sequence[Column]) -> str:
    """Return cells as an HTML table.

    :param headings: the columns with their names; empty to show none
    """
    head = f"<thead><tr>{''.join(map(_heading, headings))}</tr></thead>" if headings else ""
    body = "".join(
        "<tr>"
        + "".join(_cell(cell, is_number=column.is_number) for cell, column in zip(row, columns, strict=True))
        + "</tr>"
        for row in rows
    )
    return _table(f"{head}<tbody>{body}</tbody>")


def as_markdown(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """Return cells as a table in Markdown, which always has headings."""
    rules = ["--:" if column.is_number else "---" for column in columns]
    cells = [[_cell_as_markdown(cell) for cell in row] for row in ([column.name for column in columns], *rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (cells[0], rules, *cells[1:]))


def marked_down(text: str) -> str:
    """Escape a text for Markdown, and for the TeX and HTML in it."""
    return _SIGNS.sub(r"\\\1", " ".join(printable(text).split()))


def _cell_as_markdown(text: str) -> str:
    return marked_down(" ".join(text.split()) if isinstance(text, Cell) and text.is_block else text)


def preformatted(text: str) -> str:
    """Return printable text with line ends of its own as HTML."""
    return one_line(f"{PRE}{html.escape(text)}</pre>")


def one_line(page: str) -> str:
    """Return HTML without line ends: in an export to Markdown, text after an empty line would be Markdown."""
    return page.replace("\n", "&#10;")


def note(text: str) -> str:
    """Return a remark as HTML; an empty one is left out."""
    return f"<div><i>{_escaped(text)}</i></div>" if text else ""


def _table(inner: str) -> str:
    return f'{_ON_PAPER}<div class="storlet-table" style="overflow-x:auto"><table>{inner}</table></div>'


def _heading(column: Column) -> str:
    kind = f'<br><small style="font-weight:normal">{_escaped(column.type)}</small>' if column.type else ""
    return f'<th scope="col"{_style(is_number=column.is_number)}>{_escaped(column.name)}{kind}</th>'


def _cell(text: str, *, is_number: bool) -> str:
    content, title = _escaped(text), ""
    if isinstance(text, Cell):
        title = f' title="{_escaped(text.hint)}"' if text.hint else ""
        if text.is_folded and len(text) > _FOLDED_START:
            content = f"<details><summary>{_escaped(text[:_FOLDED_START])}…</summary>{content}</details>"
        elif text.is_block:
            content = preformatted(text)
        elif text.is_void:
            content = f"<i>{content}</i>"
    return f"<td{_style(is_number=is_number, is_long=len(text) > WIDEST_UNBROKEN)}{title}>{content}</td>"


def _style(*, is_number: bool, is_long: bool = False) -> str:
    """Return a style of its own for each cell: JupyterLab aligns all to the right, and drops a page's style sheets."""
    width = "min-width:24em;overflow-wrap:normal" if is_long else "white-space:nowrap"
    return f' style="text-align:{"right" if is_number else "left"};{width}"'


def _escaped(text: str) -> str:
    return html.escape(printable(text))
