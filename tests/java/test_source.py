"""Java sources: their package and encoding; the compiler's messages; excerpts of code in stack traces."""

from __future__ import annotations

from pathlib import Path

import pytest

from storlet_shell.errors import UsageError
from storlet_shell.java.diagnostics import compile_error
from storlet_shell.java.source import JavaSource
from storlet_shell.storlets.excerpts import with_code


@pytest.mark.parametrize(
    ("code", "package"),
    [
        ("package org.example;\nclass A {}", "org.example"),
        ("\n// package a;\n/* package b;\n * ; */ package  org . example ;", "org.example"),
        ('class A { String text = "package a;"; }', ""),
        ("/** package a; */ import java.util.Map;", ""),
        ("package org", ""),
    ],
)
def test_package_is_read_from_the_code(code: str, package: str) -> None:
    """Comments can stand before it; nothing but the package's own statement counts."""
    source = JavaSource.parse(code.encode(), "src/Words.java")
    assert source.package == package
    assert source.main_class == ".".join(filter(None, [package, "Words"]))
    assert source.trace_name == "/".join([*filter(None, package.split(".")), "Words.java"])


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b" \n", "Words.java: the storlet's code is empty"),
        (b"class A {\n// caf\xe9\n}", "Words.java:2: not UTF-8: byte 0xe9; save the file as UTF-8"),
        (b"\xef\xbb\xbfclass A {}", "Words.java:1: byte order mark; save the file as UTF-8 without one"),
    ],
)
def test_code_that_cannot_be_read_is_refused_with_its_line(code: bytes, reason: str) -> None:
    """Before any compiler runs."""
    with pytest.raises(UsageError) as caught:
        JavaSource.parse(code, "Words.java")
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("package", "file", "root"),
    [
        ("org.example", "src/org/example/A.java", "src"),
        ("org.example", "org/example/A.java", "."),
        ("org.example", "/org/example/A.java", "/"),
        ("org.example", "example/A.java", None),
        ("", "src/A.java", "src"),
        ("", "A.java", "."),
    ],
)
def test_folder_above_the_package_holds_further_sources(package: str, file: str, root: str | None) -> None:
    """The file must be in the folders of its package, or else there are no further sources."""
    source = JavaSource(b"", file, package)
    assert source.root(Path(file)) == (None if root is None else Path(root))


OUTPUT = """\
src/A.java:3: warning: [removal] Thread.stop has been deprecated
        stop();
        ^
src/A.java:7: error: cannot find symbol
        Wrods words = null;
        ^
  symbol:   class Wrods
  location: class A
Note: src/A.java uses unchecked or unsafe operations.
src/B.java:9: error: ';' expected
    int b
         ^
2 errors
1 warning
"""


def test_first_error_is_the_message_and_the_others_are_details() -> None:
    """With file and line, and the missing symbol; warnings and counts are left out."""
    error = compile_error(OUTPUT)
    assert str(error) == "src/A.java:7: cannot find symbol: class Wrods"
    assert error.details.splitlines() == [
        *("        Wrods words = null;", "        ^", "  symbol:   class Wrods", "  location: class A"),
        *("src/B.java:9: ';' expected", "    int b", "         ^"),
    ]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("error: release version 11 not supported\nUsage:", "javac is too old; install a JDK of version 11 or later"),
        ("javac: invalid flag: --release\nUsage: javac", "javac is too old; install a JDK of version 11 or later"),
        ("error: invalid path: \nUsage: javac", "javac failed: invalid path:"),
        ("#\n# A fatal error has been detected:\n#\n", "javac failed: A fatal error has been detected:"),
        ("\n", "javac failed: it gives no reason"),
    ],
)
def test_compiler_that_fails_without_a_place_is_quoted(output: str, message: str) -> None:
    """Its first line is the reason."""
    assert str(compile_error(output)) == message


TRACE = """\
java.lang.IllegalStateException: no words
\tat org.example.Words.lambda$count$0(Words.java:2)
\tat app//org.example.Words$Inner.<init>(Words.java:2)
\tat java.base/java.util.ArrayList.forEach(ArrayList.java:1511)
\tat org.other.Words.invoke(Words.java:2)
\tat Words.invoke(Words.java:2)
Caused by: java.io.IOException: closed
\t... 3 more"""


def test_frames_of_known_java_code_show_it() -> None:
    """By package and file: another package's file of that name is another file."""
    details = with_code(TRACE, {"org/example/Words.java": "one\ntwo\nthree"})
    excerpt = ["      1 one", "----> 2 two", "      3 three"]
    first, second, third, *others = TRACE.splitlines()
    assert details.splitlines() == [first, second, *excerpt, third, *excerpt, *others]
    assert with_code(details, {"org/example/Words.java": "one\ntwo\nthree"}) == details
