"""The storage policies of an embedded Swift, the same three in every data folder.

A storlet-enabled cloud has replicated and erasure-coded policies, and its object servers run no storlets over the
latter (storlets ``handlers/obj.py: is_ec_response``). Developers for such a cloud can try that here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from storlet_shell.equality import typed_equality

DEVICE = "disk"
"""The device of accounts, containers and replicated objects: a subfolder of the servers' ``devices`` folder."""

DEVICES = (DEVICE, "disk-2", "disk-3")
"""All devices. The others hold fragments only, so that an object's fragments are on three devices, as in a cloud."""


@typed_equality
class Policy(NamedTuple):
    """A storage policy.

    :param number: its number, which containers and folders on the disk refer to; it can't change once there is data
    :param devices: the device of each replica or fragment
    :param options: the options in its section of ``swift.conf``, except its name
    """

    number: int
    name: str
    devices: tuple[str, ...]
    options: Mapping[str, str]

    @property
    def ring(self) -> str:
        """The name of its ring (swift ``storage_policy.py: get_policy_string``)."""
        return f"object-{self.number}" if self.number else "object"

    @property
    def section(self) -> tuple[str, dict[str, str]]:
        """Its section of ``swift.conf``: title and options."""
        return f"storage-policy:{self.number}", {"name": self.name, **self.options}


POLICIES = (
    # It has no name in data folders of earlier releases: Swift called it Policy-0 then.
    Policy(0, "standard", (DEVICE,), {"aliases": "Policy-0", "default": "yes"}),
    Policy(1, "second", (DEVICE,), {"policy_type": "replication"}),
    Policy(
        2,
        "ec21",
        DEVICES,
        {
            "policy_type": "erasure_coding",
            "ec_type": "liberasurecode_rs_vand",  # included in pyeclib's wheel; others need system libraries
            "ec_num_data_fragments": "2",
            "ec_num_parity_fragments": "1",
        },
    ),
)
"""All policies; the first is the default."""
