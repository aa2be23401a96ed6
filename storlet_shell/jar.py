"""A Java storlet's jar: whether it is one, and whether its main class is in it."""

from __future__ import annotations

import difflib
import io
import zipfile

from storlet_shell.errors import UsageError
from storlet_shell.values import StorletName


def check_jar(name: StorletName, content: bytes, main: str | None) -> str:
    """Check a jar before anything is sent, and return the name of its main class.

    :param main: the qualified name of the class that implements Storlets' ``IStorlet``
    :raises UsageError: when the jar's name is none that the server takes (storlets ``validate_storlet_registration``:
        it holds a hyphen and a dot), when it is no zip archive, or when the class is not in it
    """
    if "-" not in name.name:
        raise UsageError(f"{name}: a Java storlet's file is named <name>-<version>.jar")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = archive.namelist()
    except zipfile.BadZipFile as error:
        raise UsageError(f"{name}: no jar: {error}") from error
    classes = sorted(file.removesuffix(".class").replace("/", ".") for file in files if file.endswith(".class"))
    if main in classes:
        return main
    close = difflib.get_close_matches(main or "", classes, n=1) or classes[:3]
    there = f"; there are: {', '.join(close)}" if close else "; it holds no classes"
    if main is None:
        raise UsageError(f"{name}: a jar's main class is named by --main{there}")
    raise UsageError(f"{name}: there is no class {main}{there}")
