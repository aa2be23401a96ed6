"""JSON as a tree whose nodes can be folded."""

from __future__ import annotations

import html
import itertools
import json
from collections.abc import Iterable
from typing import Any

from storlet_shell.results.page.grid import View
from storlet_shell.results.page.head import LINE, LINES, short

_NAME = 80
_ITEMS = 50
_DEEPEST = 20
_OPEN_ITEMS = 10
"""The most items of a node below the root that is open at first."""

_INSIDE = 60
"""The length of what a closed node says about its items, in characters."""

_DIM = "color:var(--jp-ui-font-color2,#616161)"
_STYLE = "<style>details[open]>summary>.storlet-inside{display:none}</style>"


def tree(value: Any) -> View:
    """Show a JSON value: closed nodes say what is in them."""
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    text = [short(line, LINE) for line in lines[:LINES]]
    remark = [f"({LINES} of {len(lines):,} lines)"] if len(lines) > LINES else []
    return View(text + remark, _STYLE + _branch(value, 0))


def _branch(value: Any, depth: int, name: str = "") -> str:
    """Return a value as HTML.

    :param name: HTML in front of the value
    """
    if not isinstance(value, dict | list) or not value or depth > _DEEPEST:
        return name + _leaf(value)
    pairs: Iterable[tuple[object, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    items = [
        f"<li>{_branch(item, depth + 1, f'<code>{html.escape(short(str(key), _NAME))}</code>: ')}</li>"
        for key, item in itertools.islice(pairs, _ITEMS)
    ]
    if len(value) > _ITEMS:
        items.append(f"<li><i>{_ITEMS} of {len(value):,} items</i></li>")
    count = f"{{{len(value)}}}" if isinstance(value, dict) else f"[{len(value)}]"
    inside = f'<small class="storlet-inside" style="{_DIM}"> {html.escape(_inside(value))}</small>'
    is_open = depth == 0 or (depth == 1 and len(value) <= _OPEN_ITEMS)
    return (
        f"<details{' open' if is_open else ''}><summary>{name}{count}{inside}</summary>"
        f'<ul style="list-style:none;margin:0">{"".join(items)}</ul></details>'
    )


def _leaf(value: Any) -> str:
    text = short(json.dumps(value, ensure_ascii=False), LINE)
    color = "string" if isinstance(value, str) else "number" if isinstance(value, int | float) else "atom"
    return f'<span style="color:var(--jp-mirror-editor-{color}-color,inherit)">{html.escape(text)}</span>'


def _inside(value: dict[str, Any] | list[Any]) -> str:
    """Return the first items of a node on one short line."""
    parts: list[str] = []
    length = 0
    pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for key, item in pairs:
        part = _brief(item) if key is None else f"{key}: {_brief(item)}"
        length += len(part) + 2
        if parts and length > _INSIDE:
            parts.append("…")
            break
        parts.append(short(part, _INSIDE))
    return ", ".join(parts)


def _brief(value: Any) -> str:
    """Return a value, or of an object the names in it."""
    if isinstance(value, dict):
        return f"{{{', '.join(itertools.islice(value, 3))}{', …' if len(value) > 3 else ''}}}"
    if isinstance(value, list):
        return "[…]" if value else "[]"
    return json.dumps(value if not isinstance(value, str) else value[:_INSIDE], ensure_ascii=False)
