"""``--json`` of every command and action matches its schema."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storlet_shell.embedded import control
from storlet_shell.results.schemas import SCHEMAS
from tests.support.lines import ROOT, Runner
from tests.support.schemas import all_lines, check
from tests.support.storlets import STORLETS

LINES: list[tuple[str, str]] = [
    ("acl grant", "acl grant {c} project:user --read"),
    ("acl grant", "acl grant {c} project:user --read --dry-run"),
    ("acl grant", "acl grant {c} alice --storlet upper.py"),
    ("acl list", "acl list {c}"),
    ("acl list", "acl list {c} --dry-run"),
    ("acl revoke", "acl revoke {c} alice --storlet upper.py"),
    ("acl revoke", "acl revoke {c} project:user --read"),
    ("cat", "cat {c}/o"),
    ("cat", "cat {c}/o {c}/byt*"),
    ("copy", "copy {c}/o {c}/p"),
    ("copy", "copy {c}/o {c}/p --dry-run"),
    ("copy", "copy {c}/o {c}/upper --storlet upper.py"),
    ("cp", "cp {c}/o {c}/copies/"),
    ("cp", "cp {c}/? {c}/more/ --dry-run"),
    ("deploy", "deploy {m}.py -d {m}_data"),
    ("deploy", "deploy {m}.py -d {m}_data --with-invoke --input path:/{c}/o"),
    ("deploy", "deploy {m}.py --with-invoke --print-result --input path:/{c}/o"),
    ("deploy", "deploy {m}.py --dry-run"),
    ("deploy", "deploy {m}.py --dry-run --input path:/{c}/o"),
    ("deploy", "deploy {m}.py -d {m}_data"),
    ("dependencies list", "dependencies"),
    ("dependencies show", "dependencies show {m}_data"),
    ("dependencies rm", "dependencies rm {m}_data --dry-run"),
    ("dependencies rm", "dependencies rm {m}_data -y --force"),
    ("download", "download {c} to"),
    ("download", "download {c} to --skip-identical"),
    ("download", "download {c} to --dry-run"),
    ("du", "du"),
    ("du", "du {c}"),
    ("edit", "edit {c}/o"),
    ("edit", "edit {c}/o --dry-run"),
    ("enable", "enable"),
    ("enable", "enable --dry-run"),
    ("get", "get {c}/o"),
    ("get", "get {c}/bytes"),
    ("get", "get {c}/o --save saved"),
    ("get", "get {c}/o --dry-run"),
    ("get", "get {c}/o --storlet upper.py"),
    ("help", "help"),
    ("help", "help ls"),
    ("help", "help acl"),
    ("help", "help syntax"),
    ("info", "info"),
    ("local env", "local env"),
    ("local status", "local status"),
    ("local status", "local"),
    ("logs", "logs {m}.py"),
    ("ls", "ls"),
    ("ls", "ls -l"),
    ("ls", "ls {c}"),
    ("ls", "ls -l {c}"),
    ("ls", "ls {c} --delimiter y"),
    ("map", "map --storlet upper.py --input path:/{c}/?"),
    ("map", "map --storlet upper.py --input path:/{c}/? --save results"),
    ("map", "map --storlet upper.py --input path:/{c}/? --dry-run"),
    ("mkdir", "mkdir {c}"),
    ("mkdir", "mkdir {c} --dry-run"),
    ("mv", "mv {c}/copies/* {c}/moved/"),
    ("mv", "mv {c}/moved/o {c}/free --dry-run"),
    ("pipe", "pipe upper.py|upper.py --input path:/{c}/o"),
    ("pipe", "pipe upper.py|upper.py --input path:/{c}/?"),
    ("plugins", "plugins"),
    ("post", "post {c}/o -m color=red --remove size"),
    ("post", "post {c} --remove size"),
    ("post", "post path:/ -m Temp-URL-Key=secret"),
    ("tempurl", "tempurl {c}/o --dry-run"),
    ("tempurl", "tempurl {c}/o"),
    ("tempurl", "tempurl {c}/?"),
    ("tempurl", "tempurl {c}/ --prefix --method PUT --expires 1d"),
    ("post", "post path:/ --remove Temp-URL-Key"),
    ("put", "put {m}_data {c}/put"),
    ("put", "put {m}_data {c}/put --dry-run"),
    ("reduce", "reduce --storlet upper.py --input path:/{c}/put --output path:/{c}/reduced"),
    ("reduce", "reduce --storlet upper.py --input path:/{c}/put --output path:/{c}/reduced --dry-run"),
    ("stat", "stat"),
    ("stat", "stat {c}"),
    ("stat", "stat {c}/o"),
    ("stat", "stat {c}/?"),
    ("stat", "stat storlet/{m}.py"),
    ("storlets list", "storlets"),
    ("storlets show", "storlets show {m}.py"),
    ("storlets show", "storlets show {m}.py --grants"),
    ("storlets std", "storlets std"),
    ("sync", "sync path:/{c} synced --dry-run"),
    ("sync", "sync path:/{c} synced"),
    ("sync", "sync synced path:/{c}/synced --delete --dry-run"),
    ("undeploy", "undeploy {m}.py --dry-run"),
    ("undeploy", "undeploy {m}.py -y"),
    ("upload", "upload {m}_data {c}"),
    ("upload", "upload {m}_data {c} --dry-run"),
    ("upload", "upload {c}/text"),
    ("upload", "upload {c}/text --segment-size 1"),
    ("select", "select 'SELECT * FROM o' {c}/text"),
    ("select", "select 'SELECT count(*), 1.5, NULL FROM o' {c}/text --save saved.csv"),
    ("select", "select 'SELECT * FROM o' {c}/text --explain"),
    ("select", "select 'SELECT * FROM o' {c}/text --dry-run"),
    ("vars", "vars"),
    ("vars", "vars parameters color=red"),
    ("whoami", "whoami"),
    ("rm", "rm -r {c}/te --dry-run"),
    ("rm", "rm {c}/t*t --dry-run"),
    ("rm", "rm {c}/o --dry-run"),
    ("rm", "rm -y {c}/text"),
    ("rm", "rm -r -y {c}"),
    ("login", "login storlet --dry-run"),
]
"""Commands, with their actions, and lines of them, in this order; ``{c}`` is a container, ``{m}`` names files."""

ELSEWHERE = {
    "local start": "tests/commands/test_session.py",
    "local stop": "tests/commands/test_session.py",
    "local reset": "tests/commands/test_session.py",
    "local java-api": "tests/java/test_compiler.py",
}
"""Actions whose results are checked where an embedded Swift of a test's own runs, or a JDK, and by which file."""

OPEN = {"headers", "metadata", "versions", "policies", "kept", "set", "properties", "result"}
"""Fields whose keys are data: header names, say."""


@pytest.fixture(scope="module")
def at(
    storlets: Runner, selecting: Runner, swift: control.Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Return a way to run a line of the list in a folder of its own, with its names filled in."""
    folder = tmp_path_factory.mktemp("json")
    names = {"c": f"json-{secrets.token_hex(4)}", "m": f"j{secrets.token_hex(4)}"}
    (folder / f"{names['m']}.py").write_text(STORLETS["upper.py"])
    (folder / f"{names['m']}_data").write_text("data")
    environ = {"STORLET_SHELL_DATA": str(swift.folder)}
    for name, content in {"o": b"text", "bytes": b"\xff\x00"}.items():
        assert storlets("mkdir", names["c"]).status == 0
        assert storlets("upload", f"{names['c']}/{name}", stdin=content).status == 0

    def run(line: str) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            outcome = storlets(*shlex.split(line.format(**names)), "--json", stdin=b"text", environ=environ)
        assert outcome.status == 0, outcome.err
        return outcome.json

    yield run
    storlets("undeploy", f"{names['m']}.py", "-y", "--with-dependencies")


@pytest.mark.parametrize(("command", "line"), LINES, ids=[line for _, line in LINES])
def test_result_is_what_its_schema_says(at: Any, command: str, line: str) -> None:
    """Its keys, and the types of its values; what is declared by a choice of types has one of them."""
    document = at(line)
    check(command, document)
    if command not in ("info", "local env"):  # their keys are Swift's and the environment's
        wrong = [key for key in keys(document) if not re.fullmatch("[a-z][a-z0-9_]*", key)]
        assert wrong == []


def keys(value: Any) -> Iterator[str]:
    """Yield the keys of a document, at any depth."""
    for key, item in value.items() if isinstance(value, dict) else ():
        yield key
        if key not in OPEN:
            yield from keys(item)
    for item in value if isinstance(value, list) else ():
        yield from keys(item)


def test_every_command_has_a_schema_and_a_line() -> None:
    """A new command or action without them fails here."""
    assert sorted(SCHEMAS) == sorted(all_lines())
    assert sorted({command for command, _ in LINES} | set(ELSEWHERE)) == sorted(SCHEMAS)
    for line, file in ELSEWHERE.items():
        assert f'check("{line}", ' in (ROOT / file).read_text(), line


@pytest.mark.parametrize(
    ("words", "status"), [(["get", "no-container/o"], 404), (["get"], None), (["stat", "no-container"], 404)]
)
def test_failure_is_what_its_schema_says(run: Runner, words: list[str], status: int | None) -> None:
    """Null where nothing is known."""
    document = run(*words, "--json").json
    check("failure", document)
    assert document["status"] == status
    assert document["details"] is None


def test_no_value_is_a_sentence(at: Any) -> None:
    """What people read as yes, a dash or an amount is a boolean, null or a number."""
    status, who, shown = at("local status"), at("whoami"), at("storlets show upper.py")
    assert (status["running"], who["storlets_enabled"], shown["missing_dependencies"]) == (True, True, [])
    assert status["memory_limit_bytes"] == 512 * 2**20
    assert status["time_limit_seconds"] == 40
    for time in (status["started_at"], who["token_expires_at"], shown["last_modified"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time)


def test_log_is_one_record_for_each_run(run: Runner, here: str, tmp_path: Path) -> None:
    """How each ended, and what it logged; people read the log as it is."""
    name = f"l{secrets.token_hex(4)}"
    (tmp_path / f"{name}.py").write_text(STORLETS["raises.py"])
    assert run("deploy", str(tmp_path / f"{name}.py")).status == 0
    for _ in range(2):
        assert run("get", f"{here}/o", "--storlet", f"{name}.py").status == 6
    first, second = run("logs", f"{name}.py", "--json").json["rows"]
    assert first["succeeded"] is second["succeeded"] is False
    assert first["transaction"] != second["transaction"]
    assert first["request"] == f"GET /v1/AUTH_local/{here}/o"
    assert "ValueError" in first["error"]
    assert "Traceback" in first["text"]
    assert run("logs", f"{name}.py").text.startswith(f"--- {first['time']} {first['transaction']} ")
