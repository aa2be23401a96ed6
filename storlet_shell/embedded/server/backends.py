"""Connect the proxy to the account, container and object servers by Unix sockets in the data folder.

In a cloud, storage servers listen on a network of their own, because they serve whoever connects. Loopback isn't such a
network: anyone with a login on this machine could read and write all objects, bypassing the proxy's authentication. A
Unix socket in a folder with mode 0700 is accessible to its owner only, and slightly faster than TCP. Because storlets
run as that same owner, in a sandbox as good as the kernel allows, the process behind each connection is checked, too.
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
"""The folder of the sockets. It is relative to the working folder, since a socket's path is limited to 107 bytes."""

SHARED = "shared"
"""The socket for objects that the proxies share; other sockets are named after the storage servers."""

_CREDENTIALS = struct.Struct("iII")  # pid, uid, gid
_NAMES = {port: name for name, port in BACKENDS.items()}


class OwnListener(GreenSocket):
    """A listening Unix socket that accepts connections from its own process and from other processes of this server.

    ``is_ours`` recognizes those by their process ID.
    """

    is_ours: Callable[[int], bool] = staticmethod(lambda _: False)

    def accept(self) -> tuple[GreenSocket, tuple[str, int]]:
        """Return the next connection from such a process, with an address in TCP's form."""
        while True:
            connection, _ = super().accept()
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid = _CREDENTIALS.unpack(credentials)[0]
            if pid == os.getpid() or self.is_ours(pid):
                return connection, ("unix", connection.fileno())
            connection.close()


def listen(name: str, is_ours: Callable[[int], bool]) -> OwnListener:
    """Open the listening socket of a storage server, or of the shared objects.

    :param name: ``account``, ``container``, ``object`` or :data:`SHARED`
    :param is_ours: tells whether the process with this ID may connect, in addition to this process
    """
    path = SOCKETS / name
    path.unlink(missing_ok=True)
    listener = OwnListener(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.is_ours = is_ours
    listener.bind(str(path))
    listener.listen(1024)
    return listener


def connect_to_sockets() -> None:
    """Make Swift connect to its storage servers by these sockets.

    Swift 2.38 supports TCP only. ``BufferedHTTPConnection.connect`` is the only place where the proxy, the storage
    servers and the background daemons open connections.
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
