"""Names in a listing that no request can express: lone surrogates in its JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.lines import Runner
from tests.support.responder import GENERATED, Answer, Responder, ok

LISTING = b'[{"name": "a\\ud800", "bytes": 1, "hash": ""}, {"name": "b", "bytes": 1, "hash": ""}]'


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("download c T/d", 1, "1 could not be downloaded; 1 downloaded"),
        ("rm -r c -y", 1, "1 could not be deleted; 1 deleted"),
        ("map --storlet s.py --input path:/c/* --save T/d --journal T/j", 6, "1 of 2 objects done, 1 failed"),
        ("map --storlet s.py --input path:/c/* --ordered", 6, "1 of 2 objects done, 1 failed"),
        ("--json map --storlet s.py --input path:/c/*", 6, "1 of 2 objects done, 1 failed"),
        ("map --storlet s.py --input path:/c/* --output path:/x/{name}", 6, "1 of 2 objects done, 1 failed"),
        ("pipe s.py --input path:/c/*", 6, "1 of 2 objects done, 1 failed"),
        ("storlets list", 1, "the name isn't valid Unicode"),
        ("dependencies list", 1, "the name isn't valid Unicode"),
    ],
)
def test_name_that_is_none_fails_alone(
    run_scripted: Runner, responder: Responder, tmp_path: Path, line: str, status: int, said: str
) -> None:
    """It is named, escaped, and all others are done."""
    responder.on("HEAD", "*", ok())
    responder.on("DELETE", "*", Answer(204))
    responder.on("COPY", "*", GENERATED)
    for path in ("/c", "/storlet", "/dependency"):
        responder.on("GET", path, ok(LISTING), ok(b"[]"))
    responder.on("GET", "/c/b", Answer(200, b"x", chunked=True))
    outcome = run_scripted(*line.replace("T", str(tmp_path)).split())
    assert outcome.status == status
    assert said in outcome.err
    assert "a\\ud800" in outcome.err
    assert "Traceback" not in outcome.err
    if " T/d" in line:
        assert (tmp_path / "d" / "b").read_bytes() == b"x"
    if "--json" in line:
        assert [row["object"] for row in outcome.json["rows"]] == ["path:/c/b", "path:/c/a\ud800"]


def test_document_of_such_names_is_one(run_scripted: Runner, responder: Responder) -> None:
    """JSON can spell them."""
    responder.on("GET", "/c", ok(LISTING), ok(b"[]"))
    outcome = run_scripted("ls", "c", "--json")
    assert outcome.status == 0
    assert [row["name"] for row in outcome.json["rows"]] == ["a\ud800", "b"]


def test_such_a_name_is_listed_with_an_escape(run_scripted: Runner, responder: Responder) -> None:
    """Text can't hold it; all other names are listed as well."""
    responder.on("GET", "/c", ok(LISTING), ok(b"[]"))
    outcome = run_scripted("ls", "c")
    assert outcome.status == 0
    assert outcome.out.splitlines()[0].startswith(b"a\\ud800")
    assert outcome.out.splitlines()[1].startswith(b"b")


def test_listing_goes_on_after_such_a_name(run_scripted: Runner, responder: Responder) -> None:
    """The server that sent it is asked for what follows it."""
    responder.on("GET", "/c", ok(b'[{"name": "b\\udfff"}]'), ok(b'[{"name": "c"}]'), ok(b"[]"))
    outcome = run_scripted("ls", "c", "--json")
    assert [row["name"] for row in outcome.json["rows"]] == ["b\udfff", "c"]
    assert "marker=b%ED%BF%BF" in responder.requests[1].target


@pytest.mark.parametrize("listing", [b'[{"name": "\xff"}]', b'[{"name": "\xed\xa0\x80"}]', b"\xff\xfe"])
@pytest.mark.parametrize("line", ["ls c", "download c T", "rm -r c -y", "map --storlet s.py --input path:/c/*"])
def test_listing_that_is_no_utf_8_is_none(
    run_scripted: Runner, responder: Responder, tmp_path: Path, line: str, listing: bytes
) -> None:
    """On the wire, that is; Swift sends no other."""
    responder.on("HEAD", "*", ok())
    responder.on("GET", "/c", ok(listing))
    outcome = run_scripted(*line.replace("T", str(tmp_path)).split())
    assert outcome.status == 5
    assert "the server's response isn't a listing" in outcome.err
    assert "Traceback" not in outcome.err
