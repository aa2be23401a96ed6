"""Parse code, from any thread."""

from __future__ import annotations

import ast
import threading

_LOCK = threading.Lock()


def parse_code(code: str | bytes, label: str = "<unknown>") -> ast.Module:
    """Parse code, as :func:`ast.parse` does, one thread at a time.

    CPython up to 3.11.7 counts the depth of the trees of all threads together: if a garbage collection lets another
    thread parse meanwhile, that raises SystemError (python/cpython issue 106905).

    :raises SyntaxError: if it isn't Python
    :raises ValueError: if it contains null bytes
    """
    with _LOCK:
        return ast.parse(code, filename=label)
