"""Deployed code: fetch storlets and dependencies from Swift, and store them where a warm parent imports them.

Upstream fetches dependencies only once (``StorletGatewayContainer.bring_from_cache``), and builds the internal client's
whole pipeline for each request. Here, dependencies are looked up for each invocation, with a single client.
"""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eventlet import tpool
from swift.common.internal_client import InternalClient, UnexpectedResponse

from storlet_shell.embedded.engine.failures import Failure, InvocationError
from storlet_shell.embedded.engine.versions import JAVA, Key
from storlet_shell.embedded.sandbox import trees
from storlet_shell.embedded.sandbox.disk import shortage
from storlet_shell.embedded.sandbox.isolation import NOBODY

_PERMISSIONS = "X-Object-Meta-Storlet-Dependency-Permissions"


class Deployments:
    """The storlets and dependencies in Swift's containers.

    :param folder: where code is stored, in one folder for each version; leftovers of an earlier run are deleted
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clients: dict[str, InternalClient] = {}
        self._numbers = itertools.count(1)
        trees.remove(str(folder))
        folder.mkdir(parents=True)

    def key(self, request: Any) -> Key:
        """Return the version that a request invokes.

        :param request: the middleware's storlet request
        :raises InvocationError: if it can't run here, or a dependency is missing
        """
        _check(request)
        return Key(
            account=request.options["scope"],
            storlet=request.storlet_id,
            main=request.storlet_main,
            timestamp=str(request.options.get("storlet_x_timestamp", "")),
            dependencies=tuple(self._dependency(request.file_manager, name) for name in request.dependencies),
            language=request.storlet_language.lower(),
        )

    def fetch(self, key: Key, manager: Any, *, to_nobody: bool) -> tuple[int, str]:
        """Store a version's code in a folder of its own.

        :param manager: the middleware's file manager, which knows the containers' names
        :param to_nobody: make it the property of the user nobody, who will run the storlet
        :returns: the version's number and the folder
        """
        number = next(self._numbers)  # kept in a local: other versions are fetched while this one waits for Swift
        folder = self._folder / f"v{number}"
        folder.mkdir()
        folder.with_name(f"{folder.name}.scratch").mkdir(mode=0o1777)
        try:
            for name, *_, permissions in key.dependencies:
                self._put(manager, manager.dependency_container, folder / name, int(permissions or "600", 8) & 0o700)
            self._put(manager, manager.storlet_container, folder / key.storlet, 0o600)
        except BaseException:
            self.discard(str(folder))
            raise
        folder.chmod(0o755)
        if to_nobody:
            for path in (folder, folder.with_name(f"{folder.name}.scratch"), *folder.iterdir()):
                os.chown(path, NOBODY, NOBODY)
        return number, str(folder)

    def discard(self, folder: str) -> None:
        """Remove a version's folder."""
        for path in (folder, f"{folder}.scratch"):
            tpool.execute(trees.remove, path)  # in a thread: a storlet may have filled it

    def put_log(self, manager: Any, name: str, text: bytes) -> None:
        """Store a log as an object, as requested by ``X-Storlet-Generate-Log``."""
        client = self._client(manager)
        path = client.make_path(manager.account, manager.log_container, name)
        headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(text))}
        client.make_request("PUT", path, headers, (2,), io.BytesIO(text))

    def _dependency(self, manager: Any, name: str) -> tuple[str, ...]:
        client = self._client(manager)
        path = client.make_path(manager.account, manager.dependency_container, name)
        response = client.make_request("HEAD", path, {}, (2, 404))
        if response.status_int == 404:
            raise InvocationError(Failure("missing", f"its dependency {name} is not deployed"))
        headers = response.headers
        return (name, headers.get("Etag", ""), headers.get("X-Timestamp", ""), headers.get(_PERMISSIONS) or "")

    def _put(self, manager: Any, container: str, path: Path, permissions: int) -> None:
        try:
            _, headers, body = self._client(manager).get_object(manager.account, container, path.name)
        except UnexpectedResponse as error:
            name = f"{container}/{path.name}"
            raise InvocationError(Failure("missing", f"{name} is gone: {error.resp.status}")) from None
        _require_room(int(headers.get("Content-Length") or 0))
        _write(path, body)
        path.chmod(permissions)

    def _client(self, manager: Any) -> InternalClient:
        client = self._clients.get(manager.conf_file)
        if client is None:
            client = self._clients[manager.conf_file] = InternalClient(manager.conf_file, "SA", 1)
        return client


def _check(request: Any) -> None:
    storlet, main = request.storlet_id, request.storlet_main
    if request.storlet_language.lower() == JAVA:
        for name in (storlet, *request.dependencies):
            if set("/:") & set(name):
                raise InvocationError(Failure("missing", f"{name} can't be on a class path: it contains '/' or ':'"))
    else:
        module, _, name = main.partition(".")
        if not name.isidentifier() or storlet != f"{module}.py" or "/" in storlet:
            reason = f"its main class must be {storlet.rpartition('.')[0]}.<Class>, not {main}"
            raise InvocationError(Failure("missing", reason))
    for name in request.dependencies:
        if "/" in name or name in (".", ".."):
            raise InvocationError(Failure("missing", f"its dependency {name} isn't a valid file name"))


def _write(path: Path, body: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for chunk in body:
            _require_room(len(chunk))  # again, because others write meanwhile
            file.write(chunk)


def _require_room(needed: int) -> None:
    """Check that a write leaves the disk space reserved for Swift's databases.

    :raises InvocationError: if it wouldn't
    """
    reason = shortage(needed)
    if reason:
        raise InvocationError(Failure("engine", reason))
