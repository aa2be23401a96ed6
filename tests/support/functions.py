"""A function storlet written by hand, which speaks frames, and breaks off as tests tell it to."""

from __future__ import annotations

from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request

CODE = '''\
"""A function storlet of the tests."""

from __future__ import annotations

import json
import os
import struct
import time
import traceback
import zlib

# /home/me/mine.py:10
def fail():
    raise ValueError("on purpose")

# /home/me/mine.py:20
def shout(data: bytes, how: str = "whole", seconds: float = 0.0, count: int = 1) -> bytes:
    if how == "fails":
        fail()
    return data.upper() * count

# the adapter

def frame(kind, payload):
    return kind + struct.pack(">I", len(payload)) + payload

class FunctionStorlet:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        how, nonce = params.get("how", "whole"), params.get("storlet_frames")
        out = out_files[0]
        out.set_metadata({})

        def send(data):
            out.write(data)
            out.flush()

        if nonce:
            send(b"storlet-frames 1 " + (nonce if how != "stale" else "0" * 16).encode() + b"\\n")
        try:
            data = self.function(in_files[0].read(), how, count=int(params.get("count", 1)))
        except Exception as error:
            if nonce:
                report = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
                send(frame(b"X", json.dumps(report).encode()))
            raise
        seconds = float(params.get("seconds", 0))
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(min(1.0, seconds))
            if nonce:
                send(frame(b"B", bytes(65536)))
        if not nonce:
            return send(data)
        send(frame(b"B", bytes(65536)) + frame(b"D", data))
        if how == "killed":
            send(frame(b"B", bytes(65536)))
            os.kill(os.getpid(), 9)
        if how == "cut":
            return
        metadata = {"Count": len(data)} if how != "headers" else {"Count": "1\\nX: 2"}
        crc32 = zlib.crc32(data) ^ (how == "corrupt")
        send(frame(b"E", json.dumps({"metadata": metadata, "length": len(data), "crc32": crc32}).encode()))
        if how == "surplus":
            send(b"more")

    function = staticmethod(shout)
'''


def deploy(client: Client, module: str, code: str = CODE, main: str = wire.FUNCTION_CLASS) -> str:
    """Store code as a storlet, unchecked; return its name."""
    headers = wire.encode_storlet(wire.StorletDescription("python", f"{module}.{main}"))
    client.send(
        Request("PUT", wire.STORLET_CONTAINER, f"{module}.py", headers=headers), bytes_body(code.encode())
    ).read()
    return f"{module}.py"
