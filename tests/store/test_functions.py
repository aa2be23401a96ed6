"""The functions of the store as a program calls them: values in and out, without output or prompts."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest

from storlet_shell.deployments import acls
from storlet_shell.embedded import control
from storlet_shell.errors import IncompleteBodyError, NotFoundError, StorletFailedError, StorletShellError, UsageError
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.store import containers, metadata, objects, reading, trees
from storlet_shell.store.deletion import delete
from storlet_shell.store.expectation import Expectation
from storlet_shell.store.requests import copy_request
from storlet_shell.values import (
    ByteRange,
    Connection,
    ContainerName,
    Invocation,
    Location,
    ObjectPath,
    Parameter,
    StorletName,
)
from storlet_shell.wire.bodies import bytes_body, stream_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.observer import Observer
from storlet_shell.wire.requests import Request
from tests.support.fixtures import TEXT

UPPER = Invocation(StorletName("upper.py"))


class Listening(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str, *_: object) -> None:
        """Keep a line."""
        self.warnings.append(message)


@pytest.fixture
def observer() -> Listening:
    """Return what the client's functions tell."""
    return Listening()


@pytest.fixture
def client(swift: control.Running, observer: Listening, capfd: pytest.CaptureFixture[str]) -> Iterator[Client]:
    """Return a client of the real Swift; nothing that is done with it may print."""
    login = Login(Credentials("the test", "v1", swift.auth_url, swift.user, swift.key), Connection())
    client = Client(login, observer=observer)
    yield client
    client.close()
    assert capfd.readouterr() == ("", "")


def test_object_is_stored_described_read_and_deleted(client: Client, container: str) -> None:
    """What goes in comes out, and the headers say what it is."""
    path = ObjectPath(container, "a.csv")
    stored = objects.put(client, path, bytes_body(b"a,b\n"), headers={"X-Object-Meta-Colour": "red"})
    assert (stored.path, stored.status, stored.ran) == (path, 201, "")
    info = metadata.head(client, path)
    assert (info.kind, info.size, info.etag, info.metadata) == ("object", 4, stored.etag, {"Colour": "red"})
    assert info.headers["content-type"] == "text/csv"
    assert reading.get(client, path).content == b"a,b\n"
    delete(client, Location(*path))
    assert metadata.find(client, path) is None
    assert not metadata.exists(client, path)


def test_account_and_container_are_described_like_objects(client: Client, container: str) -> None:
    """One function asks for all three."""
    account, box = metadata.head(client), metadata.head(client, Location(container))
    assert (account.kind, account.is_enabled, box.kind) == ("account", True, "container")
    assert not metadata.exists(client, Location(f"{container}-not"))


def test_storlet_runs_by_get_put_and_copy_alike(client: Client, here: str) -> None:
    """Each says that the storlet has run, and where."""
    source, copied, sent = (ObjectPath(here, name) for name in ("o", "copied", "sent"))
    assert reading.get(client, source, UPPER).content == TEXT.upper()
    answers = [
        objects.copy(client, source, copied, UPPER),
        objects.put(client, sent, stream_body(io.BytesIO(TEXT)), UPPER),
    ]
    assert [answer.ran for answer in answers] == ["through upper.py on the proxy server"] * 2
    for path in (copied, sent):
        assert reading.get(client, path).content == TEXT.upper()


@pytest.mark.parametrize(
    "send",
    [
        lambda client, source, _, run: reading.get(client, source, run).close(),
        lambda client, _, target, run: objects.put(client, target, bytes_body(TEXT), run),
        objects.copy,
    ],
    ids=["get", "put", "copy"],
)
def test_failed_run_says_why_whichever_way_it_was_sent(client: Client, here: str, send: Callable[..., object]) -> None:
    """The storlet's own error and its log are looked up for each, and nothing is stored."""
    source, target, run = ObjectPath(here, "o"), ObjectPath(here, "made"), Invocation(StorletName("raises.py"))
    with pytest.raises(StorletFailedError, match="on purpose") as caught:
        send(client, source, target, run)
    assert "Traceback" in caught.value.details
    assert not metadata.exists(client, target)


def test_range_feeds_a_storlet_a_part(client: Client, here: str) -> None:
    """A plain read and a run take the same argument."""
    part = ByteRange.parse("0-4")
    for run, content in ((None, b"hello"), (UPPER, b"HELLO")):
        assert reading.get(client, ObjectPath(here, "o"), run, range=part).content == content
    with pytest.raises(UsageError, match="over a range only on the proxy"):
        reading.get(client, ObjectPath(here, "o"), UPPER._replace(on_proxy=False), range=part)


def test_expectation_that_is_not_met_is_an_error(client: Client, here: str) -> None:
    """A body of another size than expected is not taken for whole."""
    path, expected = ObjectPath(here, "o"), Expectation(bytes=5)
    with pytest.raises(IncompleteBodyError, match="but 5 expected"):
        reading.get(client, path, expected=expected)
    with pytest.raises(IncompleteBodyError, match="but 5 expected"):
        objects.put(client, ObjectPath(here, "new"), bytes_body(TEXT), UPPER, expected=expected)


def test_copy_request_refuses_what_does_not_go_together() -> None:
    """The builder checks, so that a plan is refused like the request itself."""
    source, target = ObjectPath("c", "o"), ObjectPath("c", "t")
    with pytest.raises(UsageError, match="another account"):
        copy_request(source, target, UPPER, account="AUTH_other")
    with pytest.raises(UsageError, match="COPY can't read from another account; use PUT"):
        copy_request(source, target, account="AUTH_other", verb="COPY")


def test_metadata_that_is_not_named_stays(client: Client, here: str) -> None:
    """A change is told by what was changed, and what was not there to be removed."""
    path = Location(here, "o")
    metadata.post(client, path, {"X-Object-Meta-A": "1", "X-Object-Meta-B": "2"})
    change = metadata.post(client, path, {"X-Object-Meta-A": "", "X-Object-Meta-C": ""})
    assert (change.changed, change.absent) == ({"X-Object-Meta-A": ""}, ("X-Object-Meta-C",))
    assert metadata.head(client, path).metadata == {"B": "2"}


def test_container_is_made_once_and_deleted_when_it_is_empty(client: Client, container: str) -> None:
    """A second call tells that it was there; a full one says so by its status."""
    assert containers.make(client, f"{container}-new", metadata={"Colour": "red"})
    assert not containers.make(client, f"{container}-new")
    objects.put(client, ObjectPath(f"{container}-new", "o"), bytes_body(b""))
    with pytest.raises(StorletShellError) as caught:
        delete(client, Location(f"{container}-new"))
    assert caught.value.status == 409
    assert trees.delete_tree(client, Location(f"{container}-new")) == 1
    assert not metadata.exists(client, Location(f"{container}-new"))


def test_tree_is_counted_and_deleted_without_a_question(client: Client, container: str) -> None:
    """Only what starts with the prefix goes; a second time there is nothing."""
    for name in ("a/1", "a/2", "b/1"):
        objects.put(client, ObjectPath(container, name), bytes_body(b"x"))
    target = Location(container, "a/")
    assert trees.count_tree(client, target) == 2
    assert [entry["name"] for entry in trees.list_tree(client, target)] == ["a/1", "a/2"]
    assert trees.delete_tree(client, target) == 2
    assert [entry["name"] for entry in trees.list_tree(client, Location(container))] == ["b/1"]
    with pytest.raises(NotFoundError, match="no object in container"):
        trees.delete_tree(client, target)


def test_acl_is_changed_entry_by_entry(client: Client, observer: Listening, container: str) -> None:
    """Adding twice changes nothing; other entries stay; what a user should know goes to the observer."""
    box, rules = ContainerName(container), [acls.Rule("read", ".r:*"), acls.Rule("read", ".rlistings")]
    assert [acls.add(client, box, rule) for rule in (*rules, rules[0])] == [True, True, False]
    assert acls.grant_run(client, box, "Somebody", StorletName("nowhere.py"))
    assert not acls.grant_run(client, box, "somebody", StorletName("nowhere.py"))
    assert "warning: storlet nowhere.py is not deployed" in observer.warnings
    acls.remove(client, box, rules[0])
    with pytest.raises(NotFoundError, match="in its read ACL"):
        acls.remove(client, box, rules[0])
    rules = acls.list_rules(client, box)
    assert [(rule.right, rule.grant.user if rule.grant else rule.entry) for rule in rules] == [
        ("read", ".rlistings"),
        ("read", "somebody"),
    ]


def test_observer_hears_what_a_command_would_show(client: Client, observer: Listening, here: str) -> None:
    """Inputs that are dropped, segments that stay: a program is told by its observer."""
    extra = UPPER._replace(extra=(ObjectPath(here, "o"),), parameters=(Parameter("a", "b"),))
    with pytest.raises(UsageError, match="reads at most 1 of its inputs"):
        reading.get(client, ObjectPath(here, "o"), extra)
    segment, whole = ObjectPath(here, "of-others"), ObjectPath(here, "large")
    etag = objects.put(client, segment, bytes_body(b"x")).etag
    manifest = f'[{{"path": "/{here}/of-others", "size_bytes": 1, "etag": "{etag}"}}]'.encode()
    request = Request("PUT", *whole, query=(("multipart-manifest", "put"),))
    client.send(request, bytes_body(manifest)).read()
    assert metadata.head(client, whole).has_segments
    objects.put(client, whole, bytes_body(b"small"))
    assert [
        line
        for line in observer.warnings
        if "was a large object; its 1 segment stay, since other objects may need" in line
    ]
