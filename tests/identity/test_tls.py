"""Servers behind TLS: one that signed itself, one that wants a client certificate."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.lines import Runner, base_environment, one_line


def make_certificate(folder: Path, name: str) -> Path:
    """Write a self-signed certificate for 127.0.0.1 and its key as ``NAME.pem`` and ``NAME.key``; return the former."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / f"{name}.key").write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    return path


class Server:
    """Answers every request as a tempauth that logs in, or an empty account."""

    def __init__(self, certificate: Path, trusted_client: Path | None) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        if trusted_client is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(trusted_client)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(10)
                    self._answer(self._context.wrap_socket(connection, server_side=True))
                except OSError:
                    continue  # the client does not trust this server, or has gone

    def _answer(self, connection: ssl.SSLSocket) -> None:
        with connection, connection.makefile("rb") as stream:
            while (line := stream.readline().strip()) and line:
                pass
            headers = f"X-Auth-Token: t\r\nX-Storage-Url: {self.url}/v1/A\r\nContent-Length: 0\r\nConnection: close"
            connection.sendall(f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n".encode())

    def close(self) -> None:
        """Accept no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(20)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return the server's certificate."""
    return make_certificate(tmp_path, "server")


@pytest.fixture
def server(certificate: Path) -> Iterator[Server]:
    """Run a server that has signed its own certificate."""
    made = Server(certificate, None)
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


def test_named_certificate_is_trusted(run_tls: Runner, certificate: Path) -> None:
    """By option and by variable."""
    for words, environ in ((["--os-cacert", str(certificate)], {}), ([], {"OS_CACERT": str(certificate)})):
        outcome = run_tls(*words, "whoami", environ=environ)
        assert (outcome.status, outcome.err) == (0, "")


def test_insecure_goes_on_with_a_warning(run_tls: Runner) -> None:
    """By option and by variable; the HTTP library's own warning, with its advice for programmers, is not shown."""
    for words, environ in ((["--insecure"], {}), ([], {"OS_INSECURE": "true"})):
        outcome = run_tls.process(*words, "whoami", environ={**environ, "PYTHONWARNINGS": ""})
        assert outcome.status == 0
        assert one_line(outcome) == "the servers' certificates are not verified (--insecure)"


def test_client_certificate_is_shown(certificate: Path, tmp_path: Path) -> None:
    """With its key beside it or in the same file; a server that wants one refuses whoever has none."""
    own = make_certificate(tmp_path, "me")
    both = tmp_path / "both.pem"
    both.write_bytes(own.read_bytes() + own.with_suffix(".key").read_bytes())
    server = Server(certificate, own)
    try:
        run = Runner({**base_environment(tmp_path), **identity(server), "OS_CACERT": str(certificate)})
        assert run("--os-cert", str(own), "--os-key", str(own.with_suffix(".key")), "whoami").status == 0
        assert run("whoami", environ={"OS_CERT": str(both)}).status == 0
        refused = run("whoami")
        assert refused.status == 5
        assert len(refused.err.splitlines()) == 1
    finally:
        server.close()


@pytest.mark.parametrize("option", ["--os-cacert", "--os-cert", "--os-key"])
def test_missing_file_is_named(run_tls: Runner, certificate: Path, option: str) -> None:
    """Before any server is blamed."""
    given = {"--os-cacert": str(certificate), "--os-cert": str(certificate)} | {option: "/no/such.pem"}
    refused = run_tls(*(word for pair in given.items() for word in pair), "whoami")
    assert refused.status != 0
    assert "/no/such.pem" in one_line(refused)
