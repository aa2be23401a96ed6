"""``browse``: the command, and its result."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from storlet_shell.adapters.notebook.browse.answers import Answers
from storlet_shell.adapters.notebook.browse.lines import magic
from storlet_shell.adapters.notebook.page import Notebook
from storlet_shell.results import Field, Result, Table
from storlet_shell.results.fields import listed_time
from storlet_shell.results.page.grid import note
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.listing import Page, list_page
from storlet_shell.text import size
from storlet_shell.values import Location

if TYPE_CHECKING:
    from storlet_shell.adapters.notebook.browse.widget import Widget

_PLAIN_ROWS = 50
"""The number of rows in the plain table."""

_KEY = "browse"


@command(
    "browse",
    "Browse containers, objects, and storlets in a notebook.",
    Arg(
        "location",
        nargs="?",
        type=Location.parse,
        kind=Kind.OBJECT,
        metavar="CONTAINER[/PREFIX]",
        help="where to start (default: the list of containers)",
    ),
    examples=(
        "browse  # start with the containers",
        "browse weather  # start with the objects of a container",
        "browse weather/2026/  # start in a folder",
    ),
)
def browse(session: Session, location: Location | None = None) -> Result:
    """Browse containers, objects, and storlets in a notebook.

    You see previews, metadata, ACLs, and the source, parameters, last runs, and logs of storlets. Nothing is ever
    changed: copy a line into a cell and run it there. Where widgets can't be shown, and in exported notebooks, a plain
    table takes its place.

    The widget needs the package anywidget; pip install 'storlet-shell[notebook]' installs it.

    :raises NotFoundError: when the container doesn't exist
    """
    place = location or Location()
    page = list_page(session.client, place, "/" if place.container else None, limit=_PLAIN_ROWS)
    return Browser(session, place, page)


class Browser(Result):
    """A widget, and the plain table that stands in for it.

    :param session: the session of the notebook
    :param location: where the widget starts
    :param page: the first entries there
    """

    def __init__(self, session: Session, location: Location, page: Page) -> None:
        self._session = session
        self._location = location
        self._page = page

    def fields(self) -> dict[str, Any]:
        """Return the entries of the plain table."""
        return self._table.fields()

    def render(self) -> Iterator[str]:
        """Yield the lines of the plain table."""
        return self._table.render()

    def as_rows(self) -> Table:
        """Return the plain table."""
        return self._table

    @cached_property
    def _table(self) -> Table:
        is_account = not self._location.container
        fields = (
            Field("name"),
            Field("objects", is_shown=is_account, is_number=True),
            Field("bytes", "size", lambda count: "" if count is None else size(count), is_number=True),
            Field("last_modified", "modified", is_shown=not is_account),
        )
        rows = [
            (entry["name"], entry.get("count"), entry["bytes"], listed_time(entry["last_modified"]))
            for entry in self._page.entries
        ]
        return Table(fields, rows)

    @cached_property
    def _widget(self) -> Widget | None:
        """The widget; None where it can't be shown."""
        notebook = self._session.surroundings
        if not isinstance(notebook, Notebook) or not notebook.shows_widgets():
            return None
        try:
            from storlet_shell.adapters.notebook.browse.widget import Widget  # takes 44 ms, and may not be installed
        except ImportError:
            return None
        opened = self._session.attached.setdefault(_KEY, Opened())
        assert isinstance(opened, Opened)
        return Widget(opened.answers(self._session), self._location, f"storlet-{uuid4().hex}")

    def _ipython_display_(self) -> None:
        """Show the widget, and the plain table as an output of its own, which exports keep."""
        notebook = self._session.surroundings
        assert isinstance(notebook, Notebook)
        if self._widget is None:
            notebook.show(Plain(self._table, self._remark(), "storlet-plain"))
            return
        notebook.show(self._widget)
        notebook.show(Plain(self._table, self._remark(), self._widget.plain))

    def _remark(self) -> str:
        words = ["ls", "-l", *([str(self._location)] if self._location.container else [])]
        remarks = [] if self._page.is_last else [f"the first {len(self._table)} rows; list all: {magic(*words)}"]
        notebook = self._session.surroundings
        if self._widget is None and isinstance(notebook, Notebook) and notebook.shows_widgets():
            remarks.append("to browse, install anywidget and restart the kernel: %pip install 'anywidget>=0.11,<0.12'")
        return "; ".join(remarks)


class Opened:
    """The connections of a notebook's widgets, as state of its session.

    Widgets over the same login share them.
    """

    def __init__(self) -> None:
        self._answers: list[Answers] = []

    def answers(self, session: Session) -> Answers:
        """Return what answers the questions of a widget, over the login that the session has now."""
        for answers in self._answers:
            if answers.login is session.login:
                return answers
        self._answers.append(Answers(session))
        return self._answers[-1]

    def outdate(self) -> None:
        """Do nothing: every question is answered by the store."""

    def close(self) -> None:
        """Close the connections; a later question opens them again."""
        for answers in self._answers:
            answers.close()


class Plain:
    """The plain table on the page.

    :param remark: shown below it; empty for none
    :param name: the class of its element, by which the widget hides it
    """

    def __init__(self, table: Table, remark: str, name: str) -> None:
        self._table = table
        self._remark = remark
        self._name = name

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        bundle = self._table._repr_mimebundle_()
        remarks = [f"({self._remark})"] if self._remark else []
        html = f'<div class="{self._name}">{bundle["text/html"]}{note(self._remark)}</div>'
        return {**bundle, "text/plain": "\n".join([bundle["text/plain"], *remarks]), "text/html": html}
