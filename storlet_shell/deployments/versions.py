"""How engines are made to take the new one of two versions: by another length, or another name."""

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
    """A dependency under the name that it is to be kept by.

    :param before: what is there by that name; None for nothing
    """

    dependency: Dependency
    before: Info | None

    @property
    def is_deployed(self) -> bool:
        """Whether it is there, with the same content and, for its owner, the same permissions."""
        if self.dependency.file is None:
            return True
        return self.before is not None and is_same(self.dependency, self.before)


def settle(client: Client, package: Package, dependency: Dependency) -> Settled:
    """Choose the name that a dependency is to be kept by, and look at what is there by that name.

    Engines keep a dependency that they have once fetched under a name; only the embedded one looks whether it has
    changed. So elsewhere another version of a file gets a name of its own, where the storlet can find it by that: Java
    is given a list of the jars, Python code a line that renames them.

    :raises NotFoundError: when a dependency that is no local file is not there
    """
    before = find(client, ObjectPath(client.dependency_container, dependency.object_name))
    if dependency.file is None and before is None:
        text = f"dependency {{subject}} is neither a local file nor in container {client.dependency_container}"
        raise NotFoundError(text, subject=dependency.name)
    settled = Settled(dependency, before)
    if settled.is_deployed or before is None or dependency.stored_name or client.is_embedded:
        return settled
    if package.language == "java" and not dependency.name.endswith(".jar"):
        client.observer.warn(
            f"warning: dependency {dependency.name} replaces another of that name, and engines that have fetched "
            "it keep the old one; give it a name with a version"
        )
        return settled
    stored_name = renamed(dependency.name, dependency.version)
    client.observer.warn(
        f"note: this dependency {dependency.name} is kept as {stored_name}, since engines keep what they have under a "
        "name"
    )
    return settle(client, package, dependency._replace(stored_name=stored_name))


def is_same(dependency: Dependency, info: Info) -> bool:
    """Tell whether a local file is what is stored, with its content and, for its owner, its permissions.

    :param info: the stored dependency
    """
    is_executable = bool(wire.decode_permissions(info.headers) & 0o100)
    return has_content(info, dependency.content) and is_executable == dependency.is_executable


def has_content(info: Info, content: bytes) -> bool:
    """Tell whether a stored object has a content."""
    return info.etag == hashlib.md5(content, usedforsecurity=False).hexdigest()


def code_to_store(client: Client, package: Package, before: Info | None) -> bytes:
    """Return the code as it is to be stored: with the names of its dependencies, and longer than what it replaces.

    :param before: the storlet that is there; None for none
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
            "one of equal length keep that; give it another version in its name"
        )
    return longer or code
