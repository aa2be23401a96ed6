"""Damaged jars and class files: read or refused, without other errors."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

import hypothesis
import pytest
from hypothesis import strategies as st

from storlet_shell.errors import UsageError
from storlet_shell.java.classfile import ClassFile
from storlet_shell.java.jar import StorletJar
from storlet_shell.storlets.renewal import lengthened
from tests.support.jars import INTERFACE, class_file, write_jar

WORDS = class_file("org/example/Words", [INTERFACE])
PLAIN = class_file("org/example/Plain")
JAR = write_jar(io.BytesIO(), {"a/B": WORDS, "a/C": PLAIN}).getvalue()  # type: ignore[arg-type, attr-defined]


@hypothesis.given(st.integers(0, len(WORDS)), st.binary(max_size=6), st.integers(0, len(WORDS)))
def test_damaged_class_file_is_read_or_refused(start: int, put: bytes, cut: int) -> None:
    """No other exception is raised."""
    try:
        found = ClassFile.parse((WORDS[:start] + put + WORDS[start + len(put) :])[:cut])
    except ValueError:
        return
    assert isinstance(found.name, str)


@hypothesis.settings(deadline=None)
@hypothesis.given(st.integers(0, len(JAR)), st.binary(max_size=8), st.integers(len(JAR) - 60, len(JAR)))
def test_damaged_jar_is_read_or_refused(start: int, put: bytes, cut: int) -> None:
    """One line at most, whatever the archive says of itself."""
    content = (JAR[:start] + put + JAR[start + len(put) :])[:cut]
    with suppress(UsageError):
        jar = StorletJar(content, "words-1.0.jar")
        jar.findings(jar.main_class(None))
        assert lengthened(content, len(content) + 1, is_jar=True) != content


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_that_java_cannot_read_is_refused(compression: int) -> None:
    """Python reads it, but no engine would find a class."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        archive.writestr("org/example/Words.class", WORDS)
    with pytest.raises(UsageError, match=r"^words-1.0.jar: Java can't read the compression of org/"):
        StorletJar(content.getvalue(), "words-1.0.jar")
