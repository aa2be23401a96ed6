"""``deploy``: what is deployed, and what is refused before any request."""

from __future__ import annotations

from pathlib import Path

import pytest

from storlet_shell.java import jar as jar_module
from tests.support.folders import write
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
from tests.support.lines import Runner, one_line
from tests.support.responder import Responder
from tests.support.storlets import STORLETS

WORDS = class_file("org/example/Words", [INTERFACE])
OTHER = class_file("org/example/Other", [INTERFACE])
PLAIN = class_file("org/example/Plain")


# --- Java


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the tests' Java storlet."""
    return compile_jar(tmp_path_factory.mktemp("java") / "identity-1.0.jar")


@pytest.mark.slow
@needs_jdk
def test_compiled_storlet_is_deployed_by_what_is_in_its_jar(storlets: Runner, container: str, compiled: Path) -> None:
    """The main class is found through the abstract one that it extends; the real middleware takes it; it runs."""
    outcome = storlets("deploy", str(compiled))
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.text == "deployed identity-1.0.jar (main org.example.Identity) into container storlet\n"
    rows = {row["name"]: row for row in storlets("storlets", "--json").json["rows"]}
    assert rows["identity-1.0.jar"].items() >= {"language": "java", "main": "org.example.Identity"}.items()
    assert storlets("storlets", "show", "identity-1.0.jar", "--json").json["main"] == "org.example.Identity"
    storlets("upload", f"{container}/o", stdin=b"x")
    run = storlets("get", f"{container}/o", "--storlet", "identity-1.0.jar")
    assert (run.out, run.err, run.status) == (b"x", "", 0)
    assert storlets("undeploy", "-y", "identity-1.0.jar").status == 0


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
        ("words-1.0.jar", {"a/B": PLAIN}, None, "no main class found; name it with --main; it has: a.B"),
        ("words-1.0.jar", {}, None, "no main class found; name it with --main; it has no classes"),
        (
            "words-1.0.jar",
            {"org/example/Words": WORDS, "org/example/Other": OTHER},
            None,
            "several classes could be the main one: org.example.Other, org.example.Words; name it with --main",
        ),
        (
            "words-1.0.jar",
            {"org/example/Words": WORDS, "a/B": PLAIN},
            "org.example.Word",
            "no class org.example.Word; it has: org.example.Words",
        ),
        ("words.jar", {"a/B": WORDS}, None, "the file name of a Java storlet must be <name>-<version>.jar"),
        ("words-.jar", {"a/B": WORDS}, None, "the file name of a Java storlet must be <name>-<version>.jar"),
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
        (PLAIN, "doesn't implement org.openstack.storlet.common.IStorlet"),
        (class_file("a/B", [INTERFACE], flags=PUBLIC | ABSTRACT), "is abstract"),
        (WORDS[:20], "can't read"),
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
        ("words-1.0.jar", b"", "not a jar"),
        ("words-1.0.jar", b"no archive", "not a jar: File is not a zip file"),
        ("words-1.0.jar", STORLETS["upper.py"].encode(), "not a jar: File is not a zip file"),
        ("words-1.0.jar", b"PK\x03\x04" + b"\x00" * 40, "not a jar"),
        ("words.py", b"PK\x03\x04" + b"\x00" * 40, "is an archive, not Python code"),
        ("words-1.0.zip", b"PK\x03\x04", "a storlet's file name ends with .py, .java or .jar"),
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
    assert (outcome.status, "name it with --main; it has: a.B" in one_line(outcome)) == (2, True)
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
    assert (outcome.status, "too large" in one_line(outcome)) == (2, True)


# --- Python

BROKEN = """\
import csv, tables
import nosuchmodule
class Broken:
    def __init__(self, logger):
        self.logger = logger
    async def __call__(self, in_files, out_files, params):
        print(nothing)
"""


def test_code_that_can_not_run_is_refused(run_scripted: Runner, responder: Responder, tmp_path: Path) -> None:
    """The message names the file, the line, and the way out; its details name other problems; nothing is sent."""
    file = write(tmp_path, "broken.py", BROKEN)
    for options in ([], ["--dry-run"], ["--dry-run", "--input", file]):
        outcome = run_scripted("deploy", file, *options)
        assert outcome.status == 2
        second, first = outcome.err.splitlines()
        assert first.startswith(f"storlet-shell: {file}:6: Broken.__call__ is async def")
        assert first.endswith("(deploy it anyway: --force)")
        assert second.endswith(f"{file}:7: undefined name nothing")
    assert responder.logins == []


def test_forced_code_and_its_imports_are_warned_of(run_scripted: Runner, tmp_path: Path) -> None:
    """What was refused is a warning, in the order of the lines; dependencies' imports come last."""
    file = write(tmp_path, "broken.py", BROKEN)
    tables = write(tmp_path, "tables.py", "import otherwise\nimport broken\n")
    outcome = run_scripted("deploy", file, "-d", tables, "--dry-run", "--force")
    assert outcome.status == 0
    lines = [line.removeprefix("storlet-shell: ") for line in outcome.err.splitlines()]
    assert [line.partition(": ")[2][:40] for line in lines] == [
        f"{file}:2: import nosuchmodule"[:40],
        f"{file}:6: Broken.__call__ is async def"[:40],
        f"{file}:7: undefined name nothing"[:40],
        "tables.py:1: import otherwise: not among"[:40],
    ]
    assert "tables" not in outcome.err.splitlines()[0]


@pytest.mark.slow
def test_origin_of_each_import_is_in_the_result(storlets: Runner, tmp_path: Path, module: str) -> None:
    """Also of those that need no warning."""
    code = (
        STORLETS["upper.py"] + "import csv, os.path, tables\ntry:\n    import nosuch\nexcept ImportError:\n    pass\n"
    )
    tables = write(tmp_path, "tables.py", "")
    outcome = storlets("deploy", write(tmp_path, f"{module}.py", code), "-d", tables, "--json")
    assert (outcome.status, outcome.err) == (0, "")
    assert (
        outcome.json["imports"].items()
        >= {
            "csv": "standard library",
            "nosuch": "missing",
            "os.path": "standard library",
            "tables": "bundled",
        }.items()
    )
    assert storlets("undeploy", "-y", f"{module}.py", "--with-dependencies").status == 0


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
        (["-d", "a.py,a.py"], "dependency a.py is listed twice"),
        (["-d", "a.py", "-d", "{0}/a.py"], "dependency a.py is listed twice"),
        (["-d", "upper.py"], "dependency upper.py has the same name as the storlet"),
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


@pytest.mark.slow
def test_names_of_dependencies_that_are_too_long_together_are_refused(storlets: Runner, tmp_path: Path) -> None:
    """Swift keeps 256 bytes of a header's value; nothing is uploaded for a storlet that will not be."""
    files = [write(tmp_path, f"{'n' * 100}{number}.py", "") for number in range(3)]
    outcome = storlets("deploy", write(tmp_path, "many.py", STORLETS["upper.py"]), "-d", ",".join(files))
    assert (outcome.status, "314 bytes" in one_line(outcome)) == (2, True)
    assert "nnn" not in storlets("dependencies").text
