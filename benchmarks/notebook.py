"""The notebook: a magic in a live session against the simplest client, and the cost of loading the extension."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from benchmarks.cluster import PLAIN, Wire, environment
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, Sample, ratio
from benchmarks.objects import fill_database
from storlet_shell.adapters.notebook.browse.answers import Answers
from storlet_shell.embedded.control import Running

SETTINGS = PLAIN
_LOADING = """
import time
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
started = time.perf_counter()
shell.run_line_magic("load_ext", "storlet_shell")
print(time.perf_counter() - started)
"""


@gives("magic")
def warm_get(lab: Lab, running: Running) -> Iterator[Measured]:
    """``%get`` of a small object in a live session against the same GET by ``http.client``."""
    with Wire(running) as wire, live_shell(running) as shell:
        wire.send("PUT", "bench")
        wire.send("PUT", "bench/small", body=b"x" * 1024)
        times = lab.in_turns(
            200,
            ours=lambda: shell.run_line_magic("get", "bench/small").content,
            plain=lambda: wire.send("GET", "bench/small"),
        )
    yield ratio("magic", times["ours"], times["plain"], peer="http.client")


@gives("extension")
def loading(lab: Lab, _running: Running) -> Iterator[Measured]:
    """``%load_ext storlet_shell`` in a process that already has IPython."""
    words = [sys.executable, "-c", _LOADING]
    seconds = tuple(
        float(subprocess.run(words, capture_output=True, env=environment(), check=True).stdout.split()[-1])
        for _ in range(lab.rounds(9))
    )
    yield Measured("extension", Sample(seconds).median, {"ours": Sample(seconds)})


@gives("browse")
def browsing(lab: Lab, running: Running) -> Iterator[Measured]:
    """``%storlet browse`` of a container of 1,000,000 objects, and the answer to the widget's first question.

    Each round opens new connections.
    """
    fill_database(running, "browsed", lab.size(1_000_000, 100))
    question = {"ask": "names", "container": "browsed", "folder": "", "filter": "", "after": ""}

    def first_page(shell: InteractiveShell) -> None:
        shell.run_line_magic("storlet", "browse browsed")
        answers = Answers(shell.meta["storlet_shell"].session)
        if not answers(question).get("rows"):
            raise RuntimeError("the widget's first question wasn't answered")
        answers.close()

    with live_shell(running) as shell:
        times = lab.in_turns(20, ours=lambda: first_page(shell))
    yield Measured("browse", times["ours"].median, times)


@contextmanager
def live_shell(running: Running) -> Iterator[InteractiveShell]:
    """Start an IPython shell with the extension loaded, and the cluster's identity in the environment."""
    before = dict(os.environ)
    os.environ.update(environment(running))
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "storlet_shell")
    try:
        yield shell
    finally:
        shell.run_line_magic("unload_ext", "storlet_shell")
        InteractiveShell.clear_instance()
        os.environ.clear()
        os.environ.update(before)


MEASUREMENTS = (warm_get, loading, browsing)
