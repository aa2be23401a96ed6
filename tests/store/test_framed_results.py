"""Results of function storlets: proven to be theirs, whole, and read on the nodes of every storage policy."""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storlet_shell.batches.crew import Crew
from storlet_shell.batches.work import Task, Work
from storlet_shell.embedded import control
from storlet_shell.errors import IncompleteBodyError, ServiceError, StorletFailedError, StorletShellError, UsageError
from storlet_shell.schedulers.base import Endpoint
from storlet_shell.store import reading
from storlet_shell.store.functions import look_up
from storlet_shell.values import ByteRange, Invocation, ObjectPath, Parameter, StorletName
from storlet_shell.wire.client import Client
from tests.store.test_policies import HIDDEN, asked_and_run, behind
from tests.support.fixtures import TEXT
from tests.support.functions import CODE, deploy
from tests.support.lines import Runner, one_line
from tests.support.relay import Relay
from tests.support.storlets import STORLETS

UPPER = TEXT.upper()


@pytest.fixture(scope="module")
def name(run: Runner, swift: control.Running, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Deploy the function; return the storlet's name."""
    from storlet_shell.identity.login import Login
    from storlet_shell.identity.values import Credentials
    from storlet_shell.values import Connection

    client = Client(Login(Credentials("the test", "v1", swift.auth_url, swift.user, swift.key), Connection()))
    try:
        return deploy(client, f"f{secrets.token_hex(4)}")
    finally:
        client.close()


@pytest.fixture(scope="module")
def coded(run: Runner) -> str:
    """Create a container whose objects are erasure-coded, with the objects ``o`` and ``p``."""
    container = f"coded-{secrets.token_hex(4)}"
    assert run("mkdir", container, "--policy", "ec21").status == 0
    for key in ("o", "p"):
        assert run("upload", f"{container}/{key}", stdin=TEXT).status == 0
    return container


@pytest.fixture
def relayed(run: Runner, swift: control.Running) -> Iterator[tuple[Runner, Relay]]:
    """Run lines against the real Swift through a relay that records requests."""
    with Relay(urlsplit(swift.auth_url).port or 0) as relay:
        yield Runner({**run.environ, **behind(relay, swift)}), relay


@pytest.fixture
def foreign(run: Runner, swift: control.Running) -> Iterator[tuple[Runner, Relay]]:
    """Do so on a cluster that doesn't say where a storlet ran."""
    with Relay(urlsplit(swift.auth_url).port or 0, HIDDEN) as relay:
        yield Runner({**run.environ, **behind(relay, swift)}), relay


def invocation(name: str, **parameters: str) -> Invocation:
    """Return a run of the function."""
    return Invocation(StorletName(name), tuple(Parameter(*item) for item in parameters.items()))


def test_result_is_the_inner_bytes_with_its_metadata(observed: Client, here: str, name: str) -> None:
    """Frames, heartbeats, and the first line are stripped; the metadata are there once the body has been read."""
    response = reading.get(observed, ObjectPath(here, "o"), invocation(name, count="3"))
    assert response.metadata == {}
    assert response.length is None
    assert response.content == UPPER * 3
    assert response.metadata == {"Count": str(3 * len(TEXT))}
    assert response.headers["X-Object-Meta-Count"] == str(3 * len(TEXT))


def test_function_is_looked_up_once(relayed: tuple[Runner, Relay], here: str, name: str, tmp_path: Path) -> None:
    """However many lines and threads use it; no policy, and no place, is asked for."""
    run, relay = relayed
    lines = [
        f"get {here}/o --storlet {name}",
        f"get {here}/o --storlet {name} --save {tmp_path}/o",
        f"map --storlet {name} --input path:/{here}/o --save {tmp_path}/m",
        f"map --storlet {name} --input path:/{here}/o -p lest=3",
    ]
    outcome = run("-f", "-", stdin="\n".join(lines).encode())
    assert (tmp_path / "o").read_bytes() == (tmp_path / "m" / "o").read_bytes() == UPPER
    assert outcome.status == 2
    sent = [each.target for each in relay.take() if each.method == "GET" and each.target.endswith(f"/storlet/{name}")]
    assert len(sent) == 2  # once for the first three lines, and once more before the last is refused


@pytest.mark.parametrize(
    "where", [[], ["--on-proxy"], ["--range", "0-4"], ["--extra", "path:/{c}/p", "--allow-unread"]]
)
def test_erasure_coded_object_is_never_taken_for_a_result(
    foreign: tuple[Runner, Relay], coded: str, name: str, where: list[str]
) -> None:
    """Trap 19: where no answer says where it ran, the nonce does; the run is sent again to the proxy server."""
    run, relay = foreign
    outcome = run("get", f"{coded}/o", "--storlet", name, *(word.format(c=coded) for word in where))
    assert (outcome.status, outcome.out, outcome.err) == (0, UPPER[:5] if "--range" in where else UPPER, "")
    asked, on_proxy = asked_and_run(relay)
    assert asked == ([f"{coded}/p"] if "--extra" in where else [])
    # Several inputs make it run on the proxy server without a header that says so.
    assert on_proxy == ([asked == []] if where else [False, True])


def test_node_that_returns_objects_is_not_tried_twice(foreign: tuple[Runner, Relay], coded: str, name: str) -> None:
    """A session remembers the container; whoever insists on the node is refused there."""
    run, relay = foreign
    assert run("-f", "-", stdin=f"get {coded}/o --storlet {name}\nget {coded}/p --storlet {name}".encode()).status == 0
    assert asked_and_run(relay)[1] == [False, True, True]
    refused = run("get", f"{coded}/o", "--storlet", name, "--on-node")
    assert (refused.status, refused.out, "drop --on-node" in one_line(refused)) == (1, b"", True)


def test_functions_run_on_nodes_of_which_nothing_is_known(foreign: tuple[Runner, Relay], here: str, name: str) -> None:
    """The nonce proves that they ran, so neither the policies nor the container are asked for."""
    run, relay = foreign
    assert run("get", f"{here}/o", "--storlet", name).out == UPPER
    assert run("map", "--storlet", name, "--input", f"path:/{here}/o").status == 0
    assert asked_and_run(relay) == ([f"storlet/{name}"], [False, False])


@pytest.mark.parametrize(
    ("how", "error", "text"),
    [
        ("killed", StorletFailedError, "ended early"),
        ("cut", IncompleteBodyError, "last frame is missing"),
        ("corrupt", IncompleteBodyError, "checksum"),
        ("surplus", IncompleteBodyError, "bytes follow"),
        ("stale", ServiceError, "without running"),
        ("headers", StorletFailedError, "contains a control character"),
    ],
)
def test_body_that_is_not_whole_is_no_result(
    run: Runner,
    observed: Client,
    here: str,
    name: str,
    how: str,
    error: type[StorletShellError],
    text: str,
    tmp_path: Path,
) -> None:
    """Cut between a heartbeat and the last frame, or changed on the way, it fails every command, and writes no file."""
    with pytest.raises(error, match=text):
        assert reading.get(observed, ObjectPath(here, "o"), invocation(name, how=how)).content
    for words in (["get", f"{here}/o"], ["map", "--input", f"path:/{here}/o"]):
        outcome = run(*words, "--storlet", name, "-p", f"how={how}", "--save", str(tmp_path / "saved"))
        assert outcome.status == (6 if words[0] == "map" else error.exit_status)
        assert text in outcome.err
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("words", [["get", "{c}/o"], ["map", "--input", "path:/{c}/o"], ["copy", "{c}/o", "{c}/x"]])
@pytest.mark.parametrize("seconds", [[], ["-p", "seconds=0.1"]], ids=["at once", "later"])
def test_failure_points_at_the_authors_lines(
    run: Runner, here: str, name: str, words: list[str], seconds: list[str]
) -> None:
    """Whether the function says so itself or the engine does; the adapter's frames are left out."""
    outcome = run(*(word.format(c=here) for word in words), "--storlet", name, "-p", "how=fails", *seconds)
    assert outcome.status == 6
    assert "ValueError: on purpose" in outcome.err.splitlines()[-1]
    assert '"/home/me/mine.py", line 22, in shout' in outcome.err
    assert '"/home/me/mine.py", line 11, in fail' in outcome.err
    assert f'{name}"' not in outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ["get", "{c}/o", "--storlet", "{n}", "-p"],
        ["get", "{c}/o", "--storlet", "{n}", "--dry-run", "-p"],
        ["copy", "{c}/o", "{c}/x", "--storlet", "{n}", "-p"],
        ["put", "-", "{c}/x", "--storlet", "{n}", "-p"],
        ["put", "-", "{c}/x", "--storlet", "{n}", "--dry-run", "-p"],
        ["map", "--input", "path:/{c}/*", "--storlet", "{n}", "-p"],
        ["map", "--input", "path:/{c}/*", "--storlet", "{n}", "--dry-run", "-p"],
        ["reduce", "--input", "path:/{c}/o*", "--output", "path:/{c}/x", "--storlet", "{n}", "-p"],
    ],
    ids=lambda words: " ".join([words[0], *(word for word in words if word == "--dry-run")]),
)
@pytest.mark.parametrize(("parameter", "said"), [("cont=3", "did you mean count?"), ("count=x", "must be an integer")])
def test_unfit_parameter_is_refused_before_anything_is_run(
    relayed: tuple[Runner, Relay], here: str, name: str, words: list[str], parameter: str, said: str
) -> None:
    """Wherever a storlet is named."""
    run, relay = relayed
    outcome = run(*(word.format(c=here, n=name) for word in words), parameter)
    assert (outcome.status, outcome.out) == (2, b"")
    assert one_line(outcome).startswith(f"parameter {parameter.split('=')[0]}: ")
    assert said in outcome.err
    assert not [each for each in relay.take() if each.header("X-Run-Storlet")]


def test_chain_is_checked_before_its_first_step(relayed: tuple[Runner, Relay], here: str, name: str) -> None:
    """Also if a later step is unfit; a chain that fits returns the last function's result."""
    run, relay = relayed
    source = ["--input", f"path:/{here}/o"]
    assert run("pipe", f"upper.py | {name} cont=3", *source).status == 2
    assert not [each for each in relay.take() if each.header("X-Run-Storlet")]
    assert run("pipe", f"{name} count=2 | {name}", *source).out == UPPER * 2


def test_refusal_is_based_on_what_is_deployed_now(
    observed: Client, real_client: Client, here: str, module: str
) -> None:
    """Another client may have replaced the storlet meanwhile, by another function or by a class."""
    source, name = ObjectPath(here, "o"), deploy(real_client, module)
    with pytest.raises(UsageError, match="many"):
        reading.get(observed, source, invocation(name, many="2"))
    deploy(real_client, module, CODE.replace("count", "many"))
    assert reading.get(observed, source, invocation(name, many="2")).content == UPPER * 2
    deploy(real_client, module, STORLETS["upper.py"], "Main")
    assert reading.get(observed, source, invocation(name, many="2")).content == UPPER
    assert look_up(observed, StorletName(name)) is None


def test_range_of_a_function(observed: Client, here: str, name: str) -> None:
    """It reads a part of the object, on the proxy server."""
    response = reading.get(observed, ObjectPath(here, "o"), invocation(name), range=ByteRange(1, 3))
    assert response.content == UPPER[1:4]


def test_workers_of_a_batch_look_nothing_up(observed: Client, here: str, name: str) -> None:
    """In another process, too: the function goes with the work, which can be pickled."""
    function = look_up(observed, StorletName(name))
    endpoints = (Endpoint(observed.storage_url, "one"),)
    work = Work((invocation(name),), False, endpoints, "least-outstanding", 1, keeps_bodies=True, functions=(function,))
    requests: list[str] = []

    def connect() -> Client:
        return Client(observed.login, requests.append)  # it knows nothing of what others have looked up

    with Crew(pickle.loads(pickle.dumps(work)), connect) as crew:
        outcome = crew.do(Task(0, ObjectPath(here, "o")))
    assert (outcome.error, outcome.body, outcome.size) == (None, UPPER, len(UPPER))
    assert [request for request in requests if "/storlet/" in request or "HEAD" in request] == []
