"""Names as URLs hold them. A listing may have a name that none can hold: half a pair of surrogates in its JSON."""

from __future__ import annotations

from urllib.parse import quote

from storlet_shell.errors import StorletShellError
from storlet_shell.text import SURROGATE, escaped


def quoted(text: str, safe: str = "/") -> str:
    """Return a text percent-quoted.

    :raises StorletShellError: when it can't be, since it isn't valid Unicode
    """
    check_encodable(text, text)
    return quote(text, safe=safe)


def quoted_query(text: str) -> str:
    """Return a text percent-quoted for a query; whoever sent such a name in a listing may know it as a marker."""
    return quote(text, safe="", errors="surrogatepass")


def check_encodable(text: str, subject: object) -> None:
    """Check that a name can be sent, and be a file's.

    :raises StorletShellError: when it can't, since it isn't valid Unicode
    """
    if SURROGATE.search(text):
        raise StorletShellError(
            f"{escaped(str(subject))}: the name isn't valid Unicode, so nothing can be done with it"
        )
