"""Messages between the server and its worker processes: one JSON object per packet, along with file descriptors.

Standard library only: worker processes import this.
"""

from __future__ import annotations

import array
import json
import os
import socket
from typing import Any

Message = dict[str, Any]

MOST_DESCRIPTORS = 64
"""The maximum number of descriptors in a message."""

_LARGEST = 192 * 1024  # less than the send buffer that Linux gives a local socket (net.core.wmem_default)


class MessageTooLongError(Exception):
    """A message is too long for a packet."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a channel."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(channel: socket.socket, message: Message, descriptors: list[int] | None = None) -> None:
    """Send one message; the receiver gets duplicates of the descriptors."""
    data = json.dumps(message).encode()
    if len(data) > _LARGEST:
        raise MessageTooLongError(f"{len(data)} bytes; the limit is {_LARGEST}")
    rights = array.array("i", descriptors or [])
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights.tobytes())] if rights else []
    channel.sendmsg([data], ancillary)


def receive(channel: socket.socket) -> tuple[Message | None, list[int]]:
    """Receive one message and its descriptors; None when the other end is closed.

    :raises ValueError: if it isn't a message; its descriptors are closed
    """
    data, descriptors, _ = _receive(channel)
    try:
        message = json.loads(data) if data else None
        if message is not None and not isinstance(message, dict):
            raise ValueError(f"a message must be an object, not {type(message).__name__}")
    except (ValueError, RecursionError) as error:
        _close(descriptors)
        raise ValueError(f"no message: {error}") from None
    return message, descriptors


def receive_packet(channel: socket.socket) -> tuple[bytes, int]:
    """Receive one packet from an untrusted process; empty when the other end is closed.

    Descriptors that come with it are closed in any case.

    :returns: the packet and, if the channel has ``SO_PASSCRED``, the sender's process ID, which the kernel verifies
    """
    data, descriptors, sender = _receive(channel)
    _close(descriptors)
    return data, sender


def _receive(channel: socket.socket) -> tuple[bytes, list[int], int]:
    room = socket.CMSG_SPACE(12) + socket.CMSG_SPACE(MOST_DESCRIPTORS * 4)
    data, ancillary, _, _ = channel.recvmsg(_LARGEST, room, socket.MSG_CMSG_CLOEXEC)
    descriptors: list[int] = []
    sender = 0
    for level, kind, content in ancillary:
        numbers = array.array("i")
        numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.extend(numbers)
        elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            sender = numbers[0]
    return data, descriptors, sender


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
