"""What the failure of a storlet's run says, and what it asks for."""

from __future__ import annotations

_CURES = {
    "OSError: Body should be sent after metadata is sent": "call out_files[0].set_metadata({}) before it writes",
}
"""What upstream's files raise (storlets ``agent/daemon/files.py``) without saying what to do."""


def with_cure(reason: str) -> str:
    """Return why a storlet failed, followed by what to do where that is known."""
    return f"{reason}; {_CURES[reason]}" if reason in _CURES else reason
