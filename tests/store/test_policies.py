"""Storage policies: what a storlet makes of an object is its result on every one, and an object is never taken for it.

On the embedded Swift, each answer says where the storlet ran. Other clusters are the embedded Swift behind a relay that
takes that out of its answers, so that nothing on the wire tells an erasure-coded object from a result.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storlet_shell.embedded import control
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.notebook.cells import Cells
from tests.notebook.conftest import bare_shell, cell, no_identity, stranger  # noqa: F401  fixtures
from tests.support.fixtures import TEXT
from tests.support.lines import Runner, one_line
from tests.support.relay import Relay, Sent
from tests.support.responder import Answer, Responder, html, ok, page
from tests.support.storlets import STORLETS

UPPER = TEXT.upper()
POLICIES = ("standard", "second", "ec21")
HIDDEN = {b"storlet_shell": b"someone_elses", b"X-Storlet-Shell-": b"X-Someone-Elses-"}
"""What tells the embedded Swift from others, and what a relay puts in its place."""

RUN = ("--storlet", "upper.py")
ON_PROXY = "X-Storlet-Run-On-Proxy"


@pytest.fixture(scope="module")
def containers(storlets: Runner) -> dict[str, str]:
    """Make a container of each policy, with the objects ``o`` and ``p``, which stay as they are."""
    made = {policy: f"{policy}-{secrets.token_hex(4)}" for policy in POLICIES}
    for policy, name in made.items():
        assert storlets("mkdir", name, "--policy", policy).status == 0
        for key in ("o", "p"):
            assert storlets("upload", f"{name}/{key}", stdin=TEXT).status == 0
    return made


@pytest.fixture(params=[*(pytest.param(name, marks=pytest.mark.slow) for name in POLICIES[:2]), POLICIES[2]])
def placed(request: pytest.FixtureRequest, containers: dict[str, str]) -> str:
    """Name the container of each policy in turn."""
    return containers[request.param]


@pytest.fixture
def coded(containers: dict[str, str]) -> str:
    """Name the container whose objects are erasure-coded."""
    return containers["ec21"]


@pytest.fixture(scope="module")
def manifest(storlets: Runner, containers: dict[str, str]) -> Callable[[Client, str], str]:
    """Return what makes a dynamic large object of the object ``o`` of a container, and names it."""

    def make(client: Client, container: str) -> str:
        large = f"large-{container}"
        assert storlets("mkdir", large).status == 0
        headers = {"X-Object-Manifest": f"{container}/o"}
        client.send(Request("PUT", large, "o", headers=headers), bytes_body(b"")).read()
        return f"{large}/o"

    return make


# --- the embedded Swift


def test_policies_are_there(run: Runner, containers: dict[str, str]) -> None:
    """Three, by their names; scripts that knew the first one by Swift's own name for it go on."""
    assert "standard (default), second, ec21" in run("info").text
    for policy, container in containers.items():
        assert f"storage policy: {policy}\n" in run("stat", container).text
    assert run("mkdir", f"old-{secrets.token_hex(4)}", "--policy", "Policy-0").status == 0


@pytest.mark.parametrize(
    ("words", "result"),
    [
        ([], UPPER),
        (["--on-proxy"], UPPER),
        (["--range", "1-3"], b"ELL"),
        (["--extra", "path:/{c}/p", "--allow-unread"], UPPER),
    ],
    ids=lambda value: " ".join(value) or "plain" if isinstance(value, list) else "",
)
def test_get_returns_the_result(storlets: Runner, placed: str, words: list[str], result: bytes) -> None:
    """Trap 19: with every option that has to do with where it runs."""
    outcome = storlets("get", f"{placed}/o", *RUN, *(word.format(c=placed) for word in words))
    assert (outcome.status, outcome.out, outcome.err) == (0, result, "")


def test_node_that_can_not_run_is_made_up_for(storlets: Runner, coded: str) -> None:
    """Trap 19: who asks for the node gets the result all the same, and is told that it ran elsewhere."""
    for words in (["get", f"{coded}/o"], ["copy", f"{coded}/o", f"{coded}/made"]):
        outcome = storlets(*words, *RUN, "--on-node")
        assert (outcome.status, "without running upper.py" in one_line(outcome)) == (0, True)
    assert storlets("get", f"{coded}/made").out == UPPER


@pytest.mark.slow
def test_every_read_is_the_result(storlets: Runner, placed: str, tmp_path: Path) -> None:
    """Trap 19: in a file, by batches of every kind, in chains, and in what is made inside the cluster."""
    file, folder, journal = tmp_path / "f", tmp_path / "saved", tmp_path / "journal"
    out = f"made-{secrets.token_hex(4)}"
    pattern = ["--input", f"path:/{placed}/[op]"]
    lines = [
        ["get", f"{placed}/o", *RUN, "--save", str(file)],
        ["map", *RUN, *pattern, "--save", str(folder), "--journal", str(journal)],
        ["map", *RUN, *pattern, "--on-node", "--save", f"{folder}-node"],
        ["mkdir", out, "--policy", "ec21"],
        ["map", *RUN, *pattern, "--output", f"path:/{out}/map-{{name}}"],
        ["map", *RUN, *pattern, "--output", f"path:/{out}/node-{{name}}", "--on-node"],
        ["copy", f"{placed}/o", f"{out}/copy", *RUN],
        ["pipe", "upper.py | upper.py", *pattern, "--output", f"path:/{out}/pipe-{{name}}"],
        ["put", str(file), f"{out}/put", *RUN],
    ]
    for line in lines:
        outcome = storlets(*line)
        assert outcome.status == 0, outcome.err
    for path in (file, *(folder / "op"[at] for at in (0, 1)), Path(f"{folder}-node", "o")):
        assert path.read_bytes() == UPPER
    for name in ("map-o", "map-p", "node-o", "copy", "pipe-o", "put"):
        assert storlets("get", f"{out}/{name}").out == UPPER
    assert storlets("map", *RUN, *pattern, "--save", str(folder), "--journal", str(journal)).status == 0
    rows = storlets("map", *RUN, *pattern, "--json").json["rows"]
    assert [row["bytes"] for row in rows] == [len(UPPER)] * 2
    assert storlets("pipe", "upper.py | twice.py", "--input", f"path:/{placed}/o").out == 2 * UPPER
    assert storlets("pipe", "upper.py", "--input", f"path:/{placed}/o").out == UPPER


@pytest.mark.slow
def test_reduce_reads_results(storlets: Runner, placed: str) -> None:
    """Trap 19: all inputs are those of the storlet, and so is the output, also where a run has one input only."""
    line = ["reduce", "--storlet", "join.py", "--output", f"path:/{placed}/reduced-x"]
    assert storlets(*line, "--input", f"path:/{placed}/[op]").status == 0
    assert storlets("get", f"{placed}/reduced-x").out == b"[" + TEXT + b"][" + TEXT + b"]"
    for where in ([], ["--on-node"]):
        assert storlets(*line, "--input", f"path:/{placed}/[o]", *where).status == 0
        assert storlets("get", f"{placed}/reduced-x").out == b"[" + TEXT + b"]"


@pytest.mark.slow
def test_deployment_runs_over_every_kind(
    storlets: Runner, placed: str, manifest: Callable[[Client, str], str], real_client: Client, tmp_path: Path
) -> None:
    """Also a dynamic large object, which object servers return as it is, is run over when a storlet is deployed."""
    (tmp_path / "twice.py").write_text(STORLETS["twice.py"])
    for path in (f"{placed}/o", manifest(real_client, placed)):
        line = ["deploy", str(tmp_path / "twice.py"), "--with-invoke", "--input", f"path:/{path}"]
        assert f"it ran over path:/{path}: {2 * len(TEXT)} bytes" in storlets(*line).text
        assert storlets(*line, "--print-result").out == 2 * TEXT


def test_batch_over_manifests_is_the_result(
    storlets: Runner, coded: str, manifest: Callable[[Client, str], str], real_client: Client, tmp_path: Path
) -> None:
    """Trap 4: who insists on the node gets failures, and never the object."""
    path = manifest(real_client, coded)
    line = ["map", *RUN, "--input", f"path:/{path}*", "--save", str(tmp_path / "made")]
    refused = storlets(*line, "--on-node")
    assert (refused.status, "drop --on-node" in refused.err + refused.text) == (6, True)
    assert not list((tmp_path / "made").glob("*"))
    assert storlets(*line).status == 0
    assert (tmp_path / "made" / "o").read_bytes() == UPPER


def test_notebook_has_the_result(storlets: Runner, placed: str, cell: Cells) -> None:  # noqa: F811
    """Trap 19: in a variable, of one object and of many."""
    cell(f"%get {placed}/o --storlet upper.py -o one\n")
    cell(f"%map --storlet upper.py --input path:/{placed}/[op] -o many\n")
    assert cell("one.content, many['o']").value == (UPPER, UPPER)


@pytest.mark.slow
def test_plain_reads_are_the_object(storlets: Runner, placed: str, tmp_path: Path) -> None:
    """Listings, figures, files, ranges, segments: as on any other policy."""
    content = secrets.token_bytes(3_000_000)
    (tmp_path / "in").write_bytes(content)
    for words in ([], ["--segment-size", "1M"]):
        assert storlets("upload", str(tmp_path / "in"), f"{placed}/big-x", *words).status == 0
        assert storlets("get", f"{placed}/big-x", "--range", "999999-2000001").out == content[999999:2000002]
        assert storlets("download", f"{placed}/big-x", str(tmp_path / "out")).status == 0
        assert (tmp_path / "out" / "big-x").read_bytes() == content
        assert storlets("get", f"{placed}/big-x", *RUN).out == content.upper()
    assert "bytes: 3000000 " in storlets("stat", f"{placed}/big-x").text
    assert storlets("ls", f"{placed}/big").text.split() == ["big-x"]
    assert storlets("rm", "-y", f"{placed}/big-x").status == 0


def test_rest_of_a_batch_goes_to_the_proxy_at_once(
    storlets: Runner, swift: control.Running, coded: str, tmp_path: Path
) -> None:
    """One answer tells of a whole container: the objects after it aren't asked for twice."""
    with Relay(swift.port) as relay:
        line = ["map", *RUN, "--input", f"path:/{coded}/[op]", "-j", "1", "--save", str(tmp_path / "made")]
        assert storlets(*line, environ=behind(relay, swift)).status == 0
        runs = [sent for sent in relay.take() if sent.header("X-Run-Storlet")]
    assert len(runs) == 3
    assert [is_on_proxy(sent) for sent in runs] == [False, True, True]


# --- another cluster


def behind(relay: Relay, swift: control.Running) -> dict[str, str]:
    """Return the identity by which the embedded Swift is used through a relay."""
    auth_url = urlsplit(swift.auth_url)._replace(netloc=f"127.0.0.1:{relay.port}").geturl()
    return {"ST_AUTH": auth_url, "ST_USER": swift.user, "ST_KEY": swift.key}


def is_on_proxy(sent: Sent) -> bool:
    """Tell whether a request is to run on the proxy server."""
    return ON_PROXY.lower() in [name.lower() for name, _ in sent.headers]


@pytest.fixture(scope="module")
def elsewhere(swift: control.Running) -> Iterator[Relay]:
    """Have the embedded Swift look like another cluster."""
    with Relay(swift.port, HIDDEN) as relay:
        yield relay


@pytest.fixture
def foreign(storlets: Runner, swift: control.Running, elsewhere: Relay) -> Iterator[Runner]:
    """Run lines against that cluster, of whose storage policies nothing is known before and after."""
    forget(storlets)
    elsewhere.take()
    yield Runner({**storlets.environ, **behind(elsewhere, swift)})
    forget(storlets)


def forget(storlets: Runner) -> None:
    """Have nothing known of the storage policies."""
    words = [word for policy in POLICIES for word in ("--remove", f"Storlet-Place-{policy}")]
    assert storlets("post", "storlet", *words).status == 0


def asked_and_run(relay: Relay) -> tuple[list[str], list[bool]]:
    """Return what was asked for by HEAD since the last time, and of each run whether it was to be on the proxy."""
    sent = relay.take()
    asked = [each.target.split("/", 3)[3] for each in sent if each.method == "HEAD"]
    return asked, [is_on_proxy(each) for each in sent if each.header("X-Run-Storlet")]


def test_reads_run_on_the_proxy_unless_more_is_known(foreign: Runner, placed: str, elsewhere: Relay) -> None:
    """Nothing tells an erasure-coded object there, and the proxy runs over everything."""
    assert foreign("get", f"{placed}/o", *RUN).out == UPPER
    assert asked_and_run(elsewhere) == (["storlet"], [True])
    shown = foreign("get", f"{placed}/o", *RUN, "--dry-run")
    assert ON_PROXY in shown.text


@pytest.mark.slow
def test_enable_tries_every_policy_once(
    foreign: Runner, run: Runner, containers: dict[str, str], elsewhere: Relay
) -> None:
    """Its results are kept for all users, by policy; nothing else remains."""
    before = run("ls").text, run("ls", "storlet").text
    outcome = foreign("enable", "--json")
    assert outcome.status == 0, outcome.err
    assert outcome.json["policies"] == {"standard": "node", "second": "node", "ec21": "proxy"}
    assert (run("ls").text, run("ls", "storlet").text) == before
    elsewhere.take()
    for policy, container in containers.items():
        assert foreign("get", f"{container}/o", *RUN).out == UPPER
        assert asked_and_run(elsewhere) == (["storlet", container], [policy == "ec21"])
    assert foreign("enable").text.endswith("standard: node, second: node, ec21: proxy\n")
    assert not [sent for sent in elsewhere.take() if sent.header("X-Run-Storlet")]
    assert foreign("enable", "--probe").status == 0
    assert asked_and_run(elsewhere)[1] == [False] * 3


def test_enable_shows_what_it_would_try(foreign: Runner, run: Runner) -> None:
    """With ``--dry-run``: the requests for each policy; of one that was tried, none."""
    shown = foreign("enable", "--dry-run")
    assert shown.status == 0
    assert [line.split(": ")[1] for line in shown.text.splitlines() if "X-Storage-Policy" in line] == list(POLICIES)
    run("post", "storlet", "-m", "Storlet-Place-ec21=proxy", "-m", "Storlet-Place-second=node")
    assert foreign("enable", "--dry-run").text.count("X-Storage-Policy") == 1


@pytest.fixture
def probed(foreign: Runner, storlets: Runner) -> Runner:
    """Run lines against the other cluster, whose policies were tried."""
    words = ["-m", "Storlet-Place-standard=node", "-m", "Storlet-Place-second=node", "-m", "Storlet-Place-ec21=proxy"]
    assert storlets("post", "storlet", *words).status == 0
    return foreign


def test_session_asks_once(probed: Runner, containers: dict[str, str], elsewhere: Relay, tmp_path: Path) -> None:
    """One HEAD of the storlets' container and one of each other, however many runs and threads there are."""
    plain, coded = containers["standard"], containers["ec21"]
    lines = [
        f"get {plain}/o --storlet upper.py --save {tmp_path}/1",
        f"get {plain}/p --storlet upper.py --save {tmp_path}/2",
        f"map --storlet upper.py --input path:/{plain}/[op] -j 4 --save {tmp_path}/3",
        f"map --storlet upper.py --input path:/{coded}/[op] -j 4 --save {tmp_path}/4",
    ]
    assert probed("-x", "-f", "-", stdin="\n".join(lines).encode()).status == 0
    asked, on_proxy = asked_and_run(elsewhere)
    assert sorted(path for path in asked if not path.endswith(".py")) == sorted(["storlet", plain, coded])
    assert on_proxy == [False] * 4 + [True] * 2
    assert (tmp_path / "4" / "o").read_bytes() == UPPER


@pytest.mark.parametrize("verb", ["get", "copy", "map", "reduce", "map-output"])
def test_node_that_is_known_not_to_run_is_refused(probed: Runner, coded: str, verb: str, tmp_path: Path) -> None:
    """``--on-node`` there would return, or store, the object as it is."""
    line = _line(verb, coded, tmp_path)
    outcome = probed(*line, "--on-node")
    assert (outcome.status, outcome.out) == (1, b"")
    assert "storage policy ec21; drop --on-node" in outcome.err
    assert probed("get", f"{coded}/new-x").status == 4


def _line(verb: str, container: str, folder: Path) -> list[str]:
    """Return a line that reads the objects of a container."""
    pattern = ["--input", f"path:/{container}/[op]"]
    return {
        "get": ["get", f"{container}/o", *RUN],
        "copy": ["copy", f"{container}/o", f"{container}/new-x", *RUN],
        "map": ["map", *RUN, *pattern, "--save", str(folder / "saved")],
        "map-output": ["map", *RUN, *pattern, "--output", f"path:/{container}/new-{{name}}"],
        "reduce": ["reduce", "--storlet", "join.py", "--output", f"path:/{container}/new-x", *pattern],
    }[verb]


@pytest.mark.parametrize("verb", ["get", "copy", "map"])
def test_node_of_which_nothing_is_known_is_warned_of(
    foreign: Runner, containers: dict[str, str], verb: str, tmp_path: Path
) -> None:
    """It runs as asked; nobody can tell afterwards whether it did."""
    outcome = foreign(*_line(verb, containers["standard"], tmp_path), "--on-node")
    assert outcome.status == 0
    assert outcome.err.count("warning: the nodes of") == 1


@pytest.mark.slow
def test_link_into_another_policy_is_followed(probed: Runner, containers: dict[str, str], real_client: Client) -> None:
    """Trap 19: what a link leads to may be erasure-coded although the link is not."""
    plain, coded = containers["standard"], containers["ec21"]
    for name, target in (("link", f"{coded}/o"), ("near", f"{plain}/o")):
        headers = {"X-Symlink-Target": target}
        real_client.send(Request("PUT", plain, name, headers=headers), bytes_body(b"")).read()
        assert probed("get", f"{plain}/{name}", *RUN).out == UPPER
        assert probed("copy", f"{plain}/{name}", f"{plain}/copied-x", *RUN).status == 0
        assert probed("get", f"{plain}/copied-x").out == UPPER
    for words in (["get", f"{plain}/link"], ["copy", f"{plain}/link", f"{plain}/copied-y"]):
        refused = probed(*words, *RUN, "--on-node")
        assert (refused.status, refused.out, "drop --on-node" in one_line(refused)) == (1, b"", True)
        near = [word.replace("/link", "/near") for word in words]
        assert probed(*near, *RUN, "--on-node").err == ""


def test_container_made_anew_is_asked_of_anew(probed: Runner, elsewhere: Relay) -> None:
    """One of the same name may have another policy; what a session has learned goes with the container."""
    name = f"anew-{secrets.token_hex(4)}"
    steps = [f"put - {name}/o <<EOF\nhello\nEOF", f"get {name}/o --storlet upper.py"]
    lines = [f"mkdir {name}", *steps, f"rm -r -y {name}", f"mkdir {name} --policy ec21", *steps]
    outcome = probed("-x", "-f", "-", stdin="\n".join(lines).encode())
    assert outcome.status == 0, outcome.err
    assert outcome.text.count("HELLO\n") == 2
    assert asked_and_run(elsewhere)[1] == [False, True]


def test_manifest_is_run_over_on_the_proxy(
    probed: Runner, containers: dict[str, str], manifest: Callable[[Client, str], str], real_client: Client
) -> None:
    """Trap 4: its own header tells it on a policy, too, whose nodes run storlets."""
    path = manifest(real_client, containers["standard"])
    assert probed("get", path, *RUN).out == UPPER
    refused = probed("get", path, *RUN, "--on-node")
    assert (refused.status, "drop --on-node" in one_line(refused)) == (1, True)


# --- what only a script can give


PROBED = {"X-Container-Meta-Storlet-Place-Gold": "node", "X-Container-Meta-Storlet-Place-Ec": "proxy"}


def scripted_runs(responder: Responder) -> list[str | None]:
    """Return of each run what it says of the proxy."""
    return [sent.header(ON_PROXY) for sent in responder.requests if sent.header("X-Run-Storlet")]


@pytest.mark.parametrize(
    ("storlet_container", "container", "on_proxy"),
    [
        (Answer(204, headers=tuple(PROBED.items())), ok(X_Storage_Policy="GOLD"), None),
        (Answer(204, headers=tuple(PROBED.items())), ok(X_Storage_Policy="silver"), ""),
        (Answer(204, headers=tuple(PROBED.items())), ok(), ""),
        (Answer(204, headers=tuple(PROBED.items())), html(403), ""),
        (Answer(204, headers=tuple(PROBED.items())), html(404), ""),
        (html(403), ok(X_Storage_Policy="gold"), ""),
        (html(404), ok(X_Storage_Policy="gold"), ""),
        (page(500), ok(X_Storage_Policy="gold"), ""),
    ],
    ids=["node", "other policy", "no policy", "forbidden", "missing", "forbidden answers", "no answers", "failure"],
)
def test_who_can_not_ask_runs_on_the_proxy(
    run_scripted: Runner, responder: Responder, storlet_container: Answer, container: Answer, on_proxy: str | None
) -> None:
    """As a user whom an ACL lets run one storlet, and nothing else; names of policies are alike in any case."""
    responder.on("HEAD", "/storlet", storlet_container)
    responder.on("HEAD", "/c", container)
    responder.on("GET", "/c/o", Answer(body=b"RUN", chunked=True))
    outcome = run_scripted("get", "c/o", *RUN)
    assert (outcome.status, outcome.out, scripted_runs(responder)) == (0, b"RUN", [on_proxy])


def test_answer_with_a_length_is_no_result(run_scripted: Runner, responder: Responder) -> None:
    """A node's answer that has one was not made by a storlet; the proxy makes it."""
    responder.on("HEAD", "/storlet", Answer(204, headers=tuple(PROBED.items())))
    responder.on("HEAD", "/c", ok(X_Storage_Policy="gold"))
    responder.on("GET", "/c/o", ok(b"raw"), Answer(body=b"RUN", chunked=True))
    assert run_scripted("get", "c/o", *RUN).out == b"RUN"
    assert scripted_runs(responder) == [None, ""]


NO_ROOM = page(507)
POLICY_LIST = [{"name": "gold", "aliases": "gold, Policy-0", "default": True}, {"name": "old", "deprecated": True}]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (NO_ROOM, "couldn't be probed"),
        (page(500, "Storlet execution failed"), "gold couldn't be probed"),
        (ok(b"something else"), ""),
    ],
    ids=["no room", "the storlet fails", "another answer"],
)
def test_probe_that_fails_leaves_nothing_known(
    run_scripted: Runner, responder: Responder, answer: Answer, said: str
) -> None:
    """The account is enabled all the same, nothing is left behind, and reads run on the proxy."""
    responder.info["swift"] = {"policies": POLICY_LIST}
    for method, status in (("PUT", 201), ("DELETE", 204), ("POST", 204), ("HEAD", 204)):
        responder.on(method, "*", ok(status=status))
    responder.on("GET", "*", lambda sent: answer if sent.header("X-Run-Storlet") else ok(b"[]"))
    if answer is NO_ROOM:
        for path in ("/storlet", "/dependency", "/storletlog"):
            responder.on("PUT", path, ok(status=201))
        responder.on("PUT", "*", NO_ROOM)
    outcome = run_scripted("enable", "--json")
    assert outcome.status == 0
    assert said in outcome.err
    assert outcome.json["policies"] == {"gold": "proxy"}
    if answer is not NO_ROOM:
        deleted = [sent.path for sent in responder.sent("DELETE")]
        assert any(re.fullmatch("/storlet/storlet_shell_probe_[0-9a-f]+[.]py", path) for path in deleted)
        assert any(re.fullmatch("/storlet-shell-scratch-[0-9a-f]+", path) for path in deleted)


@pytest.mark.parametrize("info", [{}, {"swift": {}}, {"swift": {"policies": "gold"}}, {"swift": {"policies": [3, {}]}}])
def test_cluster_that_does_not_name_its_policies(
    run_scripted: Runner, responder: Responder, info: dict[str, object]
) -> None:
    """Nothing is tried there, and that is no failure."""
    responder.info = {**info, "storlet_handler": {}} if info else info
    for method, status in (("PUT", 201), ("POST", 204)):
        responder.on(method, "*", ok(status=status))
    outcome = run_scripted("enable", "--json")
    assert (outcome.status, outcome.json["policies"], outcome.err) == (0, {}, "")
    assert not scripted_runs(responder)


def test_embedded_swift_of_an_earlier_release_is_another_cluster(run_scripted: Runner, responder: Responder) -> None:
    """One that was started before an upgrade says of no answer where the storlet ran."""
    responder.info["storlet_shell"] = {"logs": True}
    responder.on("GET", "/c/o", Answer(body=b"RUN", chunked=True))
    assert run_scripted("get", "c/o", *RUN).out == b"RUN"
    assert scripted_runs(responder) == [""]


def test_answer_that_names_no_place_is_never_a_result(run_scripted: Runner, responder: Responder) -> None:
    """Where answers say where the storlet ran, even the proxy's must."""
    responder.info["storlet_shell"] = {"names_places": True}
    responder.on("GET", "/c/o", Answer(body=b"raw", chunked=True))
    outcome = run_scripted("get", "c/o", *RUN)
    assert (outcome.status, outcome.out) == (5, b"")
    assert "without running upper.py" in one_line(outcome)
    assert scripted_runs(responder) == [None, ""]
