"""Storlet ACLs where they take effect: behind a real Keystone."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.support.keystone import KeystoneSwift
from tests.support.lines import Runner, base_environment, one_line
from tests.support.storlets import STORLETS

pytestmark = pytest.mark.slow

NAME = "Upper_case.py"
"""A storlet whose name has a capital and an underscore, as the entry of its ACL must survive both."""


@pytest.fixture
def outsider(keystone_swift: KeystoneSwift, tmp_path: Path) -> Runner:
    """Run lines as a user of another project, on tester's account."""
    token = keystone_swift.token("outsider")
    who = {"OS_STORAGE_URL": keystone_swift.running.storage_url, "OS_AUTH_TOKEN": token}
    return Runner({**base_environment(tmp_path), **who})


@pytest.fixture
def shared(keystone_swift: KeystoneSwift, run_keystone: Runner, tmp_path: Path) -> str:
    """Make a container of tester's with an object, and let the outsider read the container of storlets."""
    container = f"c-{secrets.token_hex(4)}"
    assert run_keystone("mkdir", container).status == 0
    assert run_keystone("upload", f"{container}/o", stdin=b"text").status == 0
    (tmp_path / NAME).write_text(STORLETS["upper.py"])
    assert run_keystone("deploy", str(tmp_path / NAME)).status == 0
    user = keystone_swift.ask("GET", "/v3/users?name=outsider")["users"][0]["id"]
    project = keystone_swift.ask("GET", "/v3/projects?name=other")["projects"][0]["id"]
    granted = run_keystone("acl", "grant", "storlet", f"{project}:{user}", "--read")
    assert (granted.status, granted.err) == (0, "")
    return container


def test_granted_storlet_runs_over_what_the_user_may_not_read(
    run_keystone: Runner, outsider: Runner, shared: str
) -> None:
    """From the grant to its end, and for no other storlet, object or way."""
    words = ["get", f"{shared}/o", "--storlet", NAME]
    assert outsider(*words).status == 3
    granted = run_keystone("acl", "grant", shared, "Outsider", "--storlet", NAME)
    assert (granted.status, granted.err) == (0, "")
    for where in ([], ["--on-proxy"]):
        ran = outsider(*words, *where)
        assert (ran.status, ran.out) == (0, b"TEXT"), ran.err
    assert outsider("get", f"{shared}/o").status == 3
    assert outsider("ls", shared).status == 3
    assert outsider("copy", f"{shared}/o", f"{shared}/p", "--storlet", NAME).status == 3
    assert run_keystone("acl", "revoke", shared, "outsider", "--storlet", NAME).status == 0
    assert outsider(*words).status == 3


def test_granted_user_must_be_able_to_read_the_storlet(run_keystone: Runner, outsider: Runner, shared: str) -> None:
    """The middleware looks the storlet up with the user's own rights; granting says so if nobody has them."""
    entries = [row["grantee"] for row in run_keystone("acl", "list", "storlet", "--json").json["rows"]]
    for entry in entries:
        assert run_keystone("acl", "revoke", "storlet", entry, "--read").status == 0
    try:
        granted = run_keystone("acl", "grant", shared, "outsider", "--storlet", NAME)
        assert "must also be able to read container storlet" in one_line(granted)
        refused = outsider("get", f"{shared}/o", "--storlet", NAME)
        assert (refused.status, one_line(refused).split(" (")[0]) == (
            3,
            f"permission denied: this user may not run storlet {NAME}",
        )
    finally:
        for entry in entries:
            run_keystone("acl", "grant", "storlet", entry, "--read")


def test_entry_that_names_no_ids_is_warned_of(run_keystone: Runner, shared: str) -> None:
    """Keystone's users are known to Swift's ACLs by their ids."""
    granted = run_keystone("acl", "grant", shared, "other:outsider", "--read")
    assert (granted.status, "by ID" in one_line(granted)) == (0, True)
