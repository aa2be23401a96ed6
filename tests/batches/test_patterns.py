"""Patterns of names and templates of outputs, compared with a slow and simple implementation."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storlet_shell.batches.templates import FIELDS, Template
from storlet_shell.errors import UsageError
from storlet_shell.patterns import Pattern
from storlet_shell.values import ObjectPath
from tests.commands.names import NAMES

names = st.text(st.sampled_from("ab./[]*\\\n"), min_size=1, max_size=8)
pieces = st.sampled_from(["a", "b", ".", "/", "*", "**", "/**/", "?", "[ab]", "[!a]", "{a,b/}", "{a,}", "\\*"])
patterns = st.lists(pieces, min_size=1, max_size=6).map("".join)


def plainly(pattern: str, name: str) -> bool:
    """Tell whether a name matches a pattern of the pieces above, by trying everything."""
    if brace := re.search(r"\{([^,{}]*),([^,{}]*)\}", pattern):
        return any(plainly(pattern[: brace.start()] + each + pattern[brace.end() :], name) for each in brace.groups())
    return parts_match(pattern.split("/"), name.split("/"))


def parts_match(patterns: list[str], parts: list[str]) -> bool:
    """Match parts, where ``**`` is any number of them; at the end, any that are not one empty one."""
    if not patterns:
        return not parts
    if patterns == ["**"]:
        return parts not in ([], [""])
    if patterns[0] == "**":
        return any(parts_match(patterns[1:], parts[at:]) for at in range(len(parts) + 1))
    return bool(parts) and part_matches(patterns[0], parts[0]) and parts_match(patterns[1:], parts[1:])


def part_matches(pattern: str, part: str) -> bool:
    """Match one part, which is not empty unless the pattern's is."""
    return (part != "" or pattern == "") and characters_match(pattern, part)


def characters_match(pattern: str, part: str) -> bool:
    """Match characters one by one."""
    if not pattern:
        return not part
    if pattern[0] == "*":
        return any(characters_match(pattern[1:], part[at:]) for at in range(len(part) + 1))
    for token, accepts in (("[ab]", "ab".__contains__), ("[!a]", lambda one: one != "a"), ("\\*", "*".__eq__)):
        if pattern.startswith(token):
            return part != "" and accepts(part[0]) and characters_match(pattern[len(token) :], part[1:])
    return part != "" and pattern[0] in ("?", part[0]) and characters_match(pattern[1:], part[1:])


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(patterns, names)
def test_pattern_matches_as_one_would_by_hand(text: str, name: str) -> None:
    """The regular expression and the plain understanding agree, and a listing by the prefix leaves out no match."""
    pattern = Pattern.parse(f"path:/c/{text}") if text.strip("/") else None
    if pattern is None or pattern.text != text:
        return
    matches = bool(pattern.matcher()(name))
    assert matches == plainly(text, name)
    assert not matches or name.startswith(pattern.prefix)


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("2026/**/*.gz", "2026/"),
        ("*", ""),
        ("{2025,2026}/*", "202"),
        ("a\\*b*", "a*b"),
        ("a[bc]", "a"),
        ("plain/name", "plain/name"),
    ],
)
def test_listing_is_narrowed_by_what_all_names_begin_with(text: str, prefix: str) -> None:
    """The server lists what lies below it, and nothing else."""
    assert Pattern.parse(f"path:/c/{text}").prefix == prefix


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_matched_as_it_is(name: str) -> None:
    """What file systems treat apart is a name here as any other."""
    pattern = Pattern.parse("path:/c/**")
    assert pattern.matcher()(name)
    escaped = re.sub(r"([\\*?\[\]{}])", r"\\\1", name)
    own = Pattern.parse(f"path:/c/{escaped}")
    assert own.is_name
    assert own.prefix == name
    assert own.matcher()(name)


@pytest.mark.parametrize("text", ["c/x", "path:/c", "path:/", "path:/c*/x", "path:/c/[b-a]", "path:/c/{1..5000}"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    """In one line, before anything is sent."""
    with pytest.raises(UsageError):
        Pattern.parse(text)


OF_A_NAME = ObjectPath("logs", "2026/11/a.log.gz")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("path:/out/{name}.csv", "path:/out/a.log.gz.csv"),
        ("path:/out/{dir}/{stem}.csv", "path:/out/2026/11/a.log.csv"),
        ("path:/{container}-out/{path}", "path:/logs-out/2026/11/a.log.gz"),
        ("path:/out/{{x}}{suffix}", "path:/out/{x}.gz"),
    ],
)
def test_fields_are_made_of_the_name(text: str, wanted: str) -> None:
    """As the reference has them."""
    assert str(Template.parse_output(text).output(OF_A_NAME)) == wanted


def test_no_folder_is_no_slash() -> None:
    """An object at the top goes to the top."""
    assert Template.parse_output("path:/out/{dir}/{name}").output(ObjectPath("c", "a")) == ObjectPath("out", "a")


@pytest.mark.parametrize(
    "text", ["out/{name}", "path:/out", "path:/{name}/x", "path:/out/{nme}", "path:/out/{", "path:/o/{name!r}"]
)
def test_what_is_no_template_is_refused(text: str) -> None:
    """In one line, before anything is sent."""
    with pytest.raises(UsageError):
        Template.parse_output(text)


@pytest.mark.parametrize("name", ["../x", "a/../b", "/etc/passwd", "a//b", "a/", ".", "a/./b", "nul\0"])
def test_name_that_leads_out_of_the_folder_is_refused(name: str) -> None:
    """An object's name is chosen by others."""
    with pytest.raises(UsageError):
        Template.parse_files("folder").file(ObjectPath("c", name))


templates = st.lists(st.sampled_from([*(f"{{{field}}}" for field in FIELDS), "/", "x", "."]), min_size=1, max_size=5)
sources = st.lists(st.text("ab./", min_size=1, max_size=6), min_size=2, max_size=30, unique=True)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@example("{name}", "**", ["a/x", "b/x"])
@example("{stem}", "a/*.{a,b}", ["a/x.a", "a/x.b"])
@given(templates.map("".join), st.sampled_from(["*", "**", "*.a", "**/*.a", "a/*", "{a,b}/*.a", "a/*.{a,b}"]), sources)
def test_template_that_keeps_names_apart_does(text: str, wild: str, found: list[str]) -> None:
    """Where no look at all names is taken, no two of them make one output."""
    template, pattern = Template.parse(f"path:/out/{text}"), Pattern.parse(f"path:/c/{wild}")
    matching = [name for name in found if pattern.matcher()(name)]
    made = {template.fill(ObjectPath("c", name)) for name in matching}
    assert len(made) == len(matching) or not template.keeps_apart(pattern)
