"""All or nothing: failures, interruptions, and lost answers during a deployment's uploads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from storlet_shell.errors import ConnectionFailedError
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.folders import write
from tests.support.lines import Runner
from tests.support.storlets import STORLETS

pytestmark = pytest.mark.usefixtures("quick_retries")  # how long a client waits is not what they are about


@pytest.fixture
def deployed(storlets: Runner, tmp_path: Path, module: str) -> list[str]:
    """Deploy a storlet with a dependency; return the words of a line that replaces both and adds another dependency."""
    file = write(tmp_path, f"{module}.py", STORLETS["upper.py"])
    first = write(tmp_path, f"{module}_a.py", "A = 'before'", 0o755)
    assert storlets("deploy", file, "-d", first).status == 0
    write(tmp_path, f"{module}.py", STORLETS["twice.py"])
    write(tmp_path, f"{module}_a.py", "A = 'after'")
    return ["deploy", file, "-d", f"{first},{write(tmp_path, f'{module}_b.py', 'B = 1')}"]


def state(storlets: Runner, module: str) -> list[object]:
    """Return all that is known of a storlet and its dependencies, but for when it was stored."""
    rows = [row for row in storlets("dependencies", "--json").json["rows"] if row["name"].startswith(module)]
    shown = storlets("storlets", "show", f"{module}.py", "--json").json
    for each in (shown, *rows):
        del each["last_modified"]
    content = [storlets("get", path).out for path in (f"storlet/{module}.py", f"dependency/{module}_a.py")]
    return [shown, rows, content]


def fail(monkeypatch: pytest.MonkeyPatch, *requests: tuple[str, str]) -> None:
    """Let requests of this method and name fail: they go with a method that the server does not know."""
    send = Client._send_once

    def failing(self: Client, request: Request, *others: Any, **named: Any) -> Any:
        if (request.method, request.name) in requests:
            request = request._replace(method="PATCH")
        return send(self, request, *others, **named)

    monkeypatch.setattr(Client, "_send_once", failing)


def interrupt(monkeypatch: pytest.MonkeyPatch, *requests: tuple[str, str]) -> None:
    """Press Ctrl-C at requests of this method and name, one after the other, before each is sent."""
    send, waiting = Client._send_once, list(requests)

    def interrupted(self: Client, request: Request, *others: Any, **named: Any) -> Any:
        if [(request.method, request.name)] == waiting[:1]:
            del waiting[0]
            raise KeyboardInterrupt
        return send(self, request, *others, **named)

    monkeypatch.setattr(Client, "_send_once", interrupted)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["_a.py", "_b.py", ".py"])
def test_upload_that_fails_leaves_everything_as_it_was(
    storlets: Runner, monkeypatch: pytest.MonkeyPatch, deployed: list[str], module: str, where: str
) -> None:
    """Whichever upload it is: the first dependency, the second, or the storlet; then the same line goes through."""
    before = state(storlets, module)
    with monkeypatch.context() as patch:
        fail(patch, ("PUT", f"{module}{where}"))
        outcome = storlets(*deployed)
    assert outcome.status != 0
    assert "nothing was changed: the dependencies are as they were" in outcome.err
    assert state(storlets, module) == before
    assert storlets(*deployed).status == 0
    after = state(storlets, module)
    assert [row["name"] for row in after[1]] == [f"{module}_a.py", f"{module}_b.py"]
    assert after[2] == [STORLETS["twice.py"].encode(), b"A = 'after'"]


def test_what_can_not_be_put_back_is_named(
    storlets: Runner, monkeypatch: pytest.MonkeyPatch, deployed: list[str], module: str
) -> None:
    """With the line that puts it back; and what is new and can't be deleted."""
    with monkeypatch.context() as patch:
        fail(patch, ("PUT", f"{module}.py"), ("COPY", f"{module}_a.py.before"), ("DELETE", f"{module}_b.py"))
        outcome = storlets(*deployed)
    assert outcome.status != 0
    said = outcome.err.splitlines()
    assert f"path:/dependency/{module}_b.py remains" in said[0]
    assert said[0].endswith(f"; delete it: dependencies rm {module}_b.py")
    assert f"path:/dependency/{module}_a.py has changed" in said[1]
    copy = said[1].rpartition(": copy ")[2]
    assert storlets("copy", *copy.replace("path:/", "").split()).status == 0
    assert storlets("get", f"dependency/{module}_a.py").out == b"A = 'before'"
    assert "nothing was changed" not in outcome.err


@pytest.mark.slow
def test_interrupted_deployment_is_undone(
    storlets: Runner, monkeypatch: pytest.MonkeyPatch, deployed: list[str], module: str
) -> None:
    """Ctrl-C between the uploads leaves everything as it was."""
    before = state(storlets, module)
    with monkeypatch.context() as patch:
        interrupt(patch, ("PUT", f"{module}.py"))
        assert storlets(*deployed).status == 130
    assert state(storlets, module) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at", "left"),
    [
        (("HEAD", ".py"), ["_b.py remains", "_a.py has changed"]),
        (("DELETE", "_b.py"), ["_b.py remains", "_a.py has changed"]),
        (("COPY", "_a.py.before"), ["_a.py has changed"]),
        (("DELETE", "_a.py.before"), ["_a.py.before remains"]),
    ],
)
def test_second_interrupt_says_in_one_line_what_is_left(
    storlets: Runner,
    monkeypatch: pytest.MonkeyPatch,
    deployed: list[str],
    module: str,
    at: tuple[str, str],
    left: list[str],
) -> None:
    """Wherever it comes while things are put back; with the lines that put the rest back."""
    before, count = state(storlets, module), len(left)
    with monkeypatch.context() as patch:
        interrupt(patch, ("PUT", f"{module}.py"), (at[0], f"{module}{at[1]}"))
        outcome = storlets(*deployed)
    assert outcome.status == 130
    (said,) = [line for line in outcome.err.splitlines() if "interrupted " in line]
    assert [text in said for text in left] == [True] * count
    assert (said.count(" remains") + said.count("has changed"), "nothing was changed" in outcome.err) == (count, False)
    for line in re.findall(r"(?:delete it|\.before): ([^;]*)", said):
        assert storlets(*line.replace("path:/", "").split()).status == 0
    storlets("dependencies", "rm", "-y", f"{module}_a.py.before")
    assert state(storlets, module) == before


@pytest.mark.slow
def test_storlet_whose_answer_is_lost_keeps_its_new_dependencies(
    storlets: Runner, monkeypatch: pytest.MonkeyPatch, deployed: list[str], module: str
) -> None:
    """Ctrl-C when the server has stored it already: the old dependencies would not be those that it needs."""
    send = Client._send_once

    def interrupted(self: Client, request: Request, *others: Any, **named: Any) -> Any:
        reply = send(self, request, *others, **named)
        if (request.method, request.name) == ("PUT", f"{module}.py"):
            raise KeyboardInterrupt
        return reply

    with monkeypatch.context() as patch:
        patch.setattr(Client, "_send_once", interrupted)
        outcome = storlets(*deployed)
    assert (outcome.status, "the storlet was stored nevertheless" in outcome.err) == (130, True)
    found = state(storlets, module)
    assert [row["name"] for row in found[1]] == [f"{module}_a.py", f"{module}_b.py"]
    assert found[2] == [STORLETS["twice.py"].encode(), b"A = 'after'"]


@pytest.mark.slow
def test_deployment_that_may_be_done_is_not_undone(
    storlets: Runner, monkeypatch: pytest.MonkeyPatch, quick_retries: None, deployed: list[str], module: str
) -> None:
    """The server is gone when it has stored the storlet: the old dependencies would not be those that it needs."""
    send, gone = Client._send_once, []

    def failing(self: Client, request: Request, *others: Any, **named: Any) -> Any:
        if gone and request.name == f"{module}.py":
            raise ConnectionFailedError("gone")
        reply = send(self, request, *others, **named)
        if (request.method, request.name) == ("PUT", f"{module}.py"):
            gone.append(reply.read())
            raise ConnectionFailedError("gone")
        return reply

    with monkeypatch.context() as patch:
        patch.setattr(Client, "_send_once", failing)
        outcome = storlets(*deployed)
    assert outcome.status == 5
    assert "it isn't known whether the storlet was stored; deploy it again once the server responds" in outcome.err
    assert f"{module}_a.py.before" in str(state(storlets, module))
    assert storlets(*deployed).status == 0
    found = state(storlets, module)
    assert [row["name"] for row in found[1]] == [f"{module}_a.py", f"{module}_b.py"]
    assert found[2] == [STORLETS["twice.py"].encode(), b"A = 'after'"]
