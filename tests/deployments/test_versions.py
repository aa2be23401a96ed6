"""New versions on other engines: upstream's own caching code runs what was deployed last."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from storlet_shell.wire.client import Client
from storlet_shell.wire.headers import decode_storlet
from storlet_shell.wire.requests import Request
from tests.support.folders import write
from tests.support.jars import INTERFACE, class_file, write_jar
from tests.support.lines import ROOT, Runner, base_environment
from tests.support.storlets import STORLETS

WORDS = class_file("org/example/Words", [INTERFACE])


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, storlets: Runner) -> Runner:
    """Run lines as on a cluster with upstream's engine: the real Swift, taken for one that is not the embedded one."""
    monkeypatch.setattr(Client, "is_embedded", False)
    return storlets


class Nodes:
    """Storage nodes that run upstream's own caching code.

    :param process: where it runs
    :param folder: their disks
    """

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder

    def value(self, client: Client, storlet: str, node: str = "") -> str:
        """Return what a run of a storlet on a node would see now."""
        objects = {f"storlet/{storlet}": _get(client, "storlet", storlet)}
        described = decode_storlet(objects[f"storlet/{storlet}"]["headers"])
        objects |= {f"dependency/{name}": _get(client, "dependency", name) for name in described.dependencies}
        folder = str(self._folder / f"{storlet}{node}")
        assert self._process.stdin
        assert self._process.stdout
        print(
            json.dumps({"folder": folder, "storlet": storlet, "objects": objects}), file=self._process.stdin, flush=True
        )
        return str(json.loads(self._process.stdout.readline()))


def _get(client: Client, container: str, name: str) -> dict[str, Any]:
    reply = client.send(Request("GET", container, name))
    return {"content": base64.b64encode(reply.read()).decode(), "headers": dict(reply.headers)}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Start storage nodes."""
    folder = tmp_path_factory.mktemp("nodes")
    program = [sys.executable, "-W", "ignore", "-m", "tests.support.upstream_node"]
    environ = {**base_environment(folder), "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(program, stdin=PIPE, stdout=PIPE, text=True, env=environ, cwd=ROOT) as process:
        yield Nodes(process, folder)
        assert process.stdin
        process.stdin.close()


VALUED = """{head}VALUE = {value}
class Main:
    def __init__(self, logger): ...
    def __call__(self, in_files, out_files, params): ...
"""


@pytest.mark.slow
def test_every_redeployment_runs_on_upstreams_engine(
    elsewhere: Runner, real_client: Client, nodes: Nodes, tmp_path: Path, module: str
) -> None:
    """Also on nodes that have missed some versions, whatever their lengths were."""
    for number, value in enumerate(("'one'", "'two'", "'longer'", "'six'", "'six'", "'ten'")):
        file = write(tmp_path, f"{module}.py", VALUED.format(head="", value=value))
        assert elsewhere("deploy", file).status == 0
        for node in "ab" if number % 2 == 0 or number == 5 else "a":
            assert nodes.value(real_client, f"{module}.py", node) == value.strip("'")
    assert elsewhere("undeploy", "-y", f"{module}.py").status == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "head", ["", '"""Says it."""\n', "# coding: latin-1\nfrom __future__ import annotations  # é\n"]
)
def test_every_version_of_a_dependency_runs_on_upstreams_engine(
    elsewhere: Runner, real_client: Client, nodes: Nodes, tmp_path: Path, module: str, head: str
) -> None:
    """Though its nodes keep what they have under a name: a module and a program, each found by its own name."""
    imports = f"import os, subprocess, {module}_word\nhere = os.path.dirname(__file__)\n"
    value = f"{module}_word.WORD + subprocess.getoutput(os.path.join(here, '{module}_tool'))"
    code = VALUED.format(head=head + imports, value=value)
    file = write(tmp_path, f"{module}.py", code.encode("latin-1" if "latin" in head else "utf-8"))
    for word, tool in (("one", "1"), ("two", "2"), ("two", "3"), ("one", "1"), ("four", "4")):
        needed = [
            write(tmp_path, f"{module}_word.py", f"WORD = '{word}'"),
            write(tmp_path, f"{module}_tool", f"#!/bin/sh\necho {tool}\n", 0o755),
        ]
        outcome = elsewhere("deploy", file, "-d", ",".join(needed))
        assert outcome.status == 0, outcome.err
        assert nodes.value(real_client, f"{module}.py") == word + tool
    assert elsewhere("undeploy", "-y", "--with-dependencies", f"{module}.py").status == 0


@pytest.mark.slow
def test_java_finds_another_version_of_a_jar_by_the_list(elsewhere: Runner, tmp_path: Path, module: str) -> None:
    """Its class path is made of the names; other files are replaced, and the user is told what engines do."""
    jar = str(write_jar(tmp_path / f"{module}-1.0.jar", {"a/B": WORDS}))
    library, data = tmp_path / f"{module}lib.jar", tmp_path / f"{module}.dat"
    for content in (b"1", b"2"):
        library.write_bytes(content)
        data.write_bytes(content)
        outcome = elsewhere("deploy", jar, "-d", f"{library},{data}", "--json")
        assert outcome.status == 0, outcome.err
    names = outcome.json["dependencies"]
    assert names[0].startswith(f"{module}lib-")
    assert names[1] == data.name
    assert f"warning: dependency {data.name} replaces another" in outcome.err
    elsewhere("undeploy", "-y", "--with-dependencies", f"{module}-1.0.jar")
    elsewhere("dependencies", "rm", "-y", library.name)


def test_jar_is_longer_than_the_one_before(elsewhere: Runner, tmp_path: Path, module: str) -> None:
    """By its archive's comment; where that is full, the user is told."""
    path = tmp_path / f"{module}-1.0.jar"
    sizes = []
    for value in (b"1", b"2"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/B.class", WORDS + value)
        sizes.append(elsewhere("deploy", str(path), "--json").json["bytes"])
    assert sizes[1] == sizes[0] + 1
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"x" * 65535
    assert elsewhere("deploy", str(path)).err == ""
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"y" * 65535
    assert "can't be made longer" in elsewhere("deploy", str(path)).err
    elsewhere("undeploy", "-y", path.name)


def test_same_code_is_not_made_longer(elsewhere: Runner, tmp_path: Path, module: str) -> None:
    """A job that deploys every night does not let it grow."""
    file = write(tmp_path, f"{module}.py", STORLETS["upper.py"])
    sizes = [elsewhere("deploy", file, "--json").json["bytes"] for _ in range(3)]
    assert sizes == [len(STORLETS["upper.py"])] * 3
    elsewhere("undeploy", "-y", f"{module}.py")
