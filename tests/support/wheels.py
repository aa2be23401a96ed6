"""Wheels that tests build, in a folder that serves as the package index."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PURE = "py3-none-any"
NATIVE = "cp39-cp39-win_arm64"
"""Tags of a wheel that no machine of these tests could install, and that isn't pure Python anywhere."""


class Index:
    """A folder of wheels, from which pip resolves packages without a network.

    :ivar environ: the variables that make pip use it
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.environ = {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder),
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_NO_CACHE_DIR": "1",
        }

    def add(
        self,
        name: str,
        version: str,
        files: Mapping[str, str | bytes],
        *,
        needs: Sequence[str] = (),
        extras: Sequence[str] = (),
        tags: str = PURE,
        python: str = "",
        programs: Sequence[str] = (),
    ) -> Path:
        """Add a wheel.

        :param files: the contents by their paths
        :param needs: requirements of other packages
        :param extras: the names of its extras
        :param python: the versions of Python that it requires
        :param programs: the paths of executable files
        """
        info = f"{name}-{version}.dist-info"
        metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
        metadata += [f"Requires-Dist: {requirement}" for requirement in needs]
        metadata += [f"Provides-Extra: {extra}" for extra in extras]
        if python:
            metadata.append(f"Requires-Python: {python}")
        contents: dict[str, str | bytes] = {
            **files,
            f"{info}/METADATA": "\n".join(metadata) + "\n",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tags}\n",
        }
        path = self.folder / f"{name}-{version}-{tags}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for file, content in {**contents, f"{info}/RECORD": _record(info, contents)}.items():
                entry = zipfile.ZipInfo(file)
                entry.external_attr = (0o100755 if file in programs else 0o100644) << 16
                archive.writestr(entry, content)
        return path


def _record(info: str, contents: Mapping[str, str | bytes]) -> str:
    lines = []
    for file, content in contents.items():
        data = content.encode() if isinstance(content, str) else content
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{file},sha256={digest},{len(data)}\n")
    return "".join(lines) + f"{info}/RECORD,,\n"
