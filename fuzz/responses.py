"""The response reader: arbitrary answers to a command: status lines, headers, bodies, errors.

The first byte chooses the command, the second how its result is shown; the rest is what the server sends, to one
request after the other. Any bytes become a result or one error. In addition:

- an error is one line, and no control characters from the server reach a terminal;
- a body of known length is complete or an error, never short;
- JSON output is valid, and HTML has only our own elements and attributes;
- peeking at a body's start consumes nothing: reading starts with it.
"""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser

from fuzz.wire import Server
from storlet_shell.adapters.console import Console
from storlet_shell.errors import StorletShellError
from storlet_shell.results import Response, Result
from storlet_shell.spec.command import Call
from storlet_shell.spec.registry import Registry

_LINES = (
    "get c/o",
    "get c/o --storlet s.py -p a=b",
    "get c/o --range 2-5",
    "get c/o --storlet s.py --range 2-5",
    "get c/o --expect-bytes 5 --expect-lines 1",
    "upload c/o",
    "copy c/o c/p",
    "copy c/o c/p --storlet s.py",
    "ls",
    "ls -l c",
    "stat",
    "stat c",
    "stat c/o",
    "post c/o -m a=b",
    "rm -y c/o",
    "mkdir c",
    "info",
    "enable",
    "storlets show s.py",
    "dependencies show d.py",
    "acl list c",
    "logs s.py",
    "undeploy -y s.py",
)
_SERVER = Server()
_REGISTRY = Registry()
_CALLS: tuple[Call, ...] = tuple(
    _REGISTRY.get(name).call(words, b"hello" if name == "upload" else None)
    for name, *words in (line.split() for line in _LINES)
)
_WAYS = ("pipe", "terminal", "json", "notebook", "lines", "peek")
_TABLE = ("table", "tbody", "td", "th", "thead", "tr")
_MARKDOWN = ("a", "blockquote", "br", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "s")
_FACTS = ("code", "details", "div", "i", "img", "li", "pre", "small", "span", "strong", "style", "summary", "ul")
_ELEMENTS = frozenset((*_FACTS, *_MARKDOWN, *_TABLE))
_ATTRIBUTES = frozenset(("alt", "class", "href", "open", "scope", "src", "start", "style", "title"))
_LINKS = ("http://", "https://", "mailto:")
_ENDED = re.compile(rb"HTTP/1\.1 200 OK\r\n(?:Content-Length: (\d{1,6})|Transfer-Encoding: chunked)\r\n\r\n")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,5})\r\n")


def check(data: bytes) -> None:
    """Answer a command with bytes, and check the result."""
    if len(data) < 2:
        return
    call, way, answers = _CALLS[data[0] % len(_CALLS)], _WAYS[data[1] % len(_WAYS)], data[2:]
    out, err = _Stream(is_terminal=way == "terminal"), _Stream(is_terminal=True)
    console = Console({}, io.BytesIO(), lambda: out, lambda: err)
    content = None
    with _SERVER.session(console, answers) as session:
        try:
            content = _read(call.run(session), way, console)
        except StorletShellError as error:
            console.show_error(error)
            assert len(str(error).splitlines()) == 1
    if content is not None and call is _CALLS[0]:
        _check_whole(content, answers)
    _check_terminal(err.text)
    if way == "terminal":
        _check_terminal(out.text)


class _Stream(io.TextIOWrapper):
    """A standard stream as opened by Python, on a terminal or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__(io.BytesIO(), "utf-8", "backslashreplace" if is_terminal else "strict", newline="\n")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """Tell whether it stands for a terminal."""
        return self._is_terminal

    @property
    def text(self) -> str:
        """Everything written so far."""
        self.flush()
        return self.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]  # a BytesIO


def _read(result: Result, way: str, console: Console) -> bytes | None:
    """Show a result in one way; return the body if it is kept."""
    if way in ("pipe", "terminal"):
        console.show(result)
        return None
    try:
        if way == "json":
            json.loads("".join(result.json_pieces()))
        elif way == "notebook":
            result.look()
            _Elements().feed(result._repr_mimebundle_()["text/html"])
        elif not isinstance(result, Response):
            list(result.render())
        elif way == "lines":
            assert not any("\n" in line for line in result.lines())
        else:
            assert result.content.startswith(result.peek(3))
        return _content(result) if way in ("notebook", "peek") else None
    finally:
        result.close()


def _content(result: Result) -> bytes | None:
    if not isinstance(result, Response) or not result.has_body:
        return None
    head = result.peek(5)
    assert result.content.startswith(head)
    assert b"".join(result.iter_content(7)) == result.content
    return result.content


class _Elements(HTMLParser):
    """Rejects elements and attributes that aren't our own."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check an element's name, attributes, and URLs."""
        assert tag in _ELEMENTS
        assert {name for name, _ in attrs} <= _ATTRIBUTES
        assert all((value or "").startswith("data:image/") for name, value in attrs if name == "src")
        assert all((value or "").startswith(_LINKS) for name, value in attrs if name == "href")


def _check_terminal(text: str) -> None:
    assert all(char.isprintable() or char in "\n\t" for char in text)


def _check_whole(content: bytes, answers: bytes) -> None:
    """Check that a body is what the server sent, for simple answers; others aren't checked."""
    head = _ENDED.match(answers)
    if head is None:
        return
    rest = answers[head.end() :]
    if head[1] is not None:
        assert content == rest[: int(head[1])]
        assert len(content) == int(head[1])
        return
    at = 0
    while chunk := _CHUNK.match(rest, at):
        length = int(chunk[1], 16)
        if not length:
            assert content == b"".join(_chunks(rest))
            return
        at = chunk.end() + length + 2
        if rest[at - 2 : at] != b"\r\n" and at <= len(rest):
            return  # not valid HTTP
    assert at < len(rest), "what was cut is no whole body"


def _chunks(rest: bytes) -> list[bytes]:
    chunks, at = [], 0
    while chunk := _CHUNK.match(rest, at):
        at = chunk.end() + int(chunk[1], 16)
        chunks.append(rest[chunk.end() : at])
        at += 2
    return chunks
