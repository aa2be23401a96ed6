"""A server that replays another one's answers immediately, so that only the client is measured."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from benchmarks.cluster import HOST


class Replay:
    """The server; a context manager. Each GET is forwarded once, and its answer is kept for everyone.

    :param port: the real server's port
    """

    def __init__(self, port: int) -> None:
        self._server = ThreadingHTTPServer((HOST, 0), _handler(port))
        self.port: int = self._server.server_port

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(port: int) -> type[BaseHTTPRequestHandler]:
    answers: dict[str, tuple[int, list[tuple[str, str]], bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            if self.path not in answers:
                # With the client's Host header: a login's answer contains it in the storage URL.
                connection = http.client.HTTPConnection(HOST, port)
                connection.request("GET", self.path, headers=dict(self.headers))
                answer = connection.getresponse()
                answers[self.path] = answer.status, answer.getheaders(), answer.read()
                connection.close()
            status, headers, body = answers[self.path]
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler
