"""TLS servers, and certificates for them."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))

_DAY = datetime.timedelta(days=1)


class Certificate:
    """A certificate and its key, as ``NAME.pem`` and ``NAME.key``.

    :param host: its subject alternative name
    :param days: days until it expires
    :param issuer: the signing certificate (default: self-signed)
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        host: x509.GeneralName = HERE,
        days: int = 30,
        issuer: Certificate | None = None,
    ) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer or self
        now = datetime.datetime.now(datetime.UTC)
        signed = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(signer._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 20 * _DAY)
            .not_valid_after(now + days * _DAY)
            .add_extension(x509.SubjectAlternativeName([host]), critical=False)
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .sign(signer._key, hashes.SHA256())
        )
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        self.file, self.key_file = folder / f"{name}.pem", folder / f"{name}.key"
        self.file.write_bytes(signed.public_bytes(encoding))
        self.key_file.write_bytes(self._key.private_bytes(encoding, form, serialization.NoEncryption()))


class Server:
    """Answer every request as a successful login at tempauth, which is also a valid answer for an empty account.

    :param trusted_client: the certificate that clients must present (default: none)
    :ivar heard: the request lines and headers of clients that trusted this server's certificate
    :ivar attempts: the number of connections
    """

    def __init__(self, certificate: Certificate, trusted_client: Certificate | None = None) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.file, certificate.key_file)
        if trusted_client is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(trusted_client.file)
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
            with connection:
                try:
                    connection.settimeout(20)
                    self._answer(self._context.wrap_socket(connection, server_side=True))
                except OSError:
                    continue  # the client doesn't trust this server, or has disconnected

    def _answer(self, connection: ssl.SSLSocket) -> None:
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                self.heard += line
                if not line.strip():
                    break
            headers = f"X-Auth-Token: t\r\nX-Storage-Url: {self.url}/v1/A\r\nContent-Length: 0\r\nConnection: close"
            connection.sendall(f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n".encode())

    def close(self) -> None:
        """Stop the server."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(30)
