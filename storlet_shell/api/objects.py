"""Objects, containers and local files as a Python program uses them, as they are or through a storlet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from storlet_shell.api import checks, reading
from storlet_shell.api.clients import Clients
from storlet_shell.api.reading import File, Where
from storlet_shell.api.values import Deleted, Entry
from storlet_shell.errors import UsageError
from storlet_shell.results import Response
from storlet_shell.store import containers, deletion, objects
from storlet_shell.store import metadata as properties
from storlet_shell.store import reading as bodies
from storlet_shell.store.listing import list_entries
from storlet_shell.store.metadata import Info
from storlet_shell.store.objects import Stored
from storlet_shell.store.trees import delete_tree
from storlet_shell.transfers import download, upload
from storlet_shell.transfers.counts import Transferred
from storlet_shell.transfers.targets import Choices
from storlet_shell.values import ByteRange, ContainerName, Location, ObjectPath, StorletName

if TYPE_CHECKING:
    from storlet_shell.session import Session
    from storlet_shell.wire.client import Client

AnyPath = str | Location | ObjectPath | ContainerName


class ObjectStore:
    """The objects of one account; threads may share it.

    :param session: what the store runs in; the store closes it
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._clients = Clients(lambda: session.client)

    @property
    def account(self) -> str:
        """The account's name; asking for it logs in."""
        with self._clients.lent() as client:
            return client.account

    # --- what is there

    def head(self, path: AnyPath = "") -> Info:
        """Return what the cluster says of an object, a container or the account.

        :param path: empty for the account
        :raises NotFoundError: when it doesn't exist
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

        The listing is asked for page by page, so that one of any length takes constant memory. What fails, fails when
        the first entry is asked for.

        :param path: empty for the account's containers, ``CONTAINER``, or ``CONTAINER/PREFIX``
        :param delimiter: fold names that have it after the prefix, as ``/`` folds folders
        :raises NotFoundError: when the container doesn't exist
        """
        if delimiter is not None:
            checks.text(delimiter, "delimiter")
        return self._listed(reading.location(path), delimiter)

    def _listed(self, location: Location, delimiter: str | None) -> Iterator[Entry]:
        with self._clients.lent() as client:
            for entry in list_entries(client, location, delimiter):
                yield Entry.of(entry)

    # --- objects and containers

    def make_container(self, name: str | ContainerName, *, policy: str | None = None) -> None:
        """Create a container; one that exists stays as it is.

        :param policy: the storage policy of its objects; None for the cluster's default
        :raises StorletShellError: when there is no such policy, or the container exists with another one
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
        """Return an object, or what a storlet makes of it. The body streams: read it, or close the response.

        :param storlet: the storlet to run over the object; None for the object as it is
        :param params: the storlet's parameters; values of any type become text
        :param extra: further inputs of a storlet that takes several
        :param range: read only these bytes of the object: ``FIRST-LAST``, ``FIRST-``, or ``-COUNT`` for the last ones
        :param where: run on the ``proxy`` server, or on the object's own, a ``node``; ``auto`` for what is safe
        :param allow_unread: run the storlet even if it leaves one of several inputs unread
        :raises NotFoundError: when the object, the storlet or a further input doesn't exist
        :raises StorletFailedError: when the storlet fails; of one that fails in the middle, when the body is read
        """
        source, part = reading.object_path(path), reading.byte_range(range)
        run = reading.invocation(storlet, params, extra=extra, where=where, allow_unread=allow_unread)
        return self._streaming(lambda client: bodies.get(client, source, run, range=part))

    def _streaming(self, get: Callable[[Client], Response]) -> Response:
        """Return a response whose client is lent until its body has been read, or it is closed."""
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
        """Store an object, or what a storlet makes of it as it arrives.

        :param file: what to send. A ``str`` or ``Path`` is the path of a local file, ``bytes`` are the content itself;
            a binary file is sent from its position on, and an iterable of ``bytes`` chunk by chunk, as a stream of
            unknown length
        :param storlet: the storlet to run over what is sent; it runs on the proxy server
        :param params: the storlet's parameters; values of any type become text
        :param extra: further inputs of a storlet that takes several
        :param metadata: the object's metadata; values of any type become text
        :param content_type: the object's; None to guess it from the object's name
        :param allow_unread: run the storlet even if it leaves one of several inputs unread
        :raises NotFoundError: when the container, the local file or the storlet doesn't exist
        :raises StorletFailedError: when the storlet fails; nothing is stored then
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
        """Copy an object inside the cluster, through a storlet if one is named.

        :param storlet: the storlet to run over the source; None for the object as it is
        :param params: the storlet's parameters; values of any type become text
        :param extra: further inputs of a storlet that takes several
        :param range: read only these bytes of the source, as :meth:`get` does
        :param where: where the storlet runs, as for :meth:`get`; ``auto`` is the proxy server
        :param allow_unread: run the storlet even if it leaves one of several inputs unread
        :raises NotFoundError: when the source, the target's container or the storlet doesn't exist
        :raises StorletFailedError: when the storlet fails; nothing is stored then
        """
        origin, goal, part = reading.object_path(source), reading.object_path(target), reading.byte_range(range)
        run = reading.invocation(storlet, params, extra=extra, where=where, allow_unread=allow_unread)
        with self._clients.lent() as client:
            return objects.copy(client, origin, goal, run, range=part)

    def delete(self, path: AnyPath, *, recursive: bool = False, segments: bool = True) -> Deleted:
        """Delete an object or an empty container. Nobody is asked.

        :param recursive: a container with all that it holds, or every object whose name starts with the path
        :param segments: delete the segments of static large objects with them
        :raises NotFoundError: when it doesn't exist, or no object's name starts so
        :raises StorletShellError: when the container isn't empty, or something can't be deleted
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
        """Set or remove metadata of an object, a container or the account; others stay as they are.

        :param metadata: values of any type become text; None and empty text remove one
        :raises NotFoundError: when it doesn't exist
        """
        location = reading.location(path)
        changes = reading.metadata_headers(location, metadata)
        with self._clients.lent() as client:
            properties.post(client, location, changes)

    # --- local files

    def upload(self, folder: str | Path, to: AnyPath, *, skip_identical: bool = False, jobs: int = 8) -> Transferred:
        """Upload a folder's files, those in folders below it too, or one file; those that fail don't stop the others.

        :param folder: a local folder, or a file
        :param to: ``CONTAINER``, or ``CONTAINER/PREFIX`` that the names of the objects get
        :param skip_identical: leave objects that hold the same already as they are
        :param jobs: how many files go at a time
        :returns: what became of them; call its ``raise_for_failed``
        :raises NotFoundError: when the folder or the container doesn't exist
        """
        source, target = checks.local_path(folder, "folder"), reading.location(to)
        choices, jobs = Choices(skip_identical=skip_identical), checks.count(jobs, "jobs")
        with self._clients.lent() as client:
            return upload.upload_files(client, source, target, choices, jobs=jobs)

    def download(
        self, path: AnyPath, folder: str | Path, *, skip_identical: bool = False, jobs: int = 8
    ) -> Transferred:
        """Download the objects of a container into a local folder; those that fail don't stop the others.

        :param path: ``CONTAINER``, or ``CONTAINER/PREFIX`` that the names start with
        :param folder: a local folder; created if missing
        :param skip_identical: leave files that hold the same already as they are
        :param jobs: how many objects come at a time
        :returns: what became of them; call its ``raise_for_failed``
        :raises NotFoundError: when the container doesn't exist, or no name starts so
        """
        source, target = reading.location(path), checks.local_path(folder, "folder")
        jobs = checks.count(jobs, "jobs")
        with self._clients.lent() as client:
            return download.download(client, source, target, skip_identical=skip_identical, jobs=jobs)

    def close(self) -> None:
        """Close every connection, and end the embedded Swift if nobody else uses it; a closed store stays closed."""
        if self._clients.close():
            self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self._session.where}>"
