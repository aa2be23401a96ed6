"""What the commands over many objects share: their objects, where they may go, and what is checked beforehand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from storlet_shell import executors, schedulers
from storlet_shell.batches.executor import Executor, How
from storlet_shell.batches.journal import Span
from storlet_shell.batches.patterns import Pattern
from storlet_shell.commands.arguments import INVOCATION, number_option
from storlet_shell.errors import IdentityError, NotFoundError, UsageError
from storlet_shell.identity.environment import SECRET_VARIABLES
from storlet_shell.plugins import drivers
from storlet_shell.schedulers.base import Endpoint, Scheduler
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind
from storlet_shell.store.failures import not_deployed
from storlet_shell.store.listing import list_entries
from storlet_shell.store.metadata import exists
from storlet_shell.store.runs import check_extra_resources, check_storlets_run
from storlet_shell.values import Invocation, Location, ObjectPath, StorletName

MOST_JOBS = 1000

REGIONS = "regions"
"""In the place of an endpoint's URL: every region of the catalog."""

_AHEAD = 10_000


STORLET = Arg("--storlet", type=StorletName.parse, kind=Kind.STORLET, required=True, metavar="NAME", help="the storlet")
INPUT = Arg(
    "--input",
    type=Pattern.parse,
    kind=Kind.OBJECT,
    required=True,
    metavar="path:/CONTAINER/PATTERN",
    help="the objects: * any characters but /, ** any folders, ? one character, [a-z] one of these, {a,b} either",
)
RUN = tuple(arg for arg in INVOCATION if arg.dest != "storlet")
JOBS = number_option(
    "-j", "--jobs", metavar="JOBS", help="how many runs are under way at a time; 8", most=MOST_JOBS, default=8
)
LIMIT = number_option("--limit", metavar="N", help="take the first N matching objects only")
SCHEDULING = (
    Arg(
        "--endpoint",
        action="append",
        metavar="URL",
        help="send the runs here: a storage URL, a proxy server's scheme, name and port, or the word regions for every "
        "region of the catalog; may be repeated",
    ),
    Arg("--scheduler", default="least-outstanding", metavar="NAME", help="what chooses among several endpoints"),
    Arg("--executor", default="threads", metavar="NAME", help="what does the work side by side"),
    Arg(
        "--scheduler-address", default="", metavar="ADDRESS", help="where an executor's own cluster is: tcp://HOST:PORT"
    ),
)


class Objects:
    """The objects that match a pattern, listed as they are needed.

    :param limit: how many of them are taken; None for all
    :raises NotFoundError: when there are none, or the container is not there

    ``total`` is their number; None as long as the listing goes on. ``span`` tells when the first ones were stored.
    """

    def __init__(self, session: Session, pattern: Pattern, limit: int | None = None) -> None:
        matches = pattern.matcher()
        entries = list_entries(session.client, Location(pattern.container, pattern.prefix))
        head = list(itertools.islice(entries, _AHEAD))
        dates = [str(entry["last_modified"] or "") for entry in head if matches(str(entry["name"]))]
        self.span = Span(min(dates, default=""), max(dates, default=""))
        listed = (str(entry["name"]) for entry in entries)
        ahead = [str(entry["name"]) for entry in head]
        names = itertools.islice(filter(matches, itertools.chain(ahead, listed)), limit)
        first = next(names, None)
        if first is None:
            raise NotFoundError(f"{pattern}: no object matches")
        self.total: int | None = None
        count = sum(1 for name in ahead if matches(name))
        if len(ahead) < _AHEAD or (limit is not None and count >= limit):
            self.total = count if limit is None else min(count, limit)
        self._container = pattern.container
        self._names = itertools.chain([first], names)

    def __iter__(self) -> Iterator[ObjectPath]:
        return (ObjectPath(self._container, name) for name in self._names)


def check_ready(session: Session, run: Invocation) -> None:
    """Check once what every run would fail for.

    :raises NotFoundError: when the storlet or an extra resource is not there
    :raises ServiceError: when the cluster runs no storlets
    """
    check_storlets_run(session.client)
    client = session.client
    with suppress(IdentityError):  # who may run a storlet need not be allowed to read it
        if not exists(client, ObjectPath(client.storlet_container, run.storlet.name)):
            raise not_deployed(session.client, run.storlet.name)
    check_extra_resources(session.client, run)


def check_container(session: Session, container: str) -> None:
    """Check that the container of the outputs is there.

    :raises NotFoundError: when it is not
    """
    if not exists(session.client, Location(container)):
        raise NotFoundError(f"container {container} is not there; make it with: mkdir {container}")


def find_endpoints(session: Session, given: list[str] | None) -> tuple[Endpoint, ...]:
    """Return where requests may go: what ``--endpoint`` names, or else where the account is.

    :raises UsageError: when one is no URL
    """
    urls = session.storage_urls
    if not given:
        return tuple(Endpoint(url, urlsplit(url).netloc) for url in urls)
    path = urlsplit(urls[0]).path
    found: list[Endpoint] = []
    for text in given:
        found += _regions(session) if text == REGIONS else [_endpoint(text, path)]
    return tuple(dict.fromkeys(found))


def _regions(session: Session) -> list[Endpoint]:
    urls = session.login.storage_urls()
    return [Endpoint(url, region or urlsplit(url).netloc) for region, url in urls.items()]


def _endpoint(text: str, account: str) -> Endpoint:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or parts.username:
        raise UsageError(f"--endpoint takes a storage URL, or scheme, name and port, or the word {REGIONS}: {text!r}")
    path = parts.path.rstrip("/") or account
    return Endpoint(f"{parts.scheme}://{parts.netloc}{path}", parts.netloc)


def load_drivers(executor: str, scheduler: str) -> Executor:
    """Load the executor that a line names, and see that there is such a scheduler.

    :raises UsageError: when there is none of that name
    """
    drivers.load(schedulers.NAMESPACE, scheduler, Scheduler)  # type: ignore[type-abstract]
    return drivers.load(executors.NAMESPACE, executor, Executor)  # type: ignore[type-abstract]


def how(session: Session, address: str = "") -> How:
    """Tell an executor what it needs of a session."""
    options = session.options
    identity = {name: value for name, value in options.identity.items() if name not in SECRET_VARIABLES}
    return How(session.client.another, identity, options.timeout, address, session.leased_folder)
