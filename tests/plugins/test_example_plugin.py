"""The example package in a fresh environment: its command in every front end, its scheduler in a batch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from storlet_shell.embedded import control
from tests.support.lines import ROOT, Runner

PACKAGE = ROOT / "examples" / "plugin"
TOLD = {"objects": 2, "bytes": 7, "largest": 4}

MAGIC = """
import json
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "storlet_shell")
print(json.dumps(shell.run_line_magic("usage", "--json {container}/2026")))
shell.run_line_magic("unload_ext", "storlet_shell")
"""


pytestmark = pytest.mark.slow  # installs a package


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package into an environment of its own, which sees this one's packages; return its Python."""
    folder = tmp_path_factory.mktemp("fresh")
    source = shutil.copytree(PACKAGE, folder / "source")  # setuptools leaves its traces there
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    made = folder / "venv" / "bin" / "python"
    (packages,) = (folder / "venv" / "lib").glob("python3*/site-packages")
    outer = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "outer.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in outer))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--python", made, "install"]
    subprocess.run([*pip, "--no-index", "--no-deps", "--no-build-isolation", "--no-compile", source], check=True)
    return made


@pytest.fixture(scope="module")
def filled(run: Runner, python: Path) -> str:
    """Return a container that holds something."""
    name = "example-plugin"
    assert run("mkdir", name).status == 0
    for path, content in {"2026/a": b"abc", "2026/b": b"abcd", "2027/c": b"abcde"}.items():
        assert run("upload", f"{name}/{path}", stdin=content).status == 0
    return name


def ended(python: Path, run: Runner, *words: str, stdin: str = "", err: str = "") -> str:
    """Run the fresh environment's Python to a good end, and return what it wrote.

    :param err: what its standard error begins with; nothing else may stand there
    """
    done = subprocess.run(
        [python, *words], input=stdin, env=run.environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(err)
    assert done.stderr.count("\n") == bool(err)
    return done.stdout


def test_command_is_there_in_one_shot(python: Path, run: Runner, filled: str) -> None:
    """A line of its own, with its help, and its package is listed."""
    assert json.loads(ended(python, run, "-m", "storlet_shell", "usage", f"{filled}/2026", "--json")) == TOLD
    assert "Show the number and the size" in ended(python, run, "-m", "storlet_shell", "help", "usage")
    rows = json.loads(ended(python, run, "-m", "storlet_shell", "plugins", "--json"))["rows"]
    added = [(row["kind"], row["name"], row["problem"]) for row in rows if row["package"] == "storlet-shell-example"]
    assert added == [("command", "usage", None), ("scheduler", "spare", None)]


def test_command_is_there_in_a_command_file(python: Path, run: Runner, filled: str) -> None:
    """With its result stored and shown."""
    text = f"usage {filled}/2026 -o told\nvars told\n"
    assert ended(python, run, "-m", "storlet_shell", "-f", "-", stdin=text).splitlines() == [
        "objects: 2",
        "bytes: 7",
        "largest: 4",
    ]


def test_command_is_there_in_the_shell(python: Path, run: Runner, filled: str) -> None:
    """Typed at a terminal."""
    environ = {**run.environ, "TERM": "dumb", "STORLET_SHELL_HISTORY": f"{run.environ['HOME']}/example-history"}
    child = pexpect.spawn(str(python), ["-m", "storlet_shell"], env=environ, timeout=120, encoding="utf-8")
    child.expect("> ")
    child.sendline(f"usage {filled}/2026")
    child.expect("objects: 2\r\n")
    child.sendline("exit")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_command_is_there_as_a_magic(python: Path, run: Runner, filled: str) -> None:
    """Among the others, in an IPython that the fresh environment starts."""
    shown = ended(python, run, "-c", MAGIC.replace("{container}", filled), err="storlet_shell: %cat, %cp, ")
    assert json.loads(shown.splitlines()[-1]) == TOLD


def test_scheduler_is_used_by_a_batch(python: Path, storlets: Runner, filled: str, swift: control.Running) -> None:
    """All runs go to its choice, the first endpoint, and to the other one while that does not answer."""
    words = ["map", "--storlet", "upper.py", "--input", f"path:/{filled}/**", "--scheduler", "spare", "--json"]
    other, gone = f"http://localhost:{swift.port}", "http://127.0.0.1:1"
    for first, second in ((swift.storage_url, other), (other, swift.storage_url), (gone, other)):
        line = ["-m", "storlet_shell", *words, "--endpoint", first, "--endpoint", second]
        rows = json.loads(ended(python, storlets, *line))["rows"]
        used = second if first == gone else first
        assert [row["endpoint"] for row in rows] == [used.split("/")[2]] * 3
