"""Code of storlets that attack: what stands at the top of each, and what they have found out."""

from __future__ import annotations

# The channel to the server is a descriptor like any other: a storlet finds it by looking.
TALK = """
import array, json, socket

def channel():
    for number in range(3, 64):
        try:
            found = socket.socket(fileno=os.dup(number))
        except OSError:
            continue
        if found.type == socket.SOCK_SEQPACKET:
            return found

def say(text, descriptors=()):
    text = text if isinstance(text, bytes) else text.encode()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    channel().sendmsg([text], rights)

def tell(**message):
    say(json.dumps(message))
"""
