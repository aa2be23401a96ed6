"""The benchmarks: one failure leaves the others, the page shows the stored figures, and no target is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from benchmarks import batch, page, runs, table
from benchmarks.figures import FIGURES, Figure
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, Sample, ratio
from benchmarks.peers import MissingPeerError
from benchmarks.records import FILE, Records


@gives("ls", "ls-rclone")
def _breaks(_lab: Lab, _server: object) -> Iterator[Measured]:
    yield ratio("ls", Sample((1.0, 3.0, 2.0)), Sample((2.0, 1.0, 4.0)), peer="swift")
    raise RuntimeError("rclone has fallen over\nand more")


@gives("rm")
def _works(_lab: Lab, _server: object) -> Iterator[Measured]:
    yield ratio("rm", Sample((3.0,)), Sample((2.0,)), peer="swift")


def test_one_that_fails_leaves_the_others() -> None:
    """What was measured before and after a failure counts; what was not says why."""
    measured = list(runs.figures(["ls", "ls-rclone", "rm"], (_breaks, _works), Lab(), nullcontext()))
    assert [(each.name, each.value, each.failure) for each in measured] == [
        ("ls", 1.0, ""),
        ("ls-rclone", None, "RuntimeError: rclone has fallen over"),
        ("rm", 1.5, ""),
    ]


def test_a_server_that_does_not_start_fails_each_figure() -> None:
    """None of them is left out in silence."""

    @contextmanager
    def place() -> Iterator[None]:
        raise OSError("no port")
        yield

    measured = list(runs.figures(["ls", "rm"], (_breaks, _works), Lab(), place()))
    assert [(each.name, each.failure) for each in measured] == [("ls", "OSError: no port"), ("rm", "OSError: no port")]


def test_a_missing_peer_leaves_the_others() -> None:
    """A line that can't be run is left out with its reason; the others take all their turns."""

    def missing(_: int) -> list[str]:
        raise MissingPeerError("rclone can't be installed: no network")

    lines = {"ours": lambda _: ["true", ""], "rclone": missing, "swift": lambda _: ["true", ""]}
    trials = Lab().costs(3, lines)
    assert [len(trials[name].seconds.values) for name in ("ours", "swift")] == [3, 3]
    assert trials.beside("ls-rclone", "rclone").failure == "rclone can't be installed: no network"
    assert trials.beside("ls", "swift").value is not None


@pytest.mark.slow
def test_results_are_kept_as_they_come(tmp_path: Path) -> None:
    """Each figure is stored at once with its samples; other modules' figures stay."""
    file, lab = tmp_path / "results.json", Lab(quick=True)
    records = Records(file)
    for module, measured in (("objects", _works(lab, None)), ("idle", [Measured("idle", 0.1)])):
        records.begin(module, lab)
        for each in measured:
            records.add(module, each)
    kept = Records(file).modules
    assert kept["objects"]["figures"]["rm"]["samples"]["swift"] == {"unit": "s", "values": [2.0]}
    assert kept["objects"]["figures"]["rm"]["met"] is False
    assert kept["idle"]["figures"]["idle"]["value"] == 0.1


def test_the_listing_of_names_is_measured() -> None:
    """Its synthetic pages have what the real listing reads, and one name in ten matches."""
    (measured,) = batch.listing(Lab(quick=True), None)
    assert measured.name == "names"
    assert measured.note.startswith("10000 matched of 100000, ")


def test_a_missed_figure_is_marked(tmp_path: Path) -> None:
    """In the terminal and on the page, with the remark that explains it."""
    records, lab = Records(tmp_path / "results.json"), Lab()
    records.begin("objects", lab)
    for measured in runs.figures(FIGURES["objects"], (_breaks, _works), lab, nullcontext()):
        records.add("objects", measured)
    records.modules["objects"]["figures"].pop("ls-replayed")  # as where a run was interrupted
    for lines in (list(table.text(records.modules)), list(table.markdown(records.modules))):
        line = next(line for line in lines if FIGURES["objects"]["rm"].title in line)
        assert "MISSED" in line
        assert any(each.endswith(f". {FIGURES['objects']['rm'].remark}") for each in lines)
        for name in ("ls-memory", "ls-replayed"):
            assert "FAILED" in next(line for line in lines if FIGURES["objects"][name].title in line)


@pytest.mark.parametrize("module", FIGURES)
def test_every_figure_has_its_measurement(module: str) -> None:
    """The table's lines and what the measurements give are the same."""
    given = [name for measurement in runs.MODULES[module].MEASUREMENTS for name in measurement.gives]
    assert sorted(given) == sorted(FIGURES[module])


@pytest.mark.parametrize(
    ("figure", "value", "met"),
    [
        (Figure("", 0.9), 0.9, True),
        (Figure("", 0.9), 0.91, False),
        (Figure("", 0.9, at_most=False), 0.91, True),
        (Figure("", 0.9, at_most=False), 0.89, False),
        (Figure(""), 7.0, None),
    ],
)
def test_a_target_is_met_or_missed(figure: Figure, value: float, met: bool | None) -> None:
    """At most, or at least; without a target neither."""
    assert figure.is_met(value) is met


def test_the_page_shows_what_was_measured() -> None:
    """``make performance`` has been run since the results have changed."""
    text = page.PAGE.read_text()
    assert not FILE.exists() or text == page.written(text, Records(FILE))


def test_the_page_is_written_between_its_marks() -> None:
    """What stands around the table stays, and writing it twice changes nothing."""
    text = page.PAGE.read_text()
    empty = Records(Path("/nowhere/results.json"))
    once = page.written(text, empty)
    assert page.written(once, empty) == once
    assert once.partition("## The table")[0] == text.partition("## The table")[0]
    assert once.partition("## What was found")[2] == text.partition("## What was found")[2]
