"""What could stand at the cursor: objects, containers, storlets, local files, variables, commands.

One function serves every front end. It answers within a deadline with what is known by then, and what comes later is
known at the next Tab; it raises nothing, asks nobody, and starts no server.
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
from typing import TYPE_CHECKING

from storlet_shell.spec.arguments import Kind
from storlet_shell.spec.registry import Registry
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.session import Session
    from storlet_shell.wire.client import Client

DEADLINE = 0.6
"""Seconds after which what is known has to do; JupyterLab drops a completion that takes over one second."""

FRESH = 5.0
"""Seconds for which a listing is taken for granted."""

MOST = 1000
"""How many names are offered at most."""

_PATH = re.compile(r"(path:/?|/)?([^/]*)(/?)(.*)", re.DOTALL)
_PATH_PREFIX = "path:/"


@dataclass(frozen=True, order=True)
class Candidate:
    """Something that the text before the cursor may become.

    :param text: the whole word
    :param final: whether the word ends there; a container or a folder goes on
    :param note: a few words about it
    """

    text: str
    final: bool = True
    note: str = field(default="", compare=False)


def complete(
    session: Session, kind: Kind, text: str, *, prefixed: bool = False, separator: str = "", deadline: float = DEADLINE
) -> list[Candidate]:
    """Return what a word that starts with a text may become, in order.

    :param kind: what the word names
    :param prefixed: an object must be spelled with ``path:/`` here
    :param separator: what stands between names where the word may hold several; the last one is completed
    :param deadline: seconds that this may take
    """
    before, last = "", text
    if separator:
        head, found, last = text.rpartition(separator)
        before = head + found
    names = _Completer.of(session).complete(kind, last, prefixed, deadline)
    return [replace(name, text=before + name.text) for name in names] if before else names


def prepare(session: Session) -> None:
    """Log in beside what goes on, so that the first Tab need not wait for that; in silence, whatever comes of it."""
    # A daemon, so that the end of the process does not wait for a server that is silent.
    threading.Thread(target=_Completer.of(session).log_in, daemon=True).start()


@dataclass(frozen=True)
class _Known:
    """Names that a look-up gave, and when it began."""

    names: list[Candidate]
    at: float


@dataclass
class _LookUp:
    """A look-up in progress."""

    done: threading.Event = field(default_factory=threading.Event)


Fetch = Callable[[], list[Candidate]]


class _Completer:
    """What one session knows: its caches, and connections of its own, so that a running command is not disturbed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[str, ...], _Known] = {}
        self._running: dict[tuple[str, ...], _LookUp] = {}
        self._outdated = -inf
        self._clients: list[Client] = []
        self._lock = threading.Lock()

    @classmethod
    def of(cls, session: Session) -> _Completer:
        """Return the session's completer; the first call makes it."""
        found = session.attached.get(cls.__name__)
        if not isinstance(found, cls):
            found = session.attached[cls.__name__] = cls(session)
        return found

    def complete(self, kind: Kind, text: str, prefixed: bool, deadline: float) -> list[Candidate]:
        try:
            found = self._complete(kind, text, prefixed, deadline)
        except Exception:  # a Tab is no place for an error; the command will show it
            return []
        return sorted(one for one in found if one.text.startswith(text) and one.text.isprintable())[:MOST]

    def _complete(self, kind: Kind, text: str, prefixed: bool, deadline: float) -> Iterable[Candidate]:
        if kind is Kind.ACTION:  # which command's is known at the cursor only
            return []
        if kind is Kind.VARIABLE:
            return [Candidate(name) for name in self._session.variables]
        if kind is Kind.COMMAND:
            return [Candidate(entry.name, note=entry.summary) for entry in Registry().summaries()]
        if kind is Kind.FILE:
            return self._look_up(("file", text), lambda: _files(text), deadline)
        if kind is Kind.SOURCE:
            files = self._complete(Kind.FILE, text, prefixed, deadline)
            return [*files, *self._objects(text, prefixed, deadline)]
        if kind is Kind.STORLET:
            return self._look_up(("storlets",), lambda: self._deployed("storlet_container"), deadline)
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
            assert match is not None  # it matches every text
            prefix, container, slash, name = (part or "" for part in match.groups())
            if prefixed and not prefix.startswith("path:"):
                return []
        if slash:
            key, head = ("objects", container, name), f"{prefix}{container}/"
            found = self._look_up(key, lambda: self._names(container, name), deadline)
            return [Candidate(head + one.text, one.final, one.note) for one in found]
        found = self._look_up(("containers", container), lambda: self._names("", container), deadline)
        return [Candidate(f"{prefix}{one.text}/", final=False) for one in found]

    def log_in(self) -> None:
        with suppress(Exception), self._borrowed_client() as client:  # a command will show what is wrong
            client.login.token()
            client.login.storage_url()

    def outdate(self) -> None:
        """Look everything up anew at the next Tab."""
        self._outdated = time.monotonic()

    def _look_up(self, key: tuple[str, ...], fetch: Fetch, deadline: float) -> list[Candidate]:
        """Return what a look-up gives within the deadline; what an earlier one gave when it takes longer."""
        with self._lock:
            known, running = self._known.get(key), self._running.get(key)
            since = max(self._outdated, time.monotonic() - FRESH)
            if known is not None and known.at > since and key[0] != "file":
                return known.names
            if running is None:
                running = self._running[key] = _LookUp()
                # A daemon: a pool's threads would be waited for when the process ends.
                threading.Thread(target=self._fetch, args=(key, fetch, running), daemon=True).start()
        running.done.wait(deadline)
        with self._lock:
            known = self._known.get(key)
            return known.names if known is not None else []

    def _fetch(self, key: tuple[str, ...], fetch: Fetch, running: _LookUp) -> None:
        started = time.monotonic()
        try:
            names = fetch()
        except Exception:  # whatever it is, the command will meet it and say so
            names = None
        with self._lock:
            if names is not None:
                self._known.pop(key, None)
                self._known[key] = _Known(names, started)
                if len(self._known) > 200:
                    self._known.pop(next(iter(self._known)))
            del self._running[key]
        running.done.set()

    def _names(self, container: str, prefix: str) -> list[Candidate]:
        query = [("format", "json"), ("limit", str(MOST)), ("prefix", prefix)]
        query += [("delimiter", "/")] if container else []
        with self._borrowed_client() as client:
            entries = _listing(client, Request("GET", container, query=tuple(query)))
        names = [Candidate(one["name"]) for one in entries if "name" in one]
        return names + [Candidate(one["subdir"], final=False) for one in entries if "subdir" in one]

    def _deployed(self, where: str) -> list[Candidate]:
        """Look up the names in one of the cluster's own containers, by the client's word for it."""
        query = (("format", "json"), ("limit", str(MOST)))
        with self._borrowed_client() as client:
            entries = _listing(client, Request("GET", getattr(client, where), query=query))
        return [Candidate(one["name"]) for one in entries]

    @contextmanager
    def _borrowed_client(self) -> Iterator[Client]:
        """Have a client that no other look-up uses."""
        client = self._session.another_client()
        if client is None:
            raise LookupError("nobody is logged in")
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
        """Forget everything and close the connections."""
        with self._lock:
            self._known.clear()
            while self._clients:
                self._clients.pop().close()


def _listing(client: Client, request: Request) -> list[dict[str, str]]:
    reply = client.find(request)
    entries: list[dict[str, str]] = json.loads(reply.read() or b"[]") if reply is not None else []
    return entries


def _files(text: str) -> list[Candidate]:
    folder, slash, start = text.rpartition("/")
    place = Path(f"{folder}{slash}" or ".").expanduser()
    found = []
    for entry in place.iterdir():
        if entry.name.startswith(start) and (start.startswith(".") or not entry.name.startswith(".")):
            is_folder = entry.is_dir()
            found.append(Candidate(f"{folder}{slash}{entry.name}{'/' if is_folder else ''}", final=not is_folder))
    return found
