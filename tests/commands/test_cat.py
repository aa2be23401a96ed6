"""``cat``: objects, one after the other."""

from __future__ import annotations

import re

import pytest

from tests.support.lines import Runner, one_line
from tests.support.responder import Answer, Responder, ok


@pytest.fixture(scope="module")
def letters(run: Runner) -> str:
    """Make a container with three objects of one letter, the last of which has no line end."""
    assert run("mkdir", "letters").status == 0
    for name, body in (("d/a", b"a\n"), ("d/b", b"b\n"), ("c", b"c")):
        assert run("upload", f"path:/letters/{name}", stdin=body).status == 0
    return "letters"


def test_bodies_are_joined_in_the_order_of_the_words(run: Runner, letters: str) -> None:
    """Byte for byte; those of a pattern in the order of the listing."""
    assert run("cat", f"{letters}/c", f"{letters}/d/*").out == b"ca\nb\n"
    assert run("cat", f"path:/{letters}/d/a").out == b"a\n"


def test_document_names_the_objects(run: Runner, letters: str) -> None:
    """Of a pattern, the ones that match; of one object, it is that of get."""
    assert run("cat", f"{letters}/**", "--json").json == {
        "objects": [f"path:/{letters}/{name}" for name in ("c", "d/a", "d/b")],
        "content": "ca\nb\n",
    }
    assert run("cat", f"{letters}/c", "--json").json["object"] == f"path:/{letters}/c"


def test_nothing_is_written_unless_every_word_means_something(run: Runner, letters: str) -> None:
    """A missing object, or a pattern that nothing matches, ends with 4."""
    for word, message in (("d/x", "not found"), ("x*", "no object matches")):
        outcome = run("cat", f"{letters}/c", f"{letters}/{word}")
        assert (outcome.status, outcome.out) == (4, b"")
        assert re.search(message, one_line(outcome))


def test_failure_midway_is_an_error(run_scripted: Runner, responder: Responder) -> None:
    """The second object disappears after it was looked up; its name is in the message."""
    responder.on("HEAD", "*", Answer(200))
    responder.on("GET", "/c/a", ok(b"a"))
    responder.on("GET", "/c/b", Answer(404))
    outcome = run_scripted("cat", "c/a", "c/b")
    assert (outcome.status, outcome.out) == (4, b"a")
    assert one_line(outcome).startswith("path:/c/b: not found")
