"""``--dry-run`` of every command: it shows the requests, and sends none that changes anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from storlet_shell.spec.command import Command
from storlet_shell.spec.registry import Registry
from tests.support.lines import Runner
from tests.support.responder import KEY, Responder
from tests.support.storlets import STORLETS

WORDS = {
    "get": ["c/o", "--storlet", "upper.py", "-p", "k=v ü", "--range", "0-9", "--extra", "path:/c/a b"],
    "put": ["{file}", "c/o", "--storlet", "upper.py"],
    "copy": ["c/o", "c2/o2", "--storlet", "upper.py", "-p", "k=v"],
    "upload": ["c/o"],
    "acl": ["grant", "c", "alice", "--storlet", "upper.py"],
    "mkdir": ["c"],
    "enable": [],
    "post": ["c/o", "-m", "k=v", "-H", "X-Delete-After:60", "--remove", "old"],
    "rm": ["c/o", "c"],
    "edit": ["c/o"],
    "tempurl": ["c/o"],
    "undeploy": ["upper.py"],
    "dependencies": ["rm", "extra.txt"],
    "deploy": ["{file}", "-d", "{dependency}"],
}
"""The words of one line for each command that has the option."""

LISTING = {"cp", "download", "map", "mv", "pipe", "reduce", "select", "sync"}
"""These ask which objects there are, even so; the tests are in the files of their names, or in test_folders.py."""

DRY = [
    command
    for command in Registry()
    if any("--dry-run" in arg.flags for line in command.lines for arg in line.args)
    and command.name not in LISTING | {"login"}  # it shows what it would write
]


def words_of(command: Command, folder: Path) -> list[str]:
    """Return a line's words, with files that are there."""
    (folder / "upper.py").write_text(STORLETS["upper.py"])
    (folder / "extra.txt").write_text("x")
    files = {"file": folder / "upper.py", "dependency": folder / "extra.txt"}
    return [command.name, *(word.format(**files) for word in WORDS[command.name]), "--dry-run"]


def test_every_command_that_has_the_option_is_tested() -> None:
    """A new command is added above."""
    assert {command.name for command in DRY} == set(WORDS)


@pytest.mark.parametrize("command", DRY, ids=lambda command: command.name)
def test_dry_run_sends_nothing(run_scripted: Runner, responder: Responder, tmp_path: Path, command: Command) -> None:
    """Only the login is made, since it tells where the requests would go."""
    outcome = run_scripted(*words_of(command, tmp_path), stdin=b"text")
    assert (outcome.status, outcome.err) == (0, "")
    assert responder.requests == []
    assert responder.storage_url in outcome.text


@pytest.mark.parametrize("command", DRY, ids=lambda command: command.name)
def test_dry_run_hides_the_token(run_scripted: Runner, responder: Responder, tmp_path: Path, command: Command) -> None:
    """What is shown may be pasted into a mail."""
    for json in ([], ["--json"]):
        outcome = run_scripted(*words_of(command, tmp_path), *json, stdin=b"text")
        assert "X-Auth-Token" in outcome.text
        assert "(hidden)" in outcome.text
        assert "token-" not in outcome.text
        assert KEY not in outcome.text


def test_dry_run_shows_the_headers_as_they_would_go(run_scripted: Runner, tmp_path: Path) -> None:
    """The quoting on the wire is the one that is shown."""
    command = Registry().get("get")
    (request,) = run_scripted(*words_of(command, tmp_path), "--json").json["requests"]
    assert request["method"] == "GET"
    assert request["url"].endswith("/v1/AUTH_test/c/o")
    assert request["headers"] == {
        "X-Auth-Token": "(hidden)",
        "Accept-Encoding": "identity",
        "X-Run-Storlet": "upper.py",
        "X-Storlet-Parameter-1": "k:v%20%C3%BC",
        "X-Storlet-Range": "bytes=0-9",
        "X-Storlet-Extra-Resources": "/c/a%20b",
        "X-Storlet-Run-On-Proxy": "",
    }


def test_dry_run_of_several_requests_shows_them_in_order(run_scripted: Runner, tmp_path: Path) -> None:
    """A deployment uploads what the storlet needs before the storlet."""
    requests = run_scripted(*words_of(Registry().get("deploy"), tmp_path), "--json").json["requests"]
    assert [(request["method"], request["url"].split("/AUTH_test/")[1]) for request in requests] == [
        ("PUT", "dependency/extra.txt"),
        ("PUT", "storlet/upper.py"),
    ]


def test_dry_run_finds_what_is_wrong_here(run_scripted: Runner, responder: Responder, tmp_path: Path) -> None:
    """A missing local file is missing in a dry run, too."""
    assert run_scripted("put", str(tmp_path / "none"), "c/o", "--dry-run").status == 4
    assert responder.logins == []
