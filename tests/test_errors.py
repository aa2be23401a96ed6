"""The error tree: its drawing, its exit statuses, and that every message is one line."""

from __future__ import annotations

import pickle
import re

import pytest

from storlet_shell import errors
from storlet_shell.adapters.hints import LINES, PHRASES, in_line
from storlet_shell.adapters.notebook.page import in_magic
from storlet_shell.errors import (
    Action,
    ExitStatus,
    Hint,
    NotFoundError,
    OverloadedError,
    StorletShellError,
    in_python,
)
from storlet_shell.results import failure_fields
from storlet_shell.wire.statuses import STATUS_ERRORS


def tree() -> dict[str, type[StorletShellError]]:
    """Return every class of the tree by its name."""
    found = {"StorletShellError": StorletShellError}
    waiting = [StorletShellError]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if kind.__module__ == errors.__name__:
                found[kind.__name__] = kind
                waiting.append(kind)
    return found


def picture() -> dict[str, tuple[int, int]]:
    """Return depth and exit status of each class, read from the module's docstring."""
    drawn = re.finditer(r"^    (.*?)(\w+Error)\s+\S.*?(\d+)$", errors.__doc__ or "", re.MULTILINE)
    return {match[2]: (len(match[1]) // 4, int(match[3])) for match in drawn}


def test_picture_shows_every_class() -> None:
    """The docstring draws the whole tree and nothing else."""
    assert picture().keys() == tree().keys()


@pytest.mark.parametrize("name", tree())
def test_picture_shows_depth_and_exit_status(name: str) -> None:
    """Each class stands where it is derived, with the exit status that it has."""
    kind = tree()[name]
    assert picture()[name] == (kind.__mro__.index(StorletShellError), int(kind.exit_status))


@pytest.mark.parametrize("name", tree())
def test_every_class_says_when_it_is_raised(name: str) -> None:
    """A class's docstring is one sentence."""
    assert re.match(r"[A-Z].*[.:;]", tree()[name].__doc__ or "")


def test_exit_statuses_are_the_documented_ones() -> None:
    """Scripts rely on these numbers."""
    assert {status.name: int(status) for status in ExitStatus} == {
        "OK": 0,
        "ERROR": 1,
        "USAGE": 2,
        "IDENTITY": 3,
        "NOT_FOUND": 4,
        "SERVICE": 5,
        "STORLET_FAILED": 6,
        "REFUSED": 7,
        "UNKNOWN_COMMAND": 127,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize("name", tree())
@pytest.mark.parametrize(
    "message", ["one\ntwo", "one\r\ntwo", "one\x0btwo\x0cthree", "one\u2028two\x85three", "a\n\n\nb"]
)
def test_message_is_one_line(name: str, message: str) -> None:
    """Whatever a server or a name puts into it, an error is one line, for people and for machines."""
    error = tree()[name](message, transaction_id="tx1")
    assert len(str(error).splitlines()) == 1
    assert len(failure_fields(error)["message"].splitlines()) == 1
    assert str(error).endswith("(transaction tx1)")


@pytest.mark.parametrize("name", ["a  b", "日本\u3000語", "a\u00a0b", "tab\there"])
def test_message_spells_names_as_the_user_did(name: str) -> None:
    """Two spaces in an object's name are shown as two: the name can be copied from the message."""
    assert str(StorletShellError(f"path:/c/{name}: not found")) == f"path:/c/{name}: not found"
    assert failure_fields(StorletShellError(name))["message"] == name


def test_failure_is_data_too() -> None:
    """What --json shows of an error has its class and all that code may decide on, null where nothing is known."""
    error = errors.StorletFailedError("it failed", transaction_id="tx1", details="Traceback")
    assert failure_fields(error) == {
        "error": "StorletFailedError",
        "message": "it failed",
        "transaction": "tx1",
        "details": "Traceback",
        "exit_status": 6,
        "subject": None,
        "status": None,
        "hint": None,
    }
    hint = {"action": "make_container", "arguments": ("c",), "text": 'store.make_container("c")'}
    missing = NotFoundError("container {subject} doesn't exist", subject="c", status=404, hint=MAKE)
    fields = failure_fields(missing)
    assert (fields["subject"], fields["status"], fields["hint"]) == ("c", 404, hint)
    assert fields["message"] == 'container c doesn\'t exist (create it: store.make_container("c"))'


MAKE = Hint(Action.MAKE_CONTAINER, ("c",))


def test_subject_and_hint_have_their_places() -> None:
    """The subject comes first and the hint last, or where the message says so; the transaction is last of all."""
    error = StorletShellError("gone", subject="path:/c/o", hint=MAKE, transaction_id="tx1")
    assert str(error) == 'path:/c/o: gone (create it: store.make_container("c")) (transaction tx1)'
    error = StorletShellError("s.py over {subject}: {braces}{hint}; it ended", subject="path:/c/o", hint=MAKE)
    assert str(error) == 's.py over path:/c/o: {braces} (create it: store.make_container("c")); it ended'
    assert error.message == "s.py over path:/c/o: {braces}; it ended"
    assert str(StorletShellError("{subject} {hint}")) == "{subject} {hint}"


def test_copy_about_another_subject_keeps_all_else() -> None:
    """Also what only one class has, and in the message everything around the subject."""
    error = OverloadedError(
        "s.py over {subject}: busy at path:/c/o",
        subject="path:/c/o",
        status=503,
        hint=MAKE,
        transaction_id="tx1",
        details="a\nb",
        retry_after=7.0,
    )
    error.result = object()
    other = error.about("what step 1 made")
    assert type(other) is OverloadedError
    assert other.message == "s.py over what step 1 made: busy at path:/c/o"
    assert vars(other) == vars(error) | {"subject": "what step 1 made"}
    assert error.subject == "path:/c/o"
    longer = error.adding(", and more")
    assert (longer.message, vars(longer)) == ("s.py over path:/c/o: busy at path:/c/o, and more", vars(error))


def test_error_survives_pickling() -> None:
    """Executors bring errors from other processes; how this one's front end spells hints stays here."""
    error = OverloadedError("busy", subject="path:/c/o", status=503, hint=MAKE, transaction_id="tx1", retry_after=7.0)
    text, fields = str(error), dict(vars(error))
    error.spell = lambda hint: "mkdir c"
    assert "mkdir c" in str(error)
    other = pickle.loads(pickle.dumps(error))
    assert (str(other), vars(other), type(other)) == (text, fields, OverloadedError)


@pytest.mark.parametrize("action", Action)
def test_every_hint_is_spelled_for_every_front_end(action: Action) -> None:
    """Each kind has one place for what it is done with, where it takes anything, in all languages or in none."""
    hint = Hint(action, ("a b", 'c"d'))
    python, line, magic = in_python(hint), in_line(hint), in_magic(hint)
    assert action in LINES.keys() ^ PHRASES.keys()
    assert action.sentence.count("{}") == 1
    for text in (python, line, magic):
        assert "{}" not in text
    assert ("'a b'" in line) == (action in TAKES_ARGUMENTS)
    if line.startswith("--") and action in TAKES_ARGUMENTS:
        assert line.split(" ", 1)[0] + " 'c\"d'" in line
    if action is Action.DEPLOY_CODE:  # code follows the magic of a whole cell
        assert magic.startswith("%%storletapp a b")
    else:
        spelled = f"%storlet {line}" if action in LINES else _as_magics(line)
        assert magic == spelled


def _as_magics(sentence: str) -> str:
    return sentence.replace(" local start", " %storlet local start").replace("(login)", "(%storlet login)")


TAKES_ARGUMENTS = {action for action in Action if "{}" in {**LINES, **PHRASES}[action]}


@pytest.mark.parametrize("action", sorted(TAKES_ARGUMENTS & LINES.keys(), key=str))
def test_hint_in_a_program_names_what_it_is_about(action: Action) -> None:
    """Quotes and backslashes are escaped as in Python literals."""
    assert '"a\\"b\\\\c"' in in_python(Hint(action, ('a"b\\c',)))


def swift_statuses() -> set[int]:
    """Return the error statuses that Swift's own responses have (``swob.RESPONSE_REASONS``), read from its source."""
    import ast
    from importlib.util import find_spec
    from pathlib import Path

    swift = find_spec("swift")  # not imported: Swift patches what it is imported into
    assert swift is not None
    assert swift.submodule_search_locations is not None
    source = Path(swift.submodule_search_locations[0], "common", "swob.py").read_text()
    assigned = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assign))
    reasons = next(node.value for node in assigned if ast.unparse(node.targets[0]) == "RESPONSE_REASONS")
    return {status for status in ast.literal_eval(reasons) if status >= 400}


@pytest.mark.parametrize("status", sorted(swift_statuses() | {429, 498, 501, 502, 504}))
def test_status_that_swift_answers_has_its_meaning(status: int) -> None:
    """The table is complete: each status of Swift, of its rate limits and of a proxy before it is translated."""
    kind, meaning = STATUS_ERRORS[status]
    assert kind in tree().values()
    assert meaning
    assert "\n" not in meaning


@pytest.mark.parametrize("status", sorted(STATUS_ERRORS))
def test_server_failures_are_temporary(status: int) -> None:
    """Everything from 500 on is the server's, and ends a line with status 5."""
    if status >= 500:
        assert STATUS_ERRORS[status][0].exit_status == ExitStatus.SERVICE


def test_subject_named_as_a_place_is_none() -> None:
    """An object may have any name."""
    error = NotFoundError(
        "container {subject} is not there", subject="{hint}", hint=Hint(Action.SEE_LOGS, ("{subject}",))
    )
    assert str(error) == 'container {hint} is not there; see: store.logs("{subject}")'
    assert error.message == "container {hint} is not there"
    assert str(NotFoundError("gone{hint}; ended", subject="{hint}", hint=MAKE)).startswith("{hint}: gone (create it")
