"""The lines that the widget offers to copy. They are complete, but for words in capitals."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from storlet_shell.adapters.notebook.expansion import doubled
from storlet_shell.adapters.notebook.page import ALWAYS
from storlet_shell.values import ContainerName, Location, ObjectPath, StorletName

_PLAIN_NAME = re.compile(r"[\w./ ()@+=,:-]*")
"""Names that mean themselves in a pattern."""


def magic(*words: str, value: str = "") -> str:
    """Return a line that passes these words to a command, whatever characters they hold.

    :param value: the variable for the result; empty for none
    """
    line = " ".join(word if word in ("STORLET", "USER") else shlex.quote(doubled(word)) for word in words)
    assigned = f"{value} = " if value else ""
    if line.isprintable():
        return f"{assigned}%{ALWAYS} {line}"
    return f"{assigned}get_ipython().run_line_magic({ALWAYS!r}, {line!r})"  # a cell's line can't hold such a name


Lines = list[dict[str, str]]


def _lines(*pairs: tuple[str, str]) -> Lines:
    return [{"does": does, "line": line} for does, line in pairs]


def of_object(path: ObjectPath) -> Lines:
    """Return the lines for an object."""
    file = path.name.rstrip("/").rpartition("/")[2]
    return _lines(
        ("Get it", magic("get", str(path), value="body")),
        ("Run a storlet over it", magic("get", str(path), "--storlet", "STORLET")),
        *([("Save it as a file", magic("get", str(path), "--save", file))] if file.strip(".") else []),
        ("Show all headers", magic("stat", str(path), "--json")),
        ("Delete it", magic("rm", str(path))),
    )


def of_location(location: Location) -> Lines:
    """Return the lines for a container, or for a folder in it."""
    word, container = str(location), ContainerName(location.container)
    lines = [
        ("List it", magic("ls", "-l", word, value="objects")),
        ("Download it", magic("download", word, ".")),
        ("Upload a file", magic("upload", "FILE", f"{word}/" if not location.prefix else word)),
    ]
    if _PLAIN_NAME.fullmatch(location.container + location.prefix):
        pattern = f"path:/{location.container}/{location.prefix}**"
        lines.append(("Run a storlet over all of it", magic("map", "--storlet", "STORLET", "--input", pattern)))
    if not location.prefix:
        lines.append(
            ("Let a user run a storlet over it", magic("acl", "grant", str(container), "USER", "--storlet", "STORLET"))
        )
    lines.append(("Delete it with its objects", magic("rm", "-r", word)))
    return _lines(*lines)


def of_storlet(storlet: StorletName, parameters: Iterable[Mapping[str, Any]] = ()) -> Lines:
    """Return the lines for a storlet.

    :param parameters: of a function, as ``storlets show --json`` lists them
    """
    required = [parameter["name"] for parameter in parameters if parameter.get("default") is None]
    values = [word for name in required for word in ("-p", f"{name}=VALUE")]
    run = ("--storlet", storlet.name, *values)
    return _lines(
        ("Run it over an object", magic("get", "CONTAINER/OBJECT", *run, value="result")),
        ("Run it over many objects", magic("map", *run, "--input", "path:/CONTAINER/**", value="rows")),
        ("Show its whole log", magic("logs", storlet.name)),
        ("Let a user run it", magic("acl", "grant", "CONTAINER", "USER", "--storlet", storlet.name)),
        ("Delete it", magic("undeploy", storlet.name)),
    )
