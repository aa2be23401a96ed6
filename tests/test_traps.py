"""The traps of the Storlets API, one test or more for each: what a user of storlet-shell sees instead.

Where the embedded engine shows a trap, it is the real one; where only an upstream engine does, its answers are played
by the scripted server, and the client's part is what is tested.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from storlet_shell.results import Response
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.fixtures import TEXT
from tests.support.lines import Outcome, Runner, one_line
from tests.support.responder import CUT, GENERATED, Answer, Recorded, Responder, html, ok, page
from tests.support.storlets import STORLETS, storlet
from tests.support.variants import fast_and_slow

REFUSAL = page(401, "Failed to verify access to the storlet. Either the storlet does not exist or you are not ...")


def deploy(run: Runner, folder: Path, name: str, code: str, *words: str) -> Outcome:
    """Deploy code as a file of that name."""
    (folder / name).write_text(code)
    outcome = run("deploy", str(folder / name), *words)
    assert outcome.status == 0, outcome.err
    return outcome


def sent(responder: Responder) -> list[tuple[str, str]]:
    """Return method and path of everything that was sent."""
    return [(request.method, request.path) for request in responder.requests]


# --- 1


def test_copy_looks_at_its_source_before_it_runs(run_scripted: Runner, responder: Responder) -> None:
    """Trap 1: a copy of a missing source answers 201 and stores the error page; so the source is looked up first."""
    responder.on("HEAD", "/c/o", html(404))
    outcome = run_scripted("copy", "c/o", "c/new", "--storlet", "upper.py")
    assert (outcome.status, sent(responder)) == (4, [("HEAD", "/c/o")])


def test_copy_runs_on_the_proxy(run_scripted: Runner, responder: Responder) -> None:
    """Trap 1: on the node a failure is stored as the object, on the proxy it is a 500 before anything is stored."""
    responder.on("HEAD", "*", ok())
    responder.on("GET", "/storlet/upper.py", ok())
    responder.on("COPY", "/c/o", GENERATED)
    run_scripted("copy", "c/o", "c/new", "--storlet", "upper.py", "--extra", "path:/c/x")
    code = ("GET", "/storlet/upper.py")
    looked_up = [code, ("HEAD", "/c/o"), ("HEAD", "/c/x"), code, ("HEAD", "/c/new")]
    assert sent(responder) == [*looked_up, ("COPY", "/c/o")]
    assert responder.requests[-1].header("X-Storlet-Run-On-Proxy") == ""
    assert responder.requests[-1].header("Destination") == "c/new"


def test_copy_that_no_storlet_made_is_a_failure(run_scripted: Runner, responder: Responder) -> None:
    """Trap 1: a 201 without the storlet's mark means that the bytes were copied as they are."""
    responder.on("HEAD", "*", ok())
    responder.on("COPY", "/c/o", ok(status=201))
    outcome = run_scripted("copy", "c/o", "c/new", "--storlet", "upper.py")
    assert outcome.status == 6
    assert "without running upper.py" in one_line(outcome)


def test_copy_of_a_failing_storlet_stores_nothing(storlets: Runner, here: str) -> None:
    """Trap 1: on the real middleware, too."""
    assert storlets("copy", f"{here}/o", f"{here}/new", "--storlet", "raises.py").status == 6
    assert storlets("copy", f"{here}/none", f"{here}/new", "--storlet", "upper.py").status == 4
    assert storlets("get", f"{here}/new").status == 4


# --- 2


@pytest.mark.slow
def test_redeployment_of_equal_length_takes_effect(storlets: Runner, here: str, tmp_path: Path) -> None:
    """Trap 2: engines tell versions by length; the very next run has the new code."""
    for word in ("one", "two", "six"):
        deploy(
            storlets,
            tmp_path,
            "version.py",
            storlet(f"source.read()\ntarget.set_metadata({{}})\ntarget.write(b'{word}')"),
        )
        assert storlets("get", f"{here}/o", "--storlet", "version.py").out == word.encode()


def test_redeployment_is_longer_than_all_before(run_scripted: Runner, responder: Responder, tmp_path: Path) -> None:
    """Trap 2: on engines that only look at the length, line ends make the difference from every earlier version."""
    code = STORLETS["upper.py"]
    responder.on("HEAD", "/storlet/upper.py", html(404), Answer(length=len(code)), Answer(length=len(code) + 1))
    responder.on("PUT", "/storlet/upper.py", ok(status=201))
    for _ in range(3):
        deploy(run_scripted, tmp_path, "upper.py", code)
    assert [request.body.decode() for request in responder.sent("PUT")] == [code, code + "\n", code + "\n\n"]


@pytest.mark.slow
def test_changed_dependency_takes_effect(storlets: Runner, here: str, tmp_path: Path) -> None:
    """Trap 2: dependencies are never refreshed upstream; here the next run has the new one, also of equal length."""
    code = storlet("import word\nsource.read()\ntarget.set_metadata({})\ntarget.write(word.WORD)")
    for word in ("one", "two"):
        (tmp_path / "word.py").write_text(f"WORD = b'{word}'")
        deploy(storlets, tmp_path, "speaker.py", code, "-d", str(tmp_path / "word.py"))
        assert storlets("get", f"{here}/o", "--storlet", "speaker.py").out == word.encode()


def test_changed_dependency_gets_another_name_elsewhere(
    run_scripted: Runner, responder: Responder, tmp_path: Path
) -> None:
    """Trap 2: another engine keeps what it has under a name; an unchanged dependency is not even sent."""
    (tmp_path / "word.py").write_text("WORD = 1")
    same = hashlib.md5(b"WORD = 1").hexdigest()
    responder.on("HEAD", "*", html(404))
    responder.on("HEAD", "/dependency/word.py", html(404), ok(ETag=same), ok(ETag="0" * 32))
    responder.on("PUT", "*", ok(status=201))
    names = []
    for _ in range(3):
        deploy(run_scripted, tmp_path, "upper.py", STORLETS["upper.py"], "-d", str(tmp_path / "word.py"))
        *uploaded, storlet = responder.sent("PUT")
        names.append(([each.path for each in uploaded], storlet.header("X-Object-Meta-Storlet-Dependency")))
        responder.requests.clear()
    other = names[2][1]
    assert names == [(["/dependency/word.py"], "word.py"), ([], "word.py"), ([f"/dependency/{other}"], other)]
    assert re.fullmatch("word-[0-9a-f]{12}[.]py", str(other))


# --- 3


@pytest.mark.parametrize("where", [[], ["--on-proxy"]], ids=["node", "proxy"])
def test_failure_after_the_metadata_is_an_incomplete_body(storlets: Runner, here: str, where: list[str]) -> None:
    """Trap 3: upstream ends such a body cleanly with 200; here it is cut, and the traceback is kept."""
    outcome = storlets("get", f"{here}/o", "--storlet", "later.py", *where)
    assert outcome.status in (5, 6)
    assert len(outcome.out) < 200_001
    assert set(outcome.out) <= {ord("x")}
    assert "after the metadata" in storlets("logs", "later.py").text


@pytest.mark.parametrize("where", [[], ["--on-proxy"]], ids=["node", "proxy"])
def test_text_written_instead_of_bytes_is_a_failure(storlets: Runner, here: str, where: list[str]) -> None:
    """Trap 3: ``write(str)`` ends the body silently upstream; here the line fails, and the log says why."""
    outcome = storlets("get", f"{here}/o", "--storlet", "strs.py", *where)
    assert outcome.status in (5, 6)
    assert outcome.out in (b"", b"first part, ")
    assert "bytes" in storlets("logs", "strs.py").text


# --- 4


def test_dynamic_large_object_is_run_again_on_the_proxy(run_scripted: Runner, responder: Responder) -> None:
    """Trap 4: a node returns a dynamic large object as it is; a header gives it away, and the proxy runs it."""
    responder.on("HEAD", "/storlet", ok(X_Container_Meta_Storlet_Place_Gold="node"))
    responder.on("HEAD", "/c", ok(X_Storage_Policy="gold"))
    responder.on("GET", "/c/o", ok(b"raw", X_Object_Manifest="c/segments"), ok(b"RUN", X_Object_Manifest="c/segments"))
    outcome = run_scripted("get", "c/o", "--storlet", "upper.py")
    assert (outcome.status, outcome.out) == (0, b"RUN")
    assert [request.header("X-Storlet-Run-On-Proxy") for request in responder.sent("GET")] == [None, ""]


@pytest.fixture
def large(storlets: Runner, here: str, real_client: Client) -> tuple[str, str]:
    """Make a dynamic and a static large object of two segments."""
    for name, content in (("segments/1", b"first "), ("segments/2", b"second")):
        assert storlets("upload", f"{here}/{name}", stdin=content).status == 0
    manifest = json.dumps([{"path": f"/{here}/segments/{number}"} for number in (1, 2)]).encode()
    headers = {"X-Object-Manifest": f"{here}/segments/"}
    real_client.send(Request("PUT", here, "dynamic", headers=headers), bytes_body(b"")).read()
    static = Request("PUT", here, "static", query=(("multipart-manifest", "put"),))
    real_client.send(static, bytes_body(manifest)).read()
    return f"{here}/dynamic", f"{here}/static"


def test_large_objects_are_run_over_whole(storlets: Runner, here: str, large: tuple[str, str]) -> None:
    """Trap 4: dynamic and static large objects, without any option, read and copied."""
    for path in large:
        assert storlets("get", path, "--storlet", "upper.py").out == b"FIRST SECOND"
        assert storlets("copy", path, f"{here}/new", "--storlet", "upper.py").status == 0
        assert storlets("get", f"{here}/new").out == b"FIRST SECOND"


# --- 5


@pytest.mark.parametrize(("text", "part"), [("3-7", b"ST SE"), ("7-", b"ECOND"), ("-3", b"OND")])
def test_every_single_range_is_right(storlets: Runner, large: tuple[str, str], text: str, part: bytes) -> None:
    """Trap 5: on a node ``5-`` fails and ``-5`` is ignored, and large objects ignore all; the proxy is right."""
    for path in large:
        assert storlets("get", path, "--storlet", "upper.py", f"--range={text}").out == part


def test_range_that_was_ignored_is_a_failure(run_scripted: Runner, responder: Responder) -> None:
    """Trap 5: an answer that does not say which range it is of, is of the whole object."""
    responder.on("GET", "/c/o", ok(b"WHOLE"), ok(b"PART", Storlet_Input_Range="bytes=0-3/5"))
    outcome = run_scripted("get", "c/o", "--storlet", "upper.py", "--range", "0-3")
    assert (outcome.status, outcome.out) == (1, b"")
    assert "range 0-3" in one_line(outcome)
    assert run_scripted("get", "c/o", "--storlet", "upper.py", "--range", "0-3").out == b"PART"
    for request in responder.requests:
        assert request.header("X-Storlet-Range") == "bytes=0-3"
        assert request.header("X-Storlet-Run-On-Proxy") == ""


def test_several_ranges_are_refused(run_scripted: Runner, responder: Responder) -> None:
    """Trap 5: no engine does them right."""
    assert run_scripted("get", "c/o", "--storlet", "upper.py", "--range", "0-1,3-4").status == 2
    assert responder.logins == []


# --- 6


def test_missing_storlet_is_not_deployed_and_no_expired_token(run_scripted: Runner, responder: Responder) -> None:
    """Trap 6: its 401 costs no new login, no pause and no second run."""
    responder.on("GET", "/c/o", REFUSAL)
    responder.on("HEAD", "/storlet/none.py", html(404), ok())
    responder.on("GET", "/storlet", html(403))  # which names are alike can't be told then
    missing = run_scripted("get", "c/o", "--storlet", "none.py")
    assert (missing.status, one_line(missing).split(";")[0]) == (4, "storlet none.py isn't deployed")
    forbidden = run_scripted("get", "c/o", "--storlet", "none.py")
    assert (forbidden.status, "may not run" in one_line(forbidden)) == (3, True)
    asked = [("GET", "/c/o"), ("HEAD", "/storlet/none.py")]
    assert sent(responder) == [*asked, ("GET", "/storlet"), *asked]
    responder.on("HEAD", "/storlet/none.py", html(403))
    assert one_line(run_scripted("get", "c/o", "--storlet", "none.py")) == one_line(forbidden)
    assert len(responder.logins) == 3


def test_large_upload_through_a_missing_storlet_is_understood(storlets: Runner, here: str) -> None:
    """Trap 6: the refusal comes while the body is still being sent."""
    outcome = storlets("put", "-", f"{here}/new", "--storlet", "none.py", stdin=b"x" * 5_000_000)
    assert (outcome.status, one_line(outcome).split(";")[0]) == (4, "storlet none.py isn't deployed")


# --- 7


@pytest.mark.parametrize(
    "words", [["get", "{c}/o"], ["put", "-", "{c}/p"], ["copy", "{c}/o", "{c}/p"]], ids=["get", "put", "copy"]
)
def test_failing_storlet_runs_once(storlets: Runner, here: str, tmp_path: Path, words: list[str]) -> None:
    """Trap 7: swiftclient would run it six times in 31 seconds."""
    name = f"once{words[0]}.py"
    deploy(storlets, tmp_path, name, STORLETS["raises.py"])
    line = [word.replace("{c}", here) for word in words]
    assert storlets(*line, "--storlet", name, stdin=TEXT).status == 6
    assert storlets("logs", name).text.count("Traceback") == 1


# --- 8


def test_checksum_of_the_source_is_not_that_of_the_result(storlets: Runner, here: str, tmp_path: Path) -> None:
    """Trap 8: the source's ETag stays on the transformed body, and no checksum is compared."""
    assert storlets("get", f"{here}/o", "--storlet", "upper.py", "--save", str(tmp_path / "f")).status == 0
    assert (tmp_path / "f").read_bytes() == TEXT.upper()


def test_copy_has_the_content_type_that_its_name_suggests(storlets: Runner, here: str) -> None:
    """Trap 8: a run loses the source's type, unlike a plain copy; --header sets it."""
    content_type = ("--header", "Content-Type: text/x-own")
    assert storlets("upload", f"{here}/typed", *content_type, stdin=TEXT).status == 0
    for name, words, expected in (
        ("plain", (), "text/x-own"),
        ("guessed.csv", ("--storlet", "upper.py"), "text/csv"),
        ("set.csv", ("--storlet", "upper.py", *content_type), "text/x-own"),
    ):
        assert storlets("copy", f"{here}/typed", f"{here}/{name}", *words).status == 0
        assert f"type: {expected}\n" in storlets("stat", f"{here}/{name}").out.decode()


def test_checksums_are_compared_for_plain_uploads_only(run_scripted: Runner, responder: Responder) -> None:
    """Trap 8: what a storlet stores has another ETag; a plain upload with another one is damaged."""
    responder.on("PUT", "/c/o", ok(status=201, ETag="0" * 32))
    assert run_scripted("put", "-", "c/o", "--storlet", "upper.py", stdin=TEXT).status == 0
    damaged = run_scripted("put", "-", "c/o", stdin=TEXT)
    assert (damaged.status, "other bytes" in one_line(damaged)) == (5, True)


def test_storlet_request_is_never_conditional_or_resumed(run_scripted: Runner, responder: Responder) -> None:
    """Trap 8: a body that was cut is not resumed by a range, which would be answered 400."""
    responder.on("GET", "/c/o", Answer(body=[b"part"], chunked=True, end="mid"))
    assert run_scripted("get", "c/o", "--storlet", "upper.py").status == 5
    (request,) = responder.requests
    assert not {"range", "if-none-match", "if-match", "if-modified-since"} & request.names()


# --- 9


def test_missing_extra_resource_is_looked_up_first(run_scripted: Runner, responder: Responder) -> None:
    """Trap 9: the server would feed its 404 page to the storlet."""
    responder.on("HEAD", "/c/x", ok())
    responder.on("HEAD", "/c/y", html(404))
    for words in (["get", "c/o"], ["put", "-", "c/o"]):
        extra = ["--extra", "path:/c/x", "--extra", "path:/c/y"]
        outcome = run_scripted(*words, "--storlet", "join.py", *extra, stdin=b"x")
        assert (outcome.status, one_line(outcome).split(" (")[0]) == (4, "path:/c/y: not found")
    assert {request.method for request in responder.requests} == {"HEAD"}


# --- 10


def test_parameters_are_quoted_for_the_servers_reading(storlets: Runner, here: str) -> None:
    """Trap 10: the server unquotes, then splits at the first colon; keys and values come out whole."""
    outcome = storlets("get", f"{here}/o", "--storlet", "tell.py", "-p", "a%3A b=c:d%20e+f", "-p", "x=")
    assert json.loads(outcome.out) == {"a%3A b": "c:d%20e+f", "x": ""}
    outcome = storlets("get", f"{here}/o", "--storlet", "tell.py", "-p", "delimiter=\t", "-p", "a\tb=c\td")
    assert json.loads(outcome.out) == {"delimiter": "\t", "a\tb": "c\td"}


@pytest.mark.parametrize("parameter", ["a:b=c", "storlet_x=1", "Storlet_X=1", "a=b\r\nX-Evil: 1", "=x"])
def test_parameters_that_can_not_arrive_are_refused(run_scripted: Runner, responder: Responder, parameter: str) -> None:
    """Trap 10: colons in keys, control characters, and the reserved prefix."""
    assert run_scripted("get", "c/o", "--storlet", "tell.py", "-p", parameter).status == 2
    assert responder.logins == []


# --- 11


def test_account_that_is_not_enabled_says_how(run_scripted: Runner, responder: Responder, tmp_path: Path) -> None:
    """Trap 11: the 400 comes for runs, and for plain uploads into the storlet container as well."""
    refusal = page(400, "Account disabled for storlets", "text/html; charset=UTF-8")
    responder.on("GET", "/c/o", refusal)
    responder.on("HEAD", "/storlet/upper.py", html(404))
    responder.on("PUT", "/storlet/upper.py", refusal)
    (tmp_path / "upper.py").write_text(STORLETS["upper.py"])
    for words in (["get", "c/o", "--storlet", "upper.py"], ["deploy", str(tmp_path / "upper.py")]):
        outcome = run_scripted(*words)
        assert outcome.status == 1
        assert "enable it: enable" in one_line(outcome)


# --- 12


@pytest.mark.parametrize("name", ["dir/x.py", "a b.py", "ü.py", "../x.py", ""])
def test_names_that_deploy_and_fail_at_run_are_refused(run_scripted: Runner, responder: Responder, name: str) -> None:
    """Trap 12: a name with a slash is answered 201 and never runs."""
    for words in (["get", "c/o", "--storlet", name], ["undeploy", "-y", name], ["logs", name]):
        assert run_scripted(*words).status == 2
    assert responder.logins == []


@pytest.mark.parametrize("main", ["a.b.C", "a", "a.", ".C", "a-b.C"])
def test_main_class_has_one_dot(run_scripted: Runner, responder: Responder, main: str) -> None:
    """Trap 12: module and class, no more and no less."""
    assert run_scripted("deploy", main, stdin=STORLETS["upper.py"].encode()).status == 2
    assert responder.logins == []


# --- 13


def test_wordless_failure_on_a_node_is_the_storlets(run_scripted: Runner, responder: Responder) -> None:
    """Trap 13: a GET's failure is a 503 without text; two requests tell it from a server that is down."""
    responder.on("GET", "/c/o", html(503))
    responder.on("HEAD", "/c/o", ok())
    outcome = run_scripted("get", "c/o", "--storlet", "upper.py")
    assert outcome.status == 6
    assert one_line(outcome).startswith("storlet upper.py failed on path:/c/o: ")
    assert sent(responder) == [("GET", "/c/o"), ("HEAD", "/c/o")]


@pytest.mark.parametrize("words", [["put", "-", "c/o"], ["copy", "c/x", "c/o"]], ids=["put", "copy"])
def test_failure_on_the_proxy_brings_its_text(run_scripted: Runner, responder: Responder, words: list[str]) -> None:
    """Trap 13: on the proxy a 500 says that the execution failed."""
    responder.on("HEAD", "*", ok())
    responder.on("PUT", "*", page(500, "Storlet execution timed out"))
    responder.on("COPY", "*", page(500, "Storlet execution timed out"))
    outcome = run_scripted(*words, "--storlet", "upper.py", stdin=b"x")
    assert (outcome.status, "Storlet execution timed out" in one_line(outcome)) == (6, True)


# --- 14, 15, 17, 20: what is on the wire


WIRE = [
    ["get", "c/o", "--storlet", "s.py", "-p", "k=ü &?"],
    ["put", "-", "c/o", "--storlet", "s.py", "-p", "k=ü &?"],
    ["copy", "c/o", "c/p", "--storlet", "s.py", "-p", "k=ü &?"],
    ["rm", "-y", "c/o"],
    ["ls", "c"],
    ["whoami"],
    ["enable"],
    ["undeploy", "-y", "s.py"],
    ["storlets"],
]


@pytest.fixture
def wire(run_scripted: Runner, responder: Responder) -> list[Recorded]:
    """Run many lines against a server that likes all of them; return what was sent."""
    responder.on("GET", "*", ok(b"[]"))
    responder.on("GET", "/c/o", Answer(body=b"RUN", chunked=True))
    for method, status in {"HEAD": 200, "PUT": 201, "POST": 204, "DELETE": 204}.items():
        responder.on(method, "*", ok(status=status))
    responder.on("COPY", "*", GENERATED)
    for words in WIRE:
        outcome = run_scripted(*words, stdin=b"x", environ={"HTTP_REFERER": "storlets"})
        assert outcome.status == 0, outcome.err
    return responder.requests + responder.logins + responder.infos


def test_no_referer_is_sent(wire: list[Recorded]) -> None:
    """Trap 14: one that names storlets is answered 403, even on a plain GET."""
    assert not [request for request in wire if {"referer", "referrer"} & request.names()]


def test_log_is_not_generated_unless_asked_for(
    wire: list[Recorded], run_scripted: Runner, responder: Responder
) -> None:
    """Trap 15: the header makes the request fail upstream."""
    assert not [request for request in wire if "x-storlet-generate-log" in request.names()]
    run_scripted("get", "c/o", "--storlet", "s.py", "--generate-log")
    assert responder.requests[-1].header("X-Storlet-Generate-Log") == "True"


def test_log_that_was_asked_for_is_stored(storlets: Runner, here: str) -> None:
    """Trap 15: the embedded engine stores it, where the API's text says; a copy's answer comes after that."""
    assert storlets("copy", f"{here}/o", f"{here}/new", "--storlet", "upper.py", "--generate-log").status == 0
    assert b"upper ran" in storlets("get", "storletlog/upper.py.log").out


def test_storlets_are_run_by_three_methods_only(wire: list[Recorded]) -> None:
    """Trap 17: HEAD and DELETE with the header are answered 405, POST 401."""
    assert {request.method for request in wire if "x-run-storlet" in request.names()} == {"GET", "PUT", "COPY"}
    assert not [
        request
        for request in wire
        if "x-run-storlet" not in request.names()
        and [name for name in request.names() if name.startswith("x-storlet-")]
    ]


def test_parameters_are_no_query(wire: list[Recorded]) -> None:
    """Trap 20: in a query string, UTF-8 arrives garbled; parameters go as quoted headers."""
    runs = [request for request in wire if "x-run-storlet" in request.names()]
    assert len(runs) == 3
    for request in runs:
        assert "?" not in request.target
        assert request.header("X-Storlet-Parameter-1") == "k:%C3%BC%20%26%3F"


# --- 16


def test_signature_that_the_engine_can_not_call_is_refused(run_scripted: Runner, tmp_path: Path) -> None:
    """Trap 16: a storlet's author learns before the first run what will not work."""
    (tmp_path / "odd.py").write_text("class Odd:\n    def __call__(self, in_files):\n        pass\n")
    assert run_scripted("deploy", str(tmp_path / "odd.py"), "--dry-run").status == 2
    outcome = run_scripted("deploy", str(tmp_path / "odd.py"), "--dry-run", "--force")
    assert outcome.status == 0
    assert "odd.py:2: Odd.__call__ must accept the call __call__(self, in_files, out_files, params)" in outcome.err
    assert "odd.py:1: Odd has no method __init__(self, logger)" in outcome.err


def test_trial_behaves_as_the_engine_does(storlets: Runner, here: str, tmp_path: Path) -> None:
    """Trap 16: files are bytes, and iterating one yields the whole of it once, here as there."""
    code = storlet(
        """
        target.set_metadata({})
        for line in source:
            target.write(b"<" + line + b">")
        """
    )
    deploy(storlets, tmp_path, "iterates.py", code)
    (tmp_path / "input").write_bytes(TEXT)
    there = storlets("get", f"{here}/o", "--storlet", "iterates.py").out
    tried = storlets("deploy", str(tmp_path / "iterates.py"), "--dry-run", "--input", str(tmp_path / "input"))
    assert tried.status == 0
    assert there.decode() in tried.text


# --- 18


def test_large_upload_through_a_storlet_is_one_request(run_scripted: Runner, responder: Responder) -> None:
    """Trap 18: never in segments, over which a storlet would run one by one."""
    responder.on("PUT", "/c/o", ok(status=201))
    content = os.urandom(4_000_000)
    assert run_scripted("put", "-", "c/o", "--storlet", "upper.py", stdin=content).status == 0
    (request,) = responder.sent("PUT")
    assert request.body == content


# --- 19


@pytest.mark.parametrize("where", fast_and_slow([[]], [["--on-node"], ["--on-proxy"]]), ids=" ".join)
def test_erasure_coded_objects_can_be_run_over(
    storlets: Runner, container: str, tmp_path: Path, where: list[str]
) -> None:
    """Trap 19: a node returns them as they are, and only the embedded Swift says so; see ``test_policies.py``."""
    coded = f"{container}-coded"
    assert storlets("mkdir", coded, "--policy", "ec21").status == 0
    assert storlets("upload", f"{coded}/o", stdin=TEXT).status == 0
    run = ["--storlet", "upper.py", *where]
    assert storlets("get", f"{coded}/o", *run).out == TEXT.upper()
    assert storlets("copy", f"{coded}/o", f"{container}/copied", *run).status == 0
    assert storlets("map", "--input", f"path:/{coded}/*", "--save", str(tmp_path), *run).status == 0
    assert storlets("get", f"{container}/copied").out == (tmp_path / "o").read_bytes() == TEXT.upper()


# --- 21


@pytest.mark.parametrize("where", [[], ["--on-proxy"]], ids=["node", "proxy"])
@pytest.mark.parametrize(
    ("name", "said"), [("crlf.py", "control character"), ("fat.py", "4096"), ("script.py", "Latin-1")]
)
def test_metadata_that_is_none_is_a_clear_failure(
    storlets: Runner, here: str, name: str, said: str, where: list[str]
) -> None:
    """Trap 21: line ends inject headers, long ones fail wordlessly, other scripts close the connection upstream."""
    outcome = storlets("get", f"{here}/o", "--storlet", name, *where)
    assert (outcome.status, outcome.out) == (6, b"")
    assert said in outcome.err.splitlines()[-1]


def test_header_of_a_storlet_can_not_drive_the_terminal(run_scripted: Runner, responder: Responder) -> None:
    """Trap 21: what a server says in an error reaches the terminal with its control characters made visible."""
    responder.on("GET", "/c/o", page(400, "bad \x1b[31mred\x07"))
    outcome = run_scripted("get", "c/o")
    assert "\x1b" not in outcome.err
    assert "\\x1b[31mred\\x07" in outcome.err


# --- 22


def test_pieces_of_a_body_are_passed_on_as_they_arrive(client: Client, responder: Responder) -> None:
    """Trap 22: whatever the engine holds back, the client holds back nothing of what has arrived."""
    go_on = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"first "
        assert go_on.wait(10)
        yield b"second"

    responder.on("GET", "/c/o", Answer(body=pieces(), chunked=True))
    reply = client.send(Request("GET", "c", "o", headers={"X-Run-Storlet": "slow.py"}))
    body = Response(reply.status, reply.headers, reply.chunks()).iter_content()
    assert next(body) == b"first "
    go_on.set()
    assert list(body) == [b"second"]


# --- what else an upstream engine does


def test_server_that_vanishes_during_a_run_is_one_line(run_scripted: Runner, responder: Responder) -> None:
    """A run whose connection is cut is not repeated, and its end is said."""
    responder.on("GET", "/c/o", CUT)
    outcome = run_scripted("get", "c/o", "--storlet", "upper.py")
    assert (outcome.status, len(responder.requests)) == (5, 1)
    assert one_line(outcome).startswith("path:/c/o: ")
