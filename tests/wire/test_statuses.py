"""Responses by status: what wasn't done is an error in one line, and no state changes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from storlet_shell.errors import ServiceError, StorletShellError
from storlet_shell.schedulers.memory import free_memory
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from storlet_shell.wire.statuses import is_done
from tests.support.lines import Runner, one_line
from tests.support.responder import Answer, Responder, ok

ALL = range(100, 600)
RANGE = {"Range": "bytes=0-1"}

DONE = [
    (Request("GET"), {200, 204}),
    (Request("GET", "c"), {200, 204}),
    (Request("GET", "c", "o"), {200}),
    (Request("GET", "c", "o", headers={"X-Run-Storlet": "s.py"}), {200}),
    (Request("GET", "c", "o", headers=RANGE), {200, 206}),
    (Request("HEAD"), {200, 204}),
    (Request("HEAD", "c"), {200, 204}),
    (Request("HEAD", "c", "o"), {200, 204}),
    (Request("PUT", "c"), {201, 202}),
    (Request("PUT", "c", "o"), {201}),
    (Request("PUT", "c", "o", query=(("multipart-manifest", "put"),)), {201}),
    (Request("COPY", "c", "o"), {201}),
    (Request("POST"), {201, 202, 204}),
    (Request("POST", "c"), {201, 202, 204}),
    (Request("POST", "c", "o"), {201, 202, 204}),
    (Request("POST", query=(("bulk-delete", ""),)), {200}),
    (Request("DELETE", "c"), {204}),
    (Request("DELETE", "c", "o"), {204}),
    (Request("DELETE", "c", "o", query=(("multipart-manifest", "delete"),)), {200, 204}),
]


@pytest.mark.parametrize(("request_", "statuses"), DONE)
def test_statuses_that_mean_success(request_: Request, statuses: set[int]) -> None:
    """Each request has its own, and no other status below 300 counts."""
    assert {status for status in ALL if is_done(request_, status)} == statuses


LINES = [
    ("put FILE c/o", "PUT", "/c/o", ok(status=201)),
    ("put FILE c/o --storlet s.py", "PUT", "/c/o", ok(status=201)),
    ("upload FILE c/o", "PUT", "/c/o", ok(status=201)),
    ("copy c/o c/p", "COPY", "/c/o", ok(status=201)),
    ("copy c/o c/p --verb PUT", "PUT", "/c/p", ok(status=201)),
    ("rm c/o -y", "DELETE", "/c/o", Answer(204)),
    ("rm c -y", "DELETE", "/c", Answer(204)),
    ("mkdir c", "PUT", "/c", ok(status=201)),
    ("stat c/o", "HEAD", "/c/o", ok()),
    ("ls c", "GET", "/c", ok(b"[]")),
    ("post c -m a=b", "POST", "/c", Answer(204)),
    ("get c/o", "GET", "/c/o", ok(b"new")),
    ("get c/o --storlet s.py", "GET", "/c/o", Answer(200, b"new", chunked=True)),
    ("get c/o --save FILE", "GET", "/c/o", ok(b"new")),
    ("download c FOLDER", "GET", "/c/o", ok(b"new")),
]


def prepared(responder: Responder, line: str, folder: Path) -> list[str]:
    """Foresee the lookups of a line, and put names for FILE and FOLDER."""
    responder.on("HEAD", "*", ok())
    responder.on("GET", "/c", ok(b'[{"name": "o", "bytes": 3, "hash": ""}]'), ok(b"[]"))
    (folder / "o").write_bytes(b"old")
    names = {"FILE": str(folder / "o"), "FOLDER": str(folder)}
    return [names.get(word, word) for word in line.split()]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
def test_interim_answers_are_skipped(
    run_scripted: Runner, responder: Responder, tmp_path: Path, line: tuple[str, str, str, Answer]
) -> None:
    """However many come before the answer, it is the last that counts."""
    words, method, path, answer = line
    interim = (100, 102, 103, 103, 150, 199)
    given = prepared(responder, words, tmp_path)
    responder.on(method, path, dataclasses.replace(answer, interim=interim), *([ok(b"[]")] if words == "ls c" else []))
    outcome = run_scripted(*given)
    assert (outcome.status, outcome.err) == (0, "")
    if "save" in words or "download" in words:
        assert (tmp_path / "o").read_bytes() == b"new"


OTHERS = [
    (line, status)
    for line in LINES
    for status in (101, 200, 202, 206)
    if not is_done(Request(line[1], "c", line[2].strip("/").partition("/")[2]), status)
]


@pytest.mark.parametrize(("line", "status"), OTHERS, ids=lambda part: part[0] if isinstance(part, tuple) else None)
def test_other_answers_are_errors(
    run_scripted: Runner, responder: Responder, tmp_path: Path, line: tuple[str, str, str, Answer], status: int
) -> None:
    """One line names the status, nothing is said to be done, and a file stays as it was."""
    words, method, path, _ = line
    given = prepared(responder, words, tmp_path)
    responder.on(method, path, ok(b"page", status))
    outcome = run_scripted(*given)
    assert outcome.status == (1 if status >= 300 else 5)
    assert outcome.out == b""
    assert f"(HTTP {status})" in outcome.err.splitlines()[0]
    assert "Traceback" not in outcome.err
    assert (tmp_path / "o").read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["o"]


def test_older_upload_is_not_called_stored(run_scripted: Runner, responder: Responder, tmp_path: Path) -> None:
    """Swift answers 202 where it has a newer object: a clock that was set back."""
    responder.on("PUT", "/c/o", ok(status=202))
    (tmp_path / "f").write_bytes(b"x")
    outcome = run_scripted("put", str(tmp_path / "f"), "c/o")
    assert outcome.status == 5
    assert "path:/c/o: not stored: the server has a newer version; check the clocks (HTTP 202)" in one_line(outcome)


@pytest.mark.parametrize("interim", [102, 103])
def test_interim_answer_to_a_deletion_is_not_its_end(run_scripted: Runner, responder: Responder, interim: int) -> None:
    """What follows it counts: a 404 here."""
    responder.on("DELETE", "/c/o", Answer(404, interim=(interim,)))
    responder.on("HEAD", "*", Answer(404))
    responder.on("GET", "/c", ok(b"[]"))
    outcome = run_scripted("rm", "c/o", "-y")
    assert outcome.status == 4
    assert outcome.out == b""


def test_interim_answer_that_nothing_follows(client: Client, responder: Responder) -> None:
    """The connection failed then, before there was an answer."""
    responder.on("GET", "/c/o", Answer(100, interim=(102,), end="cut"))
    with pytest.raises(ServiceError):
        client.send(Request("GET", "c", "o"))


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://swift.example/v1/AUTH_x/c/o", "https://swift.example/v1/AUTH_x/c/o"),
        ("https://me:secret@swift.example/v1", "https://swift.example/v1"),
        ("/elsewhere", "/elsewhere"),
        ("http://[::1", "http://[::1"),
    ],
)
def test_redirect_names_where_it_leads(run_scripted: Runner, responder: Responder, location: str, shown: str) -> None:
    """It is not followed, since the token would go there; a password in it is left out."""
    responder.on("GET", "/c/o", ok(status=301, Location=location))
    outcome = run_scripted("get", "c/o")
    assert outcome.status == 1
    assert f"path:/c/o: redirected to {shown}; " in one_line(outcome)
    assert len(responder.requests) == 1


@pytest.mark.parametrize(("status", "exit_status"), [(302, 3), (201, 5), (202, 5), (206, 5), (300, 3)])
def test_login_that_is_none(run_scripted: Runner, responder: Responder, status: int, exit_status: int) -> None:
    """A login answers 200, or 204 on radosgw; a token with another status is not taken."""
    headers = {"X_Auth_Token": "t", "X_Storage_Url": responder.storage_url, "Location": "https://login.example/"}
    responder.on("GET", "/auth", ok(status=status, **headers))
    outcome = run_scripted("whoami")
    assert outcome.status == exit_status
    assert f"(HTTP {status})" in one_line(outcome)
    assert ("https://login.example/" in outcome.err) == (status >= 300)


@pytest.mark.parametrize("status", [200, 204])
def test_login_after_interim_answers(run_scripted: Runner, responder: Responder, status: int) -> None:
    """They are skipped there, too."""
    headers = (("X-Auth-Token", "t"), ("X-Storage-Url", responder.storage_url))
    responder.on("GET", "/auth", Answer(status, headers=headers, interim=(102, 103)))
    responder.on("HEAD", "*", Answer(204))
    assert run_scripted("whoami").status == 0


def test_info_after_interim_answers(client: Client, responder: Responder) -> None:
    """A cluster that answers slowly is not taken for one that tells nothing."""
    responder.on("GET", "/info", Answer(200, b'{"slo": {}}', interim=(102, 103)))
    assert client.capabilities() == {"slo": {}}


def test_memory_after_interim_answers() -> None:
    """The scheduler's own question skips them."""
    with Responder() as server:
        server._answers["GET", "/recon/mem"] = [Answer(200, b'{"MemFree": "5 kB"}', interim=(103,))]
        assert free_memory(f"http://127.0.0.1:{server.port}/v1/x") == 5


@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
def test_body_of_an_answer_that_has_none(client: Client, responder: Responder, method: str) -> None:
    """It is not taken for the next answer."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    responder.on(method, "/c/o", Answer(204, surplus=forged))
    responder.on("GET", "/c/o", ok(b"true"))
    client.send(Request(method, "c", "o")).close()
    assert client.send(Request("GET", "c", "o")).read() == b"true"


def test_more_than_the_length_is_not_taken_for_the_next_answer(client: Client, responder: Responder) -> None:
    """The connection is not used again."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    responder.on("GET", "/c/o", Answer(200, b"true", surplus=forged), ok(b"true"))
    assert client.send(Request("GET", "c", "o")).read() == b"true"
    assert client.send(Request("GET", "c", "o")).read() == b"true"


@pytest.mark.parametrize("save", [True, False])
@pytest.mark.parametrize("answer", [ok(b"new", ETag="d41d8cd98f00b204e9800998ecf8427e"), Answer(200, b"n", length=3)])
def test_body_that_is_not_the_object(
    run_scripted: Runner, responder: Responder, tmp_path: Path, answer: Answer, save: bool
) -> None:
    """Other bytes than the ETag stands for, or fewer than were announced, are never saved with status 0."""
    (tmp_path / "f").write_bytes(b"old")
    responder.on("GET", "/c/o", dataclasses.replace(answer, end="cut"))
    outcome = run_scripted("get", "c/o", *(["--save", str(tmp_path / "f")] if save else []))
    assert outcome.status == 5
    assert (tmp_path / "f").read_bytes() == b"old"


@pytest.mark.parametrize(("statuses", "failed"), [((200, 206, 204), 2), ((202, 101, 302), 3)])
def test_batch_counts_other_answers_as_failures(
    run_scripted: Runner, responder: Responder, tmp_path: Path, statuses: tuple[int, ...], failed: int
) -> None:
    """Its files and its journal know only what was done."""
    responder.on("HEAD", "*", ok())
    names = ", ".join(f'{{"name": "{number}", "bytes": 1}}' for number in range(len(statuses)))
    for number, status in enumerate(statuses):
        responder.on("GET", f"/c/{number}", Answer(status, b"x", chunked=status == 200))
    line = f"map --storlet s.py --input path:/c/* --save {tmp_path}/out --journal {tmp_path}/j".split()
    for _ in range(2):
        responder.on("GET", "/c", ok(f"[{names}]".encode()), ok(b"[]"))
        outcome = run_scripted(*line)
        assert outcome.status == 6
        assert f"{failed} failed" in outcome.err
    saved = sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert saved == [str(number) for number, status in enumerate(statuses) if status == 200]


def test_unknown_kinds_of_errors_are_named() -> None:
    """Statuses that no table knows have a word of their class."""
    from storlet_shell.wire.statuses import error_of_status

    assert error_of_status(Request("GET", "c", "o"), 418, {}) == (StorletShellError, "the server refused the request")
    assert error_of_status(Request("GET", "c", "o"), 599, {}) == (ServiceError, "the server failed")


def test_failure_is_the_storlets_also_where_swift_blames_the_client(run_scripted: Runner, responder: Responder) -> None:
    """Swift says 499 of a copy whose source ends early, and with a storlet that is what it makes."""
    responder.on("HEAD", "*", ok())
    failed = Answer(499, b"Storlet s.py failed (raised): ValueError", (("X-Storlet-Shell-Failure", "raised"),))
    responder.on("COPY", "/c/o", failed)
    outcome = run_scripted("copy", "c/o", "c/p", "--storlet", "s.py")
    assert outcome.status == 6
    assert "storlet s.py failed on path:/c/o: ValueError (transaction" in one_line(outcome)
