"""The user's editor."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from storlet_shell.errors import StorletShellError, UsageError

_DEFAULT = "vi"


def edit(file: Path, environ: Mapping[str, str]) -> None:
    """Open a file in the editor of ``$VISUAL`` or ``$EDITOR``, and wait until the user leaves it.

    :raises UsageError: if the editor can't be started
    :raises StorletShellError: if it fails
    """
    editor = environ.get("VISUAL") or environ.get("EDITOR") or _DEFAULT
    try:
        status = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"can't start the editor {editor}: {reason}; set VISUAL or EDITOR") from error
    if status:
        raise StorletShellError(f"the editor {editor} ended with status {status}; nothing was stored")
