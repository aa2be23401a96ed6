"""A storlet that ignores some of several inputs: refused if its source shows it, or else a failure."""

from __future__ import annotations

import json

import pytest

from tests.support.lines import Runner, one_line
from tests.support.responder import Answer, Responder, ok
from tests.support.storlets import storlet

READS = {
    "first.py": "target.set_metadata({}); target.write(source.read())",
    "hidden.py": "target.set_metadata({}); target.write(in_files[int('0')].read())",
    "whole.py": "target.set_metadata({}); [target.write(file.read()) for file in in_files]",
    "two.py": "target.set_metadata({}); target.write(in_files[0].read())\n"
    "if len(in_files) > 1: target.write(in_files[1].read())",
}
REFUSAL = "reads at most 1 of its inputs, but the run has {count}; nothing was run"
FAILURE = "it read nothing of in_files[1], though there was something to read (--allow-unread allows that)"


@pytest.fixture(scope="module")
def parts(run: Runner, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Store three objects in the container ``parts``, and deploy storlets that read more or less of their inputs."""
    folder = tmp_path_factory.mktemp("unread")
    assert run("mkdir", "parts").status == 0
    for name in ("a", "b", "c"):
        assert run("upload", f"parts/{name}", stdin=f"{name}\n".encode()).status == 0
    for name, body in READS.items():
        (folder / name).write_text(storlet(body))
        assert run("deploy", str(folder / name)).status == 0
    return run


LINES: dict[str, list[str]] = {
    "get": ["get", "parts/a", "--extra", "path:/parts/b"],
    "copy": ["copy", "parts/a", "parts-made/x", "--extra", "path:/parts/b"],
    "put": ["put", "-", "parts-made/x", "--extra", "path:/parts/b"],
    "map": ["map", "--input", "path:/parts/a", "--extra", "path:/parts/b", "--output", "path:/parts-made/x"],
    "reduce": ["reduce", "--input", "path:/parts/*", "--output", "path:/parts-made/x", "--fan-in", "1"],
}


EACH = [
    pytest.param(words, id=name, marks=() if name in ("copy", "reduce") else pytest.mark.slow)
    for name, words in LINES.items()
]


@pytest.mark.parametrize("words", EACH)
def test_storlet_that_reads_its_first_input_only_is_refused_before_the_first_run(
    parts: Runner, words: list[str]
) -> None:
    """Its source shows it; nothing has run, and nothing is stored."""
    parts("mkdir", "parts-made")
    outcome = parts(*words, "--storlet", "first.py", stdin=b"x")
    assert (outcome.status, outcome.out) == (2, b"")
    assert REFUSAL.format(count=2) in one_line(outcome)
    assert parts("stat", "parts-made/x").status == 4
    assert "tx" not in parts("logs", "first.py").text


@pytest.mark.parametrize("words", EACH)
def test_input_of_which_nothing_was_read_is_a_failure(parts: Runner, words: list[str]) -> None:
    """Where the source doesn't show it, the engine does; no result ends with status 0."""
    parts("mkdir", "parts-made")
    outcome = parts(*words, "--storlet", "hidden.py", stdin=b"x")
    assert outcome.status == 6
    assert FAILURE in outcome.err + outcome.text
    assert parts("stat", "parts-made/x").status == 4


@pytest.mark.parametrize("name", ["first.py", pytest.param("hidden.py", marks=pytest.mark.slow)])
@pytest.mark.parametrize("words", EACH)
def test_unread_inputs_can_be_allowed(parts: Runner, words: list[str], name: str) -> None:
    """By those who mean it."""
    parts("mkdir", "parts-made")
    outcome = parts(*words, "--storlet", name, "--allow-unread", stdin=b"x")
    assert outcome.status == 0, outcome.err
    parts("rm", "-y", "parts-made/x")


@pytest.mark.slow
def test_storlet_that_reads_all_is_as_before(parts: Runner) -> None:
    """Also one of two inputs, in runs of two; in runs of three, it is refused."""
    parts("mkdir", "parts-made")
    assert parts("get", "parts/a", "--extra", "path:/parts/b", "--storlet", "whole.py").out == b"a\nb\n"
    words = ["reduce", "--input", "path:/parts/*", "--output", "path:/parts-made/all", "--storlet"]
    for name, fan_in in (("whole.py", "2"), ("two.py", "1")):
        outcome = parts(*words, name, "--fan-in", fan_in)
        assert outcome.status == 0, outcome.err
        assert parts("get", "parts-made/all").out == b"a\nb\nc\n"
    outcome = parts(*words, "two.py", "--fan-in", "2")
    assert (outcome.status, "reads at most 2 of its inputs, but the run has 3" in one_line(outcome)) == (2, True)


def test_option_wants_a_storlet(run_scripted: Runner) -> None:
    """Otherwise it says nothing."""
    assert "--allow-unread" in one_line(run_scripted("get", "c/o", "--allow-unread"))


CODE = storlet(READS["first.py"]).encode()
HEADERS = {"X_Object_Meta_Storlet_Main": "s.Main"}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("s.py", Answer(403)),
        ("s.py", Answer(404)),
        ("s.py", Answer(501)),
        ("s.py", ok(b"no Python", **HEADERS)),
        ("s.py", ok(b"\0", **HEADERS)),
        ("s.py", ok(CODE)),
        ("s.py", ok(b"#" * (1 << 20) + CODE, **HEADERS)),
        ("s-1.jar", None),
    ],
)
def test_storlet_that_cannot_be_judged_is_run(
    run_scripted: Runner, responder: Responder, name: str, answer: Answer | None
) -> None:
    """Whose source may not be read, is no Python, or is a jar; what comes of it is upstream's affair."""
    responder.on("HEAD", "/c/x", ok())
    if answer:
        responder.on("GET", f"/storlet/{name}", answer)
    responder.on("GET", "/c/o", Answer(200, b"made", chunked=True))
    outcome = run_scripted("get", "c/o", "--storlet", name, "--extra", "path:/c/x")
    assert (outcome.status, outcome.out) == (0, b"made")


def test_source_is_read_once_for_a_batch(run_scripted: Runner, responder: Responder) -> None:
    """On upstream's engine nothing else can know; the statement that ``deploy`` puts before its code is no matter."""
    code = b"exec('import os', {'__file__': __file__})\n" + CODE
    listing = json.dumps([{"name": name, "bytes": 1} for name in "abcd"]).encode()
    responder.on("GET", "/c", lambda request: ok(b"[]" if "marker" in request.query else listing))
    responder.on("HEAD", "*", ok())
    responder.on("GET", "/storlet/s.py", ok(code, **HEADERS))
    responder.on("PUT", "*", ok(status=201))
    responder.on("DELETE", "*", ok(status=204))
    responder.on("GET", "*", ok(b"[]"))
    words = ["--input", "path:/c/*", "--output", "path:/made/all", "--fan-in", "1"]
    outcome = run_scripted("reduce", "--storlet", "s.py", *words)
    assert (outcome.status, REFUSAL.format(count=2) in one_line(outcome)) == (2, True)
    sources = [request for request in responder.requests if request.path.endswith("/storlet/s.py")]
    # The first GET looks for the parameters of a function.
    assert [request.method for request in sources] == ["HEAD", "GET", "GET"]
    assert "COPY" not in {request.method for request in responder.requests}
