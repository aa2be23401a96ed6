"""Storlets that could be deployed but never run: names of other modules, and calls that run nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from storlet_shell.embedded import control
from storlet_shell.storlets import contract
from tests.embedded.storlets import Client
from tests.support.lines import Runner, one_line
from tests.support.storlets import storlet

CODE = storlet("target.set_metadata({}); target.write(source.read())")
TAKEN = ["json", "select", "copy", "time", "os", "types", "signal", "token", "storlets", "storlet_shell", "sys", "csv"]
TAKEN += ["__main__", "_sre", "zipimport", "antigravity", "this", "idlelib", "builtins", "__future__"]


@pytest.mark.parametrize(
    ("name", "way"), [*((name, "file") for name in TAKEN), ("json", "heredoc"), ("json", "dry run")]
)
def test_name_of_another_module_is_refused(run_scripted: Runner, tmp_path: Path, name: str, way: str) -> None:
    """With the reason, and before anything is sent, whichever way the code comes."""
    (tmp_path / f"{name}.py").write_text(CODE)
    words = [f"{name}.Main"] if way == "heredoc" else [str(tmp_path / f"{name}.py")]
    words += ["--dry-run", "--input", str(tmp_path / f"{name}.py")] if way == "dry run" else []
    outcome = run_scripted("deploy", *words, stdin=CODE.encode() if way == "heredoc" else b"")
    assert outcome.status == 2
    reason = f"{name}.py needs another name: Python or the engine has its own module {name}"
    assert reason in one_line(outcome)


@pytest.mark.parametrize(
    "name",
    ["Json", *(pytest.param(name, marks=pytest.mark.slow) for name in ("JSON", "json_", "jsons", "numpy", "swift"))],
)
def test_other_names_are_deployed_and_run(run: Runner, container: str, tmp_path: Path, name: str) -> None:
    """Case counts."""
    (tmp_path / f"{name}.py").write_text(CODE)
    assert run("deploy", str(tmp_path / f"{name}.py")).status == 0
    run("upload", f"{container}/o", stdin=b"text")
    assert run("get", f"{container}/o", "--storlet", f"{name}.py").out == b"text"


@pytest.mark.parametrize("name", ["json.py", "types.so", "queue.cpython-311-x86_64-linux-gnu.so", "token.pyc"])
def test_dependency_named_as_another_module_is_refused(run_scripted: Runner, tmp_path: Path, name: str) -> None:
    """It would be imported by none, or by everyone."""
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / name).write_text("x = 1")
    outcome = run_scripted("deploy", str(tmp_path / "main.py"), "-d", str(tmp_path / name))
    assert (outcome.status, f"dependency {name} needs another name" in one_line(outcome)) == (2, True)


def test_dependency_that_is_imported_in_the_storlets_place_is_refused(run_scripted: Runner, tmp_path: Path) -> None:
    """An extension comes before a source of the same name."""
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / "main.so").write_text("x = 1")
    outcome = run_scripted("deploy", str(tmp_path / "main.py"), "-d", str(tmp_path / "main.so"))
    assert (outcome.status, "would be imported under the same name as main.py" in one_line(outcome)) == (2, True)


@pytest.mark.parametrize("name", ["json.txt", "copy", "types.json", "helper.py", "os.tar.gz"])
def test_other_dependencies_are_not_modules(run: Runner, tmp_path: Path, name: str) -> None:
    """Nobody imports them."""
    (tmp_path / "main.py").write_text(CODE)
    (tmp_path / name).write_text("x = 1")
    assert run("deploy", str(tmp_path / "main.py"), "-d", str(tmp_path / name)).status == 0


@pytest.mark.parametrize(
    "name", ["json", *(pytest.param(name, marks=pytest.mark.slow) for name in ("select", "storlets", "zipimport"))]
)
def test_storlet_deployed_under_such_a_name_fails_with_the_reason(swift: control.Running, name: str) -> None:
    """One of long ago, or by another tool."""
    client = Client(swift)
    client.request("PUT", "/names")
    client.put("/names/o", b"content")
    client.deploy(f"{name}.py", CODE, main=f"{name}.Main")
    answer = client.run(f"{name}.py", "/names/o")
    client.request("DELETE", f"/storlet/{name}.py")
    client.close()
    assert answer.failure == "raised"
    assert f"Python or the engine has a module {name}" in answer.text


def test_engine_has_imported_nothing_else_that_is_this_products(swift: control.Running) -> None:
    """Whatever it has before it imports a storlet is refused as a name, but what this machine's packages brought."""
    client = Client(swift)
    client.request("PUT", "/names")
    client.put("/names/o", b"content")
    code = "import sys; source.read(); target.set_metadata({}); target.write(' '.join(sys.modules).encode())"
    client.deploy("modules.py", storlet(code), main="modules.Main")
    names = {name.partition(".")[0] for name in client.run("modules.py", "/names/o").text.split()}
    client.close()
    command = [sys.executable, "-I", "-c", "import sys; print(*sys.modules)"]
    brought = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in names if not contract.is_name_taken(name)} <= {"modules", *brought}
    assert len(names) > 20


@pytest.mark.slow
def test_dry_run_over_an_object_gives_the_storlet_what_the_engine_does(
    run: Runner, container: str, tmp_path: Path
) -> None:
    """Its metadata, letter for letter, and the parameters in their order."""
    shown = "repr((source.get_metadata(), sorted(params)))"
    body = f"source.read(); target.set_metadata(source.get_metadata()); target.write(ascii({shown}).encode())"
    (tmp_path / "shows.py").write_text(storlet(body))
    run("upload", f"{container}/o", stdin=b"text")
    assert run("post", f"{container}/o", "-m", "color=gr\u00fcn \u00c5 voil\u00e0", "-m", "storlet-x=1").status == 0
    assert run("deploy", str(tmp_path / "shows.py")).status == 0
    there = run("get", f"{container}/o", "--storlet", "shows.py", "-p", "k=\u00fc")
    here = run("deploy", str(tmp_path / "shows.py"), "--dry-run", "--input", f"path:/{container}/o", "-p", "k=\u00fc")
    assert (there.status, here.status) == (0, 0), here.err
    assert b"Color" in there.out
    assert here.out.splitlines()[-1] == there.out
    assert run("copy", f"{container}/o", f"{container}/p", "--storlet", "shows.py").status == 0
    assert "gr\u00fcn \u00c5 voil\u00e0" in run("stat", f"{container}/p").text


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("async def __call__(self, i, o, p): pass", "async def"),
        ("async def __call__(self, i, o, p): yield 1", "async def"),
        ("def __call__(self, i, o, p): yield 1", "a generator"),
        ("def __call__(self, i, o, p):\n        for f in i:\n            yield from f", "a generator"),
    ],
)
def test_call_that_only_promises_to_run_is_refused(run_scripted: Runner, tmp_path: Path, call: str, kind: str) -> None:
    """By what it is, also where the class is named."""
    (tmp_path / "main.py").write_text(f"class Main:\n    def __init__(self, logger): pass\n    {call}\n")
    for words in ([], ["--main", "Main"]):
        outcome = run_scripted("deploy", str(tmp_path / "main.py"), *words)
        assert outcome.status == 2
        assert f"main.py:3: Main.__call__ is {kind}" in one_line(outcome)


@pytest.mark.parametrize(
    "call",
    [
        "def __call__(self, i, o, p):\n        def chunks():\n            yield 1\n        list(chunks())",
        "def __call__(self, i, o, p): return (n for n in ())",
        "def __call__(self, i, o, p): (lambda: (yield))",
        "@run\n    def __call__(self, i, o, p): yield 1",
        "@run\n    async def __call__(self, i, o, p): pass",
    ],
)
def test_call_with_generators_inside_is_deployed(run: Runner, tmp_path: Path, call: str) -> None:
    """Only a plain generator method is refused, not a decorated one."""
    (tmp_path / "inner.py").write_text(
        f"from functools import cache as run\nclass Main:\n    def __init__(self, logger): pass\n    {call}\n"
    )
    assert run("deploy", str(tmp_path / "inner.py")).status == 0
