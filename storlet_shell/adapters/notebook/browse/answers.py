"""Answers to the questions of the widget: plain data, as other commands show it.

A question is a mapping with ``ask``, the name of one of the functions below, and its arguments. An answer is a mapping;
one with ``error`` failed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storlet_shell.adapters.notebook.browse import lines
from storlet_shell.adapters.notebook.page import in_magic
from storlet_shell.errors import Hint, StorletShellError
from storlet_shell.results import Report, Response, Result
from storlet_shell.results.display import preview
from storlet_shell.results.fields import listed_time
from storlet_shell.results.page.code import highlighted
from storlet_shell.session import Session, Surroundings
from storlet_shell.spec.registry import Registry
from storlet_shell.store.listing import Page, list_page
from storlet_shell.text import escaped, is_text, printable, size
from storlet_shell.values import ContainerName, Location, ObjectPath, StorletName

if TYPE_CHECKING:
    from storlet_shell.wire.login import Login

ROWS = 200
"""The number of rows in a page."""

_SOURCE_BYTES = 256 * 1024
_RUNS = 20
_LOG_CHARACTERS = 4000

Answer = dict[str, Any]


class Answers:
    """Answers questions over connections of its own, one at a time, from any thread.

    :param session: the session whose login is used
    """

    def __init__(self, session: Session) -> None:
        self.login: Login = session.login
        self._session = Session(_Quiet(), login=self.login)
        self._registry = Registry()
        self._lock = threading.Lock()

    def __call__(self, question: Mapping[str, Any]) -> Answer:
        """Answer a question; never raise, since the browser would wait for an answer."""
        with self._lock:
            try:
                arguments = {str(name): value for name, value in question.items() if name not in ("ask", "id")}
                return _QUESTIONS[question["ask"]](self, **arguments)
            except StorletShellError as error:
                return {"error": printable(self._session.surroundings.line_of(error))}
            except Exception as error:  # a bug, which nobody would see otherwise
                return {"error": printable(f"{type(error).__name__}: {error}")}

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            self._session.close()

    def _run(self, *words: str) -> Result:
        """Run a command; what it returns is what its line would show."""
        return self._registry.get(words[0]).call(words[1:]).start(self._session)

    def list_names(self, container: str, folder: str, filter: str, after: str) -> Answer:
        """List a page of containers, or of the objects and folders in a folder.

        :param filter: what the names start with
        :param after: the name that ends the page before; empty for the first page
        """
        location = Location(container, folder + filter)
        client = self._session.client
        if container:
            page = list_page(client, location, "/", after=after, limit=ROWS)
        else:
            page = list_page(client, Location("", filter), after=after, limit=ROWS)
        return {
            "rows": [_row(entry, container, len(folder)) for entry in page.entries],
            "more": not page.is_last,
            "end": escaped(page.end),
            "limit": ROWS,
            "total": _total(page, "object in the container" if container else "container"),
            "account": printable(client.known_account),
        }

    def list_storlets(self, filter: str, after: str) -> Answer:
        """List a page of the deployed storlets whose names start with a text."""
        client = self._session.client
        page = list_page(client, Location(client.storlet_container, filter), after=after, limit=ROWS)
        rows = [{**_row(entry, client.storlet_container, 0), "kind": "storlet"} for entry in page.entries]
        total = _total(page, "storlet")
        return {"rows": rows, "more": not page.is_last, "end": escaped(page.end), "limit": ROWS, "total": total}

    def show_location(self, container: str, folder: str) -> Answer:
        """Show a container's facts and rights, and the lines for it or a folder in it."""
        rights = self._run("acl", "list", str(ContainerName(container))).fields()["rows"]
        return {
            "facts": self._facts("stat", str(Location(container))),
            "rights": [_right(right) for right in rights],
            "lines": lines.of_location(Location(container, folder)),
        }

    def show_object(self, container: str, name: str) -> Answer:
        """Show an object's facts, the start of its body, and the lines for it."""
        path = ObjectPath(container, name)
        facts = self._facts("stat", str(path))
        response = self._run("get", str(path))
        assert isinstance(response, Response)
        try:
            return {"facts": facts, "html": preview(response).html, "lines": lines.of_object(path)}
        finally:
            response.close()

    def show_storlet(self, name: str) -> Answer:
        """Show a storlet's facts, parameters, source, and last runs, and the lines for it."""
        report = self._run("storlets", "show", name)
        assert isinstance(report, Report)
        details = report.data
        function = details["function"]
        parameters = function["parameters"] if function else []
        return {
            "facts": _shown(report),
            "parameters": [_parameter(parameter) for parameter in parameters],
            "source": self._source(ObjectPath(details["container"], name)),
            "runs": self._runs(name),
            "lines": lines.of_storlet(StorletName(name), parameters),
        }

    def show_grants(self, name: str) -> Answer:
        """Find out who may run a storlet over single containers; this reads the ACL of each container."""
        report = self._run("storlets", "show", name, "--grants")
        assert isinstance(report, Report)
        return {"grants": [printable(f"{grant['user']} over {grant['container']}") for grant in report.data["granted"]]}

    def _facts(self, *words: str) -> list[list[str]]:
        report = self._run(*words)
        assert isinstance(report, Report)
        return _shown(report)

    def _source(self, path: ObjectPath) -> str:
        """Return the source of a storlet as HTML; empty if it isn't text."""
        response = self._run("get", str(path))
        assert isinstance(response, Response)
        try:
            code = response.peek(_SOURCE_BYTES)
        finally:
            response.close()
        return highlighted(_text(code.decode("utf-8", "replace")), path.name, "") if is_text(code) else ""

    def _runs(self, name: str) -> list[dict[str, Any]]:
        """Return the last runs in a storlet's log, latest first; none if the cluster keeps no log."""
        try:
            rows = self._run("logs", name).fields()["rows"]
        except StorletShellError:
            return []
        return [_run(row) for row in reversed(rows[-_RUNS:])]


_QUESTIONS: Mapping[str, Callable[..., Answer]] = {
    "names": Answers.list_names,
    "storlets": Answers.list_storlets,
    "location": Answers.show_location,
    "object": Answers.show_object,
    "storlet": Answers.show_storlet,
    "grants": Answers.show_grants,
}


class _Quiet(Surroundings):
    """The host environment of answers: nobody can be asked or warned."""

    def spell(self, hint: Hint) -> str:
        """Spell a hint for cells."""
        return in_magic(hint)


def _row(entry: Mapping[str, Any], container: str, folder_length: int) -> dict[str, Any]:
    name = escaped(entry["name"])
    kind = "folder" if "subdir" in entry else "object" if container else "container"
    return {
        "kind": kind,
        "name": name,
        "label": printable(name[folder_length:] or name),
        "bytes": entry["bytes"],
        "size": "" if entry["bytes"] is None else size(entry["bytes"]),
        "objects": entry.get("count"),
        "modified": (listed_time(entry["last_modified"]) or "")[:16].replace("T", " "),
    }


def _total(page: Page, things: str) -> str:
    """Say how many things there are, whatever the filter."""
    thing, _, rest = things.partition(" ")
    return "" if page.total is None else f"{page.total:,} {thing}{'' if page.total == 1 else 's'} {rest}".rstrip()


def _shown(report: Report) -> list[list[str]]:
    return [[printable(label), printable(text)] for label, text in (report.shown or {}).items() if text != "-"]


def _parameter(parameter: Mapping[str, Any]) -> list[str]:
    default = parameter["default"]
    return [parameter["name"], parameter["type"] or "", "required" if default is None else str(default)]


def _right(right: Mapping[str, Any]) -> list[str]:
    return [printable(right[name] or "") for name in ("right", "grantee", "storlet")]


def _run(row: Mapping[str, Any]) -> dict[str, Any]:
    text = _text(row["text"])
    return {
        "time": (row["time"] or "")[:19].replace("T", " "),
        "request": printable(row["request"] or ""),
        "failed": row["succeeded"] is False,
        "end": printable(row["error"] or ("ok" if row["succeeded"] else "")),
        "seconds": row["seconds"],
        "transaction": row["transaction"] or "",
        "text": text if len(text) <= _LOG_CHARACTERS else f"…\n{text[-_LOG_CHARACTERS:]}",
    }


def _text(text: str) -> str:
    return "\n".join(map(printable, text.splitlines()))
