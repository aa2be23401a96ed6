"""``%storlet browse`` without a browser: the questions of the widget, the lines that it offers, and the plain table."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from storlet_shell.adapters.notebook.browse import answers as answers_module
from storlet_shell.adapters.notebook.browse import lines
from storlet_shell.adapters.notebook.browse.answers import Answers
from storlet_shell.adapters.notebook.browse.widget import Widget
from storlet_shell.adapters.notebook.page import Notebook
from storlet_shell.spec.registry import Registry
from storlet_shell.values import Location, ObjectPath, StorletName
from tests.notebook.cells import Cells
from tests.support.lines import Runner

ODD_NAMES = (
    "plain.csv",
    "a {c} $c $$c {{c}}",
    'quote\'s "both"; # no comment',
    "folder/with -o x",
    "<b>bold</b>",
    "two\nlines\ttab",
    "\u202eright to left",
    "back\\slash;",
    "%magic ? !",
)


@pytest.fixture
def answers(cell: Cells) -> Answers:
    """Return what answers a widget's questions."""
    return Answers(cell.shell.meta["storlet_shell"].session)


def names(answer: dict[str, Any]) -> list[str]:
    """Return the names of an answer's rows."""
    assert "error" not in answer, answer
    return [row["name"] for row in answer["rows"]]


def ask(answers: Answers, container: str, folder: str = "", filter: str = "", after: str = "") -> dict[str, Any]:
    """List a page."""
    return answers(
        {"id": "1", "ask": "names", "container": container, "folder": folder, "filter": filter, "after": after}
    )


@pytest.mark.slow
def test_pages_cover_a_container(
    answers: Answers, container: str, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page starts where the one before it ended, folders are one row each, and the last page says so."""
    monkeypatch.setattr(answers_module, "ROWS", 2)
    for name in ("a/1", "a/2", "b", "c/1", "d"):
        run("upload", f"{container}/{name}", stdin=b"text")
    pages = [ask(answers, container)]
    while pages[-1]["more"]:
        pages.append(ask(answers, container, after=pages[-1]["end"]))
    assert [names(page) for page in pages] == [["a/", "b"], ["c/", "d"]]
    assert pages[0]["rows"][0]["kind"] == "folder"
    inside = ask(answers, container, folder="a/")
    assert [row["label"] for row in inside["rows"]] == ["1", "2"]
    assert names(ask(answers, container, folder="a/", filter="2")) == ["a/2"]
    assert names(ask(answers, container, filter="nothing")) == []


def test_containers_are_filtered(answers: Answers, container: str) -> None:
    """The first page of the account has the containers whose names start with the filter."""
    answer = ask(answers, "", filter=container)
    assert names(answer) == [container]
    assert answer["rows"][0]["kind"] == "container"


@pytest.mark.slow
def test_object_is_shown(answers: Answers, container: str, run: Runner) -> None:
    """Its facts, metadata, and preview, in which its text is escaped."""
    run("upload", f"{container}/o.csv", stdin=b"name,age\n<script>alert(1)</script>,31\n")
    run("post", f"{container}/o.csv", "-m", "color=blue")
    answer = answers({"ask": "object", "container": container, "name": "o.csv"})
    assert ["type", "text/csv"] in answer["facts"]
    assert "blue" in [text for _, text in answer["facts"]]
    assert "&lt;script&gt;" in answer["html"]
    assert "<script" not in answer["html"]


@pytest.mark.slow
def test_container_is_shown(answers: Answers, container: str, run: Runner) -> None:
    """Its facts and its ACL."""
    run("acl", "grant", container, "test:guest", "--read")
    answer = answers({"ask": "location", "container": container, "folder": ""})
    assert answer["rights"] == [["read", "test:guest", ""]]
    assert "objects" in dict(answer["facts"])


@pytest.mark.slow
def test_storlet_is_shown(answers: Answers, notebook: Cells) -> None:
    """Its source, its last runs with their logs, and its facts."""
    notebook.good("%get --storlet test.py path:/{c}/o")
    answer = answers({"ask": "storlet", "name": "test.py"})
    assert "TestStorlet</span>" in answer["source"] or "class TestStorlet" in answer["source"]
    assert answer["runs"][0]["end"] == "ok"
    assert dict(answer["facts"])["main"] == "test.TestStorlet"
    assert "test.py" in names(answers({"ask": "storlets", "filter": "test", "after": ""}))
    assert "error" not in answers({"ask": "grants", "name": "test.py"})


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ({"ask": "object", "container": "no-such", "name": "o"}, "not found"),
        ({"ask": "names", "container": "no-such", "folder": "", "filter": "", "after": ""}, "not found"),
        ({"ask": "storlet", "name": "no-such.py"}, "no-such.py"),
        ({"ask": "storlet", "name": "../.."}, "a storlet name"),
        ({"ask": "nonsense"}, "KeyError"),
        ({"ask": "names"}, "TypeError"),
    ],
)
def test_failure_is_an_answer(answers: Answers, question: dict[str, Any], text: str) -> None:
    """Whatever goes wrong is said in one line: a browser would wait for an answer that never comes."""
    answer = answers(question)
    assert text in answer["error"]
    assert "\n" not in answer["error"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD_NAMES)
def test_copied_line_gets_the_object(cell: Cells, container: str, run: Runner, name: str) -> None:
    """Whatever characters the object's name holds."""
    run("upload", f"path:/{container}/{name}", stdin=name.encode())
    cell.shell.push({"c": "a variable that must not be used"})
    (line,) = [entry["line"] for entry in lines.of_object(ObjectPath(container, name)) if entry["does"] == "Get it"]
    assert line.isprintable()
    cell.good(line)
    assert cell.shell.user_ns["body"].text == name


@pytest.mark.slow
def test_all_lines_can_be_parsed() -> None:
    """Every line that is offered has arguments that its command takes."""
    offered = [
        *lines.of_object(ObjectPath("c", "o.csv")),
        *lines.of_location(Location("c")),
        *lines.of_location(Location("c", "folder/")),
        *lines.of_storlet(StorletName("s.py"), [{"name": "least", "default": None}, {"name": "unit", "default": "C"}]),
    ]
    for entry in offered:
        words = entry["line"].partition("%storlet ")[2].split()
        filled = [word.strip("'").replace("STORLET", "s.py") for word in words]
        Registry().get(filled[0]).call(filled[1:])
    assert any("-p least=VALUE --" in entry["line"] for entry in offered)


def test_terminal_shows_the_plain_table(cell: Cells, container: str, run: Runner) -> None:
    """IPython in a terminal has no widgets, and nothing is said about installing any."""
    run("upload", f"{container}/folder/o", stdin=b"text")
    run("upload", f"{container}/o", stdin=b"text")
    shown = cell.good(f"%storlet browse {container}").out
    assert "folder/" in shown
    assert "4 B" in shown
    assert "anywidget" not in shown


def test_table_takes_the_place_of_a_widget_that_is_not_installed(
    cell: Cells, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page without anywidget shows the table, and how to install it."""
    monkeypatch.setattr(Notebook, "shows_widgets", lambda self: True)
    monkeypatch.setitem(sys.modules, "storlet_shell.adapters.notebook.browse.widget", None)
    assert "%pip install 'anywidget" in cell.good(f"%storlet browse {container}").out


def test_result_is_a_table_for_programs(cell: Cells, container: str, run: Runner) -> None:
    """``--json`` and a column of it work as for other commands."""
    run("upload", f"{container}/o", stdin=b"text")
    (row,) = cell.good(f"%storlet browse {container} --json").value["rows"]
    assert (row["name"], row["bytes"]) == ("o", 4)


def test_missing_container_is_an_error_of_the_cell(cell: Cells) -> None:
    """As with every other command."""
    assert type(cell("%storlet browse no-such").error).__name__ == "NotFoundError"


def test_widget_passes_questions_on(answers: Answers, container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer has the id of its question; what isn't a question is ignored."""
    widget, sent = Widget(answers, Location(container, "a/b"), "plain"), list[dict[str, Any]]()
    monkeypatch.setattr(widget, "send", sent.append)
    assert widget.start == {"container": container, "folder": "a/", "filter": "b"}
    widget._handle_custom_msg({"id": 7, "ask": "storlets", "filter": "", "after": ""}, [])
    widget._handle_custom_msg("nonsense", [])
    assert [answer["id"] for answer in sent] == [7]
    assert "text/html" not in widget._repr_mimebundle_()[0]
    widget.close()


@pytest.mark.slow
def test_other_front_ends_say_where_it_is(run: Runner, cell: Cells) -> None:
    """Elsewhere it is an unknown command, with what to type instead; in a notebook, help explains it."""
    outcome = run("browse")
    assert outcome.status == 127
    assert "only notebooks have it" in outcome.err
    assert "ls -l" in outcome.err
    assert "in a notebook" in cell.good("%storlet help browse").text
    assert "\n  browse " in cell.good("%storlet help").text
