"""``stat``, ``post``, ``info``, and ``mkdir``: metadata shown and changed."""

from __future__ import annotations

from typing import Any

import pytest

from storlet_shell.session import Session, Surroundings
from storlet_shell.spec.registry import Registry, parse
from tests.support.lines import Runner, one_line
from tests.support.responder import INFO, Responder, html, ok


def metadata(run: Runner, place: str) -> dict[str, str]:
    """Return the metadata of a place."""
    found: dict[str, str] = run("stat", place, "--json").json["metadata"]
    return found


@pytest.fixture
def described(run: Runner, container: str) -> str:
    """Make an object with metadata."""
    run("upload", f"{container}/o", "--content-type", "text/x-own", stdin=b"12345")
    words = ["-m", "Colour=grün", "-m", "b=2", "-H", "Content-Disposition:attachment", "-H", "X-Delete-After:3600"]
    assert run("post", f"{container}/o", *words).status == 0
    return f"{container}/o"


def test_stat_tells_what_matters(run: Runner, described: str) -> None:
    """Of an object, line by line."""
    lines = dict(line.split(": ", 1) for line in run("stat", described).text.splitlines())
    expected = {
        "object": f"path:/{described}",
        "bytes": "5",
        "type": "text/x-own",
        "MD5": "827ccb0eea8a706c4c34a16891f84e7b",
        "disposition": "attachment",
        "metadata Colour": "grün",
        "metadata B": "2",
    }
    assert {**lines, **expected} == lines
    assert lines["expires"].endswith("Z")


def test_stat_of_container_and_account(run: Runner, container: str, described: str) -> None:
    """Counts, policy, and whether storlets may be used."""
    assert run("post", container, "-H", "X-Container-Read:.r:*", "-m", "Temp-URL-Key=s3cret").status == 0
    text = run("stat", container).text
    for line in ("objects: 1", "bytes: 5", "storage policy: standard", "read ACL: .r:*", "metadata Temp-Url-Key: (hid"):
        assert line in text
    assert b"s3cret" not in run("stat", container, "--json").out
    assert "enabled for storlets: yes\n" in run("stat").text
    assert run("stat", "path:/", "--json").json["account"] == "AUTH_local"


def test_stat_knows_large_objects_and_storlets(storlets: Runner, container: str, tmp_path: Any) -> None:
    """Neither a large object's ETag for an MD5, nor a storlet without its main class."""
    (tmp_path / "f").write_bytes(b"1234567890")
    storlets("upload", str(tmp_path / "f"), f"{container}/static", "--segment-size", "4")
    storlets("upload", f"{container}/dynamic", stdin=b"")
    assert storlets("post", f"{container}/dynamic", "-H", f"X-Object-Manifest:{container}/s").status == 0
    static, dynamic = (storlets("stat", f"{container}/{name}").text for name in ("static", "dynamic"))
    assert "manifest: of a static large object\n" in static
    assert f"of a dynamic large object: everything that starts with {container}/s\n" in dynamic
    assert "MD5" not in static + dynamic
    assert "storlet: python, main upper.Main\n" in storlets("stat", "storlet/upper.py").text


def test_post_keeps_what_it_does_not_name(run: Runner, described: str) -> None:
    """An object's POST replaces all: the others, the expiry and the type are sent along."""
    before = run("stat", described, "--json").json["headers"]
    assert run("post", described, "-m", "b=3", "-m", "c=4").status == 0
    after = run("stat", described, "--json").json["headers"]
    assert metadata(run, described) == {"Colour": "grün", "B": "3", "C": "4"}
    for name in ("X-Delete-At", "Content-Disposition", "Content-Type", "Etag"):
        assert after[name] == before[name]


def test_post_removes_what_it_is_told_to(run: Runner, described: str) -> None:
    """Metadata in any case of their keys, and headers."""
    outcome = run("post", described, "--remove", "COLOUR", "-H", "X-Delete-At:")
    assert outcome.text == f"path:/{described}: removed X-Object-Meta-COLOUR, removed X-Delete-At\n"
    assert metadata(run, described) == {"B": "2"}
    assert "X-Delete-At" not in run("stat", described, "--json").json["headers"]


def test_post_says_what_was_not_there_to_be_removed(run: Runner, described: str, container: str) -> None:
    """Removing a missing key isn't an error, on an object, on a container, and together with other changes."""
    outcome = run("post", described, "--remove", "none", "--remove", "b", "-m", "c=3", "-H", "X-Object-Meta-Nil:")
    said = (
        "removed X-Object-Meta-b, set X-Object-Meta-c, there was no X-Object-Meta-none, there was no X-Object-Meta-Nil"
    )
    assert (outcome.status, outcome.text) == (0, f"path:/{described}: {said}\n")
    assert metadata(run, described) == {"Colour": "grün", "C": "3"}
    outcome = run("post", container, "--remove", "none", "--json")
    assert (outcome.status, outcome.json["absent"], outcome.json["set"]) == (0, ["X-Container-Meta-none"], {})


def test_post_sends_nothing_when_nothing_changes(run_scripted: Runner, responder: Responder) -> None:
    """A POST would touch the date of the object."""
    responder.on("HEAD", "/c/o", ok(X_Object_Meta_B="1"))
    assert run_scripted("post", "c/o", "--remove", "a").text == "path:/c/o: there was no X-Object-Meta-a\n"
    assert responder.sent("POST") == []


def test_post_removes_the_expiry_by_either_name(run: Runner, described: str) -> None:
    """The server keeps X-Delete-After as X-Delete-At."""
    assert run("post", described, "-H", "X-Delete-After:").status == 0
    assert "X-Delete-At" not in run("stat", described, "--json").json["headers"]
    assert metadata(run, described) == {"Colour": "grün", "B": "2"}


@pytest.mark.slow
def test_symbolic_link_is_told_and_not_changed(run: Runner, described: str, container: str) -> None:
    """A POST would replace the link's own metadata by its target's; a version of an object is no link."""
    link = f"{container}/a link"
    assert run("put", "/dev/null", link, "-H", f"X-Symlink-Target:{described}").status == 0
    assert f"symbolic link to: path:/{described}, described here\n" in run("stat", link).text
    outcome = run("post", link, "-m", "c=3")
    assert (outcome.status, metadata(run, described)) == (2, {"Colour": "grün", "B": "2"})
    assert f"path:/{link} is a symbolic link to path:/{described}; change the metadata of its target" in outcome.err
    assert run("post", container, "-H", "X-Versions-Enabled:true").status == 0
    assert run("upload", f"{container}/versioned", stdin=b"1").status == 0
    assert run("post", f"{container}/versioned", "-m", "a=1").status == 0
    assert "symbolic" not in run("stat", f"{container}/versioned").text
    assert metadata(run, f"{container}/versioned") == {"A": "1"}


def test_post_to_a_container_changes_what_it_names(run: Runner, container: str) -> None:
    """There the server keeps the others itself."""
    run("post", container, "-m", "a=1", "-m", "b=2")
    run("post", container, "-m", "c=3", "--remove", "a")
    assert metadata(run, container) == {"B": "2", "C": "3"}


def test_post_leaves_a_storlet_one(storlets: Runner, container: str) -> None:
    """A deployed storlet runs on after its object has got a metadatum."""
    storlets("upload", f"{container}/o", stdin=b"abc")
    assert storlets("post", "storlet/upper.py", "-m", "note=mine").status == 0
    assert storlets("get", f"{container}/o", "--storlet", "upper.py").out == b"ABC"


@pytest.mark.parametrize(
    "words",
    [
        ["post", "c/o"],
        ["post", "c/o", "-m", "novalue"],
        ["post", "c/o", "-m", "empty="],
        ["post", "c/o", "-m", "a_b=1"],
        ["post", "c/o", "-m", "ü=1"],
        ["post", "c/o", "-m", "a=1\n2"],
        ["post", "c/o", "--remove", "a b"],
        ["post", "c/o", "-H", "no-colon"],
        ["post", "c/o", "-H", "X-Auth-Token:mine"],
        ["post", "c/o", "-H", "A b:1"],
        ["post"],
        ["mkdir", "c", "-m", "x"],
        ["stat", "a", "b"],
        ["info", "x"],
    ],
    ids=" ".join,
)
def test_wrong_line_is_one_line_and_sends_nothing(run_scripted: Runner, responder: Responder, words: list[str]) -> None:
    """Each mistake ends with 2, before anybody logs in."""
    outcome = run_scripted(*words)
    assert outcome.status == 2, outcome.err
    assert one_line(outcome)
    assert responder.logins == []


@pytest.mark.parametrize(
    "words", [["stat", "none/o"], ["stat", "none"], ["post", "none/o", "-m", "a=1"], ["post", "none", "-m", "a=1"]]
)
def test_what_is_not_there_is_4(run: Runner, words: list[str]) -> None:
    """Named as the user spelled it."""
    outcome = run(*words)
    assert outcome.status == 4
    assert "none" in one_line(outcome)


def test_limits_are_the_servers_own(run: Runner, described: str) -> None:
    """What a cluster refuses it says itself, and nothing is lost."""
    outcome = run("post", described, "-m", f"{'k' * 200}=1")
    assert outcome.status == 1
    assert "Metadata name too long" in one_line(outcome)
    assert metadata(run, described)["B"] == "2"


def test_mkdir_chooses_a_policy(run: Runner, container: str) -> None:
    """One that is not there is named by the server."""
    assert run("mkdir", f"{container}2", "--policy", "Policy-0", "-m", "a=1").status == 0
    assert metadata(run, f"{container}2") == {"A": "1"}
    outcome = run("mkdir", f"{container}3", "--policy", "gold")
    assert outcome.status == 1
    assert "Invalid X-Storage-Policy 'gold'" in one_line(outcome)


def test_info_tells_limits_and_who_runs_storlets(run: Runner) -> None:
    """In words; with --json, all of it."""
    text = run("info").text
    for line in (
        "storlets: run by StorletGateway; storlets in storlet",
        "swift: 2.",
        "storage policies: standard (def",
    ):
        assert line in text
    assert run("info", "--json").json["swift"]["max_file_size"] == 5 * 2**30 + 2


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        ({"storlet_gateway_class": "StubStorletGateway"}, "the stub: objects go as they are, nothing is executed"),
        ({}, "run by a gateway that is not named"),
        (None, "none: their middleware is not named"),
    ],
)
def test_info_flags_what_runs_no_storlets(
    run_scripted: Runner, responder: Responder, handler: dict[str, str] | None, said: str
) -> None:
    """A stub stores and returns objects as they are."""
    responder.info = {"swift": INFO["swift"], **({} if handler is None else {"storlet_handler": handler})}
    assert said in run_scripted("info").text


def test_cluster_that_hides_itself_is_5(run_scripted: Runner, responder: Responder) -> None:
    """GET /info may be switched off."""
    responder.on("GET", "/info", html(404))
    outcome = run_scripted("info")
    assert outcome.status == 5
    assert "doesn't publish its features" in one_line(outcome)


def test_post_sends_back_what_would_be_lost(run_scripted: Runner, responder: Responder) -> None:
    """Also what makes a dynamic large object one, and a symbolic name in another case."""
    kept = {"X-Object-Manifest": "s/o", "Cache-Control": "no-store", "X-Object-Meta-Storlet-Main": "a.B"}
    responder.on("HEAD", "/c/o", ok(**{name.replace("-", "_"): value for name, value in kept.items()}, Etag="1"))
    responder.on("POST", "/c/o", ok(status=202))
    assert run_scripted("post", "c/o", "-m", "new=ü").status == 0
    (request,) = responder.sent("POST")
    for name, value in kept.items():
        assert request.header(name) == value
    assert request.header("X-Object-Meta-new") == "ü".encode().decode("latin-1")
    assert request.header("Etag") is None


def test_shown_headers_and_metadata_are_found_in_any_case(run: Runner, container: str) -> None:
    """In what ``stat``, ``storlets show`` and a plan return to Python."""
    assert run("upload", f"{container}/o", stdin=b"x").status == 0
    assert run("post", f"{container}/o", "-m", "first-color=red").status == 0
    with Session(Surroundings(run.environ)) as session:
        data = parse(Registry(), ["stat", f"{container}/o"]).run(session).fields()
        assert data["metadata"]["first-color"] == data["metadata"]["FIRST-COLOR"] == "red"
        assert data["headers"]["x-object-meta-first-color"] == "red"
        (planned,) = parse(Registry(), ["get", f"{container}/o", "--dry-run"]).run(session).fields()["requests"]
        assert planned["headers"]["x-auth-token"] == planned["headers"]["X-Auth-Token"]
