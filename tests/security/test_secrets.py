"""Secrets appear in nothing that a session writes, shows, or leaves behind, whatever goes wrong."""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest

from storlet_shell.adapters.shell.history import ShellHistory
from storlet_shell.embedded import control
from storlet_shell.wire.headers import without_keys
from tests.support.keystone import KeystoneSwift
from tests.support.lines import ROOT, Outcome, Runner

TOKEN = re.compile(rb"AUTH_tk\w{8,}|gAAAA[\w-]{20,}")
"""What tempauth's and Keystone's tokens look like."""

STORLET = """
import json, os

class Tell:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        self.logger.info(str(params))
        out_files[0].set_metadata({})
        told = {str(place): place.read_bytes().decode("latin-1") for place in places()}
        out_files[0].write(json.dumps([dict(os.environ), told]).encode())
        if "fail" in params:
            raise ValueError(str(os.environ))

def places():
    from pathlib import Path
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("environ", "cmdline"):
            try:
                (process / name).read_bytes()
            except OSError:
                continue
            yield process / name
"""

LINES = """
whoami
ls
mkdir ${C}
upload ${HOME}/environment.py ${C}/o
post path:/${C} -H X-Container-Meta-Temp-URL-Key:${SIGNS}
post path:/${C} -H X-Container-Meta-Temp-URL-Key:${SIGNS} --dry-run
stat ${C}
stat ${C} --json
stat path:/
deploy ${HOME}/environment.py
get ${C}/o --storlet environment.py
get ${C}/o --storlet environment.py -p fail=1
copy ${C}/o ${C}/p --storlet environment.py
map --storlet environment.py --input path:/${C}/** --save ${HOME}/saved --journal ${HOME}/journal
logs environment.py
get ${C}/missing
get missing/o
rm -y missing
no-such-command
ls --no-such-option
run_script ${HOME}/missing
info
local status
vars
! env | grep -c SIGNS
"""


class Play:
    """A session's environment, and what of it is secret.

    :param environ: what leads to the server
    :param secret: what of the identity must be shown nowhere, besides tokens
    """

    def __init__(self, run: Runner, home: Path, environ: dict[str, str], secret: set[str]) -> None:
        signs = f"signs-{secrets.token_hex(8)}"
        self.home = home
        self.own = secret
        self.secret = {*secret, signs}
        self.container = f"s-{secrets.token_hex(4)}"
        places = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / "config")}
        base = {name: value for name, value in run.environ.items() if not name.startswith(("OS_", "ST_"))}
        self.run = Runner({**base, **environ, **places, "SIGNS": signs, "C": self.container})
        (home / "environment.py").write_text(STORLET)
        (home / "lines").write_text(LINES)
        (home / "config/storlet-shell").mkdir(parents=True)
        (home / "config/storlet-shell/startup").write_text("alias l ls\nset debug true\n")

    def check(self, *shown: str | bytes) -> None:
        """Check that nothing secret is in something."""
        for one in shown:
            content = one.encode() if isinstance(one, str) else one
            assert not [secret for secret in self.secret if secret.encode() in content], content[-2000:]
            assert not TOKEN.search(content), TOKEN.search(content)

    def check_outcome(self, outcome: Outcome) -> str:
        """Check both streams, and return them."""
        self.check(outcome.out, outcome.err)
        return outcome.text + outcome.err

    def check_files(self, *more: Path) -> None:
        """Check every file that was left: in the home, and in further places."""
        files = [path for folder in (self.home, *more) for path in folder.rglob("*") if path.is_file()]
        assert {"lines", "journal", "history"} <= {path.name for path in files}
        for path in files:
            with suppress(OSError):  # a socket's or a pipe's
                self.check(path.read_bytes())


def everything(play: Play) -> None:
    """Run a session of each kind, and check what it shows."""
    for options in (["--debug", "-x", "-k"], ["--debug", "--json", "-k"]):
        shown = play.check_outcome(play.run.process(*options, "-f", str(play.home / "lines")))
        assert "Traceback" in shown
        assert "HEAD http" in shown
        assert "(hidden)" in shown
        assert "TMPDIR" in shown  # the storlet has told its environment


def interactive(play: Play) -> None:
    """Type lines on a terminal, secrets among them, and check what is shown of the others, and what is kept."""
    shell = pexpect.spawn(
        sys.executable,
        ["-m", "storlet_shell", "--debug"],
        env={**play.run.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "PYTHONPATH": str(ROOT)},
        timeout=120,
        dimensions=(50, 250),
    )
    shown = b""
    for line in ("whoami", "get missing/o", "set debug true", "stat path:/", "history"):
        shell.expect(rb"\x1b\[\?2004h")
        shown += shell.before
        shell.send(line + "\r")
    shell.expect(rb"\x1b\[\?2004h")
    shown += shell.before
    for secret in play.own:
        shell.send(f"get {secret}/o\r")
        shell.expect(rb"\x1b\[\?2004h")
    shell.send("post path:/ --dry-run -H X-Account-Meta-Temp-URL-Key:typed-in-full\r")
    shell.expect(rb"\x1b\[\?2004h")
    check_processes(play)
    shell.send("\x04")
    shell.expect(pexpect.EOF)
    shell.close()
    play.check(shown)
    assert b"Traceback" in shown
    history = play.home / "state/storlet-shell/history"
    assert b"+whoami" in history.read_bytes()
    assert b"typed-in-full" not in history.read_bytes()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.parent.stat().st_mode) == 0o700


def check_processes(play: Play) -> None:
    """Check every process's arguments: other users see them."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            play.check((process / "cmdline").read_bytes())


@pytest.fixture
def umask() -> Iterator[None]:
    """Let new files be readable by everybody where nobody takes care."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.slow
def test_session_at_tempauth_writes_no_secret(run: Runner, swift: control.Running, tmp_path: Path, umask: None) -> None:
    """Results, errors, tracebacks, requests, logs, history, journal, processes, and what storlets see."""
    identity = {"ST_AUTH": swift.auth_url, "ST_USER": swift.user, "ST_KEY": swift.key}
    play = Play(run, tmp_path, identity, {swift.key})
    everything(play)
    interactive(play)
    wrong = f"wrong-{secrets.token_hex(8)}"
    play.secret.add(wrong)
    refused = play.run.process("--debug", "ls", environ={"ST_KEY": wrong})
    assert refused.status == 3
    nobody = dict.fromkeys(identity, "")
    expired = {**nobody, "OS_STORAGE_URL": swift.storage_url, "OS_AUTH_TOKEN": f"AUTH_tk{wrong}"}
    late = play.run.process("--debug", "ls", environ=expired)
    assert late.status == 3
    for outcome in (refused, late):
        assert "Traceback" in play.check_outcome(outcome)
    play.check((swift.folder / "log").read_bytes())
    play.check_files(swift.folder / "storlets")
    journals = list(tmp_path.glob("journal*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in journals} == {0o600}


@pytest.mark.slow
def test_session_at_keystone_writes_no_secret(
    keystone_swift: KeystoneSwift, run_keystone: Runner, tmp_path: Path
) -> None:
    """With a password that nobody knows, and with an application credential of a cloud."""
    password = f"pass-{secrets.token_hex(8)}"
    user = keystone_swift.ask("POST", "/v3/users", {"user": {"name": secrets.token_hex(4), "password": password}})
    name, number = user["user"]["name"], user["user"]["id"]
    project = keystone_swift.ask("GET", "/v3/projects?name=test")["projects"][0]["id"]
    for role in keystone_swift.ask("GET", "/v3/roles")["roles"]:
        if role["name"] in ("member", "swiftoperator"):
            keystone_swift.ask("PUT", f"/v3/projects/{project}/users/{number}/roles/{role['id']}")
    identity = keystone_swift.environment() | {"OS_USERNAME": name, "OS_PASSWORD": password}
    play = Play(run_keystone, tmp_path, identity, {password})
    everything(play)
    interactive(play)
    wrong = f"wrong-{secrets.token_hex(8)}"
    play.secret.add(wrong)
    application = {
        "OS_AUTH_URL": identity["OS_AUTH_URL"],
        "OS_AUTH_TYPE": "v3applicationcredential",
        "OS_APPLICATION_CREDENTIAL_ID": "none-of-that-id",
        "OS_APPLICATION_CREDENTIAL_SECRET": wrong,
    }
    nobody = dict.fromkeys(identity, "")
    for environ in ({"OS_PASSWORD": wrong}, {**nobody, **application}, {"OS_AUTH_TYPE": "v3token", "OS_TOKEN": wrong}):
        refused = play.run.process("--debug", "ls", environ=environ)
        assert refused.status == 3, refused.err
        assert "Traceback" in play.check_outcome(refused)
    play.check(keystone_swift.log.read_bytes(), (keystone_swift.running.folder / "log").read_bytes())
    play.check_files(keystone_swift.running.folder / "storlets")


@pytest.mark.parametrize(
    "line",
    [
        "post path:/ -H X-Account-Meta-Temp-URL-Key:abc",
        "post c -m temp-url-key=abc",
        "post c -H 'X-Container-Sync-Key: abc'",
        "! curl -H 'X-Auth-Token: abc' http://h",
        "! storlet-shell --os-password abc ls",
        "! storlet-shell --os-application-credential-secret=abc ls",
    ],
)
def test_line_that_names_a_secret_is_not_kept(tmp_path: Path, line: str) -> None:
    """Nobody knows its value beforehand."""
    history = ShellHistory({"STORLET_SHELL_HISTORY": str(tmp_path / "history")})
    assert not history.keeps(line)
    assert history.keeps("post c -m password-policy=abc")


@pytest.mark.parametrize(
    "name",
    ["X-Account-Meta-Temp-URL-Key", "x-container-meta-temp-url-key-2", "X-Container-Sync-Key", "temp-url-key"],
)
def test_key_is_hidden_wherever_headers_are_shown(name: str) -> None:
    """Whatever the case of its name; others are shown."""
    assert without_keys({name: "abc", "X-Object-Meta-Key": "abc"}) == {name: "(hidden)", "X-Object-Meta-Key": "abc"}


def test_post_shows_no_key(run: Runner, container: str) -> None:
    """Neither in its result nor in a plan, as text or as JSON."""
    line = ["post", f"path:/{container}", "-H", "X-Container-Meta-Temp-URL-Key:k3y-of-mine"]
    for words in (line, [*line, "--json"], [*line, "--dry-run"], [*line, "--dry-run", "--json"]):
        outcome = run(*words)
        assert outcome.status == 0
        assert "k3y-of-mine" not in outcome.text + outcome.err
