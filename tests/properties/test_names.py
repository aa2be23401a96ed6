"""Patterns and templates of names, for any text and any name."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storlet_shell.batches.templates import FIELDS, Template
from storlet_shell.errors import UsageError
from storlet_shell.patterns import Pattern
from storlet_shell.values import ObjectPath
from tests.test_values import OBJECTS

pytestmark = pytest.mark.slow

WILD = st.text("ab/.*?[]!^-{},\\0123", max_size=20)
TEMPLATES = st.lists(st.sampled_from([*(f"{{{field}}}" for field in FIELDS), "/", "x", ".", "{{", "}}"]), max_size=6)


@given(WILD, OBJECTS)
def test_any_pattern_is_refused_or_matches(text: str, name: str) -> None:
    """What it matches begins with its prefix, and it spells itself."""
    try:
        pattern = Pattern.parse(f"path:/c/{text}")
    except UsageError as error:
        assert len(str(error).splitlines()) == 1
        return
    assert Pattern.parse(str(pattern)) == pattern
    for each in (name, text, text.replace("*", "a")):
        assert not pattern.matcher()(each) or each.startswith(pattern.prefix)
    assert pattern.has_one_folder in (True, False)
    assert pattern.has_one_suffix in (True, False)


@given(OBJECTS, OBJECTS)
def test_name_without_its_meaning_is_a_pattern_of_itself(name: str, other: str) -> None:
    """A backslash before each sign, and nothing else matches."""
    escaped = re.sub(r"([\\*?\[\]{},])", r"\\\1", name)
    pattern = Pattern.parse(f"path:/c/{escaped}")
    assert pattern.matcher()(name)
    assert bool(pattern.matcher()(other)) == (other == name)


@given(TEMPLATES.map("".join), OBJECTS)
def test_output_is_an_object_or_is_refused(text: str, name: str) -> None:
    """Whatever a template makes of a name."""
    with suppress(UsageError):
        output = Template.parse_output(f"path:/out/{text}").output(ObjectPath("c", name))
        assert output.container == "out"
        assert ObjectPath.parse(str(output)) == output


@given(TEMPLATES.map("".join), st.text("ab./\\\0~", min_size=1, max_size=12))
def test_file_is_in_the_folder_or_is_refused(text: str, name: str) -> None:
    """An object's name is chosen by others."""
    with suppress(UsageError):
        template = Template.parse_files(f"folder/{text}")
        below = PurePosixPath(template.file(ObjectPath("c", name)))
        assert template.folder.startswith("folder/")
        assert below.parts
        assert not below.is_absolute()
        assert ".." not in below.parts
