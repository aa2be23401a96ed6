"""The values that a line is parsed into: what they accept and refuse, and that they spell themselves."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storlet_shell.batches.templates import Template
from storlet_shell.errors import UsageError
from storlet_shell.patterns import Pattern
from storlet_shell.session.parameters import merge_parameters
from storlet_shell.values import (
    CONTAINER_NAME_BYTES,
    OBJECT_NAME_BYTES,
    PATH_FORMAT,
    ByteRange,
    ContainerName,
    Location,
    ObjectPath,
    Parameter,
    StorletMain,
    StorletName,
)
from storlet_shell.wire.requests import Request

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60)
CONTAINERS = TEXT.filter(lambda text: "/" not in text and len(text.encode()) <= CONTAINER_NAME_BYTES)
OBJECTS = TEXT.filter(lambda text: len(text.encode()) <= OBJECT_NAME_BYTES)
PRINTABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)
KEYS = PRINTABLE.filter(lambda text: bool(text) and ":" not in text and "=" not in text).filter(
    lambda text: not text.lower().startswith("storlet_")
)

LETTERS = string.ascii_letters + string.digits
STORLET_NAMES = st.text(LETTERS + "._-", min_size=1, max_size=20).filter(lambda text: text.strip(".") != "")
IDENTIFIERS = st.text(LETTERS + "_", min_size=1, max_size=20).filter(str.isidentifier)


@given(CONTAINERS, OBJECTS)
@example("path:", "path:/")
def test_object_path_spells_itself(container: str, name: str) -> None:
    """The displayed path can be typed, whatever the names contain."""
    path = ObjectPath(container, name)
    assert ObjectPath.parse(str(path)) == path
    assert ObjectPath.parse_position(str(path)) == path


@given(CONTAINERS)
@example("path:c")
def test_container_name_spells_itself(container: str) -> None:
    """What a container is shown as can be typed, also when it is called ``path:`` something."""
    name = ContainerName(container)
    assert ContainerName.parse(str(name)) == name


@given(st.one_of(st.just(""), CONTAINERS), st.one_of(st.just(""), OBJECTS))
def test_location_spells_itself(container: str, prefix: str) -> None:
    """A listed location can be typed as displayed."""
    location = Location(container, prefix if container else "")
    assert Location.parse(str(location)) == location


@given(STORLET_NAMES)
def test_storlet_name_spells_itself(text: str) -> None:
    """A storlet's name is what it is shown as."""
    assert str(StorletName.parse(text)) == text


@given(IDENTIFIERS, IDENTIFIERS)
def test_main_class_spells_itself(module: str, class_name: str) -> None:
    """A main class is what it is shown as, and names the storlet's file."""
    main = StorletMain.parse(f"{module}.{class_name}")
    assert StorletMain.parse(str(main)) == main
    assert main.storlet.name == f"{module}.py"


@given(KEYS, PRINTABLE)
def test_parameter_spells_itself(key: str, value: str) -> None:
    """A parameter's value may hold anything but control characters other than tabs, ``=`` and ``:`` too."""
    parameter = Parameter.of(key, value)
    assert Parameter.parse(str(parameter)) == parameter


RANGES = st.one_of(
    st.builds(lambda first, more: ByteRange(first, first + more), st.integers(0, 10**15), st.integers(0, 10**15)),
    st.builds(lambda first: ByteRange(first, None), st.integers(0, 10**15)),
    st.builds(lambda last: ByteRange(None, last), st.integers(1, 10**15)),
)


@given(RANGES)
def test_range_spells_itself(byte_range: ByteRange) -> None:
    """All three forms of a range are typed as they are shown, with or without the unit."""
    assert ByteRange.parse(str(byte_range)) == byte_range
    assert ByteRange.parse(f"bytes={byte_range}") == byte_range


@given(st.text(max_size=80))
@pytest.mark.parametrize(
    "parse",
    [
        ObjectPath.parse,
        ObjectPath.parse_position,
        ContainerName.parse,
        Location.parse,
        StorletName.parse,
        StorletMain.parse,
        Parameter.parse,
        ByteRange.parse,
    ],
    ids=lambda parse: f"{parse.__self__.__name__}.{parse.__name__}",
)
def test_any_text_is_parsed_or_refused_in_one_line(parse: object, text: str) -> None:
    """No text whatever makes another error than the one that users read."""
    message = "fine"
    try:
        parse(text)  # type: ignore[operator]
    except UsageError as error:
        message = str(error)
    assert len(message.splitlines()) == 1


# --- paths


@pytest.mark.parametrize("text", ["path:/c/o", "path:c/o"])
def test_both_spellings_are_the_same_object(text: str) -> None:
    """Old notebooks have both."""
    assert ObjectPath.parse(text) == ObjectPath("c", "o")


@pytest.mark.parametrize(
    "text", ["", "c/o", "/c/o", "path:", "path:/", "path:/c", "path:/c/", "path://o", "path", "PATH:/c/o", " path:/c/o"]
)
def test_wrong_path_says_the_sentence_that_notebooks_rely_on(text: str) -> None:
    """The error's words are those of the extension that this replaces."""
    with pytest.raises(UsageError) as caught:
        ObjectPath.parse(text)
    assert str(caught.value).startswith('swift object path must have the format: "path:/<container>/<object>"')


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("texts/*.txt", ": write path:/texts/*.txt"),
        ("/c/a,/c/b", ": write one path at a time, as in path:/c/a"),
        ("c/a,c/b,d/e", ": write one path at a time, as in path:/c/a"),
        ("/c/a,b", ": write path:/c/a,b"),
        (" PATH:/c/o", ": write path:/c/o"),
        ("path:/texts", ": is it a container (path:/texts/OBJECT) or an object (path:/CONTAINER/texts)?"),
        ("texts/", ": name an object in it, path:/texts/OBJECT"),
    ],
)
def test_wrong_path_is_told_the_right_one(text: str, hint: str) -> None:
    """In options for objects, patterns, and templates."""
    for parse in (ObjectPath.parse, Pattern.parse, Template.parse_output):
        with pytest.raises(UsageError) as caught:
            parse(text)
        assert str(caught.value) == f"{PATH_FORMAT}, not {text!r}{hint}"


def test_template_is_quoted_as_it_was_typed() -> None:
    """Messages show its fields, not their values."""
    with pytest.raises(UsageError, match=r"not 'texts/\{stem\}\.n': write path:/texts/\{stem\}\.n$"):
        Template.parse_output("texts/{stem}.n")


@pytest.mark.parametrize(
    ("text", "name"), [("c/a/b", "a/b"), ("c//a", "/a"), ("/c/a/", "a/"), ("c/ a ", " a "), ("c/../d", "../d")]
)
def test_object_names_keep_their_slashes(text: str, name: str) -> None:
    """Only the first slash divides; the rest belongs to the name."""
    assert ObjectPath.parse_position(text) == ObjectPath("c", name)


@pytest.mark.parametrize("text", ["", "/", "c", "c/", "//o", "path:"])
def test_half_a_path_is_refused(text: str) -> None:
    """Where an object is meant, a container alone is not one; the hint has no prefix, since it takes none."""
    with pytest.raises(UsageError) as caught:
        ObjectPath.parse_position(text)
    named = f"{text}: names a container; for an object in it: c/OBJECT"
    assert str(caught.value) == (named if "c" in text else f"{PATH_FORMAT}, not {text!r}")


@pytest.mark.parametrize("text", ["c", "c/", "/c", "path:/c"])
def test_container_is_no_pattern(text: str) -> None:
    """The pattern for everything in it is named, in quotes for sh."""
    with pytest.raises(UsageError) as caught:
        Pattern.parse_position(text)
    assert str(caught.value) == f"{text}: names a container; for all objects in it: 'c/*'"


@pytest.mark.parametrize("text", ["c\x00/o", "c/o\x00", "c/\udcff", "\udcff/o"])
def test_names_that_no_server_takes_are_refused(text: str) -> None:
    """NUL and bytes that are no UTF-8 are refused here, with a reason."""
    with pytest.raises(UsageError):
        ObjectPath.parse_position(text)


@pytest.mark.parametrize("letter", ["a", "ü", "日"])
def test_lengths_are_counted_in_bytes(letter: str) -> None:
    """Swift counts the UTF-8 of a name."""
    size = len(letter.encode())
    fits = ObjectPath.parse_position(f"{letter * (256 // size)}/{letter * (1024 // size)}")
    assert len(fits.name) == 1024 // size
    with pytest.raises(UsageError, match="longer than 256 bytes"):
        ObjectPath.parse_position(f"{letter * (256 // size + 1)}/o")
    with pytest.raises(UsageError, match="longer than 1024 bytes"):
        ObjectPath.parse_position(f"c/{letter * (1024 // size + 1)}")


@pytest.mark.parametrize("text", ["c", "/c", "path:c", "path:/c", "c/", "path:/c/"])
def test_container_is_spelled_in_any_way(text: str) -> None:
    """A container may be typed with or without the prefix, with the slash that completion leaves."""
    assert ContainerName.parse(text) == ContainerName("c")


@pytest.mark.parametrize("text", ["", "/", "a/b", "path:", "path:/a/b"])
def test_container_with_a_slash_or_nothing_is_refused(text: str) -> None:
    """A container's name is one part of a path."""
    with pytest.raises(UsageError):
        ContainerName.parse(text)


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("", Location()),
        ("/", Location()),
        ("path:/", Location()),
        ("c", Location("c")),
        ("c/", Location("c")),
        ("path:/c/a/b", Location("c", "a/b")),
    ],
)
def test_location_is_the_account_a_container_or_a_prefix(text: str, location: Location) -> None:
    """A lone slash is the account, as it is shown."""
    assert Location.parse(text) == location


# --- storlets


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a b", "ü.py", "a\n", "../x", "a,b", "a:b", "a\x00"])
def test_storlet_names_that_would_fail_at_every_run_are_refused(text: str) -> None:
    """A name with a slash deploys and never runs; other characters break headers and files."""
    with pytest.raises(UsageError):
        StorletName.parse(text)


@pytest.mark.parametrize("text", ["", "a", "a.", ".A", "a.B.C", "a-b.C", "1a.C", "a.1C", "a b.C", "ü.C", "a.C\n"])
def test_main_class_is_module_and_class(text: str) -> None:
    """Exactly one dot, both halves Python names; the middleware refuses others at deployment or at run."""
    with pytest.raises(UsageError):
        StorletMain.parse(text)


# --- parameters


@pytest.mark.parametrize(
    "text",
    ["", "a", "=b", "a:b=c", "storlet_x=1", "STORLET_x=1", "a\n=b", "a=b\r\nX: y", "a=\x00", "a\x7f=b", "a=\x1b[0m"],
)
def test_parameters_that_the_wire_can_not_carry_are_refused(text: str) -> None:
    """Colons in keys, the engine's prefix and control characters are refused before anything is sent."""
    with pytest.raises(UsageError):
        Parameter.parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("a=", ""), ("a==", "="), ("a=\t", "\t"), ("a=b=c", "b=c"), ("a=b:c", "b:c"), ("a= b ", " b "), ("a=ü€", "ü€")],
)
def test_values_of_parameters_are_free(text: str, value: str) -> None:
    """Only the first equals sign divides."""
    assert Parameter.parse(text) == Parameter("a", value)


def test_parameters_of_a_dict_become_text() -> None:
    """A notebook's dict may hold numbers; the storlet sees text."""
    assert merge_parameters({"a": 1, 2: None}, []) == (Parameter("a", "1"), Parameter("2", "None"))


def test_parameters_of_the_line_win() -> None:
    """-p has priority over the variable of -i."""
    merged = merge_parameters({"a": "dict", "b": "dict"}, [Parameter("a", "line"), Parameter("c", "line")])
    assert {parameter.key: parameter.value for parameter in merged} == {"a": "line", "b": "dict", "c": "line"}


def test_bad_parameter_of_a_dict_is_refused() -> None:
    """A dict is checked as a line is."""
    with pytest.raises(UsageError):
        merge_parameters({"a:b": 1}, [])


# --- ranges


@pytest.mark.parametrize(
    "text", ["", "-", "5", "a-b", "5-2", "-0", "0-1,3-4", "1--2", " 1-2", "٣-٤", "bytes=", "1-2\n"]
)
def test_ranges_that_are_none_are_refused(text: str) -> None:
    """Empty, reversed and several ranges are refused, as are digits that HTTP does not know."""
    with pytest.raises(UsageError):
        ByteRange.parse(text)


# --- requests


@given(CONTAINERS, OBJECTS)
def test_request_path_is_ascii_and_unquotes_to_the_names(container: str, name: str) -> None:
    """A path on the wire is plain ASCII without reserved characters, and loses nothing."""
    from urllib.parse import unquote

    path = Request("GET", container, name).path
    assert path.isascii()
    assert not set(path) & set(" ?#\r\n\t")
    assert unquote(path) == f"/{container}/{name}"


def test_request_names_its_subject() -> None:
    """Messages spell what a request was about as users do."""
    assert Request("GET").subject == "the account"
    assert Request("GET", "c").subject == "container c"
    assert Request("GET", "c", "o").subject == "path:/c/o"
