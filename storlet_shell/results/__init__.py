"""The results of commands. Each renders itself as text, in formats for programs, and for a notebook."""

from storlet_shell.results.fields import Field
from storlet_shell.results.formats import Rendering
from storlet_shell.results.reports import Done, Planned, Report, Result, Text, failure_fields
from storlet_shell.results.response import Response
from storlet_shell.results.tables import Table

__all__ = [
    "Done",
    "Field",
    "Planned",
    "Rendering",
    "Report",
    "Response",
    "Result",
    "Table",
    "Text",
    "failure_fields",
]
