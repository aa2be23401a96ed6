"""Storlets run on the requests of upstream's middleware."""

from __future__ import annotations

import hashlib
import json
import os
from urllib.parse import quote

import pytest

from .storlets import IDENTITY, PROXY, Client, storlet

WHERE = pytest.mark.parametrize("where", [{}, PROXY], ids=["node", "proxy"])

TELL = storlet(
    """
    import json
    out.set_metadata({})
    out.write(json.dumps({
        "params": params, "sizes": [len(file.read()) for file in in_files],
        "metadata": [file.get_metadata() for file in in_files],
        "classes": [type(file).__module__ for file in [*in_files, *out_files]],
    }).encode())
    """
)
HASH = storlet(
    """
    import hashlib
    out.set_metadata({})
    out.write(hashlib.md5(source.read()).hexdigest().encode())
    """
)


@WHERE
@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 3_000_001])
def test_bodies_come_through_whole(client: Client, where: dict[str, str], size: int) -> None:
    """An identity storlet changes nothing, whatever the size."""
    client.deploy("identity.py", IDENTITY)
    body = os.urandom(size)
    client.put("/c/sized", body)
    answer = client.run("identity.py", "/c/sized", where)
    assert (answer.status, answer.whole) == (200, True)
    assert answer.body == body


@WHERE
def test_metadata_become_headers(client: Client, where: dict[str, str]) -> None:
    """A storlet's metadata become the object's, its content-type the answer's, and None nothing."""
    md = "{**source.get_metadata(), 'a': 'b', 'n': 1, 'none': None, 'content-type': 'text/x-y', 'latin': 'é'}"
    client.deploy("meta.py", storlet(f"out.set_metadata({md})"))
    answer = client.run("meta.py", "/c/o", where)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/x-y")
    got = {name: value for name, value in answer.headers.items() if name.startswith("X-Object-Meta-")}
    assert got["X-Object-Meta-Colour"] == "red"
    assert (got["X-Object-Meta-A"], got["X-Object-Meta-N"], "X-Object-Meta-None" in got) == ("b", "1", False)


@WHERE
def test_parameters(client: Client, where: dict[str, str]) -> None:
    """Parameters come from headers and the query string; the execution path is the engine's."""
    client.deploy("told.py", TELL)
    answer = client.run("told.py", "/c/o", where, query="?q=1", k="v:ü é", e="")
    params = json.loads(answer.body)["params"]
    path = params.pop("storlet_execution_path")
    assert params == {"q": "1", "k": "v:ü é", "e": ""}
    assert path.startswith("/")


def test_files_are_upstreams(client: Client) -> None:
    """Storlets get the classes that upstream's agent gives them."""
    client.deploy("told.py", TELL)
    told = client.result("told.py", "/c/o")
    assert set(told["classes"]) == {"storlets.agent.daemon.files"}
    assert told["metadata"] == [{"Colour": "red"}]


@WHERE
@pytest.mark.parametrize(("asked", "start", "end"), [("0-0", 0, 1), ("5-9", 5, 10), ("0-1023", 0, 1024)])
def test_range(client: Client, where: dict[str, str], asked: str, start: int, end: int) -> None:
    """A storlet's range limits what it reads."""
    body = os.urandom(1024)
    client.put("/c/ranged", body)
    client.deploy("identity.py", IDENTITY)
    answer = client.run("identity.py", "/c/ranged", {**where, "X-Storlet-Range": f"bytes={asked}"})
    assert (answer.status, answer.body) == (200, body[start:end])


def test_extra_resources(client: Client) -> None:
    """Further inputs follow the first, each with its own metadata."""
    client.put("/c/e1", b"12", {"X-Object-Meta-N": "one"})
    client.put("/c/e%202", b"345")
    client.deploy("told.py", TELL)
    told = client.result("told.py", "/c/o", {"X-Storlet-Extra-Resources": f"/c/e1,/c/{quote('e 2')}"})
    assert told["sizes"] == [1024, 2, 3]
    assert [md.get("N") for md in told["metadata"]] == [None, "one", None]


def test_put_and_copy(client: Client) -> None:
    """Uploads and copies store what the storlet makes of them, in either spelling of a copy."""
    client.deploy("hash.py", HASH)
    body = os.urandom(300_000)
    digest = hashlib.md5(body).hexdigest().encode()
    client.put("/c/source", body)
    run = {"X-Run-Storlet": "hash.py"}
    requests = [
        ("PUT", "/c/t1", run, body),
        ("PUT", "/c/t2", {**run, "X-Copy-From": "/c/source", "Content-Length": "0"}, None),
        ("COPY", "/c/source", {**run, "Destination": "c/t3"}, None),
        ("COPY", "/c/source", {**run, **PROXY, "Destination": "c/t4"}, None),
        ("PUT", "/c/t5", run, iter([body[:100], body[100:]])),
    ]
    for number, (method, path, headers, content) in enumerate(requests, 1):
        assert client.request(method, path, headers, content).status == 201
        assert client.request("GET", f"/c/t{number}").body == digest


def test_large_objects_and_links_are_inputs(client: Client) -> None:
    """A static large object and a symbolic link are read as what they stand for."""
    client.deploy("hash.py", HASH)
    parts = [os.urandom(1 << 20), os.urandom(1000)]
    for number, part in enumerate(parts):
        client.put(f"/c/part{number}", part)
    manifest = json.dumps([{"path": f"/c/part{number}"} for number in range(2)]).encode()
    assert client.request("PUT", "/c/slo?multipart-manifest=put", None, manifest).status == 201
    client.put("/c/link", b"", {"X-Symlink-Target": "c/part1", "Content-Type": "application/symlink"})
    assert client.run("hash.py", "/c/slo").text == hashlib.md5(b"".join(parts)).hexdigest()
    assert client.run("hash.py", "/c/link").text == hashlib.md5(parts[1]).hexdigest()


def test_a_redeployed_storlet_runs_at_once(client: Client) -> None:
    """A change takes effect at the next invocation, at equal length too."""
    for version in range(5):
        client.deploy("versioned.py", storlet(f"out.set_metadata({{}}); out.write(b'{version}')"))
        assert client.run("versioned.py", "/c/o").text == str(version)


def test_a_changed_dependency_runs_at_once(client: Client) -> None:
    """A dependency's change takes effect at the next invocation, without a new deployment of the storlet."""
    client.depend("answers.py", "VALUE = b'1'")
    code = storlet("out.set_metadata({}); out.write(answers.VALUE)", "import answers")
    client.deploy("depends.py", code, dependencies="answers.py")
    assert client.run("depends.py", "/c/o").text == "1"
    client.depend("answers.py", "VALUE = b'2'")
    assert client.run("depends.py", "/c/o").text == "2"
    assert client.request("DELETE", "/dependency/answers.py").status == 204
    answer = client.run("depends.py", "/c/o")
    assert (answer.failure, "answers.py" in answer.text) == ("missing", True)


def test_a_dependency_can_be_executed(client: Client) -> None:
    """A dependency keeps its permissions, and lies in the folder that the parameters name."""
    client.depend("tool.sh", "#!/bin/sh\necho it runs: $1", "0755")
    code = storlet(
        """
        import subprocess
        out.set_metadata({})
        out.write(subprocess.check_output([params["storlet_execution_path"] + "/tool.sh", "yes"]))
        """
    )
    client.deploy("executes.py", code, dependencies="tool.sh")
    assert client.run("executes.py", "/c/o").text == "it runs: yes\n"


def test_a_storlet_may_write_to_its_scratch_folder(client: Client) -> None:
    """Each invocation has a folder of its own to work in; the next one finds nothing of it."""
    client.deploy(
        "scratch.py",
        storlet(
            """
            import json, tempfile
            found = os.listdir(".")
            open("here", "wb").write(b"1")
            with tempfile.NamedTemporaryFile() as file:
                file.write(b"2")
            out.set_metadata({})
            out.write(json.dumps([found, os.listdir(".")]).encode())
            """
        ),
    )
    for _ in range(3):
        assert client.result("scratch.py", "/c/o") == [[], ["here"]]


def test_input_that_is_not_read_is_no_trouble(client: Client) -> None:
    """A storlet may leave its input alone, wherever it comes from."""
    client.deploy("ignores.py", storlet("out.set_metadata({}); out.write(b'done')"))
    body = bytes(8 << 20)
    client.put("/c/large", body)
    assert client.run("ignores.py", "/c/large").text == "done"
    assert client.run("ignores.py", "/c/large", PROXY).text == "done"
    for upload in (body, iter([body])):
        answer = client.request("PUT", "/c/ignored", {"X-Run-Storlet": "ignores.py"}, upload)
        assert answer.status == 201
        assert client.request("GET", "/c/ignored").text == "done"
