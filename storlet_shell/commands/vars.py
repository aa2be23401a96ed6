"""``vars``: the variables that results are stored in and parameters come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storlet_shell.errors import NotFoundError, UsageError
from storlet_shell.results import Done, Report, Response, Result, Table, Text
from storlet_shell.results.describe import describe
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.values import Parameter


@command(
    "vars",
    "List the variables, show one, or define one.",
    Arg("name", nargs="?", kind=Kind.VARIABLE, metavar="NAME"),
    Arg(
        "values", nargs="*", type=Parameter.parse, metavar="KEY=VALUE", help="make it a dict of parameters, for -i NAME"
    ),
    Arg("--delete", action="store_true", help="forget the variable"),
    category="Session",
)
def vars(
    session: Session, name: str | None = None, values: list[Parameter] | None = None, delete: bool = False
) -> Result:
    """List the variables, show one, or define one.

    A variable holds what -o NAME has stored, what -D NAME=VALUE has defined, or a dict: vars NAME KEY=VALUE … . Of a
    stored response, the body is shown. A dict, or text that is a JSON object, gives a storlet's parameters: -i NAME.

    :raises NotFoundError: when there is no such variable
    """
    if name is None:
        if delete:
            raise UsageError("--delete lacks the variable's name")
        return Table(("name", "value"), [(each, describe(value)) for each, value in sorted(session.variables.items())])
    if values:
        session.check_variable(name)
        session.variables[name] = {parameter.key: parameter.value for parameter in values}
        return Done(f"{name} = {describe(session.variables[name])}", {"name": name})
    if name not in session.variables:
        raise NotFoundError(f"there is no variable {name}")
    if delete:
        del session.variables[name]
        return Done(f"{name} is forgotten", {"name": name})
    return _shown(session.variables[name])


def _shown(value: Any) -> Result:
    if isinstance(value, Response) and value.has_body:
        return Response(value.status, value.headers, iter([value.content]), subject=value.subject)
    if isinstance(value, Result):
        return value
    if isinstance(value, Mapping):
        return Report({str(key): item for key, item in value.items()})
    return Text(value if isinstance(value, str) else repr(value))
