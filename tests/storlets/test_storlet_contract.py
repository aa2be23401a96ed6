"""One table of storlets in the dry run, the embedded engine, and upstream's own agent: equal outcomes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from storlet_shell.embedded import control
from storlet_shell.errors import StorletFailedError
from storlet_shell.storlets import contract, trial
from storlet_shell.values import StorletMain
from tests.embedded.storlets import PROXY, Answer, Client
from tests.support import upstream_agent
from tests.support.contract import CONTENT, METADATA, METADATA_CASES, POOLS, PROBES, SIGNATURE_CASES, Case, module

CASES = {**METADATA_CASES, **SIGNATURE_CASES}


class Seen(NamedTuple):
    """What came of a run; ``reason`` is empty if it didn't fail."""

    body: bytes
    metadata: dict[str, str]
    reason: str
    log: tuple[str, ...] = ()
    kind: str = ""


@pytest.fixture(scope="module")
def client(swift: control.Running) -> Iterator[Client]:
    """Connect to the real Swift, with the object that each storlet reads, and a storlet that runs any code."""
    client = Client(swift)
    client.request("PUT", "/contract")
    headers = {f"X-Object-Meta-{name}": value for name, value in METADATA.items()}
    assert client.request("PUT", "/contract/o", headers, CONTENT).status == 201
    client.deploy("any.py", module(""), main="any.Main")
    yield client
    client.close()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a local file of the same content."""
    path = tmp_path_factory.mktemp("contract") / "input"
    path.write_bytes(CONTENT)
    return path


def try_out(code: str, source: Path) -> Seen:
    """Run a storlet here, with the dry run's files."""
    program = trial.PythonProgram(StorletMain("main", "Main"), code.encode())
    try:
        found = trial.run(program, source, {"k": "v"}, input_metadata=METADATA)
    except StorletFailedError as error:
        return Seen(b"", {}, str(error).removeprefix("dry run of main.Main: "), tuple(error.details.splitlines()))
    return Seen(found.output, dict(found.metadata), "", found.log)


def execute(client: Client, case: Case, headers: Mapping[str, str]) -> Seen:
    """Run a storlet on the embedded engine; one that is a whole module is deployed for that."""
    if case.module:
        client.deploy("main.py", case.source, main="main.Main")
        return seen(client.run("main.py", "/contract/o", headers))
    parameter = {"X-Storlet-Parameter-1": f"code:{quote(case.code, safe='')}"}
    return seen(client.run("any.py", "/contract/o", {**parameter, **headers}))


def seen(answer: Answer) -> Seen:
    """Return what came of a run on the embedded engine."""
    if answer.status != 200:
        return Seen(b"", {}, answer.text.partition("): ")[2].strip(), (), str(answer.failure))
    prefix = "X-Object-Meta-"
    metadata = {key[len(prefix) :]: value for key, value in answer.headers.items() if key.startswith(prefix)}
    return Seen(answer.body if answer.whole else b"", own_metadata(metadata), "" if answer.whole else "broke off")


def own_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata without those of the object, which stay on a storlet's result; case doesn't count."""
    return {name.lower(): value for name, value in metadata.items() if METADATA.get(name) != value}


def ask_upstream(codes: Iterable[str], folder: Path) -> list[dict[str, str]]:
    """Run storlets by upstream's own agent; return what came of each as text."""
    runs = []
    for number, code in enumerate(codes):
        place = folder / str(number)
        (place / "scratch").mkdir(parents=True)
        (place / "main.py").write_text(code)
        runs.append(
            {
                "folder": str(place),
                "scratch": str(place / "scratch"),
                "main": "main.Main",
                "input": base64.b64encode(CONTENT).decode(),
                "metadata": METADATA,
                "parameters": {"k": "v", "storlet_execution_path": str(place)},
            }
        )
    environ = {name: os.environ.get(name, "") for name in ("PATH", "PYTHONPATH")}
    command = [sys.executable, "-P", upstream_agent.__file__]
    done = subprocess.run(command, input=json.dumps(runs), capture_output=True, text=True, check=True, env=environ)
    return [{name: base64.b64decode(part).decode() for name, part in run.items()} for run in json.loads(done.stdout)]


def report(log: str) -> dict[str, Any]:
    """Return what the probing storlet logged."""
    text = log[log.index("REPORT") + 6 :].splitlines()[0]
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def probe_upstream(folder: Path) -> dict[str, Any]:
    """Return what the probing storlet finds with upstream's agent."""
    (run,) = ask_upstream([module(PROBES)], folder)
    assert run["error"] == ""
    return report(run["log"])


@pytest.mark.parametrize("where", [{}, PROXY], ids=["node", "proxy"])
def test_each_member_of_the_files_is_upstreams_in_the_engine(
    client: Client, tmp_path: Path, where: dict[str, str]
) -> None:
    """What any call returns or raises, word for word."""
    client.deploy("probes.py", module(PROBES), main="probes.Main")
    answer = client.run("probes.py", "/contract/o", {"X-Storlet-Parameter-1": "k:v", **where})
    assert answer.status == 200
    found = report(client.log("probes.py", answer.headers["X-Trans-Id"]))
    expected = probe_upstream(tmp_path)
    assert named(found, "probes") == {**expected, "place": found["place"]}
    assert found["place"] == [[], ["HOME", "LANG", "PATH", "TMPDIR"], ["storlet_execution_path"]]


def named(found: dict[str, Any], module: str) -> dict[str, Any]:
    """Return a report as it would be of a storlet called main.py."""
    parsed: dict[str, Any] = json.loads(json.dumps(found).replace(f"{module}.Main", "main.Main"))
    return parsed


@pytest.mark.parametrize("installed", [True, False], ids=["upstream's classes", "this product's"])
def test_each_member_of_the_files_is_upstreams_in_the_dry_run(
    source: Path, tmp_path: Path, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where upstream's package, an extra, is not installed; the place is the engine's as well."""
    if not installed:
        monkeypatch.setattr(trial, "_PROGRAM", "import sys; sys.modules['storlets'] = None; " + trial._PROGRAM)
    tried = try_out(module(PROBES), source)
    assert tried.reason == ""
    found = report("\n".join(tried.log))
    assert found == {**probe_upstream(tmp_path), "place": found["place"]}
    assert found["place"] == [[], ["HOME", "LANG", "PATH", "TMPDIR"], ["storlet_execution_path"]]


def check(case: Case, found: Seen) -> None:
    """Check what came of a run."""
    assert case.message in found.reason
    assert bool(found.reason) == bool(case.kind)
    assert own_metadata(found.metadata) == own_metadata(case.metadata)
    if not case.kind:
        assert found.body == case.output


@pytest.mark.parametrize(
    "where", [pytest.param({}, id="node"), pytest.param(PROXY, id="proxy", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", METADATA_CASES)
def test_metadata_come_out_of_the_engine_whole_or_are_a_failure(
    client: Client, where: dict[str, str], name: str
) -> None:
    """None is changed or lost on the way; a failure is told at once."""
    case = METADATA_CASES[name]
    found = execute(client, case, where)
    check(case, found)
    assert found.kind == case.kind


@pytest.mark.parametrize("name", ["a blank in a name", "a value in Japanese", "an underscore"])
def test_metadata_are_judged_alike_in_the_dry_run(source: Path, name: str) -> None:
    """The same values, or the same words for why not."""
    check(METADATA_CASES[name], try_out(METADATA_CASES[name].source, source))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_dry_run_and_the_engine_agree(client: Client, source: Path, name: str) -> None:
    """One table, and one outcome: the same bytes, or the same reason."""
    case = CASES[name]
    tried = try_out(case.source, source)
    check(case, tried)
    for where in ({}, PROXY):
        found = execute(client, case, where)
        check(case, found)
        assert found.kind == case.kind
        assert comparable(found.reason) == comparable(tried.reason)


def comparable(reason: str) -> str:
    """Return a reason without what differs by where a storlet's code stands."""
    return reason.replace("any.", "main.")


@pytest.mark.slow
def test_upstream_agrees_but_where_this_product_refuses(tmp_path: Path) -> None:
    """What works here works there; what fails there fails here. The table says what is refused by design."""
    cases = {name: case for name, case in CASES.items() if name not in NOT_THERE}
    for (name, case), run in zip(
        cases.items(), ask_upstream([case.source for case in cases.values()], tmp_path), strict=True
    ):
        is_good = not run["error"] and run["metadata"] != "" and len(run["metadata"]) <= contract.METADATA_BYTES
        assert is_good == (not case.kind or case.is_refused), name
        if not case.kind:
            assert run["body"].encode() == case.output, name
            sent = json.loads(run["metadata"])
            sent = {key: str(value) for key, value in sent.items() if value is not None}
            sent.pop(contract.FOLDER_PARAMETER, None)  # dropped by the middleware, which didn't run here
            assert own_metadata(sent) == own_metadata(case.metadata), name


NOT_THERE = {
    "no class": "its daemon doesn't start",
    "no such import": "its daemon doesn't start",
    "an import that exits": "its daemon doesn't start",
    "ends its process": "nothing is logged of it",
    "is killed": "nothing is logged of it",
    "exits": "it doesn't take an exit for a failure",
    "is interrupted": "it doesn't take an interrupt for a failure",
    "keeps to its folder": "its container's folders are others",
    "asks for the user's own variables": "its container's variables are others",
    "looks for a file beside itself": "its container's working folder isn't specified",
    "deep": "the gateway, not the agent, reads the JSON",
}
"""Cases that upstream's agent alone can't be compared in, and why."""


@pytest.mark.slow
@pytest.mark.parametrize("name", POOLS)
def test_several_processes_work_in_the_dry_run(source: Path, name: str) -> None:
    """They share semaphores, as upstream's container lets them."""
    check(POOLS[name], try_out(POOLS[name].source, source))


@pytest.mark.slow
@pytest.mark.parametrize("where", [{}, PROXY], ids=["node", "proxy"])
@pytest.mark.parametrize("name", POOLS)
def test_several_processes_work_in_the_engine(client: Client, where: dict[str, str], name: str) -> None:
    """The same as in the dry run."""
    check(POOLS[name], execute(client, POOLS[name], where))
