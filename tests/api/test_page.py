"""Run the examples of the API page, also in several threads, and the example script."""

from __future__ import annotations

import ast
import doctest
import os
import re
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import storlet_shell
from tests.support.documents import blocks, fits
from tests.support.keystone import KeystoneSwift
from tests.support.lines import ROOT, Runner

PAGE = ROOT / "docs" / "api.md"
THREADS = 4
WRITING = threading.Lock()


def read(page: str, folder: Path, prepare: Callable[[str], str] = str, skipped: str = "keystoneauth1") -> None:
    """Type a page's Python sessions, as one, and compare what they show; its files are written to a folder.

    :param prepare: changes what is typed and shown
    :param skipped: leave out a block that speaks of this
    """
    namespace: dict[str, Any] = {}
    for block in blocks(page):
        text = prepare(block.text)
        if block.kind == "file":
            write(folder / prepare(block.name), text)
        if block.kind == "pycon" and not (skipped and skipped in text):
            for example in doctest.DocTestParser().get_examples(text):
                shown = typed(example.source, namespace)
                where = f"{PAGE.name}:{block.line + example.lineno}: {example.source}"
                assert fits(example.want, shown) if example.want else not shown, f"{where}shows\n{shown}"


def write(path: Path, text: str) -> None:
    """Write a file, unless another thread has."""
    with WRITING:
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def typed(source: str, namespace: dict[str, Any]) -> str:
    """Run what is typed, and return what a Python prompt would show; other threads may do so at the same time."""
    shown: list[str] = []

    def display(value: object) -> None:
        shown.append("" if value is None else f"{value!r}\n")

    namespace["print"] = lambda *values: shown.append(" ".join(map(str, values)) + "\n")
    namespace["__display__"] = display
    tree = ast.parse(source)
    for body in [tree.body, *(node.body for node in tree.body if isinstance(node, ast.With))]:
        for number, node in enumerate(body):
            if isinstance(node, ast.Expr):
                call = ast.Call(ast.Name("__display__", ast.Load()), [node.value], [])
                body[number] = ast.copy_location(ast.Expr(call), node)
    try:
        exec(compile(ast.fix_missing_locations(tree), str(PAGE), "exec"), namespace)
    except Exception as error:
        shown.append("".join(traceback.format_exception(error)))
    return "".join(shown)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sit in a folder of one's own, without an identity."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # as at a Python prompt
    monkeypatch.delitem(sys.modules, "sizes", raising=False)
    for name in [name for name in os.environ if name.startswith(("OS_", "ST_", "STORLET_"))]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.slow
def test_examples_show_what_they_do(
    folder: Path, storlets: Runner, identity: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first to the last, on a Swift with tempauth."""
    for name, value in identity.items():
        monkeypatch.setenv(name, value)
    read(PAGE.read_text(), folder)


@pytest.mark.slow
def test_examples_show_what_they_do_with_keystone(
    folder: Path, keystone_swift: KeystoneSwift, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one with a session of the program's own as well."""
    for name, value in keystone_swift.environment().items():
        monkeypatch.setenv(name, value)
    read(PAGE.read_text(), folder, skipped="")


@pytest.mark.slow
def test_examples_do_the_same_in_threads(
    folder: Path, storlets: Runner, identity: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several read the page at once, over one store, each with a container and a storlet of its own."""
    page = PAGE.read_text().replace(">>> store.close()\n", "").replace("connect(observer=Loud())", "connect()")
    page = page.replace(">>> loud.close()\n", "")
    # Threads that parse code as large as a standard storlet's at once confuse the ast module of Python 3.11.
    page = re.sub(r'>>> store\.deploy\("std:.*\n.*\n', "", page)
    for name in ("grep", "select"):
        storlets("deploy", f"std:{name}")

    def read_own(number: int) -> None:
        read(page, folder, lambda text: re.sub(r"\b(weather|warm(?=\.py|\.Warm))\b", rf"\g<1>{number}", text))

    with storlet_shell.connect(environ=identity) as store, ThreadPoolExecutor(THREADS) as pool:
        monkeypatch.setattr(storlet_shell, "connect", lambda: store, raising=False)
        list(pool.map(read_own, range(THREADS)))


@pytest.mark.slow
def test_script_runs(run: Runner, tmp_path: Path) -> None:
    """The example script, in a process of its own."""
    words = [sys.executable, str(ROOT / "examples" / "script.py")]
    done = subprocess.run(
        words, env=run.environ, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "one.txt ONE\nthree.txt THREE\ntwo.txt TWO\n", "")
    words = [*words[:1], "-W", "ignore", *words[1:]]
    done = subprocess.run(words, env={**run.environ, "ST_KEY": "wrong"}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("script.py: ")
    assert done.stderr.count("\n") == 1
