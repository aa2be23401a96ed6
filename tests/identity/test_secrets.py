"""Secrets never appear in a session with --debug, its history, its logs, or its command line."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import storlet_shell
from storlet_shell.adapters.shell.history import ShellHistory
from storlet_shell.errors import IdentityError
from storlet_shell.identity.environment import discover
from storlet_shell.session import Session, Surroundings
from storlet_shell.wire.requests import Request
from tests.identity.test_login import keystone, token
from tests.support.lines import Runner
from tests.support.responder import KEY, Responder, html, ok

PACKAGE = str(Path(storlet_shell.__file__).parent)
PASSWORD = "pass-w0rd"
LINES = "whoami\nls\nget c/o\nwhoami --json\nno-such-command\nls --no-such-option\n"


@pytest.mark.parametrize("scheme", ["tempauth", "keystone", "application", "token", "cloud"])
def test_debugged_session_holds_no_secret(
    run_scripted: Runner, responder: Responder, tmp_path: Path, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Results, errors with their tracebacks, requests, and every logger at its most talkative."""
    environ = dict.fromkeys(("ST_AUTH", "ST_USER", "ST_KEY"), "") | _environ(responder, scheme, tmp_path)
    responder.on("POST", "/v3/auth/tokens", token(responder, 1), token(responder, 2), html(401))
    responder.on("GET", "/c/o", html(401))
    responder.on("HEAD", "", ok())
    responder.on("GET", "", ok(b"[]"))
    with caplog.at_level(logging.DEBUG):
        outcome = run_scripted("--debug", "-k", "-f", "-", stdin=LINES.encode(), environ=environ)
    assert "Traceback" in outcome.err
    assert "HEAD http" in outcome.err
    shown = outcome.text + outcome.err + caplog.text
    for secret in (PASSWORD, KEY, "keystone-1", "keystone-2", "token-1", "token-2"):
        assert secret not in shown
    assert outcome.text.startswith("source: ")


def _environ(responder: Responder, scheme: str, folder: Path) -> dict[str, str]:
    url = keystone(responder)["OS_AUTH_URL"]
    if scheme == "tempauth":
        return responder.environ
    if scheme == "application":
        return {
            "OS_AUTH_URL": url,
            "OS_APPLICATION_CREDENTIAL_ID": "app",
            "OS_APPLICATION_CREDENTIAL_SECRET": PASSWORD,
        }
    if scheme == "token":
        return {"OS_STORAGE_URL": responder.storage_url, "OS_AUTH_TOKEN": PASSWORD}
    if scheme == "cloud":
        auth = {"auth_url": url, "username": "user", "password": PASSWORD, "project_name": "project"}
        (folder / "clouds.yaml").write_text(json.dumps({"clouds": {"one": {"auth": auth}}}))
        return {"OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml"), "OS_CLOUD": "one"}
    return keystone(responder)


def test_traceback_and_its_chain_hold_no_secret(responder: Responder) -> None:
    """With what keystoneauth and requests say below, and the values of our own frames' variables."""
    responder.on("POST", "/v3/auth/tokens", html(400))
    with Session(Surroundings(keystone(responder))) as session, pytest.raises(IdentityError) as caught:
        session.client.send(Request("HEAD"))
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame.locals for frame in told.stack if frame.filename.startswith(PACKAGE)]
    assert len(ours) > 3
    assert PASSWORD not in str(ours)
    shown = traceback.format_exception(caught.value)
    assert PASSWORD not in "".join(shown)
    assert not [line for line in shown if "keystoneauth1.exceptions" in line]


def test_history_keeps_no_secret_of_the_identity(tmp_path: Path) -> None:
    """Wherever it came from: here from no variable."""
    environ = {"STORLET_SHELL_HISTORY": str(tmp_path / "history")}
    cloud = discover({"ST_AUTH": "http://h/a", "ST_USER": "u", "ST_KEY": PASSWORD})
    history = ShellHistory(environ, secrets=lambda: cloud.secrets)
    assert not history.keeps(f"! curl -u me:{PASSWORD} http://h")
    assert history.keeps("ls")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="the system shows no command lines this way")
def test_password_on_a_command_line_is_blanked(responder: Responder, run_scripted: Runner) -> None:
    """Accepted, since scripts do it; said to be unwise; and gone from what other users see before the first request."""
    seen: list[bytes] = []

    def answer(_: object) -> object:
        seen.append(Path(f"/proc/{process.pid}/cmdline").read_bytes())
        return token(responder, 1)

    responder.on("POST", "/v3/auth/tokens", answer)
    responder.on("GET", "", ok(b"[]"))
    environ = {**run_scripted.environ, **keystone(responder, OS_PASSWORD="")}
    process = subprocess.Popen(
        [sys.executable, "-m", "storlet_shell", "--os-password", PASSWORD, "--os-token=", "ls"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert b"--os-password: other users can read command lines; set OS_PASSWORD" in err
    (line,) = seen
    assert b"--os-password\0" + b"*" * len(PASSWORD) in line
    assert PASSWORD.encode() not in line
    assert PASSWORD.encode() in responder.requests[0].body


@pytest.mark.slow
def test_nothing_is_written_to_the_home(run_scripted: Runner, responder: Responder) -> None:
    """No token cache, no log: a line leaves no file behind."""
    responder.on("POST", "/v3/auth/tokens", token(responder, 1))
    responder.on("HEAD", "", ok())
    home = Path(run_scripted.environ["HOME"])
    before = sorted(os.walk(home))
    assert run_scripted.process("whoami", environ=keystone(responder)).status == 0
    assert sorted(os.walk(home)) == before
