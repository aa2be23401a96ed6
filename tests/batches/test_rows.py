"""The rows of a batch in a program: complete, after partial failure, and after Ctrl-C."""

from __future__ import annotations

import _thread
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from storlet_shell.batches import report
from storlet_shell.batches.report import Rows
from storlet_shell.batches.rows import excerpt
from storlet_shell.batches.rows.row import Row
from storlet_shell.errors import IdentityError, PartFailedError, StorletFailedError
from storlet_shell.results.describe import describe
from storlet_shell.results.on_terminal import Display
from storlet_shell.session import Session, Surroundings
from storlet_shell.spec.registry import Registry
from tests.support.responder import Answer, Recorded, Responder, ok

COUNT = 20
"""How many objects the fixture ``listed`` has, ``a`` to ``t``."""


class Watching(Surroundings):
    """Surroundings that remember what they were told."""

    def __init__(self, environ: dict[str, str]) -> None:
        super().__init__(environ)
        self.told: list[str] = []

    def warn(self, message: str) -> None:
        """Remember it."""
        self.told.append(message)


@pytest.fixture
def session(listed: Responder) -> Iterator[Session]:
    """Return a session of the scripted server with objects ``a`` to ``t``."""
    with Session(Watching(listed.environ)) as opened:
        yield opened


def batch(session: Session, *words: str) -> Rows:
    """Return the rows of a batch, which has not run yet."""
    rows = Registry().get("map").call(["--storlet", "s.py", "--input", "path:/c/*", *words]).run(session)
    assert isinstance(rows, Rows)
    return rows


def failing(_: Recorded) -> Answer:
    """Answer as a storlet that has failed."""
    return Answer(500, b"it failed")


def test_rows_are_described_by_how_their_objects_ended(session: Session, listed: Responder) -> None:
    """Without running them."""
    listed.on("GET", "/c/e", failing)
    rows = batch(session)
    assert repr(rows) == "<Rows: 0 rows so far, 0 objects done, 0 failed>"
    assert not [sent for sent in listed.sent("GET") if sent.header("X-Run-Storlet")]
    rows.keep()
    assert describe(rows) == f"{COUNT} rows, {COUNT - 1} objects done, 1 failed"


def test_a_terminal_shows_an_error_without_the_object_that_is_next_to_it(session: Session, listed: Responder) -> None:
    """Programs get the whole message."""
    listed.on("GET", "/c/e", failing)
    rows = batch(session)
    rows.keep()
    (failed,) = rows.failed
    assert str(failed.error).count("path:/c/e") == 1
    (shown,) = [line for line in rows.on_terminal(Display(lambda _, text: text, len)) if line.startswith("500")]
    assert shown.count("path:/c/e") == 1
    assert str(failed.error).endswith(shown.partition("path:/c/e")[2].strip())
    assert [line for line in rows.render() if line.count("path:/c/e") == 2]


def test_rows_are_typed_records(session: Session) -> None:
    """A field by its name, and the row as the tuple that it is."""
    rows = batch(session, "--ordered")
    first = rows[0]
    assert isinstance(first, Row)
    assert (first.object, first.name, first.status, first.bytes, first.error) == ("path:/c/a", "a", 200, 4, None)
    assert first[4] == "path:/c/a"
    assert len(rows) == len(list(rows)) == COUNT
    assert [row.name for row in rows[:3]] == ["a", "b", "c"]
    assert rows.is_whole


def test_rows_run_when_they_are_needed_and_once(session: Session, listed: Responder) -> None:
    """Whatever is asked of them, and however often."""
    rows = batch(session)
    assert not rows.is_whole
    assert len(rows) == len(rows) == len(rows.fields()["rows"]) == COUNT
    assert rows.dataframe("pandas").shape == (COUNT, 8)
    assert len([sent for sent in listed.sent("GET") if sent.header("X-Run-Storlet")]) == COUNT


def test_name_gives_what_the_storlet_made_of_an_object(session: Session) -> None:
    """It runs the batch, if that hasn't been done."""
    rows = batch(session)
    assert rows["a"] == rows["t"] == b"made"
    assert {row.content for row in rows} == {b"made"}
    with pytest.raises(KeyError):
        rows["none"]


def test_content_that_was_not_kept_is_not_empty(session: Session) -> None:
    """A batch that was only shown has counted its bytes."""
    rows = batch(session)
    assert len(rows) == COUNT
    with pytest.raises(KeyError, match="not kept"):
        rows["a"]


@pytest.mark.parametrize("words", [[], ["--allow-failures"]])
def test_failed_objects_are_found_and_raised(session: Session, listed: Responder, words: list[str]) -> None:
    """Whether a line would end well or not; the others have their results."""
    listed.on("GET", "/c/e", failing)
    rows = batch(session, *words)
    rows.keep()
    (failed,) = rows.failed
    assert (failed.name, failed.content) == ("e", None)
    assert failed.error
    assert rows.is_whole
    with pytest.raises(PartFailedError, match="19 of 20 objects done, 1 failed") as caught:
        rows.raise_for_failed()
    assert caught.value.result is rows
    assert rows["a"] == b"made"
    with pytest.raises(KeyError):
        rows["e"]


def test_batch_that_went_well_raises_nothing(session: Session) -> None:
    """And has no failed rows."""
    rows = batch(session)
    rows.raise_for_failed()
    assert rows.failed == []


def test_batch_that_ended_there_is_not_whole(session: Session, listed: Responder) -> None:
    """Its rows are there; the error is the one that ended it."""
    listed.on("GET", "/c/e", failing)
    rows = batch(session, "--fail-fast", "-j", "1")
    assert 1 <= len(rows) < COUNT
    assert not rows.is_whole
    with pytest.raises(StorletFailedError, match="ended there"):
        rows.raise_for_failed()


def to_the_main_thread() -> None:
    """Interrupt it as the kernel does: at once, also where it waits."""
    assert threading.main_thread().ident
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.mark.parametrize("interrupt", [to_the_main_thread, _thread.interrupt_main], ids=["waiting", "receiving"])
@pytest.mark.parametrize("run", [Rows.keep, Rows.look, len])
def test_rows_that_came_before_an_interrupt_stay(
    session: Session, listed: Responder, run: Callable[[Rows], object], interrupt: Callable[[], None]
) -> None:
    """Ctrl-C ends the batch and loses nothing that was done: what is there can be read, and isn't taken for all."""

    def interrupting(_: Recorded) -> Answer:
        interrupt()
        time.sleep(0.02)
        return Answer(200, b"made", chunked=True)

    listed.on("GET", "/c/e", interrupting)
    rows = batch(session, "-j", "1")
    with pytest.raises(KeyboardInterrupt):
        run(rows)
    names = [row.name for row in rows]
    assert names == [sent.path.removeprefix("/c/") for sent in listed.sent("GET") if sent.header("X-Run-Storlet")]
    assert 5 <= len(rows) == len(names) < COUNT
    assert not rows.is_whole
    assert rows.fields()["is_whole"] is False
    assert isinstance(session.surroundings, Watching)
    early = f"ended early: {len(names)} of {COUNT} objects done"
    assert [line for line in session.surroundings.told if line.startswith(early)]
    with pytest.raises(PartFailedError, match=early):
        rows.raise_for_failed()
    assert len(list(rows.render())) == len(names)
    assert json.loads("".join(rows.json_pieces()))["done"] == len(names)


def test_ordered_rows_do_not_wait_for_one_that_was_broken_off(
    session: Session, listed: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those after it are done, and have their rows."""
    monkeypatch.setattr(report, "GRACE", 0.1)
    is_over = threading.Event()

    def endless(_: Recorded) -> Answer:
        is_over.wait(10)
        return Answer(200, b"made", chunked=True)

    def interrupting(_: Recorded) -> Answer:
        to_the_main_thread()
        return Answer(200, b"made", chunked=True)

    listed.on("GET", "/c/a", endless)
    listed.on("GET", "/c/e", interrupting)
    rows = batch(session, "-j", "2", "--ordered")
    with pytest.raises(KeyboardInterrupt):
        rows.look()
    is_over.set()
    assert [row.name for row in rows][:4] == ["b", "c", "d", "e"]
    assert not rows.is_whole


@pytest.mark.parametrize(("error", "count"), [(KeyboardInterrupt, 3), (BrokenPipeError, 1)])
def test_interrupt_while_a_row_is_shown_counts_the_runs_under_way(
    session: Session, listed: Responder, error: type[BaseException], count: int
) -> None:
    """They are waited for, as if it had come while the batch waited; a reader that leaves isn't one."""
    begun, is_open = threading.Semaphore(0), threading.Event()

    def waiting(_: Recorded) -> Answer:
        begun.release()
        is_open.wait(30)
        return Answer(200, b"made", chunked=True)

    listed.on("GET", "*", waiting)
    listed.on("GET", "/c/a", Answer(200, b"made", chunked=True))
    rows = batch(session, "-j", "2", "--ordered")
    lines = rows.render()
    next(lines)
    for _ in range(2):
        assert begun.acquire(timeout=30)
    is_open.set()
    try:
        raise error
    except error:
        rows.close()
    assert isinstance(session.surroundings, Watching)
    assert session.surroundings.told[-1].startswith(f"ended early: {count} of {COUNT} objects done")


def test_closed_batch_runs_no_further(session: Session, listed: Responder) -> None:
    """What has come is there, and isn't taken for all."""
    rows = batch(session, "-j", "1", "--ordered")
    assert rows[1].name == "b"
    rows.close()
    assert [row.name for row in rows][:2] == ["a", "b"]
    assert len(rows) < COUNT
    assert not rows.is_whole


def test_stream_keeps_no_row(session: Session) -> None:
    """Each comes with what the storlet made, and is gone then."""
    rows = batch(session)
    assert {(row.content, row.error) for row in rows.stream()} == {(b"made", None)}
    assert rows.is_whole
    assert rows._fetched == []


def test_stream_that_is_left_ends_the_batch(session: Session, listed: Responder) -> None:
    """No run begins that nobody waits for."""
    rows = batch(session, "-j", "1")
    for _row in rows.stream():
        break
    assert not rows.is_whole
    assert len([sent for sent in listed.sent("GET") if sent.header("X-Run-Storlet")]) < COUNT


def test_stream_ends_with_what_ended_the_batch(session: Session, listed: Responder) -> None:
    """After the rows; a failed object alone is a row as any other."""
    listed.on("GET", "/c/b", failing)
    listed.on("GET", "/c/e", Answer(403))
    names: list[str] = []
    stream = batch(session, "-j", "1", "--ordered").stream()
    with pytest.raises(IdentityError, match="ended there"):
        names.extend(row.name for row in stream)
    assert names == ["a", "b", "c", "d", "e"]


def many(session: Session, listed: Responder, count: int) -> Rows:
    """Return the rows of a batch over so many objects, of which the last has failed; all of it has run."""
    entries = [{"name": f"{number:04}", "bytes": 1} for number in range(count)]

    def listing(request: Recorded) -> Answer:
        return ok(json.dumps([] if "marker" in request.query else entries).encode())

    listed.on("GET", "/c", listing)
    listed.on("GET", f"/c/{count - 1:04}", failing)
    rows = batch(session, "--ordered")
    rows.look()
    return rows


def test_page_of_a_large_batch_has_its_failed_rows_first_and_its_sum(session: Session, listed: Responder) -> None:
    """Of over 200 rows, those that failed are shown, the first and the last, and how long all of them took."""
    bundle = many(session, listed, 230)._repr_mimebundle_()
    for shown in bundle.values():
        places = [shown.find(f"path:/c/{number:04}") for number in (229, 0, 99, 130, 228)]
        assert places[0] > -1
        assert places == sorted(places)
        assert "path:/c/0100" not in shown
        assert "200 of 230 rows" in shown
    assert "229 of 230 objects done, 1 failed" in bundle["text/html"]


DISPLAY = Display(lambda _, text: text, len)


def shown_numbers(rows: Rows) -> list[int]:
    """Return the numbers of the objects that a terminal shows, -1 for the line about the others."""
    lines = list(rows.on_terminal(DISPLAY, ["object", "error"]))
    return [-1 if "aren't shown" in line else int(line.split()[0].removeprefix("path:/c/")) for line in lines]


@pytest.mark.slow
def test_terminal_shows_an_excerpt_of_a_large_batch(session: Session, listed: Responder) -> None:
    """Those that failed as they come, then both ends of the others, with a line about those that aren't shown."""
    assert shown_numbers(many(session, listed, 230)) == [229, *range(10), -1, *range(219, 229)]


@pytest.mark.slow
def test_terminal_shows_all_rows_of_other_batches(session: Session, listed: Responder) -> None:
    """Up to 200, as they come, with their sum; elsewhere than on a terminal, any number."""
    assert shown_numbers(many(session, listed, 200)) == [*range(200)]
    assert len(list(many(session, listed, 230).render())) == 230


def test_batch_of_unknown_size_is_shown_up_to_the_same_number(
    session: Session, listed: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then those that failed, and the last ones at the end."""
    monkeypatch.setattr(excerpt, "MOST_SHOWN", 20)
    rows = many(session, listed, 60)
    rows._remaining = None
    assert shown_numbers(rows) == [*range(20), 59, -1, *range(49, 59)]


def test_failed_object_has_the_status_of_its_error(session: Session, listed: Responder) -> None:
    """In its row; and the batch's error is about it, with its status and its transaction."""
    listed.on("GET", "/c/e", Answer(500, b"it failed", headers=(("X-Trans-Id", "tx1"),)))
    rows = batch(session, "-j", "1")
    rows.keep()
    (failed,) = rows.failed
    assert (failed.status, failed.transaction) == (500, "tx1")
    with pytest.raises(PartFailedError) as caught:
        rows.raise_for_failed()
    assert (caught.value.subject, caught.value.status) == ("path:/c/e", 500)
    assert str(caught.value).count("path:/c/e") == 1


def test_batch_that_ended_there_tells_of_what(session: Session, listed: Responder) -> None:
    """The error is that of the object, of its own class."""
    listed.on("GET", "/c/e", Answer(403))
    rows = batch(session, "-j", "1")
    with pytest.raises(IdentityError) as caught:
        rows.raise_for_failed()
    assert (caught.value.subject, caught.value.status) == ("path:/c/e", 403)
