"""The examples in documents: found in the Markdown, run one after the other, compared with what the document shows.

::

    ```console               lines for a terminal: after "$ ", continued after "> ", each followed by what it shows
    ```storlets              a session of the interactive shell: how it is started after "$ ", lines after its prompt
    ```ipython               a notebook's cell, and ```output what it shows
    ```{code-block} LANGUAGE a file, named by its caption

In what is shown, ``…`` stands for anything, on a line of its own for any lines. Nothing shown is nothing compared; but
what fails must be shown.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import nbformat
from nbclient import NotebookClient

_FENCE = re.compile(r"^```(console|storlets|ipython|output|\{code-block\} \w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CAPTION = re.compile(r":caption: (\S+)\n\n")
_PROMPT = re.compile(r"^[\w.-]+:[\w:.-]+> ?(.*)$")
_MARK = "-- the line ended with status "


class Block(NamedTuple):
    """A fenced block.

    :param line: the number of its first line in the document, from 1
    """

    kind: str
    text: str
    line: int


class Example(NamedTuple):
    """What is typed, and what the document shows for it; None where it shows nothing."""

    typed: str
    shown: str | None


def blocks(document: str) -> list[Block]:
    """Return the blocks of a document that are examples."""
    found = _FENCE.finditer(document)
    return [Block(block[1], block[2], document.count("\n", 0, block.start()) + 2) for block in found]


def examples(text: str, prompt: re.Pattern[str]) -> list[Example]:
    """Split a transcript at its prompts; a line that begins with ``>`` continues the one before."""
    found: list[tuple[list[str], list[str]]] = []
    for line in text.splitlines():
        if typed := prompt.match(line):
            found.append(([typed[1]], []))
        elif re.match(r"> ?", line) and not found[-1][1]:
            found[-1][0].append(re.sub(r"^> ?", "", line))
        else:
            found[-1][1].append(line)
    return [Example("\n".join(typed), "\n".join(shown) if shown else None) for typed, shown in found]


def fits(shown: str, said: str) -> bool:
    """Tell whether what was said is what a document shows."""
    pattern = ""
    for line in shown.strip("\n").splitlines():
        pattern += r"(?:[^\n]*\n)*?" if line.strip() == "…" else re.escape(line.rstrip()).replace("…", ".*") + r"[ ]*\n"
    return re.fullmatch(pattern, said.strip("\n") + "\n") is not None


class Reader:
    """Somebody who types a document's examples, in a folder, with an environment; a context.

    :param folder: where the lines are typed
    :param environ: the whole environment
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._status = 0
        self._shown: str | None = None
        self._sh = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=dict(environ),
        )
        self._cells = NotebookClient(nbformat.v4.new_notebook(), timeout=60, kernel_name="python3")

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._sh.communicate("exit\n", timeout=30)
        if self._cells.km is not None:
            self._cells._cleanup_kernel()

    def read(self, block: Block) -> None:
        """Type what is in a block, and compare."""
        if caption := _CAPTION.match(block.text):
            (self._folder / caption[1]).write_text(block.text[caption.end() :])
            return
        for shown, said, is_failure in getattr(self, f"_{block.kind}")(block.text):
            assert shown is not None or not is_failure, f"line {block.line}: this fails, and nothing says so:\n{said}"
            assert shown is None or fits(shown, said), f"line {block.line}: shown\n{shown}\nbut it is\n{said}"

    def _console(self, text: str) -> Iterator[tuple[str | None, str, bool]]:
        for example in examples(text, re.compile(r"\$ (.*)")):
            said = self._type(example.typed)
            yield example.shown, said, self._status != 0

    def _type(self, line: str) -> str:
        """Type a line on the terminal, and return what is said; the status is kept, for ``$?`` as well."""
        assert self._sh.stdin is not None
        assert self._sh.stdout is not None
        self._sh.stdin.write(f"(exit {self._status})\n{{ {line}\n}} </dev/null\nprintf '\\n{_MARK}%d\\n' $?\n")
        self._sh.stdin.flush()
        said = ""
        while not (end := re.fullmatch(f"{_MARK}(\\d+)\n", last := self._sh.stdout.readline())):
            assert last, f"the terminal ended at: {line}"
            said += last
        self._status = int(end[1])
        return said

    def _storlets(self, text: str) -> Iterator[tuple[str | None, str, bool]]:
        """Run a session as a command file that shows each line, which is what tells where the next one begins."""
        start, _, lines = text.partition("\n")
        session = examples(lines[_first_prompt(lines) :], _PROMPT)
        (self._folder / ".session").write_text("".join(f"{example.typed}\n" for example in session))
        program = start.removeprefix("$ ")
        said = self._type(f"PYTHONUNBUFFERED=1 {program} --keep-going --echo -f - < .session")
        for number, example in enumerate(session):
            echo = f"+ {example.typed.splitlines()[0]}\n"
            assert said.startswith(echo), said
            following = f"\n+ {session[number + 1].typed.splitlines()[0]}\n" if number + 1 < len(session) else "\0"
            mine, _, rest = said[len(echo) - 1 :].partition(following)
            said = following[1:] + rest
            plain = re.sub(r"^storlet-shell: standard input:\d+: ", "storlet-shell: ", mine, flags=re.MULTILINE)
            yield example.shown, plain, plain != mine

    def _ipython(self, text: str) -> Iterator[tuple[str | None, str, bool]]:
        cell = nbformat.v4.new_code_cell(text.rstrip("\n"))
        self._cells.nb.cells.append(cell)
        if self._cells.km is None:
            self._cells.create_kernel_manager()
            self._cells.start_new_kernel(cwd=str(self._folder), env=self._exported())
            self._cells.start_new_kernel_client()
        self._cells.execute_cell(cell, len(self._cells.nb.cells) - 1)
        self._shown = "\n".join(str(output.get("text") or output.data["text/plain"]) for output in cell.outputs)
        yield from ()

    def _exported(self) -> dict[str, str]:
        """Return the terminal's environment, from which a notebook would be started."""
        self._type("env -0 > .environment")
        lines = (self._folder / ".environment").read_text().rstrip("\0").split("\0")
        return dict(line.split("=", 1) for line in lines)

    def _output(self, text: str) -> Iterator[tuple[str | None, str, bool]]:
        assert self._shown is not None, "no cell stands before it"
        yield text, self._shown, False


def _first_prompt(lines: str) -> int:
    """Return where the first prompt stands; what the shell says before it is its greeting."""
    at = 0
    while not _PROMPT.match(lines[at:].split("\n", 1)[0]):
        at = lines.index("\n", at) + 1
    return at
