"""A recorded terminal session: the real shell at a real terminal, typed to, and drawn as an animated SVG."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pexpect
import pyte

COLUMNS, ROWS = 94, 22
WIDTH, HEIGHT, MARGIN = 8.4, 18, 14  # of a character, a row and the frame, in pixels
COLOURS = {
    "default": "#d8dee9",
    "black": "#4c566a",
    "red": "#ff7b82",
    "green": "#a3be8c",
    "brown": "#ebcb8b",
    "blue": "#81a1c1",
    "magenta": "#c8a2c8",
    "cyan": "#88c0d0",
    "white": "#ffffff",
}
BACKGROUND = "#242933"


class Frame(NamedTuple):
    """What the screen shows, and for how long.

    :param rows: as SVG
    :param seconds: as they are played back; what the machine made one wait for is not
    """

    rows: tuple[str, ...]
    seconds: float


class Recording:
    """A program at a terminal of its own, and what its screen showed.

    :param command: the program and its arguments
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        self.frames: list[Frame] = []
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._child = pexpect.spawn(
            command[0], list(command[1:]), env={**environ}, cwd=str(folder), dimensions=(ROWS, COLUMNS), timeout=60
        )

    def wait_for(self, *texts: str, seconds: float = 1.8) -> None:
        """Read until the cursor's row ends with the last text, and the others are on the screen; keep that.

        :raises TimeoutError: when that takes more than three minutes
        """
        end = time.monotonic() + 180
        while not self._shows(texts):
            if time.monotonic() > end:
                raise TimeoutError(f"{texts} are not on the screen:\n" + "\n".join(self._screen.display))
            self._read(0.2)
        self._read(0.3)
        self._keep(seconds)

    def _shows(self, texts: Sequence[str]) -> bool:
        shown = self._screen.display
        ends = shown[self._screen.cursor.y].rstrip().endswith(texts[-1])
        return ends and all(any(text in row for row in shown) for text in texts)

    def type(self, text: str) -> None:
        """Type characters, one after the other."""
        for each in text:
            self._child.send(each)
            self._read(0.1)
            self._keep(0.05 if each.isalnum() else 0.09)

    def press(self, keys: str, seconds: float = 0.4) -> None:
        """Press keys at once."""
        self._child.send(keys)
        self._read(1)
        self._keep(seconds)

    def close(self) -> None:
        """End the program."""
        self._child.close(force=True)

    def _read(self, seconds: float) -> None:
        """Take in what the program writes until it has been silent for so long."""
        while True:
            try:
                data = self._child.read_nonblocking(65536, timeout=seconds)
            except (pexpect.TIMEOUT, pexpect.EOF):
                return
            if b"\x1b[6n" in data:  # prompt_toolkit asks where the cursor is
                self._child.send(f"\x1b[{self._screen.cursor.y + 1};{self._screen.cursor.x + 1}R")
            self._stream.feed(data)

    def _keep(self, seconds: float) -> None:
        rows = tuple(_drawn(self._screen, number) for number in range(ROWS))
        if self.frames and self.frames[-1].rows == rows:
            seconds += self.frames.pop().seconds
        self.frames.append(Frame(rows, seconds))


def _drawn(screen: pyte.Screen, number: int) -> str:
    """Draw a row: runs of characters that look alike."""
    drawn = ""
    cells = [screen.buffer[number][column] for column in range(COLUMNS)]
    if number == screen.cursor.y and not screen.cursor.hidden:
        cells[screen.cursor.x] = cells[screen.cursor.x]._replace(reverse=not cells[screen.cursor.x].reverse)
    for look, run in groupby(enumerate(cells), lambda cell: cell[1]._replace(data="")):
        run = list(run)
        text, at = "".join(cell.data for _, cell in run), run[0][0] * WIDTH
        front, back = _colour(look.fg), _colour(look.bg) if look.bg != "default" else ""
        if look.reverse:
            front, back = back or BACKGROUND, front
        if back:
            drawn += f'<rect x="{at:g}" width="{len(text) * WIDTH:g}" height="{HEIGHT}" fill="{back}"/>'
        if text.strip():
            bold = ' font-weight="bold"' if look.bold else ""
            length = f'textLength="{len(text.rstrip()) * WIDTH:g}"'
            drawn += f'<text x="{at:g}" y="13.5" fill="{front}" {length}{bold}>{escape(text.rstrip())}</text>'
    return drawn


def _colour(name: str) -> str:
    return COLOURS.get(name.removeprefix("bright"), f"#{name}" if re.fullmatch("[0-9a-f]{6}", name) else "#d8dee9")


def animation(frames: Sequence[Frame], title: str) -> str:
    """Return frames as an SVG that plays them over and over; who wants no motion sees the last one."""
    total = sum(frame.seconds for frame in frames)
    rows = list(dict.fromkeys(row for frame in frames for row in frame.rows if row))
    names = {row: f"r{number}" for number, row in enumerate(rows)}
    width, height = COLUMNS * WIDTH + 2 * MARGIN, ROWS * HEIGHT + 2 * MARGIN + 20
    step = ROWS * HEIGHT
    parts, at = [], 0.0
    for number, frame in enumerate(frames):
        parts.append(f"{at / total:.2%}{{transform:translateY(-{number * step}px)}}")
        at += frame.seconds
    shown = "".join(
        f'<use href="#{names[row]}" y="{number * step + line * HEIGHT}"/>'
        for number, frame in enumerate(frames)
        for line, row in enumerate(frame.rows)
        if row
    )
    last = f"transform:translateY(-{(len(frames) - 1) * step}px)"
    dots = "".join(
        f'<circle cx="{MARGIN + 6 + 18 * number}" cy="17" r="5.5" fill="{colour}"/>'
        for number, colour in enumerate(("#bf616a", "#ebcb8b", "#a3be8c"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">'
        f"<title>{escape(title)}</title>"
        "<style>text{font:14px 'DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre}"
        f".film{{animation:play {total:.1f}s steps(1,end) infinite}}@keyframes play{{{''.join(parts)}}}"
        f"@media(prefers-reduced-motion:reduce){{.film{{animation:none;{last}}}}}</style>"
        f"<defs>{''.join(f'<g id={names[row]!r}>{row}</g>' for row in rows)}</defs>"
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>{dots}'
        f'<svg x="{MARGIN}" y="{MARGIN + 20}" width="{COLUMNS * WIDTH:g}" height="{step}">'
        f'<g class="film">{shown}</g></svg></svg>\n'
    )
