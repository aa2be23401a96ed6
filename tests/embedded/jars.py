"""Jars of the storlets in ``java/``, which do what a parameter says."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

from storlet_shell.java.compiler import compile_classes, interface_jar, jar_of

from .storlets import Client

FOLDER = Path(__file__).with_name("java")
CASES = (FOLDER / "Cases.java",)


@cache
def build(sources: Sequence[Path], only: str = "") -> bytes:
    """Compile sources into a jar.

    :param only: how the names of the classes start that it gets; empty for all
    """
    classes = compile_classes(sources, [interface_jar()])
    return jar_of({name: content for name, content in classes.items() if name.startswith(only)})


def deploy_cases(client: Client, name: str, main: str = "org.example.Cases") -> None:
    """Deploy the storlet that does what its parameter ``action`` says."""
    client.deploy(name, build(CASES), main=main, language="java")


def processes(pid: int, name: str) -> list[psutil.Process]:
    """Return the processes with a name below another process."""
    matches = []
    for process in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if process.name() == name:
                matches.append(process)
    return matches
