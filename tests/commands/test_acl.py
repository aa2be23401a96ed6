"""``acl`` on the real Swift with the real middleware, and the answers of other clusters."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from storlet_shell.deployments.access import Grant
from tests.support.lines import Runner, one_line
from tests.support.responder import Responder, html, ok

COMPARE = """
import json, sys
from swift.common.middleware.acl import clean_acl, parse_acl, referrer_allowed
for entry, user, storlet in json.loads(sys.argv[1]):
    referrers, _ = parse_acl(clean_acl("X-Container-Read", entry))
    print(referrer_allowed(f"//storlets.{user}_{storlet}", referrers))
"""
"""What the middleware does at a run (``handlers/proxy.py: GET``) with what Swift does of it."""


def listed(run: Runner, container: str) -> list[tuple[str, str, str | None]]:
    """Return what ``acl list`` shows of a container."""
    return [
        (row["right"], row["grantee"], row["storlet"]) for row in run("acl", "list", container, "--json").json["rows"]
    ]


def test_grant_is_added_by_the_middleware_and_listed(storlets: Runner, container: str) -> None:
    """The entry is the middleware's own; the user hears what else it takes."""
    outcome = storlets("acl", "grant", container, "alice", "--storlet", "upper.py")
    assert (outcome.status, outcome.text) == (0, f"alice may run upper.py over container {container}\n")
    assert "must also be able to read container storlet" in outcome.err
    assert "tempauth" in outcome.err
    assert listed(storlets, container) == [("run", "alice", "upper.py")]


def test_grant_that_is_there_is_not_added_again(storlets: Runner, container: str) -> None:
    """The middleware would add a second entry."""
    for said in ("upper.py over container", "already"):
        assert said in storlets("acl", "grant", container, "alice", "--storlet", "upper.py").text
    assert listed(storlets, container) == [("run", "alice", "upper.py")]


def test_revoke_leaves_the_other_entries_as_they_are(storlets: Runner, container: str) -> None:
    """Of users, storlets, referrers and projects only the one that is named goes."""
    kept = [("run", "alice", "twice.py"), ("run", "bob", "upper.py"), ("read", ".r:.example.com", None)]
    storlets("acl", "grant", container, "other:user", "--write")
    for _, user, storlet in kept[:2]:
        storlets("acl", "grant", container, user, "--storlet", str(storlet))
    storlets("acl", "grant", container, "alice", "--storlet", "upper.py")
    storlets("acl", "grant", container, ".r:.example.com", "--read")
    outcome = storlets("acl", "revoke", container, "Alice", "--storlet", "upper.py")
    assert outcome.text == f"alice can no longer run upper.py over container {container}\n"
    assert listed(storlets, container) == [*kept, ("write", "other:user", None)]


def test_last_entry_is_revoked(storlets: Runner, container: str) -> None:
    """An ACL without entries is no ACL."""
    for right in ("--read", "--write"):
        assert storlets("acl", "grant", container, "p:u", right).status == 0
        assert storlets("acl", "revoke", container, "p:u", right).status == 0
    assert listed(storlets, container) == []
    assert "no ACL" in storlets("acl", "list", container).text


def test_what_is_not_there_can_not_be_revoked(storlets: Runner, container: str) -> None:
    """Neither a grant nor an entry; nor of a container that is not there."""
    for words in (["alice", "--storlet", "upper.py"], ["p:u", "--read"], [".r:*", "--write"]):
        outcome = storlets("acl", "revoke", container, *words)
        assert (outcome.status, "see: acl list" in one_line(outcome)) == (4, True)
    assert storlets("acl", "revoke", f"{container}-none", "p:u", "--read").status == 4
    assert storlets("acl", "list", f"{container}-none").status == 4


def test_revoked_entry_is_told_in_the_words_of_the_list(storlets: Runner, container: str) -> None:
    """Also when it was named as Swift keeps it; names with underscores as the list reads them."""
    for user in ("alice", "big_al"):
        storlets("acl", "grant", container, user, "--storlet", "upper.py")
        outcome = storlets("acl", "revoke", container, f".r:storlets.{user}_upper.py", "--read")
        assert outcome.text == f"{user} can no longer run upper.py over container {container}\n"
    missing = one_line(storlets("acl", "revoke", container, "alice", "--storlet", "upper.py"))
    assert missing == f"container {container}: alice isn't allowed to run upper.py; see: acl list {container}"


def test_names_with_underscores_are_told_apart_by_what_is_deployed(storlets: Runner, container: str) -> None:
    """User and storlet are joined by the character that both may hold."""
    storlets("acl", "grant", container, "big_al", "--storlet", "upper.py")
    storlets("acl", "grant", container, "al", "--storlet", "no_such.py")
    assert listed(storlets, container) == [("run", "big_al", "upper.py"), ("run", "al", "no_such.py")]


def test_storlet_that_is_not_deployed_is_warned_of(storlets: Runner, container: str) -> None:
    """It may be deployed later, so it is no error."""
    outcome = storlets("acl", "grant", container, "alice", "--storlet", "none.py")
    assert (outcome.status, "storlet none.py is not deployed" in outcome.err) == (0, True)


@pytest.mark.slow
def test_grant_is_what_swift_compares() -> None:
    """Swift compares in lower case with an entry as it was written: so one with capitals never lets anybody in."""
    runs = [("alice", "upper.py"), ("Alice B", "Upper.py"), ("a_b-c.d", "x-1.0.jar")]
    entries = [(Grant.of(*run).entry, *run) for run in runs]
    entries.append((".r:storlets.Alice B_Upper.py", "Alice B", "Upper.py"))
    compared = subprocess.run(
        [sys.executable, "-c", COMPARE, json.dumps(entries)], capture_output=True, check=True, text=True
    )
    assert compared.stdout.split() == ["True", "True", "True", "False"]


@pytest.mark.parametrize("user", ["p:u", "a@b.org", "ü", "a,b", "a/b", "a%b", "", " a", "a\tb", "[a"])
def test_user_that_servers_can_not_match_is_refused(run_scripted: Runner, responder: Responder, user: str) -> None:
    """Of a name that is no host's, another part is compared, or none."""
    outcome = run_scripted("acl", "grant", "c", user, "--storlet", "upper.py")
    assert (outcome.status, "storlet ACL" in one_line(outcome), responder.requests) == (2, True, [])


@pytest.mark.parametrize(
    "words",
    [
        ["grant", "c"],
        ["grant", "c", "u"],
        ["grant", "c", "u", "--storlet", "a.py", "--read"],
        ["revoke", "c", "--read"],
        ["list", "c", "u"],
        ["list", "c", "--read"],
        ["grant", "storlet", "u", "--storlet", "a.py"],
        ["grant", "c", "a,b", "--read"],
        ["grant", "c", "", "--write"],
        ["take", "c", "u"],
    ],
    ids=" ".join,
)
def test_wrong_line_sends_nothing(run_scripted: Runner, responder: Responder, words: list[str]) -> None:
    """Each ends with 2 and one line."""
    outcome = run_scripted("acl", *words)
    assert (outcome.status, bool(one_line(outcome)), responder.requests) == (2, True, [])


def test_cluster_that_ignores_the_grant_is_found_out(run_scripted: Runner, responder: Responder) -> None:
    """Swift without the middleware answers 204 as well."""
    responder.on("HEAD", "*", ok(status=204, X_Container_Read="p:u"))
    responder.on("POST", "/c", ok(status=204))
    outcome = run_scripted("acl", "grant", "c", "alice", "--storlet", "upper.py")
    assert (outcome.status, "granted nothing" in one_line(outcome)) == (5, True)
    (post,) = responder.sent("POST")
    assert (post.header("X-Storlet-Container-Read"), post.header("X-Storlet-Name")) == ("alice", "upper.py")
    assert post.header("X-Container-Read") is None


@pytest.mark.parametrize(
    ("entry", "warned"),
    [
        ("demo:alice", True),
        (f"{'0' * 32}:alice", True),
        (f"{'0' * 32}:{'a' * 32}", False),
        ("*:*", False),
        (".r:*", False),
    ],
)
def test_keystone_entry_that_is_no_id_is_warned_of(
    run_scripted: Runner, responder: Responder, entry: str, warned: int
) -> None:
    """There, names are not what ACLs hold."""
    assert "tempauth" not in responder.info
    responder.on("HEAD", "/c", ok(status=204))
    responder.on("POST", "/c", ok(status=204))
    outcome = run_scripted("acl", "grant", "c", entry, "--read")
    assert (outcome.status, "by ID" in outcome.err) == (0, warned)


def test_forbidden_container_is_one_line(run_scripted: Runner, responder: Responder) -> None:
    """Only who owns the account sees and changes ACLs."""
    responder.on("HEAD", "/c", html(403))
    for words in (["list", "c"], ["revoke", "c", "p:u", "--read"], ["grant", "c", "u", "--storlet", "upper.py"]):
        outcome = run_scripted("acl", *words)
        assert (outcome.status, bool(one_line(outcome))) == (3, True)
