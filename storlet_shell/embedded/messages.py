"""Messages between the server and its worker processes: one JSON object a packet, with file descriptors beside it.

Standard library only: this is imported by the worker processes.
"""

from __future__ import annotations

import array
import json
import os
import socket
from typing import Any

Message = dict[str, Any]

_LARGEST = 192 * 1024  # below the send buffer that Linux gives a local socket (net.core.wmem_default)
_DESCRIPTORS = 64


class MessageTooLongError(Exception):
    """A message is longer than one packet may be."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a channel."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(channel: socket.socket, message: Message, descriptors: list[int] | None = None) -> None:
    """Send one message; the receiver gets copies of the descriptors."""
    data = json.dumps(message).encode()
    if len(data) > _LARGEST:
        raise MessageTooLongError(f"{len(data)} bytes, of which {_LARGEST} are possible")
    rights = array.array("i", descriptors or [])
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights.tobytes())] if rights else []
    channel.sendmsg([data], ancillary)


def receive(channel: socket.socket) -> tuple[Message | None, list[int]]:
    """Receive one message and its descriptors; None when the other end is closed."""
    room = socket.CMSG_SPACE(_DESCRIPTORS * 4)
    data, ancillary, _, _ = channel.recvmsg(_LARGEST, room, socket.MSG_CMSG_CLOEXEC)
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    return (json.loads(data) if data else None), list(descriptors)


def receive_from_child(channel: socket.socket) -> tuple[Message | None, int]:
    """Receive one message and the sender's process id, as the kernel vouches for it.

    Descriptors that an untrusted sender adds are closed. The channel needs ``SO_PASSCRED``.
    """
    room = socket.CMSG_SPACE(12) + socket.CMSG_SPACE(_DESCRIPTORS * 4)
    data, ancillary, _, _ = channel.recvmsg(_LARGEST, room, socket.MSG_CMSG_CLOEXEC)
    sender = 0
    for level, kind, content in ancillary:
        numbers = array.array("i")
        numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            sender = numbers[0]
        elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            for descriptor in numbers:
                os.close(descriptor)
    return (json.loads(data) if data else None), sender
