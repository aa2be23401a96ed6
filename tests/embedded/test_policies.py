"""The storage policies of the embedded Swift, and the header that says where a storlet ran."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from storlet_shell.embedded import control
from storlet_shell.wire.headers import ALLOW_UNREAD, RAN_ON
from tests.embedded.storlets import PROXY, Answer, Client, storlet

UPPER = storlet("out.set_metadata({})\nout.write(source.read().upper())")
FORGES = storlet(
    """
    out.set_metadata({"X-Storlet-Shell-Ran-On": "object", "content-type": "X-Storlet-Shell-Ran-On/object"})
    out.write(source.read())
    """
)
RUN = {"X-Run-Storlet": "loud.py"}


@pytest.fixture(scope="module")
def user(swift: control.Running) -> Iterator[Client]:
    """Connect to the session's server, with two storlets deployed."""
    client = Client(swift)
    client.deploy("loud.py", UPPER)
    client.deploy("forges.py", FORGES)
    yield client
    client.close()


@pytest.fixture(scope="module")
def containers(user: Client) -> dict[str, str]:
    """Make a container of each policy with an object ``o`` and all kinds of objects that stand for it."""
    return {policy: _filled(user, policy) for policy in ("standard", "second", "ec21")}


def _filled(user: Client, policy: str) -> str:
    name = f"{policy}-{secrets.token_hex(4)}"
    assert user.request("PUT", f"/{name}", {"X-Storage-Policy": policy}).status == 201
    user.put(f"/{name}/o", b"text", {"X-Object-Meta-X-Storlet-Shell-Ran-On": "object", RAN_ON: "object"})
    user.put(f"/{name}/dynamic", b"", {"X-Object-Manifest": f"{name}/o"})
    user.put(f"/{name}/static?multipart-manifest=put", json.dumps([{"path": f"/{name}/o"}]).encode())
    user.put(f"/{name}/link", b"", {"X-Symlink-Target": f"{name}/o"})
    user.put(f"/{name}/dynamic-link", b"", {"X-Symlink-Target": f"{name}/dynamic"})
    return name


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["standard", "second", "ec21"])
def test_place_of_a_run_is_named(user: Client, containers: dict[str, str], policy: str) -> None:
    """By each result, and by no answer that is an object as it is: of reads, of uploads, of copies."""
    container, node = containers[policy], None if policy == "ec21" else "object"
    places = {"o": node, "dynamic": None, "static": "proxy", "link": node, "dynamic-link": None}
    for name, place in places.items():
        path = f"/{container}/{name}"
        _check(user.request("GET", path, RUN), place, b"TEXT" if place else b"text")
        _check(user.request("GET", path, {**RUN, **PROXY}), "proxy", b"TEXT")
        assert RAN_ON not in user.request("GET", path).headers
    several = {"X-Storlet-Extra-Resources": f"/{container}/o", ALLOW_UNREAD: "True"}
    _check(user.request("GET", f"/{container}/o", {**RUN, **several}), "proxy")
    _check(user.request("GET", f"/{container}/o", {**RUN, **PROXY, "X-Storlet-Range": "bytes=0-1"}), "proxy", b"TE")
    for path in (f"/{container}/o", f"/{container}/none"):
        assert RAN_ON not in user.request("GET", path, {**RUN, "Range": "bytes=0-1"}).headers
    _check(user.request("PUT", f"/{container}/put-x", RUN, b"text"), "proxy", b"")


def _check(answer: Answer, place: str | None, body: bytes | None = None) -> None:
    assert answer.status in (200, 201)
    assert answer.headers.get(RAN_ON) == place
    assert body in (None, answer.body)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["standard", "ec21"])
@pytest.mark.parametrize("verb", ["COPY", "PUT"])
def test_copy_stores_results_only(user: Client, containers: dict[str, str], policy: str, verb: str) -> None:
    """Upstream's middleware stores what it was returned; here that is refused, and what was there before stays."""
    container, coded = containers[policy], policy == "ec21"
    kinds = {"o": not coded, "dynamic": False, "static": True, "link": not coded}
    for (name, is_run), proxy in itertools.product(kinds.items(), ({}, PROXY)):
        user.put(f"/{container}/target-x", b"before")
        paths = {"COPY": f"/{container}/{name}", "PUT": f"/{container}/target-x"}
        where = {"COPY": {"Destination": f"{container}/target-x"}, "PUT": {"X-Copy-From": f"{container}/{name}"}}
        answer = user.request(verb, paths[verb], {**RUN, **proxy, **where[verb], "Content-Length": "0"})
        stored = user.request("GET", f"/{container}/target-x").body
        if is_run or proxy:
            assert (answer.status, stored, RAN_ON in answer.headers) == (201, b"TEXT", True)
        else:
            assert (answer.status, answer.failure, stored, RAN_ON in answer.headers) == (409, "unrun", b"before", False)


def test_place_can_not_be_forged(user: Client, containers: dict[str, str]) -> None:
    """By a storlet's metadata, or by an object's (see above)."""
    for headers, place in (({}, "object"), (PROXY, "proxy")):
        answer = user.run("forges.py", f"/{containers['standard']}/o", headers)
        assert (answer.status, answer.headers.get(RAN_ON)) == (200, place)
    assert RAN_ON not in user.run("forges.py", f"/{containers['ec21']}/o").headers


def test_storlet_runs_once_over_what_nodes_return(user: Client, containers: dict[str, str]) -> None:
    """Not over an empty manifest first, nor over fragments: nothing has run when an answer says so."""
    user.deploy("counted.py", UPPER)
    for container, name in ((containers["standard"], "dynamic"), (containers["ec21"], "o")):
        for headers in ({}, PROXY):
            assert user.run("counted.py", f"/{container}/{name}", headers).status == 200
    assert user.log("counted.py").count("--- ") == 2


def test_fragments_are_on_three_folders(user: Client, containers: dict[str, str], swift: control.Running) -> None:
    """Two of them are enough to read the object."""
    container = containers["ec21"]
    content = secrets.token_bytes(2_500_000)
    user.put(f"/{container}/big", content)
    files = sorted(swift.folder.glob("devices/*/objects-2/*/*/*/*.data"), key=lambda file: file.stat().st_mtime)[-3:]
    assert sorted({file.relative_to(swift.folder).parts[1] for file in files}) == ["disk", "disk-2", "disk-3"]
    files[0].unlink()
    assert user.request("GET", f"/{container}/big").body == content


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["second", "ec21"])
def test_objects_outlive_a_restart(folder: Path, policy: str) -> None:
    """Of the further policies, too, with their containers' listings and counts."""
    content = secrets.token_bytes(100_000)
    for is_first in (True, False):
        with control.join_or_start(folder, control.Settings()) as lease:
            user = Client(lease.running)
            if is_first:
                assert user.request("PUT", "/c", {"X-Storage-Policy": policy}).status == 201
                user.put("/c/o", content)
            assert user.request("GET", "/c/o").body == content
            assert user.request("HEAD", "/c").headers["X-Storage-Policy"] == policy
            user.close()
        control.stop(folder)
