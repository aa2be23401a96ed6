"""Unpack the archive that contains this module, and import from the folder instead.

Standard library only, for any Python from 3.6 on: a copy of this module is in every archive, and runs in the engine.
"""

import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path


def unpack() -> None:
    """Replace this module's archive on ``sys.path`` by a folder with its files, for processes started later, too."""
    archive = Path(__file__).parent
    folder = str(_folder(archive))
    sys.path[:] = [folder if Path(entry) == archive else entry for entry in sys.path]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))


def _folder(archive: Path) -> Path:
    """Return the folder with the archive's files: next to it, or a temporary one if that can't be written.

    A folder next to the archive is shared by all runs, so it appears at once, with all its files.
    """
    target = archive.with_suffix("")
    if target.is_dir():
        return target
    before = tempfile.tempdir
    try:
        folder = Path(tempfile.mkdtemp(dir=str(archive.parent), prefix=".packages-"))
    except OSError:
        folder = target = Path(tempfile.mkdtemp(prefix="packages-"))
    finally:
        tempfile.tempdir = before  # invocations have temporary folders of their own
    _extract(archive, folder)
    if folder != target:
        try:
            folder.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(str(folder), ignore_errors=True)
    return target


def _extract(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(str(archive)) as file:
        file.extractall(str(folder))
        for info in file.infolist():
            if info.external_attr >> 16 & 0o100 and not info.filename.endswith("/"):
                (folder / info.filename).chmod(0o755)
