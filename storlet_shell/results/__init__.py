"""What commands return: one door to results of every kind.

Each renders itself as text, as JSON and for a notebook.
"""

from storlet_shell.results.reports import Done, Planned, Report, Result, Table, Text, failure_fields
from storlet_shell.results.response import Response

__all__ = [
    "Done",
    "Planned",
    "Report",
    "Response",
    "Result",
    "Table",
    "Text",
    "failure_fields",
]
