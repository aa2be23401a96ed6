"""``deploy FILE.java``: compiled here, deployed as a jar, and refused in one line if it can't run."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from storlet_shell.java import jdk
from storlet_shell.java.compiler import compile_classes, jar_of
from tests.support.jars import needs_jdk
from tests.support.lines import Runner, one_line

pytestmark = [pytest.mark.slow, needs_jdk]

HEAD = """\
import java.util.ArrayList;
import java.util.Map;
import org.openstack.storlet.common.*;

"""

INVOKE = """\
    public void invoke(ArrayList<StorletInputStream> inputs, ArrayList<StorletOutputStream> outputs,
            Map<String, String> parameters, StorletLogger logger) throws StorletException {
        ((StorletObjectOutputStream) outputs.get(0)).setMetadata(inputs.get(0).getMetadata());
"""

END = "    }\n}\n"


def write(path: Path, code: str) -> None:
    """Write a source, and create its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)


def java(name: str, *lines: str, package: str = "", flags: str = "public ", members: str = "") -> str:
    """Return the source of a storlet that sets the metadata of its input, and then runs the lines."""
    head = (f"package {package};\n" if package else "") + HEAD
    body = "".join(f"        {line}\n" for line in lines)
    return f"{head}{flags}class {name} implements IStorlet {{\n{members}{INVOKE}{body}{END}"


FIRST_LINE = HEAD.count("\n") + INVOKE.count("\n") + 2
"""The number of the first of the lines, in a source without a package and members."""


def planned(run: Runner, *words: str, stdin: bytes = b"") -> dict[str, str]:
    """Return the headers of the upload that a deployment would send, and its address."""
    outcome = run("deploy", *words, "--dry-run", "--json", stdin=stdin)
    assert (outcome.status, outcome.err) == (0, "")
    upload = outcome.json["requests"][-1]
    return {**upload["headers"], "url": upload["url"]}


def test_java_file_is_deployed_as_a_jar(run_scripted: Runner, tmp_path: Path) -> None:
    """Under the name of its class and version 1.0; the main class is the one of the file's name."""
    package = "org.example"
    write(tmp_path / "src/org/example/Words.java", java("Words", "Helper.help();", "new Second();", package=package))
    write(tmp_path / "src/org/example/Helper.java", f"package {package};\nclass Helper {{ static void help() {{}} }}\n")
    write(tmp_path / "src/org/example/Second.java", java("Second", package=package))
    write(tmp_path / "src/org/example/Broken.java", "not compiled, since nothing needs it")
    upload = planned(run_scripted, str(tmp_path / "src/org/example/Words.java"))
    assert upload["url"].endswith("/storlet/Words-1.0.jar")
    assert upload["X-Object-Meta-Storlet-Main"] == "org.example.Words"
    assert upload["X-Object-Meta-Storlet-Language"] == "java"
    named = planned(run_scripted, str(tmp_path / "src/org/example/Words.java"), "--main", "org.example.Second")
    assert named["X-Object-Meta-Storlet-Main"] == "org.example.Second"


def test_folder_may_have_a_name_that_the_compiler_would_expand(
    run_scripted: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``@src`` would be a list of arguments for ``javac``."""
    monkeypatch.chdir(tmp_path)
    for folder in ("@src", "-src"):
        write(tmp_path / folder / "Words.java", java("Words", "Helper.help();"))
        write(tmp_path / folder / "Helper.java", "class Helper { static void help() {} }\n")
        assert planned(run_scripted, f"./{folder}/Words.java")["X-Object-Meta-Storlet-Main"] == "Words"


def test_paths_may_contain_the_separator_of_path_lists(
    run_scripted: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sources, jars, the current folder, and the cache may have such paths; errors name the sources as usual."""
    home = tmp_path / "a:b"
    write(home / "src/org/example/Words.java", java("Words", "Helper.help();", "Tools.use();", package="org.example"))
    helper = "package org.example;\nclass Helper { static void help() { } }\n"
    write(home / "src/org/example/Helper.java", helper)
    write(tmp_path / "Tools.java", "package org.example;\npublic class Tools { public static void use() {} }\n")
    (home / "tools-1.0.jar").write_bytes(jar_of(compile_classes([tmp_path / "Tools.java"])))
    environ = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(home / "cache")}
    source = "src/org/example/Words.java"
    for folder, prefix in ((home, ""), (tmp_path, "a:b/"), (tmp_path, f"{home}/")):
        monkeypatch.chdir(folder)
        words = [f"{prefix}{source}", "-d", f"{prefix}tools-1.0.jar", "--dry-run", "--input", "-"]
        outcome = run_scripted("deploy", *words, stdin=b"x", environ=environ)
        assert (outcome.status, outcome.err) == (0, ""), folder
        write(home / "src/org/example/Helper.java", helper.replace("{ }", "{ none(); }"))
        outcome = run_scripted("deploy", *words, stdin=b"x", environ=environ)
        expected = f"{prefix}src/org/example/Helper.java:2: cannot find symbol: method none()"
        assert outcome.err.splitlines()[-1] == f"storlet-shell: {expected}"
        write(home / "src/org/example/Helper.java", helper)


def test_temporary_folder_that_java_cannot_use_is_refused(
    run_scripted: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is one line that names the variable for another one."""
    folder = tmp_path / "a:b"
    folder.mkdir()
    write(tmp_path / "Words.java", java("Words"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    outcome = run_scripted("deploy", str(tmp_path / "Words.java"), "--dry-run")
    expected = f"{folder}: Java can't use a folder whose path contains ':'; set TMPDIR to another one"
    assert (outcome.status, one_line(outcome)) == (2, expected)


def test_suffix_in_upper_case_is_refused(run_scripted: Runner, tmp_path: Path) -> None:
    """Neither a file nor code that follows the line is taken for Python."""
    write(tmp_path / "Words.JAVA", java("Words"))
    for name, stdin in ((str(tmp_path / "Words.JAVA"), b""), ("Words.Java", java("Words").encode())):
        outcome = run_scripted("deploy", name, stdin=stdin)
        text = f"{name}: a Java file's name must end with .java, in lower case; name it {name[:-5]}.java"
        assert (outcome.status, one_line(outcome)) == (2, text)


def test_local_jars_among_the_dependencies_are_on_the_class_path(run_scripted: Runner, tmp_path: Path) -> None:
    """And deployed with it, as ever."""
    write(tmp_path / "Tools.java", "package tools;\npublic class Tools { public static void use() {} }\n")
    (tmp_path / "tools-1.0.jar").write_bytes(jar_of(compile_classes([tmp_path / "Tools.java"])))
    (tmp_path / "list.txt").write_text("words")
    write(tmp_path / "Words.java", java("Words", "tools.Tools.use();"))
    needed = f"{tmp_path}/tools-1.0.jar,{tmp_path}/list.txt"
    upload = planned(run_scripted, str(tmp_path / "Words.java"), "-d", needed)
    assert upload["X-Object-Meta-Storlet-Dependency"] == "tools-1.0.jar,list.txt"
    outcome = run_scripted("deploy", str(tmp_path / "Words.java"))
    assert outcome.status == 2
    assert f"{tmp_path}/Words.java:{FIRST_LINE}: package tools does not exist" in outcome.err


def test_code_that_follows_is_named_after_its_class(run_scripted: Runner, tmp_path: Path) -> None:
    """On standard input; a file of that name precedes it, and a missing file is said to be missing."""
    code = java("Words", package="org.example").encode()
    upload = planned(run_scripted, "Words.java", stdin=code)
    assert upload["X-Object-Meta-Storlet-Main"] == "org.example.Words"
    assert upload["url"].endswith("/storlet/Words-1.0.jar")
    outcome = run_scripted("deploy", "Words.java", stdin=b"class Words {")
    assert outcome.status == 2
    assert outcome.err.splitlines() == [
        *("class Words {", "             ^", "storlet-shell: Words.java:1: reached end of file while parsing"),
    ]
    outcome = run_scripted("deploy", "Words.java")
    assert (outcome.status, one_line(outcome)) == (4, "no local file Words.java")


def test_libraries_of_upstreams_engine_are_on_the_class_path(
    run_scripted: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that the machine has; here and in the dry run."""
    monkeypatch.setattr(jdk, "_LIBRARY_FOLDER", tmp_path)
    write(tmp_path / "Gson.java", "package com.google.gson;\npublic class Gson {}\n")
    (tmp_path / "gson.jar").write_bytes(jar_of(compile_classes([tmp_path / "Gson.java"])))
    write(tmp_path / "Words.java", java("Words", 'logger.emitLog("" + new com.google.gson.Gson());'))
    outcome = run_scripted("deploy", str(tmp_path / "Words.java"), "--dry-run", "--input", "-", stdin=b"x")
    assert (outcome.status, "log: com.google.gson.Gson@" in outcome.text) == (0, True), outcome.err


ABSTRACT = "abstract class Base implements IStorlet {}\n"

BAD = {
    "no storlet": (HEAD + "public class Words {}\n", "no class implements org.openstack.storlet.common.IStorlet; if"),
    "abstract": (HEAD + "public " + ABSTRACT.replace("Base", "Words"), "no class implements"),
    "several": (
        java("One", flags="") + java("Two", flags="").removeprefix(HEAD),
        "several classes could be the main one: One, Two; name it with --main",
    ),
    "package": (
        java("Words").replace("common", "commmon"),
        ":3: package org.openstack.storlet.commmon does not exist",
    ),
    "symbol": (java("Words", "Wrods words;"), f":{FIRST_LINE}: cannot find symbol: class Wrods"),
    "exception": (java("Words", "inputs.get(0).getStream().read();"), f":{FIRST_LINE}: unreported exception IOExce"),
    "name": (java("Others"), "class Others is public, should be declared in a file named Others.java"),
    "newer": (java("Words", 'var text = """', 'x""";'), "text blocks are not supported in -source 11"),
    "hidden": (java("Words", flags=""), "Words must be public, with a public constructor without parameters"),
    "constructor": (
        java("Words", members="    public Words(int size) {}\n"),
        "Words must be public, with a public constructor without parameters",
    ),
    "empty": (" ", "the storlet's code is empty"),
    "nothing": ("// nothing\n", "no class implements"),
}
"""Sources of ``Words.java``, and what is said of each."""


@pytest.mark.parametrize("name", BAD)
def test_java_that_is_no_storlet_is_refused_in_one_line(run_scripted: Runner, tmp_path: Path, name: str) -> None:
    """With the file, and the line if the compiler knows it; further errors and the code are details."""
    code, message = BAD[name]
    write(tmp_path / "Words.java", code)
    outcome = run_scripted("deploy", str(tmp_path / "Words.java"))
    *_, last = outcome.err.splitlines()
    assert outcome.status == 2
    assert last.startswith(f"storlet-shell: {tmp_path}/Words.java:"), outcome.err
    assert message in last, outcome.err


def test_class_that_cannot_be_started_is_deployed_if_forced(run_scripted: Runner, tmp_path: Path) -> None:
    """As other code that can't run; a warning says why."""
    write(tmp_path / "Words.java", java("Words", flags=""))
    outcome = run_scripted("deploy", str(tmp_path / "Words.java"), "--force", "--dry-run")
    assert outcome.status == 0
    assert "warning: " in outcome.err
    assert "must be public" in outcome.err


def test_names_that_a_server_refuses_are_refused_here(run_scripted: Runner, tmp_path: Path) -> None:
    """Java's letters are more than those of a storlet's name."""
    write(tmp_path / "Wörter.java", java("Wörter"))
    outcome = run_scripted("deploy", str(tmp_path / "Wörter.java"))
    assert outcome.status == 2
    assert "a storlet name can only have letters" in one_line(outcome)


def test_options_of_python_storlets_are_refused(run_scripted: Runner, tmp_path: Path) -> None:
    """Versions of Python, and packages."""
    write(tmp_path / "Words.java", java("Words"))
    for words in (["--language-version", "3.11"], ["--package", "humanize"]):
        outcome = run_scripted("deploy", str(tmp_path / "Words.java"), *words)
        assert outcome.status == 2
        assert "only Python storlets" in one_line(outcome)
