"""``map --concat`` on the real Swift: one result from many objects."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storlet_shell.adapters.console import Console
from storlet_shell.batches.joining.body import JoinedBody
from storlet_shell.embedded import control
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.session import Session
from storlet_shell.spec.registry import Registry, parse
from storlet_shell.values import Connection
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.journals import count_done
from tests.support.lines import Runner, one_line
from tests.support.storlets import storlet

COUNT = 24
TABLE = b"city,degrees\n" + b"".join(b"Oslo,%d\nLima,%d\n" % (number, number) for number in range(COUNT))

SLOWLY = storlet(
    """
    import time
    target.set_metadata({})
    content = source.read()
    numbers = content.split()[1].split(b",")
    time.sleep(float(params.get("first", 0)) if numbers[1] == b"0" else float(params.get("each", 0)))
    if numbers[1] in params.get("bad", "").encode().split():
        raise ValueError("on purpose")
    target.write(content * int(params.get("times", 1)))
    """
)


@pytest.fixture(scope="module")
def tables(run: Runner, swift: control.Running, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a container with tables ``in/000.csv`` and so on, for a storlet that returns them, slowly."""
    source = tmp_path_factory.mktemp("code") / "slowly.py"
    source.write_text(SLOWLY)
    assert run("deploy", str(source)).status == 0
    name = f"tables-{secrets.token_hex(4)}"
    client = Client(Login(Credentials("the test", "v1", swift.auth_url, swift.user, swift.key), Connection()))
    client.send(Request("PUT", name)).close()
    for number in range(COUNT):
        body = f"city,degrees\nOslo,{number}\nLima,{number}"
        client.send(Request("PUT", name, f"in/{number:03}.csv"), bytes_body(body.encode())).close()
    client.close()
    return name


def words(tables: str, target: object, *more: str) -> list[str]:
    """Return the words of a line that joins all tables."""
    return ["map", "--storlet", "slowly.py", "--input", f"path:/{tables}/in/*", "--concat", str(target), *more]


def test_results_are_joined_in_the_order_of_the_listing(run: Runner, tables: str, tmp_path: Path) -> None:
    """Although the first one is the last one to be done; nothing else is left in the folder."""
    outcome = run(*words(tables, tmp_path / "all.csv", "-p", "first=0.4", "-j", "8"))
    assert outcome.status == 0, outcome.err
    assert (tmp_path / "all.csv").read_bytes() == TABLE.rstrip(b"\n")
    lines = outcome.text.splitlines()
    assert [line.split("/in/")[1] for line in lines[:-1]] == [f"{number:03}.csv" for number in range(COUNT)]
    assert lines[-1].endswith(f"all.csv: {len(TABLE) - 1} bytes")
    assert list(tmp_path.iterdir()) == [tmp_path / "all.csv"]


@pytest.mark.slow
def test_joined_results_alone_go_to_standard_output(run: Runner, tables: str) -> None:
    """The summary goes to standard error; as JSON, they are a body."""
    outcome = run(*words(tables, "-"))
    assert (outcome.status, outcome.out) == (0, TABLE.rstrip(b"\n"))
    assert one_line(outcome).startswith(f"{COUNT} objects done, ")
    document = run(*words(tables, "-", "--json")).json
    assert document["content"] == TABLE.decode().rstrip("\n")
    assert document["headers"]["Content-Type"] == "text/csv"


@pytest.mark.slow
def test_failed_object_is_missing_and_named(run: Runner, tables: str, tmp_path: Path) -> None:
    """The status is that of any batch that failed in part, and --allow-failures makes it 0."""
    without = TABLE.replace(b"Oslo,7\nLima,7\n", b"").rstrip(b"\n")
    target = tmp_path / "all.csv"
    outcome = run(*words(tables, target, "-p", "bad=7"))
    assert outcome.status == 6
    assert f"1 of {COUNT} objects is missing" in outcome.err
    assert "on purpose" in outcome.text
    assert target.read_bytes() == without
    poured = run(*words(tables, "-", "-p", "bad=7"))
    assert (poured.status, poured.out) == (6, without)
    assert "in/007.csv: ValueError: on purpose" in poured.err
    allowed = run(*words(tables, target, "-p", "bad=7", "--allow-failures"))
    assert (allowed.status, allowed.err) == (0, "")
    assert f"1 of {COUNT} objects is missing" in allowed.text


@pytest.mark.slow
def test_file_stays_if_the_batch_ends_early_or_all_fails(run: Runner, tables: str, tmp_path: Path) -> None:
    """It is written at the end, or not at all."""
    target = tmp_path / "all.csv"
    target.write_bytes(b"before")
    early = run(*words(tables, target, "-p", "bad=7", "--fail-fast", "-j", "1"))
    assert early.status == 6
    failed = run(*words(tables, target, "-p", "bad=0 1 2", "--limit", "3"))
    assert failed.status == 6
    assert "not written, since every object failed" in failed.err
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.slow
def test_table_with_another_header_is_a_failed_object(run: Runner, tables: str, tmp_path: Path) -> None:
    """It isn't appended silently; --header keep keeps all headers."""
    pattern = f"path:/{tables}/{{in,other}}/00[01].csv"
    assert run("put", "-", f"{tables}/other/000.csv", stdin=b"town,degrees\nOslo,1\n").status == 0
    line = ["map", "--storlet", "slowly.py", "--input", pattern, "--concat", str(tmp_path / "all.csv")]
    outcome = run(*line, "--json")
    assert outcome.status == 6
    assert [row["object"] for row in outcome.json["rows"] if row["error"]] == [f"path:/{tables}/other/000.csv"]
    assert "its header is 'town,degrees'" in outcome.json["rows"][-1]["error"]
    assert outcome.json["file"] == str(tmp_path / "all.csv")
    assert outcome.json["file_bytes"] == (tmp_path / "all.csv").stat().st_size
    assert run(*line, "--header", "keep").status == 0
    assert (tmp_path / "all.csv").read_bytes().count(b",degrees\n") == 3
    assert run("rm", f"{tables}/other/000.csv", "-y").status == 0


@pytest.mark.parametrize(
    ("more", "status", "text"),
    [
        (["--concat", "x", "--save", "y"], 2, "choose one: concat joins all results"),
        (["--concat", "x", "--output", "path:/c/{path}"], 2, "choose one: concat joins all results"),
        (["--header", "once"], 2, "it needs concat"),
        (["--concat", "x", "--journal", "./x"], 2, "the journal needs its own file"),
        (["--concat", "x", "--header", "twice"], 2, "--header"),
        (["--concat", "no/folder/x"], 1, "can't write no/folder/x"),
        (["--concat", "."], 2, "it is a directory"),
    ],
)
def test_what_does_not_fit_is_refused(run: Runner, tables: str, more: list[str], status: int, text: str) -> None:
    """Before anything is run."""
    outcome = run("map", "--storlet", "slowly.py", "--input", f"path:/{tables}/in/*", *more)
    assert (outcome.status, outcome.out) == (status, b"")
    assert text in outcome.err


def test_nothing_to_join_is_not_found(run: Runner, tables: str, tmp_path: Path) -> None:
    """No file is made; nor by a dry run."""
    line = ["map", "--storlet", "slowly.py", "--concat", str(tmp_path / "x"), "--input"]
    assert run(*line, f"path:/{tables}/none*").status == 4
    assert run(*line, f"path:/{tables}/in/*", "--dry-run").status == 0
    assert list(tmp_path.iterdir()) == []


def test_full_disk_ends_the_batch(run: Runner, tables: str) -> None:
    """With one line and the status of a local failure."""
    outcome = run(*words(tables, "/dev/full"))
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1] == "storlet-shell: can't write /dev/full: No space left on device"


@pytest.mark.slow
def test_full_disk_under_waiting_results_ends_the_batch(run: Runner, tables: str, tmp_path: Path) -> None:
    """The temporary file is next to the target, and leaves nothing there."""
    line = words(tables, tmp_path / "all", "-p", "times=20000", "-p", "first=1")
    script = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY)); "
    script += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    script += "from storlet_shell.adapters.cli.main import main; sys.exit(main(sys.argv[1:]))"
    ended = subprocess.run(
        [sys.executable, "-c", script, *line], env=run.environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert "can't write" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


HUGE = """\
from collections.abc import Iterator


def huge(data: bytes, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield data * 32768
"""


@pytest.mark.slow
def test_result_may_be_larger_than_memory(run: Runner, here: str, tmp_path: Path) -> None:
    """384 MiB with 300 MiB of address space: it waits in a file, whose content is joined in chunks."""
    (tmp_path / "huge.py").write_text(HUGE)
    assert run("deploy", str(tmp_path / "huge.py")).status == 0
    assert run("put", "-", f"{here}/line", stdin=b"a" * 31 + b"\n").status == 0
    script = "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20)); "
    script += "from storlet_shell.adapters.cli.main import main; sys.exit(main(sys.argv[1:]))"
    line = ["map", "--storlet", "huge.py", "-p", "count=384", "--input", f"path:/{here}/line", "-j", "1"]
    ended = subprocess.run(
        [sys.executable, "-c", script, *line, "--concat", str(tmp_path / "all")],
        env={**run.environ, "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "all").stat().st_size == 384 << 20


@pytest.mark.slow
def test_reader_that_leaves_ends_the_batch(run: Runner, tables: str) -> None:
    """As in ``… | head -1``: status 141."""
    script = '"$0" -m storlet_shell "$@" | head -1; echo "${PIPESTATUS[0]}" >&2'
    line = words(tables, "-", "-p", "times=20000")
    ended = subprocess.run(
        ["bash", "-c", script, sys.executable, *line], env=run.environ, capture_output=True, text=True, check=False
    )
    assert ended.stdout == "city,degrees\n"
    assert ended.stderr.splitlines()[-1] == "141"
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_interrupted_batch_resumes_with_its_journal(run: Runner, tables: str, tmp_path: Path, end: int) -> None:
    """Results of the first process are joined by the second one, which runs only the other objects."""
    target, journal = tmp_path / "all.csv", tmp_path / "journal"
    line = words(tables, target, "--journal", str(journal), "-j", "2", "-p", "each=0.1")
    process = subprocess.Popen(
        [sys.executable, "-m", "storlet_shell", *line],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=run.environ,
    )
    while count_done(journal) < 4:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(end)
    assert process.wait() == (130 if end == signal.SIGINT else -signal.SIGKILL)
    assert not target.exists()
    again = run(*line, "--json")
    assert again.status == 0, again.err
    assert again.json["done_before"] >= 4
    assert again.json["done_before"] + again.json["done"] == COUNT
    assert target.read_bytes() == TABLE.rstrip(b"\n")
    line = words(tables, tmp_path / "none.csv", "--journal", str(journal), "-p", "each=0.1", "--header", "none")
    other = run(*line)
    assert f"0 objects done, {COUNT} done before" in other.text
    assert (tmp_path / "none.csv").read_bytes() == TABLE.rstrip(b"\n").partition(b"\n")[2]


@pytest.mark.slow
def test_lost_results_run_again(run: Runner, tables: str, tmp_path: Path) -> None:
    """Without the folder of results, a journal alone proves nothing; failed objects run again, too."""
    line = words(tables, tmp_path / "all.csv", "--journal", str(tmp_path / "journal"), "--json")
    assert run(*line).json["done"] == COUNT
    (gone, *_) = (tmp_path / "journal.results").iterdir()
    gone.unlink()
    again = run(*line)
    assert (again.json["done"], again.json["done_before"]) == (1, COUNT - 1)
    assert (tmp_path / "all.csv").read_bytes() == TABLE.rstrip(b"\n")


@pytest.mark.slow
def test_body_in_a_variable_can_be_read_again(run: Runner, tables: str, tmp_path: Path) -> None:
    """The batch has run once, and its results wait in a file: they are text, a file, and a data frame."""
    with Session(Console(run.environ)) as session:
        call = parse(Registry(), [*words(tables, "-"), "-o", "body"])
        result = call.run(session)
        call.keep(result, session)
        body = session.variables["body"]
        assert isinstance(body, JoinedBody)
        assert body.peek(4) == b"city"
        assert b"".join(body.iter_content(5)) == TABLE.rstrip(b"\n")
        assert body.save(tmp_path / "all.csv") == len(TABLE) - 1
        assert next(body.lines()) == "city,degrees"
        assert body.text == TABLE.decode().rstrip("\n")
        assert body.headers["Content-Length"] == str(len(TABLE) - 1)
