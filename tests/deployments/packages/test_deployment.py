"""Storlets with packages run in engines, and their archive is a dependency like any other."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from storlet_shell.deployments.dependencies import find_dependency, remove_dependencies
from storlet_shell.deployments.deploy import deploy
from storlet_shell.deployments.description import describe_storlet
from storlet_shell.deployments.package import Package, read_package
from storlet_shell.deployments.packages.archive import Archive
from storlet_shell.deployments.packages.wheels import Wheel
from storlet_shell.deployments.rehearsal import local_input, try_out
from storlet_shell.deployments.review import review
from storlet_shell.deployments.undeploy import undeploy
from storlet_shell.errors import NotFoundError, StorletFailedError, UsageError
from storlet_shell.store.containers import make
from storlet_shell.store.objects import put
from storlet_shell.store.reading import get
from storlet_shell.values import Invocation, ObjectPath, StorletName
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.headers import decode_packages, encode_dependency
from tests.support import upstream_agent
from tests.support.observers import Notebook
from tests.support.wheels import Index

pytestmark = pytest.mark.slow

CLASS = """\
class Main:
    def __init__(self, logger): ...

    def __call__(self, in_files, out_files, params):
        import subprocess, sys, tempfile
        from louder.words import shout
        out_files[0].set_metadata({})
        text = in_files[0].read().decode()
        if text == "fail":
            raise ValueError(text)
        out_files[0].write(shout(text).encode())
        if text == "child":
            with tempfile.NamedTemporaryFile() as file:
                child = [sys.executable, "-c", "import louder.words; print(louder.words.__name__)"]
                out_files[0].write(subprocess.check_output(child, stderr=subprocess.STDOUT))
"""
FUNCTION = """\
from louder.words import shout


def {}(text: str) -> str:
    return shout(text) if text != "fail" else shout(1)
"""
CALLED = ObjectPath("packaged", "o")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Build a wheel."""
    files = {"louder/words.py": "def shout(text):\n    return text.upper() + '!'\n"}
    return Index(tmp_path / "index").add("louder", "1.5", files)


@pytest.fixture
def archive(wheel: Path) -> Archive:
    """Return the archive of one package."""
    return Archive.build([Wheel.read(wheel)], {}, "3.11")


@pytest.fixture
def account(storlets: object, observed: Client, observer: Notebook, module: str) -> Iterator[Client]:
    """Connect to an account with a container; undeploy what is deployed."""
    make(observed, "packaged")
    yield observed
    with suppress(NotFoundError):
        undeploy(observed, StorletName(f"{module}.py"), with_dependencies=True)


def read(folder: Path, module: str, code: str, archive: Archive) -> Package:
    """Return a storlet with an archive."""
    (folder / f"{module}.py").write_text(code)
    return review(read_package(str(folder / f"{module}.py"), None, None).with_archive(archive))


def ran(client: Client, package: Package, text: bytes) -> bytes:
    """Return the result of a run over a text."""
    put(client, CALLED, bytes_body(text))
    return get(client, CALLED, Invocation(package.storlet)).content


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(CLASS, id="class"),
        pytest.param(FUNCTION.format("louder_text"), id="function"),
    ],
)
def test_storlet_runs_with_its_packages(
    account: Client, observer: Notebook, tmp_path: Path, module: str, archive: Archive, code: str
) -> None:
    """In the first run of a version and in later ones; the same again uploads nothing."""
    package = read(tmp_path, module, code, archive)
    assert package.notes == ()
    assert package.imports["louder.words"] == "bundled"
    assert dict(deploy(account, package).packages) == {"louder": "1.5"}
    assert [ran(account, package, b"a"), ran(account, package, b"b")] == [b"A!", b"B!"]
    observer.requests.clear()
    assert not deploy(account, package, force=False).is_changed
    deploy(account, package)
    assert observer.sent("PUT") == [f"storlet/{package.storlet}"]
    described = describe_storlet(account, package.storlet)
    assert (described.description.dependencies, described.packages) == ((archive.name,), {"louder": "1.5"})
    dependency = find_dependency(account, archive.name)
    assert (dependency.packages, dependency.needed_by) == ({"louder": "1.5"}, (package.storlet.name,))
    undeploy(account, package.storlet, with_dependencies=True)
    with pytest.raises(NotFoundError):
        find_dependency(account, archive.name)


def test_failure_names_the_authors_lines(account: Client, tmp_path: Path, module: str, archive: Archive) -> None:
    """Of a class: its own line numbers, although a statement was added; of the package: its file in the archive."""
    package = read(tmp_path, module, CLASS, archive)
    deploy(account, package)
    line = CLASS.splitlines().index("            raise ValueError(text)") + 1
    with pytest.raises(StorletFailedError) as caught:
        ran(account, package, b"fail")
    assert f'File "{module}.py", line {line}, in __call__' in caught.value.details


def test_packages_can_be_unpacked_in_the_engine(account: Client, tmp_path: Path, module: str, archive: Archive) -> None:
    """Its child processes find them; temporary files go to the folder of each run."""
    package = read(tmp_path, module, CLASS, archive._replace(is_unpacked=True))
    deploy(account, package)
    assert [ran(account, package, b"child") for _ in range(2)] == [b"CHILD!louder.words\n"] * 2


@pytest.mark.parametrize("is_unpacked", [pytest.param(False, id="archive"), pytest.param(True, id="unpacked")])
def test_dry_run_has_the_packages(tmp_path: Path, module: str, archive: Archive, is_unpacked: bool) -> None:
    """Without any server."""
    package = read(tmp_path, module, FUNCTION.format("louder_text"), archive._replace(is_unpacked=is_unpacked))
    (tmp_path / "in").write_text("a")
    assert try_out(package, local_input(str(tmp_path / "in"))).output == b"A!"
    (tmp_path / "in").write_text("fail")
    with pytest.raises(StorletFailedError, match="AttributeError") as caught:
        try_out(package, local_input(str(tmp_path / "in")))
    assert f'File "{module}.py", line 5, in louder_text' in caught.value.details
    place = archive.name.removesuffix(".zip") if is_unpacked else archive.name
    assert f'File "{place}/louder/words.py", line 2, in shout' in caught.value.details


@pytest.mark.parametrize("is_unpacked", [False, True], ids=["archive", "unpacked"])
def test_upstreams_agent_runs_with_packages(tmp_path: Path, module: str, archive: Archive, is_unpacked: bool) -> None:
    """Its folder has the archive with permissions ``& 0700``, and is on ``sys.path``."""
    package = read(tmp_path, module, CLASS, archive._replace(is_unpacked=is_unpacked))
    folder = tmp_path / "engine"
    (folder / "scratch").mkdir(parents=True)
    (folder / f"{module}.py").write_bytes(package.code)
    (folder / archive.name).write_bytes(archive.content)
    (folder / archive.name).chmod(0o600)
    run = {
        "folder": str(folder),
        "scratch": str(folder / "scratch"),
        "main": package.main,
        "input": base64.b64encode(b"child" if is_unpacked else b"a").decode(),
        "metadata": {},
        "parameters": {"storlet_execution_path": str(folder)},
    }
    environ = {name: os.environ.get(name, "") for name in ("PATH", "PYTHONPATH")}
    ended = subprocess.run(
        [sys.executable, "-P", upstream_agent.__file__],
        input=json.dumps([run]),
        capture_output=True,
        text=True,
        check=True,
        env=environ,
    )
    (result,) = json.loads(ended.stdout)
    assert base64.b64decode(result["error"]) == b""
    assert base64.b64decode(result["body"]) == (b"CHILD!louder.words\n" if is_unpacked else b"A!")


def test_other_clusters_fetch_each_archive_under_its_own_name(
    account: Client,
    observer: Notebook,
    tmp_path: Path,
    module: str,
    archive: Archive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is renamed. The user hears for which Python the packages are, unless that was chosen."""
    monkeypatch.setattr(Client, "is_embedded", False)
    package = read(tmp_path, module, CLASS, archive)
    quiet = Index(tmp_path / "more").add("quiet", "1", {"quiet.py": ""})
    other = Archive.build([Wheel.read(quiet)], {}, "3.11")
    for changed in (package, package.with_archive(other), package):
        assert deploy(account, changed).dependencies == (changed.archive and changed.archive.name,)
    notes = [warning for warning in observer.warnings if "resolved for Python 3.11" in warning]
    assert (len(notes), observer.warnings) == (3, notes)
    deploy(account, package.with_language_version("3.11"))
    assert len(observer.warnings) == 3
    undeploy(account, package.storlet, with_dependencies=True)
    remove_dependencies(account, [other.name])


# --- refusals


def test_names_that_packages_have_are_taken(tmp_path: Path, archive: Archive) -> None:
    """For the storlet, and for its other dependencies."""
    for name in ("louder.py", "other.py"):
        (tmp_path / name).write_text(CLASS)
    with pytest.raises(UsageError, match=r"louder\.py needs another name: a package has a module louder, too"):
        read_package(str(tmp_path / "louder.py"), None, None).with_archive(archive)
    other = read_package(str(tmp_path / "other.py"), None, None).with_dependencies([str(tmp_path / "louder.py")])
    with pytest.raises(UsageError, match=r"louder\.py needs another name"):
        other.with_archive(archive)


def test_module_that_a_package_lacks_is_noted(tmp_path: Path, module: str, archive: Archive) -> None:
    """As it will be missing in the engine."""
    package = read(tmp_path, module, f"import louder.silence\n{CLASS}", archive)
    assert package.notes == (
        f"{tmp_path}/{module}.py:1: import louder.silence: the deployed package louder doesn't have it",
    )


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("max_file_size", 100, r"packages-\w+\.zip: \d+ bytes, but the server's limit is 100"),
        ("max_object_name_length", 20, r"the name of packages-\w+\.zip: 25 bytes, but the server's limit is 20"),
        ("max_meta_value_length", 24, "the dependencies' names: 25 bytes, but the server's limit is 24"),
        ("max_meta_overall_size", 90, r"packages-\w+\.zip: its metadata: \d+ bytes, but the server's limit is 90"),
    ],
)
def test_servers_limits_are_checked_before_anything_is_sent(
    account: Client,
    observer: Notebook,
    tmp_path: Path,
    module: str,
    archive: Archive,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: int,
    message: str,
) -> None:
    """The size of the archive, and the lengths of names."""
    package = read(tmp_path, module, CLASS, archive)
    before = Client.limit

    def limited(client: Client, section: str, name: str, default: int) -> int:
        return value if name == limit else before(client, section, name, default)

    monkeypatch.setattr(Client, "limit", limited)
    observer.requests.clear()
    with pytest.raises(UsageError, match=message):
        deploy(account, package)
    assert observer.sent("PUT") == []


def test_many_packages_take_several_headers() -> None:
    """A header's value has a limit; what is read back is the same, in order."""
    packages = {f"package-number-{number}": f"{number}.0" for number in range(40)}
    headers = encode_dependency("v", packages, executable=False)
    assert list(decode_packages(headers).items()) == list(packages.items())
    assert max(map(len, headers.values())) <= 256
    assert decode_packages({"X-Object-Meta-Storlet-Packages-1": "no-version a==1"}) == {"a": "1"}
