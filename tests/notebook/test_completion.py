"""Tab in magics: the candidates, and that it is never late and never raises."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storlet_shell.adapters.completion import names as completion
from storlet_shell.adapters.completion.cursor import Cursor, split
from storlet_shell.adapters.notebook.expansion import doubled, expand, go_on
from tests.notebook.cells import Cells


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("%get {c}/", "%get {c}/o"),
        ("%get path:/{c}/", "%get path:/{c}/o"),
        ("%get --input path:/{c}/", "%get --input path:/{c}/o"),
        ("%get --input=path:/{c}/", "%get --input=path:/{c}/o"),
        ("x = %get {c}/", "x = %get {c}/o"),
        ("%get r << {c}/", "%get r << {c}/o"),
        ("for i in range(3):\n    %get {c}/", "for i in range(3):\n    %get {c}/o"),
        ("%storlet get {c}/", "%storlet get {c}/o"),
        ("get {c}/", "get {c}/o"),
        ("%get --sto", "%get --storlet"),
        ("%get {c}/o --storlet te", "%get {c}/o --storlet test.py"),
        ("%get {c}/o --storlet test.py -i par", "%get {c}/o --storlet test.py -i params"),
        ("%local st", "%local start"),
        ("%storlet sto", "%storlet storletapp"),
        ("%storletap", "%storletapp"),
        ("%%uploadfile {c}/", "%%uploadfile {c}/o"),
        ("%help ge", "%help get"),
        ("%get '{c}/", "%get '{c}/o'"),
        ("%storlet rm {c}/o {c}/", "%storlet rm {c}/o {c}/o"),
    ],
)
def test_tab_offers(notebook: Cells, text: str, wanted: str) -> None:
    """Magics, options, choices, objects, storlets, variables, commands."""
    notebook.shell.push({"params": {}})
    name = notebook.shell.user_ns["c"]
    assert wanted.replace("{c}", name) in notebook.complete(text.replace("{c}", name))


def test_names_with_blanks_are_quoted(notebook: Cells) -> None:
    """So that the line can be run as it is completed."""
    notebook.good("%%uploadfile '{c}/a b'\nx")
    name = notebook.shell.user_ns["c"]
    tries = (notebook.complete(f"%get {name}/a") for _ in range(5))  # a slow answer completes nothing, and is kept
    line = next(line for lines in tries for line in lines if "a\\ b" in line)
    assert notebook.good(line).value.text.strip() == "x"


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["%get 'a", "%get --nonsense ", "%storlet nonsense ", "%get \\", '%get "', "%get -- ", "%get <<", "%put - -", "%"],
)
def test_odd_lines_are_no_trouble(notebook: Cells, capfd: pytest.CaptureFixture[str], text: str) -> None:
    """Whatever is typed, Tab raises nothing and writes nothing."""
    notebook.complete(text)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_silent_server_does_not_hold_tab_up(
    cell: Cells, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is known by the deadline has to do."""
    monkeypatch.setattr(completion, "_listing", lambda *_: time.sleep(10))
    started = time.monotonic()
    cell.complete("%get some/")
    assert time.monotonic() - started < 9
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_nobody_logged_in_is_no_error(stranger: Cells, capfd: pytest.CaptureFixture[str]) -> None:
    """Without an identity Tab knows no objects, and the rest works."""
    stranger.complete("%get some/")
    assert "%get --storlet" in stranger.complete("%get --sto")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        ("", Cursor((), "", "")),
        ("a", Cursor((), "a", "a")),
        ("a ", Cursor(("a",), "", "")),
        ("a 'b c' d", Cursor(("a", "b c"), "d", "d")),
        ("a 'b c", Cursor(("a",), "b c", "'b c")),
        ('"a \\" b', Cursor((), 'a " b', '"a \\" b')),
        ("a\\ b", Cursor((), "a b", "a\\ b")),
        ("'' ", Cursor(("",), "", "")),
    ],
)
def test_line_is_split_at_its_cursor(text: str, cursor: Cursor) -> None:
    """As sh would split it, with an open end."""
    assert split(text) == cursor


@pytest.mark.parametrize(
    ("begun", "text", "final", "spelled"),
    [
        ("", "a b", True, "a\\ b"),
        ("'", "a b", True, "'a b'"),
        ("'", "a b", False, "'a b"),
        ('"', 'a"b', True, '"a\\"b"'),
        ("'", "it's", True, "it\\'s"),
    ],
)
def test_candidate_is_spelled_as_it_was_begun(begun: str, text: str, final: bool, spelled: str) -> None:
    """In the quotes that are open, where they can hold it."""
    assert Cursor((), "", begun).spell(text, final=final) == spelled


SIGNS = ["{name}", "$name", "${name}", "{{name}}", "$$name", "${name.real}", "{name + 1}", "a{b", "$5 {}"]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("quote", ["", "'"])
def test_completed_line_means_the_object(notebook: Cells, sign: str, quote: str) -> None:
    """A name that looks like a variable is doubled, and completed on from wherever that is broken off."""
    notebook.shell.push({"name": 7, "sign": sign})
    notebook.good("%%uploadfile {c}/x{sign}z\nfound")
    container = notebook.shell.user_ns["c"]
    (whole,) = notebook.complete(f"%get {quote}{container}/x")
    assert notebook.good(whole).value.subject == f"path:/{container}/x{sign}z"
    for end in range(len(f"%get {quote}{container}/x"), len(whole)):
        if whole[:end].endswith(("{", "$", "\\")) and whole[end - 2 : end] not in ("{{", "$$"):
            continue  # nobody can tell whether a variable or a text begins here
        assert whole in notebook.complete(whole[:end]), whole[:end]


@given(st.text("{}$ab.1 ", max_size=12), st.text("{}$ab.1 ", max_size=12))
def test_doubled_text_stands_for_itself(text: str, more: str) -> None:
    """Whatever it holds, and also as the end of a word that has been begun."""
    assert expand(doubled(text), {}) == text
    assert expand(go_on(doubled(text), text + more, {}), {}) == text + more


@pytest.mark.parametrize("begun", ["{c}/", "$c/", "${c}/", "path:/{c}/", "'{c}/"])
def test_variables_stay_in_a_completed_line(notebook: Cells, begun: str) -> None:
    """What they hold is completed; the line goes on as it was written."""
    (whole,) = notebook.complete(f"%get {begun}")
    assert whole.startswith(f"%get {begun}o")
    assert notebook.good(whole).value.text.startswith("name,age")


def test_names_after_a_comma_are_completed(cell: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each dependency of several is a file's name."""
    for name in ("one.py", "two.py"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert cell.complete("%%storletapp a.B -d one.py,t") == ["%%storletapp a.B -d one.py,two.py"]
    assert "%deploy --dependencies=one.py,two.py" in cell.complete("%deploy --dependencies=one.py,")
