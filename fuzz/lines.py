"""The line parser: splitting, quoting and expansion of typed lines, command files' lines and magics' words.

Any text becomes lines and words, or one error. In addition:

- a logical line is at its line number in the text, and reads the same by itself;
- a split line can be parsed: nothing in it is open;
- the words of a line, quoted or as spelled, are read as the same words;
- a word spelled by completion is read as that word, by the line's parser and by the cursor's;
- a magic's word with doubled signs expands to the word.
"""

from __future__ import annotations

import shlex

from storlet_shell.adapters.completion import cursor
from storlet_shell.adapters.notebook import expansion
from storlet_shell.adapters.script.lines import GrammarError, Line, Words, is_incomplete, parse, split
from storlet_shell.errors import UsageError

_BEGUN = ("", "'", '"')
"""The ways to start a word that is completed."""


def check(data: bytes) -> None:
    """Decode bytes as command lines, as the command line or a terminal would."""
    text = data.decode("utf-8", "surrogateescape")
    _check_typed(text)
    _check_word(text)
    for line in _split(text):
        _check_place(line, text)
        words = _parse(line.text)
        if words is not None:
            _check_words(words)
            _check_spelled(words)


def _split(text: str) -> list[Line]:
    try:
        return split(text)
    except GrammarError as error:
        assert 1 <= error.number <= text.count("\n") + 1
        assert len(str(error).splitlines()) == 1
        return []


def _check_typed(text: str) -> None:
    if is_incomplete(text):
        assert not _split(text), "what goes on in the next line is no whole text"


def _check_place(line: Line, text: str) -> None:
    assert "\n".join(text.split("\n")[line.number - 1 :]).startswith(line.text)
    if line.body is None:
        assert split(line.text, typed=True) == [Line(line.text)]


def _parse(text: str) -> Words | None:
    try:
        return parse(text, _value)
    except UsageError as error:
        assert not isinstance(error, GrammarError), "a line that was split is whole"
        assert len(str(error).splitlines()) == 1
        return None


def _value(name: str) -> str:
    if not name.isidentifier():
        raise UsageError("no name")
    return f"{name} '\"\\ ${{x}} |>#"


def _check_words(words: Words) -> None:
    quoted = shlex.join(["get", *words.words])
    assert split(quoted) == [Line(quoted)]
    assert parse(quoted, _value).words == ["get", *words.words]
    printable = [word for word in words.words if word and word.isprintable()]
    spell = cursor.Cursor((), "", _BEGUN[len(quoted) % len(_BEGUN)]).spell
    completed = " ".join(["get", *map(spell, printable), ""])
    assert parse(completed).words == ["get", *printable]
    assert cursor.split(completed).words == ("get", *printable)


def _check_spelled(words: Words) -> None:
    if words.spelled[:1] == ["shell"]:  # sh's own words, unchanged
        return
    assert parse(" ".join(["get", *words.spelled]), _value).words == ["get", *words.words]


def _check_word(text: str) -> None:
    cursor.split(text)
    assert expansion.expand(expansion.doubled(text), {}) == text
    try:
        expansion.expand(text, {"x": "y"})
        begun = expansion.expand_begun(text, {"x": "y"})
    except UsageError:
        return
    assert expansion.expand(expansion.go_on(text, f"{begun}z", {"x": "y"}), {"x": "y"}) == f"{begun}z"
