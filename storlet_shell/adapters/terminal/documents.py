"""JSON documents as people read them: indented, and in color. Any size takes constant memory."""

from __future__ import annotations

import re

from storlet_shell.results.on_terminal import Paint

_INDENT = "  "
_TOKEN = re.compile(r'(?P<space>\s+)|(?P<string>")|(?P<mark>[][{},:])|(?P<plain>[^][{},:"\s]+)')
_IN_STRING = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}


class Indenter:
    """Indents JSON documents that arrive in pieces, wherever these are cut.

    :param paint: called for each key, string, number and constant, or part of one
    """

    def __init__(self, paint: Paint) -> None:
        self._paint = paint
        self._open: list[str] = []
        self._role = ""  # of the string that the last piece ended in
        self._rest = ""  # the end of the last piece, which may go on in the next
        self._is_new = False  # whether an object or an array was just opened
        self._is_key = False

    def feed(self, piece: str) -> str:
        """Return what a terminal shows of a piece."""
        text, self._rest = self._rest + piece, ""
        shown: list[str] = []
        at = 0
        while at < len(text):
            at = self._string(text, at, shown) if self._role else self._token(text, at, shown)
        return "".join(shown)

    def _string(self, text: str, at: int, shown: list[str], before: str = "") -> int:
        """Show the rest of a string; keep an escape that isn't complete for the next piece."""
        match = _IN_STRING.match(text, at)
        assert match is not None  # it matches the empty string
        end = match.end()
        if end == len(text) or text[end] == "\\":
            self._rest = text[end:]
            shown.append(self._paint(self._role, before + text[at:end]))
            return len(text)
        shown.append(self._paint(self._role, before + text[at : end + 1]))
        self._role = ""
        return end + 1

    def _token(self, text: str, at: int, shown: list[str]) -> int:
        match = _TOKEN.match(text, at)
        assert match is not None  # one of its branches matches any character
        kind, symbol = match.lastgroup, match.group()
        if kind == "plain" and match.end() == len(text):
            self._rest = symbol  # a number or a constant may go on
        elif kind == "space":
            shown.append("\n" if not self._open and "\n" in symbol else "")
        elif kind == "mark":
            shown.append(self._mark(symbol))
        elif kind == "string":
            self._role = "key" if self._is_key else "string"
            shown.append(self._before_value())
            return self._string(text, match.end(), shown, before=symbol)
        else:
            role = "constant" if symbol[0] in "tfn" else "number"
            shown.append(self._before_value() + self._paint(role, symbol))
        return match.end()

    def _mark(self, symbol: str) -> str:
        if symbol in _CLOSING:
            before = self._before_value()
            self._open.append(symbol)
            self._is_new, self._is_key = True, symbol == "{"
            return f"{before}{symbol}"
        if symbol == ":":
            self._is_key = False
            return ": "
        if symbol == ",":
            self._is_key = self._open[-1:] == ["{"]
            return f",{self._line_end()}"
        is_empty, self._is_new = self._is_new, False
        self._open = self._open[:-1]
        self._is_key = False
        return symbol if is_empty else f"{self._line_end()}{symbol}"

    def _before_value(self) -> str:
        """Return the line end in front of the first value of an object or an array."""
        is_first, self._is_new = self._is_new, False
        return self._line_end() if is_first else ""

    def _line_end(self) -> str:
        return f"\n{_INDENT * len(self._open)}"
