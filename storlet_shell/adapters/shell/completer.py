"""Completion in the interactive shell, by Tab or as you type.

What takes time runs in threads of its own, so that typing is never held up, nor the end of the prompt. A thread of
prompt_toolkit's would be: asyncio waits for it (seen with Python 3.11).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from storlet_shell.adapters.completion.cursor import Cursor, candidates, hint, split
from storlet_shell.adapters.completion.names import Candidate, complete
from storlet_shell.adapters.shell.pieces import pieces
from storlet_shell.equality import typed_equality
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Kind
from storlet_shell.spec.registry import Registry

_SHORTCUTS = {"?": "help ", "@": "run_script "}
_LOOK = 0.02
"""Seconds between two looks at whether the user has typed on."""

OwnCompletions = Callable[[str, str], Iterable[str]]
"""Returns what a word of a line may become, for the shell's own words; takes the word and the line up to the cursor."""


@typed_equality
class _Place(NamedTuple):
    """The place of the cursor.

    :param line: the command up to the cursor; what sh reads is left out
    :param kind: what the word names, if that doesn't depend on the command
    """

    line: str
    kind: Kind | None = None


class LineCompleter(Completer):
    """Completes the typed line.

    :param without_alias: expands an alias at the start of a line
    :param own_words: the words that only the shell has, with descriptions; aliases are some of them
    :param complete_own: completes the arguments of such a word
    """

    def __init__(
        self,
        session: Session,
        registry: Registry,
        without_alias: Callable[[str], str],
        own_words: Callable[[], dict[str, str]],
        complete_own: OwnCompletions,
    ) -> None:
        self._session = session
        self._registry = registry
        self._without_alias = without_alias
        self._own_words = own_words
        self._complete_own = complete_own

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        """Yield the completions at the cursor, after waiting for them."""
        place = _place(document.text_before_cursor)
        if place is not None:
            yield from _completions(self.entries(place), split(place.line))

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """Yield the completions at the cursor, unless the user types on; explain what Tab can't complete."""
        place = _place(document.text_before_cursor)
        if place is None:
            return
        entries = await self._look_up(place, document)
        for completion in _completions(entries, split(place.line)):
            yield completion
        if not entries and complete_event.completion_requested and (text := self._hint(place)):
            run_in_terminal(lambda: self._session.surroundings.warn(text))

    async def _look_up(self, place: _Place, document: Document) -> list[Candidate]:
        """Return what a word may become; nothing if the user types on meanwhile."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Candidate]] = loop.create_future()

        def work() -> None:
            entries = self.entries(place)
            with suppress(RuntimeError):  # the prompt has ended
                loop.call_soon_threadsafe(_settle, answer, entries)

        threading.Thread(target=work, daemon=True).start()
        while not (await asyncio.wait([answer], timeout=_LOOK))[0]:
            if get_app().current_buffer.document != document:
                return []
        return answer.result()

    def entries(self, place: _Place) -> list[Candidate]:
        """Return what the word at the cursor may become; this may take as long as a look-up."""
        line = self._expanded(place.line)
        cursor = split(line)
        if place.kind is not None:
            return complete(self._session, place.kind, cursor.word)
        if not cursor.words:
            own = [Candidate(name, note=note) for name, note in self._own_words().items()]
            entries = candidates(self._session, self._registry, (), cursor.word)
            return sorted({*entries, *(entry for entry in own if entry.text.startswith(cursor.word))})
        if cursor.words[0] in self._own_words():
            return [Candidate(text) for text in self._complete_own(cursor.spelled, line)]
        return candidates(self._session, self._registry, cursor.words, cursor.word)

    def _expanded(self, line: str) -> str:
        """Expand an alias, unless it is the word at the cursor."""
        return self._without_alias(line) if split(line).words else line

    def _hint(self, place: _Place) -> str:
        """Describe the argument at the cursor."""
        cursor = split(self._expanded(place.line))
        return "" if place.kind is not None else hint(self._registry, cursor.words, cursor.word)


def _settle(answer: asyncio.Future[list[Candidate]], entries: list[Candidate]) -> None:
    if not answer.done():  # the user may have typed on
        answer.set_result(entries)


def _place(text: str) -> _Place | None:
    """Return the place of the cursor at the end of a text; None where nothing is completed."""
    words: list[str] = []
    target: list[str] | None = None  # what names a file: after > and <, and where sh reads
    kind = ""
    for kind, piece, _ in pieces(text):
        if kind in ("body", "tag", "comment"):
            return None
        if kind == "newline":
            words, target = [], None
        elif kind in ("sh", "operator"):
            target = [piece] if kind == "sh" else []
        elif kind == "shortcut":
            words = [_SHORTCUTS.get(piece, "")]
            target = None if piece in _SHORTCUTS else []
        elif kind in ("space", "join", "heredoc"):
            words.append(" ")
            target = None if target else target
        else:
            (words if target is None else target).append(piece)
    if kind == "heredoc":
        return None
    return _Place("".join(words)) if target is None else _Place("".join(target), Kind.FILE)


def _completions(entries: list[Candidate], cursor: Cursor) -> Iterator[Completion]:
    """Yield completions that replace the word at the cursor; a single one that is complete ends the word."""
    end = " " if len(entries) == 1 and entries[0].final else ""
    for entry in entries:
        shown = entry.text.rstrip("/").rpartition("/")[2] + ("" if entry.final or not entry.text.endswith("/") else "/")
        yield Completion(
            cursor.spell(entry.text, final=entry.final) + end,
            start_position=-len(cursor.spelled),
            display=shown,
            display_meta=entry.note,
        )
