"""Storlets by commands on the real Swift with the real middleware: deploy, list, run, undeploy."""

from __future__ import annotations

import json
import os
import time
import zipfile
from pathlib import Path

import pytest

from storlet_shell.errors import NotFoundError, UsageError
from storlet_shell.session import Session, Surroundings
from storlet_shell.spec.registry import Registry
from storlet_shell.wire.client import Client
from tests.support.fixtures import TEXT
from tests.support.functions import deploy
from tests.support.lines import Runner, one_line
from tests.support.responder import Responder, html, ok
from tests.support.storlets import STORLETS, storlet
from tests.support.variants import fast_and_slow

TRIED = """
import os, subprocess, sys


class Main:
    def __init__(self, logger):
        pass

    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({{}})
        {}
"""


def write(folder: Path, name: str, code: str) -> str:
    """Write a storlet's file; return its path."""
    (folder / name).write_text(code)
    return str(folder / name)


# --- deployment


def test_deployed_storlet_is_listed_with_its_description(storlets: Runner) -> None:
    """Language, main class, dependencies and date."""
    rows = {row["name"]: row for row in storlets("storlets", "--json").json["rows"]}
    assert set(STORLETS) <= set(rows)
    assert rows["upper.py"].items() >= {"language": "python", "main": "upper.Main", "dependencies": []}.items()
    assert rows["upper.py"]["last_modified"].startswith("20")


@pytest.mark.parametrize("command", ["deploy", "storletapp"])
def test_storlet_is_deployed_from_standard_input(storlets: Runner, here: str, command: str) -> None:
    """As from a heredoc or a cell: the class is named, its code follows."""
    outcome = storlets(command, "piped.Main", stdin=STORLETS["upper.py"].encode())
    assert outcome.status == 0
    assert outcome.text.endswith("deployed piped.py (main piped.Main) into container storlet\n")
    assert storlets("get", f"{here}/o", "--storlet", "piped.py").out == TEXT.upper()


def test_undeployed_storlet_runs_no_more(storlets: Runner, here: str, tmp_path: Path) -> None:
    """Its name is unknown at once."""
    assert storlets("deploy", write(tmp_path, "gone.py", STORLETS["upper.py"])).status == 0
    assert storlets("get", f"{here}/o", "--storlet", "gone.py").status == 0
    assert storlets("undeploy", "-y", "gone.py").text == "undeployed gone.py\n"
    outcome = storlets("get", f"{here}/o", "--storlet", "gone.py")
    assert (outcome.status, one_line(outcome).startswith("storlet gone.py isn't deployed; ")) == (4, True)


@pytest.mark.parametrize(
    ("name", "hint"),
    fast_and_slow(
        [("upper.Main", "did you mean upper.py?"), ("9999.jar", "see: storlets")],
        [(name, "did you mean upper.py?") for name in ("upper", "Upper.py", "uper")],
    ),
)
def test_storlet_that_is_meant_is_told(storlets: Runner, here: str, name: str, hint: str) -> None:
    """As for commands and options; each command that runs storlets, or undeploys them, looks once."""
    for words in (
        ["get", f"{here}/o", "--storlet"],
        ["put", "-", f"{here}/p", "--storlet"],
        ["copy", f"{here}/o", f"{here}/p", "--storlet"],
        ["map", "--input", f"path:/{here}/o", "--storlet"],
        ["undeploy", "-y"],
        ["undeploy", "-y", "--with-dependencies"],
        ["logs"],
    ):
        outcome = storlets(*words, name, stdin=TEXT)
        told = one_line(outcome).split(" (")[0]
        assert (outcome.status, told) == (4, f"storlet {name} isn't deployed; {hint}"), words
    other = storlets("undeploy", "-y", name, "-c", here)
    assert one_line(other).startswith(f"storlet {name} isn't deployed; see: storlets -c {here} (")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "empty"),
        ("  \n\n", "empty"),
        ("class Main(:\n", "{file}:1:"),
        ("x = 1\n\n  y = 2\n", "{file}:3:"),
        ("x = 1\n", "class"),
        ("class Main:\n    pass\n", "class"),
        (
            "class A:\n    def __call__(self, i, o, p): pass\nclass B(A):\n    def __call__(self, i, o, p): pass\n",
            ": A, B; name it with --main",
        ),
        ("\x00", "{file}"),
    ],
    ids=["empty", "blank", "syntax", "indent", "no class", "not callable", "two classes", "NUL"],
)
def test_code_that_is_no_storlet_is_not_deployed(
    run_scripted: Runner, responder: object, tmp_path: Path, code: str, said: str
) -> None:
    """The mistake is found here, named with its line, and nothing is sent."""
    file = write(tmp_path, "bad.py", code)
    outcome = run_scripted("deploy", file)
    assert outcome.status == 2, outcome.err
    assert said.format(file=file) in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err
    assert responder.logins == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("code", "message", "shown"),
    [
        ("x = 1\n\nclass Main\n    pass\n", "3: expected ':'", ["    class Main", "              ^"]),
        ("def (:\n", "1: ", ["    def (:", "        ^"]),
        (f"x = [{'1, ' * 100}\n", "1: '[' was never closed", []),
    ],
)
def test_line_that_is_no_python_is_shown(
    run_scripted: Runner, tmp_path: Path, code: str, message: str, shown: list[str]
) -> None:
    """Above the message, with a caret under the place, unless it is too long to be looked at."""
    file = write(tmp_path, "bad.py", code)
    *above, last = run_scripted("deploy", file).err.splitlines()
    assert last.startswith(f"storlet-shell: {file}:{message}")
    assert above == shown


def test_main_class_that_is_absent_is_named(run_scripted: Runner, tmp_path: Path) -> None:
    """By position and by option."""
    file = write(tmp_path, "good.py", STORLETS["upper.py"])
    assert "Other" in one_line(run_scripted("deploy", file, "--main", "Other"))
    outcome = run_scripted("deploy", "good.Other", stdin=STORLETS["upper.py"].encode())
    assert (outcome.status, "Other" in one_line(outcome)) == (2, True)


class Watched(Surroundings):
    """Somebody who answers yes."""

    asked = 0

    def is_watched(self) -> bool:
        """Tell that somebody is."""
        return True

    def ask(self, question: str) -> bool:
        """Count."""
        self.asked += 1
        return True


def test_nobody_is_asked_about_a_storlet_that_is_not_there(storlets: Runner, tmp_path: Path) -> None:
    """It is looked up before, but only where there is a question."""
    watched, undeploy = Watched(storlets.environ), Registry().get("undeploy")
    with Session(watched) as session:
        with pytest.raises(NotFoundError, match=r"storlet none\.py isn't deployed"):
            undeploy.call(["none.py"]).run(session)
        assert watched.asked == 0
        assert storlets("deploy", write(tmp_path, "gone.py", STORLETS["upper.py"])).status == 0
        undeploy.call(["gone.py"]).run(session)
        assert watched.asked == 1


@pytest.mark.parametrize("folder", ["", "./"])
def test_file_without_its_end_is_found(
    run_scripted: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """A name alone suggests the file of that name, except where code follows the line."""
    write(tmp_path, "warm.py", STORLETS["upper.py"])
    monkeypatch.chdir(tmp_path)
    outcome = run_scripted("deploy", f"{folder}warm")
    assert (outcome.status, one_line(outcome).endswith(f"; did you mean {folder}warm.py?")) == (2, True)
    assert "did you mean" not in one_line(run_scripted("deploy", "cold"))


@pytest.mark.parametrize("name", ["a b.py", "ü.py", "a-b.py", "1a.py"])
def test_file_whose_name_can_not_be_a_module_is_refused(run_scripted: Runner, tmp_path: Path, name: str) -> None:
    """It would deploy and fail at every run."""
    assert run_scripted("deploy", write(tmp_path, name, STORLETS["upper.py"])).status == 2


@pytest.mark.slow
def test_dependencies_are_uploaded_and_reach_the_storlet(storlets: Runner, here: str, tmp_path: Path) -> None:
    """A dependency can be imported as a module, or run as a program."""
    (tmp_path / "greeting.py").write_text("WORD = b'good morning'")
    tool = tmp_path / "tool.sh"
    tool.write_text("#!/bin/sh\necho tool ran\n")
    tool.chmod(0o755)
    code = storlet(
        """
        import os, subprocess, greeting
        source.read()
        target.set_metadata({})
        beside = os.path.join(os.path.dirname(os.path.abspath(greeting.__file__)), "tool.sh")
        target.write(greeting.WORD + b", " + subprocess.check_output([beside]))
        target.close()
        """
    )
    needs = f"{tmp_path / 'greeting.py'},{tool}"
    assert storlets("deploy", write(tmp_path, "needy.py", code), "--dependencies", needs).status == 0
    assert storlets("get", f"{here}/o", "--storlet", "needy.py").out == b"good morning, tool ran\n"
    (row,) = [row for row in storlets("storlets", "--json").json["rows"] if row["name"] == "needy.py"]
    assert row["dependencies"] == ["greeting.py", "tool.sh"]


def test_missing_dependency_is_not_deployed(storlets: Runner, tmp_path: Path) -> None:
    """A name that is neither a file nor deployed stops the deployment."""
    file = write(tmp_path, "alone.py", STORLETS["upper.py"])
    for name in ("nowhere.py", "./nowhere.py"):
        outcome = storlets("deploy", file, "-d", name)
        assert (outcome.status, "nowhere.py" in one_line(outcome)) == (4, True)
    assert "alone.py" not in storlets("storlets").text


def test_first_run_comes_with_the_deployment(storlets: Runner, here: str, tmp_path: Path) -> None:
    """Deployed, run over an object, and its result shown when asked for."""
    file = write(tmp_path, "both.py", STORLETS["upper.py"])
    shown = storlets("deploy", file, "--with-invoke", "--input", f"path:/{here}/o", "--print-result")
    assert (shown.status, shown.out) == (0, TEXT.upper())
    told = storlets("deploy", file, "--with-invoke", "--input", f"path:/{here}/o")
    assert told.status == 0
    assert TEXT.upper() not in told.out
    assert f"{len(TEXT)} bytes" in told.text


def test_first_run_wants_an_input(run_scripted: Runner, tmp_path: Path) -> None:
    """A usage error, before anything is deployed."""
    file = write(tmp_path, "both.py", STORLETS["upper.py"])
    assert run_scripted("deploy", file, "--with-invoke").status == 2
    assert run_scripted("deploy", file, "--with-invoke", "--input", "c/o").status == 2


def test_first_run_is_of_what_was_deployed(storlets: Runner, here: str, tmp_path: Path) -> None:
    """Servers run the storlets of one container: of the same name in another, the wrong one would run."""
    file = write(tmp_path, "both.py", STORLETS["upper.py"])
    outcome = storlets("deploy", file, "-c", here, "--with-invoke", "--input", f"path:/{here}/o")
    assert outcome.status == 2
    assert here in one_line(outcome)
    assert "both.py" not in storlets("ls", here).text
    assert storlets("deploy", file, "-c", "storlet", "--with-invoke", "--input", f"path:/{here}/o").status == 0


def test_first_run_that_fails_leaves_the_deployment(storlets: Runner, here: str, tmp_path: Path) -> None:
    """The status is the storlet's; that it was deployed is said."""
    file = write(tmp_path, "fails.py", STORLETS["raises.py"])
    outcome = storlets("deploy", file, "--with-invoke", "--input", f"path:/{here}/o")
    assert outcome.status == 6
    assert "deployed fails.py" in outcome.err
    assert "on purpose" in outcome.err


@pytest.mark.slow
@pytest.mark.parametrize("source", ["file", "object"])
def test_trial_runs_here_and_changes_nothing(storlets: Runner, here: str, tmp_path: Path, source: str) -> None:
    """--dry-run --input runs the code on this machine; nothing is deployed."""
    (tmp_path / "input").write_bytes(TEXT)
    input = str(tmp_path / "input") if source == "file" else f"path:/{here}/o"
    file = write(tmp_path, "tried.py", STORLETS["upper.py"])
    outcome = storlets("deploy", file, "--dry-run", "--input", input)
    assert outcome.status == 0, outcome.err
    assert b"HELLO" in outcome.out
    assert "tried.py" not in storlets("storlets").text


def test_dry_run_reads_standard_input(storlets: Runner, tmp_path: Path) -> None:
    """``-`` is standard input there, too; without one, that is said."""
    (tmp_path / "upper.py").write_text(STORLETS["upper.py"])
    words = ["deploy", str(tmp_path / "upper.py"), "--dry-run", "--input", "-"]
    outcome = storlets(*words, stdin=b"text\n")
    assert outcome.status == 0, outcome.err
    assert outcome.text.endswith("output:\nTEXT\n")
    with Session() as session, pytest.raises(UsageError, match="-: standard input isn't available here; name a file"):
        Registry().get("deploy").call(words[1:]).run(session)


def test_trial_shows_why_it_fails(storlets: Runner, tmp_path: Path) -> None:
    """Status 6 and the traceback, without a server."""
    (tmp_path / "input").write_bytes(TEXT)
    file = write(tmp_path, "tried.py", STORLETS["raises.py"])
    outcome = storlets("deploy", file, "--dry-run", "--input", str(tmp_path / "input"))
    assert outcome.status == 6
    assert "on purpose" in outcome.err


def test_trial_of_a_storlet_that_exits_has_failed(storlets: Runner, tmp_path: Path) -> None:
    """As in the engine, whatever its status is."""
    (tmp_path / "input").write_bytes(TEXT)
    for ending, said in (("sys.exit(0)", "SystemExit: 0"), ("os._exit(0)", "status 0")):
        file = write(tmp_path, "exits.py", TRIED.format(ending))
        outcome = storlets("deploy", file, "--dry-run", "--input", str(tmp_path / "input"))
        assert outcome.status == 6
        assert said in outcome.err


def test_trial_leaves_nothing_running(storlets: Runner, tmp_path: Path) -> None:
    """What a storlet starts ends with its trial, and does not keep it waiting."""
    (tmp_path / "input").write_bytes(TEXT)
    file = write(
        tmp_path, "starts.py", TRIED.format("out_files[0].write(b'%d' % subprocess.Popen(['sleep', '99']).pid)")
    )
    outcome = storlets("deploy", file, "--dry-run", "--input", str(tmp_path / "input"), "--json")
    assert outcome.status == 0, outcome.err
    status = Path(f"/proc/{outcome.json['output']}/status")
    deadline = time.monotonic() + 10
    while status.exists() and "State:\tZ" not in status.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- runs


@pytest.mark.parametrize("where", [[], ["--on-proxy"], ["--on-node"]], ids=["default", "proxy", "node"])
@pytest.mark.parametrize("size", [0, 1, 70_000, 2_000_000])
def test_get_runs_a_storlet_over_the_whole_object(
    storlets: Runner, container: str, where: list[str], size: int
) -> None:
    """Every byte, wherever it runs."""
    content = (os.urandom(1000).hex().encode() * (size // 1000 + 1))[:size]
    storlets("upload", f"{container}/o", stdin=content)
    assert storlets("get", f"{container}/o", "--storlet", "upper.py", *where).out == content.upper()


@pytest.mark.parametrize("where", [[], ["--on-proxy"]], ids=["default", "proxy"])
def test_parameters_arrive(storlets: Runner, here: str, where: list[str]) -> None:
    """Percent signs, colons, equals signs, spaces, quotes and every script."""
    given = {"a": "b", "empty": "", "colon": "x:y", "equals": "x=y", "percent": "%41%", "plus": "a+b", "ü€": "日本 😀"}
    words = [word for key, value in given.items() for word in ("-p", f"{key}={value}")]
    outcome = storlets("get", f"{here}/o", "--storlet", "tell.py", *words, *where)
    assert (outcome.status, json.loads(outcome.out)) == (0, given)


def test_put_stores_what_the_storlet_makes(storlets: Runner, here: str, tmp_path: Path) -> None:
    """From a file and from standard input."""
    (tmp_path / "f").write_bytes(TEXT)
    assert storlets("put", str(tmp_path / "f"), f"{here}/p", "--storlet", "twice.py").status == 0
    assert storlets("get", f"{here}/p").out == TEXT * 2
    assert storlets("put", "-", f"{here}/p", "--storlet", "upper.py", stdin=TEXT).status == 0
    assert storlets("get", f"{here}/p").out == TEXT.upper()


def test_put_through_a_storlet_of_an_empty_file(storlets: Runner, here: str) -> None:
    """Nothing in, twice nothing out."""
    assert storlets("put", "/dev/null", f"{here}/p", "--storlet", "twice.py").status == 0
    assert storlets("get", f"{here}/p").out == b""


@pytest.mark.parametrize("where", [[], ["--on-proxy"], ["--on-node"]], ids=["default", "proxy", "node"])
def test_copy_stores_what_the_storlet_makes(storlets: Runner, here: str, where: list[str]) -> None:
    """Inside the cluster."""
    outcome = storlets("copy", f"{here}/o", f"{here}/made", "--storlet", "twice.py", *where)
    assert outcome.text == f"path:/{here}/made: created from path:/{here}/o by twice.py (HTTP 201)\n"
    assert storlets("get", f"{here}/made").out == TEXT * 2


@pytest.mark.parametrize(
    "name",
    fast_and_slow(["raises.py", "later.py", "silent.py"], ["strs.py", "quits.py", "crlf.py", "fat.py"]),
)
@pytest.mark.parametrize("verb", fast_and_slow(["put"], ["copy"]))
def test_failing_storlet_stores_nothing(storlets: Runner, here: str, verb: str, name: str) -> None:
    """Status 6, the reason, and what was there before is still there."""
    storlets("upload", f"{here}/target", stdin=b"before")
    words = ["put", "-"] if verb == "put" else ["copy", f"{here}/o"]
    for target, held in (("target", b"before"), ("new", None)):
        outcome = storlets(*words, f"{here}/{target}", "--storlet", name, stdin=TEXT)
        assert outcome.status == 6, outcome.err
        assert outcome.err.splitlines()[-1].startswith(f"storlet-shell: storlet {name} failed on path:/{here}/")
        assert outcome.out == b""
        read = storlets("get", f"{here}/{target}")
        assert read.out == (held or b"")
        assert read.status == (0 if held else 4)


@pytest.mark.parametrize("where", [[], ["--on-proxy"]], ids=["node", "proxy"])
def test_range_feeds_a_part(storlets: Runner, here: str, where: list[str]) -> None:
    """First and last, open, and the last so many bytes."""
    for text, part in (("0-4", b"HELLO"), ("6-", b"WORLD\n"), ("-3", b"LD\n"), ("3-3", b"L")):
        outcome = storlets("get", f"{here}/o", "--storlet", "upper.py", f"--range={text}", *where)
        assert (outcome.status, outcome.out) == (0, part), outcome.err


def test_range_beyond_the_object_is_one_line(storlets: Runner, here: str) -> None:
    """416 is an error of the line's."""
    outcome = storlets("get", f"{here}/o", "--storlet", "upper.py", "--range", "1000-2000")
    assert outcome.status == 1
    assert "range" in one_line(outcome)


def test_extra_resources_are_further_inputs(storlets: Runner, here: str) -> None:
    """In their order, under names with commas and spaces too."""
    storlets("upload", f"{here}/a, b", stdin=b"second")
    storlets("upload", f"{here}/ü%", stdin=b"third")
    extra = ["--extra", f"path:/{here}/a, b", "--extra", f"path:/{here}/ü%"]
    assert storlets("get", f"{here}/o", "--storlet", "join.py", *extra).out == b"[%b][second][third]" % TEXT
    assert storlets("copy", f"{here}/o", f"{here}/all", "--storlet", "join.py", *extra).status == 0
    assert storlets("get", f"{here}/all").out == b"[%b][second][third]" % TEXT


def test_storlets_content_type_and_metadata_are_the_answers(storlets: Runner, here: str) -> None:
    """The content type is replaced, metadata come as headers, and stay with a copy."""
    headers = storlets("get", f"{here}/o", "--storlet", "typed.py", "--on-proxy", "--json").json["headers"]
    assert headers["Content-Type"] == "application/x-made"
    assert headers["X-Object-Meta-Note"] == "grün"
    assert storlets("put", "-", f"{here}/typed", "--storlet", "typed.py", stdin=TEXT).status == 0
    assert storlets("get", f"{here}/typed", "--json").json["headers"]["X-Object-Meta-Note"] == "grün"


def test_result_of_a_storlet_can_be_saved(storlets: Runner, here: str, tmp_path: Path) -> None:
    """What failed half way leaves no file, what succeeded does."""
    target = tmp_path / "f"
    assert storlets("get", f"{here}/o", "--storlet", "later.py", "--save", str(target)).status in (5, 6)
    assert list(tmp_path.iterdir()) == []
    assert storlets("get", f"{here}/o", "--storlet", "upper.py", "--save", str(target)).status == 0
    assert target.read_bytes() == TEXT.upper()


@pytest.fixture
def jar(tmp_path: Path) -> str:
    """Make a jar that looks like a Java storlet's."""
    path = tmp_path / "words-1.0.jar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        archive.writestr("org/example/Words.class", b"\xca\xfe\xba\xbe")
    return str(path)


@pytest.mark.slow
def test_java_storlet_deploys_and_says_that_it_does_not_run_here(storlets: Runner, here: str, jar: str) -> None:
    """The real middleware takes it, the list shows it, and only a run says what is wrong with it."""
    assert storlets("deploy", jar, "--main", "org.example.Words").status == 0
    rows = {row["name"]: row for row in storlets("storlets", "--json").json["rows"]}
    assert rows["words-1.0.jar"].items() >= {"language": "java", "main": "org.example.Words"}.items()
    outcome = storlets("get", f"{here}/o", "--storlet", "words-1.0.jar")
    assert outcome.status == 6
    assert "java" in outcome.err.splitlines()[-1].lower()


@pytest.mark.parametrize(
    ("name", "main", "message"),
    [
        ("words-1.0.jar", None, "no main class found; name it with --main; it has: org.example.Words"),
        ("words-1.0.jar", "org.example.Word", "no class org.example.Word; it has: org.example.Words"),
        ("words.jar", "org.example.Words", "the file name of a Java storlet must be <name>-<version>.jar"),
        ("text-1.0.jar", "org.example.Words", "not a jar: File is not a zip file"),
    ],
)
def test_jar_that_is_no_storlet_is_not_sent(
    run_scripted: Runner, responder: Responder, jar: str, name: str, main: str | None, message: str
) -> None:
    """What the server would take, and every run would fail over, is refused here."""
    path = Path(jar).rename(Path(jar).with_name(name))
    if name.startswith("text"):
        path.write_text("no archive")
    outcome = run_scripted("deploy", str(path), *(["--main", main] if main else []))
    assert (outcome.status, one_line(outcome)) == (2, f"{name}: {message}")
    assert responder.requests == []


def test_account_that_is_not_enabled_is_said_to_be_so(
    run_scripted: Runner, responder: Responder, tmp_path: Path
) -> None:
    """The containers of storlets come with the account's enabling, not with mkdir."""
    for method, answer in (("HEAD", html(404)), ("PUT", html(404))):
        responder.on(method, "/storlet/upper.py", answer)
    outcome = run_scripted("deploy", write(tmp_path, "upper.py", STORLETS["upper.py"]))
    assert outcome.status == 4
    assert "the account isn't enabled for storlets; enable it: enable" in one_line(outcome)


# --- logs


def test_logs_show_what_ran(storlets: Runner, here: str) -> None:
    """What the storlet logged, and the run of one transaction alone."""
    storlets("get", f"{here}/o", "--storlet", "upper.py")
    assert "upper ran" in storlets("logs", "upper.py").text
    failed = storlets("get", f"{here}/o", "--storlet", "raises.py")
    transaction = failed.err.rsplit("(transaction ", 1)[1].split(")")[0]
    log = storlets("logs", "raises.py", "--transaction", transaction).text
    assert "ValueError: on purpose" in log
    assert log.count("Traceback") == 1


@pytest.mark.slow
def test_logs_are_selected(storlets: Runner, here: str) -> None:
    """The last runs, those after a time, those that failed; as text and as a document."""
    storlets("get", f"{here}/o", "--storlet", "raises.py")
    storlets("get", f"{here}/o", "--storlet", "upper.py")
    (run,) = storlets("logs", "raises.py", "-n", "1", "--json").json["rows"]
    assert (run["succeeded"], run["error"]) == (False, "raised: ValueError: on purpose")
    log = storlets("logs", "raises.py", "--last", "1", "--failed", "--since", "1h").text
    assert (
        log
        == f"--- {run['time']} {run['transaction']} {run['request']}: {run['error']} ({run['seconds']:.3f} s)\n"
        + (run["text"])
    )
    assert storlets("logs", "upper.py", "--failed").text == ""
    assert storlets("logs", "upper.py", "--since", "2100-01-01").text == ""


def test_log_that_does_not_separate_runs_is_not_selected_from(run_scripted: Runner, responder: Responder) -> None:
    """Its last lines are shown; by time or by outcome, nothing can be told."""
    responder.on("GET", "/storletlog/upper.py.log", ok(b"one\ntwo\nthree\n"))
    assert run_scripted("logs", "upper.py", "-n", "2").text == "two\nthree\n"
    for option in (["--failed"], ["--since", "1h"]):
        outcome = run_scripted("logs", "upper.py", *option)
        assert (outcome.status, "this cluster's log doesn't separate runs" in one_line(outcome)) == (2, True)


def test_failure_shows_its_traceback(storlets: Runner, here: str) -> None:
    """The user needs no second line to see why."""
    outcome = storlets("get", f"{here}/o", "--storlet", "raises.py")
    assert outcome.status == 6
    assert "raise ValueError('on purpose')" in outcome.err
    assert "ValueError: on purpose" in outcome.err.splitlines()[-1]
    as_json = storlets("get", f"{here}/o", "--storlet", "raises.py", "--json")
    assert as_json.json["error"] == "StorletFailedError"
    assert "Traceback" in as_json.json["details"]


@pytest.mark.slow
def test_failure_after_the_metadata_on_the_proxy_says_why(storlets: Runner, container: str) -> None:
    """Where nothing was sent yet, the answer has the reason; where something was, the body is cut."""
    storlets("upload", f"{container}/o", stdin=b"x")
    for _ in range(10):
        outcome = storlets("get", f"{container}/o", "--storlet", "strs.py", "--on-proxy")
        assert outcome.status in (5, 6)
        if outcome.status == 6:
            assert "bytes" in outcome.err.splitlines()[-1]
        else:
            assert "body ended early" in outcome.err


def test_function_is_shown_with_its_parameters(run: Runner, observed: Client, module: str) -> None:
    """By ``storlets show`` and by its help; a class has neither."""
    name, other = deploy(observed, module), deploy(observed, f"{module}x", STORLETS["upper.py"], "Main")
    signature = "shout(bytes, how: str = 'whole', seconds: float = 0.0, count: int = 1) -> bytes"
    assert f"function: {signature}\n" in run("storlets", "show", name).text
    shown = run("storlets", "show", name, "--json").json["function"]
    assert (shown["name"], shown["input"], shown["result"], shown["text"]) == ("shout", "bytes", "bytes", signature)
    assert shown["parameters"][2] == {"name": "count", "type": "int", "default": "1"}
    assert run("help", name).text.splitlines()[0] == signature
    assert run("storlets", "show", other, "--json").json["function"] is None
    assert "function:" not in run("storlets", "show", other).text
    outcome = run("help", other)
    assert (outcome.status, one_line(outcome)) == (4, f"no function is deployed as {other}; see: storlets")
