"""The headers that a user sets with ``--header``, and why some can't be set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.values import HEADER_CONTROL, Invocation, check_text
from storlet_shell.wire import headers as wire

_IDENTITY = "the login sets it; see: whoami"
_CONNECTION = "the connection sets it"
_OWNED: Mapping[str, str] = {
    wire.PARAMETER: "use -p KEY=VALUE",
    **{
        name.lower(): instead
        for name, instead in (
            (wire.AUTH_TOKEN, _IDENTITY),
            (wire.AUTH_USER, _IDENTITY),
            (wire.AUTH_KEY, _IDENTITY),
            ("X-Service-Token", _IDENTITY),
            ("Authorization", _IDENTITY),
            (wire.RUN_STORLET, "use --storlet NAME"),
            (wire.STORLET_RANGE, "use --range"),
            (wire.RANGE, "use --range"),
            (wire.EXTRA_RESOURCES, "use --extra path:/CONTAINER/OBJECT"),
            (wire.RUN_ON_PROXY, "use --on-proxy or --on-node"),
            (wire.GENERATE_LOG, "use --generate-log"),
            (wire.ALLOW_UNREAD, "use --allow-unread"),
            (wire.DESTINATION, "use copy"),
            (wire.COPY_FROM, "use copy --verb PUT"),
            (wire.COPY_FROM_ACCOUNT, "use copy --from-account ACCOUNT"),
            ("Destination-Account", "use copy --from-account ACCOUNT with the other account's identity"),
            (wire.CONTENT_LENGTH, _CONNECTION),
            ("Transfer-Encoding", _CONNECTION),
            ("Connection", _CONNECTION),
            ("Expect", _CONNECTION),
            ("Host", _CONNECTION),
            ("Accept-Encoding", _CONNECTION),
        )
    },
}
"""Headers that options, the login or the connection set, in lower case, with advice."""

CONDITIONS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"})
"""Headers that make a request conditional, in lower case."""


@typed_equality
class Header(NamedTuple):
    """An additional header that the user sets."""

    name: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Header:
        """Parse ``NAME: VALUE``; the blank and the value are optional.

        :raises UsageError: if it is malformed, contains control characters, or is set by an option or the client
        """
        name, colon, value = text.partition(":")
        if not colon or not wire.HEADER_NAME.fullmatch(name):
            raise UsageError(f"a header must be NAME:VALUE: {text!r}")
        if HEADER_CONTROL.search(value):
            raise UsageError(f"a header can't contain control characters: {text!r}")
        header = cls(name, check_text(value.strip(), "a header"))
        instead = _OWNED.get(
            name.lower(), _OWNED[wire.PARAMETER] if name.lower().startswith(wire.PARAMETER.lower()) else ""
        )
        if instead:
            raise UsageError(f"{name} can't be set with --header: {instead}")
        if name.lower() in ("referer", "referrer") and "storlets" in header.value:
            raise UsageError("the storlets middleware forbids all requests whose Referer contains 'storlets'")
        return header

    def __str__(self) -> str:
        return f"{self.name}:{self.value}"


def own_headers(chosen: list[Header] | None, run: Invocation | None) -> dict[str, str]:
    """Return the user's own headers; of one that is given twice, the last.

    :raises UsageError: when one is a condition on the source of a storlet's result, whose ETag and date mean nothing
    """
    headers = {header.name.title(): header.value for header in chosen or ()}
    conditional = next((name for name in headers if run and name.lower() in CONDITIONS), None)
    if run and conditional:
        raise UsageError(f"{conditional} compares the source, not what {run.storlet} makes; drop it or --storlet")
    return headers
