"""A cloud with Keystone: the number of logins, and the savings."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import swiftclient

from benchmarks import peers
from benchmarks.cluster import run, tool
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, ratio
from benchmarks.notebook import live_shell
from storlet_shell.embedded import control
from storlet_shell.embedded.control import Running

SETTINGS = control.Settings(ephemeral=True, auth=control.KEYSTONE)
_COMMANDS = 100


@gives("logins")
def hundred_commands(lab: Lab, running: Running) -> Iterator[Measured]:
    """Count the logins in a session of a hundred commands, in Keystone's own log."""
    _small(running)
    before = _logins(running)
    run([tool("storlet-shell"), "-f", "-"], running, b"get bench/small > /dev/null\n" * lab.size(_COMMANDS, 5))
    yield Measured("logins", _logins(running) - before, note="counted, once")


def _small(running: Running) -> None:
    """Create a container with a small object."""
    run([tool("storlet-shell"), "mkdir", "bench"], running)
    run([tool("storlet-shell"), "upload", "bench/small"], running, b"x" * 1024)


def _logins(running: Running) -> int:
    return (running.folder / "keystone" / "log").read_text().count("POST /v3/auth/tokens 201")


@gives("magic-keystone")
def warm_get(lab: Lab, running: Running) -> Iterator[Measured]:
    """``%get`` in a live session against the removed extension's way: a login for each GET."""
    _small(running)
    with live_shell(running) as shell:
        times = lab.in_turns(
            50,
            ours=lambda: shell.run_line_magic("get", "bench/small").content,
            old=lambda: _old_way(control.environment(running)),
        )
    yield ratio("magic-keystone", times["ours"], times["old"], peer="swiftclient")


def _old_way(identity: dict[str, str]) -> bytes:
    """Do what each magic of the removed extension did: ``get_auth``, then ``get_object``."""
    options = {
        "user_domain_name": identity["OS_USER_DOMAIN_NAME"],
        "project_domain_name": identity["OS_PROJECT_DOMAIN_NAME"],
        "project_name": identity["OS_PROJECT_NAME"],
    }
    url, token = swiftclient.get_auth(
        identity["OS_AUTH_URL"], identity["OS_USERNAME"], identity["OS_PASSWORD"], auth_version="3", os_options=options
    )
    content: bytes = swiftclient.get_object(url, token, "bench", "small")[1]
    return content


@gives("whoami")
def who_am_i(lab: Lab, running: Running) -> Iterator[Measured]:
    """``whoami`` against ``openstack token issue``: whole processes with the same entry of ``clouds.yaml``."""
    lines = {
        "ours": lambda _: [tool("storlet-shell"), "whoami"],
        "openstack": lambda _: [peers.openstack(), "token", "issue"],
    }
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        clouds = Path(folder, "clouds.yaml")
        clouds.write_text(json.dumps({"clouds": {"bench": _entry(control.environment(running))}}))
        chosen = {"OS_CLIENT_CONFIG_FILE": str(clouds), "OS_CLOUD": "bench"}
        yield lab.costs(9, lines, environ=chosen).beside("whoami", "openstack")


def _entry(identity: dict[str, str]) -> dict[str, object]:
    """Return a cloud's entry; JSON is YAML."""
    names = ("AUTH_URL", "USERNAME", "PASSWORD", "USER_DOMAIN_NAME", "PROJECT_DOMAIN_NAME", "PROJECT_NAME")
    return {"auth": {name.lower(): identity[f"OS_{name}"] for name in names}, "identity_api_version": 3}


MEASUREMENTS = (hundred_commands, warm_get, who_am_i)
