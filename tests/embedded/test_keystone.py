"""Keystone next to the embedded Swift: logins, rights, and its lifetime."""

from __future__ import annotations

import os
import secrets
import select
import shutil
import signal
import stat
import subprocess
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

from storlet_shell.embedded import control
from storlet_shell.embedded.control import KEYSTONE, TEMPAUTH, Settings
from storlet_shell.errors import EmbeddedError, ExitStatus, UsageError
from storlet_shell.identity.environment import VARIABLES
from tests.support.keystone import KeystoneSwift
from tests.support.lines import Runner, base_environment, one_line
from tests.support.storlets import STORLETS

from .conftest import ended


@pytest.mark.slow
def test_the_documented_environment_works(keystone_swift: KeystoneSwift, tmp_path: Path) -> None:
    """Word for word what the Storlets documentation sets; only the port is another one."""
    documented = {
        "OS_AUTH_VERSION": "3",
        "OS_AUTH_URL": keystone_swift.auth_url,
        "OS_USERNAME": "tester",
        "OS_PASSWORD": "testing",
        "OS_USER_DOMAIN_NAME": "default",
        "OS_PROJECT_DOMAIN_NAME": "default",
        "OS_PROJECT_NAME": "test",
    }
    run = Runner({**base_environment(tmp_path), **documented})
    code = tmp_path / "upper.py"
    code.write_text(STORLETS["upper.py"])
    assert run("whoami", "--json").json["account"] == keystone_swift.running.account
    assert run("mkdir", "documented").status == 0
    assert run("upload", "documented/o", stdin=b"text").status == 0
    assert run("deploy", str(code)).status == 0
    ran = run("get", "documented/o", "--storlet", "upper.py")
    assert (ran.out, ran.err) == (b"TEXT", "")
    assert run("put", str(code), "documented/p", "--storlet", "upper.py").status == 0
    assert run("get", "documented/p").text == STORLETS["upper.py"].upper()


@pytest.mark.slow
def test_others_are_kept_out(keystone_swift: KeystoneSwift, run_keystone: Runner) -> None:
    """An outsider has an account of its own, and none of tester's objects; a reader may do nothing at all."""
    assert run_keystone("mkdir", "closed").status == 0
    outsider = keystone_swift.environment("outsider")
    other = run_keystone("whoami", "--json", environ=outsider).json["account"]
    assert other != keystone_swift.running.account
    assert "closed" not in run_keystone("ls", environ=outsider).text
    there = {**outsider, "OS_PROJECT_NAME": "test"}
    assert "check the user outsider" in one_line(run_keystone("ls", "closed", environ=there))
    refused = run_keystone("ls", "closed", environ=keystone_swift.environment("tester_member"))
    assert refused.status == ExitStatus.IDENTITY
    assert "permission denied (HTTP 403)" in one_line(refused)


def test_member_reads_storlets_and_dependencies(keystone_swift: KeystoneSwift, run_keystone: Runner) -> None:
    """As devstack arranges it, so that a grant to run a storlet is enough; logs and others' containers stay closed."""
    member = keystone_swift.environment("tester_member")
    outsider = {**keystone_swift.environment("outsider"), "OS_STORAGE_URL": keystone_swift.running.storage_url}
    for container, status in (("storlet", 0), ("dependency", 0), ("storletlog", ExitStatus.IDENTITY)):
        assert run_keystone("ls", container, environ=member).status == status
    assert run_keystone("ls", "storlet", environ=outsider).status == ExitStatus.IDENTITY


def test_every_project_has_an_account(keystone_swift: KeystoneSwift) -> None:
    """HEAD answers 204, although nobody has stored anything yet."""
    token = keystone_swift.token("outsider")
    client = HTTPConnection("127.0.0.1", keystone_swift.running.port)
    project = keystone_swift.ask("GET", "/v3/projects?name=other")["projects"][0]["id"]
    client.request("HEAD", f"/v1/AUTH_{project}", headers={"X-Auth-Token": token})
    assert client.getresponse().status == 204
    client.close()


def test_an_outsiders_token_opens_no_other_account(keystone_swift: KeystoneSwift, tmp_path: Path) -> None:
    """A good token is not enough: the account is another project's."""
    token = keystone_swift.token("outsider")
    who = {"OS_STORAGE_URL": keystone_swift.running.storage_url, "OS_AUTH_TOKEN": token}
    refused = Runner({**base_environment(tmp_path), **who})("ls")
    assert refused.status == ExitStatus.IDENTITY
    assert "permission denied (HTTP 403)" in one_line(refused)


def test_the_administrator_governs(keystone_swift: KeystoneSwift, run_keystone: Runner) -> None:
    """Who has the admin role may do everything in tester's account, and may change Keystone's users."""
    admin = keystone_swift.environment("admin")
    name = f"made-{secrets.token_hex(4)}"
    assert run_keystone("mkdir", name, environ=admin).status == 0
    assert name in run_keystone("ls").text
    made = keystone_swift.ask("POST", "/v3/users", {"user": {"name": name, "domain_id": "default"}})
    assert made["user"]["name"] == name


@pytest.mark.slow
def test_a_token_is_looked_up_once(keystone_swift: KeystoneSwift, run_keystone: Runner) -> None:
    """Requests that follow each other do not ask Keystone whose the token is."""
    lines = b"".join(b"ls\n" for _ in range(10))
    run_keystone("ls")
    before = keystone_swift.log.read_text().count("/v3/auth/tokens")
    assert run_keystone("-f", "-", stdin=lines).status == 0
    # The script's own login, and the one look-up; the proxy forgets what it knows after ten seconds.
    asked = keystone_swift.log.read_text().count("/v3/auth/tokens") - before
    assert 2 <= asked <= 4


def test_a_revoked_token_is_refused(keystone_swift: KeystoneSwift, run_keystone: Runner, tmp_path: Path) -> None:
    """A token that was taken back before it was used opens nothing."""
    token = keystone_swift.token("tester")
    who = {"OS_STORAGE_URL": keystone_swift.running.storage_url, "OS_AUTH_TOKEN": token}
    run = Runner({**base_environment(tmp_path), **who})
    keystone_swift.revoke(token)
    assert "was refused" in one_line(run("ls"))


def test_a_request_that_waits_for_keystone_keeps_no_other_waiting(keystone_swift: KeystoneSwift) -> None:
    """While Keystone does not answer whose a token is, the proxy answers others."""
    keystone, port = _keystone(keystone_swift.running), keystone_swift.running.port
    waiting, other = (HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(2))
    os.kill(keystone, signal.SIGSTOP)
    try:
        waiting.request("GET", keystone_swift.running.storage_url, headers={"X-Auth-Token": secrets.token_hex(8)})
        for _ in range(10):
            other.request("GET", "/healthcheck")
            assert other.getresponse().read() == b"OK"
        assert not select.select([waiting.sock], [], [], 0)[0]
    finally:
        os.kill(keystone, signal.SIGCONT)
    assert waiting.getresponse().status == 401
    waiting.close()
    other.close()


@pytest.mark.slow
def test_a_killed_keystone_is_started_again(keystone_swift: KeystoneSwift, run_keystone: Runner) -> None:
    """Logins wait for the new process, on the same port."""
    killed = _keystone(keystone_swift.running)
    os.kill(killed, signal.SIGKILL)
    assert ended(killed)
    assert run_keystone("--timeout", "300", "ls").status == 0
    assert _keystone(keystone_swift.running) != killed


def test_a_terminal_is_logged_in(keystone_swift: KeystoneSwift, tmp_path: Path) -> None:
    """``local env`` sets what logs one of the users in, and nothing of another identity is left to win over it."""
    run = Runner({**base_environment(tmp_path), "STORLET_SHELL_DATA": str(keystone_swift.running.folder)})
    past = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
    assert run("local", "env", "--json").json == keystone_swift.environment() | past
    lines = run("local", "env", "--user", "outsider").text
    others = dict.fromkeys([*VARIABLES, "OS_TENANT_NAME", "OS_CERT", "OS_INSECURE", "STORLET_SHELL_LOCAL"], "another's")
    command = ["sh", "-c", 'eval "$1" && env', "sh", lines]
    shown = subprocess.run(command, env={**run.environ, **others}, capture_output=True, text=True, check=True).stdout
    held = dict(line.split("=", 1) for line in shown.splitlines() if line.partition("=")[0] in others)
    assert held == keystone_swift.environment("outsider")


def test_no_proxy_is_between(keystone_swift: KeystoneSwift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--local`` is this machine, whatever reaches the rest of the world."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    run = Runner({**base_environment(tmp_path), "STORLET_SHELL_DATA": str(keystone_swift.running.folder)})
    outcome = run("--local", "whoami", "--json")
    assert (outcome.err, outcome.json["account"]) == ("", keystone_swift.running.account)


@pytest.mark.slow
def test_a_data_folder_keeps_its_keystone(keystone_swift: KeystoneSwift, folder: Path) -> None:
    """A later start finds the same users and passwords, at whatever port; a killed server leaves no process."""
    _copy_keystone(keystone_swift.running.folder, folder)
    running, _ = control.start(folder, Settings())
    assert (running.auth, running.account) == (KEYSTONE, keystone_swift.running.account)
    changed = dict(control.environment(running, "admin").items() - keystone_swift.environment("admin").items())
    assert changed.keys() == {"OS_AUTH_URL", "OS_PASSWORD"}  # the random one is another at each start
    assert KeystoneSwift(running).token("admin")
    run = Runner({**base_environment(folder.parent), **control.environment(running)})
    assert run("whoami", "--json").json["storage_url"] == running.storage_url
    keystone = _keystone(running)
    listening = {(c.laddr.ip, c.laddr.port) for c in [*_listening(running.pid), *_listening(keystone)]}
    assert listening == {("127.0.0.1", running.port), ("127.0.0.1", running.identity_port)}
    _require_private(folder, control.environment(running, "admin")["OS_PASSWORD"])
    with pytest.raises(EmbeddedError, match="a server with keystone is already running; stop it first"):
        control.start(folder, Settings(auth=TEMPAUTH))
    os.kill(running.pid, signal.SIGKILL)
    assert ended(running.pid)
    assert ended(keystone)

    tempauth, _ = control.start(folder, Settings(auth=TEMPAUTH))
    assert tempauth.account != running.account  # the first one's data are still there, and not its
    assert control.status(folder).versions.keys() == {"swift", "storlets"}
    assert (folder / "keystone" / "keystone.db").exists()


def _copy_keystone(source: Path, folder: Path) -> None:
    """Make a data folder that Keystone has run on, without the seconds that its database takes."""
    (folder / "keystone").mkdir(parents=True)
    folder.chmod(0o700)
    shutil.copytree(source / "keystone", folder / "keystone", dirs_exist_ok=True)
    shutil.copy(source / "state.json", folder / "state-last.json")
    shutil.copy(source / "storlet-shell", folder)


def _keystone(running: control.Running) -> int:
    """Return the id of Keystone's process."""
    children = psutil.Process(running.pid).children()
    return next(child.pid for child in children if any("keystone_process" in word for word in child.cmdline()))


def _listening(pid: int) -> list[psutil._common.pconn]:
    return [c for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]


def _require_private(folder: Path, password: str) -> None:
    """Keystone's files are their owner's, and its passwords are seen nowhere else."""
    paths = [folder / "keystone", *(folder / "keystone").rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                assert password.encode() not in (process / name).read_bytes()
            except OSError:
                continue  # ended, or somebody else's


def test_a_missing_package_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what to install; nothing is made."""
    present = control.find_spec
    monkeypatch.setattr(control, "find_spec", lambda name: present(name) if name != "keystonemiddleware" else None)
    with pytest.raises(UsageError) as failure:
        control.start(folder, Settings(auth=KEYSTONE))
    assert str(failure.value) == "keystonemiddleware is not installed; run: pip install 'storlet-shell[keystone]'"
    assert not folder.exists()
