"""The line at the bottom of the screen: where lines run, and how the last one ended."""

from __future__ import annotations

from prompt_toolkit.formatted_text import StyleAndTextTuples

from storlet_shell.text import printable


def toolbar(cloud: str, account: str, status: int | None, seconds: float) -> StyleAndTextTuples:
    """Return the toolbar's text in fragments of prompt_toolkit.

    :param cloud: the host of the cloud, or ``local``; empty without an identity
    :param account: the account or project; empty before a login
    :param status: the exit status of the last line; None before the first
    :param seconds: how long the last line took
    """
    places = [f"account {account}" if account else "", f"cloud {cloud}" if cloud else "no identity"]
    fragments: StyleAndTextTuples = [("", " " + " · ".join(printable(place) for place in places if place))]
    if status is not None:
        failed = "class:bottom-toolbar.failed" if status else ""
        fragments += [("", " · "), (failed, f"status {status}"), ("", f" · {_duration(seconds)}")]
    return fragments


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
