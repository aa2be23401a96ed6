"""The figures of a cloud with Keystone: how often is logged in, and what that saves."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import swiftclient

from benchmarks.cluster import run, tool
from benchmarks.measure import Figure, in_turns
from benchmarks.notebook import live_shell
from storlet_shell.embedded import control
from storlet_shell.embedded.control import Running

_OPENSTACK = "python-openstackclient>=7,<10"
_COMMANDS = 100


def figures(running: Running) -> Iterator[Figure]:
    """Measure on a cluster that has Keystone."""
    run([tool("storlet-shell"), "mkdir", "bench"], running)
    run([tool("storlet-shell"), "upload", "bench/small"], running, b"x" * 1024)
    yield hundred_commands(running)
    yield warm_get(running)
    yield who_am_i(running)


def hundred_commands(running: Running) -> Figure:
    """Count the logins of a session of a hundred commands, in Keystone's own log."""
    before = _logins(running)
    run([tool("storlet-shell"), "-f", "-"], running, b"get bench/small > /dev/null\n" * _COMMANDS)
    count = _logins(running) - before
    return Figure(f"logins at Keystone in a session of {_COMMANDS} commands", count, 1, True, "", "counted, once")


def _logins(running: Running) -> int:
    return (running.folder / "keystone" / "log").read_text().count("POST /v3/auth/tokens 201")


def warm_get(running: Running) -> Figure:
    """``%get`` in a live session over the removed extension's way: log in anew for each, then send the GET."""
    with live_shell(running) as shell:
        magic, old = in_turns(
            50,
            lambda: shell.run_line_magic("get", "bench/small").content,
            lambda: _old_way(control.environment(running)),
        )
    note = f"{magic}, a new login and the GET by swiftclient {old}"
    return Figure("%get on Keystone ÷ the removed extension's way", magic.median / old.median, 0.4, True, "", note)


def _old_way(who: dict[str, str]) -> bytes:
    """Do what each magic of the extension that Storlets removed did: ``get_auth``, then ``get_object``."""
    options = {
        "user_domain_name": who["OS_USER_DOMAIN_NAME"],
        "project_domain_name": who["OS_PROJECT_DOMAIN_NAME"],
        "project_name": who["OS_PROJECT_NAME"],
    }
    url, token = swiftclient.get_auth(
        who["OS_AUTH_URL"], who["OS_USERNAME"], who["OS_PASSWORD"], auth_version="3", os_options=options
    )
    content: bytes = swiftclient.get_object(url, token, "bench", "small")[1]
    return content


def who_am_i(running: Running) -> Figure:
    """``whoami`` over ``openstack token issue``: whole processes, with the same entry of ``clouds.yaml``."""
    openstack = _openstack()
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        clouds = Path(folder, "clouds.yaml")
        clouds.write_text(json.dumps({"clouds": {"bench": _entry(control.environment(running))}}))
        chosen = {"OS_CLIENT_CONFIG_FILE": str(clouds), "OS_CLOUD": "bench"}
        ours, theirs = in_turns(
            9,
            lambda: run([tool("storlet-shell"), "whoami"], environ=chosen),
            lambda: run(openstack, environ=chosen),
        )
    note = f"{ours}, openstack token issue {theirs}"
    return Figure("whoami with OS_CLOUD ÷ openstack token issue", ours.median / theirs.median, 0.5, True, "", note)


def _entry(who: dict[str, str]) -> dict[str, object]:
    """Return a cloud's entry; JSON is YAML."""
    names = ("AUTH_URL", "USERNAME", "PASSWORD", "USER_DOMAIN_NAME", "PROJECT_DOMAIN_NAME", "PROJECT_NAME")
    return {"auth": {name.lower(): who[f"OS_{name}"] for name in names}, "identity_api_version": 3}


def _openstack() -> list[str]:
    """Return the words of ``openstack token issue``; install it once, in an environment that is kept."""
    place = Path(platformdirs.user_cache_path("storlet-shell")) / "benchmarks" / "openstackclient"
    program = place / "bin" / "openstack"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        words = [str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", _OPENSTACK]
        subprocess.run(words, stdout=sys.stderr, check=True)
    return [str(program), "token", "issue"]
