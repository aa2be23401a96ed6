"""Arguments that several commands share, and the values that they combine into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storlet_shell.commands.arguments.headers import Header
from storlet_shell.errors import UsageError
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.values import ByteRange, Invocation, Metadatum, ObjectPath, Parameter, StorletName, read_count

if TYPE_CHECKING:
    from storlet_shell.batches.templates import Template
    from storlet_shell.patterns import Pattern

_MOST_JOBS = 64
_MOST_BATCH_JOBS = 1000
_SPELLED = "path:/CONTAINER/OBJECT"

STORLET_OPTIONS = "storlet options"
RESULT_OPTIONS = "result options"
BATCH_OPTIONS = "batch options"
SCHEDULING_OPTIONS = "endpoint options"
"""Headings for the options of commands that have many."""


def number_option(
    *flags: str, metavar: str, help: str, maximum: int | None = None, default: int | None = None, group: str = ""
) -> Arg:
    """Make an option that takes a number of at least 1.

    :param maximum: the largest number that it takes; None means no limit
    """
    limits = f"from 1 to {maximum}" if maximum else "of at least 1"

    def parse(text: str) -> int:
        number = read_count(text) or 0
        if not 1 <= number <= (maximum or number):
            raise UsageError(f"{flags[0]} takes a number {limits}, not {text}")
        return number

    return Arg(*flags, type=parse, default=default, metavar=metavar, help=help, group=group)


def parse_count(text: str) -> int:
    """Read a number of bytes or lines.

    :raises UsageError: when the text isn't a non-negative integer
    """
    count = read_count(text)
    if count is None:
        raise UsageError(f"{text!r}: not a count; write up to 18 digits")
    return count


def object_position(name: str) -> Arg:
    """Make a positional argument for an object, with or without the prefix ``path:``."""
    return Arg(name, nargs="?", type=ObjectPath.parse_position, kind=Kind.OBJECT, metavar="CONTAINER/OBJECT")


def object_option(flag: str, help: str, **options: Any) -> Arg:
    """Make an option for an object, which must have the prefix ``path:``."""
    return Arg(flag, type=ObjectPath.parse, kind=Kind.OBJECT, metavar=_SPELLED, help=help, **options)


JOBS = number_option(
    "-j", "--jobs", metavar="COUNT", help="number of objects at a time (default: 8)", maximum=_MOST_JOBS, default=8
)
DRY_RUN = Arg("--dry-run", action="store_true", help="show the requests without sending them")
YES = Arg("-y", "--yes", action="store_true", help="don't ask for confirmation")
SAVE = Arg(
    "--save",
    kind=Kind.FILE,
    metavar="FILE",
    help="write the result to FILE, atomically, once the transfer completes; - means standard output",
    group=RESULT_OPTIONS,
)

RANGE = Arg(
    "--range",
    type=ByteRange.parse,
    metavar="FIRST-LAST",
    help="read only these bytes of the object; also FIRST- and -COUNT",
)
HEADER = Arg(
    "-H",
    "--header",
    dest="headers",
    action="append",
    type=Header.parse,
    metavar="NAME:VALUE",
    help="extra request header; repeatable",
)
METADATA = Arg(
    "-m",
    "--meta",
    dest="metadata",
    action="append",
    type=Metadatum.parse,
    metavar="KEY=VALUE",
    help="metadata to set; repeatable",
)

EXPECT_BYTES = Arg(
    "--expect-bytes",
    type=parse_count,
    metavar="COUNT",
    help="fail unless the result has exactly this many bytes",
    group=RESULT_OPTIONS,
)
EXPECT_LINES = Arg(
    "--expect-lines",
    type=parse_count,
    metavar="COUNT",
    help="fail unless the result has exactly this many lines",
    group=RESULT_OPTIONS,
)

PARAMETERS = (
    Arg(
        "-p",
        dest="parameters",
        action="append",
        type=Parameter.parse,
        kind=Kind.PARAMETER,
        metavar="KEY=VALUE",
        help="parameter of the storlet; repeatable",
        group=STORLET_OPTIONS,
    ),
    Arg(
        "-i",
        dest="mapping",
        action="append",
        kind=Kind.VARIABLE,
        metavar="NAME",
        help="variable that holds a dict of parameters; repeatable",
        group=STORLET_OPTIONS,
    ),
)

INVOCATION = (
    Arg(
        "--storlet",
        type=StorletName.parse,
        kind=Kind.STORLET,
        metavar="NAME",
        help="storlet to run over the object (default: none)",
        group=STORLET_OPTIONS,
    ),
    *PARAMETERS,
    object_option(
        "--extra",
        "further input for a storlet that takes several; repeatable",
        action="append",
        group=STORLET_OPTIONS,
    ),
    Arg(
        "--allow-unread",
        action="store_true",
        help="accept that the storlet leaves some of several inputs unread",
        group=STORLET_OPTIONS,
    ),
    Arg(
        "--on-proxy",
        dest="on_proxy",
        action="store_const",
        const=True,
        help="run on the proxy server",
        group=STORLET_OPTIONS,
    ),
    Arg(
        "--on-node",
        dest="on_proxy",
        action="store_const",
        const=False,
        help="run on the object's own server",
        group=STORLET_OPTIONS,
    ),
    Arg(
        "--generate-log",
        action="store_true",
        help="store the run's log as storletlog/NAME.log, if the engine can",
        group=STORLET_OPTIONS,
    ),
)


RUN = tuple(arg for arg in INVOCATION if arg.dest != "storlet")
STORLET = Arg(
    "--storlet", type=StorletName.parse, kind=Kind.STORLET, required=True, metavar="NAME", help="storlet to run"
)


def parse_pattern(text: str) -> Pattern:
    """Read the pattern of a batch's inputs; see :meth:`Pattern.parse`."""
    from storlet_shell.patterns import Pattern  # most lines have no pattern

    return Pattern.parse(text)


def parse_output(text: str) -> Template:
    """Read the template of a batch's objects; see :meth:`Template.parse_output`."""
    from storlet_shell.batches.templates import Template  # the same

    return Template.parse_output(text)


def parse_files(text: str) -> Template:
    """Read the template of a batch's files; see :meth:`Template.parse_files`."""
    from storlet_shell.batches.templates import Template  # the same

    return Template.parse_files(text)


INPUT = Arg(
    "--input",
    type=parse_pattern,
    kind=Kind.OBJECT,
    required=True,
    metavar="path:/CONTAINER/PATTERN",
    help="the inputs: * stands for any characters but /, ** for folders, ? for one character, [a-z] and {a,b} for one "
    "of several",
)
PLACES = (
    INPUT,
    Arg(
        "--output",
        type=parse_output,
        kind=Kind.OBJECT,
        metavar="path:/CONTAINER/TEMPLATE",
        help="store each result as an object; fields: {path} {dir} {name} {stem} {suffix} {container}",
        group=RESULT_OPTIONS,
    ),
    Arg(
        "--save",
        type=parse_files,
        kind=Kind.FILE,
        metavar="FOLDER",
        help="write each result to a file in this folder, named like the object, or by the same fields",
        group=RESULT_OPTIONS,
    ),
    Arg(
        "--concat",
        kind=Kind.FILE,
        metavar="FILE",
        help="join all results in FILE, in the order of the listing; - means standard output",
        group=RESULT_OPTIONS,
    ),
    Arg(
        "--header",
        dest="header",
        choices=("once", "keep", "none"),
        help="how to join first lines: keep the first one, all, or none (default: once for .csv and .tsv with headers)",
        group=RESULT_OPTIONS,
    ),
)
BATCH_JOBS = number_option(
    "-j",
    "--jobs",
    metavar="JOBS",
    help="number of runs at a time (default: 8)",
    maximum=_MOST_BATCH_JOBS,
    default=8,
    group=BATCH_OPTIONS,
)
SCHEDULING = (
    Arg(
        "--endpoint",
        action="append",
        metavar="URL",
        help="send runs here: a storage URL, the address of a proxy server (scheme, host, port), or the word regions "
        "for all regions of the catalog; repeatable",
        group=SCHEDULING_OPTIONS,
    ),
    Arg(
        "--scheduler",
        default="least-outstanding",
        metavar="NAME",
        help="how to choose among several endpoints (default: least-outstanding)",
        group=SCHEDULING_OPTIONS,
    ),
    Arg(
        "--executor",
        default="threads",
        metavar="NAME",
        help="what runs the batch: threads or dask (default: threads)",
        group=SCHEDULING_OPTIONS,
    ),
    Arg(
        "--scheduler-address",
        default="",
        metavar="ADDRESS",
        help="address of the executor's cluster, such as tcp://HOST:PORT",
        group=SCHEDULING_OPTIONS,
    ),
)
JOURNAL = Arg(
    "--journal",
    kind=Kind.FILE,
    metavar="FILE",
    help="record progress; rerun the same command to resume",
    group=BATCH_OPTIONS,
)
PACE = (
    Arg(
        "--on",
        choices=("get", "copy"),
        help="how to run (default: copy for --output, get otherwise)",
        group=BATCH_OPTIONS,
    ),
    BATCH_JOBS,
    number_option("--limit", metavar="N", help="take only the first N matching objects", group=BATCH_OPTIONS),
    JOURNAL,
    Arg("--ordered", action="store_true", help="show rows in the order of the listing", group=BATCH_OPTIONS),
    Arg(
        "--keep-going",
        dest="keep_going",
        action="store_const",
        const=True,
        help="continue after a failure (default)",
        group=BATCH_OPTIONS,
    ),
    Arg(
        "--fail-fast",
        dest="keep_going",
        action="store_const",
        const=False,
        help="stop at the first failure",
        group=BATCH_OPTIONS,
    ),
    Arg(
        "--allow-failures",
        action="store_true",
        help="exit with 0 even if objects failed, as long as every run was tried",
        group=BATCH_OPTIONS,
    ),
    *SCHEDULING,
    DRY_RUN,
)
"""The arguments of ``map`` and ``pipe`` in addition to :data:`PLACES`."""


def make_invocation(
    session: Session,
    storlet: StorletName | None,
    parameters: list[Parameter] | None = None,
    mapping: list[str] | None = None,
    extra: list[ObjectPath] | None = None,
    on_proxy: bool | None = None,
    generate_log: bool = False,
    allow_unread: bool = False,
) -> Invocation | None:
    """Combine the arguments in :data:`INVOCATION` into one value; None for a plain request.

    :raises UsageError: when an option needs a storlet and the line names none, or a variable holds no parameters
    """
    if storlet is None:
        if parameters or mapping or extra or on_proxy is not None or generate_log or allow_unread:
            options = "-p, -i, --extra, --allow-unread, --on-proxy, --on-node and --generate-log"
            raise UsageError(f"{options} need --storlet NAME")
        return None
    merged = session.parameters(tuple(parameters or ()), mapping)
    return Invocation(storlet, merged, None, tuple(extra or ()), on_proxy, generate_log, allow_unread)


def only_one(option: Any, position: Any, name: str) -> Any:
    """Return what was given by option or by position.

    :raises UsageError: when it was given twice or not at all
    """
    if (option is None) == (position is None):
        raise UsageError(f"{name} must be given" + (" once" if option is not None else ""))
    return position if option is None else option
