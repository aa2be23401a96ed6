"""Code with its words in color, by Pygments, which comes with IPython."""

from __future__ import annotations

import html
import importlib
import mimetypes

_COLORS = {
    "Comment": "comment",
    "Keyword.Constant": "atom",
    "Keyword": "keyword",
    "Literal.String": "string",
    "Literal.Number": "number",
    "Name.Builtin": "builtin",
    "Name.Class": "def",
    "Name.Decorator": "meta",
    "Name.Function": "def",
    "Name.Tag": "tag",
    "Name.Attribute": "attribute",
    "Operator.Word": "keyword",
}
"""JupyterLab's colors for kinds of words; a kind comes before those that it is one of."""

_FALLBACKS = {
    "atom": "#8a5300",
    "attribute": "#00008b",
    "builtin": "#30a030",
    "comment": "#357a7a",
    "def": "#0000c0",
    "keyword": "#007a00",
    "meta": "#a020f0",
    "number": "#2a7a2a",
    "string": "#b22222",
    "tag": "#007a00",
}
"""Their colors where a page doesn't define them: in an export, on white."""


_LANGUAGES = {
    "c": "c",
    "cc": "cpp",
    "conf": "ini",
    "cpp": "cpp",
    "css": "css",
    "go": "go",
    "h": "c",
    "htm": "html",
    "html": "html",
    "ini": "ini",
    "ipynb": "json",
    "java": "java",
    "jl": "julia",
    "js": "javascript",
    "json": "json",
    "jsonl": "json",
    "lua": "lua",
    "md": "markdown",
    "pl": "perl",
    "py": "python",
    "r": "r",
    "rb": "ruby",
    "rs": "rust",
    "scala": "scala",
    "sh": "bash",
    "sql": "sql",
    "tex": "latex",
    "toml": "toml",
    "ts": "typescript",
    "xml": "xml",
    "yaml": "yaml",
    "yml": "yaml",
}
"""Pygments' names of languages by the suffixes of files: looking one up there takes a second at first."""


def highlighted(text: str, name: str, content_type: str) -> str:
    """Return code as HTML; text in an unknown language has no colors.

    :param name: the object's name, whose suffix tells the language
    :param content_type: tells it where the name doesn't
    """
    suffix = name.lower().rpartition(".")[2]
    if suffix not in _LANGUAGES:
        suffix = (mimetypes.guess_extension(content_type) or "").removeprefix(".")
    return highlighted_block(text, suffix)


def highlighted_block(text: str, language: str) -> str:
    """Return a block of code as HTML; text in an unknown language has no colors.

    :param language: its name, or the suffix of its files
    """
    name = _LANGUAGES.get(language.lower(), language.lower())
    if name not in _LANGUAGES.values():
        return html.escape(text)
    try:
        lexers = importlib.import_module("pygments.lexers")
    except ModuleNotFoundError:  # in a program without IPython
        return html.escape(text)
    words = lexers.get_lexer_by_name(name, stripnl=False).get_tokens(text)
    page = "".join(_span(str(kind).removeprefix("Token."), word) for kind, word in words)
    return page if text.endswith("\n") else page.removesuffix("\n")


def _span(kind: str, word: str) -> str:
    color = next((color for prefix, color in _COLORS.items() if kind.startswith(prefix)), "")
    if not color or word.isspace():
        return html.escape(word)
    return f'<span style="color:var(--jp-mirror-editor-{color}-color,{_FALLBACKS[color]})">{html.escape(word)}</span>'
