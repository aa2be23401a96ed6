"""Invalid paths, parameters, and files: one clear error each, and no request."""

from __future__ import annotations

import codecs
import io
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from storlet_shell import Store
from storlet_shell.errors import LocalFileError, NotFoundError, StorletShellError, UsageError
from tests.api.recording import Recording

CODE = b"class S:\n    def __init__(self, logger): pass\n    def __call__(self, i, o, p): pass\n"


def closed() -> io.BytesIO:
    """Return a file that was closed."""
    file = io.BytesIO(b"a")
    file.close()
    return file


WRONG: dict[str, tuple[Callable[[Any], object], type[StorletShellError], str]] = {
    "no object": (lambda store: store.get("c"), UsageError, "c: names a container; for an object in it: c/OBJECT"),
    "number as a path": (
        lambda store: store.get(5),
        UsageError,
        "an object's path must be a str or ObjectPath, not int",
    ),
    "tuple as a path": (lambda store: store.get(("c", "o")), UsageError, "a str or ObjectPath, not tuple"),
    "None as a path": (lambda store: store.head(None), UsageError, "a path must be a str or Location, not NoneType"),
    "bytes as a path": (lambda store: store.list(b"c"), UsageError, "a path must be a str or Location, not bytes"),
    "container with a slash": (lambda store: store.make_container("a/b"), UsageError, "a/b"),
    "NUL": (lambda store: store.get("c/a\0b"), UsageError, "NUL"),
    "surrogate": (lambda store: store.get("c/\udc80"), UsageError, "valid UTF-8"),
    "storlet with a slash": (lambda store: store.get("c/o", storlet="a/b"), UsageError, "a storlet name"),
    "number as a storlet": (lambda store: store.get("c/o", storlet=1), UsageError, "a storlet's name must be a str or"),
    "list as parameters": (lambda store: store.get("c/o", storlet="s", params=["a=b"]), UsageError, "not list"),
    "parameter with a colon": (lambda store: store.get("c/o", storlet="s", params={"a:b": 1}), UsageError, "':'"),
    "parameter of two lines": (
        lambda store: store.get("c/o", storlet="s", params={"a": "b\nc"}),
        UsageError,
        "control",
    ),
    "parameters of nobody": (lambda store: store.get("c/o", params={"a": 1}), UsageError, "require a storlet"),
    "place of nobody": (lambda store: store.get("c/o", where="node"), UsageError, "require a storlet"),
    "unknown place": (
        lambda store: store.get("c/o", storlet="s", where="here"),
        UsageError,
        "where must be one of auto",
    ),
    "text as inputs": (lambda store: store.get("c/o", storlet="s", extra="c/p"), UsageError, "extra must be a list"),
    "range of nothing": (lambda store: store.get("c/o", range="5"), UsageError, "a range"),
    "number as a range": (lambda store: store.get("c/o", range=5), UsageError, "a range must be a str or ByteRange"),
    "range on a node": (lambda store: store.get("c/o", storlet="s", range="0-1", where="node"), UsageError, "range"),
    "metadata that are none": (lambda store: store.put(b"", "c/o", metadata="a=b"), UsageError, "not str"),
    "metadatum with a blank": (lambda store: store.put(b"", "c/o", metadata={"a b": 1}), UsageError, "'a b'"),
    "metadatum whose key has a value": (lambda store: store.post("c", {"a=b": "c"}), UsageError, "'a=b'"),
    "metadata that are the same": (lambda store: store.post("c", {"a": 1, "A": 2}), UsageError, "case: 'A'"),
    "metadatum of bytes": (lambda store: store.post("c", {"a": b"1"}), UsageError, "decode them first"),
    "parameter of bytes": (lambda store: store.get("c/o", storlet="s", params={"a": b"1"}), UsageError, "decode"),
    "metadatum of two lines": (lambda store: store.post("c/o", {"a": "b\nc"}), UsageError, "control"),
    "file that is missing": (lambda store: store.put("/no/such/file", "c/o"), NotFoundError, "/no/such/file"),
    "file without a name": (lambda store: store.put("", "c/o"), UsageError, "the name of the local file is empty"),
    "folder as a file": (lambda store: store.put("/", "c/o"), UsageError, "directory"),
    "file with a NUL": (lambda store: store.put("a\0b", "c/o"), LocalFileError, "NUL"),
    "text file": (lambda store: store.put(io.StringIO("text"), "c/o"), UsageError, "open it in binary mode"),
    "number as a file": (lambda store: store.put(5, "c/o"), UsageError, "an iterable of bytes, not int"),
    "closed file": (lambda store: store.put(closed(), "c/o"), UsageError, "a file is closed"),
    "content type that is a number": (
        lambda store: store.put(b"", "c/o", content_type=5),
        UsageError,
        "content_type must be a str",
    ),
    "content type that is no text": (lambda store: store.put(b"", "c/o", content_type="\ud800"), UsageError, "UTF-8"),
    "None as a file": (lambda store: store.put(None, "c/o"), UsageError, "an iterable of bytes, not NoneType"),
    "folder that is missing": (lambda store: store.upload("/no/such", "c"), NotFoundError, "/no/such"),
    "download of the account": (lambda store: store.download("", "."), UsageError, "container"),
    "storlet that is no file": (lambda store: store.deploy("no-such.py"), NotFoundError, "no-such.py"),
    "code without a name": (lambda store: store.deploy(b"class A: pass"), UsageError, "name"),
    "pattern of nothing": (lambda store: store.map("s.py", ""), UsageError, "swift object path"),
    "number as a pattern": (lambda store: store.map("s.py", 5), UsageError, "a pattern must be a str or Pattern"),
    "upload without jobs": (
        lambda store: store.upload("/etc/hostname", "c", jobs=0),
        UsageError,
        "jobs must be an integer",
    ),
    "download without jobs": (
        lambda store: store.download("c", "/tmp", jobs=-1),
        UsageError,
        "jobs must be an integer",
    ),
    "upload of a number": (lambda store: store.upload(5, "c"), UsageError, "folder must be a str or Path, not int"),
    "download to nowhere": (lambda store: store.download("c", ""), UsageError, "and not empty"),
    "download into a file": (
        lambda store: store.download("c", "/etc/hostname"),
        UsageError,
        "store.get(path).save(file)",
    ),
    "results to nowhere": (
        lambda store: store.map("s.py", "c/*", save=""),
        UsageError,
        "save must be the path of a local",
    ),
    "results to bytes": (lambda store: store.map("s.py", "c/*", save=b"x"), UsageError, "save must be a str or Path"),
    "results to the screen": (
        lambda store: store.map("s.py", "c/*", save="-"),
        UsageError,
        "each result is written to its own file",
    ),
    "journal nowhere": (lambda store: store.map("s.py", "c/*", journal=""), UsageError, "journal must be the path"),
    "journal on the screen": (
        lambda store: store.map("s.py", "c/*", journal="-"),
        UsageError,
        "the journal needs its own file",
    ),
    "output that is a number": (lambda store: store.map("s.py", "c/*", output=5), UsageError, "output must be a str"),
    "endpoint that is none": (
        lambda store: store.map("s.py", "c/*", endpoints=["x"]),
        UsageError,
        "an endpoint must be",
    ),
    "endpoints that are a number": (
        lambda store: store.map("s.py", "c/*", endpoints=5),
        UsageError,
        "endpoints must be",
    ),
    "delimiter that is a number": (lambda store: store.list("c", delimiter=5), UsageError, "delimiter must be a str"),
    "None as inputs": (lambda store: store.get("c/o", storlet="s", extra=None), UsageError, "extra must be a list"),
    "list as a place": (
        lambda store: store.get("c/o", storlet="s", where=["auto"]),
        UsageError,
        "where must be one of",
    ),
    "dependencies that are text": (
        lambda store: store.deploy(CODE, name="s.S", dependencies="dep"),
        UsageError,
        "dependencies must be a list",
    ),
    "name of code that is a number": (lambda store: store.deploy(CODE, name=5), UsageError, "name must be a str"),
    "None as a user": (lambda store: store.grant("c", None), UsageError, "user must be a str, not NoneType"),
    "number as a storlet's user": (lambda store: store.revoke("c", 5, storlet="s"), UsageError, "user must be a str"),
    "None as stages": (lambda store: store.pipe(None, "c/o"), UsageError, "stages must be a list"),
    "moment that is text": (lambda store: store.logs("s.py", since="2026"), UsageError, "since must be a datetime"),
    "no jobs": (lambda store: store.map("s.py", "c/*", jobs=0), UsageError, "jobs"),
    "two places": (
        lambda store: store.map("s.py", "c/*", output="c/{path}2", save="f"),
        UsageError,
        "choose one: output",
    ),
    "unknown executor": (lambda store: store.map("s.py", "c/*", executor="x"), UsageError, "x"),
    "unknown field": (lambda store: store.imap("s.py", "c/*", output="d/{who}"), UsageError, "who"),
    "target that is an input": (lambda store: store.reduce("s.py", "c/*", "c/o"), UsageError, "would match"),
    "right that is none": (lambda store: store.grant("c", "u", right="all"), UsageError, "right must be"),
    "user with a colon": (lambda store: store.revoke("c", "a:u", storlet="s.py"), UsageError, "a:u"),
    "stages that are none": (lambda store: store.pipe([], "c/o"), UsageError, "storlet"),
    "moment without a zone": (lambda store: store.logs("s.py", since=datetime(2026, 1, 1)), UsageError, "time zone"),
}
"""What a program gets wrong, and what it is told."""


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_told(store: Store, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """When the method is called; no request is sent."""
    call, kind, message = WRONG[name]
    with caplog.at_level(logging.DEBUG, "storlet_shell"), pytest.raises(StorletShellError) as refusal:
        call(store)
    assert type(refusal.value) is kind
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert [record for record in caplog.records if record.name == "storlet_shell"] == []


def test_warning_names_the_method(store: Store, container: str, observer: Recording) -> None:
    """Not the command, which a program hasn't got."""
    store.grant(container, "tester", storlet="upper.py")
    assert any('store.grant("storlet", "PROJECT_ID:USER_ID")' in warning for warning in observer.warnings)
    with pytest.raises(UsageError, match='use right="read" there'):
        store.grant("storlet", "tester", storlet="upper.py")


def test_chunks_that_are_text_are_told(store: Store, container: str) -> None:
    """When they are reached; nothing is stored then."""
    with pytest.raises(UsageError, match="must yield bytes, not str"):
        store.put(iter([b"a", "b"]), f"{container}/o")  # type: ignore[list-item]
    assert not store.exists(f"{container}/o")


def test_file_of_text_is_told(store: Store, container: str) -> None:
    """Even if its class doesn't tell; nothing is stored."""
    with pytest.raises(UsageError, match="must be opened in binary mode; it returns str"):
        store.put(codecs.getreader("utf-8")(io.BytesIO(b"text")), f"{container}/o")  # type: ignore[arg-type]
    assert not store.exists(f"{container}/o")


def test_program_that_fails_while_it_is_asked_is_not_hidden(store: Store, container: str) -> None:
    """An exception of a program's own generator comes through as it is, and nothing is stored."""

    def broken() -> Any:
        yield b"a" * 100_000
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.put(broken(), f"{container}/o")
    assert not store.exists(f"{container}/o")
    assert store.exists(container)
