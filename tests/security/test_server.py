"""What the embedded Swift opens: sockets on loopback, files for its owner, nothing for storlets."""

from __future__ import annotations

import ipaddress
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from storlet_shell.batches.journal import Journal
from storlet_shell.embedded import control
from tests.support.keystone import KeystoneSwift

pytestmark = pytest.mark.slow

_LISTEN = "0A"


def tree(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def sockets(pid: int) -> Iterator[tuple[str, str, int]]:
    """Yield the protocol, address and port of each socket of a process that others can reach, as the kernel tells."""
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            held.add(str(descriptor.readlink()))
        except OSError:
            continue
    for protocol in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        for line in Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if f"socket:[{rest[5]}]" in held and (state == _LISTEN or not protocol.startswith("tcp")):
                address, port = local.split(":")
                words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
                yield protocol, str(ipaddress.ip_address(b"".join(words))), int(port, 16)


@pytest.fixture(scope="module")
def three() -> Iterator[control.Running]:
    """Run a Swift with three proxies."""
    with control.join_or_start(Path(), control.Settings(ephemeral=True, proxies=3)) as lease:
        yield lease.running


def test_sockets_are_loopbacks(swift: control.Running, three: control.Running, keystone_swift: KeystoneSwift) -> None:
    """Those of the server, of its further proxies, of Keystone, and of every process that they have started."""
    for running in (swift, three, keystone_swift.running):
        found = [one for pid in tree(running.pid) for one in sockets(pid)]
        assert {(protocol, address) for protocol, address, _ in found} == {("tcp", "127.0.0.1")}
        ports = {running.port, *running.further_ports, running.identity_port} - {None, 0}
        assert {port for *_, port in found} == ports
    assert len(three.further_ports) == 2
    assert keystone_swift.running.identity_port


def test_what_is_told_is_what_the_kernel_has(swift: control.Running) -> None:
    """The test above would see a socket that listens elsewhere."""
    with socket.create_server(("0.0.0.0", 0)) as everywhere, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("0.0.0.0", 0))
        found = set(sockets(os.getpid()))
        assert ("tcp", "0.0.0.0", everywhere.getsockname()[1]) in found
        assert ("udp", "0.0.0.0", datagrams.getsockname()[1]) in found


def test_data_folder_is_its_owners(swift: control.Running, keystone_swift: KeystoneSwift) -> None:
    """Nobody else enters it; what is secret is locked up once more inside."""
    for running in (swift, keystone_swift.running):
        assert stat.S_IMODE(running.folder.stat().st_mode) == 0o700
        secret = [running.folder / "credentials.json", *(running.folder / "etc").rglob("*.conf")]
        if running.identity_port:
            keystone = running.folder / "keystone"
            assert stat.S_IMODE(keystone.stat().st_mode) == 0o700
            secret += [path for path in keystone.rglob("*") if path.is_file() and path.parent.name.endswith("keys")]
            assert len(secret) > 4
        assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in secret} == {0}


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_files_of_the_user_are_theirs_alone(tmp_path: Path, mask: int) -> None:
    """A journal and the files that SQLite adds to it are private, whatever the umask is."""
    before = os.umask(mask)
    try:
        with Journal(tmp_path / "journal", {"a": "b"}) as journal:
            journal.take(["o"])
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes.keys() == {"journal", "journal-wal", "journal-shm"}
    assert set(modes.values()) == {0o600}
