"""Standard storlets by name: deployed, listed, completed, refused."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from storlet_shell import shelf
from storlet_shell.adapters.completion.cursor import candidates
from storlet_shell.adapters.completion.names import complete
from storlet_shell.deployments.deployed import table_of_standard_storlets
from storlet_shell.deployments.package import standard_package
from storlet_shell.deployments.review import review
from storlet_shell.deployments.versions import etag_of
from storlet_shell.session import Session, Surroundings
from storlet_shell.spec.arguments import Kind
from storlet_shell.spec.registry import Registry
from storlet_shell.wire.client import Client
from tests.support.functions import deploy
from tests.support.lines import Runner, one_line
from tests.support.responder import Responder

pytestmark = pytest.mark.slow

NAMES = list(shelf.STANDARD)


@pytest.mark.parametrize("name", NAMES)
def test_deployed_file_passes_all_checks(name: str) -> None:
    """Without a note: whatever it imports is in Python's own library, or it can do without it, with a message."""
    package = review(standard_package(f"std:{name}"))
    assert package.notes == ()
    assert (package.storlet.name, package.main) == (f"std_{name}.py", f"std_{name}.FunctionStorlet")
    foreign = {module for module, origin in package.imports.items() if origin != "standard library"}
    assert foreign <= ({"PIL"} if name == "thumbnail" else set())


@pytest.mark.parametrize("name", NAMES)
def test_deployed_file_is_for_older_pythons(name: str) -> None:
    """Its syntax is that of Python 3.8, and it is one function with a docstring, parameters, and their defaults."""
    code = standard_package(f"std:{name}").code
    tree = ast.parse(code, feature_version=(3, 8))
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    docstring = ast.get_docstring(function) or ""
    parameters = [argument.arg for argument in function.args.args[1:] if argument.arg not in ("metadata", "logger")]
    assert [parameter for parameter in parameters if f":param {parameter}:" not in docstring] == []
    assert len(function.args.defaults) >= len(parameters) - 1


def test_every_module_of_the_shelf_belongs_to_a_storlet() -> None:
    """None is forgotten in the list of standard storlets, or left over."""
    used = {module for name in NAMES for module in shelf.modules_of(name)}
    folder = Path(shelf.__file__).parent
    assert {file.stem for file in folder.glob("*.py")} - {"__init__"} == {name for name in used if "/" not in name}


@pytest.mark.parametrize("name", NAMES)
def test_standard_storlet_is_explained_before_it_is_deployed(
    run_scripted: Runner, responder: Responder, name: str
) -> None:
    """A sentence for each parameter, and the values that it takes; nothing is sent."""
    page = run_scripted("help", f"std:{name}").text
    assert f"--storlet std_{name}.py" in page.splitlines()[-1]
    assert all(len(line.split()) > 3 for line in page.splitlines() if line.startswith("  "))
    assert responder.requests == []


def test_standard_name_is_told_the_deployed_one(run_scripted: Runner) -> None:
    """Wherever a deployed storlet is meant; an unknown one is told the closest."""
    page = run_scripted("help", "std:grep").text
    assert "\n  invert        return the lines that don't match (true or false; default: false)\n" in page
    assert page.endswith("\n  get CONTAINER/OBJECT --storlet std_grep.py -p pattern=…\n")
    for words in (("storlets", "show", "std:grep"), ("get", "c/o", "--storlet", "std:grep")):
        outcome = run_scripted(*words)
        assert (outcome.status, one_line(outcome).endswith("; did you mean std_grep.py?")) == (2, True)
    assert "did you mean std:grep?" in one_line(run_scripted("help", "std:gerp"))


def test_standard_storlet_is_deployed_and_runs(run: Runner, container: str) -> None:
    """Under its own name, by the same line as a file; deployed again, it is replaced."""
    outcome = run("deploy", "std:grep")
    assert outcome.text.endswith("deployed std_grep.py (main std_grep.FunctionStorlet) into container storlet\n")
    run("upload", f"{container}/o", stdin=b"one\ntwo\n")
    assert run("get", f"{container}/o", "--storlet", "std_grep.py", "-p", "pattern=t").text == "two\n"
    words = ["--with-invoke", "--input", f"path:/{container}/o", "--print-result", "-p", "pattern=one"]
    assert run("deploy", "std:grep", *words).text == "one\n"
    bad = run("get", f"{container}/o", "--storlet", "std_grep.py", "-p", "patern=t")
    assert (bad.status, one_line(bad)) == (
        2,
        "parameter patern: grep has no such parameter; did you mean pattern?",
    )


def test_dry_run_sends_nothing(run_scripted: Runner, responder: Responder) -> None:
    """It shows the request."""
    outcome = run_scripted("deploy", "std:grep", "--dry-run", "--json")
    (request,) = outcome.json["requests"]
    assert request["url"].endswith("/storlet/std_grep.py")
    assert request["headers"]["X-Object-Meta-Storlet-Main"] == "std_grep.FunctionStorlet"
    assert responder.requests == []


def test_dry_run_runs_it_here(run_scripted: Runner, responder: Responder) -> None:
    """Over standard input."""
    words = ["deploy", "std:checksum", "--dry-run", "--input", "-"]
    outcome = run_scripted(*words, stdin=b"a\n")
    assert (outcome.status, outcome.err) == (0, "")
    assert '"lines": 1' in outcome.text
    assert responder.requests == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["std:gerp"], "std:gerp isn't a standard storlet; did you mean std:grep? there are: checksum, "),
        (["std:zzz"], "std:zzz isn't a standard storlet; there are: checksum, "),
        (["std:"], "std: isn't a standard storlet; there are: checksum, "),
        (["std:grep", "--main", "grep"], "std:grep comes with its own code and main class; pass neither"),
        (["std:grep", "-d", "std_grep.py"], "dependency std_grep.py has the same name as the storlet"),
        (["csv.py"], "csv.py needs another name: Python or the engine has its own module csv, which engines would"),
    ],
)
def test_what_can_not_be_deployed_is_refused(
    run_scripted: Runner,
    responder: Responder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    """In one line, and nothing is sent."""
    monkeypatch.chdir(tmp_path)
    Path("csv.py").write_text("def f(data: bytes): return data\n")
    Path("std_grep.py").write_text("")
    outcome = run_scripted("deploy", *words)
    assert (outcome.status, one_line(outcome)[: len(message)]) == (2, message)
    assert responder.logins == []


def test_standard_storlets_are_listed_with_their_state(run: Runner, real_client: Client) -> None:
    """Not deployed, deployed in this version, or in another one."""
    run("undeploy", "-y", "std_head.py")
    assert run("deploy", "std:sample").status == 0
    deploy(real_client, "std_mask")
    rows = {row["name"]: row for row in run("storlets", "std", "--json").json["rows"]}
    assert list(rows) == [f"std:{name}" for name in NAMES]
    states = [(rows[f"std:{name}"]["deployed"], rows[f"std:{name}"]["current"]) for name in ("head", "sample", "mask")]
    assert states == [(False, None), (True, True), (True, False)]
    assert rows["std:grep"]["parameters"][0] == {"name": "pattern", "type": "str", "default": None}
    lines = run("storlets", "std").text.splitlines()
    assert next(line for line in lines if line.startswith("std:sample")).split()[1:3] == ["yes", "yes"]
    run("undeploy", "-y", "std_mask.py")


def test_another_container_is_possible(run: Runner, container: str) -> None:
    """As for a file; the list looks there, too."""
    outcome = run("deploy", "std:head", "-c", container)
    assert (outcome.status, f"into container {container}" in outcome.text) == (0, True)
    rows = run("storlets", "std", "-c", container, "--json").json["rows"]
    assert [row["name"] for row in rows if row["deployed"]] == ["std:head"]


def test_padded_copy_is_this_version() -> None:
    """On upstream's engine, a new version is as long as an old one, by line ends."""
    code = standard_package("std:grep").code + b"\n\n\n"
    table = table_of_standard_storlets({"grep": {"bytes": len(code), "hash": etag_of(code)}})
    assert {row.name: (row.deployed, row.current) for row in table}["std:grep"] == (True, True)


def test_list_needs_no_identity(run: Runner) -> None:
    """Without one, it isn't known what is deployed."""
    outcome = run("storlets", "std", "--json", environ={"ST_AUTH": "", "ST_USER": "", "ST_KEY": ""})
    assert outcome.status == 0
    assert {(row["deployed"], row["current"]) for row in outcome.json["rows"]} == {(None, None)}
    assert one_line(outcome).startswith("warning: it isn't known which of them are deployed: no identity")


def test_run_of_one_that_is_not_deployed_says_which_line_deploys_it(run: Runner, container: str) -> None:
    """Instead of a similar name."""
    run("upload", f"{container}/o", stdin=b"x")
    run("undeploy", "-y", "std_checksum.py")
    outcome = run("get", f"{container}/o", "--storlet", "std_checksum.py")
    message = "storlet std_checksum.py isn't deployed; deploy it: deploy std:checksum (transaction "
    assert (outcome.status, one_line(outcome)[: len(message)]) == (4, message)


def test_names_complete(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After their prefix, which is offered among the files."""
    monkeypatch.chdir(tmp_path)
    with Session(Surroundings({})) as session:
        assert [entry.text for entry in complete(session, Kind.CODE, "")] == ["std:"]
        assert [entry.text for entry in complete(session, Kind.CODE, "std:s")] == [
            "std:sample",
            "std:select",
            "std:stats",
        ]
        assert all(entry.final and entry.note for entry in complete(session, Kind.CODE, "std:"))
        assert [entry.text for entry in candidates(session, Registry(), ["deploy"], "std:gr")] == ["std:grep"]
