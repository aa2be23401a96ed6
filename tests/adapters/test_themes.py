"""What a terminal shows: colors, documents, tracebacks, and columns; and that nothing else gets any of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from wcwidth import wcswidth

from storlet_shell.adapters.terminal.documents import Indenter
from storlet_shell.adapters.terminal.themes import THEMES
from storlet_shell.adapters.terminal.tracebacks import painted
from storlet_shell.adapters.terminal.widths import RANGES, width
from storlet_shell.results import Table
from storlet_shell.results.on_terminal import Display
from tests.adapters.conftest import Process
from tests.security.screen import Screen

Upload = Callable[[str, bytes], None]

DOCUMENT = '{"a": [1, -2.5e3, null, true], "b": {"c:": "d, \\"\\u00e9\\\\"}, "e": {}, "f": [], "g": [{}]}\n'
INDENTED = """\
{
  "a": [
    1,
    -2.5e3,
    null,
    true
  ],
  "b": {
    "c:": "d, \\"\\u00e9\\\\"
  },
  "e": {},
  "f": [],
  "g": [
    {}
  ]
}
"""


def marked(role: str, text: str) -> str:
    """Return a text with its role."""
    return f"<{role[0]}>{text}</>"


def luminance(number: str) -> float:
    """Return the relative luminance of a color of xterm's palette, as WCAG 2 defines it."""
    at = int(number)
    levels = [8 + 10 * (at - 232)] * 3 if at >= 232 else [(0, 95, 135, 175, 215, 255)[n] for n in digits(at - 16)]
    linear = [(level / 255 / 12.92) if level <= 10 else ((level / 255 + 0.055) / 1.055) ** 2.4 for level in levels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def digits(number: int) -> tuple[int, int, int]:
    """Return the digits of a number to the base of 6."""
    return number // 36, number // 6 % 6, number % 6


def contrast(one: float, other: float) -> float:
    """Return the contrast of two luminances."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


BLACK, DARK_GRAY, WHITE = 0.0, ((0x1E / 255 + 0.055) / 1.055) ** 2.4, 1.0


@pytest.mark.parametrize(
    ("name", "grounds", "least"),
    [("default", (BLACK, DARK_GRAY, WHITE), 3.5), ("dark", (BLACK, DARK_GRAY), 4.5), ("light", (WHITE,), 4.5)],
)
def test_every_color_is_readable_on_its_backgrounds(name: str, grounds: tuple[float, ...], least: float) -> None:
    """The default theme is for dark and light ones; no color depends on the user's first sixteen."""
    colors = {word for style in THEMES[name].styles.values() for word in style.split() if word.isdigit()}
    assert len(colors) > 5
    assert min(map(int, colors)) >= 16
    for ground in grounds:
        assert {
            color: contrast(luminance(color), ground) for color in colors if contrast(luminance(color), ground) < least
        } == {}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_documents_are_indented_wherever_they_are_cut(size: int) -> None:
    """Pieces end within escapes, numbers, and strings."""
    indenter = Indenter(lambda _, text: text)
    pieces = [DOCUMENT[at : at + size] for at in range(0, len(DOCUMENT), size)]
    assert "".join(map(indenter.feed, pieces)) == INDENTED
    assert json.loads(INDENTED) == json.loads(DOCUMENT)


def test_keys_strings_numbers_and_constants_have_roles() -> None:
    """A string is a key only in front of a colon."""
    shown = Indenter(marked).feed('{"a": ["b", 1, true, null]}\n{"c": -1.5}\n')
    assert re.findall("<[a-z]>[^<]*", shown) == ['<k>"a"', '<s>"b"', "<n>1", "<c>true", "<c>null", '<k>"c"', "<n>-1.5"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('  File "a.py", line 3, in f', '<p>  File "a.py", line 3, in f</>'),
        ("    x = 1 / 0", "    x = 1 / 0"),
        ("        ~~^~~", "<e>        ~~^~~</>"),
        ("ZeroDivisionError: division by zero", "<e>ZeroDivisionError</>: division by zero"),
        ("acme.errors.TooHotError: 40", "<e>acme.errors.TooHotError</>: 40"),
        ("----> 6     x = 1 / 0", "<e>----> </>6     x = 1 / 0"),
        ("KeyboardInterrupt", "<e>KeyboardInterrupt</>"),
        ("an Error in the middle", "an Error in the middle"),
        ("java.lang.IllegalStateException: off", "<e>java.lang.IllegalStateException</>: off"),
        ("Caused by: java.io.IOException", "<e>Caused by: java.io.IOException</>"),
        ("\tat java.base/java.util.A.get(A.java:3)", "<p>\tat java.base/java.util.A.get(A.java:3)</>"),
        ("\tat org.example.A$B.<init>(A.java)", "<p>\tat org.example.A$B.<init>(A.java)</>"),
        ("\t... 3 more", "<p>\t... 3 more</>"),
    ],
)
def test_tracebacks_have_roles(line: str, shown: str) -> None:
    """Places, marks, and what was raised."""
    assert painted(line, marked) == shown


@pytest.mark.slow
def test_terminal_gets_headings_sizes_and_columns_by_width(
    environ: dict[str, str], container: str, upload: Upload
) -> None:
    """Wide characters take two columns; an exact size is there for who asks."""
    upload(f"{container}/日本", b"x" * 14_500_000)
    upload(f"{container}/abc", b"x")
    screen = Screen({**environ, "TERM": "xterm", "STORLET_SHELL_THEME": "none"})
    columns = ("ls", container, "--columns", "name,bytes")
    assert screen(*columns) == (0, "NAME     BYTES\nabc        1 B\n日本  13.8 MiB\n")
    assert screen(*columns, "--bytes") == (0, "NAME     BYTES\nabc          1\n日本  14500000\n")
    assert screen("ls", "-l", container)[1].endswith("2 names, 13.8 MiB\n")
    colored = Screen({**environ, "TERM": "xterm"})(*columns)[1]
    assert colored.startswith("\x1b[1mNAME\x1b[0m     \x1b[1mBYTES\x1b[0m\n")
    failed = Screen({**environ, "TERM": "xterm"})("get", f"{container}/none")[1]
    assert re.fullmatch(
        r"\x1b\[38;5;196;1mstorlet-shell:\x1b\[0m .*\x1b\[38;5;243m \(transaction tx\S+\)\x1b\[0m\n", failed
    )


@pytest.mark.slow
def test_documents_and_help_are_laid_out_on_a_terminal(environ: dict[str, str], container: str, upload: Upload) -> None:
    """JSON bodies are indented if they are JSON; what only says so is text; the headings of help stand out."""
    upload(f"{container}/a.json", b'{"a": [1, "\\u001b"]}')
    upload(f"{container}/b.json", b"not  json\n")
    screen = Screen({**environ, "TERM": "xterm", "STORLET_SHELL_THEME": "none"})
    assert screen("get", f"{container}/a.json") == (0, '{\n  "a": [\n    1,\n    "\\u001b"\n  ]\n}\n')
    assert screen("get", f"{container}/b.json") == (0, "not  json\n")
    shown = Screen({**environ, "TERM": "xterm"})("help", "get")[1]
    headings = re.findall(r"^\x1b\[1m(.*?)\x1b\[0m$", shown, re.MULTILINE)
    assert {"positional arguments:", "options:", "examples:"} <= set(headings)
    assert shown.startswith("usage: get")


def test_widths_are_those_of_wcwidth() -> None:
    """Also where they are known without it, for each of these characters; combining ones and emoji take it."""
    known = [chr(code) for first, last, _ in RANGES for code in range(first, last + 1)]
    assert len(known) > 30_000
    assert [char for char in known[::5] if char.isprintable() and width(char) != wcswidth(char)] == []
    for text in ("日本語.csv", "né", "e\u0301", "👍🏽", "🇨🇭x", "ก็", "한글", "Ω—…"):
        assert (text, width(text)) == (text, wcswidth(text))
    assert width("日\tx") == 3


def test_a_table_that_people_see_otherwise_stays_so() -> None:
    """The log of a storlet is text, in columns only for who asks for them."""

    class Poem(Table):
        def render(self) -> Iterator[str]:
            yield from ("roses\x1b", "violets")

    display = Display(marked, len)
    assert list(Poem(("a",), [(1,)]).on_terminal(display)) == [r"roses\x1b", "violets"]
    assert list(Poem(("a",), [(1,)]).on_terminal(display, ["a"])) == ["1"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}, {"STORLET_SHELL_THEME": "none"}]
)
def test_colors_can_be_switched_off(environ: dict[str, str], changes: dict[str, str]) -> None:
    """By the variable of https://no-color.org, by a terminal that has none, and by the theme."""
    screen = Screen({**environ, "TERM": "xterm", **changes})
    for words in (["ls", "no-such"], ["ls", "--json"], ["whoami"], ["ls"]):
        assert "\x1b" not in screen(*words)[1]
    assert "\x1b" in Screen({**environ, "TERM": "xterm", "NO_COLOR": ""})("whoami")[1]


@pytest.mark.slow
def test_unknown_theme_is_one_line(environ: dict[str, str]) -> None:
    """The line runs in the default theme."""
    status, shown = Screen({**environ, "TERM": "xterm", "STORLET_SHELL_THEME": "pink"})("whoami")
    assert status == 0
    assert shown.count("STORLET_SHELL_THEME: unknown theme 'pink'; themes: default, dark, light, none\n") == 1


@pytest.mark.slow
def test_pipe_gets_no_color_and_exact_sizes(process: Process, container: str, upload: Upload) -> None:
    """Whatever the variables say."""
    upload(f"{container}/o", b"x" * 5000)
    found = process("ls", "-l", container, TERM="xterm", STORLET_SHELL_THEME="dark")
    assert found.out.split()[0] == b"5000"
    assert b"\x1b" not in found.out
    assert process("ls", "--json", container, TERM="xterm").out.startswith(b'{"rows": [{"objects": null, "bytes": 5000')
    assert "\x1b" not in process("get", f"{container}/none", TERM="xterm").err
