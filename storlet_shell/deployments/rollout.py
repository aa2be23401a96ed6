"""The uploads of a deployment: all of them, or none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from storlet_shell.errors import Action, Hint, NotFoundError, Spelling, StorletShellError, advise
from storlet_shell.store.deletion import delete_request
from storlet_shell.store.metadata import Info, exists, find
from storlet_shell.store.objects import store
from storlet_shell.store.segments import Replacing
from storlet_shell.values import ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.deployments.package import Dependency
    from storlet_shell.deployments.versions import Settled
    from storlet_shell.wire.client import Client


def roll_out(client: Client, request: Request, code: bytes, before: Info | None, dependencies: list[Settled]) -> None:
    """Upload a storlet's dependencies, then the storlet, which makes them take effect.

    :param request: the upload of the storlet
    :param before: the storlet that is currently deployed
    :raises NotFoundError: if a container doesn't exist
    """
    with _segments_replaced(client, request, before, dependencies), _Rollout(client) as rollout:
        for settled in dependencies:
            if not settled.is_deployed:
                rollout.put(settled.dependency, settled.before)
            elif settled.dependency.content is not None:
                rollout.keep(settled.dependency)
        rollout.finish(request, code, before)


@contextmanager
def _segments_replaced(
    client: Client, request: Request, before: Info | None, dependencies: list[Settled]
) -> Iterator[None]:
    """Delete the segments of large objects that uploads within this context replace."""
    replacing = Replacing()
    with ExitStack() as stack:
        for settled in dependencies:
            if settled.before and not settled.is_deployed:
                path = ObjectPath(client.dependency_container, settled.dependency.object_name)
                stack.enter_context(replacing.replaced(client, path, settled.before))
        if before is not None:
            stack.enter_context(replacing.replaced(client, ObjectPath(request.container, request.name), before))
        yield
    for note in replacing.take_notes():
        client.observer.warn(*note)


def _store(client: Client, request: Request, content: bytes) -> None:
    """Store an object; if its container is missing, say how to create it.

    :raises NotFoundError: if the container doesn't exist
    """
    try:
        store(client, request, bytes_body(content))
    except NotFoundError as error:  # for an upload, only the container can be missing
        if request.container not in (client.storlet_container, client.dependency_container):
            raise
        raise NotFoundError(
            "container {subject} doesn't exist: the account isn't enabled for storlets",
            subject=request.container,
            status=error.status,
            hint=Hint(Action.ENABLE_ACCOUNT),
            transaction_id=error.transaction_id,
        ) from error


class _Rollout:
    """Uploads of dependencies that are rolled back if anything fails.

    Before an upload replaces an object, that is copied inside the cluster to ``<name>.before``, so that it survives the
    end of this process.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._container = client.dependency_container
        self._undo: list[Request] = []
        self._copies: list[Request] = []
        self._is_stored: Callable[[], bool] = lambda: False

    def __enter__(self) -> _Rollout:
        return self

    def keep(self, dependency: Dependency) -> None:
        """Keep a dependency, and delete the copy of an older one that a killed deployment may have left."""
        copy = f"{dependency.object_name}.before"
        if exists(self._client, ObjectPath(self._container, copy)):
            self._copies.append(delete_request(self._container, copy))

    def put(self, dependency: Dependency, before: Info | None) -> None:
        """Upload a dependency.

        :param before: the object that currently has its name
        """
        client, name = self._client, dependency.object_name
        if before is None:
            self._undo.append(delete_request(self._container, name))
        else:
            self._copies.append(delete_request(self._container, f"{name}.before"))
            self._undo.append(self._copies[-1])  # runs last: a copy is deleted once it has been restored
            client.send(self._copy(name, f"{name}.before")).read()
            self._undo.append(self._copy(f"{name}.before", name))
        _store(client, dependency.request(self._container), dependency.content or b"")

    def finish(self, request: Request, code: bytes, before: Info | None) -> None:
        """Upload the storlet, which makes the dependencies take effect.

        :param before: the storlet that it replaces
        """
        client, old = self._client, before.headers.get(wire.TIMESTAMP) if before else None
        etag = hashlib.md5(code, usedforsecurity=False).hexdigest()

        def is_stored() -> bool:
            now = find(client, ObjectPath(request.container, request.name))
            return now is not None and now.headers.get(wire.ETAG) == etag and now.headers.get(wire.TIMESTAMP) != old

        self._is_stored = is_stored
        _store(client, request, code)

    def _copy(self, name: str, target: str) -> Request:
        headers = wire.encode_destination(ObjectPath(self._container, target))
        return Request("COPY", self._container, name, headers=headers)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        warn = self._client.observer.warn
        finished = error is None or self._has_finished()
        if finished is None:
            warn("warning: it isn't known whether the storlet was stored", Hint(Action.DEPLOY_AGAIN))
        elif finished:
            if error is not None:
                warn("the storlet was stored nevertheless, with its dependencies")
            self._send(self._copies)
        elif self._send(self._undo[::-1]) and self._undo:
            warn("nothing was changed: the dependencies are as they were")

    def _has_finished(self) -> bool | None:
        """Tell whether the storlet was stored although its upload seems to have failed: the answer may have been lost.

        :returns: None if that can't be determined; restoring older dependencies might then break the storlet
        """
        try:
            return self._is_stored()
        except StorletShellError:
            return None
        except BaseException:  # such as a second Ctrl-C
            self._warn_of_rest(
                "interrupted while checking whether the storlet was stored; if it wasn't", self._undo[::-1]
            )
            raise

    def _send(self, requests: list[Request]) -> bool:
        """Send cleanup requests; report those that fail and continue; report what remains at a second Ctrl-C."""
        needed: set[str] = set()
        for number, request in enumerate(requests):
            if request.name in needed:
                continue
            try:
                reply = self._client.find(request)
                if reply is not None:
                    reply.read()
            except StorletShellError as error:
                needed.add(request.name)
                observer = self._client.observer
                observer.warn(f"warning: {observer.line_of(error)}; {_left_over(request, observer.spell)}")
            except BaseException:  # Ctrl-C, or anything else that ends the process
                rest = [request for request in requests[number:] if request.name not in needed]
                self._warn_of_rest("interrupted during cleanup", rest)
                raise
        return not needed

    def _warn_of_rest(self, reason: str, requests: list[Request]) -> None:
        copies = {request.name for request in requests if request.method == "COPY"}
        spell = self._client.observer.spell
        notes = [
            _left_over(request, spell) for request in requests if request.method == "COPY" or request.name not in copies
        ]
        if notes:
            self._client.observer.warn(f"warning: {reason}: {'; '.join(notes)}")


def _left_over(request: Request, spell: Spelling) -> str:
    """Describe what remains if a cleanup request fails."""
    if request.method == "DELETE":
        return advise(f"{request.subject} remains", Hint(Action.REMOVE_DEPENDENCY, (request.name,)), spell)
    name = request.name.removesuffix(".before")
    target = request.subject.removesuffix(".before")
    copy = Hint(Action.COPY, (request.subject, target))
    return advise(f"{target} has changed; the former one is kept as {name}.before", copy, spell)
