"""Completion candidates at the cursor."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from prompt_toolkit.completion import CompleteEvent, Completion
from prompt_toolkit.document import Document

from storlet_shell.adapters.completion import names as completion
from storlet_shell.adapters.completion.cursor import candidates
from storlet_shell.adapters.completion.names import Candidate, complete, prepare
from storlet_shell.adapters.shell.app import Shell
from storlet_shell.session import Options, Session, Surroundings
from storlet_shell.spec.arguments import Kind
from storlet_shell.spec.registry import Registry
from tests.adapters.conftest import SlowStore
from tests.support.functions import CODE, deploy
from tests.support.responder import Answer, Responder
from tests.support.storlets import STORLETS

Upload = Callable[[str, bytes], None]


def texts(session: Session, kind: Kind, text: str, *, prefixed: bool = False) -> list[str]:
    """Return what a text may become, with a mark where the word goes on; a slow machine is waited for."""
    found = complete(session, kind, text, prefixed=prefixed, deadline=10)
    return [one.text + ("" if one.final else "…") for one in found]


@pytest.fixture
def photos(container: str, upload: Upload) -> str:
    """Fill a container."""
    for name in ("a.txt", "b/c.txt", "b/d e.txt", "b/new\nline", "it's"):
        upload(f"{container}/{name}", b"")
    return container


@pytest.mark.parametrize("prefix", ["", "/", "path:", "path:/"])
def test_objects_complete_in_every_spelling(session: Session, photos: str, prefix: str) -> None:
    """Containers and folders go on, objects end; the spelling stays the user's; what can't be typed is left out."""
    start = f"{prefix}{photos}"
    assert texts(session, Kind.OBJECT, start[:-1]) == [f"{start}/…"]
    assert texts(session, Kind.OBJECT, f"{start}/") == [f"{start}/a.txt", f"{start}/b/…", f"{start}/it's"]
    assert texts(session, Kind.OBJECT, f"{start}/b/") == [f"{start}/b/c.txt", f"{start}/b/d e.txt"]
    assert texts(session, Kind.OBJECT, f"{start}/none") == []


def test_where_the_prefix_is_demanded_it_is_offered(session: Session, photos: str) -> None:
    """Where an object must be spelled with path:/, that is what Tab begins with."""
    assert f"path:/{photos}/…" in texts(session, Kind.OBJECT, "", prefixed=True)
    assert f"path:/{photos}/…" in texts(session, Kind.OBJECT, "pa", prefixed=True)
    assert f"path:/{photos}/…" in texts(session, Kind.OBJECT, "pat")
    assert texts(session, Kind.OBJECT, photos, prefixed=True) == []


def test_containers_storlets_variables_and_commands_complete(session: Session, photos: str, tmp_path: Path) -> None:
    """The other kinds of names are completed from where they are."""
    assert texts(session, Kind.CONTAINER, photos[:-2]) == [photos]
    Registry().get("enable").call([]).run(session)
    code = "class Front:\n    def __init__(self, logger):\n        pass\n\n    __call__ = __init__\n"
    (tmp_path / "fronttest.txt").write_text("x")
    Registry().get("deploy").call(["fronttest.Front", "-d", f"{tmp_path}/fronttest.txt"], code.encode()).run(session)
    assert "fronttest.py" in texts(session, Kind.STORLET, "front")
    assert texts(session, Kind.DEPENDENCY, "front") == ["fronttest.txt"]
    session.variables.update({"params": {}, "result": 1})
    assert texts(session, Kind.VARIABLE, "p") == ["params"]
    assert texts(session, Kind.COMMAND, "up") == ["upload"]


def test_parameters_of_the_lines_storlet_complete(session: Session, module: str) -> None:
    """By a function's deployed signature, wherever the line names it; of other storlets nothing is known."""
    Registry().get("enable").call([]).run(session)
    name, other = deploy(session.client, module), deploy(session.client, f"{module}x", STORLETS["upper.py"], "Main")

    def offered(*words: str) -> list[Candidate]:
        return candidates(session, Registry(), words[:-1], words[-1], deadline=10)

    for words in (["get", "c/o", "--storlet", name], ["map", f"--storlet={name}"]):
        assert [candidate.text for candidate in offered(*words, "-p", "")] == ["how=", "seconds=", "count="]
        (candidate,) = offered(*words, "-p", "co")
        assert (candidate.text, candidate.final, candidate.note) == ("count=", False, "count: int = 1")
        assert offered(*words, "-p", "count=") == [candidate]
        assert offered(*words, "-p", "count=3") == []
    choosing = CODE.replace('how: str = "whole"', 'how: Literal["whole", "half"] = "whole", loud: bool = False', 1)
    name = deploy(session.client, f"{module}y", choosing)
    values = ["get", "c/o", "--storlet", name, "-p"]
    assert [candidate.text for candidate in offered(*values, "how=")] == ["how=whole", "how=half"]
    assert [candidate.text for candidate in offered(*values, "loud=t")] == ["loud=true"]
    assert [candidate.text for candidate in offered(*values, "lo")] == ["loud="]
    assert offered(*values, "how=x") == []
    assert offered("get", "c/o", "--storlet", other, "-p", "") == offered("get", "c/o", "-p", "") == []
    assert offered("get", "c/o", "--storlet", "no name", "-p", "") == []


@pytest.mark.slow
def test_storlets_are_described_in_a_shell(session: Session, module: str) -> None:
    """A function by its parameters, others by language and class; elsewhere, Tab sends no requests for that."""
    Registry().get("enable").call([]).run(session)
    name, other = deploy(session.client, module), deploy(session.client, f"{module}x", STORLETS["upper.py"], "Main")
    assert {entry.note for entry in complete(session, Kind.STORLET, module, deadline=10)} == {""}
    prepare(session)
    notes = {entry.text: entry.note for entry in complete(session, Kind.STORLET, module, deadline=10)}
    assert "count: int = 1" in notes[name]
    assert notes[str(other)] == f"python, {module}x.Main"


def test_typing_on_sends_no_request(responder: Responder) -> None:
    """The listing of a shorter prefix knows what a longer one has, unless it was cut, or a folder is entered."""
    body = json.dumps([{"name": "ab", "bytes": 1}, {"name": "ac", "bytes": 2}, {"subdir": "b/"}]).encode()
    responder.on("GET", "/c", Answer(200, body))
    with Session(Surroundings(responder.environ)) as session:
        for text, expected in (("c/", ["c/ab", "c/ac", "c/b/"]), ("c/a", ["c/ab", "c/ac"]), ("c/ac", ["c/ac"])):
            found = complete(session, Kind.OBJECT, text, deadline=10)
            assert [entry.text for entry in found] == expected
        assert len(responder.requests) == 1
        complete(session, Kind.OBJECT, "c/b/", deadline=10)
        assert len(responder.requests) == 2


def test_answer_from_the_cache_takes_no_time(session: Session, photos: str) -> None:
    """It is there even if nothing may be waited for."""
    assert complete(session, Kind.OBJECT, f"{photos}/", deadline=10)
    assert [entry.text for entry in complete(session, Kind.OBJECT, f"{photos}/a", deadline=0)] == [f"{photos}/a.txt"]


def test_input_of_a_dry_run_is_a_local_file_or_an_object(
    session: Session, photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects are offered only after path:/, as the option requires."""
    (tmp_path / f"{photos}.csv").write_text("x")
    monkeypatch.chdir(tmp_path)

    def offered(word: str) -> list[str]:
        words = ["deploy", "warm.py", "--dry-run", "--input"]
        return [candidate.text for candidate in candidates(session, Registry(), words, word, deadline=10)]

    assert offered(photos) == [f"{photos}.csv"]
    assert offered(f"path:/{photos}/a") == [f"path:/{photos}/a.txt"]


def test_local_files_complete(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files end, folders go on, hidden ones are offered to who asks for them, ~ stays."""
    for name in ("one", ".hidden", "folder/two"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert texts(session, Kind.FILE, "") == ["folder/…", "one"]
    assert texts(session, Kind.FILE, "folder/") == ["folder/two"]
    assert texts(session, Kind.FILE, ".h") == [".hidden"]
    assert texts(session, Kind.FILE, "~/o") == ["~/one"]
    assert texts(session, Kind.FILE, "none/") == texts(session, Kind.FILE, "one/") == []


def test_a_change_is_seen_at_the_next_tab(session: Session, photos: str, upload: Upload) -> None:
    """What was looked up is used again, until a command has run."""
    assert texts(session, Kind.OBJECT, f"{photos}/n") == []
    upload(f"{photos}/new", b"")
    assert texts(session, Kind.OBJECT, f"{photos}/n") == []
    session.outdate()
    assert texts(session, Kind.OBJECT, f"{photos}/n") == [f"{photos}/new"]


def test_a_change_is_seen_however_young_the_machine_is(
    session: Session, photos: str, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock that ages are told by may have started a second ago."""
    booted = time.monotonic() - 1
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() - booted)
    monkeypatch.setattr(completion, "time", clock)
    assert texts(session, Kind.OBJECT, f"{photos}/n") == []
    upload(f"{photos}/new", b"")
    session.outdate()
    assert texts(session, Kind.OBJECT, f"{photos}/n") == [f"{photos}/new"]


@pytest.fixture
def slow_session(slow_store: SlowStore) -> Iterator[Session]:
    """Open a session at a slow store."""
    with Session(Surroundings(slow_store.environ)) as opened:
        yield opened


@pytest.mark.slow
def test_a_slow_server_costs_no_more_than_the_deadline(slow_session: Session, slow_store: SlowStore) -> None:
    """What comes too late is there at the next Tab; what was known before is better than nothing."""
    slow_store.listing_seconds = 4.0
    started = time.monotonic()
    assert complete(slow_session, Kind.CONTAINER, "") == []
    assert time.monotonic() - started < 3
    assert complete(slow_session, Kind.CONTAINER, "", deadline=20) == [Candidate("slow")]
    slow_session.outdate()
    started = time.monotonic()
    assert complete(slow_session, Kind.CONTAINER, "") == [Candidate("slow")]
    assert time.monotonic() - started < 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "environ",
    [{}, {"ST_AUTH": "http://x"}, {"OS_STORAGE_URL": "http://127.0.0.1:1/v1/A", "OS_AUTH_TOKEN": "t"}],
)
def test_nothing_is_raised_without_identity_or_server(environ: dict[str, str]) -> None:
    """No identity, half of one, or a server that is not there give nothing."""
    with Session(Surroundings(environ)) as session:
        assert complete(session, Kind.OBJECT, "c/") == complete(session, Kind.STORLET, "") == []


def test_a_tab_starts_no_server(tmp_path: Path) -> None:
    """With --local, a Tab before the first command does not start the embedded Swift."""
    surroundings = Surroundings({"STORLET_SHELL_DATA": str(tmp_path / "data")})
    with Session(surroundings, options=Options(local=True)) as session:
        assert complete(session, Kind.OBJECT, "") == []
    assert not (tmp_path / "data").exists()


def test_a_tab_is_not_traced(environ: dict[str, str], container: str) -> None:
    """With --debug, the requests of a Tab are not written into the line that is being typed."""
    told: list[str] = []
    with Session(Surroundings(environ), options=Options(trace=told.append)) as session:
        assert texts(session, Kind.CONTAINER, container) == [container]
        Registry().get("ls").call([container]).run(session)
        count = len(told)
        assert count
        assert texts(session, Kind.OBJECT, f"{container}/") == []
        assert len(told) == count


# In the shell.


@pytest.fixture
def patient_shell(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a shell that waits for what a busy machine looks up; deadlines have tests of their own."""
    monkeypatch.setattr("storlet_shell.adapters.shell.completer.candidates", partial(candidates, deadline=10))
    for module in ("completer", "parsers"):
        monkeypatch.setattr(f"storlet_shell.adapters.shell.{module}.complete", partial(complete, deadline=10))
    return shell


def offers(shell: Shell, line: str) -> list[Completion]:
    """Return what a Tab at a line's end offers."""
    completer = shell.main_session.completer
    assert completer is not None
    return list(completer.get_completions(Document(line), CompleteEvent(completion_requested=True)))


def tab(shell: Shell, line: str) -> list[str]:
    """Return what a Tab at a line's end would make of its last word."""
    return [offer.text.removesuffix(" ") for offer in offers(shell, line)]


def test_the_shell_completes_what_an_argument_names(patient_shell: Shell, photos: str, tmp_path: Path) -> None:
    """Commands, aliases, options, objects by position and by option, containers, variables, files after > and @."""
    shell = patient_shell
    (tmp_path / "file.ss").touch()
    shell.onecmd_plus_hooks(f"alias create gg get {photos}/a.txt")
    shell.session.variables["params"] = {}
    assert tab(shell, "sto") == ["storletapp", "storlets"]
    assert tab(shell, "gg") == ["gg"]
    assert tab(shell, "get --sto") == ["--storlet"]
    assert tab(shell, f"get {photos[:-2]}") == [f"{photos}/"]
    assert tab(shell, f"get --input path:/{photos}/a") == [f"path:/{photos}/a.txt"]
    assert tab(shell, f"select 'SELECT 1 FROM o' {photos}/a") == [f"{photos}/a.txt"]
    assert tab(shell, f"mkdir {photos[:-2]}") == [photos]
    assert tab(shell, f"get {photos}/a.txt -i ") == ["params"]
    assert tab(shell, f"put {tmp_path}/f") == [f"{tmp_path}/file.ss"]
    assert tab(shell, f"ls > {tmp_path}/f") == [f"{tmp_path}/file.ss"]
    assert tab(shell, f"run_script {tmp_path}/f") == [f"{tmp_path}/file.ss"]
    assert tab(shell, "help und") == ["undeploy"]
    assert tab(shell, "local st") == ["start", "status", "stop"]
    assert tab(shell, "set form") == ["format"]
    assert tab(shell, f"deploy a.py -d b.py,{tmp_path}/f") == [f"b.py,{tmp_path}/file.ss"]


def test_names_are_quoted_as_the_word_was_begun(patient_shell: Shell, photos: str) -> None:
    """By backslashes without a quote; in open quotes up to their end."""
    shell = patient_shell
    assert tab(shell, f"get {photos}/it") == [rf"{photos}/it\'s"]
    assert tab(shell, f'get "{photos}/it') == [f'"{photos}/it\'s"']
    assert tab(shell, f"get '{photos}/b/d") == [f"'{photos}/b/d e.txt'"]
    assert tab(shell, f"get {photos}/b/d") == [rf"{photos}/b/d\ e.txt"]
    assert tab(shell, rf"get {photos}/b/d\ e") == [rf"{photos}/b/d\ e.txt"]


def test_a_word_that_is_complete_ends(patient_shell: Shell, photos: str) -> None:
    """With a space, if nothing else fits; a container goes on."""
    assert [offer.text for offer in offers(patient_shell, f"get {photos}/a")] == [f"{photos}/a.txt "]
    assert [offer.text for offer in offers(patient_shell, f"get {photos[:-2]}")] == [f"{photos}/"]


@pytest.mark.parametrize(
    "line",
    ["deploy a.py <<EOF\n", "deploy a.py <<EOF\ncl", "deploy a.py <<EO", "ls # no", "upload c/o <<E\nx\nE"],
)
def test_nothing_is_offered_in_bodies_and_comments(patient_shell: Shell, line: str) -> None:
    """Tab is an indent there."""
    assert tab(patient_shell, line) == []


def test_completions_are_described(patient_shell: Shell, photos: str, upload: Upload) -> None:
    """By an option's help, a size and a date, a count, a command's summary; nothing is in brackets."""
    shell = patient_shell
    upload(f"{photos}/sized", b"x" * 2048)
    notes = {
        offer.display_text: offer.display_meta_text
        for line in (f"get {photos}/si", "get --sto", f"mkdir {photos[:-2]}", "stat", "local st", "alias ")
        for offer in offers(shell, line)
    }
    assert re.fullmatch(r"2\.0 KiB, 20\d\d-\d\d-\d\d \d\d:\d\d", notes["sized"])
    assert notes["--storlet"] == "storlet to run over the object (default: none)"
    assert "object" in notes[photos]
    assert notes["stat"].startswith("Show")
    assert notes["start"].startswith("Start")
    assert not [text for text in notes if "[" in text]


def test_completion_asks_through_a_connection_of_its_own(patient_shell: Shell, photos: str, upload: Upload) -> None:
    """A body that is being read is not disturbed by a Tab."""
    shell = patient_shell
    upload(f"{photos}/large", b"x" * 3_000_000)
    response = Registry().get("get").call([f"{photos}/large"]).run(shell.session)
    chunks = response.iter_content()  # type: ignore[attr-defined]
    read = len(next(chunks))
    assert tab(shell, f"get {photos}/a") == [f"{photos}/a.txt"]
    assert read + sum(map(len, chunks)) == 3_000_000
