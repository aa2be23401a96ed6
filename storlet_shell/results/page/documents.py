"""Markdown as a page.

A document from a server must not act: its HTML is escaped, its links lead to other sites only, and its images aren't
loaded.
"""

from __future__ import annotations

import html
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from storlet_shell.results.page.code import highlighted_block
from storlet_shell.text import printable

_LINKS = ("http://", "https://", "mailto:")


def document(text: str) -> str | None:
    """Return Markdown as HTML; None if markdown-it isn't installed."""
    try:
        markdown_it = importlib.import_module("markdown_it")
    except ModuleNotFoundError:  # in a program without IPython
        return None
    options = {"html": False, "highlight": lambda code, language, _: highlighted_block(code, language)}
    reader = markdown_it.MarkdownIt("commonmark", options)
    reader.enable(["table", "strikethrough"])
    reader.validateLink = lambda url: url.lower().startswith(_LINKS)
    reader.add_render_rule("image", _image)
    lines = "\n".join(map(printable, text.splitlines()))
    return str(reader.render(lines))


def fenced(text: str, language: str) -> str:
    """Return text as a block of code in Markdown, which nothing in the text ends."""
    lines = [printable(line) for line in text.splitlines()]
    longest = max((len(line) - len(line.lstrip("`")) for line in map(str.strip, lines)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])


def _image(
    _renderer: object, tokens: Sequence[Any], index: int, _options: Mapping[str, Any], _environment: object
) -> str:
    return f"<i>[image: {html.escape(tokens[index].content)}]</i>"
