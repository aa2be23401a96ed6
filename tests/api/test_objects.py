"""Objects and containers by the methods of a store: results, streams, and refusals."""

from __future__ import annotations

import gc
import io
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storlet_shell import Store
from storlet_shell.errors import NotFoundError, StorletFailedError, StorletShellError, UsageError
from storlet_shell.values import ByteRange, ContainerName, Location, ObjectPath, StorletName
from tests.support.fixtures import TEXT


def test_head_tells_of_each_kind(store: Store, here: str) -> None:
    """Account, container and object; names of headers and metadata in any case."""
    store.post(f"{here}/o", {"Season": "winter"})
    of_object = store.head(f"{here}/o")
    assert (of_object.kind, of_object.size, of_object.metadata["SEASON"]) == ("object", len(TEXT), "winter")
    assert of_object.etag == "0f723ae7f9bf07744445e93ac5595156"
    assert store.head(here).kind == "container"
    assert store.head().kind == store.head("").kind == "account"
    assert store.head().is_enabled


@pytest.mark.parametrize("path", ["{here}/o", "path:/{here}/o", "/{here}/o"])
def test_paths_are_spelled_as_on_a_line(store: Store, here: str, path: str) -> None:
    """The prefix is optional."""
    assert store.get(path.format(here=here)).content == TEXT


def test_values_are_taken_for_strings(store: Store, here: str) -> None:
    """Wherever a string is."""
    path = ObjectPath(here, "o")
    run = {"storlet": StorletName("upper.py"), "range": ByteRange(0, 4)}
    assert store.get(path, **run).content == b"HELLO"  # type: ignore[arg-type]
    assert store.exists(path)
    assert store.exists(ContainerName(here))
    assert [entry.name for entry in store.list(Location(here, "o"))] == ["o"]


def test_exists_tells_without_raising(store: Store, here: str) -> None:
    """For an object, a container, and the account."""
    assert store.exists(f"{here}/o")
    assert store.exists(here)
    assert store.exists("")
    assert not store.exists(f"{here}/nothing")
    assert not store.exists("no-such-container")


def test_listing_is_of_entries(store: Store, here: str) -> None:
    """With sizes, dates in UTC and MD5s; folded at a delimiter; of containers with their numbers of objects."""
    store.put(b"1234", f"{here}/f/one.csv")
    store.put(b"", f"{here}/f/two.csv")
    entries = {entry.name: entry for entry in store.list(here)}
    one = entries["f/one.csv"]
    assert (one.bytes, one.content_type, one.etag) == (4, "text/csv", "81dc9bdb52d04dc20036dbd8313ed055")
    assert one.modified is not None
    assert abs(one.modified - datetime.now(UTC)) < timedelta(hours=1)
    assert one.objects is None
    folded, single = store.list(here, delimiter="/")
    assert (folded.name, folded.bytes, folded.modified) == ("f/", None, None)
    assert single.name == "o"
    (container,) = [entry for entry in store.list() if entry.name == here]
    assert container.objects is not None  # the account learns of them a moment later


def test_move_keeps_what_exists(store: Store, here: str) -> None:
    """Unless it is forced; patterns find the object under its new name, and usage counts it in its folder."""
    store.put(b"1234", f"{here}/f/one.csv")
    with pytest.raises(StorletShellError, match=r"already exists \(replace it: force=True\)"):
        store.move(f"{here}/f/one.csv", f"{here}/o")
    assert store.move(f"{here}/f/one.csv", f"{here}/g/1.csv").path == ObjectPath(here, "g/1.csv")
    assert [entry.name for entry in store.glob(f"{here}/**/*.csv")] == ["g/1.csv"]
    assert list(store.glob(f"{here}/x*")) == []
    folder, whole = store.usage(here)
    assert (folder.location, folder.bytes, folder.objects) == (Location(here, "g/"), 4, 1)
    assert (whole.location, whole.bytes, whole.objects) == (Location(here), 4 + len(TEXT), 2)
    assert list(store.usage(here, depth=0)) == [whole]
    assert store.move(f"{here}/g/1.csv", f"{here}/o", force=True).etag == "81dc9bdb52d04dc20036dbd8313ed055"


def test_listing_fails_when_it_is_read(store: Store) -> None:
    """A missing container is reported at the first row."""
    entries = store.list("no-such-container")
    with pytest.raises(NotFoundError):
        next(entries)


def test_container_is_made_once(store: Store) -> None:
    """One that exists stays; a policy that doesn't exist is told."""
    name = f"made-{secrets.token_hex(4)}"
    store.make_container(name)
    store.make_container(ContainerName(name))
    assert store.exists(name)
    with pytest.raises(StorletShellError, match="Policy"):
        store.make_container(f"{name}-2", policy="no such")
    store.delete(name)
    assert not store.exists(name)


def _chunks() -> Iterator[bytes]:
    yield b"one "
    yield b""
    yield b"two " * 50_000


@pytest.mark.parametrize(
    ("send", "content"),
    [
        (lambda folder: str(folder / "file"), b"of a file"),
        (lambda folder: folder / "file", b"of a file"),
        (lambda _: b"bytes", b"bytes"),
        (lambda _: bytearray(b"more"), b"more"),
        (lambda _: b"", b""),
        (lambda folder: (folder / "file").open("rb"), b"of a file"),
        (lambda _: io.BytesIO(b"in memory"), b"in memory"),
        (lambda _: [b"a", b"", b"b"], b"ab"),
        (lambda _: _chunks(), b"".join(_chunks())),
    ],
    ids=["path", "Path", "bytes", "bytearray", "empty", "file", "stream", "list", "generator"],
)
def test_anything_can_be_put(
    store: Store, container: str, tmp_path: Path, send: Callable[[Path], Any], content: bytes
) -> None:
    """A file by its path, bytes, a binary file, chunks; what is stored is compared with what was sent."""
    (tmp_path / "file").write_bytes(b"of a file")
    file = send(tmp_path)
    stored = store.put(file, f"{container}/o.csv", metadata={"Number": 1})
    if hasattr(file, "close"):
        file.close()
    assert stored.path == ObjectPath(container, "o.csv")
    assert stored.transaction_id
    info = store.head(f"{container}/o.csv")
    assert (info.etag, info.metadata["number"], info.headers["content-type"]) == (stored.etag, "1", "text/csv")
    assert store.get(f"{container}/o.csv").content == content


def test_file_is_sent_from_its_position_on(store: Store, container: str) -> None:
    """The same as in other libraries."""
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    store.put(file, f"{container}/o", content_type="text/x-made")
    assert store.get(f"{container}/o").content == b"456789"
    assert store.head(f"{container}/o").headers["content-type"] == "text/x-made"


def test_storlet_runs_over_get_put_and_copy(store: Store, here: str) -> None:
    """Parameters may have any type, with ranges and further inputs."""
    assert store.get(f"{here}/o", storlet="upper.py").text == "HELLO\nWORLD\n"
    assert store.get(f"{here}/o", storlet="tell.py", params={"n": 1, "x": 2.5}).json() == {"n": "1", "x": "2.5"}
    assert store.get(f"{here}/o", storlet="upper.py", range="-6").content == b"WORLD\n"
    assert store.get(f"{here}/o", storlet="upper.py", where="proxy").ran.endswith("on the proxy server")
    assert store.get(f"{here}/o", storlet="upper.py", where="node").ran.endswith("on the object server")
    store.put(b"abc", f"{here}/up", storlet="upper.py")
    store.copy(f"{here}/up", f"{here}/copy")
    store.copy(f"{here}/copy", f"{here}/both", storlet="join.py", extra=[f"{here}/o"])
    assert store.get(f"{here}/both").content == b"[ABC][" + TEXT + b"]"
    assert store.get(f"{here}/copy", range="1-").content == b"BC"


@pytest.mark.slow
def test_body_streams_and_can_be_left(store: Store, container: str) -> None:
    """A response that is closed early gives its connection up, and the store goes on; its clients don't become more."""
    content = bytes(range(256)) * 40_000
    store.put(content, f"{container}/large")
    for _ in range(5):
        with store.get(f"{container}/large") as response:
            assert next(response.iter_content(1000)) == content[:1000]
        with pytest.raises(StorletShellError, match="read before and not kept"):
            response.content  # noqa: B018
        assert store.get(f"{container}/large").content == content
    assert len(store._clients._idle) == 1
    assert not store._clients._lent


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_response_that_is_dropped_holds_nothing(store: Store, here: str) -> None:
    """Neither its client nor the store waits for a reader."""
    store.get(f"{here}/o")
    gc.collect()
    assert not store._clients._lent
    assert store.get(f"{here}/o").content == TEXT


def test_open_responses_do_not_disturb_each_other(store: Store, container: str) -> None:
    """Several bodies are read in turn by one thread."""
    for name in "abc":
        store.put(name.encode() * 300_000, f"{container}/{name}")
    bodies = [store.get(f"{container}/{name}").iter_content(100_000) for name in "abc"]
    for _ in range(3):
        assert [set(next(body)) for body in bodies] == [{97}, {98}, {99}]
    assert [set(b"".join(body)) for body in bodies] == [{97}, {98}, {99}]


def test_failed_storlet_is_an_error_with_its_log(store: Store, here: str) -> None:
    """And fields that a program may decide on; a failed call gives its client back."""
    with pytest.raises(StorletFailedError) as failure:
        store.get(f"{here}/o", storlet="raises.py")
    error = failure.value
    assert error.transaction_id
    assert "Traceback" in error.details
    assert int(error.exit_status) == 6
    with pytest.raises(NotFoundError) as missing:
        store.get(f"{here}/nothing")
    assert missing.value.status == 404
    assert not store._clients._lent


def test_metadata_are_set_and_removed(store: Store, here: str) -> None:
    """Of an object, whose others stay; None and empty text remove one; of a container and the account as well."""
    store.post(f"{here}/o", {"a": 1, "b": "two"})
    store.post(ObjectPath(here, "o"), {"a": None, "c": 3.5})
    assert dict(store.head(f"{here}/o").metadata) == {"B": "two", "C": "3.5"}
    store.post(here, {"owner": "me"})
    assert store.head(here).metadata["owner"] == "me"
    store.post(here, {"owner": ""})
    assert "owner" not in store.head(here).metadata
    with pytest.raises(NotFoundError):
        store.post(f"{here}/nothing", {"a": 1})


def test_deletion_asks_nobody(store: Store, here: str) -> None:
    """One object, a prefix, a container with all it holds; the empty one; and what isn't there is told."""
    for name in ("a/1", "a/2", "b"):
        store.put(b"x", f"{here}/{name}")
    assert store.delete(f"{here}/b").objects == 1
    with pytest.raises(NotFoundError):
        store.delete(f"{here}/b")
    assert store.delete(f"{here}/a/", recursive=True).objects == 2
    with pytest.raises(StorletShellError) as refusal:
        store.delete(here)
    assert refusal.value.status == 409
    assert store.delete(here, recursive=True).objects == 1
    assert not store.exists(here)
    with pytest.raises(UsageError):
        store.delete("")


def test_folder_goes_up_and_comes_down(store: Store, container: str, tmp_path: Path) -> None:
    """Files in folders; what fails is in the result, and raised on demand."""
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    (source / "a").write_bytes(b"aaa")
    (source / "below" / "b").write_bytes(b"bb")
    uploaded = store.upload(source, f"{container}/up")
    assert (uploaded.files, uploaded.bytes, uploaded.failures) == (2, 5, ())
    uploaded.raise_for_failed()
    assert store.upload(str(source), f"{container}/up", skip_identical=True).identical == 2
    store.put(b"x", f"{container}/up/a/is-a-folder-as-well")
    downloaded = store.download(f"{container}/up/", tmp_path / "target")
    assert (downloaded.files, len(downloaded.failures)) == (2, 1)
    with pytest.raises(StorletShellError, match="1 could not be downloaded"):
        downloaded.raise_for_failed()
    assert (tmp_path / "target" / "below" / "b").read_bytes() == b"bb"
