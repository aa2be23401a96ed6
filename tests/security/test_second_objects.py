"""A request that runs a storlet names several objects; the sender's rights apply to each of them."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from storlet_shell.embedded import control
from tests.embedded.storlets import PROXY, Answer, Client, storlet
from tests.support.keystone import KeystoneSwift

pytestmark = pytest.mark.slow

SECRET = b"the secret"
OPEN = b"for all"

UPPER = storlet(
    """
    text = b''.join(each.read() for each in in_files).upper()
    out.set_metadata({'dependencies': ','.join(sorted(os.listdir(params['storlet_execution_path'])))})
    out.write(text)
    """
)
"""Joins its inputs in capital letters, so that what it has run over differs from what it has not."""

WHERE = pytest.mark.parametrize("where", [{}, PROXY], ids=["node", "proxy"])


@dataclass(frozen=True)
class Shared:
    """An account in which a user of another project may read ``open`` and the storlets, and write to ``drop``.

    The user may run ``capitals.py`` over ``granted``, and nothing else; ``closed`` is its owner's.
    """

    owner: Client
    user: Client
    open: str
    closed: str
    granted: str
    drop: str

    def leaks(self, answer: Answer) -> bool:
        """Tell whether an answer holds the secret, as it is or through the storlet."""
        return SECRET in answer.body.lower()


@pytest.fixture(scope="module")
def shared(keystone_swift: KeystoneSwift) -> Iterator[Shared]:
    """Share parts of tester's account with the outsider."""
    running = keystone_swift.running
    account = running.account
    owner = Client(running, keystone_swift.token("tester"))
    user = Client(running, keystone_swift.token("outsider"), account)
    who = keystone_swift.ask("GET", "/v3/users?name=outsider")["users"][0]["id"]
    project = keystone_swift.ask("GET", "/v3/projects?name=other")["projects"][0]["id"]
    names = {name: f"{name}-{secrets.token_hex(4)}" for name in ("open", "closed", "granted", "drop")}
    for name, container in names.items():
        owner.request("PUT", f"/{container}")
        owner.put(f"/{container}/o", OPEN if name == "open" else SECRET)
    owner.deploy("capitals.py", UPPER)
    identity = f"{project}:{who}"
    before = owner.request("HEAD", "/storlet").headers.get("X-Container-Read", "")
    owner.request("POST", "/storlet", {"X-Container-Read": f"{before},{identity}".strip(",")})
    owner.request("POST", f"/{names['open']}", {"X-Container-Read": identity})
    owner.request("POST", f"/{names['drop']}", {"X-Container-Read": identity, "X-Container-Write": identity})
    grant = {"X-Storlet-Container-Read": "outsider", "X-Storlet-Name": "capitals.py"}
    assert owner.request("POST", f"/{names['granted']}", grant).status == 204
    yield Shared(owner, user, **names)
    owner.request("POST", "/storlet", {"X-Container-Read": before})
    owner.close()
    user.close()


@WHERE
def test_reader_runs_a_storlet_over_what_is_shared(shared: Shared, where: dict[str, str]) -> None:
    """The attacks below fail by the rights that they lack, not by anything else."""
    assert shared.user.run("capitals.py", f"/{shared.open}/o", where).body == OPEN.upper()
    assert shared.user.run("capitals.py", f"/{shared.granted}/o", where).body == SECRET.upper()
    assert shared.user.request("GET", f"/{shared.granted}/o").status == 403
    both = {"X-Storlet-Extra-Resources": f"/{shared.open}/o"}
    assert shared.user.run("capitals.py", f"/{shared.open}/o", {**where, **both}).body == OPEN.upper() * 2


@pytest.mark.parametrize("resource", ["/{closed}/o", "/{closed}/%6f", "/{closed}/o?multipart-manifest=get"])
@pytest.mark.parametrize("container", ["open", "granted"])
def test_extra_resource_is_read_by_the_users_own_rights(shared: Shared, container: str, resource: str) -> None:
    """A reader of one container can't name an object of another as a further input; the run fails as a whole."""
    if container == "granted":
        shared.owner.put(f"/{shared.granted}/o", OPEN)
    extra = {"X-Storlet-Extra-Resources": resource.format(closed=shared.closed)}
    answer = shared.user.run("capitals.py", f"/{getattr(shared, container)}/o", extra)
    shared.owner.put(f"/{shared.granted}/o", SECRET)
    assert not shared.leaks(answer), answer
    assert (answer.status, answer.failure) == (503, "input"), answer


def test_upload_and_copy_read_by_the_users_own_rights(shared: Shared) -> None:
    """Neither a further input nor a copy's source is read for a user who can write elsewhere; nothing is stored."""
    closed, run = f"/{shared.closed}/o", {"X-Run-Storlet": "capitals.py"}
    attacks: list[tuple[str, str, dict[str, str]]] = [
        ("PUT", f"/{shared.drop}/made", {"X-Storlet-Extra-Resources": closed}),
        ("PUT", f"/{shared.drop}/made", {"X-Copy-From": closed, "Content-Length": "0"}),
        ("PUT", f"/{shared.drop}/made", {"X-Copy-From": closed, "Content-Length": "0", **PROXY}),
        ("COPY", closed, {"Destination": f"{shared.drop}/made"}),
        ("COPY", closed, {"Destination": f"{shared.drop}/made", **PROXY}),
        ("COPY", f"/{shared.open}/o", {"Destination": f"{shared.drop}/made", "X-Storlet-Extra-Resources": closed}),
        ("COPY", f"/{shared.granted}/o", {"Destination": f"{shared.drop}/made"}),
        ("COPY", f"/{shared.granted}/o", {"Destination": f"{shared.drop}/made", **PROXY}),
    ]
    for method, path, headers in attacks:
        answer = shared.user.request(method, path, {**run, **headers}, b"x" if method == "PUT" else None)
        assert answer.status >= 400, (method, path, headers, answer)
        assert shared.owner.request("HEAD", f"/{shared.drop}/made").status == 404, (method, path, headers)


@WHERE
def test_pointer_to_another_container_opens_nothing(shared: Shared, where: dict[str, str]) -> None:
    """Symbolic links and manifests that a writer plants, or an owner has made, lead a storlet nowhere else."""
    drop, closed = shared.drop, shared.closed
    shared.user.request("PUT", f"/{drop}/link", {"X-Symlink-Target": f"{closed}/o"}, b"")
    shared.user.request("PUT", f"/{drop}/dynamic", {"X-Object-Manifest": f"{closed}/o"}, b"")
    segments = json.dumps([{"path": f"/{closed}/o"}])
    assert shared.user.request("PUT", f"/{drop}/static?multipart-manifest=put", {}, segments).status >= 400
    assert shared.owner.request("PUT", f"/{shared.open}/static?multipart-manifest=put", {}, segments).status == 201
    assert shared.owner.request("PUT", f"/{shared.open}/link", {"X-Symlink-Target": f"{closed}/o"}, b"").status == 201
    for path in (f"/{drop}/link", f"/{drop}/dynamic", f"/{shared.open}/static", f"/{shared.open}/link"):
        answer = shared.user.run("capitals.py", path, where)
        assert not shared.leaks(answer), (path, answer)


def test_storlet_that_may_not_be_read_does_not_run(shared: Shared) -> None:
    """Writing to a container is no right to run what lies in the container of storlets."""
    before = shared.owner.request("HEAD", "/storlet").headers["X-Container-Read"]
    shared.owner.request("POST", "/storlet", {"X-Container-Read": ""})
    try:
        assert shared.user.run("capitals.py", f"/{shared.open}/o").status == 401
        assert shared.user.request("PUT", f"/{shared.drop}/made", {"X-Run-Storlet": "capitals.py"}, b"x").status == 401
    finally:
        shared.owner.request("POST", "/storlet", {"X-Container-Read": before})
    assert shared.owner.request("HEAD", f"/{shared.drop}/made").status == 404


def test_what_anybody_may_read_leads_nowhere_else(shared: Shared) -> None:
    """Where storlets and a container are public, somebody without a token runs them over that container alone."""
    before = {
        name: shared.owner.request("HEAD", f"/{name}").headers["X-Container-Read"] for name in ("storlet", shared.open)
    }
    for name in before:
        shared.owner.request("POST", f"/{name}", {"X-Container-Read": ".r:*"})
    anybody = {"X-Auth-Token": ""}
    try:
        assert shared.user.run("capitals.py", f"/{shared.open}/o", anybody).body == OPEN.upper()
        for path in (f"/{shared.closed}/o", f"/{shared.granted}/o"):
            assert shared.user.run("capitals.py", path, anybody).status == 401
            extra = {"X-Storlet-Extra-Resources": path, **anybody}
            assert shared.user.run("capitals.py", f"/{shared.open}/o", extra).failure == "input"
    finally:
        for name, readers in before.items():
            shared.owner.request("POST", f"/{name}", {"X-Container-Read": readers})


@pytest.mark.parametrize(
    "referer",
    [
        "http://storlets.outsider_capitals.py/",
        "http://STORLETS.outsider_capitals.py/",
        "//Storlets.Outsider_Upper.py",
        "//stor\tlets.outsider_capitals.py",
        "http://x@sTorlets.outsider_capitals.py:80/a?b",
    ],
)
def test_grant_to_run_a_storlet_is_no_referrer(shared: Shared, referer: str) -> None:
    """The grant is kept as a referrer, which anybody could write; nobody reads by writing it, in no spelling."""
    for sent in ({}, {"X-Auth-Token": ""}):
        for path in (f"/{shared.granted}/o", f"/{shared.granted}"):
            answer = shared.user.request("GET", path, {"Referer": referer, **sent})
            assert (answer.status, shared.leaks(answer)) == (403, False), answer


@pytest.mark.parametrize("query", ["", "?multipart-manifest=get", "?symlink=get"])
@pytest.mark.parametrize("name", ["o", "dynamic", "static", "link"])
@WHERE
def test_grant_to_run_a_storlet_reads_nothing_unrun(
    shared: Shared, where: dict[str, str], name: str, query: str
) -> None:
    """Whatever keeps the object server from running it, the user gets the storlet's result, or nothing."""
    owner, granted = shared.owner, shared.granted
    owner.request("PUT", f"/{granted}/dynamic", {"X-Object-Manifest": f"{granted}/o"}, b"")
    manifest = json.dumps([{"path": f"/{granted}/o"}])
    owner.request("PUT", f"/{granted}/static?multipart-manifest=put", {}, manifest)
    owner.request("PUT", f"/{granted}/link", {"X-Symlink-Target": f"{granted}/o"}, b"")
    for headers in ({}, {"X-Storlet-Range": "bytes=0-9"}):
        answer = shared.user.run("capitals.py", f"/{granted}/{name}", {**where, **headers}, query=query)
        assert SECRET not in answer.body, answer
        assert answer.body == answer.body.upper() or answer.status >= 400, answer


def test_reader_writes_no_log(shared: Shared) -> None:
    """A log is an object that somebody stores: who may not do that can't have one stored either."""
    log = "/storletlog/capitals.py.log"
    headers = {"X-Storlet-Generate-Log": "True"}
    shared.owner.request("DELETE", log)
    for where in ({}, PROXY):
        refused = shared.user.run("capitals.py", f"/{shared.open}/o", {**headers, **where})
        assert refused.status == 403, refused
    assert shared.owner.request("HEAD", log).status == 404
    assert shared.owner.run("capitals.py", f"/{shared.open}/o", headers).status == 200
    assert shared.owner.request("DELETE", log).status == 204


@WHERE
def test_headers_between_the_servers_are_not_the_clients(shared: Shared, where: dict[str, str]) -> None:
    """Main class, language and dependencies are the deployed storlet's; a client that sends them changes nothing."""
    shared.owner.depend("hidden.txt", "text")
    sent = {"X-Storlet-Dependency": "hidden.txt", "X-Storlet-Main": "upper.Other", "X-Storlet-Language": "java"}
    answer = shared.user.run("capitals.py", f"/{shared.open}/o", {**sent, **where})
    assert (answer.status, answer.body) == (200, OPEN.upper())
    assert "hidden.txt" not in answer.headers["X-Object-Meta-Dependencies"]


class Signed:
    """Temporary URLs of tempauth's account, signed by the account's key or a container's."""

    def __init__(self, client: Client, container: str, key: str) -> None:
        self.client, self.container, self.key = client, container, key

    def send(
        self, method: str, name: str, headers: dict[str, str], body: bytes | None = None, prefix: bool = False
    ) -> Answer:
        """Send a request with a good signature for it."""
        path, expires = f"{self.client.account}/{self.container}/{name}", int(time.time()) + 600
        text = f"{method}\n{expires}\n{'prefix:' if prefix else ''}{path}"
        signature = hmac.new(self.key.encode(), text.encode(), hashlib.sha256).hexdigest()
        query = f"?temp_url_sig={signature}&temp_url_expires={expires}" + (f"&temp_url_prefix={name}" if prefix else "")
        return self.client.request(method, f"/{self.container}/{name}{query}", {"X-Auth-Token": "", **headers}, body)


@pytest.fixture(scope="module", params=["account", "container"])
def signed(request: pytest.FixtureRequest, swift: control.Running) -> Iterator[Signed]:
    """Sign temporary URLs for one object; they must not open its neighbor, nor another container."""
    client = Client(swift)
    container, key = f"signed-{secrets.token_hex(4)}", secrets.token_hex(8)
    client.request("PUT", f"/{container}")
    where = "" if request.param == "account" else f"/{container}"
    client.request("POST", where, {f"X-{request.param.title()}-Meta-Temp-URL-Key": key})
    client.request("PUT", "/private")
    for path in ("/private/secret", f"/{container}/secret"):
        client.put(path, SECRET)
    client.put(f"/{container}/o", OPEN)
    client.deploy("capitals.py", UPPER)
    client.request("PUT", "/objects")
    yield Signed(client, container, key)
    client.request("POST", where, {f"X-{request.param.title()}-Meta-Temp-URL-Key": ""})
    client.close()


HEADERS = {
    "run": {"X-Run-Storlet": "capitals.py"},
    "run on the proxy": {"X-Run-Storlet": "capitals.py", **PROXY},
    "a further input": {"X-Run-Storlet": "capitals.py", "X-Storlet-Extra-Resources": "/private/secret"},
    "a neighbor": {"X-Run-Storlet": "capitals.py", "X-Storlet-Extra-Resources": "/{container}/secret"},
    "a copy": {"X-Run-Storlet": "capitals.py", "X-Copy-From": "/{container}/secret"},
    "no storlet": {"X-Storlet-Extra-Resources": "/private/secret"},
}


@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("case", HEADERS)
def test_temporary_url_is_for_its_object_alone(signed: Signed, case: str, method: str, prefix: bool) -> None:
    """A header that names a storlet or another object is refused, and nothing is read or stored for it."""
    headers = {name: value.format(container=signed.container) for name, value in HEADERS[case].items()}
    body = b"new" if method == "PUT" else None
    answer = signed.send(method, "o", headers, body, prefix)
    refusal = 400 if case == "a copy" and method == "PUT" else 401  # the former is Swift's own
    assert (answer.status, SECRET in answer.body.lower()) == (refusal, False), answer
    assert signed.client.request("GET", f"/{signed.container}/o").body == OPEN


def test_temporary_url_works(signed: Signed) -> None:
    """The signatures of the test above are good; copying is refused by Swift itself."""
    copied = signed.send("PUT", "o", {"X-Copy-From": f"/{signed.container}/secret"}, b"")
    assert (copied.status, signed.client.request("GET", f"/{signed.container}/o").body) == (400, OPEN)
    assert signed.send("GET", "o", {}).body == OPEN
    assert signed.send("PUT", "p", {}, b"new").status == 201


def test_form_runs_no_storlet(signed: Signed) -> None:
    """A signed form that a browser sends stores files, and no request for a storlet comes with it."""
    path, expires = f"{signed.client.account}/{signed.container}/", int(time.time()) + 600
    text = "\n".join([path, "", "1000", "1", str(expires)])
    fields = {"redirect": "", "max_file_size": "1000", "max_file_count": "1", "expires": str(expires)}
    fields["signature"] = hmac.new(signed.key.encode(), text.encode(), hashlib.sha256).hexdigest()
    parts = [
        f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    parts += ['--B\r\nContent-Disposition: form-data; name="f"; filename="form"\r\n\r\nformed\r\n--B--\r\n']
    form = {"Content-Type": "multipart/form-data; boundary=B", "X-Auth-Token": ""}
    sent = "".join(parts).encode()
    headers = {**form, "X-Run-Storlet": "capitals.py", "X-Storlet-Extra-Resources": "/private/secret"}
    assert signed.client.request("POST", f"/{signed.container}/", headers, sent).status == 401
    assert signed.client.request("HEAD", f"/{signed.container}/form").status == 404
    assert signed.client.request("POST", f"/{signed.container}/", form, sent).status == 201
    assert signed.client.request("GET", f"/{signed.container}/form").body == b"formed"


def test_name_in_a_header_is_nobodys(signed: Signed) -> None:
    """With tempauth, the storlets middleware would believe a user's name that a client sends."""
    grant = {"X-Storlet-Container-Read": "somebody", "X-Storlet-Name": "capitals.py"}
    assert signed.client.request("POST", "/private", grant).status == 204
    signed.client.request("POST", "/storlet", {"X-Container-Read": ".r:*"})
    try:
        for headers in ({"X-User-Name": "somebody"}, {}):
            answer = signed.client.run("capitals.py", "/private/secret", {**headers, "X-Auth-Token": ""})
            assert answer.status == 401, answer
    finally:
        signed.client.request("POST", "/storlet", {"X-Container-Read": ""})
        signed.client.request("POST", "/private", {"X-Container-Read": ""})
