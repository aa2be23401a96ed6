"""Signatures of function storlets: what they are read from, and which parameters they take."""

from __future__ import annotations

import ast
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from storlet_shell.errors import UsageError
from storlet_shell.storlets.functions.signature import Parameter, Signature

WARM = """
from typing import Iterator, Literal
from storlet_shell import storlet

@storlet
def warm(
    rows: Iterator[dict[str, str]],
    least: float = 20.0,
    *,
    city: str,
    unit: Literal["C", "F"] = "C",
    most: int | None = None,
    logger=None,
    metadata: dict = None,
    round=False,
) -> Iterator[dict[str, str]]:
    yield from rows
"""


def signature(code: str) -> Signature:
    """Return the signature of a function storlet."""
    found = Signature.parse(code.encode())
    assert found is not None
    return found


def refusal(code: str) -> str:
    """Return why a function isn't fit for a storlet."""
    (node,) = (node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef))
    with pytest.raises(UsageError) as caught:
        Signature.of(node)
    return str(caught.value)


def test_signature_is_read_from_source() -> None:
    """What the adapter fills isn't a parameter; the type of one without an annotation is its default's."""
    assert signature(WARM) == Signature(
        "warm",
        "Iterator[dict[str, str]]",
        "Iterator[dict[str, str]]",
        (
            Parameter("least", "float", "20.0"),
            Parameter("city", "str", None),
            Parameter("unit", "Literal['C', 'F']", "'C'"),
            Parameter("most", "int | None", "None"),
            Parameter("round", "bool", "False"),
        ),
    )
    assert (
        str(signature("def f(x: bytes, n: int, s: str = 'a') -> str: ...")) == "f(bytes, n: int, s: str = 'a') -> str"
    )


def test_signature_of_a_deployed_file_is_that_of_its_main_class() -> None:
    """Whatever helpers the file has, public ones too."""
    code = "def helper(x: int): ...\ndef f(x: bytes): ...\nclass _Adapter: ...\n"
    code += "class FunctionStorlet(_Adapter):\n    function = staticmethod(f)\n"
    assert signature(code).function == "f"
    assert Signature.parse(code.replace("FunctionStorlet", "Storlet").encode()) is None


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x = (",
        "\0",
        "x = 1",
        "class A:\n    def __call__(self, in_files, out_files, params): ...\ndef f(x: bytes): ...",
        "def f(x: bytes): ...\ndef g(x: bytes): ...",
        "async def f(x: bytes): ...",
        "def f(x: set): ...",
    ],
)
def test_other_code_has_no_signature(code: str) -> None:
    """A class storlet, several functions, no Python: none of them fails."""
    assert Signature.parse(code.encode()) is None


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("int", "int"),
        ("'float'", "float"),
        ("Optional[bool]", "bool | None"),
        ("typing.Optional[int]", "int | None"),
        ("None | str", "str | None"),
        ("typing.Literal['a | None', 2, True]", "Literal['a | None', 2, True]"),
        ("Literal[1.5] | None", "Literal[1.5] | None"),
        ("Literal[('a', 'b')]", "Literal['a', 'b']"),
    ],
)
def test_types_of_parameters(annotation: str, kind: str) -> None:
    """Each spelling of a type is the same type."""
    assert signature(f"def f(x: bytes, p: {annotation}): ...").parameters == (Parameter("p", kind, None),)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("()", "f: has no parameter for the input; annotate it as BinaryIO, TextIO"),
        ("(x)", "f: x, its input, has no annotation; annotate it as BinaryIO"),
        ("(x: set)", "f: x, its input, can't be set; annotate it as"),
        ("(x: Iterator[int])", "f: x, its input, can't be Iterator[int]"),
        ("(x: bytes = b'')", "f: x, its input, can't have a default"),
        ("(x: bytes, *rest)", "f: can't have *rest; name each parameter"),
        ("(x: bytes, **more)", "f: can't have **more; name each parameter"),
        ("(x: bytes, /)", "f: x can't be positional-only; drop the /"),
        ("(x: bytes, p)", "f: p has no annotation; annotate it as str, int"),
        ("(x: bytes, p: list[int])", "f: p must be str, int, float, bool or a Literal of these"),
        ("(x: bytes, p=[])", "f: p must be str, int, float, bool or a Literal of these, perhaps with | None, not list"),
        ("(x: bytes, p=None)", "f: p must be str, int, float, bool or a Literal"),
        ("(x: bytes, p: int = time())", "f: the default of p must be a plain value, not time()"),
        ("(x: bytes, p: int = 'x')", "f: the default of p must be an integer, not 'x'"),
        ("(x: bytes, storlet_p: int = 1)", "f: storlet_p needs another name: engines reserve storlet_…"),
        ("(x: bytes, p: Literal[y] = 1)", "f: p must be"),
    ],
)
def test_unfit_functions_are_refused_by_name(head: str, reason: str) -> None:
    """In one line, that says what to write instead."""
    assert refusal(f"def f{head}: ...").startswith(reason)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"lest": "3", "city": "x"}, "parameter lest: warm has no such parameter; did you mean least?"),
        ({"q": "3"}, "parameter q: warm has no such parameter; it has least, city, unit, most, round"),
        ({"least": "x", "city": "x"}, "parameter least: must be a number, not 'x'"),
        ({"least": "1_0", "city": "x"}, "parameter least: must be a number, not '1_0'"),
        ({"most": "1.5", "city": "x"}, "parameter most: must be an integer, not '1.5'"),
        ({"most": "١٢", "city": "x"}, "parameter most: must be an integer, not '١٢'"),
        ({"unit": "K", "city": "x"}, "parameter unit: must be one of C, F, not 'K'"),
        ({"round": "maybe", "city": "x"}, "parameter round: must be true or false, not 'maybe'"),
        ({"least": "3"}, "parameter city: missing; warm requires it"),
    ],
)
def test_unfit_parameters_are_refused(parameters: dict[str, str], reason: str) -> None:
    """Before anything is sent; a close name is suggested."""
    with pytest.raises(UsageError) as caught:
        signature(WARM).check(parameters)
    assert str(caught.value) == reason


class Unit(Enum):
    """A type of the author's."""

    F = "F"


def test_fit_parameters_pass() -> None:
    """Also those of engines and of the adapter."""
    parameters = {"city": "", "least": "-1e3", "unit": "F", "most": "+7", "round": "Yes", "storlet_frames": "0"}
    signature(WARM).check(parameters)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ({"city": "Ü", "least": 30, "round": True}, {"city": "Ü", "least": "30", "round": "true"}),
        ({"city": "x", "least": 0.1, "most": None}, {"city": "x", "least": "0.1"}),
        ({"city": 5, "most": 2}, {"city": "5", "most": "2"}),
        ({"city": Path("a/b"), "unit": Unit.F}, {"city": "a/b", "unit": "F"}),
    ],
)
def test_python_values_become_texts(values: dict[str, Any], texts: dict[str, str]) -> None:
    """None is left out where it is the default."""
    assert signature(WARM).encode(values) == texts


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"city": None}, "parameter city: can't be None"),
        ({"city": "x", "least": None}, "parameter least: can't be None"),
        ({"city": "x", "least": True}, "parameter least: must be a number, not 'true'"),
        ({"city": b"x"}, "parameter city: can't be bytes"),
        ({"city": ["x"]}, "parameter city: can't be list"),
        ({"lest": None}, "parameter lest: warm has no such parameter; did you mean least?"),
    ],
)
def test_unfit_python_values_are_refused(values: dict[str, Any], reason: str) -> None:
    """As texts are."""
    with pytest.raises(UsageError) as caught:
        signature(WARM).encode(values)
    assert str(caught.value) == reason
