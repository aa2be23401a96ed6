"""Dependencies and storlets on the real Swift: listed, shown, and deleted."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.lines import Runner, one_line
from tests.support.responder import Responder, html, ok
from tests.support.storlets import STORLETS


@pytest.fixture
def two(storlets: Runner, tmp_path: Path) -> str:
    """Deploy two storlets that share a dependency, of which the first has another one; return how their names begin."""
    name = f"n{secrets.token_hex(4)}"
    for storlet in "ab":
        (tmp_path / f"{name}{storlet}.py").write_text(STORLETS["upper.py"])
    (tmp_path / f"{name}_shared.py").write_text("x = 1")
    (tmp_path / f"{name}_own").write_text("#!/bin/sh")
    (tmp_path / f"{name}_own").chmod(0o755)
    shared, own = (str(tmp_path / f"{name}_{kind}") for kind in ("shared.py", "own"))
    assert storlets("deploy", str(tmp_path / f"{name}a.py"), "-d", shared, "-d", own).status == 0
    assert storlets("deploy", str(tmp_path / f"{name}b.py"), "-d", f"{name}_shared.py").status == 0
    return name


def names(storlets: Runner, start: str) -> set[str]:
    """Return what is left, without the common start of the names."""
    rows = storlets("dependencies", "--json").json["rows"] + storlets("storlets", "--json").json["rows"]
    return {row["name"].removeprefix(start) for row in rows if row["name"].startswith(start)}


@pytest.mark.slow
def test_dependencies_are_listed_with_who_needs_them(storlets: Runner, two: str) -> None:
    """Size, permissions, version and date as well; show gives the same of one."""
    rows = {row["name"]: row for row in storlets("dependencies", "--json").json["rows"]}
    own, shared = rows[f"{two}_own"], rows[f"{two}_shared.py"]
    assert own.items() >= {"bytes": 9, "permissions": "0755", "needed_by": [f"{two}a.py"]}.items()
    assert shared.items() >= {"bytes": 5, "permissions": "0644", "needed_by": [f"{two}a.py", f"{two}b.py"]}.items()
    shown = storlets("dependencies", "show", f"{two}_shared.py", "--json").json
    assert shown["needed_by"] == [f"{two}a.py", f"{two}b.py"]
    assert (shown["bytes"], shown["permissions"], shown["version"]) == (5, "0644", shared["version"])
    assert f"needed by: {two}a.py, {two}b.py" in storlets("dependencies", "show", f"{two}_shared.py").text


@pytest.mark.slow
def test_needed_dependency_is_not_deleted_unless_forced(storlets: Runner, two: str) -> None:
    """Who needs it is said; afterwards, the storlet's own facts say that it is missing."""
    outcome = storlets("dependencies", "rm", "-y", f"{two}_own", f"{two}_shared.py")
    assert (outcome.status, one_line(outcome).startswith(f"{two}a.py needs dependency {two}_own")) == (1, True)
    assert names(storlets, two) >= {"_own", "_shared.py"}
    forced = storlets("dependencies", "rm", "-y", "--force", f"{two}_own", f"{two}_shared.py", f"{two}_own")
    assert (forced.status, forced.text) == (0, f"deleted {two}_own, {two}_shared.py from dependency\n")
    shown = storlets("storlets", "show", f"{two}a.py", "--json").json
    assert shown["dependencies"] == shown["missing_dependencies"] == [f"{two}_shared.py", f"{two}_own"]


@pytest.mark.slow
def test_dependency_that_is_not_there_keeps_the_others(storlets: Runner, two: str) -> None:
    """Nothing is deleted when a name is wrong."""
    storlets("undeploy", "-y", f"{two}a.py")
    outcome = storlets("dependencies", "rm", "-y", f"{two}_own", "nowhere.py")
    assert (outcome.status, "nowhere.py" in one_line(outcome)) == (4, True)
    assert "_own" in names(storlets, two)
    assert storlets("dependencies", "show", "nowhere.py").status == 4


@pytest.mark.parametrize(
    "words", [["list", "a.py"], ["show"], ["show", "a", "b"], ["rm"], ["rm", "a/b"], ["nonsense"]], ids=" ".join
)
def test_words_that_make_no_sense_are_2(run_scripted: Runner, responder: Responder, words: list[str]) -> None:
    """Before anything is sent."""
    assert run_scripted("dependencies", *words).status == 2
    assert responder.requests == []


@pytest.mark.slow
def test_storlet_takes_along_what_no_other_needs(storlets: Runner, two: str) -> None:
    """What stays is said, with who needs it; a dry run says the same first."""
    line = ["undeploy", f"{two}a.py", "--with-dependencies"]
    planned = storlets(*line, "--dry-run", "--json")
    assert [each["url"].rsplit("/", 2)[1:] for each in planned.json["requests"]] == [
        ["storlet", f"{two}a.py"],
        ["dependency", f"{two}_own"],
    ]
    outcome = storlets(*line, "-y")
    assert (outcome.status, outcome.text) == (0, f"undeployed {two}a.py with {two}_own\n")
    for each in (planned, outcome):
        assert one_line(each) == f"dependency {two}_shared.py stays: {two}b.py needs it"
    assert names(storlets, two) == {"b.py", "_shared.py"}
    last = storlets("undeploy", "-y", f"{two}b.py", "--with-dependencies", "--json")
    undeployed = {"storlet": f"{two}b.py", "container": "storlet"}
    assert last.json == {**undeployed, "dependencies": [f"{two}_shared.py"], "kept": {}}
    assert names(storlets, two) == set()


@pytest.mark.slow
def test_undeployment_alone_keeps_the_dependencies(storlets: Runner, two: str) -> None:
    """As it always did."""
    assert storlets("undeploy", "-y", f"{two}a.py").text == f"undeployed {two}a.py\n"
    assert names(storlets, two) == {"b.py", "_shared.py", "_own"}
    assert storlets("undeploy", "-y", f"{two}a.py", "--with-dependencies").status == 4


def test_dependency_that_can_not_be_deleted_is_left_and_named(run_scripted: Runner, responder: Responder) -> None:
    """The storlet is gone by then; what is left is told."""
    responder.on("HEAD", "/storlet/a.py", ok(X_Object_Meta_Storlet_Dependency="b.py,c.py"))
    responder.on("GET", "/storlet", ok(b'[{"name": "a.py", "last_modified": "2026"}]'), ok(b"[]"))
    responder.on("DELETE", "/storlet/a.py", ok(status=204))
    responder.on("HEAD", "/dependency/b.py", ok())
    responder.on("HEAD", "/dependency/c.py", ok())
    responder.on("DELETE", "/dependency/b.py", ok(status=204))
    responder.on("DELETE", "/dependency/c.py", html(403))
    outcome = run_scripted("undeploy", "-y", "a.py", "--with-dependencies")
    assert outcome.status == 3
    assert "undeployed a.py; these dependencies remain: c.py" in outcome.err


def test_storlet_is_shown_with_all_that_is_known_of_it(
    storlets: Runner, real_client: Client, container: str, two: str
) -> None:
    """Description, size, dependencies, other metadata, who may run it, and its last run."""
    storlets("upload", f"{container}/o", stdin=b"x")
    storlets("get", f"{container}/o", "--storlet", f"{two}a.py")
    readers = {"X-Container-Read": ".r:*,other:user"}
    real_client.send(Request("POST", "storlet", headers=readers)).read()
    try:
        shown = storlets("storlets", "show", f"{two}a.py", "--json").json
        text = storlets("storlets", "show", f"{two}b.py").text
    finally:
        real_client.send(Request("POST", "storlet", headers={"X-Container-Read": ""})).read()
    assert shown["main"] == f"{two}a.Main"
    assert shown["bytes"] == len(STORLETS["upper.py"])
    assert shown["missing_dependencies"] == []
    assert shown["readers"] == [".r:*", "other:user"]
    assert "may be run by: the account's own users, .r:*, other:user\n" in text
    assert (shown["last_run"]["request"], shown["last_run"]["succeeded"]) == (f"GET /v1/AUTH_local/{container}/o", True)
    assert "last run: not known" in text
    assert "metadata: -" in text


@pytest.mark.slow
def test_storlets_grants_are_looked_for(storlets: Runner, real_client: Client, container: str, two: str) -> None:
    """Each user who may read a container by this storlet, and no other."""
    acl = f".r:storlets.al_ice_{two}a.py,.r:storlets.bob_{two}b.py,other:user,.r:{two}a.py"
    real_client.send(Request("POST", container, headers={"X-Container-Read": acl})).read()
    shown = storlets("storlets", "show", f"{two}a.py", "--grants", "--json").json
    assert shown["granted"] == [{"user": "al_ice", "container": container}]
    assert storlets("storlets", "show", f"{two}a.py", "--json").json["granted"] is None


@pytest.mark.slow
def test_grants_of_a_storlet_with_capital_letters_are_found(storlets: Runner, container: str, tmp_path: Path) -> None:
    """Servers compare them in lower case, and so they are written."""
    (tmp_path / "Capital.py").write_text(STORLETS["upper.py"])
    assert storlets("deploy", str(tmp_path / "Capital.py")).status == 0
    assert storlets("acl", "grant", container, "Bob", "--storlet", "Capital.py").status == 0
    shown = storlets("storlets", "show", "Capital.py", "--grants", "--json").json
    assert shown["granted"] == [{"user": "bob", "container": container}]


def test_storlet_that_is_not_deployed_is_not_shown(storlets: Runner) -> None:
    """Status 4; and what makes no sense is 2."""
    assert storlets("storlets", "show", "nowhere.py").status == 4
    assert storlets("storlets", "show").status == 2
    assert storlets("storlets", "list", "upper.py").status == 2
