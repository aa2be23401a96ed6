"""Each standard storlet where it runs: in a dry run, and on the real Swift over objects read, written, and copied."""

from __future__ import annotations

import gzip
import importlib
import io
import json
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest
from PIL import Image

from storlet_shell import shelf
from storlet_shell.deployments.package import standard_package
from storlet_shell.storlets import trial
from storlet_shell.values import StorletMain
from tests.shelf.calls import opened
from tests.support.lines import Runner, one_line

pytestmark = pytest.mark.slow  # each runs several processes

CSV = b"city,degrees\nOslo,3\nRome,31\n"


def picture(kind: str, size: tuple[int, int]) -> bytes:
    """Return an image."""
    target = io.BytesIO()
    Image.new("RGB", size, "red").save(target, kind, quality=85, optimize=True)
    return target.getvalue()


class Case(NamedTuple):
    """A storlet with parameters, an object, and the result."""

    name: str
    parameters: Mapping[str, str]
    data: bytes
    result: bytes
    content_type: str = ""


CASES = [
    Case(
        "checksum",
        {"decompress": "yes"},
        gzip.compress(b"a\n", mtime=0),
        b'{"bytes": 2, "lines": 1, "crc32": "ddeaa107"',
    ),
    Case(
        "convert",
        {"to": "jsonl", "numbers": "true"},
        CSV,
        b'{"city":"Oslo","degrees":3}\n{"city":"Rome","degrees":31}\n',
        "application/x-ndjson; charset=utf-8",
    ),
    Case("grep", {"pattern": "^R", "context": "1"}, CSV, b"Oslo,3\nRome,31\n"),
    Case("grep", {"pattern": "nothing"}, CSV, b""),
    Case("head", {"rows": "1"}, gzip.compress(CSV, mtime=0), b"city,degrees\nOslo,3\n"),
    Case("mask", {"columns": "city", "method": "truncate", "keep": "1"}, CSV, b"city,degrees\nO,3\nR,31\n"),
    Case("sample", {"fraction": "1"}, CSV, CSV),
    Case("stats", {"columns": "degrees"}, CSV, b'{"column": "degrees", "type": "integer", "count": 2, "null": 0, "min'),
    Case("thumbnail", {"width": "10"}, picture("png", (20, 20)), picture("jpeg", (10, 10)), "image/jpeg"),
]
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join((case.name, *case.parameters)))

BAD = [
    ("checksum", {"decompress": "true"}, b"\x1f\x8bdamaged", "the compressed data (gzip) are damaged: "),
    ("convert", {"to": "jsonl"}, b"a\n\xff\n", "line 2: not UTF-8: byte 0xff"),
    ("grep", {"pattern": "("}, CSV, "parameter pattern: not a regular expression: missing ), unterminated"),
    ("head", {"rows": "-1"}, CSV, "parameter rows: must be 0 or more, not -1"),
    ("mask", {"columns": "town"}, CSV, "no column town; there are: city, degrees"),
    ("mask", {"columns": "b"}, b'{"a": 1}\n' * 50_000, "no column b; there are: a"),
    ("sample", {"fraction": "2"}, CSV, "parameter fraction: must be from 0 to 1, not 2.0"),
    ("stats", {}, b"a,b\n1\n", "row 1 (line 2): 1 fields, but the header has 2"),
    ("thumbnail", {}, CSV, "the object isn't an image that Pillow can read"),
]


@pytest.fixture(scope="module")
def deployed(run: Runner) -> Runner:
    """Deploy every standard storlet."""
    for name in shelf.STANDARD:
        outcome = run("deploy", f"std:{name}")
        assert (outcome.status, outcome.err) == (0, "")
    return run


def options(parameters: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Return the options that pass parameters."""
    return [word for name, value in parameters.items() for word in ("-p", f"{name}={value}")]


def test_every_storlet_but_select_is_tried() -> None:
    """Select has tests of its own."""
    assert {case.name for case in CASES} == {name for name, *_ in BAD} == set(shelf.STANDARD) - {"select"}


@EACH
def test_dry_run_gives_the_result(tmp_path: Path, case: Case) -> None:
    """In a process as the engine's, without a note."""
    (tmp_path / "input").write_bytes(case.data)
    package = standard_package(f"std:{case.name}")
    program = trial.PythonProgram(StorletMain.parse(package.main), package.code)
    tried = trial.run(program, tmp_path / "input", case.parameters)
    assert tried.output.startswith(case.result[:4096])
    assert (tried.notes, tried.log) == ((), ())
    assert tried.metadata == ({"Content-Type": case.content_type} if case.content_type else {})


@EACH
def test_object_is_read_written_and_copied(deployed: Runner, container: str, tmp_path: Path, case: Case) -> None:
    """With the same result, which is stored as any object."""
    (tmp_path / "input").write_bytes(case.data)
    storlet = ["--storlet", f"std_{case.name}.py", *options(case.parameters)]
    assert deployed("put", str(tmp_path / "input"), f"{container}/o").status == 0
    read = deployed("get", f"{container}/o", *storlet)
    assert (read.status, read.err) == (0, "")
    assert read.out.startswith(case.result)
    assert bool(read.out) == bool(case.result)
    assert deployed("get", f"{container}/o", *storlet, "--on-proxy").out == read.out
    for words in (["copy", f"{container}/o"], ["put", str(tmp_path / "input")]):
        stored = deployed(*words, f"{container}/{words[0]}", *storlet)
        assert (stored.status, stored.err) == (0, ""), stored.err
        assert deployed("get", f"{container}/{words[0]}").out == read.out
        kind = deployed("stat", f"{container}/{words[0]}", "--json").json["content_type"]
        assert not case.content_type or kind == case.content_type


@pytest.mark.parametrize(("name", "parameters", "data", "message"), BAD)
def test_bad_input_fails_in_one_line(
    deployed: Runner,
    container: str,
    tmp_path: Path,
    name: str,
    parameters: Mapping[str, str],
    data: bytes,
    message: str,
) -> None:
    """With the reason and without a traceback; nothing is stored."""
    storlet = ["--storlet", f"std_{name}.py", *options(parameters)]
    assert deployed("put", "-", f"{container}/o", stdin=data).status == 0
    outcome = deployed("get", f"{container}/o", *storlet)
    assert (outcome.status, message in one_line(outcome)) == (6, True)
    copied = deployed("copy", f"{container}/o", f"{container}/copy", *storlet)
    assert (copied.status, message in one_line(copied)) == (6, True)
    (tmp_path / "input").write_bytes(data)
    words = ["--dry-run", "--input", str(tmp_path / "input")]
    tried = deployed("deploy", f"std:{name}", *words, *options(parameters))
    assert (tried.status, message in one_line(tried)) == (6, True)
    assert deployed("stat", f"{container}/copy").status == 4


def test_batch_runs_it_over_many_objects(deployed: Runner, container: str, tmp_path: Path) -> None:
    """As any storlet; what it finds becomes one file."""
    for number in range(3):
        deployed("put", "-", f"{container}/{number}.csv", stdin=CSV + b"Lima,%d\n" % number)
    words = ["map", "--input", f"path:/{container}/*.csv", "--storlet", "std_grep.py", "-p", "pattern=Lima"]
    assert deployed(*words, "--concat", str(tmp_path / "all")).status == 0
    assert (tmp_path / "all").read_text() == "Lima,0\nLima,1\nLima,2\n"
    words = ["map", "--input", f"path:/{container}/*.csv", "--storlet", "std_convert.py", "-p", "to=jsonl"]
    assert deployed(*words, "--output", f"path:/{container}/{{stem}}.jsonl").status == 0
    assert json.loads(deployed("get", f"{container}/2.jsonl").out.splitlines()[-1]) == {"city": "Lima", "degrees": "2"}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("checksum", {}),
        ("convert", {"to": "jsonl", "gzip": True}),
        ("grep", {"pattern": "x", "before": 5}),
        ("head", {"rows": 10**9}),
        ("mask", {"pattern": "x"}),
        ("sample", {"rows": 100}),
        ("stats", {}),
    ],
)
def test_memory_does_not_depend_on_the_object(name: str, parameters: Mapping[str, object]) -> None:
    """Neither on its size, nor on the number of distinct values."""
    function = getattr(importlib.import_module(f"storlet_shell.shelf.{name}"), name)
    filled = {"metadata": {}} if name == "convert" else {}
    peaks = []
    for count in (20_000, 60_000):
        source = opened(b"n,x\n" + b"".join(b"%d,%d.5\n" % (number, number) for number in range(count)))
        tracemalloc.start()
        try:
            for _ in function(source, **filled, **parameters):
                pass
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2 + 500_000
