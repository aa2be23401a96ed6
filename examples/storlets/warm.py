"""A function as a storlet: keep the rows of warm days."""

from collections.abc import Iterator

from storlet_shell import storlet


@storlet
def warm(rows: Iterator[dict[str, str]], least: float = 20.0) -> Iterator[dict[str, str]]:
    """Keep the rows whose column ``degrees`` is at least a number."""
    for row in rows:
        if float(row["degrees"]) >= least:
            yield row
