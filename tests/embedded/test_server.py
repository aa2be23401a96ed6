"""The server answers as a cloud does."""

from __future__ import annotations

import hmac
import io
import json
import os
import pickle
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import swiftclient

from storlet_shell.embedded import control

from .conftest import connect


def get(url: str) -> Any:
    """Get a JSON document without authentication."""
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def test_the_proxy_tells_its_memory(swift: control.Running) -> None:
    """Recon answers on the proxy's port, to anybody on this machine."""
    told = get(f"http://127.0.0.1:{swift.port}/recon/mem")
    assert int(told["MemTotal"].split()[0]) > 0


def test_info_lists_the_middleware(swift: control.Running) -> None:
    """List the middleware that clouds enable by default, and storlets."""
    info = get(f"http://127.0.0.1:{swift.port}/info")
    assert info["storlet_handler"]["storlet_container"] == "storlet"
    assert info["storlet_handler"]["storlet_dependency"] == "dependency"
    expected = (
        "account_quotas bulk_delete bulk_upload container_quotas domain_remap formpost object_versioning slo staticweb"
        " symlink"
    )
    assert set(f"{expected} tempauth tempurl versioned_writes".split()) <= set(info)


def test_health(swift: control.Running) -> None:
    """The health check answers."""
    with urllib.request.urlopen(f"http://127.0.0.1:{swift.port}/healthcheck") as answer:
        assert answer.read() == b"OK"


def test_nobody_gets_in_without_the_password(swift: control.Running) -> None:
    """A wrong password and no token are refused."""
    with pytest.raises(swiftclient.ClientException) as refused:
        swiftclient.get_auth(swift.auth_url, swift.user, "wrong")
    assert refused.value.http_status == 401
    with pytest.raises(swiftclient.ClientException) as refused:
        swiftclient.get_account(swift.storage_url, "AUTH_tk0")
    assert refused.value.http_status == 401


def test_the_user_s_account_is_where_it_says(swift: control.Running, connection: connect) -> None:
    """Tempauth's storage URL is the one that is known without asking."""
    assert connection.get_auth()[0] == swift.storage_url


def test_the_account_is_ready_for_storlets(connection: connect) -> None:
    """The account is enabled, and its containers exist before any deployment."""
    headers, containers = connection.get_account()
    assert headers["x-account-meta-storlet-enabled"] == "True"
    assert {"storlet", "dependency", "storletlog"} <= {container["name"] for container in containers}


def test_storage_servers_answer_their_own_process_only(swift: control.Running) -> None:
    """Not even this user's other processes, a storlet's for one, get past the proxy."""
    for name in ("account", "container", "object"):
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(swift.folder / "run" / name))
            try:
                other.sendall(b"GET /recon/mem HTTP/1.0\r\n\r\n")
                answer = other.recv(100)
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
            assert answer == b""


def test_the_server_waits_without_epoll(swift: control.Running) -> None:
    """The kernel has so many of epoll's watches for a user, and a storlet of that user's can take them all."""
    held = [link.readlink() for link in Path(f"/proc/{swift.pid}/fd").iterdir() if link.is_symlink()]
    assert held
    assert not [path for path in held if "eventpoll" in str(path)]


@pytest.mark.slow
def test_listings_are_right_at_once(connection: connect) -> None:
    """A new container and a new object are listed as soon as they are answered."""
    for number in range(20):
        connection.put_container(f"new{number}")
        assert f"new{number}" in [entry["name"] for entry in connection.get_account()[1]]
        connection.put_object("new0", f"o{number}", b"x")
        assert len(connection.get_container("new0")[1]) == number + 1


@pytest.mark.slow
def test_the_account_s_figures_follow_soon(connection: connect) -> None:
    """Two seconds later the account knows how many objects and bytes a container holds."""
    connection.put_container("größe")
    connection.put_object("größe", "o", b"x" * 1000)
    shown = None
    for _ in range(40):
        shown = next(entry for entry in connection.get_account()[1] if entry["name"] == "größe")
        if (shown["count"], shown["bytes"]) == (1, 1000):
            return
        time.sleep(0.1)
    raise AssertionError(shown)


@pytest.mark.slow
def test_expired_objects_are_gone(connection: connect) -> None:
    """An object past its time answers 404."""
    connection.put_container("expiring")
    connection.put_object("expiring", "o", b"x", headers={"X-Delete-After": "1"})
    time.sleep(1.5)
    with pytest.raises(swiftclient.ClientException) as missing:
        connection.get_object("expiring", "o")
    assert missing.value.http_status == 404
    # Until it is removed, those who ask for it can still read it.
    assert connection.get_object("expiring", "o", headers={"X-Open-Expired": "true"})[1] == b"x"


def test_large_objects(connection: connect) -> None:
    """Static and dynamic large objects come back in one piece, and in ranges across segments."""
    connection.put_container("large")
    parts = [bytes([65 + number]) * 1000 for number in range(3)]
    etags = [connection.put_object("large", f"part/{number}", part) for number, part in enumerate(parts)]
    manifest = [{"path": f"large/part/{number}", "etag": etag} for number, etag in enumerate(etags)]
    connection.put_object("large", "static", json.dumps(manifest), query_string="multipart-manifest=put")
    connection.put_object("large", "dynamic", b"", headers={"X-Object-Manifest": "large/part/"})
    for name in ("static", "dynamic"):
        assert connection.get_object("large", name)[1] == b"".join(parts)
        assert connection.get_object("large", name, headers={"Range": "bytes=998-1001"})[1] == b"AABB"


def test_symlinks(connection: connect) -> None:
    """A symbolic link answers with its target's content."""
    connection.put_container("links")
    connection.put_object("links", "target", b"content")
    connection.put_object("links", "link", b"", headers={"X-Symlink-Target": "links/target"})
    assert connection.get_object("links", "link")[1] == b"content"


@pytest.mark.slow
def test_object_versioning(connection: connect) -> None:
    """Both generations of versioning keep what is overwritten."""
    connection.put_container("versioned", headers={"X-Versions-Enabled": "true"})
    for body in (b"first", b"second"):
        connection.put_object("versioned", "o", body)
    versions = connection.get_container("versioned", query_string="versions")[1]
    assert len(versions) == 2
    connection.put_container("archive")
    connection.put_container("stacked", headers={"X-Versions-Location": "archive"})
    for body in (b"first", b"second"):
        connection.put_object("stacked", "o", body)
    assert len(connection.get_container("archive")[1]) == 1
    connection.delete_object("stacked", "o")
    assert connection.get_object("stacked", "o")[1] == b"first"


def test_failed_heads_have_a_length(connection: connect, swift: control.Running) -> None:
    """A HEAD that is refused, or finds nothing, announces a length, as stock does: it isn't chunked."""
    url, token = connection.get_auth()
    client = HTTPConnection("127.0.0.1", swift.port)
    for path, headers, status in (("/none", {"X-Auth-Token": token}, 404), ("/objects", {}, 401)):
        client.request("HEAD", f"{url.partition(str(swift.port))[2]}{path}", headers=headers)
        answer = client.getresponse()
        answer.read()
        assert (answer.status, answer.headers["Content-Length"]) == (status, "0")
        assert "Transfer-Encoding" not in answer.headers
    client.close()


def test_metadata_up_to_the_announced_limits_is_stored(connection: connect, swift: control.Running) -> None:
    """The most entries and the greatest size are stored, whatever the characters; one byte more is refused."""
    limits = get(f"http://127.0.0.1:{swift.port}/info")["swift"]
    count, overall = limits["max_meta_count"], limits["max_meta_overall_size"]
    size = overall // count - 2
    names = [f"X-Object-Meta-{number:02}" for number in range(count)]
    values = ["v" * (size % 2) + "ü" * (size // 2) for _ in names]  # two bytes each
    values[0] += "v" * (overall - count * (size + 2))
    headers = dict(zip(names, values, strict=True))
    connection.put_object("objects", "full", b"", headers=headers)
    assert connection.post_object("objects", "full", headers) is None
    stored = connection.head_object("objects", "full")
    assert [stored[name.lower()] for name in names] == values
    for more in ({names[0]: values[0] + "v"}, {"X-Object-Meta-99": ""}):
        with pytest.raises(swiftclient.ClientException) as refused:
            connection.put_object("objects", "full", b"", headers={**headers, **more})
        assert refused.value.http_status == 400


@pytest.mark.parametrize("path", ["", "/objects"])
def test_limits_hold_for_what_several_requests_set(swift: control.Running, connection: connect, path: str) -> None:
    """The metadata of an account or a container stays within the announced limits, however it is set."""
    limits = get(f"http://127.0.0.1:{swift.port}/info")["swift"]
    prefix = "X-Container-Meta-Limit" if path else "X-Account-Meta-Limit"
    url, token = connection.get_auth()
    client = HTTPConnection("127.0.0.1", swift.port)
    size = len("Limit-0") + 200
    statuses = []
    for value in ("v" * 200, ""):
        for number in range(limits["max_meta_overall_size"] // size + 1):
            client.request("POST", url + path, headers={f"{prefix}-{number:x}": value, "X-Auth-Token": token})
            answer = client.getresponse()
            answer.read()
            statuses.append(answer.status)
    client.close()
    half = len(statuses) // 2
    assert statuses == [204] * (half - 1) + [400] + [204] * half


def test_metadata_is_stored_as_any_swift_reads_it(connection: connect, swift: control.Running) -> None:
    """On the disk it is pickled bytes, one for each of the header's, which every Swift on Python 3 reads."""
    connection.put_object("objects", "für andere", b"", headers={"X-Object-Meta-Number": "zwölf"})
    for path in swift.folder.glob("devices/disk/objects/**/*.data"):
        stored = pickle.loads(os.getxattr(path, "user.swift.metadata"), encoding="bytes")
        if stored[b"name"] == "/AUTH_local/objects/für andere":
            break
    else:
        raise AssertionError("its file wasn't found")
    assert stored[b"X-Object-Meta-Number"] == "zwölf".encode()
    assert connection.head_object("objects", "für andere")["x-object-meta-number"] == "zwölf"


def test_a_domain_stands_for_an_account(connection: connect, swift: control.Running) -> None:
    """Container and account can be in the name of the host, below example.com as in Swift's sample configuration."""
    connection.put_object("objects", "remapped", b"content")
    client = HTTPConnection("127.0.0.1", swift.port)
    headers = {"Host": "objects.AUTH-local.example.com", "X-Auth-Token": connection.get_auth()[1]}
    client.request("GET", "/remapped", headers=headers)
    assert client.getresponse().read() == b"content"
    client.close()


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_temporary_urls_are_signed_as_on_stock(connection: connect, swift: control.Running, digest: str) -> None:
    """Every digest that Swift accepts by default is accepted."""
    connection.post_account({"X-Account-Meta-Temp-URL-Key": "key"})
    connection.put_object("objects", "signed", b"content")
    path, expires = "/v1/AUTH_local/objects/signed", int(time.time()) + 600
    signature = hmac.new(b"key", f"GET\n{expires}\n{path}".encode(), digest).hexdigest()
    url = f"http://127.0.0.1:{swift.port}{path}?temp_url_sig={signature}&temp_url_expires={expires}"
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"content"


def test_bulk(connection: connect) -> None:
    """An archive is unpacked into objects, and several objects are deleted by one request."""
    connection.put_container("bulk")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("a", "b"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    connection.put_object("bulk", "", archive.getvalue(), query_string="extract-archive=tar")
    assert [entry["name"] for entry in connection.get_container("bulk")[1]] == ["a", "b"]
    headers = {"Content-Type": "text/plain", "Accept": "application/json"}
    connection.post_account(headers, query_string="bulk-delete", data=b"/bulk/a\n/bulk/b\n")
    assert connection.get_container("bulk")[1] == []


def test_copy(connection: connect) -> None:
    """An object is copied on the server."""
    connection.put_container("copies")
    connection.put_object("copies", "source", b"content")
    connection.copy_object("copies", "source", "/copies/target")
    assert connection.get_object("copies", "target")[1] == b"content"


def test_quotas(connection: connect) -> None:
    """A container's quota is kept."""
    connection.put_container("quota", headers={"X-Container-Meta-Quota-Bytes": "10"})
    with pytest.raises(swiftclient.ClientException) as refused:
        connection.put_object("quota", "o", b"x" * 11)
    assert refused.value.http_status == 413


@pytest.mark.slow
def test_names_of_all_kinds(connection: connect) -> None:
    """Containers and objects of any name are stored, listed and found."""
    container = "a b%2F#?ü\n"
    connection.put_container(container)
    for name in ("ö/b c", "100%", "a?b#c", "x\ny", "日本", "%20", "a//b", "/"):
        connection.put_object(container, name, name.encode())
        assert connection.get_object(container, name)[1] == name.encode()
        assert name in [entry["name"] for entry in connection.get_container(container)[1]]


@pytest.mark.slow
def test_connections_are_kept(swift: control.Running, connection: connect) -> None:
    """Fifty requests go over one connection."""
    connection.put_container("kept")
    connection.put_object("kept", "o", b"x" * 1024)
    url, token = connection.get_auth()
    kept = HTTPConnection("127.0.0.1", swift.port)
    kept.connect()
    own_port = kept.sock.getsockname()[1]
    for _ in range(50):
        kept.request("GET", f"{url.partition(str(swift.port))[2]}/kept/o", headers={"X-Auth-Token": token})
        assert len(kept.getresponse().read()) == 1024
        assert kept.sock.getsockname()[1] == own_port
    kept.close()


_ACCEPT = """
import socket
from storlet_shell.embedded.server.servers import _listen
listener = _listen(None, None)
client = socket.create_connection(listener.getsockname())
accepted, _ = listener.accept()
print(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
"""


@pytest.mark.slow
def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Connections that the server accepts have TCP_NODELAY, without which an answer in two writes takes 40 ms."""
    output = subprocess.run([sys.executable, "-W", "ignore", "-c", _ACCEPT], check=True, capture_output=True)
    assert output.stdout == b"1\n"


def test_the_log_holds_no_secrets(swift: control.Running, connection: connect) -> None:
    """Log neither the password nor a token, whether requests succeed or fail."""
    token = connection.get_auth()[1]
    with pytest.raises(swiftclient.ClientException):
        connection.get_object("missing", "o")
    with pytest.raises(swiftclient.ClientException):
        swiftclient.get_account(swift.storage_url, "AUTH_ftkwrong")
    logged = (swift.folder / "log").read_text()
    assert swift.key not in logged
    assert token not in logged


def test_start_logs_no_warnings(swift: control.Running) -> None:
    """Loading the gateway and the default digests aren't worth a warning."""
    logged = (swift.folder / "log").read_text()
    assert "Could not load" not in logged
    assert "deprecated" not in logged


@pytest.mark.slow
def test_additional_users_have_accounts(tmp_path: Path) -> None:
    """Users of tempauth can be added: their accounts exist, and a service's token opens a service account."""
    users = {"one:a": "first .admin", "two:b": "second service"}
    with control.join_or_start(Path(), control.Settings(ephemeral=True, users=users)) as lease:
        tokens = [
            swiftclient.get_auth(lease.running.auth_url, name, users[name].split()[0])[1] for name in ("one:a", "two:b")
        ]
        client = HTTPConnection("127.0.0.1", lease.running.port)
        for headers, method, path, status in (
            ({"X-Auth-Token": tokens[0]}, "HEAD", "/v1/AUTH_one", 204),
            ({"X-Auth-Token": tokens[1]}, "HEAD", "/v1/AUTH_one", 403),
            ({"X-Auth-Token": tokens[0]}, "PUT", "/v1/SERVICE_one/c", 403),
            ({"X-Auth-Token": tokens[0], "X-Service-Token": tokens[1]}, "PUT", "/v1/SERVICE_one/c", 201),
        ):
            client.request(method, path, headers=headers)
            answer = client.getresponse()
            answer.read()
            assert answer.status == status, (method, path, headers)
        client.close()
