"""The contract of all front ends: a line has the same result, or fails with the same kind of error."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storlet_shell.adapters.execution import BROKEN_PIPE
from storlet_shell.errors import ExitStatus
from tests.adapters.front_ends import FrontEnd, aliases, command_file, interactive, magics, one_shot
from tests.notebook.cells import FAILING, IDENTITY, PICKY
from tests.notebook.conftest import bare_shell, cell, no_identity, stranger  # noqa: F401  fixtures
from tests.support.jars import needs_jdk
from tests.support.lines import Runner
from tests.support.site import Site
from tests.support.variants import fast_and_slow

CODE, FAILS, PICKS = (text.split("\n", 1)[1] for text in (IDENTITY, FAILING, PICKY))

UNDEFINED = """\
import csv
class Main:
    def __init__(self, logger):
        self.logger = logger
    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({})
        out_files[0].write(csv.reader(lines))
"""
"""A storlet with an undefined name."""

FRONT_ENDS = ["one-shot", "command file", "shell", "magics", "xonsh"]
KEEPS_A_SESSION = FRONT_ENDS[2:]

TROUBLE = """
from storlet_shell.errors import IncompleteBodyError
from storlet_shell.results import Result
from storlet_shell.spec.arguments import Arg
from storlet_shell.spec.command import command

ERRORS = {
    "bug": RuntimeError("on purpose"),
    "interrupt": KeyboardInterrupt(),
    "reader": BrokenPipeError(32, "Broken pipe"),
    "body": IncompleteBodyError("path:/c/o: ended early"),
    "exit": SystemExit("it gives up"),
}

class Late(Result):
    def __init__(self, error):
        self.error = error

    def render(self):
        yield "begun"
        raise self.error

    def look(self):
        raise self.error

@command("trouble", "Fail.", Arg("what"), Arg("--late", action="store_true"))
def trouble(session, what, late=False):
    if late:
        return Late(ERRORS[what])
    raise ERRORS[what]
"""
"""A plug-in that fails in each way, at once or while its result is shown."""


@pytest.fixture
def site(run: Runner, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Install the plug-in, for this process and for those that it starts."""
    made = Site(tmp_path_factory.mktemp("site"), run)
    made.install("trouble_plugin", TROUBLE, trouble="trouble_plugin:trouble")
    monkeypatch.syspath_prepend(str(made.folder))
    monkeypatch.setitem(run.environ, "PYTHONPATH", made.path)
    return made


@pytest.fixture(params=[*FRONT_ENDS[:-1], pytest.param(FRONT_ENDS[-1], marks=pytest.mark.slow)])
def front_end(request: pytest.FixtureRequest, site: Site, run: Runner, tmp_path: Path) -> Iterator[FrontEnd]:
    """Run lines through each front end."""
    if request.param == "shell":
        with interactive(run) as made:
            yield made
    elif request.param == "xonsh":
        with aliases(run, tmp_path) as made:
            yield made
    elif request.param == "magics":
        yield magics(request.getfixturevalue("cell"))
    else:
        yield (one_shot if request.param == "one-shot" else command_file)(run)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return the front end's name."""
    return str(request.node.callspec.params["front_end"])


LINES: list[tuple[list[str], str | None, int, Any]] = [
    (["mkdir", "{c}"], None, 0, {"container": "{c}"}),
    (["upload", "{c}/o.txt"], "some text\n", 0, {"object": "path:/{c}/o.txt", "status": 201}),
    (["get", "{c}/o.txt"], None, 0, {"object": "path:/{c}/o.txt", "status": 200, "content": "some text\n"}),
    (["deploy", "test.TestStorlet"], CODE, 0, {"main": "test.TestStorlet", "storlet": "test.py"}),
    (["get", "path:/{c}/o.txt", "--storlet", "test.py", "-p", "k=v w"], None, 0, {"content": "some text\n"}),
    (["copy", "{c}/o.txt", "{c}/p.txt", "--storlet", "test.py"], None, 0, {"object": "path:/{c}/p.txt", "status": 201}),
    (["get", "{c}/o.txt", "--range=-5", "--expect-bytes", "5"], None, 0, {"status": 206, "content": "text\n"}),
    (["get", "{c}/o.txt", "--expect-bytes", "9"], None, ExitStatus.SERVICE, None),
    (["get", "{c}/o.txt", "--storlet", "test.py", "--expect-lines", "2"], None, ExitStatus.SERVICE, None),
    (["get", "{c}/o.txt", "--range=-5", "--range=-4"], None, ExitStatus.USAGE, None),
    (["get", "{c}/o.txt", "--storlet", "test.py", "--on-proxy", "--on-node"], None, ExitStatus.USAGE, None),
    (["ls", "{c}", "-l", "-l", "--json"], None, 0, {}),
    (["dependencies", "rm", "-y", "{c}-none"], None, ExitStatus.NOT_FOUND, None),
    (["get", "{c}/o.txt", "-H", "X-Run-Storlet: test.py"], None, ExitStatus.USAGE, None),
    (["acl", "grant", "{c}", "p:u", "--read"], None, 0, {"grantee": "p:u", "right": "read", "changed": True}),
    (["acl", "list", "{c}"], None, 0, {"rows": [{"right": "read", "grantee": "p:u", "storlet": None}]}),
    (["acl", "revoke", "{c}", "p:v", "--read"], None, ExitStatus.NOT_FOUND, None),
    (["ls", "{c}", "--columns", "name"], None, 0, {"rows": [{"name": "o.txt"}, {"name": "p.txt"}]}),
    (["rm", "-y", "{c}/none", "--columns", "size"], None, ExitStatus.USAGE, None),
    (["ls", "{c}", "--format", "csv"], None, ExitStatus.USAGE, None),
    (["map", "--storlet", "test.py", "--input", "path:/{c}/*.txt"], None, 0, {"done": 2, "failed": 0}),
    (["map", "--storlet", "test.py", "--input", "path:/{c}/*.csv"], None, ExitStatus.NOT_FOUND, None),
    (
        ["map", "--storlet", "test.py", "--input", "path:/{c}/*.txt", "--concat", "-"],
        None,
        0,
        {"object": "path:/{c}/*.txt", "content": "some text\nsome text\n"},
    ),
    (["deploy", "failing.Main"], FAILS, 0, {"storlet": "failing.py"}),
    (["map", "--storlet", "failing.py", "--input", "path:/{c}/*.txt"], None, ExitStatus.STORLET_FAILED, None),
    (
        ["map", "--storlet", "failing.py", "--input", "path:/{c}/*.txt", "--allow-failures"],
        None,
        0,
        {"done": 0, "failed": 2},
    ),
    (["pipe", "test.py|failing.py", "--input", "path:/{c}/*.txt"], None, ExitStatus.STORLET_FAILED, None),
    (["pipe", "failing.py", "--input", "path:/{c}/o.txt", "--allow-failures"], None, 0, {"failed": 1}),
    (
        ["map", "--storlet", "test.py", "--input", "path:/{c}/*.txt", "--allow-failures", "--fail-fast"],
        None,
        ExitStatus.USAGE,
        None,
    ),
    (["reduce", "--storlet", "test.py", "--input", "path:/{c}/o.*", "--output", "path:/{c}/r"], None, 0, {"runs": 1}),
    (["pipe", "test.py|test.py", "--input", "path:/{c}/r"], None, 0, {"content": "some text\n"}),
    (["rm", "-y", "{c}/r"], None, 0, {}),
    (["post", "{c}/o.txt", "-m", "k=v"], None, 0, {"location": "path:/{c}/o.txt", "set": {"X-Object-Meta-k": "v"}}),
    (["stat", "{c}/o.txt"], None, 0, {"location": "path:/{c}/o.txt", "metadata": {"K": "v"}}),
    (["rm", "-r", "-y", "{c}/none"], None, ExitStatus.NOT_FOUND, None),
    (["get", "--input", "{c}/o.txt"], None, ExitStatus.USAGE, None),
    (["get"], None, ExitStatus.USAGE, None),
    (["get", "{c}/o.txt", "--nonsense"], None, ExitStatus.USAGE, None),
    (["get", "{c}/missing"], None, ExitStatus.NOT_FOUND, None),
    (["get", "{c}/o.txt", "--storlet", "missing.py"], None, ExitStatus.NOT_FOUND, None),
    (["get", "{c}/o.txt", "--storlet", "test.py", "-i", "nowhere"], None, ExitStatus.USAGE, None),
    (["deploy", "test.TestStorlet", "--with-invoke"], CODE, ExitStatus.USAGE, None),
    (["deploy", "test.Other"], CODE, ExitStatus.USAGE, None),
    (["deploy", "broken.Main"], UNDEFINED, ExitStatus.USAGE, None),
    (
        ["deploy", "broken.Main", "--force"],
        UNDEFINED,
        0,
        {"storlet": "broken.py", "imports": {"csv": "standard library"}},
    ),
    (["nonsense"], None, ExitStatus.UNKNOWN_COMMAND, None),
    (["rm", "-y", "{c}"], None, ExitStatus.ERROR, None),
    (["rm", "-y", "{c}/o.txt", "{c}/p.txt", "{c}"], None, 0, {}),
]
"""Words, a body, the exit status, and what the result says among other things."""


@pytest.mark.parametrize(
    "front_end", fast_and_slow(["one-shot", "magics"], ["command file", "shell", "xonsh"]), indirect=True
)
def test_every_front_end_keeps_the_contract(front_end: FrontEnd) -> None:
    """The same lines, one after the other, through each of them."""
    container = f"contract-{secrets.token_hex(4)}"
    for words, body, status, wanted in LINES:
        ended = front_end(*(word.replace("{c}", container) for word in words), "--json", body=body)
        assert ended.status == status, (words, ended.err)
        if wanted is not None and status == 0:
            document = json.loads(json.dumps(ended.document).replace(container, "{c}"))
            assert {**document, **wanted} == document, words


FORMATTED = {
    "table": "   5  a\n1000  b,c\n",
    "csv": 'bytes,name\r\n5,a\r\n1000,"b,c"\r\n',
    "jsonl": '{"bytes": 5, "name": "a"}\n{"bytes": 1000, "name": "b,c"}\n',
    "value": "5\ta\n1000\tb,c\n",
}
"""Two objects in each format."""


def test_every_front_end_has_every_format(front_end: FrontEnd) -> None:
    """The same text in each, at whose end it stands in a cell's output; what can't be shown so is a usage error."""
    container = make_container(front_end)
    for object_name, size in (("a", 5), ("b,c", 1000)):
        assert front_end("upload", f"{container}/{object_name}", body="x" * (size - 1) + "\n").status == 0
    for format, expected in FORMATTED.items():
        ended = front_end("ls", container, "--format", format, "--columns", "bytes,name")
        text, wanted = (text.replace("\r\n", "\n").rstrip() for text in (ended.out, expected))
        assert (ended.status, text[-len(wanted) :]) == (0, wanted)
    ended = front_end("ls", container, "--columns", "byte")
    assert ended.status == ExitStatus.USAGE
    assert "unknown column 'byte'; did you mean bytes?" in ended.err
    ended = front_end("get", f"{container}/a", "--format", "csv")
    assert ended.status == ExitStatus.USAGE
    assert f"path:/{container}/a: a body isn't a table" in ended.err


FAILURES = [
    ("trouble bug", ExitStatus.ERROR, "RuntimeError: on purpose"),
    ("trouble bug --late", ExitStatus.ERROR, "RuntimeError: on purpose"),
    ("trouble interrupt", ExitStatus.INTERRUPTED, "nterrupted"),
    ("trouble interrupt --late", ExitStatus.INTERRUPTED, "nterrupted"),
    ("trouble body --late", ExitStatus.SERVICE, "path:/c/o: ended early"),
    ("trouble exit", ExitStatus.ERROR, "it gives up"),
    ("troubel", ExitStatus.UNKNOWN_COMMAND, "unknown command 'troubel'; did you mean trouble?"),
    ("get --nonsense", ExitStatus.USAGE, "--nonsense"),
]
"""Lines, their exit status, and what is said of them."""


def test_every_failure_is_told_and_the_next_line_runs(front_end: FrontEnd, name: str) -> None:
    """At once or while a result is shown: with its status, in few lines unless it is a bug; and help is no failure."""
    for line, status, said in FAILURES:
        ended = front_end(*line.split())
        assert ended.status == status, (line, ended.err)
        assert said in ended.err
        assert ("Traceback" in ended.err) == ("bug" in line), line
    helped = front_end("trouble", "--help")
    assert helped.status == 0
    assert "usage: trouble" in helped.out
    assert_reader_may_leave(front_end, name)
    assert_parts_may_fail(front_end)
    assert_body_may_end_early(front_end, name)


def assert_reader_may_leave(front_end: FrontEnd, name: str) -> None:
    """End silently with a shell's status for SIGPIPE; in xonsh, where it is mostly ``head``, with 0."""
    ended = front_end("trouble", "reader", "--late")
    assert ended.status == (ExitStatus.OK if name == "xonsh" else BROKEN_PIPE)
    assert (ended.err == "") == (name != "magics")
    assert ("Traceback" in ended.err) == (name == "magics")


def assert_parts_may_fail(front_end: FrontEnd) -> None:
    """Show the rows of both objects, then how many failed; the status is that of a failed storlet."""
    container = make_container(front_end)
    assert front_end("deploy", "picky.Main", body=PICKS).status == 0
    for object_name, text in (("good", "x\n"), ("bad", "bad\n")):
        assert front_end("upload", f"{container}/{object_name}", body=text).status == 0
    ended = front_end("map", "--storlet", "picky.py", "--input", f"path:/{container}/*")
    assert ended.status == ExitStatus.STORLET_FAILED
    assert f"path:/{container}/good" in ended.out
    assert f"path:/{container}/bad" in ended.out
    assert "1 of 2 objects done, 1 failed" in ended.err


def assert_body_may_end_early(front_end: FrontEnd, name: str) -> None:
    """Show the storlet's traceback; where the session knows its code, with its own lines."""
    container = make_container(front_end)
    assert front_end("deploy", "failing.Main", body=FAILS).status == 0
    assert front_end("upload", f"{container}/o", body="text\n").status == 0
    ended = front_end("get", f"{container}/o", "--storlet", "failing.py", "-p", "late=1", "--json")
    assert ended.status == ExitStatus.STORLET_FAILED
    assert "ValueError: on purpose" in ended.err
    assert ("----> " in ended.err) == (name in KEEPS_A_SESSION)


def make_container(front_end: FrontEnd) -> str:
    """Make a container of the test's own."""
    made = f"contract-{secrets.token_hex(4)}"
    assert front_end("mkdir", made).status == 0
    return made


JAVA = """\
import java.util.*;
import org.openstack.storlet.common.*;

public class {name} implements IStorlet {{
    public void invoke(ArrayList<StorletInputStream> inputs, ArrayList<StorletOutputStream> outputs,
            Map<String, String> parameters, StorletLogger logger) throws StorletException {{
        StorletObjectOutputStream result = (StorletObjectOutputStream) outputs.get(0);
        result.setMetadata(inputs.get(0).getMetadata());
        try {{
            inputs.get(0).getStream().transferTo(result.getStream());
        }} catch (java.io.IOException failure) {{
            throw new StorletException(failure.getMessage());
        }}
        if (parameters.containsKey("fail")) throw new IllegalStateException("no rows");
    }}
}}
"""
"""A storlet that copies, and fails if asked to, on line 14."""


@pytest.mark.parametrize("front_end", FRONT_ENDS, indirect=True)
def test_java_that_follows_must_be_named_in_lower_case(front_end: FrontEnd) -> None:
    """It isn't taken for Python; the message contains the name to use."""
    ended = front_end("deploy", "Words.Java", body=JAVA.format(name="Words"))
    said = " ".join(f"{ended.out}{ended.err}".split())
    text = "Words.Java: a Java file's name must end with .java, in lower case; name it Words.java"
    assert (ended.status, text in said) == (ExitStatus.USAGE, True), said


@pytest.mark.slow
@needs_jdk
@pytest.mark.parametrize("front_end", FRONT_ENDS, indirect=True)
def test_java_that_follows_a_line_is_deployed_and_shown_where_it_fails(front_end: FrontEnd, name: str) -> None:
    """A session that knows the code shows it; the log has the stack trace."""
    container, java = make_container(front_end), f"J{secrets.token_hex(4)}"
    assert front_end("upload", f"{container}/o", body="rows\n").status == 0
    ended = front_end("deploy", f"{java}.java", body=JAVA.format(name=java))
    assert ended.status == 0, ended
    run = ("get", f"{container}/o", "--storlet", f"{java}-1.0.jar")
    assert "rows" in front_end(*run).out.split()
    ended = front_end(*run, "-p", "fail=1")
    said = f"{ended.out}{ended.err}"
    assert (ended.status, "java.lang.IllegalStateException: no rows" in said) == (6, True), said
    assert f"at {java}.invoke({java}.java:14)" in said
    assert ('---> 14         if (parameters.containsKey("fail"))' in said) == (name in KEEPS_A_SESSION)
    ended = front_end("logs", f"{java}-1.0.jar")
    assert f"\tat {java}.invoke({java}.java:14)" in f"{ended.out}{ended.err}"
