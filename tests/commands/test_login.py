"""``login``: asks, tries, and adds a cloud; tests/identity/test_new_cloud.py has what is written."""

from __future__ import annotations

import io
import stat
import sys
from pathlib import Path

import pexpect
import pytest

from storlet_shell.identity import clouds
from tests.support.keystone import KeystoneSwift
from tests.support.lines import Runner, one_line


def test_identity_of_the_variables_is_added_where_nobody_is_asked(run: Runner, tmp_path: Path) -> None:
    """And can be used by its name then; in a script, OS_CLOUD does that."""
    environ = {**run.environ, "HOME": str(tmp_path)}
    renamed = {"OS_AUTH_URL": environ.pop("ST_AUTH"), "OS_USERNAME": environ.pop("ST_USER")}
    password = environ.pop("ST_KEY")
    lines = Runner({**environ, **renamed, "OS_PASSWORD": password})
    shown = lines("login", "work", "--dry-run")
    assert (shown.status, "  work:\n" in shown.text, password in shown.text) == (0, True, False)
    added = lines("login", "work", "--json")
    assert (added.status, added.err, added.json["used"]) == (0, "", False)
    assert password not in added.text
    used = Runner(environ)("--os-cloud", "work", "whoami", "--json")
    assert (used.status, used.json["storage_url"]) == (0, added.json["storage_url"])
    again = lines("login", "work")
    assert (again.status, "already" in one_line(again)) == (2, True)


@pytest.mark.parametrize(
    ("changes", "words", "status", "reason"),
    [
        ({"ST_KEY": "wrong"}, ["work"], 3, "login refused"),
        ({"ST_AUTH": ""}, ["work"], 3, "set OS_AUTH_URL or ST_AUTH"),
        ({"ST_USER": ""}, ["work"], 3, "set ST_USER or OS_USERNAME"),
        ({"ST_KEY": ""}, ["work"], 3, "set OS_PASSWORD or ST_KEY"),
        ({"ST_AUTH": "swift.example"}, ["work"], 3, "isn't an http or https URL"),
        ({"ST_AUTH": "http://127.0.0.1:9/auth/v1.0"}, ["work"], 5, "127.0.0.1:9"),
        ({}, ["a b"], 2, "name of a cloud"),
    ],
)
def test_bad_input_writes_nothing(
    run: Runner, tmp_path: Path, changes: dict[str, str], words: list[str], status: int, reason: str
) -> None:
    """One line, and the right status."""
    outcome = run("login", *words, environ={"HOME": str(tmp_path), **changes})
    assert (outcome.status, outcome.out) == (status, b"")
    assert reason in one_line(outcome)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_terminal_is_asked_and_the_shell_goes_on_with_the_cloud(run: Runner, tmp_path: Path) -> None:
    """A refused password is asked for again; none is ever shown."""
    identity = {name: run.environ[name] for name in ("ST_AUTH", "ST_USER", "ST_KEY")}
    environ = {name: text for name, text in run.environ.items() if name not in identity}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "storlet_shell"],
        env={**environ, "HOME": str(tmp_path), "TERM": "dumb"},
        timeout=60,
        encoding="utf-8",
    )
    child.logfile_read = shown = io.StringIO()
    child.expect_exact("storlet-shell> ")
    child.sendline("login")
    for question, answer in [
        ("Identity service (URL): ", identity["ST_AUTH"]),
        ("Name of the new cloud [127.0.0.1]: ", "work"),
        ("User (ACCOUNT:USER): ", identity["ST_USER"]),
        (f"Password of {identity['ST_USER']}: ", "wrong"),
        (f"Password of {identity['ST_USER']}: ", identity["ST_KEY"]),
    ]:
        child.expect_exact(question)
        child.sendline(answer)
    child.expect_exact("the following lines use it")
    child.sendline("whoami")
    child.expect_exact("source: cloud work of ")
    child.expect_exact("AUTH_local> ")
    child.sendline("exit")
    child.expect(pexpect.EOF)
    child.close()
    assert "login refused" in shown.getvalue()
    assert identity["ST_KEY"] not in shown.getvalue()


@pytest.mark.slow
def test_cloud_of_keystone_is_added(keystone_swift: KeystoneSwift, run_keystone: Runner, tmp_path: Path) -> None:
    """With its domains; openstacksdk reads it."""
    environ = {**run_keystone.environ, "HOME": str(tmp_path)}
    added = Runner(environ)("login", "work", "--json")
    assert (added.status, added.err) == (0, "")
    read = clouds.read("work", {"HOME": str(tmp_path)}, {})
    assert (read.auth_url, read.user) == (environ["OS_AUTH_URL"], environ["OS_USERNAME"])
    assert dict(read.scope)["project_name"] == environ["OS_PROJECT_NAME"]
    assert stat.S_IMODE(Path(added.json["secure_file"]).stat().st_mode) == 0o600
