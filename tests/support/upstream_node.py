"""Storage nodes with upstream's own cache: each fetches a storlet as its gateway does for a run, and imports it.

A program of its own, since upstream's gateway patches the process that imports it. A line of JSON on standard input
holds the folder that stands for a node's disk, the storlet's name, and the objects with their headers; a line on
standard output says what ``VALUE`` is in the storlet, imported by another process as upstream's daemon does it.
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
    """The middleware's file manager, over objects that were handed over."""

    def __init__(self, objects):
        self.objects = objects

    def get_storlet(self, name):
        """Return the content, in pieces."""
        return iter([base64.b64decode(self.objects[f"storlet/{name}"]["content"])]), None

    def get_dependency(self, name):
        """Return the content, in pieces, and the permissions."""
        found = self.objects[f"dependency/{name}"]
        return iter([base64.b64decode(found["content"])]), found["headers"][f"{PREFIX}Dependency-Permissions"]


def fetch(given):
    """Bring what a run needs; return the folder that it runs in."""
    headers = given["objects"][f"storlet/{given['storlet']}"]["headers"]
    options = {
        f"storlet_{name[len(PREFIX) :].lower().replace('-', '_')}": value
        for name, value in headers.items()
        if name.startswith(PREFIX)
    }
    options |= {"storlet_content_length": headers["Content-Length"], "storlet_x_timestamp": headers["X-Timestamp"]}
    options |= {"file_manager": Objects(given["objects"]), "scope": "test"}
    request = ContainerStorletRequest(given["storlet"], {}, StorletData({}, data_iter=iter([])), options)
    gateway = StorletGatewayContainer({"host_root": given["folder"]}, logging.getLogger(), "test")
    gateway.update_container_from_cache(request)
    return gateway.paths.get_host_storlet_dir(request.storlet_main)


def value(given):
    """Fetch and import; return what the storlet says, or why it can't."""
    code = f"import {given['storlet'].removesuffix('.py')} as it; print(it.VALUE)"
    environ = {**os.environ, "PYTHONPATH": fetch(given)}
    # No bytecode: upstream's daemon takes a second to start, so there it can't be taken for that of another version.
    ran = subprocess.run([sys.executable, "-SB", "-c", code], env=environ, cwd="/", capture_output=True, check=False)
    return ran.stdout.decode().strip() or ran.stderr.decode()


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(value(json.loads(line)))}\n")
        sys.stdout.flush()
