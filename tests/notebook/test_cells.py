"""Cells: capture, expansion, bodies, errors, and the display of values."""

from __future__ import annotations

from collections import ChainMap
from types import MappingProxyType

import pytest
from IPython.core.error import UsageError

from storlet_shell.results import Response
from tests.notebook.cells import IDENTITY, Cells
from tests.support.lines import Runner

# --- capture


def test_value_of_the_cell_is_the_result(notebook: Cells) -> None:
    """An assignment takes it, and so does ``_``."""
    notebook.good("x = %get {c}/o")
    assert isinstance(notebook.shell.user_ns["x"], Response)


@pytest.mark.parametrize("line", ["%get {c}/o -o r", "%get r << {c}/o", "%storlet r << get {c}/o", "%get r<<{c}/o"])
def test_result_is_stored_under_a_name(notebook: Cells, line: str) -> None:
    """By ``-o NAME`` and by ``NAME <<``; a stored result is not shown."""
    assert notebook.good(line).value is None
    assert notebook.shell.user_ns["r"].text.startswith("name,age")


def test_result_of_a_cell_magic_is_stored(notebook: Cells) -> None:
    """The same for magics with a body."""
    notebook.good("%%uploadfile r << {c}/p\ntext")
    assert notebook.shell.user_ns["r"].status == 201


@pytest.mark.parametrize("line", ["%get {c}/o;", "%get {c}/o ;", "%get {c}/o;  # no more", "%storlet get '{c}/o';"])
def test_semicolon_at_the_end_hides_the_value(notebook: Cells, line: str) -> None:
    """As in Python cells; it belongs to no name."""
    assert notebook.good(line).value is None


def test_comment_ends_a_line(notebook: Cells) -> None:
    """At the start of a word; in a name, in quotes or after a backslash, its signs are themselves."""
    for name in ("a#1", "b # 1", "d;"):
        notebook.good(f"%%upload '{{c}}/{name}'  # the text follows\n{name}")
    for spelled, name in (
        ("{c}/a#1 # text", "a#1"),
        ("'{c}/b # 1' # it's a comment", "b # 1"),
        ("'{c}/d;'", "d;"),
        (r"{c}/d\;", "d;"),
    ):
        assert notebook.good(f"%get {spelled}").value.text == f"{name}\n"


@pytest.mark.parametrize("name", ["1x", "class", "a-b", "a.b", "''"])
@pytest.mark.parametrize("line", ["%get {{c}}/o -o {name}", "%get {name} << {{c}}/o"])
def test_bad_variable_is_a_usage_error(notebook: Cells, line: str, name: str) -> None:
    """No Python name, or a keyword; nothing is run."""
    assert isinstance(notebook(line.format(name=name)).error, UsageError)


@pytest.mark.parametrize(
    "mapping",
    [
        {"a": 1, "b": None},
        ChainMap({"a": 1}, {"b": None}),
        MappingProxyType({"a": 1, "b": None}),
        '{"a": 1, "b": "None"}',
    ],
    ids=["dict", "ChainMap", "proxy", "JSON"],
)
def test_any_mapping_gives_parameters(notebook: Cells, mapping: object) -> None:
    """Values are converted with ``str``."""
    notebook.shell.push({"params": mapping})
    headers = notebook.good("%get --storlet test.py {c}/o -i params").value.headers
    assert (headers["X-Object-Meta-A"], headers["X-Object-Meta-B"]) == ("1", "None")


@pytest.mark.parametrize("value", ["[1, 2]", "3", "'text'", "None", "object()"])
def test_variable_that_is_no_mapping_is_a_usage_error(notebook: Cells, value: str) -> None:
    """It is named, with what it is."""
    error = notebook(f"p = {value}\n%get --storlet test.py {{c}}/o -i p").error
    assert isinstance(error, UsageError)
    assert "variable p: " in str(error)


def test_undefined_variable_is_a_usage_error(notebook: Cells) -> None:
    """It is named."""
    error = notebook("%get --storlet test.py {c}/o -i nowhere").error
    assert isinstance(error, UsageError)
    assert "nowhere" in str(error)


def test_json_is_data(notebook: Cells) -> None:
    """``--json`` makes the document the cell's value."""
    assert notebook.good("%get {c}/o --json").value["content"].startswith("name,age")
    assert [row["name"] for row in notebook.good("%storlet ls {c} --json").value["rows"]] == ["o"]


# --- expansion


@pytest.mark.parametrize("spelled", ["{name}", "$name", "${name}", "'{name}'", '"$name"', "{holder.name}"])
def test_names_are_expanded(notebook: Cells, spelled: str) -> None:
    """A value is one word, whatever it holds, in any quotes."""
    notebook.good("class holder:\n    name = 'a b \"c\"'\nname = holder.name")
    notebook.good(f"%%uploadfile {{c}}/{spelled}\nx")
    assert notebook.good(f"%get {{c}}/{spelled}").value.subject.endswith('/a b "c"')


@pytest.mark.parametrize("spelled", ["{nope}", "$nope", "${nope}", "{c.nope}", "{nope.c}"])
def test_unknown_name_is_named(notebook: Cells, spelled: str) -> None:
    """Never sent as it stands."""
    error = notebook(f"%get {{c}}/{spelled}").error
    assert isinstance(error, UsageError)
    assert "nope" in str(error)


@pytest.mark.parametrize("spelled", ["{c[0]}", "{c + c}", "{c!r}", "${c:>3}"])
def test_expression_is_refused(notebook: Cells, spelled: str) -> None:
    """Names only; the message says what to do."""
    error = notebook(f"%get '{{c}}/{spelled}'").error
    assert isinstance(error, UsageError)
    assert "only names" in str(error)


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('[{"a": {"b": "c"}}]', '[{"a": {"b": "c"}}]'),
        ("a{2,3}$", "a{2,3}$"),
        ("$5 {} { }", "$5 {} { }"),
        ("{{c}} $$c $${c}", "{c} $c ${c}"),
    ],
)
def test_json_and_signs_are_themselves(notebook: Cells, spelled: str, text: str) -> None:
    """Text that can't be a name isn't expanded, and doesn't disable the expansion of other text."""
    headers = notebook.good(f"%get --storlet test.py {{c}}/o -p 'note={spelled}'").value.headers
    assert headers["X-Object-Meta-Note"] == text


def test_bodies_are_never_expanded(notebook: Cells) -> None:
    """Braces and dollars of the cell are the cell's."""
    notebook.good("%%uploadfile {c}/b\n{nope} $nope {{c}}")
    assert notebook.good("%get {c}/b").value.text.strip() == "{nope} $nope {{c}}"


# --- code in cells


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1", "no class"),
        ("", "empty"),
        ("class Main:\n  def __call__(self, a, b, c): pass\nclass Other: pass", "did you mean Main"),
        ("class Mein:\n    pass\n  x", "cell.py:3"),
        ("def (:", "cell.py:1: invalid syntax\n    def (:\n        ^"),
    ],
    ids=["no class", "no code", "another name", "indentation", "syntax"],
)
def test_code_that_can_not_run_is_not_deployed(cell: Cells, run: Runner, code: str, message: str) -> None:
    """One line that says what is wrong and where; nothing is sent."""
    done = cell(f"%%storletapp cell.Mainn\n{code}")
    assert isinstance(done.error, UsageError)
    assert message in str(done.error)
    assert run("get", "storlet/cell.py").status != 0


def test_of_two_classes_the_named_one_is_started(notebook: Cells) -> None:
    """The line names it."""
    code = IDENTITY.split("\n", 1)[1] + "\n\nclass Other:\n    pass\n"
    notebook.good(f"%%storletapp two.TestStorlet\n{code}")
    assert notebook.good("%get --storlet two.py {c}/o").value.text.startswith("name,age")


def test_surprises_are_told_before_deploying(cell: Cells) -> None:
    """With the line, on standard error; the storlet is deployed all the same."""
    code = IDENTITY.replace("out_files[0].write(buf)", "out_files[0].write('text')")
    done = cell.good(code)
    assert done.err == "warning: test.py:13: write() takes bytes, not str: use .encode()\n"
    assert "deployed" in done.text


def test_input_that_is_not_there_is_named(notebook: Cells) -> None:
    """For an object and for a local file."""
    assert "nothing-here" in str(notebook("%get --storlet test.py --input path:/{c}/nothing-here").error)
    assert "nothing-here" in str(notebook("%put --storlet test.py --input /nothing-here --output path:/{c}/x").error)


# --- what is shown


def test_hostile_names_and_headers_are_escaped(notebook: Cells) -> None:
    """HTML in an object's name, in metadata and in a body stays text."""
    notebook.good("name = '<script>alert(1)</script>'\n%storlet mkdir {c}")
    notebook.good("%%uploadfile {c}/{name}.txt\n<script>alert(2)</script>")
    notebook.shell.push({"params": {"evil": "<script>alert(3)</script>"}})
    for line in ("%get --storlet test.py {c}/{name}.txt -i params", "%storlet ls {c} -l", "%vars"):
        shown = notebook.good(line).html
        assert "&lt;script&gt;" in shown
        assert "<script" not in shown


def test_error_text_can_not_drive_the_terminal(notebook: Cells) -> None:
    """Control characters of a name are made visible."""
    done = notebook("name = 'a\\x1b[31mb'\n%get {c}/{name}")
    assert "\x1b[31m" not in done.out + done.err
    assert "\\x1b[31m" in done.out


def test_variables_are_the_users(notebook: Cells) -> None:
    """``%vars`` lists what the user has made, not what IPython keeps there."""
    listed = notebook.good("mine = 1\n%vars").text
    assert "mine" in listed
    assert "get_ipython" not in listed
    notebook.good("%vars mine --delete")
    assert "mine" not in notebook.shell.user_ns


def test_storlet_of_a_cell_reads_as_it_was_typed(notebook: Cells) -> None:
    """In the encoding that its comment names, also when a failure shows its lines."""
    code = IDENTITY.split("\n", 1)[1].replace("out_files[0].close()", "out_files[0].write('é'.encode() + b'%d' % 0)")
    code = code.replace("        while True:", "        assert 'fail' not in params, 'é'\n        while True:")
    notebook.good(f"%%storletapp latin.TestStorlet\n# -*- coding: latin-1 -*-\n{code}")
    assert notebook.good("%get {c}/o --storlet latin.py").value.text.endswith("é0")
    assert "assert 'fail' not in params, 'é'" in notebook("%get {c}/o --storlet latin.py -p fail=1").out
