"""Deploy a storlet: upload its dependencies, then the storlet, all or nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.deployments.package import Dependency, Package
from storlet_shell.deployments.packages.archive import Archive, is_archive
from storlet_shell.deployments.review import review
from storlet_shell.deployments.rollout import roll_out
from storlet_shell.deployments.versions import Settled, code_to_store, has_content, settle
from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, UsageError
from storlet_shell.results.fields import versions
from storlet_shell.store.metadata import Info, find
from storlet_shell.store.reading import get
from storlet_shell.store.runs import check_storlets_run
from storlet_shell.storlets.renewal import original_name
from storlet_shell.storlets.source import StorletSource
from storlet_shell.values import ObjectPath, StorletMain
from storlet_shell.wire import headers as wire
from storlet_shell.wire.cluster import deployment_of
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.values import StorletName
    from storlet_shell.wire.client import Client


# Swift's defaults (swift/common/constraints.py), for clusters that don't publish theirs.
_NAME_BYTES, _FILE_BYTES, _METADATA_BYTES = 1024, 5 * 2**30 + 2, 4096

_LABELS = {wire.DEPENDENCY: "the dependencies' names", wire.MAIN: "the main class's name"}

TRUSTED_SECONDS = 5
"""For so long, nobody is expected to replace a function that this process has deployed or compared."""


@typed_equality
class Deployed(NamedTuple):
    """The result of a deployment.

    :param main: the main class, as its language writes it
    :param container: where the storlet is stored
    :param dependencies: the names of the dependencies' objects, which may include their versions
    :param bytes: the size of the code as stored
    :param is_new: whether no storlet had that name before
    :param is_changed: whether anything was uploaded
    :param packages: the versions of the packages that were deployed with it, by their names
    """

    storlet: StorletName
    main: str
    container: str
    dependencies: tuple[str, ...]
    bytes: int
    is_new: bool
    is_changed: bool = True
    packages: Mapping[str, str] = MappingProxyType({})


def deployment_requests(client: Client, package: Package, container: str | None = None) -> list[Request]:
    """Return the uploads of a deployment to an empty account; nothing is sent.

    :param container: None for the cluster's own container of storlets
    """
    uploads = [dependency.request(client.dependency_container) for dependency in package.local_dependencies]
    return [*uploads, package.request(container or client.storlet_container)]


def deploy(client: Client, package: Package, container: str | None = None, *, force: bool = True) -> Deployed:
    """Upload a storlet and its dependencies so that engines run the new code; if anything fails, change nothing.

    :param container: None for the cluster's own container of storlets, the only one that storlets run from
    :param force: upload even if the same storlet is already deployed
    :raises NotFoundError: if the container or a dependency doesn't exist
    :raises UsageError: if something exceeds the server's limits; nothing has been sent then
    :raises ServiceError: if the cluster doesn't run storlets
    """
    for note in package.notes:
        client.observer.warn(f"warning: {note}")
    if package.archive is not None and package.archive.python and not (package.language_version or client.is_embedded):
        client.observer.warn(
            f"note: the packages are resolved for Python {package.archive.python}; if engines run another one, name it "
            "with --language-version"
        )
    check_storlets_run(client)
    if container not in (None, client.storlet_container):
        client.observer.warn(f"warning: this cluster runs storlets from container {client.storlet_container} only")
    before = find(client, ObjectPath(container or client.storlet_container, package.storlet.name))
    dependencies = [settle(client, package, dependency) for dependency in package.dependencies]
    package = package._replace(dependencies=tuple(settled.dependency for settled in dependencies))
    request = package.request(container or client.storlet_container)
    code = code_to_store(client, package, before)
    for dependency in package.local_dependencies:
        _check_upload(client, dependency.request(client.dependency_container), len(dependency.content or b""))
    _check_upload(client, request, len(code))
    is_changed = force or not _is_deployed(package, code, before, dependencies)
    if is_changed:
        roll_out(client, request, code, before, dependencies)
        _warn_of_dropped(client, package, before)
    names = tuple(dependency.object_name for dependency in package.dependencies)
    packages = package.archive.packages if package.archive else {}
    return Deployed(
        package.storlet, package.main, request.container, names, len(code), before is None, is_changed, packages
    )


def _warn_of_dropped(client: Client, package: Package, before: Info | None) -> None:
    """Warn of the packages of the replaced storlet, if the new one has none at all.

    :param before: the replaced storlet; None without one. Only if it has packages is a request sent, for their versions
    """
    old = wire.decode_storlet(before.headers).dependencies if before else ()
    name = next(filter(is_archive, old), None)
    if name is None or any(is_archive(dependency.object_name) for dependency in package.dependencies):
        return
    archive = find(client, ObjectPath(client.dependency_container, name))
    packages = wire.decode_packages(archive.headers) if archive else {}
    if packages:
        hint = Hint(Action.KEEP_PACKAGES, tuple(f"{name}=={version}" for name, version in packages.items()))
        client.observer.warn(f"warning: {package.storlet}: redeployed without its packages {versions(packages)}", hint)


def _is_deployed(package: Package, code: bytes, before: Info | None, dependencies: list[Settled]) -> bool:
    """Tell whether a deployment would change nothing."""
    if before is None or not has_content(before, code) or wire.decode_storlet(before.headers) != package.description:
        return False
    return all(settled.is_deployed for settled in dependencies)


def redeploy(client: Client, storlet: StorletName, info: Info, code: bytes, *, force: bool = False) -> Deployed:
    """Deploy other code of a Python storlet, with the main class, version, dependencies and packages that it has.

    :param info: the headers of the deployed one
    :param code: made from the deployed code, so that it knows its dependencies by their stored names
    :param force: deploy even code that can't run
    :raises UsageError: if the code can't run, or lacks the main class
    """
    description = wire.decode_storlet(info.headers)
    StorletSource.parse(code, storlet.name).main_class(StorletMain.parse(description.main).class_name)
    package = Package(storlet, "python", description.main, code, storlet.name)
    package = package._replace(language_version=description.language_version, dependencies=_known(client, description))
    name = next((name for name in description.dependencies if is_archive(name)), None)
    archive = None if name is None else _fetch(client, storlet, name)
    package = review(package._replace(archive=archive), force=force)
    stored = tuple(Dependency(name, None) for name in description.dependencies)
    return deploy(client, package._replace(dependencies=stored, archive=None), info.location.container, force=force)


def _known(client: Client, description: wire.StorletDescription) -> tuple[Dependency, ...]:
    """Return deployed dependencies by the names by which their storlet knows them."""
    names = [
        (name if client.is_embedded or is_archive(name) else original_name(name), name)
        for name in description.dependencies
    ]
    return tuple(Dependency(name, None, stored_name="" if name == stored else stored) for name, stored in names)


def _check_upload(client: Client, request: Request, size: int) -> None:
    """Check that the server accepts the name, the metadata, and the size of an upload.

    :param size: the body's, in bytes
    :raises UsageError: if it doesn't
    """
    name, headers = request.name, request.headers
    _check_size(f"the name of {name}", len(name.encode()), client, "max_object_name_length", _NAME_BYTES)
    _check_size(name, size, client, "max_file_size", _FILE_BYTES)
    metadata = {key: value for key, value in headers.items() if key.startswith(wire.USER_METADATA)}
    for key, value in metadata.items():
        label = _LABELS.get(key, f"{name}: the value of {key}")
        _check_size(label, len(value.encode()), client, "max_meta_value_length", wire.METADATA_VALUE_BYTES)
    overall = sum(len(f"{key.removeprefix(wire.USER_METADATA)}{value}".encode()) for key, value in metadata.items())
    _check_size(f"{name}: its metadata", overall, client, "max_meta_overall_size", _METADATA_BYTES)


def _check_size(label: str, size: int, client: Client, limit: str, default: int) -> None:
    maximum = client.limit("swift", limit, default)
    if size > maximum:
        raise UsageError(f"{label}: {size} bytes, but the server's limit is {maximum}")


def check_runs_from(client: Client, container: str | None) -> None:
    """Check that a run would find a storlet deployed here: servers look in one container only.

    Source: storlets ``handlers/proxy.py: verify_access_to_storlet``. Another one of the same name would run instead.

    :raises UsageError: if it wouldn't
    """
    home = client.storlet_container
    if container is not None and container != home:
        raise UsageError(f"storlets run from container {home} only, so one in container {container} can't be invoked")


def ensure_deployed(
    client: Client, package: Package, keeps_dependencies: bool, *, is_explicit: bool = False
) -> Deployed | None:
    """Deploy a function, unless its code was deployed or compared a moment ago.

    Whatever a client of this login stores or deletes under its name is noticed at once.

    :param keeps_dependencies: whether it keeps the dependencies of the function that is deployed
    :param is_explicit: whether to compare it in any case
    :returns: None if nothing was compared
    """
    key = deployment_of(client.storlet_container, package.storlet.name)
    code, moment = client.cluster.recall(key, lambda: (b"", 0.0)) if client.cluster.knows(key) else (b"", 0.0)
    if not is_explicit and code == package.code and time.monotonic() - moment < TRUSTED_SECONDS:
        return None
    whole = _with_deployed(client, package) if keeps_dependencies else package
    deployed = deploy(client, review(whole), force=False)
    client.cluster.note(key, (package.code, time.monotonic()))
    return deployed


def _with_deployed(client: Client, package: Package) -> Package:
    """Return a package with the dependencies of the function that is deployed under its name.

    That function's packages are among them, unless the package has its own.
    """
    deployed = deployed_dependencies(client, package)
    others = tuple(dependency for dependency in deployed if not is_archive(dependency.name))
    package = package._replace(dependencies=(*others, *package.dependencies))
    name = next((dependency.name for dependency in deployed if is_archive(dependency.name)), None)
    return package if package.archive or name is None else package.with_archive(_fetch(client, package.storlet, name))


def _fetch(client: Client, storlet: StorletName, name: str) -> Archive:
    """Return an archive that is deployed, fetched once in a session.

    :param storlet: the storlet that needs it
    """

    def fetch() -> Archive:
        response = get(client, ObjectPath(client.dependency_container, name))
        return Archive.read(name, response.content, wire.decode_packages(response.headers))

    archive = client.cluster.recall(("archive", name), fetch)
    code = get(client, ObjectPath(client.storlet_container, storlet.name)).content
    return archive.as_in(code)


def deployed_dependencies(client: Client, package: Package) -> tuple[Dependency, ...]:
    """Return the dependencies of the function that is deployed under a name; empty for other storlets."""
    info = find(client, ObjectPath(client.storlet_container, package.storlet.name))
    description = wire.decode_storlet(info.headers) if info is not None else wire.StorletDescription("", "")
    if not description.is_function:
        return ()
    return _known(client, description)
