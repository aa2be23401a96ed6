"""The process of an additional proxy: ``python -m storlet_shell.embedded.server.proxy_process`` in the data folder.

:class:`.companion.Companion` starts it. It is a proxy server like the first, with its own engine for storlets on the
proxy; storage servers, cache and journal are those of the server's process.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from storlet_shell.embedded.sandbox import linux
from storlet_shell.embedded.server import log

GRACE_SECONDS = 1.0

# The kernel's own function: eventlet's replacement retries forever when nobody reads the other end (EPIPE).
_write = os.write


def main() -> None:
    """Respond to requests until the server exits."""
    linux.die_with_parent()
    order = json.loads(sys.stdin.buffer.readline())
    os.umask(0o077)
    log.start(Path(order["log"]))

    import eventlet

    eventlet.monkey_patch()

    from swift.common.utils import monkey_patch

    monkey_patch()
    _run(order)
    os._exit(0)


def _run(order: dict[str, Any]) -> None:
    """Serve until standard input is closed."""
    import eventlet  # patched already, which everything below relies on
    from eventlet.green import socket
    from swift.common.wsgi import loadapp

    from storlet_shell.embedded.engine.lookups import Forgetful
    from storlet_shell.embedded.engine.nursery import Limits
    from storlet_shell.embedded.engine.service import open_engine
    from storlet_shell.embedded.middleware import cache
    from storlet_shell.embedded.server import backends, configuration, servers
    from storlet_shell.embedded.server.shared import Remote

    servers.use_utc()
    servers.read_swift_conf()
    backends.connect_to_sockets()
    cache.share(configuration.CACHE, Remote("cache"))
    limits = Limits(order["time_limit"], order["memory_limit"], is_reusing=order["is_reusing"])
    engine = open_engine(
        configuration.ENGINE,
        Path.cwd(),
        limits,
        folder=Path.cwd() / configuration.ENGINE / order["name"],
        journal=Remote("journal"),
        lookups=Forgetful(),
    )
    app = loadapp(configuration.application("proxy"))
    listener = socket.socket(fileno=order["listener"])
    server = servers.serve(listener, app, order["time_limit"])
    _write(order["ready"], b"{}\n")  # stays open: its end tells that this process exited
    eventlet.hubs.trampoline(0, read=True)
    servers.end(server, GRACE_SECONDS)
    engine.close()


if __name__ == "__main__":
    main()
