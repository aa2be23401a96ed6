"""The widget: it passes questions from the browser to :class:`.Answers`. The only import of anywidget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anywidget import AnyWidget
from traitlets import Dict, Unicode

from storlet_shell.adapters.notebook.browse.answers import Answers
from storlet_shell.values import Location

_PLAIN_TEXT = "(the browser of storlet-shell; where it isn't shown, the table below has its first entries)"


class Widget(AnyWidget):
    """The widget in the kernel.

    The browser sends ``{"id": …, …}``, and gets the answer with the same id. These are plain messages rather than
    anywidget's commands, whose answers are lost if the kernel was busy for a few seconds.

    :param answers: answers the questions
    :param location: where it starts
    :param plain: the class of the plain table, which is hidden while the widget works
    """

    _esm = Path(__file__).with_name("browse.js")
    _css = Path(__file__).with_name("browse.css")
    start = Dict().tag(sync=True)
    plain = Unicode().tag(sync=True)

    def __init__(self, answers: Answers, location: Location, plain: str) -> None:
        folder, slash, rest = location.prefix.rpartition("/")
        start = {"container": location.container, "folder": folder + slash, "filter": rest}
        super().__init__(start=start, plain=plain)
        self._answers = answers
        self.on_msg(self._answer)

    def _answer(self, _widget: Any, question: Any, _buffers: Any) -> None:
        """Answer a question, perhaps in another thread: JupyterLab may use one while a cell runs."""
        if isinstance(question, dict) and "id" in question:
            self.send({"id": question["id"], **self._answers(question)})

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the widget without the table: exports would prefer the widget, and drop the table with it."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": _PLAIN_TEXT, "application/vnd.jupyter.widget-view+json": view}, {}
