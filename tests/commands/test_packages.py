"""``deploy`` with packages: each line from the real pip to the real Swift."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storlet_shell import Store, connect, storlet
from storlet_shell.errors import UsageError
from tests.api.recording import Recording
from tests.support.folders import write
from tests.support.jars import INTERFACE, class_file, write_jar
from tests.support.lines import Runner, one_line
from tests.support.wheels import NATIVE, Index

CODE = """\
from shout import shout


def {}(text: str) -> str:
    return shout(text)
"""
UNNAMED = "no package to deploy is named, so there's nothing to unpack or to leave out"
NATIVE_ONLY = (
    "package fast is native code, and only pure Python can be deployed; ask the cluster's operator to install it into "
    "the engine's Python (pip install fast), then deploy with --provided fast"
)
SHOUT = "from ends import END\nshout = lambda text: text.upper() + END"


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Return an index with a package, what it needs, and one that is native."""
    index = Index(tmp_path / "index")
    index.add("shout", "2.0", {"shout.py": SHOUT}, needs=["ends"])
    index.add("ends", "1.0", {"ends.py": "END = '!'"})
    index.add("fast", "3.0", {"fast.pyd": ""}, tags=NATIVE)
    return index


@pytest.fixture
def lines(storlets: Runner, index: Index, here: str, module: str) -> Iterator[Runner]:
    """Run lines with that index; undeploy what is deployed."""
    yield Runner({**storlets.environ, **index.environ})
    storlets("undeploy", "-y", "--with-dependencies", f"{module}.py")


@pytest.mark.slow
def test_deploy_takes_packages_along(lines: Runner, here: str, tmp_path: Path, module: str) -> None:
    """Named, or in a file; shown by deploy, by storlets, and by dependencies."""
    file = write(tmp_path, f"{module}.py", CODE.format(module))
    outcome = lines("deploy", file, "--package", "shout==2.0")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.text.endswith(" into container storlet, with ends 1.0, shout 2.0\n")
    assert lines("get", f"{here}/o", "--storlet", f"{module}.py").out == b"HELLO\nWORLD\n!"
    requirements = write(tmp_path, "requirements.txt", "shout\n")
    again = lines("deploy", file, "-r", requirements, "--json").json
    assert again["packages"] == {"ends": "1.0", "shout": "2.0"}
    (archive,) = again["dependencies"]
    assert again["imports"]["shout"] == "bundled"
    shown = lines("storlets", "show", f"{module}.py", "--json").json
    assert (shown["packages"], shown["dependencies"]) == (again["packages"], [archive])
    assert "packages: ends 1.0, shout 2.0\n" in lines("storlets", "show", f"{module}.py").text
    assert "packages: ends 1.0, shout 2.0\n" in lines("dependencies", "show", archive).text
    rows = {row["name"]: row["packages"] for row in lines("dependencies", "--json").json["rows"]}
    assert rows[archive] == again["packages"]
    removed = lines("undeploy", "-y", f"{module}.py", "--with-dependencies")
    assert removed.text.endswith(f"with {archive}\n")


@pytest.mark.slow
def test_package_of_the_engine_is_noted(lines: Runner, tmp_path: Path, module: str) -> None:
    """The storlet is deployed without it."""
    file = write(tmp_path, f"{module}.py", "def upper(text: str) -> str:\n    return text.upper()\n")
    outcome = lines("deploy", file, "--package", "fast", "--provided", "fast")
    assert (outcome.status, outcome.text.endswith(" into container storlet\n")) == (0, True)
    assert one_line(outcome) == "warning: fast: not deployed, since the engine's Python has it"


@pytest.mark.slow
def test_packages_that_a_redeployment_drops_are_named(lines: Runner, tmp_path: Path, module: str) -> None:
    """Once, with the options that keep them; a deployment that names packages says what it wants."""
    file = write(tmp_path, f"{module}.py", "def upper(text: str) -> str:\n    return text.upper()\n")
    assert lines("deploy", file, "--package", "shout").err == ""
    assert lines("deploy", file, "--package", "shout").err == ""
    assert one_line(lines("deploy", file)) == (
        f"warning: {module}.py: redeployed without its packages ends 1.0, shout 2.0; to keep them, deploy it with "
        "--package ends==1.0 --package shout==2.0"
    )
    assert lines("deploy", file).err == ""
    assert lines("deploy", file, "--package", "ends").err == ""


@pytest.mark.slow
def test_dry_run_takes_packages_along(lines: Runner, tmp_path: Path, module: str) -> None:
    """It runs the storlet with them, or shows their upload; code may follow as in a cell."""
    (tmp_path / "in").write_text("a")
    dry = ("deploy", module, "--package", "shout", "--dry-run")
    code = CODE.format(module).encode()
    tried = lines(*dry, "--input", str(tmp_path / "in"), stdin=code)
    assert tried.text.endswith("output:\nA!\n")
    planned = lines(*dry, stdin=code)
    assert "/dependency/packages-" in planned.text
    assert "X-Object-Meta-Storlet-Packages-1: ends==1.0 shout==2.0" in planned.text
    assert "bytes of 2 packages" in planned.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--package", "nosuch"], 4, "package nosuch: not found in the package index"),
        (["--package", "shout>=3"], 4, "package shout>=3: no such version in the package index; the latest are: 2.0"),
        (["--package", "fast"], 2, NATIVE_ONLY),
    ],
)
def test_package_that_cant_be_deployed_is_one_line(
    lines: Runner, tmp_path: Path, module: str, options: list[str], status: int, message: str
) -> None:
    """With the status of its kind; nothing is deployed."""
    outcome = lines("deploy", write(tmp_path, f"{module}.py", CODE.format(module)), *options)
    assert (outcome.status, one_line(outcome)) == (status, message)
    assert lines("storlets", "show", f"{module}.py").status == 4


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--package=-e."], 2, "a package must be a name, as in NAME or NAME==1.2, not '-e.'"),
        (["--package="], 2, "a package must be a name, as in NAME or NAME==1.2, not ''"),
        (["-r", "nosuch.txt"], 4, "nosuch.txt: no such requirements file"),
        (["-r", "/dev/null"], 2, "/dev/null: names no packages"),
        (["-r", "/"], 1, "/: can't be read: Is a directory"),
        (["--unpack"], 2, UNNAMED),
        (["--provided", "numpy"], 2, UNNAMED),
        (
            ["--package", "a", "--provided", "a>1"],
            2,
            "a package that the engine has must be NAME or NAME==VERSION, not 'a>1'",
        ),
    ],
)
def test_bad_options_are_one_line(
    run_scripted: Runner, tmp_path: Path, options: list[str], status: int, message: str
) -> None:
    """Before pip runs, and before any request."""
    outcome = run_scripted("deploy", write(tmp_path, "any.py", CODE.format("any_text")), *options)
    assert (outcome.status, one_line(outcome)) == (status, message)


def test_jar_has_no_packages(run_scripted: Runner, tmp_path: Path) -> None:
    """Java has other ones."""
    jar = write_jar(tmp_path / "a-1.0.jar", {"a/B": class_file("a/B", [INTERFACE])})
    outcome = run_scripted("deploy", str(jar), "--package", "shout")
    assert (outcome.status, one_line(outcome)) == (
        2,
        f"{jar}: only Python storlets can have packages; jars are dependencies",
    )


# --- Python programs


@storlet
def packaged(text: str) -> str:
    """Import a package."""
    from shout import shout

    return str(shout(text))


@pytest.mark.slow
def test_function_keeps_its_packages(
    lines: Runner, here: str, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For tests, and for later deployments; a refused one changes nothing."""
    for name, value in index.environ.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "in").write_text("a")
    packaged.require(["shout"])
    assert packaged.test(tmp_path / "in").output == b"A!"
    with connect(environ=lines.environ) as store:
        store.put(b"b", f"{here}/b")
        assert packaged.get(store, f"{here}/b").content == b"B!"
        assert not packaged.deploy(store).is_changed
        assert packaged.deploy(store, packages=["shout==2.0"]).packages == {"ends": "1.0", "shout": "2.0"}
        with pytest.raises(UsageError, match="package fast is native code"):
            packaged.deploy(store, packages=["fast"])
        assert packaged.get(store, f"{here}/b").content == b"B!"
        requirements = write(tmp_path, "requirements.txt", "shout\n")
        unpacked = store.deploy(packaged, requirements=requirements, unpack=True)
        assert (unpacked.is_changed, len(unpacked.dependencies)) == (True, 1)
    assert_kept_elsewhere(lines, f"{here}/b")


def assert_kept_elsewhere(lines: Runner, path: str) -> None:
    """Check that the function as another process has it keeps the packages that are deployed, and how."""
    elsewhere, recording = storlet(packaged.__wrapped__), Recording()
    with connect(environ=lines.environ, observer=recording) as store:
        assert elsewhere.get(store, path).content == b"B!"
        assert elsewhere.deploy(store).packages == {"ends": "1.0", "shout": "2.0"}
        assert recording.warnings == []
        assert lines("get", "storlet/packaged.py").text.count(".unpack()") == 1
        store.undeploy("packaged.py", with_dependencies=True)


def test_arguments_of_other_types_are_refused(store_without_server: Store) -> None:
    """As with all methods."""
    for arguments in ({"packages": "shout"}, {"packages": [1]}, {"provided": "a"}, {"requirements": 1}):
        with pytest.raises(UsageError, match="must be"):
            store_without_server.deploy(b"x = 1", name="a.A", **arguments)


@pytest.fixture
def store_without_server() -> Iterator[Store]:
    """Return a store that nothing is sent to."""
    with connect(environ={"ST_AUTH": "http://127.0.0.1:1/auth/v1.0", "ST_USER": "a:b", "ST_KEY": "c"}) as store:
        yield store
