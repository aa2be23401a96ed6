"""The object store and its storlets for Python programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from storlet_shell.api import checks, reading
from storlet_shell.api.objects import ObjectStore
from storlet_shell.api.options import BatchOptions, QueryOptions, map_options, select_options
from storlet_shell.api.reading import Packaged, Right, Stages, Where
from storlet_shell.batches.mapping import MapPlan
from storlet_shell.batches.pipeline import run_chain
from storlet_shell.batches.reducing import Reduced, ReduceOptions, ReducePlan
from storlet_shell.batches.report import Rows
from storlet_shell.batches.rows.row import Row
from storlet_shell.deployments import acls, deploy, deployed, logs, undeploy
from storlet_shell.deployments.deploy import Deployed
from storlet_shell.deployments.logs import Record, Selection
from storlet_shell.deployments.review import review
from storlet_shell.patterns import Pattern
from storlet_shell.results import Response, Table
from storlet_shell.values import ContainerName, ObjectPath, StorletName

if TYPE_CHECKING:
    from storlet_shell.batches.executor import Access
    from storlet_shell.deployments.package import Package
    from storlet_shell.wire.client import Client


class Store(ObjectStore):
    """The object store of one account, returned by :func:`storlet_shell.connect`; a context manager that closes itself.

    Several threads may use one store. Paths, names and ranges are strings, as on a command line, or values of
    :mod:`storlet_shell.values`. Nothing prompts, prints or reads standard streams: warnings go to the observer and to
    the logger ``storlet_shell``, and all errors are :class:`~storlet_shell.errors.StorletShellError`.
    """

    # --- storlets

    def deploy(
        self,
        source: str | Path | bytes | Packaged,
        *,
        name: str | None = None,
        main: str | None = None,
        dependencies: Iterable[str | Path] = (),
        packages: Iterable[str] = (),
        requirements: str | Path | None = None,
        provided: Iterable[str] = (),
        unpack: bool = False,
        force: bool = False,
    ) -> Deployed:
        """Deploy a storlet, its dependencies, and its packages, all or nothing. The code is checked first.

        :param source: a local file, ``FILE.py``, ``FILE.java`` or ``FILE.jar``; or ``std:NAME`` for a standard storlet;
            or the code of a storlet as ``bytes``; or a function with the decorator :func:`~storlet_shell.storlet`. Java
            is compiled, with the local jars among the dependencies, and deployed as ``CLASS-1.0.jar``
        :param name: for code as bytes: ``MODULE.CLASS``, or ``MODULE`` for a function, deployed as ``MODULE.py``; or
            ``CLASS.java``
        :param main: for a file: its main class; None if it has only one
        :param dependencies: local files to upload, and names of dependencies that are already deployed
        :param packages: packages that the storlet imports, as pip spells them: ``NAME``, ``NAME[EXTRA]==1.2``, or a
            wheel's path; they are uploaded with all that they need, if that is pure Python
        :param requirements: a local requirements file with such packages, as pip reads it
        :param provided: packages that the engine's Python has, ``NAME`` or ``NAME==1.2``; they aren't uploaded
        :param unpack: unpack the packages when the storlet is imported, for packages that need files
        :param force: upload in any case: even code that can't run, and even if the same storlet is already deployed
        :raises UsageError: if the code isn't a storlet, or can't run, or a package can't be deployed
        :raises NotFoundError: if a file, a package or a dependency doesn't exist, or the account isn't enabled for
            storlets
        :raises ServiceError: if pip can't reach the package index
        """
        wanted = reading.wanted(packages, requirements, provided, unpack=unpack)
        needed = [str(name) for name in checks.several(dependencies, "dependencies", "local files and names")]
        package = reading.package(source, name, main, needed, force=force).with_dependencies(needed)
        package = review(package.with_packages(wanted, self._is_embedded), force=force)
        with self._clients.lent() as client:
            return deploy.deploy(client, package, force=force)

    def _is_embedded(self) -> bool:
        with self._clients.lent() as client:
            return client.is_embedded

    def _ensure_deployed(self, package: Package, keeps_dependencies: bool, *, is_explicit: bool) -> Deployed | None:
        with self._clients.lent() as client:
            return deploy.ensure_deployed(client, package, keeps_dependencies, is_explicit=is_explicit)

    def undeploy(self, name: str | StorletName, *, with_dependencies: bool = False) -> None:
        """Delete a deployed storlet, without confirmation.

        :param with_dependencies: also delete its dependencies that no other storlet needs
        :raises NotFoundError: if it isn't deployed
        """
        storlet = reading.storlet_name(name)
        with self._clients.lent() as client:
            undeploy.undeploy(client, storlet, with_dependencies=with_dependencies)

    def storlets(self) -> Table:
        """Return the deployed storlets by name: their language, main class, dependencies and date.

        :raises NotFoundError: if the account isn't enabled for storlets
        """
        with self._clients.lent() as client:
            table = deployed.table_of_storlets(client)
            table.keep()
            return table

    def standard_storlets(self) -> Table:
        """Return the standard storlets, which :meth:`deploy` takes as ``std:NAME``, and whether each is deployed."""
        with self._clients.lent() as client:
            return deployed.table_of_standard_storlets(deployed.standard_states(client))

    def logs(
        self,
        name: str | StorletName,
        *,
        last: int | None = None,
        since: datetime | None = None,
        failed: bool = False,
        follow: bool = False,
    ) -> Iterator[Record]:
        """Return the logged runs of a storlet, oldest first.

        The embedded Swift logs every run. Other clusters keep the logs that runs were asked to store; if these don't
        separate runs, they become a single record.

        :param last: only the last so many; lines, if the log doesn't separate runs; None for all
        :param since: only runs that ended after this time, which must have a time zone; None for all
        :param failed: only runs that failed
        :param follow: continue with each further run as it ends, without an end
        :raises NotFoundError: if the storlet isn't deployed, or has no log, unless it is followed
        :raises UsageError: if the log doesn't separate runs, and they are selected by time or outcome
        """
        storlet = reading.storlet_name(name)
        number = None if last is None else checks.count(last, "last")
        selection = Selection(number, checks.moment(since), failed)
        if follow:
            return self._follow(storlet, selection)
        with self._clients.lent() as client:
            return logs.logs(client, storlet, selection=selection)

    def _follow(self, storlet: StorletName, selection: Selection) -> Iterator[Record]:
        with self._clients.lent() as client:
            yield from logs.follow(client, storlet, selection=selection)

    # --- access

    def grant(
        self,
        container: str | ContainerName,
        user: str,
        *,
        storlet: str | StorletName | None = None,
        right: Right = "read",
    ) -> None:
        """Let a user read or write a container's objects, or only run a storlet over them.

        :param user: with a storlet, a user's name; otherwise a Swift ACL entry: ``PROJECT_ID:USER_ID``, on tempauth
            ``ACCOUNT:USER``, or ``.r:*`` for everybody
        :param storlet: the storlet that the user may run; None to grant reading or writing
        :param right: without a storlet: ``read`` or ``write``
        :raises NotFoundError: if the container doesn't exist
        """
        name, run = reading.container_name(container), reading.optional_storlet(storlet)
        checks.text(user, "user")
        with self._clients.lent() as client:
            if run is not None:
                acls.grant_run(client, name, user, run)
            else:
                acls.add(client, name, reading.rule(user, right))

    def revoke(
        self,
        container: str | ContainerName,
        user: str,
        *,
        storlet: str | StorletName | None = None,
        right: Right = "read",
    ) -> None:
        """Revoke a right granted by :meth:`grant`; the parameters are the same.

        :raises NotFoundError: if the container doesn't exist, or the user doesn't have that right
        """
        name, run = reading.container_name(container), reading.optional_storlet(storlet)
        rule = reading.rule(user, right, run)
        with self._clients.lent() as client:
            acls.remove(client, name, rule)

    # --- many objects

    def map(
        self,
        storlet: str | StorletName,
        pattern: str | Pattern,
        *,
        params: Mapping[str, object] | None = None,
        extra: Iterable[str | ObjectPath] = (),
        where: Where = "auto",
        allow_unread: bool = False,
        **options: Unpack[BatchOptions],
    ) -> Rows:
        """Run a storlet over many objects. Return a row for each once all are finished, including those that failed.

        Results go to the option ``output`` or ``save``; without either they are kept in memory, as ``rows[name]``.

        :param storlet: the storlet to run over each object
        :param pattern: ``CONTAINER/PATTERN``: ``*`` for any characters but ``/``, ``**`` for any folders, ``?`` for one
            character, ``[a-z]`` for one of these, ``{a,b}`` for either
        :param params: the storlet's parameters; values are converted to text
        :param extra: additional inputs of each run
        :param where: where the storlet runs, as for :meth:`get`
        :param allow_unread: run the storlet even if it leaves some of several inputs unread
        :param options: the options of the batch, see :class:`~storlet_shell.BatchOptions`
        :returns: the rows; call their ``raise_for_failed``
        :raises NotFoundError: if no object matches, or the storlet isn't deployed
        :raises UsageError: if two objects would become the same output, or an output would be an input
        """
        run = reading.run(storlet, params, extra=extra, where=where, allow_unread=allow_unread)
        plan = MapPlan((run,), reading.pattern(pattern), map_options(**options))
        with self._clients.lent() as client:
            return plan.run(client, self._access(client))

    def imap(
        self,
        storlet: str | StorletName,
        pattern: str | Pattern,
        *,
        params: Mapping[str, object] | None = None,
        extra: Iterable[str | ObjectPath] = (),
        where: Where = "auto",
        allow_unread: bool = False,
        **options: Unpack[BatchOptions],
    ) -> Iterator[Row]:
        """Run a storlet over many objects. Yield each row with its result as it is finished, and keep none.

        The parameters are those of :meth:`map`. The batch starts, and may fail to, when the first row is requested;
        leaving the loop stops it.

        :raises StorletShellError: after the last row, if the batch ended early
        """
        run = reading.run(storlet, params, extra=extra, where=where, allow_unread=allow_unread)
        return self._stream(MapPlan((run,), reading.pattern(pattern), map_options(**options)))

    def _stream(self, plan: MapPlan) -> Iterator[Row]:
        with self._clients.lent() as client:
            yield from plan.stream(client, self._access(client))

    def pipe(self, stages: Stages, path: str | ObjectPath) -> Response:
        """Run a chain of storlets over an object, each over the result of the previous one. The body streams.

        Intermediate results stay in the cluster, in a container that is deleted at the end.

        :param stages: storlets' names, or pairs of a name and its parameters; or one text, as on a command line:
            ``first.py key=value | second.py``
        :raises NotFoundError: if the object or a storlet doesn't exist
        :raises StorletFailedError: if a storlet fails
        """
        steps, source = reading.stages(stages), reading.object_path(path)
        return self._streaming(lambda client: run_chain(client, steps, source))

    def reduce(
        self,
        storlet: str | StorletName,
        pattern: str | Pattern,
        target: str | ObjectPath,
        *,
        params: Mapping[str, object] | None = None,
        where: Where = "auto",
        allow_unread: bool = False,
        fan_in: int = 16,
        jobs: int = 8,
    ) -> Reduced:
        """Reduce many objects to one with a storlet that takes several inputs, in as many runs as needed.

        The storlet must be associative and read its own output, as sums, merges and concatenations do.

        :param storlet: the storlet to run
        :param pattern: the objects, as for :meth:`map`
        :param target: the object to create; its container must exist
        :param params: the storlet's parameters; values are converted to text
        :param where: where the storlet runs, as for :meth:`get`
        :param allow_unread: run the storlet even if it leaves some of several inputs unread
        :param fan_in: the maximum number of additional inputs of a run
        :param jobs: the number of simultaneous runs
        :raises NotFoundError: if no object matches, or the storlet isn't deployed
        :raises UsageError: if the storlet can't read all inputs, or the target would be one
        :raises StorletFailedError: if a run fails; the target is then not created
        """
        run = reading.run(storlet, params, where=where, allow_unread=allow_unread)
        options = ReduceOptions(fan_in=checks.count(fan_in, "fan_in"), jobs=checks.count(jobs, "jobs"))
        plan = ReducePlan(run, reading.pattern(pattern), reading.object_path(target), options)
        with self._clients.lent() as client:
            return plan.run(client, self._access(client))

    def select(self, query: str, pattern: str | Pattern, **options: Unpack[QueryOptions]) -> Table:
        """Query objects by SQL, next to the data. Return the rows of the result.

        The objects are CSV, JSON lines, or Parquet, and one table together. WHERE, and aggregates by group, run next to
        the data, by the storlet ``std_select.py``; the rest runs here, in SQLite. All results are SQLite's.

        :param query: one SELECT in SQLite's dialect; FROM takes any name
        :param pattern: the objects, as for :meth:`map`
        :param options: the options of the query, see :class:`~storlet_shell.QueryOptions`
        :raises UsageError: if the query can't be parsed, or a column doesn't exist
        :raises NotFoundError: if no object matches, or ``std_select.py`` isn't deployed
        :raises StorletFailedError: if an object isn't in one of the formats, or differs from the others
        """
        from storlet_shell.select.running import SelectPlan  # it imports sqlglot

        chosen = select_options(**options)
        plan = SelectPlan(checks.text(query, "query"), reading.pattern(pattern), chosen)
        with self._clients.lent() as client:
            table = plan.start(client, self._access(client))
            table.keep()
            return table

    def _warn(self, message: str) -> None:
        self._session.surroundings.warn(message)

    def _access(self, client: Client) -> Access:
        return self._session.access()._replace(connect=client.another)
