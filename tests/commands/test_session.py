"""``whoami``, ``help``, ``enable``, ``mkdir``, and ``local``."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import pytest

from storlet_shell.adapters.words import OWN_WORDS
from storlet_shell.embedded import control
from storlet_shell.spec.registry import Registry
from tests.support.lines import Runner, base_environment, one_line
from tests.support.responder import KEY, USER, Responder, html, ok
from tests.support.schemas import check

NO_PROXIES = [
    ({"no_proxy": "a.org, .b.org"}, ("a.org,.b.org,127.0.0.1", "a.org,.b.org,127.0.0.1")),
    ({"NO_PROXY": "a.org", "no_proxy": "b.org"}, ("b.org,127.0.0.1", "a.org,127.0.0.1")),
    ({"no_proxy": "127.0.0.1,a.org", "NO_PROXY": "*"}, ("127.0.0.1,a.org", "*")),
]
"""What a terminal holds already, and what ``local env`` makes of the two variables."""


def test_whoami_shows_the_identity_and_no_secret(run: Runner, swift: control.Running) -> None:
    """User, account, where it was found, whether storlets may run; neither key nor token."""
    outcome = run("whoami")
    assert outcome.status == 0
    facts = run("whoami", "--json").json
    assert facts.pop("token_expires_at").endswith("Z")
    assert facts == {
        "source": "ST_AUTH, ST_USER and ST_KEY",
        "auth_url": swift.auth_url,
        "user": swift.user,
        "account": "AUTH_local",
        "storage_url": swift.storage_url,
        "storlets_enabled": True,
    }
    assert swift.key not in outcome.text
    labels = ["source", "identity service", "user", "token expires", "account", "storage URL", "enabled for storlets"]
    assert [line.split(":")[0] for line in outcome.text.splitlines()] == labels
    assert outcome.text.endswith("enabled for storlets: yes\n")


def test_whoami_says_that_an_account_is_not_enabled(run_scripted: Runner, responder: Responder) -> None:
    """And which command helps."""
    responder.on("HEAD", "", ok())
    assert "no; see: help enable" in run_scripted("whoami").text


def test_no_identity_is_one_line_and_3(tmp_path: Path) -> None:
    """Without credentials, every way in is named."""
    outcome = Runner(base_environment(tmp_path))("whoami")
    assert outcome.status == 3
    assert "ST_AUTH" in one_line(outcome)
    assert "--local" in one_line(outcome)


def test_wrong_password_is_one_line_and_3(run: Runner, swift: control.Running) -> None:
    """The real tempauth refuses; the password is not repeated."""
    outcome = run("whoami", environ={"ST_KEY": "wr0ng"})
    assert outcome.status == 3
    refused, _, hint = one_line(outcome).partition("; ")
    assert refused == f"login refused by {swift.auth_url}: check the user {swift.user} and the password"
    assert hint == 'the embedded Swift gets a new password at each start: eval "$(storlet-shell local env)"'


@pytest.mark.slow
def test_server_that_is_not_there_is_one_line_and_5(run: Runner) -> None:
    """A refused connection names the URL."""
    outcome = run("ls", environ={"ST_AUTH": "http://127.0.0.1:1/auth/v1.0"})
    assert (outcome.status, one_line(outcome)) == (
        5,
        "can't connect to http://127.0.0.1:1: connection refused",
    )


def test_debug_shows_requests_and_no_secret(run_scripted: Runner, responder: Responder) -> None:
    """--debug shows each request and the traceback of an expected error; never key or token."""
    responder.on("GET", "/c/o", html(404))
    responder.on("HEAD", "/c", html(404))
    outcome = run_scripted("--debug", "get", "c/o")
    assert outcome.status == 4
    assert f"GET {responder.storage_url}/c/o" in outcome.err
    assert "Traceback" in outcome.err
    assert responder.logins[0].header("X-Auth-Key") == KEY
    assert responder.requests[0].header("X-Auth-Token") == "token-1"
    assert KEY not in outcome.err
    assert "token-1" not in outcome.err


def test_help_lists_every_command(run: Runner) -> None:
    """By category, each with its summary."""
    text = run("help").text
    for command in Registry().all():
        assert f"  {command.name:<12} {command.summary}" in text.splitlines()
    assert "not usable" not in text


def test_help_tells_how_lines_are_written(run: Runner) -> None:
    """In a one-shot line: what the user's own shell does, and what command files do."""
    text = run("help", "syntax").text
    assert "your own shell" in text
    assert "<<EOF" in text
    assert run("-c", "help syntax").text == text


def test_help_explains_the_words_that_are_no_commands(run: Runner) -> None:
    """In one-shot lines and command files, too."""
    listed = run("help").text
    for word, summary in OWN_WORDS.items():
        assert f"\n  {word:<12} {summary}\n" in listed
        assert word == "syntax" or run("help", word).text.startswith(f"{word}: {summary}\n")
    assert run("-c", "help expect").text == run("help", "expect").text


def test_help_of_an_unknown_command_is_127(run: Runner) -> None:
    """With the closest name."""
    outcome = run("help", "gte")
    assert outcome.status == 127
    assert "did you mean get?" in one_line(outcome)


def test_enable_is_done_once_or_twice(run: Runner) -> None:
    """The account and its containers are made ready, and stay so."""
    for _ in range(2):
        outcome = run("enable")
        assert (outcome.status, outcome.text) == (
            0,
            "account AUTH_local is enabled for storlets; containers: storlet, dependency, storletlog\n",
        )


def test_enable_sends_the_flag_and_the_containers(run_scripted: Runner, responder: Responder) -> None:
    """One POST with the flag, then the three containers, by the names that the cluster gives them."""
    responder.info["storlet_handler"] = {"storlet_container": "code", "storlet_dependency": "libs"}
    responder.on("POST", "", ok(status=204))
    responder.on("PUT", "*", ok(status=201))
    assert run_scripted("enable").status == 0
    assert [(request.method, request.path) for request in responder.requests] == [
        ("POST", ""),
        ("PUT", "/code"),
        ("PUT", "/libs"),
        ("PUT", "/storletlog"),
    ]
    assert responder.requests[0].header("X-Account-Meta-Storlet-Enabled") == "True"


def test_enable_without_the_right_to_is_one_line_and_3(run_scripted: Runner, responder: Responder) -> None:
    """Only an account's administrator may."""
    responder.on("POST", "", html(403))
    outcome = run_scripted("enable")
    assert (outcome.status, len(responder.requests)) == (3, 1)
    assert one_line(outcome).startswith("the account: permission denied")


def test_mkdir_says_whether_it_made_the_container(run: Runner) -> None:
    """Twice is no mistake."""
    name = f"m-{secrets.token_hex(4)}"
    assert run("mkdir", name).text == f"container {name}: created\n"
    assert run("mkdir", f"path:/{name}").text == f"container {name}: exists already\n"
    assert run("mkdir", name, "--json").json == {"container": name, "created": False}


# --- local


@pytest.fixture
def alone(tmp_path: Path) -> Runner:
    """Run lines without an identity, with a data folder of their own."""
    return Runner({**base_environment(tmp_path), "STORLET_SHELL_DATA": str(tmp_path / "data")})


@pytest.mark.slow
def test_local_is_started_used_stopped_and_reset(alone: Runner, tmp_path: Path) -> None:
    """The life of an embedded Swift, as the lines of a user; its data outlive it, until they are reset."""
    assert alone("local", "--json").json["running"] is False
    started = alone.process("local", "start")
    try:
        assert (started.status, started.err) == (0, "")
        facts = alone("local", "status", "--json").json
        check("local status", facts)
        assert (facts["running"], facts["is_lasting"], facts["user"]) == (True, True, "local:storlet")
        assert alone("--local", "mkdir", "kept").status == 0
        assert alone("ls", environ={"STORLET_SHELL_LOCAL": "1"}).text.splitlines() == [
            "dependency",
            "kept",
            "storlet",
            "storletlog",
        ]
        assert "already runs" in alone("local", "start").text
        again = alone("local", "start", "--json").json
        check("local start", again)
        assert again["started"] is False
        assert facts.items() >= {name: again[name] for name in again if name != "started"}.items()
        environ = alone("local", "env", "--json").json
        assert sorted(environ) == ["NO_PROXY", "ST_AUTH", "ST_KEY", "ST_USER", "no_proxy"]
        assert "kept" in alone("ls", environ={**environ, "http_proxy": "http://127.0.0.1:1"}).text
        for held, becomes in NO_PROXIES:
            environ = alone("local", "env", "--json", environ=held).json
            assert (environ["no_proxy"], environ["NO_PROXY"]) == becomes
        assert "runs without Keystone" in one_line(alone("local", "env", "--user", "admin"))
    finally:
        stopped = alone("local", "stop")
    assert "is stopped; its data is kept" in stopped.text
    assert "was not running" in alone("local", "stop").text
    check("local stop", alone("local", "stop", "--json").json)
    check("local status", alone("local", "status", "--json").json)
    assert one_line(alone("local", "env")) == "the embedded Swift isn't running; start it: local start"
    refused = alone("local", "start", "--auth", "tempauth", "--keystone-port", "5000")
    assert one_line(refused) == "--keystone-port goes with --auth keystone"
    assert "kept" in alone("--local", "ls").text  # started for this line alone, and over the same data
    check("local reset", alone("local", "reset", "-y", "--json").json)
    assert not (tmp_path / "data").exists()


def test_local_key_is_in_no_output(alone: Runner, run: Runner, swift: control.Running) -> None:
    """Neither status nor whoami show the password."""
    assert swift.key not in run("whoami").text + alone("local", "status").text


@pytest.mark.slow
def test_ephemeral_swift_leaves_nothing(alone: Runner, tmp_path: Path) -> None:
    """A line with --ephemeral has a Swift of its own that is gone at the end."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    outcome = alone.process("--local", "--ephemeral", "ls", environ={"TMPDIR": str(temporary)})
    assert (outcome.text, outcome.err) == ("dependency\nstorlet\nstorletlog\n", "")
    assert not (tmp_path / "data").exists()
    deadline = time.monotonic() + 20  # the line does not wait for the server's end
    while list(temporary.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(temporary.iterdir()) == []


def test_users_of_identities_do_not_start_anything(run_scripted: Runner, responder: Responder, tmp_path: Path) -> None:
    """The embedded Swift is never chosen silently."""
    responder.on("HEAD", "", ok())
    assert run_scripted("whoami", "--json").json["user"] == USER
    assert not (tmp_path / ".local").exists()
