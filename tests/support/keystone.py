"""A real Keystone in front of a real Swift, for the tests that need one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import pytest

from storlet_shell.embedded import control
from tests.support.lines import Runner, base_environment

TOKENS = "/v3/auth/tokens"


class KeystoneSwift:
    """A storlet-enabled Swift whose tokens come from Keystone.

    :param running: the server; ``running.port`` is the proxy's port, ``running.identity_port`` Keystone's
    """

    def __init__(self, running: control.Running) -> None:
        self.running = running
        self.auth_url = running.auth_url
        self.users = {user.name: user for user in control.USERS}
        self.log = running.folder / "keystone" / "log"

    def environment(self, user: str = "tester", **changes: str) -> dict[str, str]:
        """Return the documented environment of a user, with changes; a variable that becomes empty is left out."""
        variables = {**control.environment(self.running, user), **changes}
        return {name: value for name, value in variables.items() if value}

    def logins(self) -> int:
        """Return the number of tokens that Keystone has issued since its start, according to its log.

        Swift itself gets one when it first checks a user's token; the fixture has it do that before any test counts.
        """
        return self.log.read_text().count(f"POST {TOKENS} 201")

    def token(self, user: str = "admin") -> str:
        """Log a user in, and return the token."""
        environ = control.environment(self.running, user)
        domain = {"name": environ["OS_USER_DOMAIN_NAME"]}
        password = {"user": {"name": user, "password": environ["OS_PASSWORD"], "domain": domain}}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": password},
                "scope": {"project": {"name": environ["OS_PROJECT_NAME"], "domain": domain}},
            }
        }
        return str(self._send("POST", TOKENS, body, {})[1]["X-Subject-Token"])

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Send Keystone a request as its administrator, and return the parsed response.

        :param headers: further headers, with ``_`` for ``-``
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._send(method, path, body, {"X-Auth-Token": self.token(), **named})[0]

    def revoke(self, token: str) -> None:
        """Revoke a token; the proxy accepts a cached one for some more seconds."""
        self.ask("DELETE", TOKENS, X_Subject_Token=token)

    def let_swift_log_in(self) -> None:
        """Have Swift check a token, for which it logs in."""
        url = f"http://127.0.0.1:{self.running.port}/v1/{self.running.account}"
        with urlopen(Request(url, headers={"X-Auth-Token": self.token("tester")}, method="HEAD"), timeout=60) as answer:
            assert answer.status == 204

    def _send(self, method: str, path: str, body: object, headers: dict[str, str]) -> tuple[Any, dict[str, str]]:
        connection = HTTPConnection("127.0.0.1", self.running.identity_port, timeout=60)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            document = answer.read()
            assert answer.status < 300, document
            return json.loads(document or b"null"), dict(answer.headers)
        finally:
            connection.close()


@pytest.fixture(scope="session")
def keystone_swift() -> Iterator[KeystoneSwift]:
    """Run a Swift with Keystone for the rest of the test session, in a temporary folder."""
    with control.join_or_start(Path(), control.Settings(ephemeral=True, auth=control.KEYSTONE)) as lease:
        keystone = KeystoneSwift(lease.running)
        keystone.let_swift_log_in()
        yield keystone
        process = psutil.Process(lease.running.pid)
        processes = [process, *process.children()]
    assert not psutil.wait_procs(processes, timeout=30)[1]


@pytest.fixture(scope="session")
def run_keystone(keystone_swift: KeystoneSwift, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Run lines as the documented user of the Swift with Keystone; ``environ`` can select another user."""
    return Runner({**base_environment(tmp_path_factory.mktemp("home")), **keystone_swift.environment()})
