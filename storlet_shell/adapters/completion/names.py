"""Candidates for a word: objects, containers, storlets, local files, variables, commands.

All front ends call one function. It returns what it knows within a deadline; a slow server's reply is there at the next
Tab. It raises nothing, asks nothing, and starts no server.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storlet_shell import shelf
from storlet_shell.spec.arguments import Kind
from storlet_shell.spec.registry import Registry
from storlet_shell.store.functions import look_up_again
from storlet_shell.store.metadata import head
from storlet_shell.text import counted, size
from storlet_shell.values import ObjectPath, StorletName
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.session import Session
    from storlet_shell.wire.client import Client

DEADLINE = 0.6
"""Timeout of a look-up in seconds; JupyterLab drops a completion that takes over one second."""

FRESH = 5.0
"""Lifetime of a cached listing in seconds."""

LIMIT = 1000
"""The maximum number of names."""

_DESCRIBED = 50
"""The maximum number of storlets that are described, with a request for each."""

_PATH = re.compile(r"(path:/?|/)?([^/]*)(/?)(.*)", re.DOTALL)
_PATH_PREFIX = "path:/"


@dataclass(frozen=True, order=True)
class Candidate:
    """A completion of the word at the cursor.

    :param text: the whole word
    :param final: whether the word is complete; a container or a folder isn't
    :param note: a short description
    """

    text: str
    final: bool = True
    note: str = field(default="", compare=False)


def complete(
    session: Session, kind: Kind, text: str, *, prefixed: bool = False, separator: str = "", deadline: float = DEADLINE
) -> list[Candidate]:
    """Return the completions of a word, sorted.

    :param kind: what the word names
    :param prefixed: whether an object must be written with ``path:/``
    :param separator: the separator if the word can hold several names; the last name is completed
    :param deadline: timeout in seconds
    """
    before, last = "", text
    if separator:
        head, mark, last = text.rpartition(separator)
        before = head + mark
    entries = _Completer.of(session).complete(kind, last, prefixed, deadline)
    return [replace(entry, text=before + entry.text) for entry in entries] if before else entries


def complete_parameter(session: Session, storlet: str, text: str, deadline: float = DEADLINE) -> list[Candidate]:
    """Return the completions of a parameter, if its storlet is a function.

    :param storlet: the name of the storlet; empty if the line doesn't name one
    """
    return _Completer.of(session).complete_parameter(storlet, text, deadline)


def prepare(session: Session) -> None:
    """Log in in the background, so that the first Tab doesn't wait for it; errors are ignored.

    From then on, storlets are described: whoever stays for many lines can wait for that.
    """
    _Completer.of(session).describes = True
    # A daemon thread: the process can end while a server is silent.
    threading.Thread(target=_Completer.of(session).log_in, daemon=True).start()


@dataclass(frozen=True)
class _Listing:
    """The result of a look-up, and the time when it began."""

    entries: list[Candidate]
    started: float


@dataclass
class _LookUp:
    """A look-up in progress."""

    finished: threading.Event = field(default_factory=threading.Event)


Fetch = Callable[[], list[Candidate]]


class _Completer:
    """The cache of one session, with its own connections, so that it doesn't disturb a running command."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.describes = False
        self._cache: dict[tuple[str, ...], _Listing] = {}
        self._running: dict[tuple[str, ...], _LookUp] = {}
        self._outdated = -inf
        self._clients: list[Client] = []
        self._lock = threading.Lock()

    @classmethod
    def of(cls, session: Session) -> _Completer:
        """Return the session's completer; the first call creates it."""
        completer = session.attached.get(cls.__name__)
        if not isinstance(completer, cls):
            completer = session.attached[cls.__name__] = cls(session)
        return completer

    def complete(self, kind: Kind, text: str, prefixed: bool, deadline: float) -> list[Candidate]:
        """Return the candidates for a text; none if they can't be looked up in time."""
        try:
            entries = self._complete(kind, text, prefixed, deadline)
        except Exception:  # Tab shows no errors; the command will
            return []
        return sorted(entry for entry in entries if entry.text.startswith(text) and entry.text.isprintable())[:LIMIT]

    def complete_parameter(self, storlet: str, text: str, deadline: float) -> list[Candidate]:
        """Return the candidates for a parameter: the storlet's keys, or the values of one key."""
        if not storlet:
            return []
        entries = self._look_up(("parameters", storlet), lambda: self._parameters(storlet), deadline)
        entries = [entry for entry in entries if entry.text.startswith(text) and entry.text.isprintable()]
        values = [entry for entry in entries if entry.final]
        return values if values and "=" in text else [entry for entry in entries if not entry.final]

    def _complete(self, kind: Kind, text: str, prefixed: bool, deadline: float) -> Iterable[Candidate]:
        if kind in (Kind.ACTION, Kind.PARAMETER):  # only the cursor knows whose
            return []
        if kind is Kind.VARIABLE:
            return [Candidate(name) for name in self._session.variables]
        if kind is Kind.COMMAND:
            return [Candidate(entry.name, note=entry.summary) for entry in Registry().summaries()]
        if kind is Kind.FILE:
            return self._look_up(("file", text), lambda: _files(text), deadline)
        if kind is Kind.CODE:
            return [*self._complete(Kind.FILE, text, prefixed, deadline), *_standard(text)]
        if kind is Kind.SOURCE:
            files = self._complete(Kind.FILE, text, prefixed, deadline)
            return [*files, *self._objects(text, prefixed, deadline)]
        if kind is Kind.STORLET:
            latest = time.monotonic() + deadline
            entries = self._look_up(("storlets",), lambda: self._deployed("storlet_container"), deadline)
            return self._with_descriptions(entries, latest - time.monotonic()) if self.describes else entries
        if kind is Kind.DEPENDENCY:
            return self._look_up(("dependencies",), lambda: self._deployed("dependency_container"), deadline)
        if kind is Kind.CONTAINER:
            return self._look_up(("containers", text), lambda: self._names("", text), deadline)
        return self._objects(text, prefixed, deadline)

    def _objects(self, text: str, prefixed: bool, deadline: float) -> Iterable[Candidate]:
        if _PATH_PREFIX.startswith(text) and (prefixed or (text and text != "/")):
            prefix, container, slash, name = _PATH_PREFIX, "", "", ""
        else:
            match = _PATH.fullmatch(text)
            assert match is not None  # it matches any text
            prefix, container, slash, name = (part or "" for part in match.groups())
            if prefixed and not prefix.startswith("path:"):
                return []
        if slash:
            key, head = ("objects", container, name), f"{prefix}{container}/"
            objects = self._look_up(key, lambda: self._names(container, name), deadline)
            return [replace(entry, text=head + entry.text) for entry in objects]
        containers = self._look_up(("containers", container), lambda: self._names("", container), deadline)
        return [Candidate(f"{prefix}{entry.text}/", final=False) for entry in containers]

    def log_in(self) -> None:
        """Get a token and the storage URL ahead of the first completion; ignore errors."""
        with suppress(Exception), self._borrowed_client() as client:  # a command will show the error
            client.login.token()
            client.login.storage_url()

    def outdate(self) -> None:
        """Invalidate the cache."""
        self._outdated = time.monotonic()

    def _look_up(self, key: tuple[str, ...], fetch: Fetch, deadline: float) -> list[Candidate]:
        """Return the result of a look-up, or the cached one if that takes longer than the deadline."""
        with self._lock:
            cached, running = self._cache.get(key), self._running.get(key)
            since = max(self._outdated, time.monotonic() - FRESH)
            if cached is not None and cached.started > since and key[0] != "file":
                return cached.entries
            if (entries := self._narrowed(key, since)) is not None:
                return entries
            if running is None:
                running = self._running[key] = _LookUp()
                # A daemon thread: a pool would delay the end of the process.
                threading.Thread(target=self._fetch, args=(key, fetch, running), daemon=True).start()
        running.finished.wait(max(0.0, deadline))
        with self._lock:
            cached = self._cache.get(key)
            return cached.entries if cached is not None else []

    def _narrowed(self, key: tuple[str, ...], since: float) -> list[Candidate] | None:
        """Return what a complete listing of a shorter prefix knows, so that typing on sends no request.

        :param since: the time when it must have begun
        """
        if key[0] not in ("containers", "objects"):
            return None
        *place, prefix = key
        for end in range(len(prefix) - 1, prefix.rfind("/"), -1):
            cached = self._cache.get((*place, prefix[:end]))
            if cached is not None and cached.started > since and len(cached.entries) < LIMIT:
                return [entry for entry in cached.entries if entry.text.startswith(prefix)]
        return None

    def _fetch(self, key: tuple[str, ...], fetch: Fetch, running: _LookUp) -> None:
        started = time.monotonic()
        try:
            names = fetch()
        except Exception:  # the command will meet it and show it
            names = None
        with self._lock:
            if names is not None:
                self._cache.pop(key, None)
                self._cache[key] = _Listing(names, started)
                if len(self._cache) > 200:
                    self._cache.pop(next(iter(self._cache)))
            del self._running[key]
        running.finished.set()

    def _names(self, container: str, prefix: str) -> list[Candidate]:
        query = [("format", "json"), ("limit", str(LIMIT)), ("prefix", prefix)]
        query += [("delimiter", "/")] if container else []
        with self._borrowed_client() as client:
            entries = _listing(client, Request("GET", container, query=tuple(query)))
        names = [Candidate(entry["name"], note=_described(entry)) for entry in entries if "name" in entry]
        return names + [Candidate(entry["subdir"], final=False) for entry in entries if "subdir" in entry]

    def _deployed(self, attribute: str) -> list[Candidate]:
        """Look up the names in one of the cluster's own containers.

        :param attribute: the client's attribute that holds the container's name
        """
        query = (("format", "json"), ("limit", str(LIMIT)))
        with self._borrowed_client() as client:
            entries = _listing(client, Request("GET", getattr(client, attribute), query=query))
        return [Candidate(entry["name"]) for entry in entries]

    def _with_descriptions(self, entries: list[Candidate], deadline: float) -> list[Candidate]:
        """Add each storlet's description, if that is known within the deadline."""
        names = tuple(entry.text for entry in entries[:_DESCRIBED])
        described = self._look_up(("descriptions", *names), lambda: self._described_storlets(names), deadline)
        notes = {entry.text: entry for entry in described}
        return [notes.get(entry.text, entry) for entry in entries]

    def _described_storlets(self, names: tuple[str, ...]) -> list[Candidate]:
        with self._borrowed_client() as client:
            return [Candidate(name, note=_description(client, name)) for name in names]

    def _parameters(self, storlet: str) -> list[Candidate]:
        """Look up the parameters of a function, and their values where these are enumerable."""
        with self._borrowed_client() as client:
            function = look_up_again(client, StorletName.parse(storlet))
        parameters = function.signature.parameters if function is not None else ()
        names = [Candidate(f"{parameter.name}=", final=False, note=str(parameter)) for parameter in parameters]
        return names + [
            Candidate(f"{parameter.name}={choice}") for parameter in parameters for choice in parameter.choices
        ]

    @contextmanager
    def _borrowed_client(self) -> Iterator[Client]:
        """Borrow a client that no other look-up uses."""
        client = self._session.another_client()
        if client is None:
            raise LookupError("not logged in")
        with self._lock:
            while self._clients:
                idle = self._clients.pop()
                if idle.login is client.login:
                    client = idle
                    break
                idle.close()
        try:
            yield client
        except BaseException:
            client.close()
            raise
        with self._lock:
            self._clients.append(client)

    def close(self) -> None:
        """Clear the cache and close the connections."""
        with self._lock:
            self._cache.clear()
            while self._clients:
                self._clients.pop().close()


def _listing(client: Client, request: Request) -> list[dict[str, Any]]:
    reply = client.find(request)
    entries: list[dict[str, Any]] = json.loads(reply.read() or b"[]") if reply is not None else []
    return entries


def _description(client: Client, name: str) -> str:
    """Describe a storlet: the signature of a function, or else its language and class."""
    function = look_up_again(client, StorletName.parse(name))
    if function is not None:
        return str(function.signature)
    description = wire.decode_storlet(head(client, ObjectPath(client.storlet_container, name)).headers)
    return f"{description.language}, {description.main}"


def _described(entry: dict[str, Any]) -> str:
    """Describe a listed object or container: its size, and its date or the number of its objects."""
    count, moment = entry.get("count"), str(entry.get("last_modified", ""))
    facts = [counted(count, "object") if isinstance(count, int) else moment[:16].replace("T", " ")]
    return ", ".join([size(entry["bytes"]), *filter(None, facts)]) if isinstance(entry.get("bytes"), int) else ""


def _standard(text: str) -> list[Candidate]:
    """Return the standard storlets; their prefix alone until it is typed."""
    if not text.startswith(shelf.PREFIX):
        return [Candidate(shelf.PREFIX, final=False)]
    return [Candidate(f"{shelf.PREFIX}{name}", note=description) for name, description in shelf.STANDARD.items()]


def _files(text: str) -> list[Candidate]:
    folder, slash, start = text.rpartition("/")
    place = Path(f"{folder}{slash}" or ".").expanduser()
    entries = []
    for entry in place.iterdir():
        if entry.name.startswith(start) and (start.startswith(".") or not entry.name.startswith(".")):
            is_folder = entry.is_dir()
            entries.append(Candidate(f"{folder}{slash}{entry.name}{'/' if is_folder else ''}", final=not is_folder))
    return entries
