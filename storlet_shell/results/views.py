"""Previews of bodies as plain text and HTML: a table, a tree, an image, text or bytes.

Everything from a server is escaped, and cuts are marked.
"""

from __future__ import annotations

import base64
import csv
import html
import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.results.decoding import without_mark
from storlet_shell.text import dump, is_text, printable, size

HEAD_BYTES = 64 * 1024
"""How much of a body is read for a preview."""

IMAGE_BYTES = 4 * 2**20
"""The largest image that is shown."""

_ROWS = 10
_LINES = 20
_COLUMNS = 30
_CELL = 80
_LINE = 400
_ITEMS = 50
_DUMPED = 128
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"}
_SEPARATED = {"text/csv": ",", "text/tab-separated-values": "\t"}
_PRE = '<pre style="margin:0">'
_LEFT = ' style="text-align:left"'


@typed_equality
class Head(NamedTuple):
    """The start of a body.

    :param is_whole: whether nothing is left out
    :param length: the whole body's size, None if unknown
    :param kind: the content type without its parameters
    """

    content: bytes
    is_whole: bool
    length: int | None
    kind: str
    charset: str = "utf-8"

    @property
    def cut(self) -> str:
        """The remark if there is more than is shown."""
        whole = size(self.length) if self.length is not None else "a body of unknown size"
        return f"cut: only the start of {whole} is shown"


@typed_equality
class View(NamedTuple):
    """A preview."""

    text: list[str]
    html: str


def wanted(kind: str) -> int:
    """Return how many bytes a preview of this type needs."""
    return IMAGE_BYTES if kind in _IMAGES else HEAD_BYTES


def view(head: Head) -> View:
    """Preview the start of a body by its type, or by its content if that isn't what the type says."""
    if not head.content:
        return View(["(an empty body)"], "<i>an empty body</i>")
    if head.kind in _IMAGES and head.is_whole:
        return _image(head)
    text = without_mark(head.content.decode(head.charset, "replace"))
    if head.kind in _SEPARATED:
        return _table(head, text)
    if (head.kind == "application/json" or head.kind.endswith("+json")) and head.is_whole:
        try:
            return _tree(json.loads(text))
        except (ValueError, RecursionError):
            pass  # it isn't JSON
    if is_text(head.content) or (head.kind.startswith("text/") and "\x00" not in text):
        return _lines(head, text)
    return _bytes(head)


def note(text: str) -> str:
    """Return a remark as HTML; an empty one is left out."""
    return f"<div><i>{html.escape(printable(text))}</i></div>" if text else ""


def _noted(shown: View, remark: str) -> View:
    return View([*shown.text, f"({remark})"], shown.html + note(remark)) if remark else shown


def _short(text: str, limit: int) -> str:
    return printable(text if len(text) <= limit else f"{text[:limit]}…")


def _whole_lines(head: Head, text: str) -> str:
    """Return the text without a last line that may be incomplete."""
    return text if head.is_whole else text[: text.rfind("\n") + 1] or text


def _table(head: Head, text: str) -> View:
    lines = _whole_lines(head, text).splitlines()
    try:
        rows = list(itertools.islice(csv.reader(lines, delimiter=_SEPARATED[head.kind]), _ROWS + 2))
    except csv.Error:
        return _lines(head, text)
    if not rows:  # a byte order mark alone, say
        return _lines(head, text)
    # Like most tools: headings aren't numbers.
    named = not any(map(_is_number, rows[0]))
    shown = rows[: _ROWS + named]
    wide = any(len(row) > _COLUMNS for row in shown)
    cells = [[_short(cell, _CELL) for cell in row[:_COLUMNS]] for row in shown]
    notes = [f"the first {_ROWS} rows of {len(lines) - named}"] if head.is_whole and len(rows) > len(shown) else []
    notes += [head.cut] if not head.is_whole else []
    notes += [f"cut: the first {_COLUMNS} columns"] if wide else []
    return _noted(grid(cells[0] if named else (), cells[named:]), "; ".join(notes))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> View:
    """Show cells as a table.

    :param columns: their names; empty if they have none
    """
    lines = [columns, *rows] if columns else rows
    count = max(map(len, lines), default=0)
    padded = [[*row, *([""] * (count - len(row)))] for row in lines]
    widths = [max(len(row[column]) for row in padded) for column in range(count)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in padded]
    return View(text, rows_as_html(padded[0], padded[1:]) if columns else rows_as_html((), padded))


def rows_as_html(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return cells as an HTML table, with headings if the columns have names."""
    head = f"<thead>{_row('th', columns)}</thead>" if columns else ""
    body = "".join(_row("td", ["" if cell is None else str(cell) for cell in row]) for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"


def _row(tag: str, cells: Iterable[str]) -> str:
    # JupyterLab aligns every cell to the right.
    return "<tr>" + "".join(f"<{tag}{_LEFT}>{html.escape(printable(cell))}</{tag}>" for cell in cells) + "</tr>"


def _lines(head: Head, text: str) -> View:
    lines = text.splitlines()
    shown = [_short(line, _LINE) for line in lines[:_LINES]]
    remark = head.cut if not head.is_whole else ""
    if head.is_whole and len(lines) > len(shown):
        remark = f"cut: the first {len(shown)} lines of {len(lines)}"
    elif any(len(line) > _LINE for line in lines[:_LINES]):
        remark = remark or f"cut: lines of over {_LINE} characters"
    return _noted(View(shown, f"{_PRE}{html.escape(chr(10).join(shown))}</pre>"), remark)


def _tree(value: Any) -> View:
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    text = [_short(line, _LINE) for line in lines[:_LINES]]
    remark = [f"(cut: the first {_LINES} lines of {len(lines)})"] if len(lines) > _LINES else []
    return View(text + remark, _branch(value, 0))


def _branch(value: Any, depth: int, name: str = "") -> str:
    """Return a JSON value as HTML; objects and lists can be folded.

    :param name: HTML in front of the value
    """
    if not isinstance(value, dict | list) or not value or depth > 20:
        return name + html.escape(_short(json.dumps(value, ensure_ascii=False), _LINE))
    pairs: Iterable[tuple[object, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    items = [
        f"<li>{_branch(item, depth + 1, f'<code>{html.escape(_short(str(key), _CELL))}</code>: ')}</li>"
        for key, item in itertools.islice(pairs, _ITEMS)
    ]
    if len(value) > _ITEMS:
        items.append(f"<li><i>cut: {len(value) - _ITEMS} more</i></li>")
    count = f"{{{len(value)}}}" if isinstance(value, dict) else f"[{len(value)}]"
    opened = " open" if depth < 2 else ""
    listed = "".join(items)
    return (
        f'<details{opened}><summary>{name}{count}</summary><ul style="list-style:none;margin:0">{listed}</ul></details>'
    )


def _image(head: Head) -> View:
    data = base64.b64encode(head.content).decode("ascii")
    image = f'<img style="max-width:100%" alt="the body" src="data:{head.kind};base64,{data}">'
    return View([f"(an image: {head.kind}, {size(len(head.content))})"], image)


def _bytes(head: Head) -> View:
    shown = dump(head.content[:_DUMPED])
    length = f"{head.length} bytes" if head.length is not None else "a body of unknown size"
    cut = not head.is_whole or len(head.content) > _DUMPED
    remark = f"cut: the first {_DUMPED} of {length}" if cut else length
    return _noted(View(shown, f"{_PRE}{html.escape(chr(10).join(shown))}</pre>"), remark)
