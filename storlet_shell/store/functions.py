"""What the source of a deployed storlet tells: a function's parameters and own lines, and how many inputs are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from storlet_shell import shelf
from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, ConnectionFailedError, Hint, IdentityError, StorletShellError, UsageError
from storlet_shell.wire import headers as wire
from storlet_shell.wire.cluster import function_of
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.storlets.functions.signature import Signature
    from storlet_shell.values import Invocation, StorletName
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.transport import Reply

_LARGEST = 1 << 20
"""The maximum size of source code that is read, in bytes."""

_DRAINED = 64 * 1024
"""Up to this size, a body that isn't needed is read to its end, so that its connection can be used again."""


@typed_equality
class Function(NamedTuple):
    """A deployed function storlet.

    :param code: its deployed source
    """

    signature: Signature
    code: str

    @property
    def takes_several(self) -> bool:
        """Whether it takes several inputs, rather than one."""
        from storlet_shell.storlets.functions.adapter.types import storlet_input  # few runs have several inputs

        return storlet_input(self.signature.input)[1]


def look_up(client: Client, storlet: StorletName, container: str = "") -> Function | None:
    """Return the function that a storlet was made from; None for any other storlet, or if it can't be read.

    The storlet is requested once for all clients of a login, and again after it was deployed with one of them.

    :param container: the container that holds it; empty for the cluster's storlet container
    :raises ConnectionFailedError: if no response arrives
    """
    if not storlet.name.endswith(".py"):
        return None
    try:
        request = Request("GET", container or client.storlet_container, storlet.name)
        return client.cluster.recall(function_of(request.container, storlet.name), lambda: _ask(client, request))
    except ConnectionFailedError:
        raise
    except StorletShellError:  # the run will report it if it matters
        return None


def remember(client: Client, storlet: StorletName, function: Function | None) -> None:
    """Remember the result of a look-up by another process, so that this one sends no request for it."""
    client.cluster.note(function_of(client.storlet_container, storlet.name), function)


def look_up_again(client: Client, storlet: StorletName, container: str = "") -> Function | None:
    """Return the function as it is now, whatever is remembered; else see :func:`look_up`."""
    client.cluster.forget(function_of(container or client.storlet_container, storlet.name))
    return look_up(client, storlet, container)


def check_parameters(client: Client, run: Invocation) -> Function | None:
    """Check the parameters of a run, if its storlet is a function; return the function.

    :raises UsageError: if one is unknown, missing, or unfit
    """
    is_remembered = client.cluster.knows(function_of(client.storlet_container, run.storlet.name))
    function = look_up(client, run.storlet)
    try:
        _check(run, function)
    except UsageError:
        if not is_remembered:
            raise
        function = look_up_again(client, run.storlet)
        _check(run, function)
    return function


def _check(run: Invocation, function: Function | None) -> None:
    if function is not None:
        function.signature.check({parameter.key: parameter.value for parameter in run.parameters})


def with_own_lines(client: Client, storlet: str, details: str) -> str:
    """Return a log or traceback with the lines of a function as its author knows them; sends no request.

    Deliberate refusals of standard storlets are left out.

    :param storlet: the name of the storlet; unless it is remembered as a function, no line changes
    """
    details = shelf.without_refusals(storlet, details)
    key = function_of(client.storlet_container, storlet)
    function: Function | None = client.cluster.recall(key, lambda: None) if client.cluster.knows(key) else None
    if function is None:
        return details
    from storlet_shell.storlets.origins import with_own_lines  # only failing functions need it

    return with_own_lines(details, storlet, function.code)


def _function_in(reply: Reply) -> Function | None:
    """Return the function in the response to the GET of a storlet; None if it holds another storlet.

    The main class tells, so that the code of others isn't parsed.
    """
    size = wire.decode_length(reply.headers) or 0
    if not wire.decode_storlet(reply.headers).is_function or size > _LARGEST:
        if size <= _DRAINED:
            reply.read()
        reply.close()
        return None
    from storlet_shell.storlets.functions.signature import Signature  # parses code, which few lines need

    code = reply.read()
    signature = Signature.parse(code)
    return signature and Function(signature, code.decode("utf-8", "replace"))


def _ask(client: Client, request: Request) -> Function | None:
    """Request a storlet.

    :raises NotFoundError: if it isn't deployed, which another client may change at any time
    """
    try:
        return _function_in(client.send(request))
    except IdentityError:  # a user may be allowed to run a storlet but not to read it
        return None


def check_inputs_are_read(client: Client, run: Invocation) -> None:
    """Check that the storlet of a run can read all of its inputs.

    :raises UsageError: if its source shows that it can't, unless that is allowed
    """
    if run.extra:
        check_count(run, 1 + len(run.extra), most_inputs(client, run))


def check_count(run: Invocation, count: int, maximum: int | None) -> None:
    """Check that a storlet can read all inputs of a run.

    :param count: the number of inputs
    :param maximum: see :func:`most_inputs`
    :raises UsageError: if it can't
    """
    if maximum is not None and maximum < count:
        inputs = f"at most {maximum} of its inputs" if maximum else "none of its inputs"
        text = f"{{subject}} reads {inputs}, but the run has {count}; nothing was run"
        raise UsageError(text, subject=str(run.storlet), hint=Hint(Action.ALLOW_UNREAD))


def most_inputs(client: Client, run: Invocation) -> int | None:
    """Return the maximum number of inputs that a deployed storlet can read; None if that is unknown or irrelevant.

    It is unknown for jars, and for users who may run a storlet but not read it.
    """
    if run.allow_unread or not run.storlet.name.endswith(".py"):
        return None
    try:
        reply = client.find(Request("GET", client.storlet_container, run.storlet.name))
    except StorletShellError:  # the run itself will report it if it matters
        return None
    if reply is None or (wire.decode_length(reply.headers) or 0) > _LARGEST:
        return None
    if wire.decode_storlet(reply.headers).is_function:
        function = _function_in(reply)
        return None if function is None or function.takes_several else 1
    from storlet_shell.storlets.inputs import count_read  # few runs have several inputs
    from storlet_shell.storlets.parsing import parse_code

    main = wire.decode_storlet(reply.headers).main
    try:
        return count_read(parse_code(reply.read()), main.partition(".")[2])
    except (SyntaxError, ValueError, RecursionError):
        return None
