"""Dates of files: uploads store them, and downloads restore them or report that they can't."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storlet_shell.transfers.dates import nanoseconds
from tests.support.lines import Runner, one_line
from tests.support.responder import Responder, ok

RESTORED = {
    "0": 0,
    "-1": -(10**9),
    "-0.5": -500_000_000,
    "-1.500000": -1_500_000_000,
    "-2000000000.000001": -2_000_000_000_000_001_000,
    "+1": 10**9,
    " 7 ": 7 * 10**9,
    "1700000000.123456": 1_700_000_000_123_456_000,
    "1700000000.123456789": 1_700_000_000_123_456_789,
    "1700000000.1234567899": 1_700_000_000_123_456_789,
    "-0.0000000001": -1,
    "1.7e9": 1_700_000_000 * 10**9,
    "17E8": 1_700_000_000 * 10**9,
    "1e-3": 10**6,
    ".5": 500_000_000,
    "5.": 5 * 10**9,
    "8589934592": 2**33 * 10**9,
    "9000000000.25": 9_000_000_000_250_000_000,
}
LOST = ["nan", "NaN", "inf", "-inf", "Infinity", "1e300", "-1e300", "9" * 30, "9" * 100, "yesterday", "", "-", "1_000"]
LOST += ["0x10", "1e", "2026-11-28T00:00:00", "\N{ARABIC-INDIC DIGIT FIVE}", "1,5", "1e9999", "99999999999999"]


@pytest.mark.parametrize("text", RESTORED)
def test_numbers_of_every_form_are_dates(text: str) -> None:
    """Exactly, to the nanosecond, and before 1970 too."""
    assert nanoseconds(text) == RESTORED[text]


def listed(responder: Responder, dates: list[str]) -> None:
    """Have a server list an object for each date, and send it."""
    responder.on("HEAD", "/c", ok())
    names = ", ".join(f'{{"name": "{number}", "bytes": 1, "hash": ""}}' for number in range(len(dates)))
    responder.on("GET", "/c", ok(f"[{names}]".encode()), ok(b"[]"))
    for number, text in enumerate(dates):
        responder.on("GET", f"/c/{number}", ok(b"x", X_Object_Meta_Mtime=text))


def test_dates_are_restored(run_scripted: Runner, responder: Responder, tmp_path: Path) -> None:
    """Whatever other clients write of a date that the file system can hold."""
    listed(responder, list(RESTORED))
    outcome = run_scripted("download", "c", str(tmp_path / "made"))
    assert (outcome.status, outcome.err) == (0, "")
    for number, text in enumerate(RESTORED):
        assert abs((tmp_path / "made" / str(number)).stat().st_mtime_ns - RESTORED[text]) < 1000, text


@pytest.mark.parametrize("text", LOST)
def test_date_that_is_lost_is_told(run_scripted: Runner, responder: Responder, tmp_path: Path, text: str) -> None:
    """The file is there, with the time of the download."""
    listed(responder, [text])
    before = tmp_path.stat().st_mtime_ns
    outcome = run_scripted("download", "c", str(tmp_path / "made"))
    assert outcome.status == 0
    assert "path:/c/0" in one_line(outcome)
    assert before - 10**9 <= (tmp_path / "made" / "0").stat().st_mtime_ns


def test_many_lost_dates_are_one_line(run_scripted: Runner, responder: Responder, tmp_path: Path) -> None:
    """A line for each of a million would hide what else is wrong."""
    listed(responder, [*LOST, "0"])
    outcome = run_scripted("download", "c", str(tmp_path / "made"), "-j", "1")
    assert outcome.status == 0
    assert f"path:/c/0: 'nan' and {len(LOST) - 1} others" in one_line(outcome)
    assert f"{len(LOST) + 1} downloaded" in outcome.text


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [-1, -1.5, -(2**31), 2**33 + 100.25, 0, 1_700_000_000.123456])
def test_dates_go_there_and_back(run: Runner, container: str, tmp_path: Path, seconds: float) -> None:
    """Before 1970 and after 2242 as well; swiftclient reads what is stored."""
    file = tmp_path / "f"
    file.write_bytes(b"x")
    os.utime(file, (seconds, seconds))
    if file.stat().st_mtime != seconds:
        seconds = file.stat().st_mtime  # what this file system can hold of it
    assert run("upload", str(file), f"{container}/f").status == 0
    outcome = run("download", container, str(tmp_path / "back"))
    assert (outcome.status, outcome.err) == (0, "")
    assert abs((tmp_path / "back" / "f").stat().st_mtime - seconds) < 1e-6
    stored = run("stat", f"{container}/f").text
    assert f"metadata Mtime: {seconds:f}\n" in stored
