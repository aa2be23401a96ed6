"""Run pip: download the wheels that requirements resolve to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from storlet_shell.deployments.packages.wanted import Wanted
from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError

_RETRIES, _SECONDS = 2, 20


@typed_equality
class Download(NamedTuple):
    """What pip did.

    :param is_complete: whether it downloaded everything
    :param output: what it printed about a failure
    :param log: its log, with every file that it looked at
    """

    is_complete: bool
    output: str
    log: str


def download(wanted: Wanted, folder: Path, *, links: Path, constraints: Sequence[str] = ()) -> Download:
    """Download wheels of pure Python by the pip of the running Python, configured as it always is.

    :param folder: where to put them
    :param links: a folder with further wheels
    :param constraints: further limits on versions, as ``NAME==1.2``
    :raises StorletShellError: if this Python has no pip, or can't be started
    """
    log = folder / "pip.log"
    options = ["--dest", str(folder), "--log", str(log), "--find-links", str(links)]
    if constraints:
        (folder / "constraints.txt").write_text("".join(f"{line}\n" for line in constraints), "utf-8")
        options += ["--constraint", str(folder / "constraints.txt")]
    for file in wanted.files:
        options += ["--requirement", str(file)]
    # -P: a file pip.py in the working folder isn't run; -W: a user's warnings filter is for the user's own code.
    command = [
        *(sys.executable, "-P", "-W", "ignore", "-m", "pip", "download"),
        *("--only-binary=:all:", "--platform=any", f"--python-version={wanted.python}"),
        *("--no-input", "--no-color", "--progress-bar=off", "--disable-pip-version-check"),
        *(f"--retries={_RETRIES}", f"--timeout={_SECONDS}", "--quiet"),
        *(*options, "--", *wanted.packages),
    ]
    try:
        process = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise StorletShellError(f"pip can't be started by {sys.executable}: {error.strerror}") from error
    output = process.stdout + process.stderr
    if "No module named pip" in output and not log.exists():
        raise StorletShellError(
            "packages are resolved by pip, which this Python doesn't have; install it: python -m ensurepip"
        )
    return Download(process.returncode == 0, output, log.read_text("utf-8", "replace") if log.exists() else "")
