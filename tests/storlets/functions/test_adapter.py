"""The adapter of function storlets, through deployed code: each kind of input and of result, plain and framed."""

from __future__ import annotations

import ast
import base64
import csv
import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storlet_shell.embedded import control
from storlet_shell.storlets import trial, trial_files
from storlet_shell.storlets.functions.adapter import frames as adapter_frames
from storlet_shell.storlets.functions.adapter.frames import storlet_bytes_unread
from storlet_shell.storlets.functions.generate import generate
from storlet_shell.storlets.functions.local import find_function
from storlet_shell.storlets.source import StorletSource
from storlet_shell.values import StorletMain
from tests.embedded.storlets import PROXY, Client
from tests.support import upstream_agent

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # engines end the process, which closes inputs

MAIN = StorletMain("main", "FunctionStorlet")
NONCE = "0123456789abcdef"
CSV = b"city,degrees\nOslo,3\nRome,30\n"
LIST = "def f(rows: Iterator[dict]): return list(rows)"
ROWS = "def f(rows: Iterator[dict]):\n    yield from rows"
LINES = b'{"city": "Oslo", "degrees": 3}\n\n{"city": "R\xc3\xb4me"}\n'


def deployed(code: str) -> bytes:
    """Return what is deployed for a function."""
    source = StorletSource.parse(dedent(code).encode(), "main.py")
    function = find_function(source, None)
    assert function is not None
    return generate(function)


Runs = list[tuple[bytes, bytes, Mapping[str, str]]]
"""Code, an input, and parameters."""

IN = pytest.mark.parametrize(
    "run_each",
    [lambda runs: run_here(runs), pytest.param(lambda runs: run_all(runs), marks=pytest.mark.slow)],
    ids=["here", "upstream's agent"],
)


class Case(NamedTuple):
    """A function with its input and its result."""

    code: str
    input: bytes
    output: bytes
    parameters: Mapping[str, str] = MappingProxyType({})


CASES = {
    "a binary file": Case(
        "import io\ndef f(file: BinaryIO) -> bytes:\n    assert isinstance(file, io.BufferedReader)\n"
        "    return file.read(3) + file.readline()",
        b"one two\nthree",
        b"one two\n",
    ),
    "a text file": Case(
        "import csv\ndef f(file: TextIO):\n    return [row for row in csv.reader(file)]",
        b"\xef\xbb\xbfa,b\r\nc,d\r\n",
        b'[["a", "b"], ["c", "d"]]\n',
    ),
    "bytes": Case("def f(data: bytes): return len(data)", b"abc", b"3\n"),
    "text": Case("def f(text: str) -> str: return text.upper()", "grün".encode(), "GRÜN".encode()),
    "lines of bytes": Case("def f(lines: Iterator[bytes]):\n    yield from lines", b"a\r\nb\n\nc", b"a\r\nb\n\nc"),
    "lines of text": Case(
        "def f(lines: 'Iterable[str]'):\n    for line in lines:\n        yield line * 2",
        b"a\r\nb\rc",
        b"a\r\na\r\nb\rcb\rc",
    ),
    "CSV": Case("def f(rows: Iterator[dict[str, str]]):\n    yield from rows", CSV, CSV),
    "CSV in a list": Case(LIST, CSV, CSV),
    "odd CSV": Case(
        ROWS,
        b'\n\na,"b\nc"\r\n"x,""y""",\n\n"\r",e\n',
        b'a,"b\nc"\n"x,""y""",\n"\r",e\n',
    ),
    "CSV as text": Case(
        "def f(rows: Iterator[dict]):\n    for row in rows:\n        yield row['city']", CSV, b"OsloRome"
    ),
    "CSV as other values": Case(
        "def f(rows: Iterator[dict]):\n    for row in rows:\n        yield float(row['degrees'])", CSV, b"3.0\n30.0\n"
    ),
    "the next row": Case("def f(rows: Iterator[dict]): return next(rows)", CSV, b'{"city": "Oslo", "degrees": "3"}\n'),
    "no row": Case("def f(rows: Iterator[dict]): return sum(1 for row in rows)", b"", b"0\n"),
    "JSON lines": Case(
        "def f(rows: Iterator[dict]):\n    yield {'first': True}\n    yield from rows",
        LINES,
        b'{"first": true}\n{"city": "Oslo", "degrees": 3}\n{"city": "R\xc3\xb4me"}\n',
    ),
    "rows of bytes": Case("def f(data: bytes):\n    yield {'n': len(data)}", b"x", b'{"n": 1}\n'),
    "a dict": Case("def f(rows: Iterator[dict]): return {'n': len(list(rows))}", CSV, b'{"n": 2}\n'),
    "nothing": Case("def f(data: bytes) -> None: pass", b"x", b""),
    "no item": Case("def f(data: bytes):\n    yield from ()", b"x", b""),
    "compressed text": Case("def f(text: str): return text", gzip.compress(b"plain", mtime=0), b"plain"),
    "compressed rows": Case(ROWS, gzip.compress(CSV, mtime=0), CSV),
    "a long result": Case("def f(data: bytes):\n    yield data\n    yield data * 100000", b"ab", b"ab" * 100001),
    "a view of numbers": Case(
        "import array\ndef f(data: bytes): return memoryview(array.array('H', data))", b"abcd", b"abcd"
    ),
    "many short items": Case(
        "def f(data: bytes):\n    for _ in range(30000):\n        yield data", b"abc", b"abc" * 30000
    ),
    "a list of inputs": Case("def f(files: list[BinaryIO]): return files[0].read()", b"x", b"x"),
    "parameters": Case(
        "from typing import Literal\ndef f(data: bytes, i: int, x: float = 1, b: bool = True, "
        "c: Literal['p', 2] = 'p', *, s: str | None = None, n=7):\n    return [i, x, b, c, s, n]",
        b"",
        b'[3, 0.5, false, 2, "\xc3\xbc", 8]\n',
        {"i": "3", "x": ".5", "b": "off", "c": "2", "s": "ü", "n": "8"},
    ),
    "defaults": Case("def f(data: bytes, x: float = 1.5, s: str = None): return [x, s]", b"", b"[1.5, null]\n"),
    "a table without rows": Case(
        "def f(rows: Iterator[dict]): return [row for row in rows if 0]", CSV, b"city,degrees\n"
    ),
    "a table without rows, unread": Case(
        "def f(rows: Iterator[dict]):\n    if 0: yield from rows", CSV, b"city,degrees\n"
    ),
    "a table without rows, with a column": Case(
        "def f(rows: Iterator[dict]):\n    for row in rows:\n        if 0: yield {**row, 'x,y': 1, 'city': 2}",
        CSV,
        b'city,degrees,"x,y"\n',
    ),
    "a table of its own without rows": Case(
        "def f(rows: Iterator[dict]):\n    if 0: yield {'a': 1, 'b': 2}", b"", b"a,b\n"
    ),
    "a table without rows or known columns": Case(
        "def f(rows: Iterator[dict]) -> list[dict[str, str]]:\n    found = []\n    return found", CSV, b""
    ),
    "changed rows, none": Case(
        "def f(rows: Iterator[dict]):\n    for row in rows:\n        row['x'] = 1\n        if 0: yield row", CSV, b""
    ),
    "JSON lines without rows": Case("def f(rows: Iterator[dict]): return [row for row in rows if 0]", LINES, b""),
    "an empty list": Case("def f(rows: Iterator[dict]): return []", CSV, b"[]\n"),
    "a long field": Case(ROWS, b'a,b\n"' + b"x" * 200000 + b'",2\n', b"a,b\n" + b"x" * 200000 + b",2\n"),
    "a closed input": Case(
        "import csv, io\ndef f(file: BinaryIO):\n    with file, io.TextIOWrapper(file) as text:\n"
        "        return list(csv.reader(text))",
        b"a,b\n",
        b'[["a", "b"]]\n',
    ),
    "numbers of numpy": Case(
        "class N:\n    def tolist(self): return 5\ndef f(data: bytes): return [N()]", b"", b"[5]\n"
    ),
}

TABLES = {name for name, case in CASES.items() if case.output.startswith((b"city,", b'a,"b\nc"', b"a,b\nx"))}
TABLES.add("a table of its own without rows")
"""The cases whose result is CSV."""

FAILURES = {
    "a short row": (LIST, b"a,b\n1,2\n\n3\n", "row 2 (line 4): 1 fields, but"),
    "a long row": (
        "def f(rows: list[Iterator[dict]]): return list(rows[0])",
        b"a\n1,2\n",
        "row 1 (line 2 of input 1): 2",
    ),
    "a JSON array": (LIST, b'\n [{"a": 1}, {"a": 2}]', "line 2: a JSON array, but rows are CSV or JSON lines"),
    "an indented JSON array": (LIST, b'[\n{"a": 1}\n]\n', "line 1: a JSON array, but rows are CSV or"),
    "an empty JSON array": (LIST, b"[]", "line 1: a JSON array, but rows are CSV or JSON lines"),
    "an open quote": (LIST, b'a\n"1\n', "row 1 (line 2): unexpected end of data"),
    "a repeated column": (LIST, b"a,a\n", "header (line 1): a column occurs twice"),
    "no JSON": (LIST, b'\n{"a": 1}\n{a\n', "row 2 (line 3): not JSON: Expecting"),
    "no object": (LIST, b'{"a": 1}\n[1]\n', "row 2 (line 2): not a JSON object"),
    "no UTF-8 in CSV": (LIST, b"a\n1\n2\n\xff\n", "line 4: not UTF-8: byte 0xff"),
    "no UTF-8 in text": (
        "def f(text: str): return text",
        b"\xff",
        "'utf-8' codec can't decode byte 0xff in position 0",
    ),
    "a mixture": (
        "def f(data: bytes):\n    yield 'a'\n    yield {}",
        b"",
        "item 2 of the result is of another kind than the",
    ),
    "a mixture of values": (
        "def f(data: bytes):\n    yield 1\n    yield 'a'",
        b"",
        "item 2 of the result is of another kind",
    ),
    "other columns": (
        "def f(r: Iterator[dict]):\n    yield {'a': 1}\n    yield {'b': 1}",
        CSV,
        "different columns: a; b",
    ),
    "no columns": ("def f(r: Iterator[dict]):\n    yield {}", CSV, "row 1 of the result has no columns"),
    "no number": ("def f(data: bytes): return float('nan')", b"", "not JSON compliant"),
    "no JSON value": ("def f(data: bytes): return {1, 2}", b"", "set can't be written as JSON"),
    "a parameter of another type": (
        "def f(data: bytes, n: int = 1): ...",
        b"",
        "parameter n: must be an integer, not 'x'",
    ),
    "late metadata": (
        "def f(data: bytes, metadata: dict):\n    yield bytes(100000)\n    metadata['late'] = '1'",
        b"",
        "metadata must be changed before the first output",
    ),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return the path of an input."""
    return tmp_path / "input"


def frames(body: bytes) -> list[tuple[str, bytes]]:
    """Split a framed body."""
    line, _, rest = body.partition(b"\n")
    assert line == f"storlet-frames 1 {NONCE}".encode()
    parts = []
    while rest:
        kind, length = struct.unpack(">cI", rest[:5])
        parts.append((kind.decode(), rest[5 : 5 + length]))
        assert len(parts[-1][1]) == length
        rest = rest[5 + length :]
    return parts


def run_here(runs: Runs) -> list[dict[str, Any]]:
    """Run deployed functions in this process, over files."""
    outcomes = []
    with tempfile.TemporaryDirectory() as name:
        for code, content, parameters in runs:
            paths = [Path(name, part) for part in ("input", "metadata", "body")]
            paths[0].write_bytes(content)
            source = trial_files.StorletInputFile({"Colour": "red"}, os.open(paths[0], os.O_RDONLY))
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            target = trial_files.StorletOutputFile(*(os.open(path, flags) for path in paths[1:]))
            namespace: dict[str, Any] = {"__name__": "main"}
            exec(compile(code, "main.py", "exec"), namespace)
            error = ""
            try:
                namespace["FunctionStorlet"](None)([source], [target], {**parameters, "storlet_execution_path": name})
            except Exception as raised:
                error = f"{type(raised).__name__}: {raised}"
            source.close()
            target.close()
            outcomes.append({"metadata": paths[1].read_bytes(), "body": paths[2].read_bytes(), "error": error.encode()})
    return outcomes


def run_all(runs: Runs) -> list[dict[str, Any]]:
    """Run deployed functions in upstream's own agent."""
    with tempfile.TemporaryDirectory() as name:
        orders = []
        for number, (code, content, parameters) in enumerate(runs):
            place = Path(name, str(number))
            (place / "scratch").mkdir(parents=True)
            (place / "main.py").write_bytes(code)
            order = {"folder": str(place), "scratch": str(place / "scratch"), "main": str(MAIN)}
            own = {"metadata": {"Colour": "red"}, "parameters": {**parameters, "storlet_execution_path": str(place)}}
            orders.append({**order, **own, "input": base64.b64encode(content).decode()})
        environ = {name: os.environ.get(name, "") for name in ("PATH", "PYTHONPATH")}
        command = [sys.executable, "-P", upstream_agent.__file__]
        text = json.dumps(orders)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, env=environ)
    return [{name: base64.b64decode(part) for name, part in run.items()} for run in json.loads(done.stdout)]


@IN
def test_each_kind_of_input_and_result(run_each: Callable[[Runs], list[dict[str, Any]]]) -> None:
    """Plain, and framed: the frames hold the same bytes, their length and their checksum."""
    plain = [(deployed(case.code), case.input, case.parameters) for case in CASES.values()]
    framed = [(code, content, {**texts, "storlet_frames": NONCE}) for code, content, texts in plain]
    found = run_each([*plain, *framed])
    for (name, case), run, twin in zip(CASES.items(), found[: len(plain)], found[len(plain) :], strict=True):
        assert (name, run["error"], run["body"]) == (name, b"", case.output)
        assert (name, twin["error"], twin["metadata"]) == (name, b"", b"{}")
        *parts, (kind, end) = frames(twin["body"])
        assert (kind, {part for part, _ in parts} | {"D"}) == ("E", {"D"})
        assert b"".join(data for _, data in parts) == case.output
        report = json.loads(end)
        kind = report.pop("type")
        assert report == {"metadata": {}, "length": len(case.output), "crc32": zlib.crc32(case.output)}
        assert kind in ("", "text/csv", "application/json", "application/x-ndjson"), name
        assert (kind == "text/csv") == (name in TABLES), name


@pytest.mark.slow
@IN
def test_each_failure(run_each: Callable[[Runs], list[dict[str, Any]]]) -> None:
    """One line says why; a framed result ends with it, and the engine logs it all the same."""
    cases = FAILURES.values()
    plain = [(deployed(code), content, {"n": "x"} if "n: int" in code else {}) for code, content, _ in cases]
    framed = [(code, content, {**texts, "storlet_frames": NONCE}) for code, content, texts in plain]
    found = run_each([*plain, *framed])
    for (name, (_, _, reason)), run, twin in zip(
        FAILURES.items(), found[: len(plain)], found[len(plain) :], strict=True
    ):
        assert reason in run["error"].decode(), name
        if name == "late metadata":  # they leave with the last frame
            assert frames(twin["body"])[-1][0] == "E"
            continue
        kind, report = frames(twin["body"])[-1]
        assert kind == "X"
        assert reason in json.loads(report)["error"], name
        assert reason in twin["error"].decode(), name
        assert json.loads(report)["traceback"].startswith("Traceback (most recent call last)")


@pytest.mark.parametrize("where", [{}, PROXY], ids=["node", "proxy"])
@pytest.mark.parametrize("name", ["a binary file", "CSV", "parameters", "a long result"])
def test_kinds_in_the_embedded_engine(client: Client, where: dict[str, str], name: str) -> None:
    """Its files are upstream's; its sandbox lets the adapter import what it needs."""
    case = CASES[name]
    client.deploy("main.py", deployed(case.code).decode(), main=str(MAIN))
    client.request("PUT", "/adapter/o", {}, case.input)
    pairs = [f"{key}:{quote(value)}" for key, value in case.parameters.items()]
    texts = {f"X-Storlet-Parameter-{number}": pair for number, pair in enumerate(pairs, 1)}
    answer = client.run("main.py", "/adapter/o", {**where, **texts})
    assert (answer.status, answer.body) == (200, case.output)


@pytest.fixture(scope="module")
def client(swift: control.Running) -> Any:
    """Connect to the real Swift."""
    client = Client(swift)
    client.request("PUT", "/adapter")
    yield client
    client.close()


def test_dry_run_has_metadata_and_logger(source: Path) -> None:
    """The content of the dict becomes the result's metadata."""
    source.write_bytes(b"x")
    code = "def f(data: bytes, logger, metadata: dict):\n    metadata['n'] = '1'\n    logger.info('hello')\n"
    code += "    return data"
    found = trial.run(trial.PythonProgram(MAIN, deployed(code)), source, {}, input_metadata={"Colour": "red"})
    assert (found.output, found.metadata, found.log) == (
        b"x",
        {"Colour": "red", "n": "1"},
        ("main.FunctionStorlet INFO: hello",),
    )


def test_metadata_of_a_framed_result_come_at_its_end(source: Path) -> None:
    """So a function may set them when it knows them."""
    source.write_bytes(b"abc")
    code = "def f(data: bytes, metadata: dict):\n    yield data\n    metadata['n'] = len(data)"
    body = trial.run(trial.PythonProgram(MAIN, deployed(code)), source, {"storlet_frames": NONCE}).output
    assert json.loads(frames(body)[-1][1])["metadata"] == {"n": 3}


def test_heartbeats_go_on_after_the_input_was_closed(tmp_path: Path) -> None:
    """By the function, or by a text file around it that is gone."""
    (tmp_path / "o").write_bytes(b"x")
    file = trial_files.StorletInputFile({}, os.open(tmp_path / "o", os.O_RDONLY))
    io.TextIOWrapper(file.obj_file).close()
    assert storlet_bytes_unread([file]) == [b""]


def test_heartbeats_end_without_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that engines' own limits apply again; the result can still be sent."""
    monkeypatch.setattr(adapter_frames, "_STORLET_BEAT_SECONDS", 0.01)
    source, target = (
        io.BytesIO(),
        trial_files.StorletOutputFile(
            *(os.open(tmp_path / name, os.O_WRONLY | os.O_CREAT) for name in ("metadata", "body"))
        ),
    )
    beat, has_ended = adapter_frames._StorletFrames._beat, threading.Event()

    def watched(frames: adapter_frames._StorletFrames) -> None:
        beat(frames)
        has_ended.set()

    monkeypatch.setattr(adapter_frames._StorletFrames, "_beat", watched)
    output = adapter_frames._StorletFrames(target, {}, NONCE, [source])
    while b"B" not in (tmp_path / "body").read_bytes():
        time.sleep(0.01)
    monkeypatch.setattr(adapter_frames, "_STORLET_IDLE_SECONDS", -1)
    assert has_ended.wait(60)
    output.write(b"late")
    output.end()
    kinds = [kind for kind, _ in frames((tmp_path / "body").read_bytes())]
    assert kinds[-2:] == ["D", "E"]
    assert set(kinds[:-2]) == {"B"}
    target.close()


def test_ranges_end_where_they_end(tmp_path: Path) -> None:
    """Upstream's file of a range has a real file that reads on."""
    (tmp_path / "o").write_bytes(b"0123456789")
    code = deployed("def f(file: BinaryIO) -> bytes: return file.read()").decode()
    program = f"""
import os, sys
from storlets.agent.daemon.files import StorletRangeInputFile, StorletOutputFile
namespace = {{"__name__": "main"}}
exec(compile({code!r}, "main.py", "exec"), namespace)
metadata = os.open({str(tmp_path / "m")!r}, os.O_WRONLY | os.O_CREAT)
body = os.open({str(tmp_path / "b")!r}, os.O_WRONLY | os.O_CREAT)
source = StorletRangeInputFile({{}}, os.open({str(tmp_path / "o")!r}, os.O_RDONLY), 2, 5)
target = StorletOutputFile(metadata, body)
namespace["FunctionStorlet"](None)([source], [target], {{}})
target.close()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert (tmp_path / "b").read_bytes() == b"234"


def test_several_inputs_need_a_list(client: Client) -> None:
    """Otherwise, all but one would be ignored."""
    client.deploy("main.py", deployed("def f(data: bytes): return data").decode(), main=str(MAIN))
    client.request("PUT", "/adapter/o", {}, b"x")
    answer = client.run("main.py", "/adapter/o", {"X-Storlet-Extra-Resources": "/adapter/o", **PROXY})
    assert "it takes one input, not 2; several need list[bytes]" in answer.text


@pytest.mark.slow
def test_heartbeats_keep_slow_work_alive(source: Path) -> None:
    """Padded ones, every three seconds without output; what was written leaves meanwhile."""
    source.write_bytes(b"abc")
    code = "import time\ndef f(data: bytes):\n    yield data\n    time.sleep(7)\n    yield data"
    found = trial.run(trial.PythonProgram(MAIN, deployed(code)), source, {"storlet_frames": NONCE})
    assert found.output[len(f"storlet-frames 1 {NONCE}\n") :][:8] == b"D\0\0\0\3abc"
    assert found.count > 2 * 65536


def test_code_is_for_older_pythons() -> None:
    """Syntax of 3.8, and only the standard library."""
    code = deployed("def f(data: bytes): return data")
    tree = ast.parse(code, feature_version=(3, 8))
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names


NAMES = st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=4, unique=True)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.data())
def test_rows_survive(data: st.DataObject) -> None:
    """CSV and JSON lines: what one function writes, another reads, whatever the fields hold."""
    text = st.text(st.characters(codec="utf-8"))
    names = data.draw(NAMES)
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, text)), min_size=1))
    write = deployed("import json\ndef f(rows: Iterator[dict]):\n    yield from json.loads(next(rows)['all'])")
    read = deployed("def f(rows: Iterator[dict]): return {'all': list(rows)}")
    as_lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    (from_lines,) = run_here([(read, as_lines, {})])
    assert json.loads(from_lines["body"]) == {"all": rows}
    holder = io.StringIO(newline="")
    csv.writer(holder).writerows([["all"], [json.dumps(rows)]])
    (table,) = run_here([(write, holder.getvalue().encode(), {})])
    (again,) = run_here([(read, table["body"], {})])
    if not table["body"].lstrip().startswith(b"{"):  # its first name would make it JSON lines
        assert json.loads(again["body"]) == {"all": rows}
