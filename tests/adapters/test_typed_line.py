"""The typed line: its pieces and colors, the preferences about looks, and the toolbar."""

from __future__ import annotations

from pathlib import Path

import pytest
from prompt_toolkit.document import Document
from prompt_toolkit.output import ColorDepth

from storlet_shell.adapters.console import Console
from storlet_shell.adapters.shell.app import Shell, make_class
from storlet_shell.adapters.shell.lexer import LineLexer
from storlet_shell.adapters.shell.pieces import pieces
from storlet_shell.adapters.shell.styles import style_of
from storlet_shell.adapters.shell.toolbar import toolbar
from storlet_shell.adapters.terminal.themes import THEMES
from storlet_shell.session import Session
from storlet_shell.spec.registry import Registry

LEXER = LineLexer({"get", "deploy", "put"}.__contains__, {"deploy"}.__contains__)

LINES = [
    "get c/o -p 'k=v w' > 'a copy.txt' # note",
    "!ls | sort \\\n-r\nls | wc -l",
    "deploy a.py <<-'E F' --force\n\tclass A:\n\t\tx = '''\n\tE F\nget x",
    "?get",
    "@file -D A=b",
    "get \"c/it's",
    "get c/\\",
    "get c/o \\\n  --save x",
    "put - c/o <<E",
    "put - c/o <<E\n",
    "ls 日本/é ${x} $${y} a\\ b",
    "",
    "\n\n",
]


def painted(text: str) -> list[str]:
    """Return the parts of a text that have a role."""
    return [f"{role}: {part}" for role, part in LEXER.roles(text) if role and part]


@pytest.mark.parametrize("text", [line[:end] for line in LINES for end in range(len(line) + 1)])
def test_pieces_are_the_text(text: str) -> None:
    """Whatever has been typed so far, nothing of it is lost, and nothing is an error."""
    assert "".join(piece.text for piece in pieces(text)) == text
    assert "".join(part for _, part in LEXER.roles(text)) == text
    document, lex = Document(text), LEXER.lex_document(Document(text))
    assert ["".join(part[1] for part in lex(number)) for number in range(document.line_count)] == document.lines


def test_names_have_the_default_color() -> None:
    """Commands, options, quoted words, operators, and comments differ from them."""
    assert painted(LINES[0]) == ["command: get", "option: -p", "quoted: 'k=v w'", "operator: >", *painted_end()]
    assert painted("gett c/o") == []
    assert painted("get --save=x -- -o - ") == ["command: get", "option: --save=", "option: --"][:2]
    assert painted("?get") == ["operator: ?", "command: get"]
    assert painted("!rm -r 'x'") == ["operator: !"]
    assert painted("get a\nput b") == ["command: get", "command: put"]


def painted_end() -> list[str]:
    """Return the roles of the end of the first line."""
    return ["quoted: 'a copy.txt'", "comment: # note"]


def test_code_is_colored_in_the_heredoc_of_a_storlet_alone() -> None:
    """Up to the line that ends it; code that isn't complete yet is no error."""
    body = "class A:\n    x = 12  # b\n    def"
    assert painted(f"deploy a.py <<EOF\n{body}\nEOF\nget c/o") == [
        *("command: deploy", "operator: <<EOF", "keyword: class", "definition: A", "number: 12", "comment: # b"),
        *("keyword: def", "operator: EOF\n", "command: get"),
    ]
    code = "public class A {\n  int x; // b"
    assert painted(f"deploy A.java --force <<EOF\n{code}\nEOF\nget c/o")[3:7] == [
        *("keyword: public", "keyword: class", "definition: A", "keyword: int"),
    ]
    assert painted(f"put - c/o <<EOF\n{body}\nEOF") == ["command: put", "operator: <<EOF", "operator: EOF"]


def test_preferences_take_effect_at_once(environ: dict[str, str]) -> None:
    """Colors, suggestions, completion, and the toolbar; a wrong value is refused in one line and changes nothing."""
    console = Console({**environ, "TERM": "xterm"})
    console._stdout = lambda: Watched()  # type: ignore[assignment,return-value]
    with Session(console) as session:
        shell = make_class(Registry())(session, console, Registry())
        prompt = shell.main_session
        assert (shell.preferences.completion, shell.preferences.toolbar) == ("tab", False)
        assert prompt.auto_suggest is not None
        assert prompt.color_depth is ColorDepth.DEPTH_8_BIT
        shell.preferences.theme = "none"
        assert prompt.auto_suggest is None
        assert prompt.color_depth is ColorDepth.DEPTH_1_BIT
        shell.preferences.theme = "light"
        assert prompt.auto_suggest is not None
        shell.preferences.completion = "typing"
        assert prompt.complete_while_typing
        shell.preferences.toolbar = True
        assert prompt.bottom_toolbar == shell.get_bottom_toolbar


class Watched:
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_wrong_preference_is_one_line(shell: Shell, capfd: pytest.CaptureFixture[str]) -> None:
    """It is refused, and the old one stays."""
    for line in ("set theme pink", "set completion often", "set toolbar perhaps"):
        shell.onecmd_plus_hooks(line)
        assert shell.status == 1
        assert capfd.readouterr().err.count("\n") == 1
    assert (shell.preferences.theme, shell.preferences.completion) == ("default", "tab")
    assert shell.onecmd_plus_hooks("set theme dark") is False
    assert (shell.status, shell.preferences.theme) == (0, "dark")


def test_startup_file_sets_them(session: Session, environ: dict[str, str]) -> None:
    """As any other line of the shell."""
    Path(environ["STORLET_SHELL_STARTUP"]).write_text("set theme light\nset completion typing\nset toolbar true\n")
    console = session.surroundings
    assert isinstance(console, Console)
    shell = make_class(Registry())(session, console, Registry())
    shell.run_startup_file()
    assert (shell.preferences.theme, shell.preferences.completion, shell.preferences.toolbar) == (
        "light",
        "typing",
        True,
    )


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("local", "AUTH_local", 0, 0.125), " account AUTH_local · cloud local · status 0 · 0.12 s"),
        (("cloud.example", "", 4, 75.0), " cloud cloud.example · status 4 · 1:15"),
        (("", "", None, 0.0), " no identity"),
        (("\x1b[31m", "a\nb", 130, 7265.0), r" account a\nb · cloud \x1b[31m · status 130 · 2:01:05"),
    ],
)
def test_toolbar_says_where_and_how_it_ended(arguments: tuple[str, str, int | None, float], shown: str) -> None:
    """A status other than 0 stands out; names of a server's are text."""
    fragments = toolbar(*arguments)
    assert "".join(fragment[1] for fragment in fragments) == shown
    failed = any(fragment[0].endswith("failed") for fragment in fragments)
    assert failed == bool(arguments[2])


@pytest.mark.parametrize("theme", list(THEMES))
def test_every_theme_is_a_style(theme: str) -> None:
    """prompt_toolkit takes each, and a suggestion never looks like typed text where there are colors."""
    style = style_of(THEMES[theme])
    assert (style.get_attrs_for_style_str("class:auto-suggestion").color != "") == (theme != "none")
