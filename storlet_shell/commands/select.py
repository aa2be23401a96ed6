"""``select``: query objects by SQL, next to the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storlet_shell.commands.arguments import (
    BATCH_JOBS,
    BATCH_OPTIONS,
    DRY_RUN,
    JOURNAL,
    RESULT_OPTIONS,
    SCHEDULING,
)
from storlet_shell.errors import UsageError
from storlet_shell.results import Done, Result
from storlet_shell.results.formats import file_format
from storlet_shell.results.saving import is_stdout
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command

if TYPE_CHECKING:
    from storlet_shell.results.schemas.select import SavedRows
    from storlet_shell.select.selection import Selection

_FORMAT_OPTIONS = "format options"


@command(
    "select",
    "Query objects by SQL, next to the data.",
    Arg(
        "query",
        metavar="QUERY",
        kind=Kind.OBJECT,
        help="a SELECT statement in SQLite's dialect, quoted; FROM takes any name; - reads it from standard input",
    ),
    Arg(
        "pattern",
        nargs="?",
        kind=Kind.OBJECT,
        metavar="CONTAINER/PATTERN",
        help="the objects: * stands for any characters but /, ** for folders, ? for one character, [a-z] and {a,b} for "
        "one of several",
    ),
    Arg(
        "--explain",
        action="store_true",
        help="show what runs where, and how many bytes move, measured with up to three objects",
    ),
    Arg(
        "--no-header",
        dest="header",
        action="store_false",
        help="treat the first row of CSV as data, and name the columns _1, _2, …",
        group=_FORMAT_OPTIONS,
    ),
    Arg(
        "--delimiter",
        default=",",
        metavar="CHARACTER",
        help="separator between CSV fields, or the word tab (default: a comma)",
        group=_FORMAT_OPTIONS,
    ),
    Arg(
        "--quote",
        default='"',
        metavar="CHARACTER",
        help="quotation mark around CSV fields (default: a double quote)",
        group=_FORMAT_OPTIONS,
    ),
    Arg(
        "--strict",
        action="store_true",
        help="fail on a malformed row, rather than leaving it out",
        group=_FORMAT_OPTIONS,
    ),
    Arg(
        "--save",
        kind=Kind.FILE,
        metavar="FILE",
        help="write the rows to FILE, atomically, as CSV (.csv), a JSON array (.json), or JSON lines (.jsonl); - means "
        "standard output",
        group=RESULT_OPTIONS,
    ),
    BATCH_JOBS,
    JOURNAL,
    Arg(
        "--allow-failures",
        action="store_true",
        help="leave out objects that fail, with a warning, rather than stopping at the first",
        group=BATCH_OPTIONS,
    ),
    Arg(
        "--on-proxy",
        action="store_const",
        const=True,
        help="run on the proxy server rather than on the objects' own servers",
        group=BATCH_OPTIONS,
    ),
    *SCHEDULING,
    DRY_RUN,
    body="cell",
    examples=(
        "select 'SELECT sky, avg(degrees) AS mean FROM o GROUP BY sky' 'weather/**/*.csv'  # aggregates",
        "select 'SELECT * FROM o WHERE degrees > 30' 'weather/2026/*.csv' --save hot.csv  # matching rows",
        "select 'SELECT count(*) FROM o WHERE sky IS NULL' 'weather/*.csv' --explain  # what runs where",
    ),
)
def select(
    session: Session,
    query: str,
    pattern: str | None = None,
    explain: bool = False,
    delimiter: str = ",",
    save: str | None = None,
    dry_run: bool = False,
    cell: bytes | None = None,
    **select_options: Any,
) -> Result:
    """Query objects by SQL, next to the data.

    The objects are CSV, JSON lines, or Parquet, and are queried as one table. The storlet std_select.py reads each
    object next to where it is stored, and runs WHERE and aggregates there. Only their results are transferred; the rest
    of the query runs here, in SQLite. All results match SQLite's. Deploy the storlet once: deploy std:select.

    In a cell, or with a heredoc, the body is the query: %%select CONTAINER/PATTERN.

    Malformed rows are left out, with a warning. If an object fails, the query ends with an error.

    :raises UsageError: when the query can't be parsed, or a column doesn't exist
    :raises NotFoundError: when no object matches, or std_select.py isn't deployed
    :raises StorletFailedError: when an object isn't in one of the formats, or differs from the others
    """
    from storlet_shell.batches.checks import check_journal  # these imports take longer than most lines
    from storlet_shell.patterns import Pattern
    from storlet_shell.select.options import SelectOptions
    from storlet_shell.select.running import SelectPlan

    check_journal(select_options.get("journal"), save)
    if save is not None and not is_stdout(save):
        file_format(save)
    text, name = _query(session, query, pattern, cell)
    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    plan = SelectPlan(text, Pattern.parse_position(name), SelectOptions(delimiter=delimiter, **select_options))
    if dry_run:
        return plan.planned(session.client)
    if explain:
        return plan.explain(session.client)
    selection = plan.start(session.client, session.access())
    return selection if save is None or is_stdout(save) else _saved(selection, save)


def _query(session: Session, query: str, pattern: str | None, cell: bytes | None) -> tuple[str, str]:
    """Return the query and the pattern.

    :raises UsageError: when one is missing
    """
    if cell is not None and pattern is None:
        return _decoded(cell), query
    if pattern is None:
        raise UsageError('select needs a query and a pattern: select "SELECT … FROM o" CONTAINER/PATTERN')
    if cell is not None:
        raise UsageError("the query is given twice: on the line, and as its body")
    stdin = session.surroundings.stdin
    if query == "-" and stdin is not None:
        return _decoded(stdin.read()), pattern
    return query, pattern


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"the query isn't UTF-8: byte 0x{body[error.start]:02x} at {error.start}") from None


def _saved(selection: Selection, target: str) -> Done:
    try:
        count = selection.save(target)
    finally:
        selection.close()
    facts: SavedRows = {"file": target, "bytes": count, **selection.figures()}  # type: ignore[typeddict-item]
    return Done(f"{target}: {count} bytes; {selection.summary()}", dict(facts))
