"""What is executed and what isn't: startup files, the current folder, plug-ins, and data."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import storlet_shell
from storlet_shell.adapters.console import Console
from storlet_shell.adapters.shell.app import make_class
from storlet_shell.adapters.shell.history import check_startup_file
from storlet_shell.errors import LocalFileError
from storlet_shell.session import Session
from storlet_shell.spec.registry import Registry
from tests.support.lines import Runner
from tests.support.site import PLUGIN

PACKAGE = Path(storlet_shell.__file__).parent
SCRIPT = Path(sys.executable).with_name("storlet-shell")

# --- startup files


@pytest.fixture
def startup(tmp_path: Path) -> Path:
    """Return a startup file that is as it should be."""
    path = tmp_path / "folder" / "startup"
    path.parent.mkdir(mode=0o700)
    path.write_text("alias create mine ls\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(("file", "folder"), [(0o600, 0o700), (0o644, 0o755), (0o664, 0o775), (0o600, 0o1777)])
def test_own_startup_file_is_run(startup: Path, file: int, folder: int) -> None:
    """Others may read it; a group is trusted, and so is a folder like /tmp, where nobody replaces others' files."""
    startup.chmod(file)
    startup.parent.chmod(folder)
    check_startup_file(startup)


@pytest.mark.parametrize(("file", "folder", "named"), [(0o602, 0o700, "startup"), (0o600, 0o777, "folder")])
def test_startup_file_that_others_can_write_is_not_run(startup: Path, file: int, folder: int, named: str) -> None:
    """Neither it nor its folder; the message says which."""
    startup.chmod(file)
    startup.parent.chmod(folder)
    with pytest.raises(LocalFileError, match=f"chmod o-w .*/{named}$"):
        check_startup_file(startup)


def test_startup_file_of_somebody_else_is_not_run(startup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under sudo, which may keep HOME; root's own are for everybody."""
    owner = startup.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    if owner:
        with pytest.raises(LocalFileError, match="another user's"):
            check_startup_file(startup)
    else:
        check_startup_file(startup)
        os.chown(startup, 12345, 12345)
        with pytest.raises(LocalFileError, match="another user's"):
            check_startup_file(startup)


def test_link_is_as_good_as_what_it_leads_to(startup: Path, tmp_path: Path) -> None:
    """A link to a file that others can write is none of the user's own."""
    (tmp_path / "link").symlink_to(startup)
    check_startup_file(tmp_path / "link")
    startup.chmod(0o666)
    with pytest.raises(LocalFileError, match="everybody can write"):
        check_startup_file(tmp_path / "link")


def test_shell_says_so_and_starts(run: Runner, startup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line; nothing of the file has been run."""
    startup.chmod(0o666)
    console = Console({**run.environ, "STORLET_SHELL_STARTUP": str(startup), "STORLET_SHELL_HISTORY": os.devnull})
    with Session(console) as session:
        shell = make_class(Registry())(session, console, Registry())
        shell.run_startup_file()
        assert "mine" not in shell.aliases
        assert "not run, since everybody can write" in capsys.readouterr().err
        startup.chmod(0o600)
        shell.run_startup_file()
        assert "mine" in shell.aliases


# --- the present folder


@pytest.mark.slow
def test_present_folder_adds_nothing(run: Runner, tmp_path: Path) -> None:
    """Neither command files, nor modules, nor packages that say they were plug-ins: only what is installed counts."""
    for name in ("startup", ".storlet-shell", "storlet-shell", "lines.storlets", ".storletrc"):
        (tmp_path / name).write_text("! touch owned\n")
    for name in ("json", "requests", "yaml", "swiftclient", "storlet_shell", "sitecustomize", "evil"):
        (tmp_path / f"{name}.py").write_text("open('owned', 'w')\n" + PLUGIN.format(name="evil", aliases=()))
    package = tmp_path / "evil-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[storlet_shell.commands]\nevil = evil:evil\n")
    environ = {name: value for name, value in run.environ.items() if name != "PYTHONPATH"}
    shown = subprocess.run(
        [sys.executable, str(SCRIPT), "-k", "-c", "plugins\nhelp\nwhoami\nevil"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "unknown command 'evil'" in shown.stderr
    assert "user: local:storlet" in shown.stdout
    assert "evil" not in shown.stdout
    assert not (tmp_path / "owned").exists()


# --- data that are taken for code


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Yield every call of the package: the module, the call, and what is called, as it is written."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call):
                yield module, node, ast.unparse(node.func)


UNSAFE = {
    *("eval", "exec", "compile", "__import__", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system"),
    *("os.popen", "pickle.load", "pickle.loads", "marshal.load", "marshal.loads", "shelve.open", "dill.loads"),
    *("subprocess.getoutput", "tempfile.mktemp", "shutil.unpack_archive", "ssl._create_unverified_context"),
    *("cloudpickle.loads", "joblib.load", "numpy.load", "pandas.read_pickle", "pty.spawn"),
}

ALLOWED = {
    ("adapters.scope", "compile"): "the user's own source, which is looked at and not run",
    ("storlets.source", "compile"): "a storlet's source, whose errors only the compiler finds; it isn't run",
    ("storlets.functions.live", "compile"): "a function's source, compared with the function; it isn't run",
    ("storlets.functions.live", "eval"): "a constant of the user's own program that calls pure functions only",
    ("shelf.select.loop", "exec"): "templates and numbers; test_plan.py shows that no text of a plan is in it",
    (
        "embedded.server.shared",
        "pickle.loads",
    ): "between the server's own processes, on a socket that asks who is there",
    ("embedded.processes.zygote", "__import__"): "modules of a fixed list",
    (
        "storlets.running",
        "__import__",
    ): "the storlet itself: confined in the engine, with the user's rights in a dry run",
}


@pytest.mark.slow
def test_data_are_not_run() -> None:
    """No call that makes code of data, but for those that are named here with their reason."""
    found = {(module, name) for module, _, name in calls() if name in UNSAFE}
    assert found == ALLOWED.keys()


@pytest.mark.slow
def test_no_shell_is_given_foreign_text() -> None:
    """Only the user's own lines after ! and | go to sh, in one place; programs get their words one by one."""
    for module, call, name in calls():
        if name.startswith("subprocess."):
            assert "shell" not in {word.arg for word in call.keywords}, (module, name)
        if "/bin/sh" in ast.unparse(call):
            assert module == "adapters.script.interpreter"


@pytest.mark.slow
def test_unsafe_modules_are_not_imported() -> None:
    """Nor by another name: pickle in the one module that may, and none of its kind."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.split(".")[0] in ("pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "pty"):
                    found.add((str(path.relative_to(PACKAGE)), name))
    assert found == {("embedded/server/shared.py", "pickle")}
