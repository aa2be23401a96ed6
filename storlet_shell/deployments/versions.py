"""Make engines use a new version: by a different length, or a different name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import NotFoundError
from storlet_shell.store.metadata import Info, find
from storlet_shell.storlets.renewal import lengthened, renamed, with_names
from storlet_shell.values import ObjectPath
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.deployments.package import Dependency, Package
    from storlet_shell.wire.client import Client


@typed_equality
class Settled(NamedTuple):
    """A dependency with the name that it is stored under.

    :param before: the object that currently has that name; None if there isn't one
    """

    dependency: Dependency
    before: Info | None

    @property
    def is_deployed(self) -> bool:
        """Whether it is deployed already, with the same content and, if it is ours, the same permissions."""
        if self.dependency.content is None:
            return True
        return self.before is not None and is_same(self.dependency, self.before)


def settle(client: Client, package: Package, dependency: Dependency) -> Settled:
    """Choose the name that a dependency is stored under, and look up the object that currently has it.

    Engines fetch a dependency once per name; only the embedded one notices changes. On other clusters, a new version of
    a file therefore gets a new name, if the storlet can still find it: Java gets a list of the jars, and Python code
    gets a line that renames them.

    :raises NotFoundError: if a dependency is neither a local file nor in the cluster
    """
    before = find(client, ObjectPath(client.dependency_container, dependency.object_name))
    if dependency.content is None and before is None:
        text = f"dependency {{subject}} is neither a local file nor in container {client.dependency_container}"
        raise NotFoundError(text, subject=dependency.name)
    settled = Settled(dependency, before)
    if settled.is_deployed or before is None or dependency.stored_name or client.is_embedded:
        return settled
    if package.language == "java" and not dependency.name.endswith(".jar"):
        client.observer.warn(
            f"warning: dependency {dependency.name} replaces another one, but engines that have fetched that will keep "
            "using it; put a version into the name"
        )
        return settled
    stored_name = renamed(dependency.name, dependency.version)
    client.observer.warn(
        f"note: dependency {dependency.name} is stored as {stored_name}, because engines fetch each name only once"
    )
    return settle(client, package, dependency._replace(stored_name=stored_name))


def is_same(dependency: Dependency, info: Info) -> bool:
    """Tell whether a local file equals the stored dependency in content and, if it is ours, in permissions.

    :param info: the stored dependency
    """
    is_executable = bool(wire.decode_permissions(info.headers) & 0o100)
    return has_content(info, dependency.content or b"") and is_executable == dependency.is_executable


def has_content(info: Info, content: bytes) -> bool:
    """Tell whether a stored object has this content."""
    return info.etag == etag_of(content)


def etag_of(content: bytes) -> str:
    """Return the ETag of an object with this content."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def code_to_store(client: Client, package: Package, before: Info | None) -> bytes:
    """Return the code to store: with the names of its dependencies, and longer than the code it replaces.

    :param before: the storlet that is currently deployed; None if there isn't one
    """
    names = {dependency.stored_name: dependency.name for dependency in package.dependencies if dependency.stored_name}
    is_jar = package.language == "java"
    code = with_names(package.code, names) if names and not is_jar else package.code
    if before is None or client.is_embedded:
        return code
    length = before.size or 0
    same = lengthened(code, length, is_jar=is_jar)
    if same and has_content(before, same):
        return same
    longer = lengthened(code, length + 1, is_jar=is_jar)
    if longer is None:
        client.observer.warn(
            f"warning: {package.storlet} can't be made longer than the jar that it replaces, and engines that have run "
            "one of the same length keep running that; put another version into its name"
        )
    return longer or code
