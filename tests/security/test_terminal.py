"""Escape sequences from elsewhere: a terminal shows them and doesn't interpret them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storlet_shell.adapters.completion.names import complete
from storlet_shell.adapters.console import Console
from storlet_shell.adapters.shell.app import make_class
from storlet_shell.adapters.terminal.themes import RESET, THEMES, sgr
from storlet_shell.results import Done, Planned, Report, Result, Table, Text
from storlet_shell.results.on_terminal import Display
from storlet_shell.results.response import Response
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Kind
from storlet_shell.spec.registry import Registry
from storlet_shell.text import printable, printable_json
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.security.screen import EVIL, Screen, drives
from tests.support.lines import Runner
from tests.support.responder import Responder, ok, page

STORLET = f"""
class Evil:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        self.logger.info({EVIL!r})
        print({EVIL!r}, flush=True)
        if "fail" in params:
            raise ValueError({EVIL!r})
        out_files[0].set_metadata({{"Note": "a\\x1b[31m"}} if "header" in params else {{}})
        out_files[0].write({EVIL!r}.encode())
"""


@pytest.fixture
def screen(run: Runner) -> Screen:
    """Return a terminal in front of the real Swift."""
    return Screen(run.environ)


@pytest.fixture
def evil(run: Runner, real_client: Client, tmp_path: Path) -> Iterator[str]:
    """Fill a container whose name, objects, metadata and bodies are hostile; return its name."""
    container = f"{EVIL.replace('[', '')}{secrets.token_hex(4)}"  # a pattern's container holds no bracket
    (tmp_path / "evil.py").write_text(STORLET)
    for words, stdin in (
        (("mkdir", container), b""),
        (("upload", f"path:/{container}/{EVIL}"), f"{EVIL}\nsecond".encode()),
        (("upload", f"path:/{container}/dir/{EVIL}"), b"x"),
        (("upload", f"path:/{container}/binary"), b"\x00\x1b[31m\x9b"),
        (("deploy", str(tmp_path / "evil.py")), b""),
    ):
        assert run(*words, stdin=stdin).status == 0, words
    # Our own commands refuse to send such headers; other clients do not.
    real_client.send(Request("POST", container, headers={"X-Container-Meta-Note": EVIL})).read()
    real_client.send(Request("POST", container, EVIL, headers={"X-Object-Meta-Note": EVIL})).read()
    needs = {wire.LANGUAGE: "python", wire.INTERFACE_VERSION: "1.0", wire.OBJECT_METADATA: "no", wire.MAIN: f"{EVIL}.E"}
    hostile = {wire.DEPENDENCY: EVIL, wire.LANGUAGE_VERSION: "3"}
    real_client.send(Request("PUT", "storlet", f"{EVIL}.py", headers={**needs, **hostile}), bytes_body(b"x")).read()
    version = {wire.DEPENDENCY_VERSION: EVIL}
    real_client.send(Request("PUT", "dependency", EVIL, headers=version), bytes_body(b"x")).read()
    yield container
    for path in (f"path:/storlet/{EVIL}.py", "storlet/evil.py", f"path:/dependency/{EVIL}"):
        assert run("rm", "-y", path).status == 0, path
    assert run("rm", "-r", "-y", container).status == 0


def lines(c: str, folder: Path) -> list[tuple[int, list[str]]]:
    """Return lines that show something hostile, with their exit statuses."""
    evil = f"path:/{c}/{EVIL}"
    over = ["--storlet", "evil.py", "--input", f"path:/{c}/**"]
    return [
        (0, ["ls"]),
        (0, ["ls", c]),
        (0, ["ls", c, "-l"]),
        (0, ["stat", f"path:/{c}"]),
        (0, ["stat", evil]),
        (0, ["get", evil]),
        (0, ["get", f"path:/{c}/binary"]),
        (4, ["get", f"{evil}-missing"]),
        (4, ["rm", "-y", f"{evil}-missing"]),
        (0, ["get", evil, "--storlet", "evil.py"]),
        (0, ["put", str(folder / "evil.py"), f"{evil}-put", "--storlet", "evil.py"]),
        (6, ["get", evil, "--storlet", "evil.py", "-p", "fail=1"]),
        (6, ["get", evil, "--storlet", "evil.py", "-p", "header=1"]),
        (0, ["copy", evil, f"{evil}-copy", "--storlet", "evil.py"]),
        (0, ["copy", evil, f"{evil}-copy"]),
        (2, ["post", evil, "-m", "Other=a\x1b[31m"]),
        (0, ["post", evil, "-m", "Other=a"]),
        (0, ["map", *over]),
        (6, ["map", *over, "-p", "fail=1"]),
        (0, ["map", *over, "--save", str(folder / "saved")]),
        (0, ["map", *over, "--dry-run"]),
        (2, ["reduce", *over, "--output", f"{evil}-reduced"]),
        (0, ["storlets"]),
        (0, ["storlets", "show", "evil.py"]),
        (0, ["dependencies"]),
        (2, ["dependencies", "show", f"{EVIL}-missing"]),
        (0, ["logs", "evil.py"]),
        (0, ["download", f"path:/{c}", str(folder / "down")]),
        (1, ["download", f"path:/{c}", "/dev/null/x"]),
        (0, ["upload", f"{evil}-new", "--dry-run"]),
        (0, ["acl", "list", c]),
        (2, ["undeploy", "-y", f"{EVIL}.jar"]),
        (127, [f"ls{EVIL}"]),
        (2, ["ls", f"--{EVIL}"]),
        (2, [f"--{EVIL}"]),
        (0, ["-x", "-c", f"ls '{c}'"]),
        (0, ["--json", "-c", f"ls '{c}'"]),
        (4, ["--json", "-c", f"stat 'path:/{c}/{EVIL}-missing'"]),
        (4, ["-c", f"stat 'path:/{c}/{EVIL}-missing'"]),
        (4, ["--debug", "stat", f"{evil}-missing"]),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_terminal_gets_no_escape_sequence(screen: Screen, evil: str, tmp_path: Path, options: list[str]) -> None:
    """Names, headers, bodies, logs, rows, errors and tracebacks, of every command that shows some."""
    seen, wrong = "", []
    for status, words in lines(evil, tmp_path):
        ended, shown = screen(*options, *words, stdin=EVIL.encode())
        seen += shown
        if ended != status or drives(shown):
            wrong.append((words, ended, shown))
    assert not wrong
    assert printable(EVIL) in seen or printable_json(EVIL) in seen


def test_pipe_gets_the_bytes(run: Runner, evil: str) -> None:
    """Nobody looks at them there: names and bodies are what they are."""
    assert run("get", f"path:/{evil}/{EVIL}").out == f"{EVIL}\nsecond".encode()
    assert f"{EVIL}\n" in run("ls", evil).text
    assert EVIL in [row["name"] for row in run("ls", evil, "--json").json["rows"]]


def test_json_on_a_terminal_is_the_same_document(screen: Screen, run: Runner, evil: str) -> None:
    """Escapes of JSON's own stand for the characters."""
    _, shown = screen("ls", evil, "--json")
    assert json.loads(shown) == run("ls", evil, "--json").json


def test_headers_of_a_server_stay_text(run_scripted: Runner, responder: Responder) -> None:
    """A content type that describes a body which is not shown, metadata, an error page, and a log."""
    screen = Screen(run_scripted.environ)
    responder.on("GET", "/c/o", ok(b"\x00\x01", Content_Type=f"x/{EVIL}"))
    responder.on("HEAD", "/c/o", ok(X_Object_Meta_Note=EVIL, Content_Type=f"x/{EVIL}", Etag=EVIL, Last_Modified=EVIL))
    responder.on("GET", "/c/bad", page(400, EVIL, X_Trans_Id=EVIL))
    for words in (["get", "c/o"], ["stat", "c/o"], ["stat", "c/o", "--json"], ["get", "c/bad"]):
        _, shown = screen(*words)
        assert (words, drives(shown)) == (words, [])
        assert "owned" in shown


def test_prompt_is_text(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's name is what a server says."""
    monkeypatch.setattr(Session, "where", f"cloud:{EVIL}")
    console = Console({**run.environ, "STORLET_SHELL_HISTORY": "/dev/null"})
    with Session(console) as session:
        shell = make_class(Registry())(session, console, Registry())
        assert drives(shell.prompt_text) == []


def test_tab_offers_no_name_that_drives_the_terminal(run: Runner, container: str) -> None:
    """Nor one with a line end, after which a line of somebody else's would be run."""
    for name in (f"x{EVIL}", "x\n!touch owned\n", "x\rrm -r", "xé"):
        assert run("upload", f"path:/{container}/{name}", stdin=b"x").status == 0
    with Session(Console(run.environ)) as session:
        found = complete(session, Kind.OBJECT, f"{container}/x", deadline=30)
    assert [one.text for one in found] == [f"{container}/xé"]


RESULTS = [
    lambda: Result(),
    lambda: Report({EVIL: EVIL, "list": [EVIL]}),
    lambda: Done(EVIL),
    lambda: Text(f"{EVIL}\n{EVIL}"),
    lambda: Table((EVIL, "b"), iter([(EVIL, 1)] * 300), lambda: EVIL),
    lambda: Table((EVIL, "b"), iter([(EVIL, 1)]), lambda: EVIL),
    lambda: Planned(({"method": "GET", "url": EVIL, "headers": {EVIL: EVIL}, "body": EVIL},)),
    lambda: response(f"{EVIL},b\n1,2\n", "text/csv"),
    lambda: response(json.dumps({EVIL: [EVIL]}), "application/json"),
    lambda: response(f"{EVIL}\n", "text/plain"),
    lambda: response(f"{EVIL}\n# {EVIL}", "text/markdown"),
    lambda: response(json.dumps({EVIL: EVIL}), "application/jsonl"),
    lambda: response(f"{EVIL}\n", "text/x-python"),
    lambda: response(f"\x00{EVIL}", f"x/{EVIL}"),
]
"""Results that show something hostile."""


@pytest.mark.parametrize("make", RESULTS)
def test_result_in_ipython_is_text(make: Callable[[], Result]) -> None:
    """An IPython terminal writes a result's plain text as it is; a page gets no control character either."""
    bundle = make()._repr_mimebundle_()
    assert {"text/plain", "text/html"} <= set(bundle) <= {"text/plain", "text/html", "text/markdown"}
    assert not any(drives(text) for text in bundle.values())


@pytest.mark.parametrize("make", RESULTS)
def test_colors_are_all_that_drives_a_terminal(make: Callable[[], Result]) -> None:
    """Those of the theme; what a text holds of its own is escaped, its colors, too."""
    theme = THEMES["default"]
    own = {sgr(style) for style in theme.styles.values()} | {RESET}
    result = make()
    if isinstance(result, Table):
        result.is_headed = True
    shown = "\n".join(result.on_terminal(Display(theme.paint, len)))
    for sequence in own:
        shown = shown.replace(sequence, "")
    assert drives(shown) == []


def response(body: str, kind: str) -> Response:
    """Return the answer to a get of an object with a hostile name."""
    headers = {"Content-Type": kind, "Content-Length": str(len(body.encode())), "X-Object-Meta-Note": EVIL}
    return Response(200, headers, iter([body.encode()]), subject=EVIL, ran=EVIL)
