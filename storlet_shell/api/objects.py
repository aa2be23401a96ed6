"""Objects, containers and local files for Python programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from storlet_shell.api import checks, reading
from storlet_shell.api.clients import Clients
from storlet_shell.api.reading import File, Where
from storlet_shell.api.values import Deleted, Entry
from storlet_shell.errors import UsageError
from storlet_shell.patterns import Pattern
from storlet_shell.results import Response
from storlet_shell.store import containers, deletion, objects
from storlet_shell.store import metadata as properties
from storlet_shell.store import reading as bodies
from storlet_shell.store.listing import list_entries, list_matching
from storlet_shell.store.metadata import Info
from storlet_shell.store.names import folders
from storlet_shell.store.names.folders import Usage
from storlet_shell.store.objects import Stored
from storlet_shell.store.relocation import moving
from storlet_shell.store.trees import delete_tree
from storlet_shell.transfers import download, tempurls, upload
from storlet_shell.transfers.counts import Transferred
from storlet_shell.transfers.sync import sync_of
from storlet_shell.transfers.targets import Choices
from storlet_shell.values import ByteRange, ContainerName, Location, ObjectPath, StorletName

if TYPE_CHECKING:
    from storlet_shell.session import Session
    from storlet_shell.wire.client import Client

AnyPath = str | Location | ObjectPath | ContainerName


class ObjectStore:
    """The objects of one account; may be shared by threads.

    :param session: the store's session, closed with it
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._clients = Clients(lambda: session.client)

    @property
    def account(self) -> str:
        """The account's name; accessing it logs in."""
        with self._clients.lent() as client:
            return client.account

    # --- metadata and listings

    def head(self, path: AnyPath = "") -> Info:
        """Return the metadata of an object, a container or the account.

        :param path: empty for the account
        :raises NotFoundError: if it doesn't exist
        """
        location = reading.location(path)
        with self._clients.lent() as client:
            return properties.head(client, location)

    def exists(self, path: AnyPath) -> bool:
        """Tell whether an object or a container exists."""
        location = reading.location(path)
        with self._clients.lent() as client:
            return properties.exists(client, location)

    def list(self, path: AnyPath = "", *, delimiter: str | None = None) -> Iterator[Entry]:
        """List containers, or the objects of a container whose names start with a prefix.

        Pages are fetched on demand, so a listing of any length takes constant memory. Errors are raised when the first
        entry is requested.

        :param path: empty for the account's containers, ``CONTAINER``, or ``CONTAINER/PREFIX``
        :param delimiter: fold names at this text, as ``/`` folds folders
        :raises NotFoundError: if the container doesn't exist
        """
        if delimiter is not None:
            checks.text(delimiter, "delimiter")
        return self._listed(reading.location(path), delimiter)

    def _listed(self, location: Location, delimiter: str | None) -> Iterator[Entry]:
        with self._clients.lent() as client:
            for entry in list_entries(client, location, delimiter):
                yield Entry.of(entry)

    def glob(self, pattern: str | Pattern) -> Iterator[Entry]:
        """List the objects of a container whose names match a pattern.

        Pages are fetched on demand; errors are raised when the first entry is requested. A pattern without a match is
        no error.

        :param pattern: ``CONTAINER/PATTERN``, as for :meth:`map`
        :raises NotFoundError: if the container doesn't exist
        """
        return self._matching(reading.pattern(pattern))

    def _matching(self, pattern: Pattern) -> Iterator[Entry]:
        with self._clients.lent() as client:
            for entry in list_matching(client, pattern):
                yield Entry.of(entry)

    def usage(self, path: AnyPath = "", *, depth: int = 1) -> Iterator[Usage]:
        """Sum up the objects in containers and folders, and then, as the last item, all objects below the path.

        Errors are raised when the first item is requested.

        :param path: empty for the account, ``CONTAINER``, or ``CONTAINER/PREFIX``
        :param depth: the number of levels below the path; 0 for the last item alone
        :raises NotFoundError: if the container doesn't exist, or no name starts with the prefix
        """
        return self._summed(reading.location(path), checks.count(depth, "depth", minimum=0))

    def _summed(self, location: Location, depth: int) -> Iterator[Usage]:
        with self._clients.lent() as client:
            yield from folders.usage(client, location, depth)

    # --- objects and containers

    def make_container(self, name: str | ContainerName, *, policy: str | None = None) -> None:
        """Create a container; an existing one stays as it is.

        :param policy: the storage policy of its objects; None for the cluster's default
        :raises StorletShellError: if the policy doesn't exist, or the container exists with another one
        """
        container = reading.container_name(name)
        with self._clients.lent() as client:
            containers.make(client, container.name, policy=policy)

    def get(
        self,
        path: str | ObjectPath,
        *,
        storlet: str | StorletName | None = None,
        params: Mapping[str, object] | None = None,
        extra: Iterable[str | ObjectPath] = (),
        range: str | ByteRange | None = None,
        where: Where = "auto",
        allow_unread: bool = False,
    ) -> Response:
        """Return an object, or the result of a storlet run over it. The body streams: read it, or close the response.

        :param storlet: the storlet to run over the object; None for the object as it is
        :param params: the storlet's parameters; values are converted to text
        :param extra: additional inputs, for a storlet that takes several
        :param range: read only this range of bytes: ``FIRST-LAST``, ``FIRST-``, or ``-COUNT`` for the last ones
        :param where: where to run: on the ``proxy`` server, or on a ``node``, the object's own server; ``auto`` chooses
            the fastest one that is safe
        :param allow_unread: run the storlet even if it leaves some of several inputs unread
        :raises NotFoundError: if the object, the storlet or an additional input doesn't exist
        :raises StorletFailedError: if the storlet fails; raised while the body is read if it fails midway
        """
        source, part = reading.object_path(path), reading.byte_range(range)
        run = reading.invocation(storlet, params, extra=extra, where=where, allow_unread=allow_unread)
        return self._streaming(lambda client: bodies.get(client, source, run, range=part))

    def _streaming(self, get: Callable[[Client], Response]) -> Response:
        """Return a response that holds its client until its body has been read, or it is closed."""
        client = self._clients.borrow()
        give_back = partial(self._clients.give_back, client)
        try:
            return get(client).releasing(give_back)
        except BaseException:
            give_back()
            raise

    def put(
        self,
        file: File,
        path: str | ObjectPath,
        *,
        storlet: str | StorletName | None = None,
        params: Mapping[str, object] | None = None,
        extra: Iterable[str | ObjectPath] = (),
        metadata: Mapping[str, object] | None = None,
        content_type: str | None = None,
        allow_unread: bool = False,
    ) -> Stored:
        """Store an object, or the result of a storlet run over the data as it arrives.

        :param file: the data. A ``str`` or ``Path`` is the path of a local file, ``bytes`` are the content itself, a
            binary file is sent from its current position, and an iterable of ``bytes`` is sent chunk by chunk, as a
            stream of unknown length
        :param storlet: the storlet to run over the data, on the proxy server
        :param params: the storlet's parameters; values are converted to text
        :param extra: additional inputs, for a storlet that takes several
        :param metadata: the object's metadata; values are converted to text
        :param content_type: the object's content type; None to guess it from its name
        :param allow_unread: run the storlet even if it leaves some of several inputs unread
        :raises NotFoundError: if the container, the local file or the storlet doesn't exist
        :raises StorletFailedError: if the storlet fails; nothing is then stored
        """
        target = reading.object_path(path)
        run = reading.invocation(storlet, params, extra=extra, allow_unread=allow_unread)
        headers = reading.metadata_headers(Location(*target), metadata)
        if content_type is not None:
            checks.text(content_type, "content_type")
        with reading.body(file) as body, self._clients.lent() as client:
            return objects.put(client, target, body, run, content_type=content_type, headers=headers)

    def copy(
        self,
        source: str | ObjectPath,
        target: str | ObjectPath,
        *,
        storlet: str | StorletName | None = None,
        params: Mapping[str, object] | None = None,
        extra: Iterable[str | ObjectPath] = (),
        range: str | ByteRange | None = None,
        where: Where = "auto",
        allow_unread: bool = False,
    ) -> Stored:
        """Copy an object inside the cluster, optionally through a storlet.

        :param storlet: the storlet to run over the source; None for a plain copy
        :param params: the storlet's parameters; values are converted to text
        :param extra: additional inputs, for a storlet that takes several
        :param range: read only this range of the source's bytes, as for :meth:`get`
        :param where: where the storlet runs, as for :meth:`get`; ``auto`` is the proxy server
        :param allow_unread: run the storlet even if it leaves some of several inputs unread
        :raises NotFoundError: if the source, the target's container or the storlet doesn't exist
        :raises StorletFailedError: if the storlet fails; nothing is then stored
        """
        origin, goal, part = reading.object_path(source), reading.object_path(target), reading.byte_range(range)
        run = reading.invocation(storlet, params, extra=extra, where=where, allow_unread=allow_unread)
        with self._clients.lent() as client:
            return objects.copy(client, origin, goal, run, range=part)

    def move(self, source: str | ObjectPath, target: str | ObjectPath, *, force: bool = False) -> Stored:
        """Move an object inside the cluster, with its metadata: copy it, check the copy, and delete the original.

        Of a large object, only the manifest is moved.

        :param force: replace an existing target
        :raises NotFoundError: if the source or the target's container doesn't exist
        :raises StorletShellError: if the target exists, or the original couldn't be deleted, so that both exist
        """
        origin, goal = reading.object_path(source), reading.object_path(target)
        with self._clients.lent() as client:
            return moving.move(client, origin, goal, force=force)

    def delete(self, path: AnyPath, *, recursive: bool = False, segments: bool = True) -> Deleted:
        """Delete an object or an empty container, without confirmation.

        :param recursive: delete a container with all its objects, or all objects whose names start with the path
        :param segments: also delete the segments of static large objects
        :raises NotFoundError: if it doesn't exist, or no object's name starts with the path
        :raises StorletShellError: if the container isn't empty, or something can't be deleted
        """
        location = reading.location(path)
        if not location.container:
            raise UsageError("delete takes an object or a container, not the account")
        with self._clients.lent() as client:
            if recursive:
                return Deleted(location, delete_tree(client, location, leave_segments=not segments))
            deletion.delete(client, location, leave_segments=not segments)
            return Deleted(location, 1 if location.prefix else 0)

    def post(self, path: AnyPath, metadata: Mapping[str, object]) -> None:
        """Set or remove metadata of an object, a container or the account; all other metadata stay.

        :param metadata: values are converted to text; None or empty text removes an entry
        :raises NotFoundError: if it doesn't exist
        """
        location = reading.location(path)
        changes = reading.metadata_headers(location, metadata)
        with self._clients.lent() as client:
            properties.post(client, location, changes)

    def temporary_url(
        self,
        path: AnyPath,
        *,
        method: str = "GET",
        expires: float = 3600,
        prefix: bool = False,
    ) -> str:
        """Return a temporary URL: a signed link to an object, which anyone can use until it expires.

        :param method: ``GET``, ``HEAD``, ``PUT``, ``POST`` or ``DELETE``
        :param expires: in seconds from now
        :param prefix: allow all objects whose names start with the path
        :raises NotFoundError: if the container doesn't exist, or neither it nor the account has a key
        """
        target = reading.location(path)
        if isinstance(expires, bool) or not isinstance(expires, int | float) or not 1 <= expires < 10**10:
            raise UsageError(f"expires must be a number of seconds, of at least 1, not {expires!r}")
        signed = tempurls.Signed(target, method, int(time.time() + expires), prefix)
        with self._clients.lent() as client:
            return tempurls.temporary_url(client, signed)

    # --- local files

    def upload(self, folder: str | Path, to: AnyPath, *, skip_identical: bool = False, jobs: int = 8) -> Transferred:
        """Upload a file, or a folder with everything below it; failures don't stop the others.

        :param folder: a local folder, or a file
        :param to: ``CONTAINER``, or ``CONTAINER/PREFIX`` for the objects' names
        :param skip_identical: skip files whose object has the same content
        :param jobs: the number of simultaneous uploads
        :returns: the outcome; call its ``raise_for_failed``
        :raises NotFoundError: if the folder or the container doesn't exist
        """
        source, target = checks.local_path(folder, "folder"), reading.location(to)
        choices, jobs = Choices(skip_identical=skip_identical), checks.count(jobs, "jobs")
        with self._clients.lent() as client:
            return upload.upload_files(client, source, target, choices, jobs=jobs)

    def download(
        self, path: AnyPath, folder: str | Path, *, skip_identical: bool = False, jobs: int = 8
    ) -> Transferred:
        """Download the objects of a container into a local folder; failures don't stop the others.

        :param path: ``CONTAINER``, or ``CONTAINER/PREFIX`` of the objects' names
        :param folder: a local folder; created if missing
        :param skip_identical: skip files that already have the same content
        :param jobs: the number of simultaneous downloads
        :returns: the outcome; call its ``raise_for_failed``
        :raises NotFoundError: if the container doesn't exist, or no name starts with the prefix
        """
        source, target = reading.location(path), checks.local_path(folder, "folder")
        jobs = checks.count(jobs, "jobs")
        with self._clients.lent() as client:
            return download.download(client, source, target, skip_identical=skip_identical, jobs=jobs)

    def sync(
        self,
        source: str | Path | Location | ContainerName,
        target: str | Path | Location | ContainerName,
        *,
        delete: bool = False,
        jobs: int = 8,
    ) -> Transferred:
        """Sync a local folder to a container, or a container to a folder; only what differs is transferred.

        :param source: a local folder, or ``path:/CONTAINER[/PREFIX]``; the prefix stands for a folder
        :param target: likewise; one of the two is local
        :param delete: then delete what only the target has, without confirmation, if nothing has failed
        :param jobs: the number of simultaneous transfers
        :returns: the outcome; call its ``raise_for_failed``
        :raises NotFoundError: if the source or the container doesn't exist, or no name starts with the prefix
        """
        sides, jobs = (reading.side(source, "source"), reading.side(target, "target")), checks.count(jobs, "jobs")
        with self._clients.lent() as client:
            return sync_of(client, *sides).run(delete=delete, jobs=jobs)

    def close(self) -> None:
        """Close all connections, and stop the embedded Swift if nobody else uses it. A closed store stays closed."""
        if self._clients.close():
            self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self._session.where}>"
