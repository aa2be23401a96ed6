"""A deployment's uploads: all of them, or none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from storlet_shell.errors import NotFoundError, StorletShellError, UsageError
from storlet_shell.results import Done
from storlet_shell.store.exchange import check_storlets_run
from storlet_shell.store.objects import store
from storlet_shell.store.segments import Replacing
from storlet_shell.storlets.renewal import lengthened, renamed, with_names
from storlet_shell.values import ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import bytes_body
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.deployments.package import Dependency, Package
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.transport import Reply

_VALUE_BYTES = 256
"""Swift's default ``max_meta_value_length`` (swift/common/constraints.py)."""


def upload(client: Client, package: Package, container: str | None) -> Done:
    """Upload a storlet after what it needs, so that the engine runs the new code, or leave everything as it was.

    :param container: None for the cluster's own container of storlets
    :raises NotFoundError: when the container or a dependency is not there
    :raises UsageError: when the server would not take the description
    """
    check_storlets_run(client)
    if container not in (None, client.storlet_container):
        client.observer.warn(f"warning: this cluster runs storlets from container {client.storlet_container} only")
    where = container or client.storlet_container
    before = client.find(Request("HEAD", where, package.storlet.name))
    try:
        dependencies = [_settle(client, package, dependency) for dependency in package.dependencies]
        package = package._replace(dependencies=tuple(each for each, _ in dependencies))
        request = package.request(where)
        _check_values(client, request)
        code = _code(client, package, before)
        with _segments_replaced(client, where, package, before, dependencies), _Replacing(client) as replacing:
            for dependency, there in dependencies:
                if dependency.file and there and _is_same(dependency, there):
                    replacing.keep(dependency)
                elif dependency.file:
                    replacing.put(dependency, there)
            replacing.finish(request, code, before)
    except NotFoundError as error:
        raise _explained(client, error) from error
    facts = {
        "storlet": package.storlet.name,
        "main": package.main,
        "container": where,
        "dependencies": [dependency.object_name for dependency in package.dependencies],
        "bytes": len(code),
    }
    verb = "deployed" if before is None else "redeployed"
    return Done(f"{verb} {package.storlet} (main {package.main}) into container {where}", facts)


@contextmanager
def _segments_replaced(
    client: Client,
    container: str,
    package: Package,
    before: Reply | None,
    dependencies: list[tuple[Dependency, Reply | None]],
) -> Iterator[None]:
    """Delete the segments of whatever large objects the uploads within this take the place of.

    :param before: the storlet that is there
    """
    client, replacing = client, Replacing()
    with ExitStack() as stack:
        for dependency, there in dependencies:
            if dependency.file and there and not _is_same(dependency, there):
                path = ObjectPath(client.dependency_container, dependency.object_name)
                stack.enter_context(replacing.replaced(client, path, there))
        if before is not None:
            stack.enter_context(replacing.replaced(client, ObjectPath(container, package.storlet.name), before))
        yield
    for note in replacing.take_notes():
        client.observer.warn(note)


def _settle(client: Client, package: Package, dependency: Dependency) -> tuple[Dependency, Reply | None]:
    """Return a dependency under the name that it is to be kept by, and what is there by that name.

    Engines keep a dependency that they have once fetched under a name; only the embedded one looks whether it has
    changed. So elsewhere another version of a file gets a name of its own, where the storlet can find it by that: Java
    is given a list of the jars, Python code a line that renames them.
    """
    there = client.find(Request("HEAD", client.dependency_container, dependency.object_name))
    if dependency.file is None:
        if there is None:
            raise NotFoundError(
                f"dependency {dependency.name} is neither a local file nor in container {client.dependency_container}"
            )
        return dependency, there
    if there is None or dependency.kept or _is_same(dependency, there) or client.is_embedded:
        return dependency, there
    if package.language == "java" and not dependency.name.endswith(".jar"):
        client.observer.warn(
            f"warning: dependency {dependency.name} replaces another of that name, and engines that have fetched "
            "it keep the old one; give it a name with a version"
        )
        return dependency, there
    kept = renamed(dependency.name, dependency.version)
    client.observer.warn(
        f"note: this dependency {dependency.name} is kept as {kept}, since engines keep what they have under a name"
    )
    return _settle(client, package, dependency._replace(kept=kept))


def _is_same(dependency: Dependency, there: Reply) -> bool:
    """Tell whether a dependency is there with the same content and, for its owner, the same permissions."""
    digest = hashlib.md5(dependency.content, usedforsecurity=False).hexdigest()
    is_executable = bool(wire.decode_permissions(there.headers) & 0o100)
    return there.headers.get(wire.ETAG, "").strip('"') == digest and is_executable == dependency.is_executable


def _check_values(client: Client, request: Request) -> None:
    most = client.limit("swift", "max_meta_value_length", _VALUE_BYTES)
    for name, what in (
        (wire.DEPENDENCY, "the names of the dependencies"),
        (wire.MAIN, "the name of the main class"),
    ):
        size = len(request.headers.get(name, "").encode())
        if size > most:
            raise UsageError(f"{what}: {size} bytes, and the server takes {most}")


def _code(client: Client, package: Package, before: Reply | None) -> bytes:
    """Return the code as it is to be stored: with the names of its dependencies, and longer than what it replaces."""
    names = {each.kept: each.name for each in package.dependencies if each.kept}
    is_jar = package.language == "java"
    code = with_names(package.code, names) if names and not is_jar else package.code
    if before is None or client.is_embedded:
        return code
    length = wire.decode_length(before.headers) or 0
    same = lengthened(code, length, is_jar=is_jar)
    if same and hashlib.md5(same, usedforsecurity=False).hexdigest() == before.headers.get(wire.ETAG, "").strip('"'):
        return same
    longer = lengthened(code, length + 1, is_jar=is_jar)
    if longer is None:
        client.observer.warn(
            f"warning: {package.storlet} can't be made longer than the jar that it replaces, and engines that have run "
            "one of equal length keep that; give it another version in its name"
        )
    return longer or code


def _explained(client: Client, error: NotFoundError) -> NotFoundError:
    """Say how a missing container is made: those of storlets come with the account's enabling."""
    for own in (client.storlet_container, client.dependency_container):
        if f"container {own} is not there" in error.message:
            message = f"container {own} is not there: the account is not enabled for storlets; enable it with: enable"
            return NotFoundError(message, transaction_id=error.transaction_id)
    return error


class _Replacing:
    """Uploads of dependencies; when something fails, what was there before is put back.

    What an upload replaces is copied inside the cluster before it, as ``<name>.before``, and so outlives this process.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._container = client.dependency_container
        self._undo: list[Request] = []
        self._copies: list[Request] = []
        self._is_stored: Callable[[], bool] = lambda: False

    def __enter__(self) -> _Replacing:
        return self

    def keep(self, dependency: Dependency) -> None:
        """Leave a dependency as it is; the copy that a killed deployment has left of an older one goes at the end."""
        copy = f"{dependency.object_name}.before"
        if self._client.find(Request("HEAD", self._container, copy)) is not None:
            self._copies.append(Request("DELETE", self._container, copy))

    def put(self, dependency: Dependency, there: Reply | None) -> None:
        """Upload a dependency.

        :param there: what is there by its name
        """
        client, name = self._client, dependency.object_name
        if there is None:
            self._undo.append(Request("DELETE", self._container, name))
        else:
            self._copies.append(Request("DELETE", self._container, f"{name}.before"))
            self._undo.append(self._copies[-1])  # last of all: a copy is deleted when it is back
            client.send(self._copy(name, f"{name}.before")).read()
            self._undo.append(self._copy(f"{name}.before", name))
        store(client, dependency.request(self._container), bytes_body(dependency.content))

    def finish(self, request: Request, code: bytes, before: Reply | None) -> None:
        """Upload the storlet, with which the dependencies take effect.

        :param before: what it replaces
        """
        client, old = self._client, before.headers.get(wire.TIMESTAMP) if before else None
        etag = hashlib.md5(code, usedforsecurity=False).hexdigest()

        def is_stored() -> bool:
            now = client.find(Request("HEAD", request.container, request.name))
            return now is not None and now.headers.get(wire.ETAG) == etag and now.headers.get(wire.TIMESTAMP) != old

        self._is_stored = is_stored
        store(client, request, bytes_body(code))

    def _copy(self, name: str, target: str) -> Request:
        headers = wire.encode_destination(ObjectPath(self._container, target))
        return Request("COPY", self._container, name, headers=headers)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        warn = self._client.observer.warn
        finished = error is None or self._has_finished()
        if finished is None:
            warn("warning: whether the storlet is stored is not known; deploy it again once the server answers")
        elif finished:
            if error is not None:
                warn("the storlet is stored all the same, with its dependencies")
            self._send(self._copies)
        elif self._send(self._undo[::-1]) and self._undo:
            warn("nothing was changed: the dependencies are as they were before")

    def _has_finished(self) -> bool | None:
        """Tell whether the storlet is there although its upload got no good answer: that may have been lost.

        :returns: None when nobody can tell; to put older dependencies back might break the storlet then
        """
        try:
            return self._is_stored()
        except StorletShellError:
            return None
        except BaseException:  # a second Ctrl-C, say
            self._tell_left("interrupted before it was known whether the storlet is stored; if not", self._undo[::-1])
            raise

    def _send(self, requests: list[Request]) -> bool:
        """Send what puts things in order; say what of it fails, and go on; say what is left at a second Ctrl-C."""
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
                self._client.observer.warn(f"warning: {error}; {_left(request)}")
            except BaseException:  # Ctrl-C, or whatever else ends the process
                rest = [each for each in requests[number:] if each.name not in needed]
                self._tell_left("interrupted before everything was in order", rest)
                raise
        return not needed

    def _tell_left(self, why: str, requests: list[Request]) -> None:
        copies = {request.name for request in requests if request.method == "COPY"}
        left = [_left(each) for each in requests if each.method == "COPY" or each.name not in copies]
        if left:
            self._client.observer.warn(f"warning: {why}: {'; '.join(left)}")


def _left(request: Request) -> str:
    """Say what is left when a request that puts things in order fails."""
    if request.method == "DELETE":
        return f"{request.subject} is left over; delete it with: dependencies rm {request.name}"
    name = request.name.removesuffix(".before")
    target = request.subject.removesuffix(".before")
    return f"{target} is not as it was before; that is kept as {name}.before: copy {request.subject} {target}"
