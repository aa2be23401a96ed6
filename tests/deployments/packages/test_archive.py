"""Wheels become one archive, named after its content, from which engines import."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from storlet_shell.deployments.packages import wheels
from storlet_shell.deployments.packages.archive import Archive
from storlet_shell.deployments.packages.wheels import Wheel
from storlet_shell.errors import UsageError
from tests.support.wheels import NATIVE, Index


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Return an empty index."""
    return Index(tmp_path / "index")


def build(*paths: Path, is_unpacked: bool = False) -> Archive:
    """Build an archive of wheels."""
    return Archive.build(map(Wheel.read, paths), {}, "3.11", is_unpacked=is_unpacked)


def imported(folder: Path, archive: Archive, code: str) -> str:
    """Return what a storlet with an archive prints when it is imported, as its deployed file is."""
    folder.mkdir(exist_ok=True)
    (folder / archive.name).write_bytes(archive.content)
    (folder / archive.name).chmod(0o600)
    (folder / "a_storlet.py").write_text(f"{archive.statement}; {code}")
    program = f"import sys; sys.path.insert(0, {str(folder)!r}); import a_storlet"
    environ = {**os.environ, "TMPDIR": str(folder.parent)}
    return subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, env=environ
    ).stdout


def test_same_wheels_make_the_same_bytes(index: Index) -> None:
    """In any order and at any time; the name says which bytes they are."""
    one = index.add("one", "1.0", {"one.py": "A = 1"})
    two = index.add("Two.Words", "2.0", {"two/__init__.py": "", "two/data.txt": "x"})
    archive = build(one, two)
    os.utime(one, (0, 0))
    assert build(two, one) == archive
    assert archive.packages == {"one": "1.0", "two-words": "2.0"}
    assert archive.modules == {"one", "two"}
    assert build(one).name != archive.name
    assert build(one, two, is_unpacked=True).name == archive.name


def test_engine_imports_from_the_archive(index: Index, tmp_path: Path) -> None:
    """Modules, packages with data, packages without ``__init__.py``, and what metadata tell."""
    index.add("one", "1.5", {"one.py": "from space.inner import here\nVALUE = here.VALUE"})
    index.add("space", "1.0", {"space/inner/here.py": "VALUE = 5"})
    index.add("data", "1.0", {"data/__init__.py": "", "data/text.txt": "data"})
    archive = build(*index.folder.iterdir())
    code = (
        "import one, importlib.metadata, importlib.resources as r; "
        "print(one.VALUE, importlib.metadata.version('one'), r.files('data').joinpath('text.txt').read_text())"
    )
    assert imported(tmp_path / "code", archive, code) == "5 1.5 data\n"
    assert {"data", "one", "space", "space.inner", "space.inner.here"} == archive.modules


def test_files_go_where_an_installation_puts_them(index: Index) -> None:
    """Scripts and data of the environment are left out, and so is compiled code, which another Python made."""
    files = {
        "m-1.data/purelib/m.py": "",
        "m-1.data/scripts/tool": "",
        "m-1.data/data/share/x": "",
        "n/__pycache__/n.pyc": "",
        "n.pyc": "",
    }
    archive = build(index.add("m", "1", files))
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        names = {name for name in opened.namelist() if not name.startswith("m-1.dist-info/")}
    assert names == {"m.py", "storlet_packages.py"}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"json/__init__.py": ""}, "package p 1: has a module json, as Python's standard library does"),
        ({"storlets.py": ""}, "package p 1: has a module storlets, as the engine does"),
        ({"p/fast.so": ""}, r"p: p-1-py3-none-any.whl contains native code \(p/fast.so\)"),
        ({"../p.py": ""}, "p: p-1-py3-none-any.whl has a file outside of it: ../p.py"),
        ({"/etc/p": ""}, "has a file outside of it: /etc/p"),
        ({"./json.py": ""}, "has a file outside of it: ./json.py"),
    ],
)
def test_wheel_that_cant_be_deployed_is_refused_by_name(index: Index, files: dict[str, str], reason: str) -> None:
    """Engines would import another module, or couldn't run it, or it would write anywhere."""
    with pytest.raises(UsageError, match=reason):
        build(index.add("p", "1", files))


def test_only_pure_wheels_are_read(index: Index) -> None:
    """Not native ones, source code, or what isn't an archive."""
    source, damaged = index.folder / "p-1.tar.gz", index.folder / "d-1-py3-none-any.whl"
    source.touch()
    damaged.touch()
    for path, reason in (
        (index.add("n", "1", {}, tags=NATIVE), "n: n-1-.*.whl is native code"),
        (source, r"p-1.tar.gz isn't a wheel; build one \(pip wheel\)"),
        (damaged, "d: d-1-.* is damaged"),
    ):
        with pytest.raises(UsageError, match=reason):
            Wheel.read(path)


def test_wheel_that_would_fill_the_memory_is_refused(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what it says about its files, before they are read; and one that takes another way of compression."""
    path = index.add("p", "1", {"p.py": "x = 1\n" * 300_000})
    monkeypatch.setattr(wheels, "_MOST_BYTES", 2**20)
    with pytest.raises(UsageError, match=r"^p: p-1-.*.whl contains 1 MiB, but at most 1 can be deployed$"):
        Wheel.read(path)
    odd = index.folder / "o-1-py3-none-any.whl"
    with zipfile.ZipFile(odd, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("o.py", "x" * 100)
    with pytest.raises(UsageError, match=r"^o: o-1-.*.whl isn't compressed as wheels are: o.py$"):
        Wheel.read(odd)


# --- unpacked


def test_unpacked_packages_are_files_for_children_too(index: Index, tmp_path: Path) -> None:
    """Also programs that may be executed; the folder for temporary files is asked for again by each run."""
    files = {"tool/__init__.py": "", "tool/run.sh": "#!/bin/sh\necho ran", "tool/words.txt": "words"}
    archive = build(index.add("tool", "1", files, programs=["tool/run.sh"]), is_unpacked=True)
    code = (
        "import os, subprocess, sys, tempfile, tool; here = os.path.dirname(tool.__file__); "
        "print(tempfile.tempdir, flush=True); subprocess.call([here + '/run.sh']); "
        "subprocess.call([sys.executable, '-c', 'import tool; print(tool.__file__)'])"
    )
    out = imported(tmp_path / "code", archive, code).splitlines()
    assert out == ["None", "ran", str(tmp_path / "code" / archive.name.removesuffix(".zip") / "tool/__init__.py")]


@pytest.mark.slow
def test_engines_unpack_once_next_to_the_archive(index: Index, tmp_path: Path) -> None:
    """Many at the same time share one complete folder, and leave nothing else behind."""
    files = {f"tool/m{number}.py": "x = 1" for number in range(50)}
    archive = build(index.add("tool", "1", {**files, "tool/__init__.py": ""}), is_unpacked=True)
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / archive.name).write_bytes(archive.content)
    (folder / "a_storlet.py").write_text(f"{archive.statement}; import tool.m49")
    program = f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {str(folder)!r}); import a_storlet"
    processes = [subprocess.Popen([sys.executable, "-I", "-c", program]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert {path.name for path in folder.iterdir()} == {
        "a_storlet.py",
        archive.name,
        archive.name.removesuffix(".zip"),
    }
