"""Lines that are refused, or that fail midway."""

from pathlib import Path

import pytest

from tests.support.lines import Runner, one_line
from tests.support.responder import Responder, html, ok
from tests.support.storlets import STORLETS


def test_get_through_a_storlet_that_did_not_run_is_a_failure(run_scripted: Runner, responder: Responder) -> None:
    """A cluster without the middleware answers the object as it is, with its length, which a storlet's answer lacks."""
    del responder.info["storlet_handler"]
    responder.on("GET", "/c/o", ok(b"raw"))
    outcome = run_scripted("get", "c/o", "--storlet", "upper.py")
    assert (outcome.status, outcome.out) == (5, b"")


def test_deletion_that_stops_half_way_says_what_is_gone(run_scripted: Runner, responder: Responder) -> None:
    """Of a, b and c, a is deleted and b is not there: the user hears that a is gone."""
    for name in "ab":
        responder.on("HEAD", f"/c/{name}", ok())
    responder.on("DELETE", "/c/a", ok(status=204))
    responder.on("DELETE", "/c/b", html(404))
    outcome = run_scripted("rm", "-y", "c/a", "c/b", "c/c")
    assert outcome.status == 4
    assert "path:/c/a" in outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ["--port", "99999"],
        ["--port", "-1"],
        ["--time-limit", "0"],
        ["--time-limit", "-5"],
        ["--port", "x"],
        ["--memory-limit", "0"],
    ],
    ids=" ".join,
)
def test_local_settings_that_make_no_sense_are_2(tmp_path: Path, run: Runner, words: list[str]) -> None:
    """Today: OverflowError('bind(): …') with status 5, or a server in which every storlet fails."""
    environ = {"STORLET_SHELL_DATA": str(tmp_path / "data")}
    outcome = run("local", "start", *words, environ=environ)
    run("local", "stop", environ=environ)
    assert outcome.status == 2


def test_dependency_of_an_unknown_user_is_one_line(run_scripted: Runner, tmp_path: Path) -> None:
    """deploy.py:49 Path(text).expanduser() raises RuntimeError; results.expand() translates it."""
    (tmp_path / "upper.py").write_text(STORLETS["upper.py"])
    outcome = run_scripted("deploy", str(tmp_path / "upper.py"), "-d", "~no-such-user-here/x")
    assert outcome.status != 0
    assert one_line(outcome)


@pytest.mark.parametrize("words", [["--print-result"], ["--input", "path:/c/o"], ["-p", "k=v"]], ids=" ".join)
def test_options_of_a_first_run_want_one(
    run_scripted: Runner, responder: Responder, tmp_path: Path, words: list[str]
) -> None:
    """What is said of a run is refused where neither --with-invoke nor --dry-run asks for one."""
    (tmp_path / "upper.py").write_text(STORLETS["upper.py"])
    responder.on("HEAD", "*", html(404))
    responder.on("PUT", "*", ok(status=201))
    assert run_scripted("deploy", str(tmp_path / "upper.py"), *words).status == 2


@pytest.mark.slow
def test_limits_that_a_running_server_does_not_have_are_not_passed_over(tmp_path: Path, run: Runner) -> None:
    """It keeps those it was started with; a second start that asks for others says so."""
    environ = {"STORLET_SHELL_DATA": str(tmp_path / "data")}
    try:
        assert run("local", "start", "--time-limit", "7", environ=environ).status == 0
        assert run("local", "start", environ=environ).status == 0
        assert run("local", "start", "--time-limit", "7", environ=environ).status == 0
        outcome = run("local", "start", "--time-limit", "8", environ=environ)
        assert (outcome.status, "7 s" in one_line(outcome)) == (5, True)
    finally:
        run("local", "stop", environ=environ)


def test_local_file_without_a_name_is_2(run_scripted: Runner) -> None:
    """As of a variable that sh found empty."""
    outcome = run_scripted("put", "", "c/o")
    assert (outcome.status, "the name of the local file is empty" in one_line(outcome)) == (2, True)
