"""Arguments as data: what a word means, what completes it, and which words of a line are options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.results.formats import DOCUMENT, FORMATS, PEOPLE

_WITHOUT_VALUE = ("store_true", "store_false", "store_const", "count")
HELP_FLAGS = ("-h", "--help")


class Kind(Enum):
    """What an argument names, which decides how it is completed."""

    OBJECT = "object"
    SOURCE = "local file, or object"
    CONTAINER = "container"
    STORLET = "storlet"
    DEPENDENCY = "dependency"
    FILE = "file"
    CODE = "storlet's file, or standard storlet"
    VARIABLE = "variable"
    COMMAND = "command"
    ACTION = "action of a command"
    PARAMETER = "parameter of the line's storlet"


class Arg:
    """An argument of a command: the parameters of argparse's ``add_argument``, and what the argument names.

    :param flags: the option's spellings, or the one name of a positional argument
    :param kind: what completes it; None if nothing can
    :param separator: the separator between names if one word can hold several
    :param group: the heading in the help of a command with many options; empty means the first one
    :param options: keyword arguments of ``add_argument``
    """

    def __init__(
        self, *flags: str, kind: Kind | None = None, separator: str = "", group: str = "", **options: Any
    ) -> None:
        self.flags = flags
        self.kind = kind
        self.separator = separator
        self.group = group
        self.options = options

    @property
    def dest(self) -> str:
        """The name of the parameter that receives the argument."""
        if "dest" in self.options:
            return str(self.options["dest"])
        longest = next((flag for flag in self.flags if flag.startswith("--")), self.flags[0])
        return longest.lstrip("-").replace("-", "_")

    @property
    def is_option(self) -> bool:
        """Whether it is an option rather than a positional argument."""
        return self.flags[0].startswith("-")

    @property
    def value_name(self) -> str:
        """The name of its value in help."""
        if "metavar" in self.options:
            return str(self.options["metavar"])
        if choices := self.options.get("choices"):
            return "|".join(map(str, choices))
        return self.dest.upper()

    @property
    def usage(self) -> str:
        """Its place in a line: in brackets if it can be left out."""
        if self.is_option:
            return f"{max(self.flags, key=len)} {self.value_name}"
        forms = {"?": f"[{self.value_name}]", "*": f"[{self.value_name} …]", "+": f"{self.value_name} …"}
        return forms.get(str(self.options.get("nargs")), self.value_name)

    @property
    def takes_value(self) -> bool:
        """Whether a value follows the option."""
        return self.options.get("action") not in _WITHOUT_VALUE


def parse_columns(text: str) -> tuple[str, ...]:
    """Parse names with commas between them.

    :raises UsageError: when one is missing
    """
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise UsageError(f"--columns takes names with commas between them, not {text!r}")
    return names


COMMON = (
    Arg("-o", dest="store", kind=Kind.VARIABLE, metavar="NAME", help="store the result in this variable"),
    Arg("--json", dest="format", action="store_const", const=DOCUMENT, help="show the result as one JSON document"),
    Arg(
        "--format",
        choices=tuple(FORMATS),
        metavar="FORMAT",
        help=f"show the result as {', '.join(tuple(FORMATS)[:-1])} or {tuple(FORMATS)[-1]} (default: {PEOPLE})",
    ),
    Arg(
        "--columns",
        type=parse_columns,
        default=(),
        metavar="NAME[,NAME…]",
        help="show only these columns, in this order",
    ),
)
"""The arguments of every command. Front ends act on them; a command never sees them."""


BYTES = Arg(
    "--bytes", action="store_true", help="show exact numbers of bytes on a terminal, too (default there: as 13.8 MiB)"
)
"""An argument of commands that show sizes."""


@typed_equality
class Scan(NamedTuple):
    """A line's words, told apart without parsing them.

    :param positions: the indexes of the words that are neither options nor their values
    :param flags: the options, without values that are attached by ``=``
    :param pending: the option whose value is still missing at the end
    :param only_positions: whether a ``--`` has ended the options
    """

    positions: tuple[int, ...]
    flags: tuple[str, ...]
    pending: Arg | None
    only_positions: bool


def options_of(args: Iterable[Arg]) -> dict[str, Arg]:
    """Return the options among arguments by each of their spellings."""
    return {flag: arg for arg in args if arg.is_option for flag in arg.flags}


def scan(options: dict[str, Arg], words: Sequence[str]) -> Scan:
    """Tell options, their values and other words apart.

    :param options: the options by their spellings, as :func:`options_of` returns them
    """
    positions: list[int] = []
    flags: list[str] = []
    pending = None
    for number, word in enumerate(words):
        if pending is not None:
            pending = None
        elif word == "--":
            return Scan((*positions, *range(number + 1, len(words))), tuple(flags), None, only_positions=True)
        elif word.startswith("-") and word != "-":
            flag, attached, _ = word.partition("=")
            flags.append(flag)
            option = options.get(flag)
            pending = option if option is not None and option.takes_value and not attached else None
        else:
            positions.append(number)
    return Scan(tuple(positions), tuple(flags), pending, only_positions=False)
