"""Checks before a batch, so that it doesn't fail for every object."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from storlet_shell.batches.journal import Outputs
from storlet_shell.batches.objects import Objects
from storlet_shell.batches.templates import Template
from storlet_shell.errors import IdentityError, UsageError
from storlet_shell.patterns import Pattern
from storlet_shell.results.saving import is_same_file, is_stdout
from storlet_shell.store.failures import not_deployed
from storlet_shell.store.functions import Function, check_parameters
from storlet_shell.store.metadata import exists
from storlet_shell.store.runs import check_extra_resources, check_storlets_run
from storlet_shell.values import Invocation, ObjectPath

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


def check_ready(client: Client, run: Invocation) -> Function | None:
    """Check for problems that would make every run fail.

    :returns: the function that the storlet was made from; None for any other storlet
    :raises UsageError: when the storlet is a function, and a parameter is unknown, missing, or unfit
    :raises NotFoundError: when the storlet or an extra resource doesn't exist
    :raises ServiceError: when the cluster runs no storlets
    """
    check_storlets_run(client)
    with suppress(IdentityError):  # a user may be allowed to run a storlet but not to read it
        if not exists(client, ObjectPath(client.storlet_container, run.storlet.name)):
            raise not_deployed(client, run.storlet.name)
    function = check_parameters(client, run)
    check_extra_resources(client, run)
    return function


def check_journal(journal: str | None, result: str | None = None) -> None:
    """Check that a journal has its own file.

    :param journal: its path; None without one
    :param result: the file that the result is written to; None for none
    :raises UsageError: when it is standard output, or the file of the result
    """
    if journal is not None and is_stdout(journal):
        raise UsageError(f"the journal needs its own file, not standard output: {journal}")
    if journal is not None and result is not None and is_same_file(journal, result):
        raise UsageError(f"the journal needs its own file, not that of the result: {journal}")


def check_apart(client: Client, pattern: Pattern, template: Template, limit: int | None = None) -> int | None:
    """Check that no two objects have the same output, and that no output is an input; list the names only if necessary.

    :param limit: the number of objects; None for all
    :returns: the number of objects, if they were listed
    :raises UsageError: when they do, or one is
    """
    is_object = template.text.startswith("path:")
    is_own = is_object and template.output(ObjectPath(pattern.container, "x")).container == pattern.container
    if template.keeps_apart(pattern) and not is_own:
        return None
    outputs, matches, count = Outputs(), pattern.matcher(), 0
    try:
        for count, source in enumerate(Objects(client, pattern, limit), 1):  # noqa: B007  it is the result
            output = template.fill(source)
            outputs.add(output, str(source))
            if is_own and matches(template.output(source).name):
                raise UsageError(f"{output}, the output of {source}, would match {pattern} itself; nothing was run")
    finally:
        outputs.close()
    return count
