"""Arguments that several commands share, and the values that they make together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storlet_shell.errors import UsageError
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.values import ByteRange, Invocation, Metadatum, ObjectPath, Parameter, StorletName, read_count
from storlet_shell.wire.headers import CONDITIONS, Header

if TYPE_CHECKING:
    from storlet_shell.batches.patterns import Pattern
    from storlet_shell.batches.templates import Template

_MOST_JOBS = 64
_MOST_BATCH_JOBS = 1000
_SPELLED = "path:/CONTAINER/OBJECT"


def number_option(*names: str, metavar: str, help: str, most: int | None = None, default: int | None = None) -> Arg:
    """Make an option that takes a number from 1 on.

    :param most: the largest that it takes
    """
    upwards = f"from 1 to {most}" if most else "from 1 on"

    def parse(text: str) -> int:
        number = read_count(text) or 0
        if not 1 <= number <= (most or number):
            raise UsageError(f"{names[0]} takes a number {upwards}, not {text}")
        return number

    return Arg(*names, type=parse, default=default, metavar=metavar, help=help)


def parse_count(text: str) -> int:
    """Read a number of bytes or lines.

    :raises UsageError: when it is none
    """
    count = read_count(text)
    if count is None:
        raise UsageError(f"a count is written in digits, at most 18: {text!r}")
    return count


def object_position(name: str) -> Arg:
    """Make a positional argument that may be an object; its prefix can be left out."""
    return Arg(name, nargs="?", type=ObjectPath.parse_position, kind=Kind.OBJECT, metavar="CONTAINER/OBJECT")


def object_option(flag: str, help: str, **options: Any) -> Arg:
    """Make an option that names an object, and insists on its prefix."""
    return Arg(flag, type=ObjectPath.parse, kind=Kind.OBJECT, metavar=_SPELLED, help=help, **options)


JOBS = number_option(
    "-j", "--jobs", metavar="COUNT", help="how many go at a time; 8 if not given", most=_MOST_JOBS, default=8
)
DRY_RUN = Arg("--dry-run", action="store_true", help="show the request that would be sent, and send nothing")
YES = Arg("-y", "--yes", action="store_true", help="do not ask")
SAVE = Arg(
    "--save",
    kind=Kind.FILE,
    metavar="FILE",
    help="write the body to this file, which appears at the clean end; - is standard output",
)

RANGE = Arg(
    "--range",
    type=ByteRange.parse,
    metavar="FIRST-LAST",
    help="read only this range of the object's bytes; FIRST- and -COUNT are ranges too",
)
HEADER = Arg(
    "-H",
    "--header",
    dest="headers",
    action="append",
    type=Header.parse,
    metavar="NAME:VALUE",
    help="send this header as well; may be repeated",
)
METADATA = Arg(
    "-m",
    "--meta",
    dest="metadata",
    action="append",
    type=Metadatum.parse,
    metavar="KEY=VALUE",
    help="a metadatum; may be repeated",
)

EXPECT_BYTES = Arg(
    "--expect-bytes", type=parse_count, metavar="COUNT", help="fail unless the result has exactly so many bytes"
)
EXPECT_LINES = Arg(
    "--expect-lines", type=parse_count, metavar="COUNT", help="fail unless the result has exactly so many lines"
)

PARAMETERS = (
    Arg(
        "-p",
        dest="parameters",
        action="append",
        type=Parameter.parse,
        metavar="KEY=VALUE",
        help="a parameter of the storlet; may be repeated",
    ),
    Arg(
        "-i",
        dest="mapping",
        action="append",
        kind=Kind.VARIABLE,
        metavar="NAME",
        help="a variable that holds a dict of parameters; may be repeated",
    ),
)

INVOCATION = (
    Arg(
        "--storlet",
        type=StorletName.parse,
        kind=Kind.STORLET,
        metavar="NAME",
        help="run this storlet over the object; without it, the object goes as it is",
    ),
    *PARAMETERS,
    object_option("--extra", "a further input of a storlet that takes several; may be repeated", action="append"),
    Arg("--allow-unread", action="store_true", help="accept that the storlet reads nothing of some of several inputs"),
    Arg("--on-proxy", dest="on_proxy", action="store_const", const=True, help="run on the proxy server"),
    Arg("--on-node", dest="on_proxy", action="store_const", const=False, help="run on the object's own server"),
    Arg("--generate-log", action="store_true", help="have the engine store the run's log as storletlog/NAME.log"),
)


RUN = tuple(arg for arg in INVOCATION if arg.dest != "storlet")
STORLET = Arg("--storlet", type=StorletName.parse, kind=Kind.STORLET, required=True, metavar="NAME", help="the storlet")


def parse_pattern(text: str) -> Pattern:
    """Read the objects of a batch; see :meth:`Pattern.parse`."""
    from storlet_shell.batches.patterns import Pattern  # most lines have no pattern

    return Pattern.parse(text)


def parse_output(text: str) -> Template:
    """Read what a batch's results are stored as; see :meth:`Template.parse_output`."""
    from storlet_shell.batches.templates import Template  # the same

    return Template.parse_output(text)


def parse_files(text: str) -> Template:
    """Read where a batch's results are written to; see :meth:`Template.parse_files`."""
    from storlet_shell.batches.templates import Template  # the same

    return Template.parse_files(text)


INPUT = Arg(
    "--input",
    type=parse_pattern,
    kind=Kind.OBJECT,
    required=True,
    metavar="path:/CONTAINER/PATTERN",
    help="the objects: * any characters but /, ** any folders, ? one character, [a-z] one of these, {a,b} either",
)
PLACES = (
    INPUT,
    Arg(
        "--output",
        type=parse_output,
        kind=Kind.OBJECT,
        metavar="path:/CONTAINER/TEMPLATE",
        help="store what is made of each as an object; fields: {path} {dir} {name} {stem} {suffix} {container}",
    ),
    Arg(
        "--save",
        type=parse_files,
        kind=Kind.FILE,
        metavar="FOLDER",
        help="write what is made of each to a file below this folder, under the object's name, or as the fields say",
    ),
)
BATCH_JOBS = number_option(
    "-j", "--jobs", metavar="JOBS", help="how many runs are under way at a time; 8", most=_MOST_BATCH_JOBS, default=8
)
SCHEDULING = (
    Arg(
        "--endpoint",
        action="append",
        metavar="URL",
        help="send the runs here: a storage URL, a proxy server's scheme, name and port, or the word regions for every "
        "region of the catalog; may be repeated",
    ),
    Arg("--scheduler", default="least-outstanding", metavar="NAME", help="what chooses among several endpoints"),
    Arg("--executor", default="threads", metavar="NAME", help="what does the work side by side"),
    Arg(
        "--scheduler-address", default="", metavar="ADDRESS", help="where an executor's own cluster is: tcp://HOST:PORT"
    ),
)
PACE = (
    Arg("--on", choices=("get", "copy"), help="run by GET, which --save wants, or by COPY, which --output wants"),
    BATCH_JOBS,
    number_option("--limit", metavar="N", help="take the first N matching objects only"),
    Arg("--journal", kind=Kind.FILE, metavar="FILE", help="record what is done; the same line goes on from there"),
    Arg("--ordered", action="store_true", help="show rows in the order of the listing"),
    Arg("--keep-going", dest="keep_going", action="store_const", const=True, help="go on after a failure (default)"),
    Arg("--fail-fast", dest="keep_going", action="store_const", const=False, help="end at the first failure"),
    Arg(
        "--allow-failures", action="store_true", help="end well though objects failed, as long as every one had its run"
    ),
    *SCHEDULING,
    DRY_RUN,
)
"""What ``map`` and ``pipe`` have in common, beside :data:`PLACES`."""


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
    """Make one value of the arguments in :data:`INVOCATION`; None for a plain request.

    :raises UsageError: when there are arguments of an invocation but no storlet, or the variable holds no parameters
    """
    if storlet is None:
        if parameters or mapping or extra or on_proxy is not None or generate_log or allow_unread:
            options = "-p, -i, --extra, --allow-unread, --on-proxy, --on-node and --generate-log"
            raise UsageError(f"{options} want a --storlet")
        return None
    merged = session.parameters(tuple(parameters or ()), mapping)
    return Invocation(storlet, merged, None, tuple(extra or ()), on_proxy, generate_log, allow_unread)


def own_headers(given: list[Header] | None, run: Invocation | None) -> dict[str, str]:
    """Return the user's own headers; of one that is given twice, the last.

    :raises UsageError: when one is a condition on the source of a storlet's result, whose ETag and date mean nothing
    """
    headers = {header.name.title(): header.value for header in given or ()}
    conditional = next((name for name in headers if run and name.lower() in CONDITIONS), None)
    if run and conditional:
        raise UsageError(f"{conditional} compares the source, not what {run.storlet} makes; drop it or --storlet")
    return headers


def only_one(option: Any, position: Any, name: str) -> Any:
    """Return what was given by option or by position.

    :raises UsageError: when it was given twice or not at all
    """
    if (option is None) == (position is None):
        raise UsageError(f"{name} must be given" + (" once" if option is not None else ""))
    return position if option is None else option
