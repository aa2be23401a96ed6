"""Rings for one device with one replica of everything.

A ring maps a name's hash to devices. Here all names map to the same device, so the tables are written by hand; Swift's
ring builder would need a second and more to come to the same result.
"""

from __future__ import annotations

from array import array
from pathlib import Path

from swift.common.ring.ring import RingData

DEVICE = "disk"
"""The one device: a folder beneath the servers' ``devices`` folder."""

BACKENDS = {"account": 1, "container": 2, "object": 3}
"""The storage servers and the port that names each of them in its ring; see :mod:`.backends`."""

# The partition of a stored object stands in its path: this number can't change once there is data.
_PARTITION_POWER = 6


def write_rings(folder: Path) -> None:
    """Write the account, container and object ring into a folder.

    :param folder: Swift's configuration folder
    """
    for name, port in BACKENDS.items():
        device = {
            "id": 0,
            "region": 1,
            "zone": 1,
            "weight": 1.0,
            "ip": "127.0.0.1",
            "port": port,
            "device": DEVICE,
            "meta": "",
        }
        table = [array("H", [0] * 2**_PARTITION_POWER)]
        RingData(table, [device], 32 - _PARTITION_POWER).save(str(folder / f"{name}.ring.gz"))
