"""Options of runs and of plain ``get`` and ``copy``: ranges, expectations, headers, forms of a copy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.fixtures import TEXT
from tests.support.lines import Runner, one_line
from tests.support.responder import Answer, Recorded, Responder, html, ok, page
from tests.support.storlets import storlet

# --- ranges


@pytest.mark.parametrize(("text", "part"), [("0-3", b"hell"), ("6-", b"world\n"), ("-3", b"ld\n"), ("9-99", b"ld\n")])
def test_plain_range_is_a_part(storlets: Runner, here: str, text: str, part: bytes) -> None:
    """Read, and copied."""
    assert storlets("get", f"{here}/o", f"--range={text}").out == part
    assert storlets("copy", f"{here}/o", f"{here}/p", f"--range={text}").status == 0
    assert storlets("get", f"{here}/p").out == part


@pytest.mark.parametrize("verb", ["COPY", "PUT"])
@pytest.mark.parametrize(
    ("text", "part"), [("0-3", b"HELL"), ("6-", b"WORLD\n"), ("-3", b"LD\n"), ("-99", TEXT.upper())]
)
def test_copy_feeds_the_storlet_a_part(storlets: Runner, here: str, text: str, part: bytes, verb: str) -> None:
    """Of a copy on the proxy, the middleware ignores the header that it has for ranges."""
    words = ["--storlet", "upper.py", f"--range={text}", "--verb", verb, "--expect-bytes", str(len(part))]
    assert storlets("copy", f"{here}/o", f"{here}/p", *words).status == 0
    assert storlets("get", f"{here}/p").out == part


@pytest.mark.parametrize("words", [["get", "{c}/o"], ["copy", "{c}/o", "{c}/new"]], ids=["get", "copy"])
@pytest.mark.parametrize("how", [[], ["--storlet", "upper.py"]], ids=["plain", "storlet"])
def test_range_past_the_end_is_one_line(storlets: Runner, here: str, words: list[str], how: list[str]) -> None:
    """And a copy stores nothing."""
    outcome = storlets(*(word.format(c=here) for word in words), *how, "--range", "100-")
    assert (outcome.status, outcome.out) == (1, b"")
    assert "is outside the object" in one_line(outcome)
    assert storlets("get", f"{here}/new").status == 4


@pytest.mark.parametrize("words", [["get", "{c}/empty"], ["copy", "{c}/empty", "{c}/new"]], ids=["get", "copy"])
@pytest.mark.parametrize("how", [[], ["--storlet", "upper.py"]], ids=["plain", "storlet"])
def test_last_bytes_of_an_empty_object_are_none(storlets: Runner, here: str, words: list[str], how: list[str]) -> None:
    """As ``tail -c 3`` has it; Swift sends the whole object then, and no range of it."""
    storlets("put", "-", f"{here}/empty", stdin=b"")
    outcome = storlets(*(word.format(c=here) for word in words), *how, "--range=-3")
    assert outcome.status == 0
    assert outcome.out == b"" or storlets("get", f"{here}/new").out == b""


def test_last_bytes_are_not_taken_for_the_whole(run_scripted: Runner, responder: Responder) -> None:
    """A server that ignores the range of an object that isn't empty is found out."""
    responder.on("GET", "/c/o", ok(b"hello"))
    assert "just the range -3" in one_line(run_scripted("get", "c/o", "--range=-3"))


def test_range_past_the_end_is_looked_for_before_a_copy(run_scripted: Runner, responder: Responder) -> None:
    """Upstream, the page of the 416 would be stored as the object."""
    responder.on("HEAD", "/c/o", Answer(length=12))
    outcome = run_scripted("copy", "c/o", "c/p", "--storlet", "upper.py", "--range", "12-")
    assert (outcome.status, "12 bytes" in one_line(outcome)) == (1, True)
    assert [request.method for request in responder.requests] == ["HEAD"]


def test_range_that_the_server_ignores_is_an_error(run_scripted: Runner, responder: Responder) -> None:
    """The whole object looks as good as the part."""
    responder.on("GET", "/c/o", ok(b"whole"), ok(b"who", 206, Content_Range="bytes 0-2/5"), ok(b"w", 206))
    assert "just the range 1-2" in one_line(run_scripted("get", "c/o", "--range", "1-2"))
    assert run_scripted("get", "c/o", "--range", "1-2").status == 1
    assert run_scripted("get", "c/o", "--range", "1-2").status == 1
    assert [request.header("Range") for request in responder.requests] == ["bytes=1-2"] * 3


def test_range_of_another_input_is_an_error(run_scripted: Runner, responder: Responder) -> None:
    """What the server says it fed to the storlet is compared with what was asked for."""
    responder.on("GET", "/c/o", Answer(body=b"X", headers=(("Storlet-Input-Range", "bytes 0-4/5"),), chunked=True))
    outcome = run_scripted("get", "c/o", "--storlet", "upper.py", "--range", "0-3")
    assert (outcome.status, outcome.out) == (1, b"")


# --- expectations


def test_expectation_that_holds_changes_nothing(storlets: Runner, here: str) -> None:
    """Of plain bodies, of a storlet's, and of one that is stored."""
    for words in ([], ["--storlet", "upper.py"]):
        outcome = storlets("get", f"{here}/o", *words, "--expect-bytes", "12", "--expect-lines", "2")
        assert (outcome.status, outcome.out.lower()) == (0, TEXT)
    assert storlets("put", "-", f"{here}/p", "--storlet", "twice.py", "--expect-bytes", "8", stdin=b"four").status == 0


@pytest.mark.parametrize("words", [["--expect-bytes", "13"], ["--expect-lines", "3"], ["--expect-lines", "1"]])
@pytest.mark.parametrize("how", [[], ["--storlet", "upper.py"]], ids=["plain", "storlet"])
def test_body_that_is_not_what_is_expected_is_incomplete(
    storlets: Runner, here: str, tmp_path: Path, words: list[str], how: list[str]
) -> None:
    """Status 5, one line, and no file."""
    outcome = storlets("get", f"{here}/o", *how, *words, "--save", str(tmp_path / "f"))
    assert (outcome.status, "expected" in one_line(outcome)) == (5, True)
    assert list(tmp_path.iterdir()) == []


def test_known_length_is_compared_before_anything_is_written(storlets: Runner, here: str) -> None:
    """A plain body's length is known beforehand."""
    outcome = storlets("get", f"{here}/o", "--expect-bytes", "11")
    assert (outcome.status, outcome.out) == (5, b"")


@pytest.mark.parametrize(("body", "lines"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"\n", 1), (b"a\nb", 2), (b"\n\n", 2)])
def test_lines_are_counted_over_the_chunks(run_scripted: Runner, responder: Responder, body: bytes, lines: int) -> None:
    """A last line without an end is one, wherever the chunks are cut."""
    for pieces in ([body], [body[at : at + 1] for at in range(len(body))]):
        responder.on("GET", "/c/o", Answer(body=[piece for piece in pieces if piece], chunked=True))
        for expected, status in ((lines, 0), (lines + 1, 5)):
            assert run_scripted("get", "c/o", "--expect-lines", str(expected)).status == status


@pytest.mark.parametrize("words", [["put", "-", "{c}/p"], ["copy", "{c}/o", "{c}/p"]], ids=["put", "copy"])
def test_stored_object_of_another_length_is_said(storlets: Runner, here: str, words: list[str]) -> None:
    """It is stored, since nobody can know beforehand."""
    line = [word.format(c=here) for word in words]
    outcome = storlets(*line, "--storlet", "upper.py", "--expect-bytes", "7", stdin=TEXT)
    assert (outcome.status, "was stored, but: 12 bytes received" in one_line(outcome)) == (5, True)
    assert storlets("get", f"{here}/p").out == TEXT.upper()


# --- headers


def test_own_headers_are_sent(storlets: Runner, here: str) -> None:
    """In Swift's own UTF-8; the last of two wins."""
    words = ["-H", "x-object-meta-note: first", "--header", "X-Object-Meta-Note: grün"]
    assert storlets("put", "-", f"{here}/p", *words, stdin=TEXT).status == 0
    assert storlets("get", f"{here}/p", "--json").json["headers"]["X-Object-Meta-Note"] == "grün"
    assert storlets("copy", f"{here}/p", f"{here}/q", "-H", "Content-Type: text/x-made").status == 0
    headers = storlets("get", f"{here}/q", "--json").json["headers"]
    assert (headers["Content-Type"], headers["X-Object-Meta-Note"]) == ("text/x-made", "grün")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("X-Auth-Token: x", "the login"),
        ("x-run-storlet: x", "--storlet"),
        ("X-Storlet-Parameter-7: a:b", "-p KEY=VALUE"),
        ("X-Storlet-Range: bytes=0-1", "--range"),
        ("Range: bytes=0-1", "--range"),
        ("X-Storlet-Extra-Resources: /c/o", "--extra"),
        ("X-Storlet-Run-On-Proxy:", "--on-proxy"),
        ("X-Storlet-Generate-Log: 1", "--generate-log"),
        ("Destination: c/o", "copy"),
        ("X-Copy-From: c/o", "--verb PUT"),
        ("X-Copy-From-Account: a", "--from-account"),
        ("Content-Length: 3", "the connection"),
        ("Transfer-Encoding: chunked", "the connection"),
        ("Referer: http://storlets/", "forbids"),
        ("no colon", "NAME:VALUE"),
        (": x", "NAME:VALUE"),
        ("a b: x", "NAME:VALUE"),
        ("A: b\r\nX-Evil: 1", "control"),
        ("A: \udcff", "UTF-8"),
        ("If-None-Match: *", "compares the source, not what upper.py makes; drop"),
    ],
)
def test_header_that_is_not_the_users_is_refused(
    run_scripted: Runner, responder: Responder, header: str, said: str
) -> None:
    """With a pointer to what there is instead; nothing is sent."""
    outcome = run_scripted("get", "c/o", "--storlet", "upper.py", "-H", header)
    assert (outcome.status, said in one_line(outcome), responder.logins) == (2, True, [])


def test_condition_that_does_not_hold_is_one_line(storlets: Runner, here: str) -> None:
    """Of a plain get, a condition is the user's own affair."""
    outcome = storlets("get", f"{here}/o", "-H", "If-None-Match: *")
    assert (outcome.status, "not modified" in one_line(outcome)) == (1, True)


# --- what servers do not take


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-p", f"big={'x' * 20_000}"], "parameter big is too large: 2"),
        (["-p", f"big={'ü' * 2_000}"], "parameter big is too large: 12"),
        ([word for number in range(12) for word in ("-p", f"k{number}={'x' * 7_000}")], "fewer than 65536"),
        (["-H", f"X-Object-Meta-Big: {'x' * 9_000}"], "header X-Object-Meta-Big is too large: 9"),
    ],
    ids=["large", "quoted", "many", "header"],
)
def test_more_than_servers_take_is_not_sent(
    run_scripted: Runner, responder: Responder, words: list[str], said: str
) -> None:
    """Servers answer such a header with a 400 and no reason."""
    outcome = run_scripted("get", "c/o", "--storlet", "upper.py", *words)
    assert (outcome.status, said in one_line(outcome), responder.requests) == (2, True, [])


def test_limit_is_the_clusters(run_scripted: Runner, responder: Responder) -> None:
    """One that takes longer headers says so."""
    responder.info["swift"] = {"max_header_size": 32768}
    responder.on("GET", "/c/o", Answer(body=b"", chunked=True))
    assert run_scripted("get", "c/o", "--storlet", "upper.py", "-p", f"big={'x' * 20_000}").status == 0


def test_largest_parameter_arrives(storlets: Runner, here: str) -> None:
    """A byte less than what is refused: the limit here is the server's."""
    room = 8191 - len("X-Storlet-Parameter-1: k:\r\n")
    for size, status in ((room, 0), (room + 1, 2)):
        outcome = storlets("get", f"{here}/o", "--storlet", "tell.py", "-p", f"k={'x' * size}")
        assert outcome.status == status, outcome.err
    assert json.loads(storlets("get", f"{here}/o", "--storlet", "tell.py", "-p", f"k={'x' * room}").out)["k"]


def test_too_many_parameters_are_one_line(storlets: Runner, here: str) -> None:
    """The server counts headers, too."""
    words = [word for number in range(300) for word in ("-p", f"k{number}=v")]
    outcome = storlets("get", f"{here}/o", "--storlet", "tell.py", *words)
    assert (outcome.status, "fewer parameters" in one_line(outcome)) == (1, True)


# --- copies


@pytest.mark.parametrize("how", [[], ["--storlet", "upper.py"]], ids=["plain", "storlet"])
def test_copy_is_a_put_where_that_is_asked_for(storlets: Runner, here: str, how: list[str]) -> None:
    """Both forms make the same object, and say the same."""
    said = set()
    for verb in ("COPY", "PUT"):
        outcome = storlets("copy", f"{here}/o", f"{here}/p q", "--verb", verb, *how)
        assert outcome.status == 0, outcome.err
        said.add((outcome.out, storlets("get", f"{here}/p q").out))
    assert len(said) == 1


@pytest.mark.parametrize("verb", ["COPY", "PUT"])
def test_copy_says_what_is_not_there(storlets: Runner, here: str, verb: str) -> None:
    """The source, or the target's container."""
    missing = storlets("copy", f"{here}/none", f"{here}/p", "--verb", verb)
    assert (missing.status, one_line(missing).split(" (tr")[0]) == (4, f"path:/{here}/none: not found (HTTP 404)")
    nowhere = storlets("copy", f"{here}/o", f"{here}-none/p", "--verb", verb)
    assert (nowhere.status, f"mkdir {here}-none" in one_line(nowhere)) == (4, True)


def test_copy_of_another_account(storlets: Runner, here: str) -> None:
    """By the header that names it; this account can be named, too."""
    assert storlets("copy", f"{here}/o", f"{here}/p", "--from-account", "AUTH_local").status == 0
    assert storlets("get", f"{here}/p").out == TEXT
    missing = storlets("copy", f"{here}/none", f"{here}/p", "--from-account", "AUTH_local")
    assert (missing.status, "of account AUTH_local" in one_line(missing)) == (4, True)
    forbidden = storlets("copy", f"{here}/o", f"{here}/p", "--from-account", "AUTH_other")
    assert (forbidden.status, "of account AUTH_other" in one_line(forbidden)) == (3, True)


@pytest.mark.parametrize("words", [["--storlet", "upper.py"], ["--verb", "COPY"]], ids=" ".join)
def test_copy_of_another_account_that_can_not_be(run_scripted: Runner, responder: Responder, words: list[str]) -> None:
    """The middleware refuses it with a storlet, and the COPY form names no source account."""
    assert run_scripted("copy", "c/o", "c/p", "--from-account", "AUTH_x", *words).status == 2
    assert run_scripted("copy", "c/o", "c/p", "--from-account", "a/b").status == 2
    assert responder.logins == []


# --- where it runs


def test_dynamic_large_object_is_not_taken_for_a_result(storlets: Runner, here: str, real_client: Client) -> None:
    """Object servers return it as it is; who insists on them is told."""
    real_client.send(Request("PUT", here, "part/1"), bytes_body(b"dynamic")).read()
    headers = {"X-Object-Manifest": f"{here}/part/"}
    real_client.send(Request("PUT", here, "large", headers=headers), bytes_body(b"")).read()
    for words in (["get", f"{here}/large"], ["copy", f"{here}/large", f"{here}/new"]):
        outcome = storlets(*words, "--storlet", "upper.py", "--on-node")
        assert (outcome.status, outcome.out, "drop --on-node" in one_line(outcome)) == (1, b"", True)
    assert storlets("get", f"{here}/new").status == 4


def test_range_is_not_run_on_a_node(run_scripted: Runner, responder: Responder) -> None:
    """There, some forms fail and others are ignored."""
    for words in (["get", "c/o"], ["copy", "c/o", "c/p"]):
        outcome = run_scripted(*words, "--storlet", "a.py", "--range", "0-1", "--on-node")
        assert (outcome.status, "drop --on-node" in one_line(outcome), responder.logins) == (2, True, [])


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("words", [["get", "c/o"], ["put", "-", "c/o"], ["copy", "c/o", "c/p"]], ids=lambda w: w[0])
def test_extra_resource_that_can_not_be_read_is_named(
    run_scripted: Runner, responder: Responder, words: list[str], status: int
) -> None:
    """Before the storlet runs over the page that says so."""
    responder.on("HEAD", "/c/o", ok())
    responder.on("HEAD", "/c/x", html(status))
    outcome = run_scripted(*words, "--storlet", "join.py", "--extra", "path:/c/x", stdin=b"x")
    assert (outcome.status, one_line(outcome).startswith("path:/c/x: ")) == ({403: 3, 404: 4}[status], True)
    assert {request.method for request in responder.requests} == {"HEAD"}


def test_extra_resources_that_a_cluster_forbids_are_said_to_be(run_scripted: Runner, responder: Responder) -> None:
    """Its ``max_extra_resources`` is not in ``/info``; its answer is passed on."""
    responder.on("HEAD", "/c/x", ok())
    responder.on("GET", "/storlet/join.py", ok())
    responder.on("GET", "/c/o", page(403, "Usage of extra resources is not allowed", "text/html; charset=UTF-8"))
    outcome = run_scripted("get", "c/o", "--storlet", "join.py", "--extra", "path:/c/x")
    assert (outcome.status, "extra resources is not allowed" in one_line(outcome)) == (3, True)


# --- logs


@pytest.mark.parametrize("words", [["get", "c/o"], ["put", "-", "c/o"], ["copy", "c/o", "c/p"]], ids=lambda w: w[0])
def test_log_that_an_engine_can_not_store_is_explained(
    run_scripted: Runner, responder: Responder, words: list[str]
) -> None:
    """Trap 15: upstream's engine fails the run over it; the embedded one stores it, or the failure is another."""
    failed = page(500, "Storlet execution failed")
    responder.on("HEAD", "*", ok())
    for method in ("GET", "PUT", "COPY"):
        responder.on(method, "*", failed)
    for option, said in ((["--generate-log"], True), ([], False)):
        outcome = run_scripted(*words, "--storlet", "upper.py", *option, stdin=b"x")
        assert (outcome.status, "try without --generate-log" in one_line(outcome)) == (6, said)


def test_failure_after_the_first_bytes_is_the_storlets_where_its_log_tells(storlets: Runner, here: str) -> None:
    """Status 6 and its traceback, though its first bytes are out."""
    for where in ([], ["--on-proxy"]):
        outcome = storlets("get", f"{here}/o", "--storlet", "later.py", *where)
        assert outcome.status == 6
        assert "ValueError: after the metadata" in outcome.err.splitlines()[-1]
        assert "Traceback" in outcome.err


def test_connection_that_breaks_is_not_the_storlets_failure(run_scripted: Runner, responder: Responder) -> None:
    """Where the log says that the run went well, or that its client went away, the way is to blame."""
    responder.info["storlet_shell"] = {"logs": True}
    responder.on("GET", "/c/o", Answer(body=[b"part"], chunked=True, end="mid"))

    def log(_: Recorded) -> Answer:
        return ok(f"--- 2026-01-31T12:00:00Z tx0123 GET /v1/a/c/o: {ended} (0.1 s)\nhello\n".encode())

    responder.on("GET", "", log)
    for ended, status in (
        ("ok", 5),
        ("abandoned: gone", 5),
        ("engine: full", 5),
        ("raised: E: x", 6),
        ("memory: m", 6),
    ):
        assert run_scripted("get", "c/o", "--storlet", "upper.py").status == status, ended


# --- inputs


@pytest.mark.slow
@pytest.mark.parametrize("size", [6, 1_200_000])
def test_storlet_need_not_read_its_input(storlets: Runner, container: str, tmp_path: Path, size: int) -> None:
    """One that ends well without reading is a success, every time."""
    (tmp_path / "lazy.py").write_text(storlet("target.set_metadata({})\ntarget.write(b'ok')"))
    assert storlets("deploy", str(tmp_path / "lazy.py")).status == 0
    assert storlets("put", "-", f"{container}/o", stdin=b"x" * size).status == 0
    outcome = storlets("-f", "-", stdin=f"get {container}/o --storlet lazy.py\n".encode() * 20)
    assert (outcome.status, outcome.out) == (0, b"ok" * 20)
    assert storlets("put", "-", f"{container}/p", "--storlet", "lazy.py", stdin=b"x" * size).status == 0
    assert storlets("copy", f"{container}/o", f"{container}/q", "--storlet", "lazy.py").status == 0
    assert storlets("get", f"{container}/p").out == storlets("get", f"{container}/q").out == b"ok"
