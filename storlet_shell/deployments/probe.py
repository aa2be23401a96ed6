"""Find out which storage policies' nodes run storlets, and store the answers with the container of the storlets.

Object servers return erasure-coded objects unchanged, and nothing in the answer distinguishes that from a result. So
each policy is probed once, with a storlet and an object whose result is unmistakable; both are deleted afterwards.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from storlet_shell.errors import StorletShellError
from storlet_shell.store.deletion import delete_request
from storlet_shell.store.failures import send_run
from storlet_shell.store.requests import read_request
from storlet_shell.store.runs import ask_probes
from storlet_shell.store.scratch import PREFIX, scratch
from storlet_shell.values import Invocation, ObjectPath, Parameter, StorletName
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.cluster import PROBES
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

_EXPIRY = wire.encode_expiry(3600)
"""Lets the cluster delete what an interrupted probe leaves behind."""

_CODE = b'''"""Tell a result from the object: a probe of storlet-shell's command enable, which removes it again."""


class Probe:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({})
        out_files[0].write(params["nonce"].encode() + in_files[0].read())
        in_files[0].close()
        out_files[0].close()
'''


class Probe:
    """One probe of some storage policies: its names and its requests."""

    def __init__(self, storlet_container: str) -> None:
        self._nonce = secrets.token_hex(8)
        module = f"storlet_shell_probe_{self._nonce}"
        description = wire.StorletDescription("python", f"{module}.Probe")
        headers = {**wire.encode_storlet(description), **_EXPIRY}
        self._run = Invocation(StorletName(f"{module}.py"), (Parameter("nonce", self._nonce),))
        self._storlet_container = storlet_container
        self._deployment = Request("PUT", storlet_container, f"{module}.py", headers=headers, body="a storlet")
        self._removal = delete_request(storlet_container, f"{module}.py")

    def plan(self, policies: Iterable[str]) -> list[Request]:
        """Return all requests of the probe."""
        requests = [self._deployment]
        for policy in policies:
            container = f"{PREFIX}{self._nonce}"
            upload, run = self._requests(container)
            requests += [Request("PUT", container, headers={wire.STORAGE_POLICY: policy}), upload, run]
            requests += [delete_request(container, upload.name), delete_request(container, "")]
        return [*requests, self._removal]

    def results(self, client: Client, policies: Iterable[str]) -> dict[str, bool | None]:
        """Probe policies; return for each whether its nodes run storlets, or None if that can't be told."""
        client.send(self._deployment, bytes_body(_CODE)).read()
        try:
            return {policy: self._result(client, policy) for policy in policies}
        finally:
            client.find(self._removal)

    def _result(self, client: Client, policy: str) -> bool | None:
        try:
            with scratch(client, {wire.STORAGE_POLICY: policy}) as container:
                return self._run_in(client, container)
        except StorletShellError as error:
            reason = client.observer.line_of(error)
            warning = f"warning: storage policy {policy} couldn't be probed, so reads run on the proxy: {reason}"
            client.observer.warn(warning)
            return None

    def _run_in(self, client: Client, container: str) -> bool | None:
        upload, run = self._requests(container)
        content = f"as it is {self._nonce}".encode()
        client.send(upload, bytes_body(content)).read()
        result = send_run(client, run).read()
        return {self._nonce.encode() + content: True, content: False}.get(result)

    def _requests(self, container: str) -> tuple[Request, Request]:
        path = ObjectPath(container, "object")
        return Request("PUT", *path, headers=_EXPIRY, body="an object"), read_request(path, self._run)


def try_policies(client: Client, *, again: bool) -> dict[str, bool | None]:
    """Probe the storage policies that haven't been probed yet, and store the answers.

    :param again: probe all of them
    :returns: for each policy, whether its nodes run storlets; None if that can't be told
    """
    names = policies(client)
    if not names:
        return {}
    if new := untried(client, again=again):
        _keep(client, Probe(client.storlet_container).results(client, new))
    answers = ask_probes(client)
    return {name: answers.get(name.lower()) for name in names}


def untried(client: Client, *, again: bool) -> list[str]:
    """Return the names of the storage policies to probe."""
    names = policies(client)
    answers = ask_probes(client) if names and not again else {}
    return [name for name in names if name.lower() not in answers]


def policies(client: Client) -> list[str]:
    """Return the names of the storage policies that new containers can use; empty if the cluster doesn't say."""
    sections = client.capabilities().get("swift", {}).get("policies")
    return [
        str(policy["name"])
        for policy in (sections if isinstance(sections, list) else ())
        if isinstance(policy, dict) and policy.get("name") and not policy.get("deprecated")
    ]


def _keep(client: Client, tried: Mapping[str, bool | None]) -> None:
    """Store answers, and remove an older answer for a policy that can no longer be probed."""
    places = {name: "" if runs is None else wire.PLACES[runs] for name, runs in tried.items()}
    headers = {f"{wire.PLACE_OF_POLICY}{name}": place for name, place in places.items()}
    client.send(Request("POST", client.storlet_container, headers=headers)).read()
    client.cluster.forget(PROBES)
