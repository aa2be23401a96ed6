"""How the proxy reaches the account, container and object server: over Unix sockets in the data folder.

In a cloud the storage servers listen on a network of their own, because they serve whoever connects. Loopback is not
such a network: anybody with a login on this machine could read and write all objects there, past the proxy's
authentication. A Unix socket in a folder of mode 0700 is for its owner alone, and a little faster than TCP. And as a
storlet runs as that same owner, in a sandbox as good as the kernel allows, each connection is asked for its process.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

from eventlet.green import socket
from eventlet.greenio import GreenSocket
from swift.common.bufferedhttp import BufferedHTTPConnection

from storlet_shell.embedded.server.rings import BACKENDS

SOCKETS = Path("run")
"""Where the sockets lie, relative to the server's working folder: a Unix socket's path ends at 107 bytes."""

SHARED = "shared"
"""The socket of what the proxies share; the others are called by the storage servers' names."""

_CREDENTIALS = struct.Struct("iII")  # pid, uid, gid
_NAMES = {port: name for name, port in BACKENDS.items()}


class OwnListener(GreenSocket):
    """A listening Unix socket that accepts connections from its own process, and from others that are this server's.

    ``is_ours`` tells one of those by its number.
    """

    is_ours: Callable[[int], bool] = staticmethod(lambda _: False)

    def accept(self) -> tuple[GreenSocket, tuple[str, int]]:
        """Return the next connection of such a process, and an address in the form that TCP has."""
        while True:
            connection, _ = super().accept()
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid = _CREDENTIALS.unpack(credentials)[0]
            if pid == os.getpid() or self.is_ours(pid):
                return connection, ("unix", connection.fileno())
            connection.close()


def listen(name: str, is_ours: Callable[[int], bool]) -> OwnListener:
    """Open the listening socket of a storage server, or of what the proxies share.

    :param name: ``account``, ``container``, ``object`` or :data:`SHARED`
    :param is_ours: tells by its number a process that may connect, besides this one
    """
    path = SOCKETS / name
    path.unlink(missing_ok=True)
    listener = OwnListener(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.is_ours = is_ours
    listener.bind(str(path))
    listener.listen(1024)
    return listener


def connect_to_sockets() -> None:
    """Make Swift's connections to its storage servers use these sockets.

    Swift 2.38 knows TCP only; ``BufferedHTTPConnection.connect`` is the one place where the proxy, the servers among
    each other and the background daemons open their connections.
    """
    connect = BufferedHTTPConnection.connect

    def connect_to_socket(self: BufferedHTTPConnection) -> None:
        name = _NAMES.get(self.port)
        if name is None or self.host != "127.0.0.1":
            connect(self)
            return
        self._connected_time = time.time()
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(SOCKETS / name))

    BufferedHTTPConnection.connect = connect_to_socket
