"""Previews of bodies: a table, a tree, a page of Markdown, code, an image, text, or bytes.

Everything from a server is escaped, and cuts are marked.
"""

from __future__ import annotations

import base64
import html
import json

from storlet_shell.results.page.grid import PRE, View, marked_down
from storlet_shell.results.page.head import IMAGES, LINE, LINES, Head, short
from storlet_shell.text import dump, is_text, printable, size

_DUMPED = 128
_EXPORTED = {"image/png", "image/jpeg"}
"""The images that every export can hold."""


def view(head: Head) -> View:
    """Preview the start of a body by its type, or by its content if that isn't what the type says."""
    if not head.content:
        return View(["(an empty body)"], "<i>an empty body</i>")
    if head.kind in IMAGES and head.is_whole:
        return _image(head)
    shown = _structured(head)
    if shown is not None:
        return shown
    if is_text(head.content) or (head.kind.startswith("text/") and "\x00" not in head.text):
        return _lines(head)
    return _bytes(head)


def _structured(head: Head) -> View | None:
    """Return a body as more than text; None if it isn't what its type says."""
    if head.form in ("parquet", "arrow"):
        from storlet_shell.results.page.binary import binary_table  # each preview needs only its own module

        return binary_table(head)
    if head.form in ("csv", "tsv", "jsonl"):
        from storlet_shell.results.page.records import text_table

        return text_table(head)
    if head.form == "json" or head.kind.endswith("+json"):
        return _tree(head) if head.is_whole else None
    return _document(head) if head.kind == "text/markdown" and is_text(head.content) else None


def _tree(head: Head) -> View | None:
    from storlet_shell.results.page.tree import tree

    try:
        return tree(json.loads(head.text))
    except (ValueError, RecursionError):
        return None  # it isn't JSON


def _document(head: Head) -> View | None:
    from storlet_shell.results.page.documents import document, fenced

    page = document(head.text)
    if page is None:
        return None
    lines = head.text.splitlines()
    text = [short(line, LINE) for line in lines[:LINES]]
    text += [f"({LINES} of {len(lines):,} lines)"] if len(lines) > LINES else []
    return View(text, page, fenced(head.text, "markdown")).noted("" if head.is_whole else head.cut)


def _lines(head: Head) -> View:
    from storlet_shell.results.page.code import highlighted

    lines = head.text.splitlines()
    shown = [short(line, LINE) for line in lines[:LINES]]
    remark = head.cut if not head.is_whole else ""
    if head.is_whole and len(lines) > len(shown):
        remark = f"{len(shown)} of {len(lines):,} lines"
    elif any(len(line) > LINE for line in lines[:LINES]):
        remark = remark or f"cut: lines of over {LINE} characters"
    is_misnamed = bool(head.form) and head.is_whole  # or it would be a table or a tree
    page = html.escape("\n".join(shown)) if is_misnamed else highlighted("\n".join(shown), head.name, head.kind)
    return View(shown, f"{PRE}{page}</pre>").noted(remark)


def _image(head: Head) -> View:
    data = base64.b64encode(head.content).decode("ascii")
    facts = f"{head.kind}, {size(len(head.content))}"
    alt = html.escape(printable(head.name or facts))
    image = f'<img style="max-width:100%" alt="{alt}" src="data:{head.kind};base64,{data}">'
    others = {head.kind: data} if head.kind in _EXPORTED else {}
    return View([f"(an image: {facts})"], image, marked_down(f"(an image: {facts})"), others)


def _bytes(head: Head) -> View:
    shown = dump(head.content[:_DUMPED])
    whole = size(head.length) if head.length is not None else "a body of unknown size"
    is_cut = not head.is_whole or len(head.content) > _DUMPED
    remark = f"cut: the first {_DUMPED} bytes of {whole}" if is_cut else whole
    return View(shown, f"{PRE}{html.escape(chr(10).join(shown))}</pre>").noted(remark)
