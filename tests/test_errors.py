"""The error tree: its picture, its exit statuses, and that every message is one line."""

from __future__ import annotations

import re

import pytest

from storlet_shell import errors
from storlet_shell.errors import ExitStatus, StorletShellError
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
    """What --json shows of an error has its class, text, transaction and exit status."""
    fields = failure_fields(errors.StorletFailedError("it failed", transaction_id="tx1", details="Traceback"))
    assert fields == {
        "error": "StorletFailedError",
        "message": "it failed",
        "transaction": "tx1",
        "details": "Traceback",
        "exit_status": 6,
    }


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
