"""The examples in documents: found in the Markdown, run one after the other, compared with what the document shows.

::

    ```console               lines for a terminal: after "$ ", continued after "> ", each followed by what it shows
    ```storlets              a session of the interactive shell: how it is started after "$ ", lines after its prompt
    ```xonsh                 a session of xonsh: started in the same way, lines after "@ "
    ```ipython               a notebook's cell, and ```output what it shows
    ```pycon                 a session of Python: ``tests/api/test_page.py`` runs these
    ```{code-block} LANGUAGE a file, named by its caption
    ```python                an excerpt of the product's own code
    ```text                  a drawing, or what only the reader has: nothing is run
    ```{toctree}             the site's own, as ```{include} and ```{eval-rst}

In what is shown, ``…`` stands for anything, on a line of its own for any lines. Nothing shown is nothing compared; but
what fails must be shown.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from markdown_it import MarkdownIt

RUN = ("console", "storlets", "xonsh", "ipython", "output", "file")
"""The kinds of blocks that are examples."""

LEFT = ("python", "text", "pycon", "{toctree}", "{include}", "{eval-rst}")
"""The kinds of blocks that are none."""

_CAPTION = re.compile(r":caption: (\S+)\n\n")


class Block(NamedTuple):
    """A block of code in a document.

    :param kind: the word behind its fence, ``file`` for one with a caption, ``indented`` for one without a fence
    :param name: the file's name, or nothing
    :param line: the number of its first line in the document, from 1
    """

    kind: str
    text: str
    line: int
    name: str = ""


class Example(NamedTuple):
    """What is typed, and what the document shows for it; None where it shows nothing."""

    typed: str
    shown: str | None


def blocks(document: str) -> list[Block]:
    """Return all blocks of code of a document."""
    found = []
    for token in MarkdownIt().parse(document):
        first = token.map[0] + 1 if token.map else 0
        if token.type == "code_block":
            found.append(Block("indented", token.content, first))
        elif token.type == "fence" and (caption := _CAPTION.match(token.content)):
            found.append(Block("file", token.content[caption.end() :], first, caption[1]))
        elif token.type == "fence":
            found.append(Block(token.info.split(" ")[0], token.content, first))
    return found


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
