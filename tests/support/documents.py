"""Find the examples in Markdown documents, and compare their output with what the document shows.

The language of a block tells what it is:

::

    ```console               lines for a terminal: after "$ ", continued after "> ", each followed by its output
    ```storlets              a session of the interactive shell: started after "$ ", with lines after its prompt
    ```xonsh                 a session of xonsh: started in the same way, with lines after "@ "
    ```ipython               a cell of a notebook, followed by its ```output
    ```pycon                 a session of Python, run by ``tests/api/test_page.py``
    ```{code-block} LANGUAGE a file, named by its caption
    ```python                an excerpt of this package's code
    ```text                  a drawing, or lines that depend on the reader: nothing is run
    ```{toctree}             a directive of the site, as are ```{include} and ```{eval-rst}

In output, ``…`` stands for any text, and alone on a line for any lines. A line without output isn't compared, unless it
fails: the document must show a failure.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from markdown_it import MarkdownIt

RUN = ("console", "storlets", "xonsh", "ipython", "output", "file")
"""The kinds of blocks that are run."""

LEFT = ("python", "text", "pycon", "{toctree}", "{include}", "{eval-rst}")
"""The kinds of blocks that are not run."""

_CAPTION = re.compile(r":caption: (\S+)\n\n")


class Block(NamedTuple):
    """A block of code in a document.

    :param kind: the language of its fence, ``file`` if it has a caption, ``indented`` if it has no fence
    :param name: the name of the file, or empty
    :param line: the number of its first line in the document, from 1
    """

    kind: str
    text: str
    line: int
    name: str = ""


class Example(NamedTuple):
    """A typed line and the output that the document shows; None if it shows no output."""

    typed: str
    shown: str | None


def blocks(document: str) -> list[Block]:
    """Return all blocks of code of a document."""
    result = []
    for token in MarkdownIt().parse(document):
        first = token.map[0] + 1 if token.map else 0
        if token.type == "code_block":
            result.append(Block("indented", token.content, first))
        elif token.type == "fence" and (caption := _CAPTION.match(token.content)):
            result.append(Block("file", token.content[caption.end() :], first, caption[1]))
        elif token.type == "fence":
            result.append(Block(token.info.split(" ")[0], token.content, first))
    return result


def examples(text: str, prompt: re.Pattern[str]) -> list[Example]:
    """Split a transcript at its prompts; a line that begins with ``>`` continues the previous one."""
    pairs: list[tuple[list[str], list[str]]] = []
    for line in text.splitlines():
        if typed := prompt.match(line):
            pairs.append(([typed[1]], []))
        elif re.match(r"> ?", line) and not pairs[-1][1]:
            pairs[-1][0].append(re.sub(r"^> ?", "", line))
        else:
            pairs[-1][1].append(line)
    return [Example("\n".join(typed), "\n".join(shown) if shown else None) for typed, shown in pairs]


def fits(shown: str, said: str) -> bool:
    """Return whether output matches what a document shows.

    :param shown: the output in the document
    :param said: the actual output
    """
    pattern = ""
    for line in shown.strip("\n").splitlines():
        pattern += r"(?:[^\n]*\n)*?" if line.strip() == "…" else re.escape(line.rstrip()).replace("…", ".*") + r"[ ]*\n"
    return re.fullmatch(pattern, said.strip("\n") + "\n") is not None
