"""TLS servers: one with a self-signed certificate, and one that requires a client certificate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lines import Runner, base_environment, one_line
from tests.support.tls import Certificate, Server

pytestmark = pytest.mark.slow


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """Return the server's certificate."""
    return Certificate(tmp_path, "server")


@pytest.fixture
def server(certificate: Certificate) -> Iterator[Server]:
    """Run a server that has signed its own certificate."""
    made = Server(certificate)
    yield made
    made.close()


@pytest.fixture
def run_tls(server: Server, tmp_path: Path) -> Runner:
    """Run lines against it."""
    return Runner({**base_environment(tmp_path), **identity(server)})


def identity(server: Server) -> dict[str, str]:
    """Return the variables of a tempauth user there."""
    return {"ST_AUTH": f"{server.url}/auth/v1.0", "ST_USER": "u", "ST_KEY": "hunter22"}


@pytest.mark.parametrize("scheme", ["tempauth", "keystone"])
def test_self_signed_certificate_says_how_to_trust_it(run_tls: Runner, server: Server, scheme: str) -> None:
    """For both protocols, in one line; nothing was sent."""
    named = {"OS_AUTH_URL": f"{server.url}/v3", "OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_PROJECT_NAME": "p"}
    refused = run_tls("--timeout", "10", "ls", environ=named if scheme == "keystone" else {})
    assert refused.status == 5
    said = one_line(refused)
    assert "self-signed certificate" in said
    assert "--os-cacert FILE, or OS_CACERT" in said


def test_named_certificate_is_trusted(run_tls: Runner, certificate: Certificate) -> None:
    """By option and by variable."""
    for words, environ in ((["--os-cacert", str(certificate.file)], {}), ([], {"OS_CACERT": str(certificate.file)})):
        outcome = run_tls(*words, "whoami", environ=environ)
        assert (outcome.status, outcome.err) == (0, "")


def test_insecure_goes_on_with_a_warning(run_tls: Runner) -> None:
    """By option and by variable; the HTTP library's own warning, with its advice for programmers, is not shown."""
    for words, environ in ((["--insecure"], {}), ([], {"OS_INSECURE": "true"})):
        outcome = run_tls.process(*words, "whoami", environ={**environ, "PYTHONWARNINGS": ""})
        assert outcome.status == 0
        assert one_line(outcome) == "server certificates are not verified (--insecure)"


def test_client_certificate_is_shown(certificate: Certificate, tmp_path: Path) -> None:
    """The key can be in its own file or in the same one; without a certificate, the server refuses the client."""
    own, both = Certificate(tmp_path, "me"), tmp_path / "both.pem"
    both.write_bytes(own.file.read_bytes() + own.key_file.read_bytes())
    server = Server(certificate, own)
    try:
        run = Runner({**base_environment(tmp_path), **identity(server), "OS_CACERT": str(certificate.file)})
        assert run("--os-cert", str(own.file), "--os-key", str(own.key_file), "whoami").status == 0
        assert run("whoami", environ={"OS_CERT": str(both)}).status == 0
        refused = run("whoami")
        assert refused.status == 5
        assert len(refused.err.splitlines()) == 1
    finally:
        server.close()


@pytest.mark.parametrize("option", ["--os-cacert", "--os-cert", "--os-key"])
def test_missing_file_is_named(run_tls: Runner, certificate: Certificate, option: str) -> None:
    """Report the file before contacting any server."""
    given = {"--os-cacert": str(certificate.file), "--os-cert": str(certificate.file)} | {option: "/no/such.pem"}
    refused = run_tls(*(word for pair in given.items() for word in pair), "whoami")
    assert refused.status != 0
    assert "/no/such.pem" in one_line(refused)
