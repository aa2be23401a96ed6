"""Certificates: whose are not to be trusted is told, and nothing secret, at Swift and at Keystone alike."""

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
from tests.support.responder import Responder, ok

SECRET = "hunter22-of-mine"
DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the authority")])
        ca = x509.BasicConstraints(ca=True, path_length=None)
        signed = self._builder(self._name, self._key, 30).add_extension(ca, True).sign(self._key, hashes.SHA256())
        self.file = folder / "ca.pem"
        self.file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 20 * DAY)
            .not_valid_after(now + days * DAY)
        )

    def certify(self, host: x509.GeneralName, days: int) -> Path:
        """Return a file with a key and a certificate of a host, which ends in so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        names = x509.SubjectAlternativeName([host])
        signed = self._builder(name, key, days).add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        form = serialization.PrivateFormat.PKCS8
        written = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        path = self._folder / "server.pem"
        path.write_bytes(written + signed.public_bytes(serialization.Encoding.PEM))
        return path


class Server:
    """Keeps what is said to it once a client trusts its certificate, and answers as a tempauth that logs in."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard = b""
        self.attempts = 0
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.attempts += 1
            try:
                connection.settimeout(20)
                self._answer(self._context.wrap_socket(connection, server_side=True))
            except OSError:
                connection.close()  # the client does not trust this server

    def _answer(self, connection: ssl.SSLSocket) -> None:
        with connection:
            while not self.heard.endswith(b"\r\n\r\n") and (said := connection.recv(65536)):
                self.heard += said
            headers = f"X-Auth-Token: t\r\nX-Storage-Url: {self.url}/v1/A\r\nContent-Length: 0\r\nConnection: close"
            connection.sendall(f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n".encode())

    def close(self) -> None:
        """Accept no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(30)


HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
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
    authority = Authority(tmp_path)
    server = Server(authority.certify(host, days))
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
    assert "the servers' certificates are not verified (--insecure)" in run("--insecure", "--timeout", "20", "ls").err
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
