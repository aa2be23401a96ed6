"""A process that has imported ``storlet-shell`` and forks a client for each request of :mod:`faults.clients`."""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys

from storlet_shell.adapters.cli import main as cli
from storlet_shell.spec.registry import Registry

MOST_BYTES = 64 * 1024
"""The size of a request."""

NUMBER = struct.Struct("i")
"""The contents of a client's pipe: its process, and later how it ended, as returned by ``waitpid``."""

_BEFORE = (
    "storlet_shell.adapters.script.runner",
    "storlet_shell.wire.client",
    "storlet_shell.executors.threads",
    "storlet_shell.schedulers.least_outstanding",
)


def main() -> None:
    """Fork clients until nobody requests any more."""
    for name in _BEFORE:
        importlib.import_module(name)
    list(Registry())
    gc.freeze()
    requests = socket.socket(fileno=0)
    ends: dict[int, tuple[int, int]] = {}
    while True:
        for ready in select.select([requests, *ends], [], [])[0]:
            if ready is not requests:
                process, pipe = ends.pop(ready)
                os.write(pipe, NUMBER.pack(os.waitpid(process, 0)[1]))
                os.close(pipe)
                os.close(ready)
                continue
            text, descriptors, _, _ = socket.recv_fds(requests, MOST_BYTES, 4)
            if not text:
                return
            process = os.fork()
            if not process:
                become_client(json.loads(text), descriptors)
            os.write(descriptors[3], NUMBER.pack(process))
            ends[os.pidfd_open(process)] = process, descriptors.pop()
            for descriptor in descriptors:
                os.close(descriptor)


def become_client(request: dict[str, object], streams: list[int]) -> None:
    """Run a line in place of this process, and exit with it.

    :param request: ``words``, ``environ``, ``folder``, and ``patches``: replacements for constants, by dotted name
    :param streams: standard input, output and error
    """
    os.setpgid(0, 0)
    for number, stream in enumerate(streams[:3]):
        os.dup2(stream, number)
    os.closerange(3, 1024)
    os.environ.clear()
    os.environ.update(request["environ"])  # type: ignore[call-overload]
    os.chdir(str(request["folder"]))
    for name, value in request["patches"].items():  # type: ignore[attr-defined]
        module, _, constant = name.rpartition(".")
        setattr(importlib.import_module(module), constant, value)
    sys.argv = ["storlet-shell", *request["words"]]  # type: ignore[misc]
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115  they are its life's
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.run()


if __name__ == "__main__":
    main()
