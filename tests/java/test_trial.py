"""``deploy --dry-run --input`` with Java: run in a JVM of this machine, with the results and errors of a run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from storlet_shell.deployments.rehearsal import Input, try_out
from storlet_shell.errors import StorletFailedError, UsageError
from storlet_shell.java.trial import JavaProgram
from storlet_shell.storlets import trial
from tests.embedded.jars import CASES, build
from tests.support.jars import needs_jdk
from tests.support.lines import ROOT, Runner

pytestmark = [pytest.mark.slow, needs_jdk]

FIRST_LINE = str(ROOT / "examples" / "storlets" / "FirstLine.java")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Write a local file."""
    path = tmp_path / "input"
    path.write_bytes(b"two\nlines\n")
    return path


def run(source: Path, action: str, main: str = "org.example.Cases", **options: Any) -> trial.Trial:
    """Run the storlet that does what its parameter says."""
    program = JavaProgram("cases-1.0.jar", main, build(CASES))
    return trial.run(program, source, {"action": action}, **options)


def test_trial_shows_output_metadata_and_log(source: Path) -> None:
    """As for Python; what a thread keeps running ends with it."""
    result = run(source, "copy", input_metadata={"color": "caf\xe9"})
    assert (result.output, result.count, result.metadata) == (b"two\nlines\n", 10, {"color": "caf\xe9"})
    assert result.seconds > 0
    result = run(source, "print")
    assert result.log == ("to standard output", "to standard error", "to the log: €")
    assert json.loads(run(source, "leave a thread").output)["runs"] == 1


FAILURES = {
    "throw": "java.lang.IllegalStateException: no such column",
    "throw late": "java.lang.IllegalStateException: too late",
    "exit": "it called System.exit(3)",
    "halt": "its process exited with status 4 during the invocation",
    "nothing": "it ended without setMetadata()",
    "body first": (
        "org.openstack.storlet.common.StorletException: java.io.IOException: "
        "setMetadata must be called before the first byte is written"
    ),
}


@pytest.mark.parametrize("action", FAILURES)
def test_trial_that_fails_says_why(source: Path, action: str) -> None:
    """With the stack trace, in which only the storlet's own frames appear."""
    with pytest.raises(StorletFailedError) as caught:
        run(source, action)
    assert str(caught.value) == f"dry run of org.example.Cases: {FAILURES[action]}"
    assert "storletshell" not in caught.value.details
    has_trace = action in ("throw", "throw late", "exit", "body first")
    assert ("\tat org.example.Cases.invoke(Cases.java:" in caught.value.details) == has_trace
    assert ("Caused by: java.io.IOException: a cause" in caught.value.details) == (action == "throw")


@pytest.mark.parametrize(
    ("main", "reason"),
    [
        ("org.example.Nobody", "cases-1.0.jar has no class org.example.Nobody"),
        ("org.example.Cases$Unrelated", "doesn't implement org.openstack.storlet.common.IStorlet"),
        ("org.example.Cases$Demanding", "has no public constructor without parameters"),
        ("org.example.Cases$Failing", 'java.lang.NumberFormatException: For input string: "seven"'),
    ],
)
def test_class_that_cannot_be_started_says_why(source: Path, main: str, reason: str) -> None:
    """As in the engine."""
    with pytest.raises(StorletFailedError, match=r"dry run of .*: ") as caught:
        run(source, "copy", main)
    assert reason in str(caught.value)


def test_folder_that_no_class_path_can_name_is_refused(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise, the error would be that the jar has no class."""
    folder = tmp_path / "a:b"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(UsageError, match=r"a:b: Java can't use a folder whose path contains ':'; set TMPDIR"):
        run(source, "copy")


def test_endless_run_is_killed(source: Path) -> None:
    """At the time limit."""
    with pytest.raises(StorletFailedError, match="it did not end within 3 s"):
        run(source, "loop", time_limit=3)


def test_java_file_is_tried_over_a_local_file(run_scripted: Runner, source: Path) -> None:
    """Without a request; a failure shows the code."""
    outcome = run_scripted("deploy", FIRST_LINE, "--dry-run", "--input", str(source), "-p", "skip=1", "--json")
    assert outcome.status == 0
    document = outcome.json
    assert (document["main"], document["output"], document["log"]) == ("FirstLine", "lines\n", ["skipping 1"])
    outcome = run_scripted("deploy", FIRST_LINE, "--dry-run", "--input", "-", "-p", "skip=x", stdin=b"one\n")
    assert outcome.status == 6
    lines = outcome.err.splitlines()
    assert lines[-1] == 'storlet-shell: dry run of FirstLine: java.lang.NumberFormatException: For input string: "x"'
    assert any(line.startswith("---->") and line.endswith('parameters.getOrDefault("skip", "0"));') for line in lines)


def test_dependencies_are_next_to_the_code(source: Path, tmp_path: Path) -> None:
    """Jars among them are on the class path."""
    from storlet_shell.deployments.package import read_package

    file = tmp_path / "Uses.java"
    file.write_text(
        (ROOT / "examples" / "storlets" / "FirstLine.java")
        .read_text()
        .replace("FirstLine", "Uses")
        .replace(
            "int skip =",
            'System.out.println(new org.example.Cases() + "" + '
            'new java.io.File(StorletUtils.getClassFolder(getClass()), "list").exists());\n int skip =',
        )
    )
    (tmp_path / "cases-1.0.jar").write_bytes(build(CASES))
    (tmp_path / "list").write_text("")
    needed = [str(tmp_path / "cases-1.0.jar"), str(tmp_path / "list")]
    package = read_package(str(file), None, None, needed=needed).with_dependencies(needed)
    line = try_out(package, Input(source)).log[0]
    assert line.startswith("org.example.Cases@")
    assert line.endswith("true")
