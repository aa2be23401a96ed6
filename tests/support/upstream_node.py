"""Fetch and import a storlet with upstream's own gateway and cache, as a storage node does for a run.

This is a separate program, since upstream's gateway patches the process that imports it. Each line of standard input
is JSON: the folder that stands for the node's disk, the storlet's name, and the objects with their headers. The answer
is a line with the storlet's ``VALUE``, read by another process that imports the storlet as upstream's daemon does.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys

from storlets.gateway.common.stob import StorletData
from storlets.gateway.gateways.container.gateway import ContainerStorletRequest, StorletGatewayContainer

PREFIX = "X-Object-Meta-Storlet-"


class Objects:
    """The middleware's file manager over a dict of objects."""

    def __init__(self, objects):
        self.objects = objects

    def get_storlet(self, name):
        """Return the content as an iterator."""
        return iter([base64.b64decode(self.objects[f"storlet/{name}"]["content"])]), None

    def get_dependency(self, name):
        """Return the content as an iterator, and the permissions."""
        entry = self.objects[f"dependency/{name}"]
        return iter([base64.b64decode(entry["content"])]), entry["headers"][f"{PREFIX}Dependency-Permissions"]


def fetch(order):
    """Fetch the files of a run, and return its folder."""
    headers = order["objects"][f"storlet/{order['storlet']}"]["headers"]
    options = {
        f"storlet_{name[len(PREFIX) :].lower().replace('-', '_')}": value
        for name, value in headers.items()
        if name.startswith(PREFIX)
    }
    options |= {"storlet_content_length": headers["Content-Length"], "storlet_x_timestamp": headers["X-Timestamp"]}
    options |= {"file_manager": Objects(order["objects"]), "scope": "test"}
    request = ContainerStorletRequest(order["storlet"], {}, StorletData({}, data_iter=iter([])), options)
    gateway = StorletGatewayContainer({"host_root": order["folder"]}, logging.getLogger(), "test")
    gateway.update_container_from_cache(request)
    return gateway.paths.get_host_storlet_dir(request.storlet_main)


def value(order):
    """Fetch and import a storlet; return its ``VALUE``, or the reason why it can't be imported."""
    code = f"import {order['storlet'].removesuffix('.py')} as it; print(it.VALUE)"
    environ = {**os.environ, "PYTHONPATH": fetch(order)}
    # No bytecode: upstream's daemon takes a second to start, so it never meets that of a version of the same second.
    ran = subprocess.run([sys.executable, "-SB", "-c", code], env=environ, cwd="/", capture_output=True, check=False)
    return ran.stdout.decode().strip() or ran.stderr.decode()


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(value(json.loads(line)))}\n")
        sys.stdout.flush()
