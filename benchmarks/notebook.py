"""The notebook's figures: a magic in a live session over the plainest client, and what loading the extension costs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from benchmarks.cluster import Wire, environment
from benchmarks.measure import Figure, Sample, in_turns
from storlet_shell.embedded.control import Running

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


def figures(running: Running, wire: Wire) -> Iterator[Figure]:
    """Measure both; what logins at a Keystone cost is measured in :mod:`.keystone`."""
    yield warm_get(running, wire)
    yield loading()


def warm_get(running: Running, wire: Wire) -> Figure:
    """``%get`` of a small object in a live session over the same GET by ``http.client`` on a kept connection."""
    wire.send("PUT", "bench/small", body=b"x" * 1024)
    with live_shell(running) as shell:
        magic, plain = in_turns(
            200,
            lambda: shell.run_line_magic("get", "bench/small").content,
            lambda: wire.send("GET", "bench/small"),
        )
    note = f"{magic}, http.client {plain}"
    return Figure("warm %get ÷ http.client on a kept connection", magic.median / plain.median, 1.3, True, "", note)


def loading() -> Figure:
    """``%load_ext storlet_shell`` in a process that has IPython already."""
    words = [sys.executable, "-c", _LOADING]
    seconds = tuple(
        float(subprocess.run(words, stdout=subprocess.PIPE, env=environment(), check=True).stdout.split()[-1])
        for _ in range(9)
    )
    sample = Sample(seconds)
    return Figure("%load_ext storlet_shell, beyond IPython's own", sample.median, 0.15, True, " s", str(sample))


@contextmanager
def live_shell(running: Running) -> Iterator[InteractiveShell]:
    """Have an IPython shell with the extension loaded, and the cluster's identity in the environment."""
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
