"""Resolve packages by the real pip, over a folder of wheels."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from storlet_shell.deployments.packages import pip
from storlet_shell.deployments.packages.archive import Archive
from storlet_shell.deployments.packages.resolve import resolve
from storlet_shell.deployments.packages.wanted import Wanted
from storlet_shell.errors import NotFoundError, StorletShellError, UsageError
from tests.support.wheels import NATIVE, Index

pytestmark = pytest.mark.slow  # each starts pip


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """Return an index with packages of all kinds, which pip uses."""
    index = Index(tmp_path / "index")
    for name, value in index.environ.items():
        monkeypatch.setenv(name, value)
    index.add("shout", "1.0", {"shout.py": "VERSION = 1"}, needs=["words>=2"])
    loud = ["words>=2", "loud; extra == 'loud'"]
    index.add("shout", "2.0", {"shout.py": "VERSION = 2"}, needs=loud, extras=["loud"])
    index.add("words", "2.5", {"words/__init__.py": ""})
    index.add("loud", "1.0", {"loud.py": ""})
    index.add("fast", "3.0", {"fast/_fast.so": ""}, tags=NATIVE)
    index.add("fast", "2.0", {"fast/_fast.so": ""}, tags=NATIVE)
    index.add("user", "1.0", {"user_of_fast.py": ""}, needs=["fast>=2", "words"])
    index.add("user", "0.9", {"user_of_fast.py": ""}, needs=["fast>=2"])
    index.add("later", "1.0", {"later.py": ""}, python=">=3.99")
    index.add("against", "1.0", {"against.py": ""}, needs=["words<2"])
    (index.folder / "source-1.0.tar.gz").touch()
    return index


def packed(*packages: str, files: tuple[Path, ...] = (), provided: tuple[str, ...] = (), **installed: str) -> Archive:
    """Resolve packages for an engine that has some."""
    wanted = Wanted.parse(packages, files, provided)
    assert wanted is not None
    archive = resolve(wanted, installed.get)
    assert archive is not None
    return archive


def test_packages_come_with_all_that_they_need(index: Index) -> None:
    """In the newest versions that fit, with extras if wanted; the same again is the same archive."""
    archive = packed("Shout")
    assert archive.packages == {"shout": "2.0", "words": "2.5"}
    assert packed("shout") == archive
    assert packed("shout[loud]==2.0").packages == {"loud": "1.0", "shout": "2.0", "words": "2.5"}
    assert packed(str(index.folder / "loud-1.0-py3-none-any.whl")).packages == {"loud": "1.0"}


def test_files_of_requirements_mean_what_they_mean_to_pip(index: Index, tmp_path: Path) -> None:
    """Other files, constraints, continuation lines, comments, and hashes."""
    (tmp_path / "more.txt").write_text("loud\n")
    (tmp_path / "limits.txt").write_text("shout<2\n")
    file = tmp_path / "requirements.txt"
    file.write_text("# comment\n-r more.txt\n-c limits.txt\nshout \\\n  >0  # continued\n")
    assert packed(files=(file,)).packages == {"loud": "1.0", "shout": "1.0", "words": "2.5"}
    wheel = index.folder / "loud-1.0-py3-none-any.whl"
    hashed = tmp_path / "hashed.txt"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    hashed.write_text(f"loud==1.0 --hash=sha256:{digest}\n")
    assert packed(files=(hashed,)).packages == {"loud": "1.0"}
    hashed.write_text(f"loud==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(StorletShellError, match=r"package loud==1\.0: the file isn't the one whose hash"):
        packed(files=(hashed,))
    hashed.write_text(f"loud>=1.0 --hash=sha256:{digest}\n")
    with pytest.raises(UsageError, match=r"package \S+: needs a version \(==\) and hashes"):
        packed(files=(hashed,))


@pytest.mark.parametrize(
    ("package", "message"),
    [
        ("fast", "^package fast is native code, and only pure Python can be deployed; ask the cluster's operator"),
        ("fast==3.0", "^package fast is native code"),
        ("user==1.0", "^package fast, which user needs, is native code"),
        ("user", "^package fast, which user needs, is native code"),
        ("source", "^package source: has no wheel, only source code; build one"),
        ("later", r"^package later: requires Python >=3.99, not 3\.\d+$"),
    ],
)
def test_package_that_cant_be_deployed_is_named(index: Index, package: str, message: str) -> None:
    """Directly, and as what another one needs."""
    with pytest.raises(UsageError, match=message):
        packed(package)


def test_requirements_that_cant_be_met_are_refused(index: Index, tmp_path: Path) -> None:
    """Unknown packages and versions, those that conflict, and lines that aren't requirements."""
    with pytest.raises(NotFoundError, match=r"^package nosuch: not found in the package index$"):
        packed("nosuch")
    with pytest.raises(NotFoundError, match=r"^package shout>=3: no such version .*; the latest are: 1.0, 2.0$"):
        packed("shout>=3")
    with pytest.raises((UsageError, NotFoundError), match="words"):
        packed("shout", "against")
    file = tmp_path / "bad.txt"
    for text, message in (
        ("loud\na b c\n", "bad.txt.* |Invalid requirement"),
        ("-r nosuch.txt\n", "nosuch.txt"),
        ("--nosuch\n", "nosuch"),
    ):
        file.write_text(text)
        with pytest.raises((UsageError, NotFoundError), match=message):
            packed(files=(file,))


def test_native_package_of_the_engine_is_left_out(index: Index) -> None:
    """Found in the embedded Swift's Python, or named by the user: the others are resolved for that version."""
    for archive in (packed("user", fast="2.0"), packed("user", provided=("fast==2.0",))):
        assert archive.packages == {"user": "1.0", "words": "2.5"}
        assert archive.engines == {"fast": "2.0"}
    assert packed("user", provided=("Fast",)).packages == {"user": "1.0", "words": "2.5"}
    assert packed("shout", provided=("words",)).packages == {"shout": "2.0"}
    with pytest.raises(UsageError, match=r"^package fast, which user needs, is native code, and version 1\.0, "):
        packed("user", fast="1.0")
    wanted = Wanted.parse(["fast"])
    assert wanted is not None
    assert resolve(wanted, {"fast": "2.0"}.get) is None


def test_python_without_pip_is_told_how_to_get_it(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It isn't part of every installation."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(pip.sys, "executable", str(python))
    with pytest.raises(StorletShellError, match="which this Python doesn't have; install it: python -m ensurepip"):
        packed("loud")


def test_python_that_cant_be_started_is_named(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in programs that embed Python."""
    monkeypatch.setattr(pip.sys, "executable", "/nosuch/python")
    with pytest.raises(StorletShellError, match=r"^pip can't be started by /nosuch/python: No such"):
        packed("loud")


def test_file_named_pip_in_the_working_folder_is_not_run(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's ``-m`` would find it first."""
    (tmp_path / "pip.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    assert packed("loud").packages == {"loud": "1.0"}
