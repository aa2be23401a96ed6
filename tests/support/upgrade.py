"""Store data with one version of the embedded Swift, check it with another, and archive data folders.

``python -m tests.support.upgrade ARCHIVE`` archives a data folder that the current version has written.
"""

from __future__ import annotations

import base64
import json
import lzma
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from storlet_shell.embedded import control
from tests.embedded.storlets import IDENTITY, Answer, Client, storlet
from tests.support.keystone import KeystoneSwift

_ATTRIBUTES = "STORLETSHELL.xattr."

_READS_DEPENDENCY = storlet(
    """
    out.set_metadata({'a': 'b'})
    out.write(open(os.path.join(params['storlet_execution_path'], 'words.txt'), 'rb').read() + source.read())
    """
)
_OBJECTS = {"/kept/o": b"content", "/kept/empty": b"", "/kept/%C3%BC%20x/y": b"in UTF-8", "/kept/large": b"l" * 300_000}


@contextmanager
def connected(running: control.Running) -> Iterator[Client]:
    """Log in as the server's user, with tempauth or Keystone."""
    token = KeystoneSwift(running).token("tester") if running.auth == control.KEYSTONE else ""
    with closing(Client(running, token)) as client:
        yield client


def store(client: Client) -> None:
    """Store data of every kind."""
    client.request("POST", "", {"X-Account-Meta-Color": "red", "X-Account-Meta-Temp-URL-Key": "k"})
    client.request("PUT", "/kept", {"X-Container-Meta-Color": "blue", "X-Container-Read": ".r:*,.rlistings"})
    for path, content in _OBJECTS.items():
        client.put(path, content, {"X-Object-Meta-Color": "green", "Content-Type": "text/x-kept"})
    client.put("/kept/expiring", b"later", {"X-Delete-At": "4000000000"})
    client.request("PUT", "/segments")
    client.put("/segments/part-1", b"one ")
    client.put("/segments/part-2", b"two")
    manifest = json.dumps([{"path": "/segments/part-1"}, {"path": "/segments/part-2"}])
    assert client.request("PUT", "/kept/static?multipart-manifest=put", {}, manifest).status == 201
    client.put("/kept/dynamic", b"", {"X-Object-Manifest": "segments/part-"})
    client.put("/kept/link", b"", {"X-Symlink-Target": "kept/o"})
    client.request("PUT", "/versions", {"X-Versions-Enabled": "true"})
    for content in (b"first", b"second"):
        client.put("/versions/o", content)
    client.put("/kept/gone", b"")
    assert client.request("DELETE", "/kept/gone").status == 204
    client.depend("words.txt", "words and ")
    client.deploy("identity.py", IDENTITY)
    client.deploy("words.py", _READS_DEPENDENCY, dependencies="words.txt")
    client.deploy("fails.py", storlet("raise ValueError('kept in the log')"))
    assert client.run("fails.py", "/kept/o").failure == "raised"
    assert client.run("identity.py", "/kept/o").status == 200
    grant = {"X-Storlet-Container-Read": "outsider", "X-Storlet-Name": "identity.py"}
    assert client.request("POST", "/versions", grant).status == 204


def check(client: Client) -> None:
    """Check all data that :func:`store` has stored, and use it."""
    account = client.request("HEAD", "").headers
    assert (account["X-Account-Meta-Color"], account["X-Account-Meta-Temp-Url-Key"]) == ("red", "k")
    container = client.request("HEAD", "/kept").headers
    assert (container["X-Container-Meta-Color"], container["X-Container-Read"]) == ("blue", ".r:*,.rlistings")
    for path, content in _OBJECTS.items():
        answer = client.request("GET", path)
        assert (answer.status, answer.body) == (200, content), path
        assert (answer.headers["X-Object-Meta-Color"], answer.headers["Content-Type"]) == ("green", "text/x-kept")
    assert client.request("GET", "/kept/expiring").headers["X-Delete-At"] == "4000000000"
    assert client.request("GET", "/kept/static").body == client.request("GET", "/kept/dynamic").body == b"one two"
    assert client.request("GET", "/kept/link").body == b"content"
    assert len(_versions(client)) == 2
    assert sorted(client.request("GET", f"/versions/o?version-id={version}").body for version in _versions(client)) == [
        b"first",
        b"second",
    ]
    listing = client.request("GET", "/kept").text.split("\n")
    assert len(listing) == len(_OBJECTS) + 5, listing
    assert "gone" not in listing
    assert ".r:storlets.outsider_identity.py" in client.request("HEAD", "/versions").headers["X-Container-Read"]
    for name in ("o", "static", "link"):
        assert client.run("identity.py", f"/kept/{name}").body == client.request("GET", f"/kept/{name}").body
    ran = client.run("words.py", "/kept/o")
    assert (ran.body, ran.headers["X-Object-Meta-A"]) == (b"words and content", "b")
    assert "kept in the log" in client.log("fails.py")
    assert client.run("fails.py", "/kept/o").failure == "raised"
    assert client.log("fails.py").count("ValueError: kept in the log\n") >= 2


def go_on(client: Client) -> None:
    """Change stored data, and store more."""
    client.put("/kept/new", b"new")
    client.put("/kept/o", b"changed", {"X-Object-Meta-Color": "white"})
    assert client.request("GET", "/kept/o").headers["X-Object-Meta-Color"] == "white"
    assert client.request("DELETE", "/kept/large").status == 204
    listing: Answer = client.request("GET", "/kept")
    assert "new" in listing.text.split("\n")
    assert "large" not in listing.text.split("\n")
    client.deploy("identity.py", IDENTITY.replace("out_files[0].write(data)", "out_files[0].write(data.upper())"))
    assert client.run("identity.py", "/kept/o").body == b"CHANGED"


def pack(folder: Path, archive: Path) -> None:
    """Archive a folder with its extended attributes, where Swift keeps metadata."""
    with lzma.open(archive, "wb", preset=9) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(folder.rglob("*")):
            if not (path.is_file() or path.is_dir()) or path.is_symlink():
                continue
            entry = tar.gettarinfo(path, str(path.relative_to(folder)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.pax_headers = {
                f"{_ATTRIBUTES}{name}": base64.b64encode(os.getxattr(path, name)).decode()
                for name in os.listxattr(path)
                if name.startswith("user.")
            }
            if path.is_dir():
                tar.addfile(entry)
            else:
                with path.open("rb") as file:
                    tar.addfile(entry, file)


def unpack(archive: Path, folder: Path) -> None:
    """Extract an archive that :func:`pack` has written."""
    folder.mkdir(mode=0o700)
    with lzma.open(archive) as packed, tarfile.open(fileobj=packed) as tar:
        for entry in tar:
            tar.extract(entry, folder, filter="data")
            path = folder / entry.name
            path.chmod(entry.mode)
            for name, value in entry.pax_headers.items():
                if name.startswith(_ATTRIBUTES):
                    os.setxattr(path, name.removeprefix(_ATTRIBUTES), base64.b64decode(value))


def _versions(client: Client) -> list[str]:
    """Return the version IDs of the object ``o``."""
    rows = json.loads(client.request("GET", "/versions?versions&format=json").body)
    return [row["version_id"] for row in rows if row["name"] == "o"]


def main(archive: Path) -> None:
    """Archive a data folder in which both tempauth's user and Keystone's have stored data."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "data")
        for auth in (control.KEYSTONE, control.TEMPAUTH):
            running, _ = control.start(folder, control.Settings(auth=auth))
            with connected(running) as client:
                store(client)
                check(client)
            control.stop(folder)
        pack(folder, archive)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
