"""Run storlets in upstream's own agent, one process per run, as its daemon does.

This is a separate program. Standard input is JSON: a list of runs with ``folder``, ``main``, ``input``, ``metadata``,
and ``parameters``. Standard output is a list with each run's metadata as they were sent, its body, its log, and the
exception that the agent logged.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from storlets.agent.daemon.server import StorletDaemon

PARTS = ("metadata", "body", "log", "error")


class Agent(StorletDaemon):
    """Upstream's daemon without its bus.

    :param storlet: the class of the storlet
    :param name: its module and class
    :param log: called with the exception that ends a run
    """

    def __init__(self, storlet, name, log):
        self.storlet_cls, self.storlet_name = storlet, name
        self.logger = SimpleNamespace(debug=lambda *_: None, warning=lambda *_: None, exception=log)


def execute(run, descriptors, error):
    """Run a storlet in this process, as the daemon does in a fork of itself."""
    metadata, body, log, source = descriptors
    sys.path.insert(0, run["folder"])

    def note(_):
        kind, value, _ = sys.exc_info()
        os.write(error, f"{kind.__name__}: {value}".encode("utf-8", "backslashreplace"))

    module, name = run["main"].split(".")
    order = SimpleNamespace(
        object_in_storlet_metadata=[{}],
        params=run["parameters"],
        object_in_metadata=[run["metadata"]],
        object_in_fds=[source],
        object_metadata_out_fds=[metadata],
        object_out_fds=[body],
        logger_out_fd=log,
    )
    os.chdir(run["scratch"])
    Agent(getattr(importlib.import_module(module), name), run["main"], note)._execute(order)


def drain(pipe):
    """Read a pipe to its end."""
    with os.fdopen(pipe, "rb") as file:
        return file.read()


def outcome(run):
    """Fork, run a storlet, and return its outputs."""
    pipes = {name: os.pipe() for name in (*PARTS, "input")}
    pid = os.fork()
    if pid == 0:
        try:
            for name, (reader, writer) in pipes.items():
                os.close(writer if name == "input" else reader)
            writers = [pipes[name][1] for name in PARTS[:3]]
            execute(run, [*writers, pipes["input"][0]], pipes["error"][1])
        finally:
            os._exit(0)
    for name, (reader, writer) in pipes.items():
        os.close(reader if name == "input" else writer)
    with ThreadPoolExecutor(len(PARTS)) as threads:
        parts = {name: threads.submit(drain, pipes[name][0]) for name in PARTS}
        try:
            with os.fdopen(pipes["input"][1], "wb", buffering=0) as feed:
                feed.write(base64.b64decode(run["input"]))
        except BrokenPipeError:
            pass
        texts = {name: part.result() for name, part in parts.items()}
    os.waitpid(pid, 0)
    return {name: base64.b64encode(text).decode() for name, text in texts.items()}


if __name__ == "__main__":
    json.dump([outcome(run) for run in json.load(sys.stdin)], sys.stdout)
