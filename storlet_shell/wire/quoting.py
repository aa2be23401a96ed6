"""Quote names for URLs. A listing's JSON may contain a name that no URL can: one with a lone surrogate."""

from __future__ import annotations

from urllib.parse import quote

from storlet_shell.errors import StorletShellError
from storlet_shell.text import SURROGATE, escaped


def quoted(text: str, safe: str = "/") -> str:
    """Percent-quote a text.

    :raises StorletShellError: if it isn't valid Unicode
    """
    check_encodable(text, text)
    return quote(text, safe=safe)


def quoted_query(text: str) -> str:
    """Percent-quote a text for a query; a server that lists a lone surrogate may accept it as a marker."""
    return quote(text, safe="", errors="surrogatepass")


def check_encodable(text: str, subject: object) -> None:
    """Check that a name can be sent, and used for a file.

    :raises StorletShellError: if it isn't valid Unicode
    """
    if SURROGATE.search(text):
        raise StorletShellError(f"{escaped(str(subject))}: the name isn't valid Unicode, so it can't be sent or stored")
