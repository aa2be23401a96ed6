"""``vars``: show and define variables, which hold results and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storlet_shell.errors import Action, Hint, NotFoundError, UsageError, advise
from storlet_shell.results import Done, Field, Report, Response, Result, Table, Text
from storlet_shell.results.describe import describe
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.values import Parameter

if TYPE_CHECKING:
    from storlet_shell.results.schemas.session import Variable


@command(
    "vars",
    "List the variables, show one, or define one.",
    Arg("name", nargs="?", kind=Kind.VARIABLE, metavar="NAME"),
    Arg(
        "values",
        nargs="*",
        type=Parameter.parse,
        metavar="KEY=VALUE",
        help="define it as a dict of parameters, for -i NAME",
    ),
    Arg("--delete", action="store_true", help="delete the variable"),
    category="Session",
    examples=(
        "vars limits least=20 unit=C  # parameters for -i limits",
        "vars  # list all variables",
        "vars limits --delete",
    ),
)
def vars(
    session: Session, name: str | None = None, values: list[Parameter] | None = None, delete: bool = False
) -> Result:
    """List the variables, show one, or define one.

    A variable holds a result (-o NAME), a definition (-D NAME=VALUE), or a dict (vars NAME KEY=VALUE …). For a
    stored response, the body is shown. A dict, or text that is a JSON object, holds parameters for a storlet: -i NAME.

    :raises NotFoundError: when the variable doesn't exist
    """
    if name is None:
        if delete:
            raise UsageError("--delete needs the name of a variable")
        empty = advise("no variables", Hint(Action.DEFINE_VARIABLE), session.surroundings.spell)
        rows = (tuple(_variable(*item).values()) for item in sorted(session.variables.items()))
        return Table(_FIELDS, rows, empty=empty)
    if values:
        session.check_variable(name)
        session.variables[name] = {parameter.key: parameter.value for parameter in values}
        return Done(f"{name} = {describe(session.variables[name])}", {"name": name, "value": session.variables[name]})
    if name not in session.variables:
        raise NotFoundError(f"variable {name}: not found")
    if delete:
        del session.variables[name]
        return Done(f"{name} is deleted", {"name": name, "value": None})
    return _shown(session.variables[name])


_FIELDS = (
    Field("name"),
    Field("type", is_shown=False),
    Field("value", is_shown=False),
    Field("description", "value"),
)


def _variable(name: str, value: Any) -> Variable:
    return {"name": name, "type": type(value).__name__, "value": _data(value), "description": describe(value)}


def _data(value: Any) -> Any:
    """Return a value as JSON has it: text, a number, a truth value, or a mapping of these; else None."""
    if isinstance(value, Mapping) and not isinstance(value, Result):
        return {str(key): item for key, item in value.items() if isinstance(item, str | int | float)}
    return value if isinstance(value, str | int | float) else None


def _shown(value: Any) -> Result:
    if isinstance(value, Response) and value.has_body:
        return Response(value.status, value.headers, iter([value.content]), subject=value.subject)
    if isinstance(value, Result):
        return value
    if isinstance(value, Mapping):
        return Report({str(key): item for key, item in value.items()})
    return Text(value if isinstance(value, str) else repr(value))
