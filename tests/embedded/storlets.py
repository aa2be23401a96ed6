"""A plain HTTP client for a storlet-enabled Swift, which neither retries nor corrects anything."""

from __future__ import annotations

import http.client
import json
import textwrap
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import swiftclient

from storlet_shell.embedded import control

PROXY = {"X-Storlet-Run-On-Proxy": ""}

IDENTITY = """
class S:
    def __init__(self, logger): self.logger = logger
    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata(in_files[0].get_metadata())
        while data := in_files[0].read(65536):
            out_files[0].write(data)
"""


def storlet(call: str, top: str = "") -> str:
    """Return a storlet's code.

    :param call: the body of its ``__call__``
    :param top: what stands before the class
    """
    body = textwrap.indent(textwrap.dedent(call).strip(), "        ")
    return (
        f"import os, sys, time, signal\n{textwrap.dedent(top)}\n"
        "class S:\n"
        "    def __init__(self, logger): self.logger = logger\n"
        "    def __call__(self, in_files, out_files, params):\n"
        "        source, out = in_files[0], out_files[0]\n"
        f"{body}\n"
    )


@dataclass(frozen=True)
class Answer:
    """What came back; ``whole`` is false if the body broke off."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def failure(self) -> str | None:
        """The kind of the storlet's failure."""
        return self.headers.get("X-Storlet-Shell-Failure")


class Client:
    """A user of the server, on one kept connection.

    :param token: another user's than the server's own
    :param account: another one than the server's own
    """

    def __init__(self, running: control.Running, token: str = "", account: str = "") -> None:
        self.running = running
        parts = urlsplit(running.storage_url)
        self.host, self.account = parts.netloc, f"/v1/{account}" if account else parts.path
        self.token = token or swiftclient.get_auth(running.auth_url, running.user, running.key)[1]
        self._connection = self.connect()

    def connect(self) -> http.client.HTTPConnection:
        """Open another connection."""
        return http.client.HTTPConnection(self.host, timeout=60)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def request(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: Any = None,
        connection: http.client.HTTPConnection | None = None,
    ) -> Answer:
        """Send one request and read its answer as far as it goes."""
        one = connection or self._connection
        one.request(method, self.account + path, body, {"X-Auth-Token": self.token, **(headers or {})})
        response = one.getresponse()
        whole = True
        try:
            data = response.read()
        except http.client.IncompleteRead as error:
            data, whole = error.partial, False
            one.close()
        return Answer(response.status, dict(response.getheaders()), data, whole)

    def deploy(
        self, name: str, code: str | bytes, *, main: str = "", dependencies: str = "", language: str = "python"
    ) -> None:
        """Deploy a storlet."""
        told = {"Language": language, "Interface-Version": "1.0", "Object-Metadata": "no"}
        told["Main"] = main or f"{name.removesuffix('.py')}.S"
        if dependencies:
            told["Dependency"] = dependencies
        headers = {f"X-Object-Meta-Storlet-{key}": value for key, value in told.items()}
        headers["Content-Type"] = "application/octet-stream"
        answer = self.request("PUT", f"/storlet/{name}", headers, code.encode() if isinstance(code, str) else code)
        assert answer.status == 201, answer

    def depend(self, name: str, content: str | bytes, permissions: str = "") -> None:
        """Deploy a dependency."""
        headers = {"X-Object-Meta-Storlet-Dependency-Version": "1"}
        if permissions:
            headers["X-Object-Meta-Storlet-Dependency-Permissions"] = permissions
        body = content.encode() if isinstance(content, str) else content
        assert self.request("PUT", f"/dependency/{name}", headers, body).status == 201

    def put(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Store an object."""
        assert self.request("PUT", path, headers, body).status == 201

    def run(
        self,
        name: str,
        path: str,
        headers: dict[str, str] | None = None,
        *,
        query: str = "",
        connection: http.client.HTTPConnection | None = None,
        **parameters: str,
    ) -> Answer:
        """Get an object through a storlet."""
        sent = {"X-Run-Storlet": name, **(headers or {})}
        for number, (key, value) in enumerate(parameters.items()):
            sent[f"X-Storlet-Parameter-{number}"] = f"{quote(key, safe='')}:{quote(value, safe='')}"
        return self.request("GET", path + query, sent, connection=connection)

    def result(self, name: str, path: str, headers: dict[str, str] | None = None, **parameters: str) -> Any:
        """Get an object through a storlet that answers JSON."""
        answer = self.run(name, path, headers, **parameters)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def log(self, name: str, transaction: str = "") -> str:
        """Return what is kept of a storlet's invocations."""
        chosen = f"&transaction={transaction}" if transaction else ""
        answer = self.request("GET", f"?storlet-log={quote(name)}{chosen}")
        assert answer.status == 200, answer
        return answer.text
