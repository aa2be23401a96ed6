"""Storlets that attack the server."""

from __future__ import annotations

# The channel to the server is a descriptor like any other: a storlet finds it by looking.
TALK = """
import array, json, socket

def channel():
    for number in range(3, 64):
        try:
            candidate = socket.socket(fileno=os.dup(number))
        except OSError:
            continue
        if candidate.type == socket.SOCK_SEQPACKET:
            return candidate

def say(text, descriptors=()):
    text = text if isinstance(text, bytes) else text.encode()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    channel().sendmsg([text], rights)

def tell(**message):
    say(json.dumps(message))
"""
