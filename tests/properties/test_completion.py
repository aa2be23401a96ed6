"""Completion of any line up to the cursor: candidates or none, and never an exception."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from storlet_shell.adapters.completion.cursor import candidates, split
from storlet_shell.adapters.completion.names import Candidate, complete
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Kind
from storlet_shell.spec.registry import Registry
from tests.properties.test_targets import COMMANDS, TEXTS, WORDS

pytestmark = pytest.mark.slow

REGISTRY = Registry()
FRONT = st.sampled_from([one.name for one in COMMANDS]) | WORDS


@given(st.lists(WORDS, max_size=4), FRONT, WORDS)
def test_any_words_give_candidates(words: list[str], front: str, word: str) -> None:
    """Nobody is logged in, and no file begins with such a word but by chance."""
    with Session() as session:
        for line in ([], [front, *words]):
            found = candidates(session, REGISTRY, line, word, deadline=5)
            assert all(isinstance(one, Candidate) and one.text.isprintable() for one in found)


@given(TEXTS)
def test_any_text_gives_candidates(text: str) -> None:
    """As it is typed, an open quote or a backslash at its end too."""
    cursor = split(text)
    assert text.endswith(cursor.spelled)
    with Session() as session:
        for one in candidates(session, REGISTRY, cursor.words, cursor.word, deadline=5):
            cursor.spell(one.text, final=one.final)


@given(TEXTS)
@example("get c/a\N{NO-BREAK SPACE}b")
def test_a_line_is_split_as_it_will_be(text: str) -> None:
    """The words before the cursor are those of the whole line."""
    try:
        words = shlex.split(text)
    except ValueError:
        assume(False)
    assert split(f"{text} ").words == tuple(words)


@given(st.sampled_from(Kind), WORDS, st.booleans(), st.sampled_from(["", ","]))
def test_any_word_is_completed_to_what_begins_with_it(kind: Kind, text: str, prefixed: bool, separator: str) -> None:
    """Of whatever kind it is."""
    with Session(variables={"value": 1}) as session:
        found = complete(session, kind, text, prefixed=prefixed, separator=separator, deadline=5)
        assert all(one.text.startswith(text) for one in found)
