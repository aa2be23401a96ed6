"""Results of ``storlets``."""

from __future__ import annotations

from typing import Annotated, TypedDict

from storlet_shell.results.schemas.logs import RunSummary
from storlet_shell.results.schemas.shared import Time


class StorletSummary(TypedDict):
    """A deployed storlet."""

    name: str
    language: Annotated[str, "`python` or `java`"]
    main: Annotated[str, "the main class"]
    dependencies: Annotated[list[str], "names of the dependencies"]
    last_modified: Annotated[Time | None, "when it was deployed"]


class Grantee(TypedDict):
    """A user who may run a storlet over a container."""

    user: str
    container: str


class FunctionParameter(TypedDict):
    """A parameter of a function storlet."""

    name: str
    type: Annotated[str, "`str`, `int`, `float`, `bool` or `Literal[…]`, with `| None` if it may be None"]
    default: Annotated[str | None, "its source text; null if the parameter is required"]


class FunctionSignature(TypedDict):
    """The signature of the function that a storlet was made from."""

    name: Annotated[str, "name of the function"]
    text: Annotated[str, "all of the signature, as people read it"]
    input: Annotated[str, "annotation of its first parameter, which receives the object"]
    result: Annotated[str | None, "annotation of its result"]
    parameters: Annotated[list[FunctionParameter], "further parameters, as for `-p`"]


class StandardStorlet(TypedDict):
    """A standard storlet."""

    name: Annotated[str, "as for `deploy`: `std:` and its name"]
    deployed: Annotated[bool | None, "null if this user can't know"]
    current: Annotated[bool | None, "whether the deployed one is this version; null if it isn't deployed"]
    description: Annotated[str, "its result"]
    parameters: Annotated[list[FunctionParameter], "its parameters, as for `-p`"]


class StorletDetails(TypedDict):
    """All about a deployed storlet."""

    name: str
    container: str
    language: Annotated[str, "`python` or `java`"]
    language_version: Annotated[str | None, "the Python that runs it; null for the engine's own"]
    main: Annotated[str, "the main class"]
    function: Annotated[FunctionSignature | None, "the function that it was made from; null for other storlets"]
    bytes: Annotated[int | None, "size of the code"]
    last_modified: Annotated[Time | None, "when it was deployed"]
    etag: Annotated[str, "MD5 of the code"]
    interface_version: str | None
    dependencies: Annotated[list[str], "names of the dependencies"]
    missing_dependencies: Annotated[list[str], "those that aren't deployed"]
    packages: Annotated[dict[str, str], "packages in its dependencies, with their versions"]
    metadata: Annotated[dict[str, str], "further user metadata"]
    readers: Annotated[list[str], "entries of its container's read ACL: who may run it besides the account's users"]
    last_run: Annotated[RunSummary | None, "the last run in the log, if the cluster has one"]
    granted: Annotated[list[Grantee] | None, "with `--grants`: who may run it over which container; else null"]
