"""``map``, ``reduce``, and ``pipe`` over many objects on the real Swift, and scripted failures."""

from __future__ import annotations

import itertools
import json
import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import unquote

import pytest

from storlet_shell.adapters.console import Console
from storlet_shell.adapters.progress import figures
from storlet_shell.batches import batch, throttle
from storlet_shell.batches.journal import Journal
from storlet_shell.embedded import control
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.results import Table
from storlet_shell.session import Session
from storlet_shell.spec.registry import Registry, parse
from storlet_shell.values import Connection
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.commands.names import NAMES
from tests.support.lines import Runner, one_line
from tests.support.responder import Answer, Recorded, Responder, ok, page

COUNT = 40


def put(client: Client, container: str, name: str, body: bytes = b"text") -> None:
    """Store an object."""
    from storlet_shell.wire.bodies import bytes_body

    client.send(Request("PUT", container, name), bytes_body(body)).close()


def names_in(client: Client, container: str) -> list[str]:
    """List a container."""
    listing = client.send(Request("GET", container, query=(("format", "json"),))).read()
    return [entry["name"] for entry in json.loads(listing)]


@pytest.fixture(scope="module")
def many(storlets: Runner, swift: control.Running) -> str:
    """Have a container with objects ``in/000`` and so on, which stay as they are."""
    name = f"many-{secrets.token_hex(4)}"
    client = Client(Login(Credentials("the test", "v1", swift.auth_url, swift.user, swift.key), Connection()))
    client.send(Request("PUT", name)).close()
    for number in range(COUNT):
        put(client, name, f"in/{number:03}", f"text {number}".encode())
    client.close()
    return name


# --- on the real Swift


def test_each_object_gives_a_row(storlets: Runner, many: str) -> None:
    """Rows for machines: every field, and figures; nothing is left out."""
    outcome = storlets("map", "--storlet", "upper.py", "--input", f"path:/{many}/in/*", "--json")
    assert outcome.status == 0, outcome.err
    rows = {row["object"]: row for row in outcome.json["rows"]}
    assert set(rows) == {f"path:/{many}/in/{number:03}" for number in range(COUNT)}
    row = rows[f"path:/{many}/in/007"]
    assert (row["status"], row["bytes"], row["error"]) == (200, len("text 7"), None)
    assert row["seconds"] > 0
    assert row["endpoint"].startswith("127.0.0.1:")
    assert (outcome.json["done"], outcome.json["failed"], outcome.json["is_whole"]) == (COUNT, 0, True)


def test_rows_have_headings_where_people_read_them(storlets: Runner, many: str) -> None:
    """Each over its column, once."""
    with Session(Console(storlets.environ)) as session:
        words = ["map", "--storlet", "upper.py", "--input", f"path:/{many}/in/00[12]"]
        result = parse(Registry(), words).run(session)
        assert isinstance(result, Table)
        result.is_headed = True
        heading, first, second, _ = result.render()
    assert heading.split() == ["STATUS", "BYTES", "SECONDS", "OBJECT", "ERROR"]
    assert heading.index("OBJECT") == first.index("path:") == second.index("path:")
    assert heading.index("SECONDS") + len("SECONDS") == first.index("  path:")


@pytest.mark.slow
def test_output_is_made_inside_the_cluster(storlets: Runner, real_client: Client, many: str, container: str) -> None:
    """By COPY, into the place that the template says."""
    words = ["--input", f"path:/{many}/in/0[01]?", "--output", f"path:/{container}/out/{{name}}.up", "-j", "3"]
    outcome = storlets("map", "--storlet", "upper.py", *words)
    assert outcome.status == 0, outcome.err
    made = names_in(real_client, container)
    assert made == [f"out/{number:03}.up" for number in range(20)]
    assert real_client.send(Request("GET", container, "out/013.up")).read() == b"TEXT 13"


@pytest.mark.slow
def test_every_name_is_saved_or_refused(storlets: Runner, real_client: Client, container: str, tmp_path: Path) -> None:
    """A file for each name that can be one; the others are named, nothing is written outside, and all the rest is."""
    for name in NAMES:
        put(real_client, container, name, name.encode())
    refused = {"a//b", "a/../b", "./a", "..", "trailing/"}
    words = ["--input", f"path:/{container}/**", "--save", str(tmp_path / "folder"), "--json"]
    outcome = storlets("map", "--storlet", "upper.py", *words)
    assert outcome.status == 6
    failed = {row["object"].removeprefix(f"path:/{container}/") for row in outcome.json["rows"] if row["error"]}
    assert failed == {*refused, "n" * 1024}
    written = {str(path.relative_to(tmp_path / "folder")) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == set(NAMES) - failed
    for name in written:
        assert (tmp_path / "folder" / name).read_bytes() == name.encode().upper()


@pytest.mark.slow
def test_rows_may_come_in_order(storlets: Runner, many: str) -> None:
    """Whatever the order in which they are done."""
    outcome = storlets("map", "--storlet", "upper.py", "--input", f"path:/{many}/in/*", "--ordered", "--json")
    objects = [row["object"] for row in outcome.json["rows"]]
    assert objects == sorted(objects)
    assert len(objects) == COUNT


def test_failures_are_summed_up(storlets: Runner, real_client: Client, many: str) -> None:
    """The batch goes on, ends with status 6, and shows the first failure's traceback."""
    outcome = storlets("map", "--storlet", "raises.py", "--input", f"path:/{many}/in/00*", "--json")
    assert outcome.status == 6
    assert outcome.json["failed"] == 10
    assert "ValueError: on purpose" in outcome.err
    assert "0 of 10 objects done, 10 failed" in outcome.err
    assert "raise ValueError('on purpose')" in outcome.err


def test_first_failure_may_end_it(storlets: Runner, many: str) -> None:
    """With --fail-fast, no further object is begun."""
    words = ["--input", f"path:/{many}/in/*", "--fail-fast", "-j", "1", "--json"]
    outcome = storlets("map", "--storlet", "raises.py", *words)
    assert outcome.status == 6
    assert outcome.json["failed"] == 1
    assert not outcome.json["is_whole"]


def test_body_that_breaks_off_is_a_failure(storlets: Runner, many: str, tmp_path: Path) -> None:
    """No file is left of it, not even a temporary one."""
    words = ["--input", f"path:/{many}/in/000", "--save", str(tmp_path)]
    outcome = storlets("map", "--storlet", "later.py", *words)
    assert outcome.status == 6
    assert f"storlet later.py failed on path:/{many}/in/000: ValueError: after the metadata" in outcome.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--input", "path:/{c}/none*"], 4, "no object matches"),
        (["--input", "path:/none/*"], 4, "container none"),
        (["--input", "path:/{c}/in/*", "--output", "path:/{c}/out/x"], 2, "would both make path:/{c}/out/x"),
        (["--input", "path:/{c}/in/*", "--output", "path:/{c}/in/{name}.x"], 2, "would match"),
        (["--input", "path:/{c}/in/*", "--output", "path:/none/{name}"], 4, "mkdir none"),
        (["--input", "path:/{c}/in/*", "--save", "/x", "--output", "path:/{c}/{name}"], 2, "choose one: output stores"),
        (["--input", "path:/{c}/in/*", "--on", "copy"], 2, "name them with output"),
        (["--input", "path:/{c}/in/*", "--output", "path:/{c}/${DAY}/{name}"], 2, "${DAY} is not expanded, since"),
        (["--input", "path:/{c}/in/*", "-j", "0"], 2, "-j takes a number from 1"),
        (["--input", "path:/{c}/in/*", "-j", "x"], 2, "-j takes a number from 1"),
        (["--input", "path:/{c}/in/*", "--limit", "0"], 2, "--limit takes a number of at least 1"),
        (["--input", "path:/{c}/in/*", "--scheduler", "best"], 2, "least-outstanding"),
        (["--input", "path:/{c}/in/*", "--executor", "best"], 2, "threads"),
        (["--input", "path:/{c}/in/*", "--endpoint", "host"], 2, "not an endpoint"),
        (["--input", "path:/{c}/in/*", "--storlet", "missing.py"], 4, "storlet missing.py isn't deployed"),
        (["--input", "path:/{c}/in/*", "--extra", "path:/{c}/none"], 4, "path:/{c}/none: not found"),
    ],
)
def test_what_can_not_go_well_is_refused_at_once(
    storlets: Runner, real_client: Client, many: str, words: list[str], status: int, said: str
) -> None:
    """In one line, before any run: nothing is made."""
    storlet = [] if "--storlet" in words else ["--storlet", "upper.py"]
    outcome = storlets("map", *storlet, *(word.replace("{c}", many) for word in words))
    assert (outcome.status, outcome.out) == (status, b"")
    assert said.replace("{c}", many) in one_line(outcome)
    assert len(names_in(real_client, many)) == COUNT


def test_dry_run_shows_requests_and_runs_nothing(storlets: Runner, real_client: Client, many: str) -> None:
    """The listing is read; the first requests are shown as they would go."""
    words = ["--input", f"path:/{many}/in/*", "--output", f"path:/{many}/out/{{name}}", "--dry-run", "--json"]
    outcome = storlets("map", "--storlet", "upper.py", "-p", "k=v", *words)
    assert outcome.status == 0
    first, *others = outcome.json["requests"]
    assert len(others) == 9
    assert first["method"] == "COPY"
    assert first["headers"]["Destination"] == f"{many}/out/000"
    assert first["headers"]["X-Storlet-Parameter-1"] == "k:v"
    assert f"{COUNT} objects match" in one_line(outcome)
    assert len(names_in(real_client, many)) == COUNT


def test_variable_holds_what_the_storlet_made(storlets: Runner, many: str) -> None:
    """Rows, and the bodies by their objects' names."""
    with Session(Console(storlets.environ)) as session:
        words = ["map", "--storlet", "upper.py", "--input", f"path:/{many}/in/*", "-o", "made"]
        parse(Registry(), words).run(session)
        made = session.variables["made"]
        assert made["in/011"] == b"TEXT 11"
        assert len(list(made.rows())) == COUNT
        assert made.problem is None


def test_limit_takes_the_first_ones(storlets: Runner, many: str) -> None:
    """To try a storlet on a few."""
    words = ["--input", f"path:/{many}/in/*", "--limit", "3", "--ordered", "--json"]
    outcome = storlets("map", "--storlet", "upper.py", *words)
    assert [row["object"][-3:] for row in outcome.json["rows"]] == ["000", "001", "002"]


# --- the journal


def lines_of(many: str, folder: Path, *more: str) -> list[str]:
    """Return the words of a batch with a journal."""
    places = ["--save", str(folder / "made"), "--journal", str(folder / "journal")]
    return ["map", "--storlet", "upper.py", "--input", f"path:/{many}/in/*", *places, *more]


@pytest.mark.slow
def test_failed_objects_run_again_and_done_ones_do_not(storlets: Runner, many: str, tmp_path: Path) -> None:
    """The same line goes on where it was."""
    in_the_way = tmp_path / "made" / "in" / "001"
    in_the_way.mkdir(parents=True)
    first = storlets(*lines_of(many, tmp_path, "--json"))
    assert (first.status, first.json["failed"]) == (6, 1)
    in_the_way.rmdir()
    second = storlets(*lines_of(many, tmp_path, "--json"))
    assert second.status == 0, second.err
    assert [row["object"][-3:] for row in second.json["rows"]] == ["001"]
    assert second.json["done_before"] == COUNT - 1


@pytest.mark.slow
@pytest.mark.parametrize("when", [1, 7, 25])
def test_killed_batch_goes_on_and_everything_is_done(storlets: Runner, many: str, tmp_path: Path, when: int) -> None:
    """Killed by SIGKILL after so many rows; the second process runs what is not recorded, and names what is unknown."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "storlet_shell", *lines_of(many, tmp_path, "-j", "4")],
        stdout=subprocess.PIPE,
        env={**storlets.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    rows = [process.stdout.readline() for _ in range(when)]
    process.kill()
    process.wait()
    process.stdout.close()
    assert all(row.startswith(b"200") for row in rows)
    saved = len(list((tmp_path / "made" / "in").iterdir()))
    again = storlets(*lines_of(many, tmp_path, "--json"))
    assert again.status == 0, again.err
    assert again.json["done_before"] + again.json["done"] == COUNT
    assert min(when, 2) - 1 <= again.json["done_before"] <= saved
    assert "whether they ran is unknown" in again.err
    files = sorted(path for path in (tmp_path / "made" / "in").iterdir() if not path.name.startswith("."))
    assert [path.read_bytes() for path in files] == [f"TEXT {number}".encode() for number in range(COUNT)]


@pytest.mark.slow
def test_interrupted_batch_goes_on(storlets: Runner, many: str, tmp_path: Path) -> None:
    """Ctrl-C ends with status 130 once what runs has ended, and leaves nothing unknown."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "storlet_shell", *lines_of(many, tmp_path, "-j", "2")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**storlets.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert b"interrupted" in told
    again = storlets(*lines_of(many, tmp_path, "--json"))
    assert (again.status, again.err) == (0, "")
    assert again.json["done_before"] + again.json["done"] == COUNT
    assert 0 < again.json["done"] < COUNT


@pytest.mark.slow
def test_journal_of_another_batch_is_refused(storlets: Runner, many: str, tmp_path: Path) -> None:
    """Another storlet, parameter, pattern or output is another batch."""
    assert storlets(*lines_of(many, tmp_path)).status == 0
    outcome = storlets(*lines_of(many, tmp_path, "-p", "k=v"))
    assert outcome.status == 2
    assert 'storlet was ["upper.py"], now ["upper.py -p k=v"]' in one_line(outcome)


def test_what_is_no_journal_is_refused(storlets: Runner, many: str, tmp_path: Path) -> None:
    """Neither text, nor an SQLite file, but not a journal, nor a damaged journal; the file stays as it is."""
    journal = tmp_path / "journal"
    journal.write_text("no journal " * 1000)
    outcome = storlets(*lines_of(many, tmp_path))
    assert outcome.status == 1
    assert "not a journal" in one_line(outcome)
    assert journal.read_text() == "no journal " * 1000
    journal.unlink()
    with sqlite3.connect(journal) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()
    outcome = storlets(*lines_of(many, tmp_path))
    assert outcome.status == 1
    assert "an SQLite file, but not a journal" in one_line(outcome)


def test_two_processes_do_not_share_a_journal(storlets: Runner, many: str, tmp_path: Path) -> None:
    """The second one is refused, and a dead one holds nothing."""
    from storlet_shell.batches.journal import Journal

    with Journal(tmp_path / "journal", {}):
        outcome = storlets(*lines_of(many, tmp_path))
    assert outcome.status == 2
    assert "in use by another process" in one_line(outcome)


# --- reduce and pipe


@pytest.mark.slow
@pytest.mark.parametrize(("count", "runs"), [(1, 1), (2, 1), (3, 1), (4, 2), (10, 5)])
def test_reduce_makes_one_of_many(
    storlets: Runner, real_client: Client, many: str, container: str, count: int, runs: int
) -> None:
    """In order, by runs of at most three inputs; the container of what is made on the way is gone."""
    pattern = f"path:/{many}/in/{{{','.join(f'{number:03}' for number in range(count))}}}"
    if count == 1:
        pattern = f"path:/{many}/in/000"
    words = ["--input", pattern, "--output", f"path:/{container}/all", "--fan-in", "2", "--json"]
    outcome = storlets("reduce", "--storlet", "join.py", *words)
    assert outcome.status == 0, outcome.err
    body = real_client.send(Request("GET", container, "all")).read().replace(b"[", b"").replace(b"]", b"")
    assert body == b"".join(f"text {number}".encode() for number in range(count))
    assert (outcome.json["inputs"], outcome.json["runs"]) == (count, runs)
    assert not [name for name in names_in(real_client, "") if name.startswith("storlet-shell-scratch")]


@pytest.mark.slow
def test_failed_reduce_leaves_nothing(storlets: Runner, real_client: Client, many: str, container: str) -> None:
    """Neither an output nor the container of what was made on the way."""
    words = ["--input", f"path:/{many}/in/*", "--output", f"path:/{container}/all", "--fan-in", "3"]
    outcome = storlets("reduce", "--storlet", "raises.py", "--allow-unread", *words)
    assert outcome.status == 6
    assert names_in(real_client, container) == []
    assert not [name for name in names_in(real_client, "") if name.startswith("storlet-shell-scratch")]


def test_groups_fit_into_a_header() -> None:
    """Long names make smaller groups: Swift takes lines of 8 KiB."""
    from storlet_shell.batches.reducing import _groups
    from storlet_shell.values import ObjectPath

    paths = [ObjectPath("c", f"{number:04}{'ü' * 500}") for number in range(10)]
    groups = list(_groups(paths, 16))
    assert [path for group in groups for path in group] == paths
    assert all(1 < len(group) <= 4 for group in groups[:-1])


@pytest.mark.slow
def test_pipe_over_one_object_is_a_body(storlets: Runner, real_client: Client, many: str) -> None:
    """As with get; parameters belong to their step, and quotes hold a bar."""
    outcome = storlets("pipe", "upper.py | twice.py a='x | y'|tell.py 'k=v | w'", "--input", f"path:/{many}/in/003")
    assert outcome.status == 0, outcome.err
    assert outcome.json == {"k": "v | w"}
    assert storlets("pipe", "upper.py|twice.py", "--input", f"path:/{many}/in/003").out == b"TEXT 3TEXT 3"
    assert not [name for name in names_in(real_client, "") if name.startswith("storlet-shell-scratch")]


@pytest.mark.slow
def test_pipe_over_many_objects_gives_rows(storlets: Runner, real_client: Client, many: str, container: str) -> None:
    """Each step inside the cluster, the last one into the output."""
    words = ["--input", f"path:/{many}/in/00?", "--output", f"path:/{container}/out/{{name}}", "--json"]
    outcome = storlets("pipe", "upper.py | twice.py", *words)
    assert outcome.status == 0, outcome.err
    assert outcome.json["done"] == 10
    assert real_client.send(Request("GET", container, "out/007")).read() == b"TEXT 7TEXT 7"
    assert not [name for name in names_in(real_client, "") if name.startswith("storlet-shell-scratch")]


@pytest.mark.slow
def test_failed_step_is_told_by_its_object(storlets: Runner, real_client: Client, many: str, container: str) -> None:
    """Not by a name that nobody has given."""
    words = ["--input", f"path:/{many}/in/00?", "--output", f"path:/{container}/out/{{name}}", "--json"]
    outcome = storlets("pipe", "upper.py | raises.py", *words)
    assert outcome.status == 6
    assert f"the result of step 1 for path:/{many}/in/00" in outcome.json["rows"][0]["error"]
    assert not [name for name in names_in(real_client, "") if name.startswith("storlet-shell-scratch")]


@pytest.mark.parametrize("chain", ["", "|", "a.py |", "a.py || b.py", "a.py k", "a/b.py", "a.py 'k=v"])
def test_what_is_no_chain_is_refused(run: Runner, chain: str) -> None:
    """In one line, before anything is sent."""
    outcome = run("pipe", chain, "--input", "path:/c/o")
    assert outcome.status == 2
    one_line(outcome)


# --- faults, scripted


WORDS = ["map", "--storlet", "s.py", "--input", "path:/c/*", "--json"]


def test_interrupt_between_two_tasks_leaves_nothing_unknown(
    run_scripted: Runner, listed: Responder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was done when Ctrl-C came is on record, although nobody has seen its row."""
    words = [*WORDS, "--journal", str(tmp_path / "journal"), "-j", "1"]
    taken, take = itertools.count(1), Journal.take

    def interrupted(self: Journal, names: list[str]) -> None:
        if next(taken) == 10:
            raise KeyboardInterrupt
        take(self, names)

    with monkeypatch.context() as patch:
        patch.setattr(batch, "_MOST_AHEAD", 1)
        patch.setattr(Journal, "take", interrupted)
        assert run_scripted(*words).status == 130
    again = run_scripted(*words)
    assert (again.status, again.err) == (0, "")
    assert len(listed.sent("GET")) == 2 * 2 + 20


@pytest.mark.parametrize("status", [429, 498, 503])
def test_rate_limit_slows_down_and_fails_nothing(run_scripted: Runner, listed: Responder, status: int) -> None:
    """Each refused request is sent again, and the end is as if nothing had been."""
    refusal = page(status, "slow down", Retry_After="0")
    for name in "aceg":
        listed.on("GET", f"/c/{name}", refusal, refusal, Answer(200, b"made", chunked=True))
    outcome = run_scripted(*WORDS)
    assert outcome.status == 0, outcome.err
    assert outcome.json["done"] == 20
    assert len(listed.sent("GET")) == 2 + 20 + 8


@pytest.mark.slow
def test_server_that_wants_to_be_left_alone_for_days(
    run_scripted: Runner, listed: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch waits no longer than it bears refusals; then the object has failed."""
    monkeypatch.setattr(throttle, "PATIENCE", 0.3)
    listed.on("GET", "/c/b", page(429, "slow down", Retry_After="1000000"))
    outcome = run_scripted(*WORDS)
    assert outcome.status == 6
    assert [row["object"] for row in outcome.json["rows"] if row["error"]] == ["path:/c/b"]


@pytest.mark.parametrize("status", [429, 503])
def test_refused_step_of_a_pipe_is_all_that_is_repeated(run_scripted: Runner, listed: Responder, status: int) -> None:
    """What the steps before it made is still there."""
    listed.on("PUT", "*", ok(status=201))
    listed.on("DELETE", "*", ok(status=204))
    listed.on("COPY", "*", ok(status=201, X_Storlet_Generated_From="c/a"))
    refusals = [page(status, "slow down", Retry_After="0")] * 2

    def runs(request: Recorded) -> Answer:
        if request.header("X-Run-Storlet") is None:
            return ok(b"[]")
        return refusals.pop() if refusals else Answer(200, b"made", chunked=True)

    listed.on("GET", "*", runs)
    outcome = run_scripted("pipe", "a.py | b.py", "--input", "path:/c/*", "--limit", "1", "--json")
    assert (outcome.status, outcome.json["done"]) == (0, 1), outcome.err
    assert (len(listed.sent("COPY")), refusals) == (1, [])


def test_storlets_own_503_is_not_repeated(run_scripted: Runner, listed: Responder) -> None:
    """It may have run."""
    listed.on("GET", "/c/b", page(503, "<html>"))
    outcome = run_scripted(*WORDS)
    assert outcome.status == 6
    assert [row["object"] for row in outcome.json["rows"] if row["error"]] == ["path:/c/b"]
    assert len([request for request in listed.sent("GET") if request.path == "/c/b"]) == 1


def test_cut_connection_is_not_repeated(run_scripted: Runner, listed: Responder) -> None:
    """The storlet may have run before the connection went."""
    listed.on("GET", "/c/b", Answer(status=0, end="cut"))
    outcome = run_scripted(*WORDS)
    assert outcome.status == 6
    assert len([request for request in listed.sent("GET") if request.path == "/c/b"]) == 1
    assert outcome.json["done"] == 19


def test_vanished_object_is_a_row(run_scripted: Runner, listed: Responder) -> None:
    """It was there when the listing was made."""
    listed.on("GET", "/c/d", page(404))
    listed.on("HEAD", "/c/d", page(404))
    outcome = run_scripted(*WORDS)
    assert outcome.status == 6
    (failed,) = [row for row in outcome.json["rows"] if row["error"]]
    assert failed["error"] == "path:/c/d: vanished between the listing and the run"


def test_refused_identity_ends_the_batch(run_scripted: Runner, listed: Responder) -> None:
    """Every further object would be refused, too."""
    listed.on("GET", "*", page(403))
    outcome = run_scripted(*WORDS, "-j", "1")
    assert outcome.status == 3
    assert len(outcome.json["rows"]) == 1


@pytest.mark.slow
def test_dead_endpoint_is_left_out(run_scripted: Runner, listed: Responder) -> None:
    """The other one does all the work; a refused connection has reached no storlet."""
    words = ["--endpoint", "http://127.0.0.1:9", "--endpoint", listed.storage_url, "--scheduler", "round-robin"]
    outcome = run_scripted(*WORDS, *words)
    assert outcome.status == 0, outcome.err
    assert {row["endpoint"] for row in outcome.json["rows"]} == {f"127.0.0.1:{listed.port}"}


@pytest.mark.slow
def test_no_endpoint_at_all_ends_the_batch(run_scripted: Runner, listed: Responder) -> None:
    """In one line that names them, with status 5."""
    outcome = run_scripted(*WORDS, "--endpoint", "http://127.0.0.1:9", "--endpoint", "http://127.0.0.1:7")
    assert outcome.status == 5
    assert "can't connect to http://127.0.0.1:9" in one_line(outcome)
    assert not outcome.json["is_whole"]


@pytest.mark.parametrize("scheduler", ["random", "round-robin", "least-outstanding"])
def test_schedulers_share_the_work_out(run_scripted: Runner, listed: Responder, scheduler: str) -> None:
    """Two names of one server both get some."""
    words = ["--endpoint", listed.storage_url, "--endpoint", listed.storage_url.replace("127.0.0.1", "localhost")]
    outcome = run_scripted(*WORDS, *words, "--scheduler", scheduler)
    assert outcome.status == 0, outcome.err
    assert len({row["endpoint"] for row in outcome.json["rows"]}) == 2


def test_no_more_runs_are_under_way_than_jobs(run_scripted: Runner, listed: Responder) -> None:
    """Whatever the number of objects."""
    under_way, most, lock = 0, 0, threading.Lock()

    def slow(request: Recorded) -> Answer:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.02)
        with lock:
            under_way -= 1
        return Answer(200, b"made", chunked=True)

    for name in "abcdefghijklmnopqrst":
        listed.on("GET", f"/c/{name}", slow)
    assert run_scripted(*WORDS, "-j", "3").status == 0
    assert most == 3


def test_wire_of_a_run(run_scripted: Runner, listed: Responder) -> None:
    """The request of a batch's run is that of a get: on the proxy server, unless nodes are known to run it."""
    run_scripted(*WORDS, "-p", "k=v ü", "--limit", "1")
    (request,) = [request for request in listed.sent("GET") if request.path == "/c/a"]
    assert request.header("X-Run-Storlet") == "s.py"
    assert request.header("X-Storlet-Parameter-1") == "k:v%20%C3%BC"
    assert request.names() == {
        "host",
        "accept-encoding",
        "user-agent",
        "x-auth-token",
        "x-run-storlet",
        "x-storlet-run-on-proxy",
        "x-storlet-parameter-1",
    }


def test_estimate_is_shown() -> None:
    """How many, how fast, how long still."""
    assert figures(50, 200, 10, "objects") == "50 of 200 · 5/s · 0:30 left"
    assert figures(12, 50, 2.8571, "objects", "3 failed") == "12 of 50 · 3 failed · 4.2/s · 0:09 left"
    assert figures(5000, None, 1000, "objects") == "5,000 objects · 5/s"
    assert figures(1, 72001, 0.1, "objects") == "1 of 72,001 · 10/s · 2:00:00 left"
    assert figures(1024, 2048, 1, remark="files 12 of 3,000") == "1.0 KiB of 2.0 KiB · files 12 of 3,000 · 1.0 KiB/s"


def test_wire_of_a_reduce(run_scripted: Runner, listed: Responder) -> None:
    """Inputs are looked up; what is made on the way expires by itself; the output does not."""
    listed.on("GET", "*", ok(b"[]"))
    listed.on("PUT", "*", ok(status=201))
    listed.on("DELETE", "*", ok(status=204))
    listed.on("COPY", "*", ok(status=201, X_Storlet_Generated_From="c/a"))
    words = ["--input", "path:/c/{a..e}", "--output", "path:/out/all", "--fan-in", "2", "-j", "1", "--json"]
    outcome = run_scripted("reduce", "--storlet", "s.py", *words)
    assert (outcome.status, outcome.err) == (0, "")
    first, second, last = listed.sent("COPY")
    assert (first.path, first.header("X-Storlet-Extra-Resources")) == ("/c/a", "/c/b,/c/c")
    assert (second.path, second.header("X-Storlet-Extra-Resources")) == ("/c/d", "/c/e")
    scratch = unquote(first.header("Destination") or "").partition("/")[0]
    assert [sent.header("Destination") for sent in (first, second, last)] == [
        f"{scratch}/0/0",
        f"{scratch}/0/1",
        "out/all",
    ]
    assert [sent.header("X-Delete-After") for sent in (first, second, last)] == ["86400", "86400", None]
    assert {"/c/a", "/c/b", "/c/c", "/c/d", "/c/e"} <= {sent.path for sent in listed.sent("HEAD")}
    assert [sent.path for sent in listed.sent("DELETE")] == [f"/{scratch}/0/0", f"/{scratch}/0/1", f"/{scratch}"]
