"""``vars``: show and define variables, which hold results and parameters."""

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

    A variable holds a result (-o NAME), a definition (-D NAME=VALUE), or a dict (vars NAME KEY=VALUE …). Of a stored
    response, the body is shown. A dict, or text that is a JSON object, holds parameters for a storlet: -i NAME.

    :raises NotFoundError: when the variable doesn't exist
    """
    if name is None:
        if delete:
            raise UsageError("--delete needs the name of a variable")
        return Table(("name", "value"), [(each, describe(value)) for each, value in sorted(session.variables.items())])
    if values:
        session.check_variable(name)
        session.variables[name] = {parameter.key: parameter.value for parameter in values}
        return Done(f"{name} = {describe(session.variables[name])}", {"name": name})
    if name not in session.variables:
        raise NotFoundError(f"variable {name}: not found")
    if delete:
        del session.variables[name]
        return Done(f"{name}: deleted", {"name": name})
    return _shown(session.variables[name])


def _shown(value: Any) -> Result:
    if isinstance(value, Response) and value.has_body:
        return Response(value.status, value.headers, iter([value.content]), subject=value.subject)
    if isinstance(value, Result):
        return value
    if isinstance(value, Mapping):
        return Report({str(key): item for key, item in value.items()})
    return Text(value if isinstance(value, str) else repr(value))
