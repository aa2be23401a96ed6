"""Compiling with the machine's JDK: once, atomically, and with errors in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from storlet_shell.errors import UsageError
from storlet_shell.java import compiler
from tests.support.jars import needs_jdk
from tests.support.lines import Runner, one_line
from tests.support.schemas import check

COMPILE = "from storlet_shell.java.compiler import interface_jar; print(interface_jar())"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache folder of this process and its children."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "storlet-shell" / "java"


def test_missing_jdk_is_one_line_that_names_the_package(
    run_scripted: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For whatever must be compiled."""
    environ = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    source = tmp_path / "Words.java"
    source.write_text("class Words {}")
    for words in (["local", "java-api", str(tmp_path / "api.jar")], ["deploy", str(source)]):
        outcome = run_scripted(*words, environ=environ)
        assert (outcome.status, one_line(outcome)) == (
            2,
            "javac is not installed; install a JDK (on Debian: apt install default-jdk-headless)",
        )
    assert not (tmp_path / "api.jar").exists()


def test_missing_java_is_named_with_the_package_that_has_the_compiler_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a runtime alone, the next error would be the missing compiler."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(UsageError, match=r"^java is not installed; .*: apt install default-jdk-headless\)$"):
        compiler.jdk.find_program("java")


def test_java_home_precedes_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for other programs that use Java; if it has no such program, the path counts."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for folder in ("bin", "home/bin"):
        program = tmp_path / folder / "java"
        program.parent.mkdir(parents=True)
        program.touch(0o755)
        assert compiler.jdk.find_program("java") == program


@pytest.mark.slow
@needs_jdk
def test_interface_is_compiled_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Afterward, no JDK is needed."""
    jar = compiler.interface_jar()
    assert list(cache.iterdir()) == [jar]
    written = jar.stat().st_mtime_ns
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert compiler.interface_jar() == jar
    assert jar.stat().st_mtime_ns == written


@pytest.mark.slow
def test_cache_folder_that_cannot_be_created_is_named(run_scripted: Runner, tmp_path: Path) -> None:
    """With the variable that sets another one."""
    (tmp_path / "file").touch()
    environ = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    outcome = run_scripted("local", "java-api", str(tmp_path / "api.jar"), environ=environ)
    folder = tmp_path / "file" / "storlet-shell" / "java"
    text = f"can't create the cache folder {folder}: Not a directory; set XDG_CACHE_HOME to another folder"
    assert (outcome.status, one_line(outcome)) == (1, text)


@pytest.mark.slow
@needs_jdk
def test_several_processes_can_compile_at_once(cache: Path) -> None:
    """All get the same whole jar, and nothing else stays."""
    processes = [
        subprocess.Popen([sys.executable, "-c", COMPILE], stdout=subprocess.PIPE, text=True, env={**os.environ})
        for _ in range(2)
    ]
    jars = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert jars == {str(path) for path in cache.iterdir()}
    assert len(jars) == 1
    names = subprocess.run(["jar", "tf", *jars], check=True, capture_output=True, text=True).stdout
    assert "org/openstack/storlet/common/IStorlet.class" in names


@pytest.mark.slow
@needs_jdk
def test_other_sources_or_jars_give_another_jar(cache: Path, tmp_path: Path) -> None:
    """So a change is never missed; the same content gives the same bytes."""
    (tmp_path / "A.java").write_text("package a; public class A {}")
    (tmp_path / "B.java").write_text("package b; public class B extends a.A {}")
    first = compiler.compiled("a", [tmp_path / "A.java"])
    with_first = compiler.compiled("b", [tmp_path / "B.java"], [first])
    content = first.read_bytes()
    first.unlink()
    assert compiler.compiled("a", [tmp_path / "A.java"]).read_bytes() == content
    (tmp_path / "A.java").write_text("package a; public class A { }")
    second = compiler.compiled("a", [tmp_path / "A.java"])
    assert second != first
    (tmp_path / "A.java").write_text("package a; public class A { int size; }")
    assert compiler.compiled("b", [tmp_path / "B.java"], [compiler.compiled("a", [tmp_path / "A.java"])]) != with_first


@pytest.mark.slow
@needs_jdk
def test_code_near_the_sources_is_not_compiled_by_accident(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither from the current folder, nor from the jars; annotation processors in these don't run, either."""
    (tmp_path / "Near.java").write_text("public class Near {}")
    (tmp_path / "A.java").write_text("class A extends Near {}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        compiler.compile_classes([Path("A.java")])
    assert str(caught.value) == "A.java:1: cannot find symbol: class Near"
    assert set(compiler.compile_classes([Path("A.java")], source_path=Path())) == {"A.class", "Near.class"}


@pytest.mark.slow
@needs_jdk
def test_user_gets_the_interface_as_a_jar(run_scripted: Runner, tmp_path: Path) -> None:
    """Which compiles a storlet by hand; an existing file is replaced, and a folder is refused."""
    target = tmp_path / "api.jar"
    target.write_text("old")
    outcome = run_scripted("local", "java-api", str(target))
    size = target.stat().st_size
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.text == f"{target}: the Java interface of storlets, {size} bytes\n"
    document = run_scripted("local", "java-api", str(target), "--json").json
    check("local java-api", document)
    assert document == {"file": str(target), "bytes": size}
    (tmp_path / "A.java").write_text("abstract class A implements org.openstack.storlet.common.IStorlet {}")
    subprocess.run(["javac", "-cp", target, "-d", tmp_path, tmp_path / "A.java"], check=True)
    outcome = run_scripted("local", "java-api", str(tmp_path))
    assert (outcome.status, one_line(outcome)) == (2, f"can't write {tmp_path}: it is a directory")
