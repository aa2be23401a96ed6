"""Bodies on a terminal: text with control characters made visible, JSON indented, and a preview of anything else."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from itertools import chain
from typing import IO

from storlet_shell.adapters.terminal.documents import Indenter
from storlet_shell.results import Response
from storlet_shell.results.on_terminal import Paint
from storlet_shell.text import dump, is_text, printable, printable_json

_PREVIEW_BYTES = 256
_LONGEST_DOCUMENT = 1024 * 1024
"""Up to this size, in bytes, a JSON body is indented: it must be known to be JSON to its end."""


def show_body(stdout: IO[str], response: Response, paint: Paint) -> None:
    """Write a body to a terminal.

    :raises IncompleteBodyError: when it is cut short
    """
    chunks = response.iter_content()
    if _may_be_document(response):
        _write_document(stdout, b"".join(chunks), paint)
        return
    first = next(chunks, b"")
    if is_text(first):
        _write_text(stdout, first, chunks)
    else:
        stdout.writelines(f"{printable(line)}\n" for line in preview(first, response).splitlines())


def _may_be_document(response: Response) -> bool:
    kind = response.content_type
    is_short = response.length is not None and response.length <= _LONGEST_DOCUMENT
    return is_short and (kind == "application/json" or kind.endswith("+json"))


def _write_document(stdout: IO[str], body: bytes, paint: Paint) -> None:
    """Write a JSON document, or the text that was called one."""
    try:
        text = body.decode("utf-8")
        json.loads(text)
    except (ValueError, RecursionError):
        _write_text(stdout, body, iter(()))
        return
    stdout.write(f"{Indenter(paint).feed(printable_json(text.strip()) + chr(10)).rstrip()}\n")


def preview(first: bytes, response: Response) -> str:
    """Return a preview of a body that a terminal can't show: its type, its size, and its first bytes."""
    length = response.headers.get("Content-Length")
    kind = response.headers.get("Content-Type", "binary")
    size = f"{length} bytes" if length else f"at least {len(first)} bytes"
    shown = first[:_PREVIEW_BYTES]
    note = f"({kind}, {size}; the first {len(shown)} are shown; --save FILE)"
    return "\n".join([*dump(shown), printable(note)])


def _write_text(stdout: IO[str], first: bytes, rest: Iterator[bytes]) -> None:
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    last = "\n"
    for chunk in chain([first], rest):
        text = decode(chunk)
        stdout.write("\n".join(printable(line) for line in text.split("\n")))
        last = text[-1:] or last
    if last != "\n":
        stdout.write("\n")
