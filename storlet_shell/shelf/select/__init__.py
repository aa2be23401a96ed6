"""The storlet behind ``select``: SQL over one object, by a plan.

The deployed file is a copy of these modules, for engines with older Pythons, too: standard library only, and the syntax
of Python 3.8. Values and results are SQLite's: see :mod:`.values`. The client imports :mod:`.values` and :mod:`.sums`
to merge the results of several objects.
"""

MODULES = (
    "values",
    "sums",
    "patterns",
    "arithmetic",
    "functions",
    "plan",
    "expressions",
    "loop",
    "report",
    "opening",
    "lines",
    "formats",
    "parquet",
    "grouping",
    "entry",
)
"""The modules in the order of their copies."""
