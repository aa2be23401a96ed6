"""Deployment: what is refused before anything is sent, what engines take for new, and all or nothing."""

from __future__ import annotations

import base64
import io
import json
import re
import secrets
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from storlet_shell.errors import ConnectionFailedError, UsageError
from storlet_shell.storlets import jar as jar_module
from storlet_shell.storlets.classfile import ClassFile
from storlet_shell.storlets.jar import StorletJar
from storlet_shell.storlets.renewal import lengthened, with_names
from storlet_shell.wire.client import Client
from storlet_shell.wire.headers import decode_storlet
from storlet_shell.wire.requests import Request
from tests.support.jars import (
    ABSTRACT,
    INTERFACE,
    INTERFACE_FLAG,
    PUBLIC,
    class_file,
    compile_jar,
    needs_jdk,
    write_jar,
)
from tests.support.lines import ROOT, Runner, base_environment, one_line
from tests.support.responder import Responder
from tests.support.storlets import STORLETS

WORDS = class_file("org/example/Words", [INTERFACE])
OTHER = class_file("org/example/Other", [INTERFACE])
PLAIN = class_file("org/example/Plain")


@pytest.fixture
def module() -> str:
    """Return a name that no other test deploys."""
    return f"d{secrets.token_hex(4)}"


def write(folder: Path, name: str, content: str | bytes, mode: int = 0o644) -> str:
    """Write a file; return its path."""
    path = folder / name
    path.unlink(missing_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return str(path)


# --- Java


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the tests' Java storlet."""
    return compile_jar(tmp_path_factory.mktemp("java") / "identity-1.0.jar")


@needs_jdk
def test_compiled_storlet_is_deployed_by_what_is_in_its_jar(storlets: Runner, container: str, compiled: Path) -> None:
    """The main class is found through the abstract one that it extends; the real middleware takes it; no run does."""
    outcome = storlets("deploy", str(compiled))
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.text == "deployed identity-1.0.jar (main org.example.Identity) into container storlet\n"
    rows = {row["name"]: row for row in storlets("storlets", "--json").json["rows"]}
    assert rows["identity-1.0.jar"].items() >= {"language": "java", "main": "org.example.Identity"}.items()
    assert storlets("storlets", "show", "identity-1.0.jar", "--json").json["main"] == "org.example.Identity"
    storlets("upload", f"{container}/o", stdin=b"x")
    run = storlets("get", f"{container}/o", "--storlet", "identity-1.0.jar")
    assert run.status == 6
    assert "Java storlets deploy, but do not run on the embedded Swift" in run.err.splitlines()[-1]
    assert storlets("undeploy", "-y", "identity-1.0.jar").status == 0


@needs_jdk
def test_longer_jar_is_the_same_to_java(compiled: Path, tmp_path: Path) -> None:
    """A comment at the archive's end changes nothing else."""
    jar, content = tmp_path / "identity-1.0.jar", compiled.read_bytes()
    for more in (1, 1000):
        longer = lengthened(content, len(content) + more, is_jar=True)
        assert longer is not None
        assert len(longer) == len(content) + more
        jar.write_bytes(longer)
        path = f"{jar}:{compiled.with_name('engine')}"
        ran = subprocess.run(["java", "-cp", path, "org.example.Identity"], capture_output=True, check=False)
        assert ran.stdout == b"identity\n", ran.stderr
        content = longer


@pytest.mark.parametrize(
    ("classes", "main", "said"),
    [
        ({"org/example/Words": WORDS}, None, "org.example.Words"),
        ({"org/example/Words": WORDS, "org/example/Plain": PLAIN}, None, "org.example.Words"),
        ({"org/example/Words": WORDS, "org/example/Other": OTHER}, "org.example.Other", "org.example.Other"),
        (
            {
                "a/Base": class_file("a/Base", [INTERFACE], flags=PUBLIC | ABSTRACT),
                "a/B": class_file("a/B", parent="a/Base"),
            },
            None,
            "a.B",
        ),
        (
            {"a/I": class_file("a/I", [INTERFACE], flags=INTERFACE_FLAG | ABSTRACT), "a/B": class_file("a/B", ["a/I"])},
            None,
            "a.B",
        ),
        ({"a/Out$In": class_file("a/Out$In", [INTERFACE]), "META-INF/versions/9/a/B": WORDS}, None, "a.Out$In"),
    ],
    ids=["only", "one of two", "named", "inherited", "extended interface", "nested"],
)
def test_main_class_is_read_from_the_jar(
    run_scripted: Runner, tmp_path: Path, classes: dict[str, bytes], main: str | None, said: str
) -> None:
    """The class that implements the interface, itself or through others of the jar."""
    jar = write_jar(tmp_path / "words-1.0.jar", classes)
    outcome = run_scripted("deploy", str(jar), *(["--main", main] if main else []), "--dry-run", "--json")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.json["requests"][-1]["headers"]["X-Object-Meta-Storlet-Main"] == said


@pytest.mark.parametrize(
    ("name", "classes", "main", "message"),
    [
        ("words-1.0.jar", {"a/B": PLAIN}, None, "a jar's main class is named by --main; there are: a.B"),
        ("words-1.0.jar", {}, None, "a jar's main class is named by --main; it holds no classes"),
        (
            "words-1.0.jar",
            {"org/example/Words": WORDS, "org/example/Other": OTHER},
            None,
            "several classes could be the main one: org.example.Other, org.example.Words; name it by --main",
        ),
        (
            "words-1.0.jar",
            {"org/example/Words": WORDS, "a/B": PLAIN},
            "org.example.Word",
            "there is no class org.example.Word; there are: org.example.Words",
        ),
        ("words.jar", {"a/B": WORDS}, None, "a Java storlet's file is named <name>-<version>.jar"),
        ("words-.jar", {"a/B": WORDS}, None, "a Java storlet's file is named <name>-<version>.jar"),
    ],
)
def test_jar_without_the_class_is_not_sent(
    run_scripted: Runner,
    responder: Responder,
    tmp_path: Path,
    name: str,
    classes: dict[str, bytes],
    main: str | None,
    message: str,
) -> None:
    """What the server would take, and every run would fail over, is refused here."""
    jar = write_jar(tmp_path / name, classes)
    outcome = run_scripted("deploy", str(jar), *(["--main", main] if main else []))
    assert (outcome.status, one_line(outcome)) == (2, f"{name}: {message}")
    assert responder.logins == []


@pytest.mark.parametrize("main", ["", "a b", "a..B", "a/B", "1.B", "a.B\n", "-"])
def test_main_that_is_no_class_name_is_said_to_be_none(run_scripted: Runner, tmp_path: Path, main: str) -> None:
    """Before it is looked for."""
    jar = write_jar(tmp_path / "words-1.0.jar", {"a/B": WORDS})
    outcome = run_scripted("deploy", str(jar), f"--main={main}")
    assert (outcome.status, "qualified name" in one_line(outcome)) == (2, True)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (PLAIN, "does not implement org.openstack.storlet.common.IStorlet"),
        (class_file("a/B", [INTERFACE], flags=PUBLIC | ABSTRACT), "is abstract"),
        (WORDS[:20], "can't be read"),
        (class_file("a/B", parent="elsewhere/Base"), ""),
    ],
    ids=["no storlet", "abstract", "damaged", "unknown parent"],
)
def test_named_class_that_will_not_start_is_warned_of(
    run_scripted: Runner, tmp_path: Path, classes: bytes, said: str
) -> None:
    """The user's word counts, and what the jar tells is said; what another jar decides is not guessed at."""
    jar = write_jar(tmp_path / "words-1.0.jar", {"a/B": classes})
    outcome = run_scripted("deploy", str(jar), "--main", "a.B", "--dry-run")
    assert outcome.status == 0
    assert said in outcome.err
    assert bool(said) == bool(outcome.err)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("words-1.0.jar", b"", "no jar"),
        ("words-1.0.jar", b"no archive", "no jar: File is not a zip file"),
        ("words-1.0.jar", STORLETS["upper.py"].encode(), "no jar: File is not a zip file"),
        ("words-1.0.jar", b"PK\x03\x04" + b"\x00" * 40, "no jar"),
        ("words.py", b"PK\x03\x04" + b"\x00" * 40, "no Python but an archive"),
        ("words-1.0.zip", b"PK\x03\x04", "a storlet's file ends with .py or .jar"),
    ],
)
def test_suffix_and_contents_must_agree(
    run_scripted: Runner, responder: Responder, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    """One line, and nothing is sent."""
    outcome = run_scripted("deploy", write(tmp_path, name, content))
    assert (outcome.status, said in one_line(outcome)) == (2, True), outcome.err
    assert responder.logins == []


def encrypted(jar: bytes) -> bytes:
    """Return a jar whose entries say that they are encrypted."""
    changed = bytearray(jar)
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := changed.find(sign, at + 1)) >= 0:
            changed[at + place] |= 1
    return bytes(changed)


def test_encrypted_jar_is_one_line(run_scripted: Runner, tmp_path: Path) -> None:
    """Nothing can be read in it, so there is no main class to be found; named, it is warned of."""
    jar = write_jar(tmp_path / "words-1.0.jar", {"a/B": WORDS})
    jar.write_bytes(encrypted(jar.read_bytes()))
    outcome = run_scripted("deploy", str(jar))
    assert (outcome.status, "named by --main; there are: a.B" in one_line(outcome)) == (2, True)
    assert "encrypted" in run_scripted("deploy", str(jar), "--main", "a.B", "--dry-run").err


def test_jar_that_unpacks_to_too_much_is_not_looked_through(
    run_scripted: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class may be any size, but only its start is unpacked, and only so many of them."""
    large = b"\xca\xfe\xba\xbe" + b"\x00" * 2**21
    jar = write_jar(tmp_path / "words-1.0.jar", {"a/Large": large, "a/B": WORDS})
    assert run_scripted("deploy", str(jar), "--dry-run").status == 0
    monkeypatch.setattr(jar_module, "_MOST_BYTES", 2**20)
    outcome = run_scripted("deploy", str(jar))
    assert (outcome.status, "too much" in one_line(outcome)) == (2, True)


@hypothesis.given(st.integers(0, len(WORDS)), st.binary(max_size=6), st.integers(0, len(WORDS)))
def test_damaged_class_file_is_read_or_refused(start: int, put: bytes, cut: int) -> None:
    """Whatever stands in it, there is no other error."""
    try:
        found = ClassFile.parse((WORDS[:start] + put + WORDS[start + len(put) :])[:cut])
    except ValueError:
        return
    assert isinstance(found.name, str)


JAR = write_jar(io.BytesIO(), {"a/B": WORDS, "a/C": PLAIN}).getvalue()  # type: ignore[arg-type, attr-defined]


@hypothesis.settings(deadline=None)
@hypothesis.given(st.integers(0, len(JAR)), st.binary(max_size=8), st.integers(len(JAR) - 60, len(JAR)))
def test_damaged_jar_is_read_or_refused(start: int, put: bytes, cut: int) -> None:
    """One line at most, whatever the archive says of itself."""
    content = (JAR[:start] + put + JAR[start + len(put) :])[:cut]
    with suppress(UsageError):
        jar = StorletJar(content, "words-1.0.jar")
        jar.findings(jar.main_class(None))
        assert lengthened(content, len(content) + 1, is_jar=True) != content


# --- Python


@pytest.mark.parametrize("version", ["3", "3.11"])
def test_language_version_is_kept_with_the_storlet(storlets: Runner, tmp_path: Path, module: str, version: str) -> None:
    """The real middleware takes it, and it is shown."""
    file = write(tmp_path, f"{module}.py", STORLETS["upper.py"])
    assert storlets("deploy", file, "--language-version", version).status == 0
    assert storlets("storlets", "show", f"{module}.py", "--json").json["language_version"] == version
    assert storlets("undeploy", "-y", f"{module}.py").status == 0


@pytest.mark.parametrize("version", ["2", "2.7", "3.", "3.x", "nan", "3.1.2", "", "33", "+3"])
def test_language_version_that_makes_no_sense_is_refused(run_scripted: Runner, tmp_path: Path, version: str) -> None:
    """Those the server refuses, and those that name no interpreter."""
    file = write(tmp_path, "upper.py", STORLETS["upper.py"])
    outcome = run_scripted("deploy", file, f"--language-version={version}")
    assert (outcome.status, "3 or 3.MINOR" in one_line(outcome)) == (2, True)


def test_language_version_goes_with_python(run_scripted: Runner, tmp_path: Path) -> None:
    """An engine has one Java."""
    jar = write_jar(tmp_path / "words-1.0.jar", {"a/B": WORDS})
    assert run_scripted("deploy", str(jar), "--language-version", "3").status == 2


# --- the input of a dry run


@pytest.mark.parametrize(
    ("input", "hint"), [("c/a.txt", "; an object is written path:/c/a.txt"), ("./c/a.txt", ""), ("/c/a", ""), ("a", "")]
)
def test_input_that_is_no_file_may_be_an_object(run_scripted: Runner, tmp_path: Path, input: str, hint: str) -> None:
    """Its prefix tells it from a file, so what may lack it is told."""
    code = write(tmp_path, "upper.py", STORLETS["upper.py"])
    outcome = run_scripted("deploy", code, "--dry-run", "--input", input)
    assert (outcome.status, one_line(outcome)) == (4, f"no local file {input}{hint}")


# --- dependencies


@pytest.mark.parametrize("mode", [0o755, 0o555, 0o644, 0o444, 0o711])
def test_permissions_are_those_that_the_server_takes(run_scripted: Runner, tmp_path: Path, mode: int) -> None:
    """Executable by its mode; what the server would refuse becomes what it takes, and that is said."""
    tool = write(tmp_path, "tool", "x", mode)
    outcome = run_scripted(
        "deploy", write(tmp_path, "upper.py", STORLETS["upper.py"]), "-d", tool, "--dry-run", "--json"
    )
    kept = outcome.json["requests"][0]["headers"]["X-Object-Meta-Storlet-Dependency-Permissions"]
    assert kept == ("0755" if mode & 0o111 else "0644")
    assert (f"refuses {mode:04o}" in outcome.err) == (mode & 0o600 != 0o600)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-d", "a.py,a.py"], "dependency a.py is named twice"),
        (["-d", "a.py", "-d", "{0}/a.py"], "dependency a.py is named twice"),
        (["-d", "upper.py"], "dependency upper.py has the name of the storlet itself"),
    ],
)
def test_dependency_named_twice_is_refused(
    run_scripted: Runner, responder: Responder, tmp_path: Path, words: list[str], said: str
) -> None:
    """Or as the storlet itself: the server would refuse it after the uploads."""
    write(tmp_path, "a.py", "")
    file = write(tmp_path, "upper.py", STORLETS["upper.py"])
    outcome = run_scripted("deploy", file, *(word.format(tmp_path) for word in words))
    assert (outcome.status, one_line(outcome)) == (2, said)
    assert responder.logins == []


def test_names_of_dependencies_that_are_too_long_together_are_refused(storlets: Runner, tmp_path: Path) -> None:
    """Swift keeps 256 bytes of a header's value; nothing is uploaded for a storlet that will not be."""
    files = [write(tmp_path, f"{'n' * 100}{number}.py", "") for number in range(3)]
    outcome = storlets("deploy", write(tmp_path, "many.py", STORLETS["upper.py"]), "-d", ",".join(files))
    assert (outcome.status, "314 bytes" in one_line(outcome)) == (2, True)
    assert "nnn" not in storlets("dependencies").text


# --- what engines take for new


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, storlets: Runner) -> Runner:
    """Run lines as on a cluster with upstream's engine: the real Swift, taken for one that is not the embedded one."""
    monkeypatch.setattr(Client, "is_embedded", False)
    return storlets


class Nodes:
    """Storage nodes that run upstream's own caching code.

    :param process: where it runs
    :param folder: their disks
    """

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder

    def value(self, client: Client, storlet: str, node: str = "") -> str:
        """Return what a run of a storlet on a node would see now."""
        objects = {f"storlet/{storlet}": _get(client, "storlet", storlet)}
        described = decode_storlet(objects[f"storlet/{storlet}"]["headers"])
        objects |= {f"dependency/{name}": _get(client, "dependency", name) for name in described.dependencies}
        folder = str(self._folder / f"{storlet}{node}")
        assert self._process.stdin
        assert self._process.stdout
        print(
            json.dumps({"folder": folder, "storlet": storlet, "objects": objects}), file=self._process.stdin, flush=True
        )
        return str(json.loads(self._process.stdout.readline()))


def _get(client: Client, container: str, name: str) -> dict[str, Any]:
    reply = client.send(Request("GET", container, name))
    return {"content": base64.b64encode(reply.read()).decode(), "headers": dict(reply.headers)}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Start storage nodes."""
    folder = tmp_path_factory.mktemp("nodes")
    program = [sys.executable, "-W", "ignore", "-m", "tests.support.upstream_node"]
    environ = {**base_environment(folder), "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(program, stdin=PIPE, stdout=PIPE, text=True, env=environ, cwd=ROOT) as process:
        yield Nodes(process, folder)
        assert process.stdin
        process.stdin.close()


VALUED = """{head}VALUE = {value}
class Main:
    def __init__(self, logger): ...
    def __call__(self, in_files, out_files, params): ...
"""


def test_every_redeployment_runs_on_upstreams_engine(
    elsewhere: Runner, real_client: Client, nodes: Nodes, tmp_path: Path, module: str
) -> None:
    """Also on nodes that have missed some versions, whatever their lengths were."""
    for number, value in enumerate(("'one'", "'two'", "'longer'", "'six'", "'six'", "'ten'")):
        file = write(tmp_path, f"{module}.py", VALUED.format(head="", value=value))
        assert elsewhere("deploy", file).status == 0
        for node in "ab" if number % 2 == 0 or number == 5 else "a":
            assert nodes.value(real_client, f"{module}.py", node) == value.strip("'")
    assert elsewhere("undeploy", "-y", f"{module}.py").status == 0


@pytest.mark.parametrize(
    "head", ["", '"""Says it."""\n', "# coding: latin-1\nfrom __future__ import annotations  # é\n"]
)
def test_every_version_of_a_dependency_runs_on_upstreams_engine(
    elsewhere: Runner, real_client: Client, nodes: Nodes, tmp_path: Path, module: str, head: str
) -> None:
    """Though its nodes keep what they have under a name: a module and a program, each found by its own name."""
    imports = f"import os, subprocess, {module}_word\nhere = os.path.dirname(__file__)\n"
    value = f"{module}_word.WORD + subprocess.getoutput(os.path.join(here, '{module}_tool'))"
    code = VALUED.format(head=head + imports, value=value)
    file = write(tmp_path, f"{module}.py", code.encode("latin-1" if "latin" in head else "utf-8"))
    for word, tool in (("one", "1"), ("two", "2"), ("two", "3"), ("one", "1"), ("four", "4")):
        needed = [
            write(tmp_path, f"{module}_word.py", f"WORD = '{word}'"),
            write(tmp_path, f"{module}_tool", f"#!/bin/sh\necho {tool}\n", 0o755),
        ]
        outcome = elsewhere("deploy", file, "-d", ",".join(needed))
        assert outcome.status == 0, outcome.err
        assert nodes.value(real_client, f"{module}.py") == word + tool
    assert elsewhere("undeploy", "-y", "--with-dependencies", f"{module}.py").status == 0


def test_java_finds_another_version_of_a_jar_by_the_list(elsewhere: Runner, tmp_path: Path, module: str) -> None:
    """Its class path is made of the names; other files are replaced, and the user is told what engines do."""
    jar = str(write_jar(tmp_path / f"{module}-1.0.jar", {"a/B": WORDS}))
    library, data = tmp_path / f"{module}lib.jar", tmp_path / f"{module}.dat"
    for content in (b"1", b"2"):
        library.write_bytes(content)
        data.write_bytes(content)
        outcome = elsewhere("deploy", jar, "-d", f"{library},{data}", "--json")
        assert outcome.status == 0, outcome.err
    names = outcome.json["dependencies"]
    assert names[0].startswith(f"{module}lib-")
    assert names[1] == data.name
    assert f"warning: dependency {data.name} replaces another" in outcome.err
    elsewhere("undeploy", "-y", "--with-dependencies", f"{module}-1.0.jar")
    elsewhere("dependencies", "rm", "-y", library.name)


def test_jar_is_longer_than_the_one_before(elsewhere: Runner, tmp_path: Path, module: str) -> None:
    """By its archive's comment; where that is full, the user is told."""
    path = tmp_path / f"{module}-1.0.jar"
    sizes = []
    for value in (b"1", b"2"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/B.class", WORDS + value)
        sizes.append(elsewhere("deploy", str(path), "--json").json["bytes"])
    assert sizes[1] == sizes[0] + 1
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"x" * 65535
    assert elsewhere("deploy", str(path)).err == ""
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"y" * 65535
    assert "can't be made longer" in elsewhere("deploy", str(path)).err
    elsewhere("undeploy", "-y", path.name)


def test_same_code_is_not_made_longer(elsewhere: Runner, tmp_path: Path, module: str) -> None:
    """A job that deploys every night does not let it grow."""
    file = write(tmp_path, f"{module}.py", STORLETS["upper.py"])
    sizes = [elsewhere("deploy", file, "--json").json["bytes"] for _ in range(3)]
    assert sizes == [len(STORLETS["upper.py"])] * 3
    elsewhere("undeploy", "-y", f"{module}.py")


def test_renaming_keeps_lines_where_it_can() -> None:
    """A docstring and imports from the future stay first; the code around is what it was."""
    for code in ('"""Doc."""; x = 1\n', "#!x\nfrom __future__ import annotations\r\n\r\n@d\r\nclass A: pass\r\n"):
        changed = with_names(code.encode(), {"a-1.py": "a.py"})
        assert changed.count(b"\n") == code.count("\n")
        compile(changed, "x.py", "exec")
    changed = with_names(b"# c\n@d\nclass A: pass\n", {"a-1.py": "a.py"}).decode()
    assert changed.startswith("# c\nexec(")
    assert changed.endswith(")\n@d\nclass A: pass\n")


# --- all or nothing


@pytest.fixture
def deployed(storlets: Runner, tmp_path: Path, module: str) -> list[str]:
    """Deploy a storlet with a dependency; return the words of a line that replaces both and adds another dependency."""
    file = write(tmp_path, f"{module}.py", STORLETS["upper.py"])
    first = write(tmp_path, f"{module}_a.py", "A = 'before'", 0o755)
    assert storlets("deploy", file, "-d", first).status == 0
    write(tmp_path, f"{module}.py", STORLETS["twice.py"])
    write(tmp_path, f"{module}_a.py", "A = 'after'")
    return ["deploy", file, "-d", f"{first},{write(tmp_path, f'{module}_b.py', 'B = 1')}"]


def state(storlets: Runner, module: str) -> list[object]:
    """Return all that is known of a storlet and its dependencies, but for when it was stored."""
    rows = [row for row in storlets("dependencies", "--json").json["rows"] if row["name"].startswith(module)]
    shown = storlets("storlets", "show", f"{module}.py", "--json").json
    for each in (shown, *rows):
        del each["date"]
    content = [storlets("get", path).out for path in (f"storlet/{module}.py", f"dependency/{module}_a.py")]
    return [shown, rows, content]


def fail(monkeypatch: pytest.MonkeyPatch, *requests: tuple[str, str]) -> None:
    """Let requests of this method and name fail: they go with a method that the server does not know."""
    send = Client._send_once

    def failing(self: Client, request: Request, *others: Any, **named: Any) -> Any:
        if (request.method, request.name) in requests:
            request = request._replace(method="PATCH")
        return send(self, request, *others, **named)

    monkeypatch.setattr(Client, "_send_once", failing)


def interrupt(monkeypatch: pytest.MonkeyPatch, *requests: tuple[str, str]) -> None:
    """Press Ctrl-C at requests of this method and name, one after the other, before each is sent."""
    send, waiting = Client._send_once, list(requests)

    def interrupted(self: Client, request: Request, *others: Any, **named: Any) -> Any:
        if [(request.method, request.name)] == waiting[:1]:
            del waiting[0]
            raise KeyboardInterrupt
        return send(self, request, *others, **named)

    monkeypatch.setattr(Client, "_send_once", interrupted)


@pytest.mark.parametrize("where", ["_a.py", "_b.py", ".py"])
def test_upload_that_fails_leaves_everything_as_it_was(
    storlets: Runner, monkeypatch: pytest.MonkeyPatch, deployed: list[str], module: str, where: str
) -> None:
    """Whichever upload it is: the first dependency, the second, or the storlet; then the same line goes through."""
    before = state(storlets, module)
    with monkeypatch.context() as patch:
        fail(patch, ("PUT", f"{module}{where}"))
        outcome = storlets(*deployed)
    assert outcome.status != 0
    assert "nothing was changed: the dependencies are as they were before" in outcome.err
    assert state(storlets, module) == before
    assert storlets(*deployed).status == 0
    after = state(storlets, module)
    assert [row["name"] for row in after[1]] == [f"{module}_a.py", f"{module}_b.py"]
    assert after[2] == [STORLETS["twice.py"].encode(), b"A = 'after'"]


def test_what_can_not_be_put_back_is_named(
    storlets: Runner, monkeypatch: pytest.MonkeyPatch, deployed: list[str], module: str
) -> None:
    """With the line that puts it back; and what is new and can't be deleted."""
    with monkeypatch.context() as patch:
        fail(patch, ("PUT", f"{module}.py"), ("COPY", f"{module}_a.py.before"), ("DELETE", f"{module}_b.py"))
        outcome = storlets(*deployed)
    assert outcome.status != 0
    said = outcome.err.splitlines()
    assert f"path:/dependency/{module}_b.py is left over" in said[0]
    assert said[0].endswith(f"; delete it with: dependencies rm {module}_b.py")
    assert f"path:/dependency/{module}_a.py is not as it was before" in said[1]
    copy = said[1].rpartition(": copy ")[2]
    assert storlets("copy", *copy.replace("path:/", "").split()).status == 0
    assert storlets("get", f"dependency/{module}_a.py").out == b"A = 'before'"
    assert "nothing was changed" not in outcome.err


def test_interrupted_deployment_is_undone(
    storlets: Runner, monkeypatch: pytest.MonkeyPatch, deployed: list[str], module: str
) -> None:
    """Ctrl-C between the uploads leaves everything as it was."""
    before = state(storlets, module)
    with monkeypatch.context() as patch:
        interrupt(patch, ("PUT", f"{module}.py"))
        assert storlets(*deployed).status == 130
    assert state(storlets, module) == before


@pytest.mark.parametrize(
    ("at", "left"),
    [
        (("HEAD", ".py"), ["_b.py is left over", "_a.py is not as it was"]),
        (("DELETE", "_b.py"), ["_b.py is left over", "_a.py is not as it was"]),
        (("COPY", "_a.py.before"), ["_a.py is not as it was"]),
        (("DELETE", "_a.py.before"), ["_a.py.before is left over"]),
    ],
)
def test_second_interrupt_says_in_one_line_what_is_left(
    storlets: Runner,
    monkeypatch: pytest.MonkeyPatch,
    deployed: list[str],
    module: str,
    at: tuple[str, str],
    left: list[str],
) -> None:
    """Wherever it comes while things are put back; with the lines that put the rest back."""
    before, count = state(storlets, module), len(left)
    with monkeypatch.context() as patch:
        interrupt(patch, ("PUT", f"{module}.py"), (at[0], f"{module}{at[1]}"))
        outcome = storlets(*deployed)
    assert outcome.status == 130
    (said,) = [line for line in outcome.err.splitlines() if "interrupted before" in line]
    assert [text in said for text in left] == [True] * count
    assert (said.count("left over") + said.count("is not as"), "nothing was changed" in outcome.err) == (count, False)
    for line in re.findall(r"(?:delete it with|\.before): ([^;]*)", said):
        assert storlets(*line.replace("path:/", "").split()).status == 0
    storlets("dependencies", "rm", "-y", f"{module}_a.py.before")
    assert state(storlets, module) == before


def test_storlet_whose_answer_is_lost_keeps_its_new_dependencies(
    storlets: Runner, monkeypatch: pytest.MonkeyPatch, deployed: list[str], module: str
) -> None:
    """Ctrl-C when the server has stored it already: the old dependencies would not be those that it needs."""
    send = Client._send_once

    def interrupted(self: Client, request: Request, *others: Any, **named: Any) -> Any:
        reply = send(self, request, *others, **named)
        if (request.method, request.name) == ("PUT", f"{module}.py"):
            raise KeyboardInterrupt
        return reply

    with monkeypatch.context() as patch:
        patch.setattr(Client, "_send_once", interrupted)
        outcome = storlets(*deployed)
    assert (outcome.status, "the storlet is stored all the same" in outcome.err) == (130, True)
    found = state(storlets, module)
    assert [row["name"] for row in found[1]] == [f"{module}_a.py", f"{module}_b.py"]
    assert found[2] == [STORLETS["twice.py"].encode(), b"A = 'after'"]


def test_deployment_that_may_be_done_is_not_undone(
    storlets: Runner, monkeypatch: pytest.MonkeyPatch, quick_retries: None, deployed: list[str], module: str
) -> None:
    """The server is gone when it has stored the storlet: the old dependencies would not be those that it needs."""
    send, gone = Client._send_once, []

    def failing(self: Client, request: Request, *others: Any, **named: Any) -> Any:
        if gone and request.name == f"{module}.py":
            raise ConnectionFailedError("gone")
        reply = send(self, request, *others, **named)
        if (request.method, request.name) == ("PUT", f"{module}.py"):
            gone.append(reply.read())
            raise ConnectionFailedError("gone")
        return reply

    with monkeypatch.context() as patch:
        patch.setattr(Client, "_send_once", failing)
        outcome = storlets(*deployed)
    assert outcome.status == 5
    assert "whether the storlet is stored is not known; deploy it again once the server answers" in outcome.err
    assert f"{module}_a.py.before" in str(state(storlets, module))
    assert storlets(*deployed).status == 0
    found = state(storlets, module)
    assert [row["name"] for row in found[1]] == [f"{module}_a.py", f"{module}_b.py"]
    assert found[2] == [STORLETS["twice.py"].encode(), b"A = 'after'"]
