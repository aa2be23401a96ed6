"""Rings for a few devices, with each replica or fragment of everything on the same one.

A ring maps the hash of a name to devices. Here all names map to the same devices, so the tables are written directly;
Swift's ring builder would take more than a second for the same result.
"""

from __future__ import annotations

from array import array
from pathlib import Path

from swift.common.ring.ring import RingData

from storlet_shell.embedded.server.policies import DEVICE, POLICIES

BACKENDS = {"account": 1, "container": 2, "object": 3}
"""The storage servers, and the port that identifies each of them in its rings; see :mod:`.backends`."""

# The partition is part of a stored object's path: this number can't change once there is data.
_PARTITION_POWER = 6


def write_rings(folder: Path) -> None:
    """Write the account ring, the container ring, and one object ring for each storage policy into a folder.

    :param folder: Swift's configuration folder
    """
    for name in ("account", "container"):
        _write(folder, name, BACKENDS[name], (DEVICE,))
    for policy in POLICIES:
        _write(folder, policy.ring, BACKENDS["object"], policy.devices)


def _write(folder: Path, name: str, port: int, devices: tuple[str, ...]) -> None:
    """Write a ring.

    :param devices: the device of each replica
    """
    nodes = [
        {
            "id": number,
            "region": 1,
            "zone": 1,
            "weight": 1.0,
            "ip": "127.0.0.1",
            "port": port,
            "device": device,
            "meta": "",
        }
        for number, device in enumerate(devices)
    ]
    table = [array("H", [number] * 2**_PARTITION_POWER) for number in range(len(devices))]
    RingData(table, nodes, 32 - _PARTITION_POWER).save(str(folder / f"{name}.ring.gz"))
