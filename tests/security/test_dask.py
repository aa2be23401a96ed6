"""Access to a Dask cluster on this machine."""

from __future__ import annotations

import http.client
import os

import distributed
import psutil
import pytest

from storlet_shell.executors.dask import _local

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # distributed's own connections, at its end


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Port 8787:UserWarning")
def test_only_who_has_the_key_gets_into_a_local_cluster() -> None:
    """It listens on loopback; there, a client without the cluster's key is refused, and nothing is shown."""
    with _local(1) as client:
        address = client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        assert client.submit(os.getpid).result() != os.getpid()
        ports = set()
        for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
            found = [one.laddr for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN]
            assert {ip for ip, _ in found} <= {"127.0.0.1"}
            ports |= {port for _, port in found}
        for scheme in ("tcp", "tls"):
            with pytest.raises((OSError, TypeError)):
                distributed.Client(address.replace("tls", scheme, 1), timeout=5, set_as_default=False)
        assert len(ports) >= 3
        for port in ports:
            assert page_of(port) in (None, 404)


def page_of(port: int) -> int | None:
    """Return the status of a page about the cluster; None where no HTTP is spoken."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/json/identity.json")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
