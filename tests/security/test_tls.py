"""Untrusted certificates at Swift and Keystone: a clear error, and no secret is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.support.lines import Runner, base_environment, one_line
from tests.support.responder import Responder, ok
from tests.support.tls import HERE, Certificate, Server

pytestmark = pytest.mark.slow

SECRET = "hunter22-of-mine"
ELSEWHERE = x509.DNSName("swift.example")
BAD = {
    "unknown authority": (HERE, 30, False, "unable to get local issuer certificate"),
    "another host": (ELSEWHERE, 30, True, "mismatch"),
    "expired": (HERE, -10, True, "certificate has expired"),
}
"""The host and the days of a certificate, whether its authority is trusted, and what is said."""

IDENTITIES = {
    "tempauth": {"ST_AUTH": "{url}/auth/v1.0", "ST_USER": "u", "ST_KEY": SECRET},
    "keystone": {"OS_AUTH_URL": "{url}/v3", "OS_USERNAME": "u", "OS_PASSWORD": SECRET, "OS_PROJECT_NAME": "p"},
    "token at swift": {"OS_STORAGE_URL": "{url}/v1/A", "OS_AUTH_TOKEN": SECRET},
}


@pytest.fixture(params=BAD)
def bad(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, dict[str, str], str]]:
    """Run a server that is not to be trusted; return it, with the variables that trust what can be, and the reason."""
    host, days, is_trusted, said = BAD[request.param]
    authority = Certificate(tmp_path, "authority")
    server = Server(Certificate(tmp_path, "server", host, days, authority))
    yield server, {"OS_CACERT": str(authority.file)} if is_trusted else {}, said
    server.close()


@pytest.mark.parametrize("kind", IDENTITIES)
def test_bad_certificate_is_refused(bad: tuple[Server, dict[str, str], str], tmp_path: Path, kind: str) -> None:
    """By default, in one line with the reason; nothing is said to such a server, no password above all."""
    server, trusted, said = bad
    identity = {name: text.format(url=server.url) for name, text in IDENTITIES[kind].items()}
    run = Runner({**base_environment(tmp_path), **identity, **trusted})
    refused = run("--timeout", "20", "ls")
    assert refused.status == 5
    assert said in one_line(refused)
    assert server.attempts >= 1
    assert server.heard == b""


@pytest.mark.parametrize("kind", IDENTITIES)
def test_insecure_alone_trusts_them(bad: tuple[Server, dict[str, str], str], tmp_path: Path, kind: str) -> None:
    """It is said, and then sent."""
    server, trusted, _ = bad
    identity = {name: text.format(url=server.url) for name, text in IDENTITIES[kind].items()}
    run = Runner({**base_environment(tmp_path), **identity, **trusted})
    assert "server certificates are not verified (--insecure)" in run("--insecure", "--timeout", "20", "ls").err
    assert server.heard


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(run_scripted: Runner, responder: Responder, status: int) -> None:
    """A server that sends requests elsewhere is told of; the token goes nowhere else."""
    with Responder() as elsewhere:
        target = f"http://127.0.0.1:{elsewhere.port}/v1/A/c/o"
        responder.on("GET", "/c/o", ok(b"", status, Location=target))
        refused = run_scripted("get", "c/o")
        assert refused.status != 0
        assert not elsewhere.requests + elsewhere.logins + elsewhere.infos
