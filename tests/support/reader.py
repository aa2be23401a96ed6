"""Run the examples of a document from the first to the last, as a reader at a terminal would."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

import nbformat
from nbclient import NotebookClient

from tests.support.documents import Block, examples, fits

_PROMPT = re.compile(r"^[\w.-]+:[\w:.-]+> ?(.*)$")
_PLAIN = re.compile(r"\x1b\[[\d;]*m")
_MARK = "-- the line ended with status "

Compared = tuple[str | None, str, bool]
"""The output that the document shows, the actual output, and whether the line failed."""


class Reader:
    """A reader who types the examples of a document; a context manager.

    :param folder: the working folder
    :param environ: the whole environment
    :param stand_ins: replacements for words in the document, such as a port that is in use on this machine
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], stand_ins: Mapping[str, str]) -> None:
        self._folder = folder
        self._stand_ins = stand_ins
        self._status = 0
        self._shown: str | None = None
        self._error: str | None = None
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

    def end(self) -> None:
        """Finish the document: a failure of the last cell must have been shown."""
        assert self._error is None, f"the last cell fails unexpectedly:\n{self._error}"

    def read(self, block: Block) -> None:
        """Type the lines of a block, and compare their output."""
        assert self._error is None or block.kind == "output", f"a cell fails unexpectedly:\n{self._error}"
        text = block.text
        for word, stand_in in self._stand_ins.items():
            text = text.replace(word, stand_in)
        if block.kind == "file":
            path = self._folder / block.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            return
        kinds: dict[str, Callable[[str], Iterator[Compared]]] = {
            "console": self._console,
            "storlets": self._storlets,
            "xonsh": self._xonsh,
            "ipython": self._ipython,
            "output": self._output,
        }
        for shown, said, is_failure in kinds[block.kind](text):
            assert shown is not None or not is_failure, f"line {block.line} fails unexpectedly:\n{said}"
            assert shown is None or fits(shown, said), f"line {block.line}: expected\n{shown}\nbut it is\n{said}"

    def _console(self, text: str) -> Iterator[Compared]:
        for example in examples(text, re.compile(r"\$ (.*)")):
            said = self._type(example.typed)
            yield example.shown, said, self._status != 0

    def _type(self, line: str) -> str:
        """Type a line in the terminal, and return its output; the status is kept, also for ``$?``."""
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

    def _storlets(self, text: str) -> Iterator[Compared]:
        """Run a session as a command file that echoes each line: the echo separates the output of one from the next."""
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

    def _xonsh(self, text: str) -> Iterator[Compared]:
        """Run a session as a script that prints a mark after each line; the first failure ends it."""
        start, _, lines = text.partition("\n")
        session = examples(lines, re.compile(r"@ (.*)"))
        ends = "".join(f"{example.typed}\nprint({_MARK!r}, flush=True)\n" for example in session)
        (self._folder / ".session.xsh").write_text(ends)
        said = self._type(f"{start.removeprefix('$ ')} .session.xsh").split(f"{_MARK}\n")
        for example, mine in zip(session, said, strict=False):
            yield example.shown, mine, len(said) <= len(session) and mine is said[-1]

    def _ipython(self, text: str) -> Iterator[Compared]:
        cell = nbformat.v4.new_code_cell(text.rstrip("\n"), metadata={"tags": ["raises-exception"]})
        self._cells.nb.cells.append(cell)
        if self._cells.km is None:
            self._cells.create_kernel_manager()
            self._cells.start_new_kernel(cwd=str(self._folder), env=self._exported())
            self._cells.start_new_kernel_client()
        self._cells.execute_cell(cell, len(self._cells.nb.cells) - 1)
        errors = [_PLAIN.sub("", "\n".join(output.traceback)) for output in cell.outputs if "traceback" in output]
        self._error = errors[0] if errors else None
        said = [output.get("text") or output.data["text/plain"] for output in cell.outputs if "traceback" not in output]
        self._shown = "\n".join(str(text) for text in said + errors)
        yield from ()

    def _exported(self) -> dict[str, str]:
        """Return the terminal's environment, which a notebook started from it would inherit."""
        self._type("env -0 > .environment")
        lines = (self._folder / ".environment").read_text().rstrip("\0").split("\0")
        return dict(line.split("=", 1) for line in lines)

    def _output(self, text: str) -> Iterator[Compared]:
        assert self._shown is not None, "no cell precedes this output"
        self._error = None
        yield text, self._shown, False


def _first_prompt(lines: str) -> int:
    """Return the index of the first prompt; the text before it is the shell's greeting."""
    at = 0
    while not _PROMPT.match(lines[at:].split("\n", 1)[0]):
        at = lines.index("\n", at) + 1
    return at
