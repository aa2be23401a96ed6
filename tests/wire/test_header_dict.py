"""Headers whose lookup ignores case, and that otherwise behave as a dict."""

from __future__ import annotations

import copy
import json
import pickle
from collections import ChainMap
from types import MappingProxyType
from typing import Any

import pytest

from storlet_shell.wire.header_dict import HeaderDict

RED = {"X-Object-Meta-Color": "red", "Etag": "1"}


@pytest.fixture
def headers() -> HeaderDict:
    """Return the headers of an answer."""
    return HeaderDict(RED)


@pytest.mark.parametrize("name", ["x-object-meta-color", "X-Object-Meta-Color", "X-OBJECT-META-COLOR"])
def test_name_is_found_in_any_case(headers: HeaderDict, name: str) -> None:
    """By index, ``in`` and ``get``, and to be set, popped and deleted."""
    assert (headers[name], headers.get(name), headers.get(name, "blue")) == ("red", "red", "red")
    assert name in headers
    assert headers.setdefault(name, "blue") == "red"
    headers[name] = "green"
    assert list(headers.items()) == [("X-Object-Meta-Color", "green"), ("Etag", "1")]
    assert headers.pop(name) == "green"
    headers[name] = "blue"
    del headers[name]
    assert headers == {"Etag": "1"}


def test_missing_name_is_a_key_error(headers: HeaderDict) -> None:
    """With the name as it was asked for; defaults are given back, and set by ``setdefault``."""
    for ask in (headers.__getitem__, headers.pop, headers.__delitem__):
        with pytest.raises(KeyError, match="x-nope"):
            ask("x-nope")
    assert headers.get("x-nope") is None
    assert headers.pop("x-nope", None) is None
    assert "x-nope" not in headers
    assert 1 not in headers
    assert headers.setdefault("x-nope", "new") == headers["X-Nope"] == "new"


def test_it_is_a_dict(headers: HeaderDict) -> None:
    """For isinstance, JSON, ``dict()``, ``**``, repr, len and iteration; the keys are as the server spelled them."""
    assert isinstance(headers, dict)
    assert json.loads(json.dumps(headers)) == dict(headers) == dict(**headers) == RED
    assert type(dict(headers)) is dict
    assert json.dumps(headers) == json.dumps(RED)
    assert repr(headers) == repr(RED)
    assert (len(headers), list(headers), bool(headers), bool(HeaderDict())) == (2, list(RED), True, False)
    match headers:
        case {"X-Object-Meta-Color": color}:
            assert color == "red"


@pytest.mark.parametrize("other", [RED, {"x-object-meta-color": "red", "ETAG": "1"}, HeaderDict(RED)])
def test_equality_is_that_of_the_entries(headers: HeaderDict, other: dict[str, str]) -> None:
    """From both sides; another value or another name makes a difference."""
    assert headers == other
    assert other == headers
    assert headers != {**other, "Etag": "2"}
    assert {**other, "More": ""} != headers
    assert headers != list(other.items())


@pytest.mark.parametrize(
    "copied",
    [
        HeaderDict.copy,
        copy.copy,
        copy.deepcopy,
        lambda headers: pickle.loads(pickle.dumps(headers)),
        lambda headers: headers | {},
        lambda headers: {} | headers,
        lambda headers: HeaderDict(**headers),
        lambda headers: HeaderDict(headers.items()),
    ],
)
def test_copy_is_equal_and_apart(headers: HeaderDict, copied: Any) -> None:
    """Every way of copying gives one that finds names in any case."""
    other = copied(headers)
    assert (type(other), other, list(other)) == (HeaderDict, headers, list(headers))
    other["etag"] = "2"
    assert (other["ETag"], headers["ETag"]) == ("2", "1")


@pytest.mark.parametrize("kind", [dict, HeaderDict, MappingProxyType, ChainMap])
def test_merging_takes_names_in_any_case_for_one(headers: HeaderDict, kind: Any) -> None:
    """By ``|`` from both sides, ``|=`` and update: the later value, the earlier spelling."""
    other = kind({"ETAG": "2", "New": "n"})
    assert list((headers | other).items()) == [("X-Object-Meta-Color", "red"), ("Etag", "2"), ("New", "n")]
    if kind is not ChainMap:  # which has an | of its own
        assert dict(other | headers) == {"ETAG": "1", "New": "n", "X-Object-Meta-Color": "red"}
    headers.update(other)
    headers |= {"new": "m"}
    assert dict(headers) == {**RED, "Etag": "2", "New": "m"}


def test_names_that_differ_in_case_are_one() -> None:
    """However they come; the last value counts."""
    assert dict(HeaderDict({"A": 1, "a": 2})) == dict(HeaderDict([("A", 1), ("a", 2)])) == {"A": 2}
    assert dict(HeaderDict({"A": 1}, a=2)) == {"A": 2}
    assert dict(HeaderDict.fromkeys(["A", "a", "b"], 0)) == {"A": 0, "b": 0}
