"""Results of ``enable``, ``deploy``, and ``undeploy``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict


class EnabledAccount(TypedDict):
    """An account that may run storlets."""

    account: str
    containers: Annotated[list[str], "of storlets, dependencies and logs"]
    policies: Annotated[
        dict[str, Literal["node", "proxy"]] | None,
        "where reads run, by storage policy; null if each answer tells, as on the embedded Swift",
    ]


class FirstRun(TypedDict):
    """The run of a storlet right after its deployment."""

    object: Annotated[str, "the object that it ran over"]
    status: Annotated[int, "HTTP status"]
    bytes: Annotated[int, "size of the result"]


class Deployment(TypedDict):
    """A storlet that was deployed."""

    storlet: Annotated[str, "its name"]
    main: Annotated[str, "the main class"]
    container: str
    dependencies: Annotated[list[str], "names of the dependencies, as they were uploaded"]
    packages: Annotated[dict[str, str], "packages that were deployed with it, with their versions"]
    imports: Annotated[dict[str, str], "where each imported module comes from, as `standard library`"]
    bytes: Annotated[int, "size of the code, as it was uploaded"]
    is_new: Annotated[bool, "false if it replaced an earlier deployment"]
    changed: Annotated[bool, "false if the same code and dependencies were deployed already"]
    run: Annotated[FirstRun | None, "with `--with-invoke`"]


class CheckedCode(TypedDict):
    """Code that was checked without an identity; nothing was uploaded."""

    main: Annotated[str, "the main class"]


class TrialRun(TypedDict):
    """A storlet that was run on this machine; nothing was uploaded."""

    main: Annotated[str, "the main class"]
    seconds: Annotated[float, "duration of the call"]
    metadata: Annotated[dict[str, Any], "metadata that the storlet has set"]
    log: Annotated[list[str], "lines that it logged or printed"]
    notes: Annotated[list[str], "what the check of its code found"]
    bytes: Annotated[int, "size of the output"]
    output: Annotated[str, "the first 4096 bytes of the output, as text"]
    output_is_cut: Annotated[bool, "whether there is more"]


class Undeployment(TypedDict):
    """A storlet that was deleted."""

    storlet: Annotated[str, "its name"]
    container: str
    dependencies: Annotated[list[str], "dependencies that were deleted with it"]
    kept: Annotated[dict[str, list[str]], "dependencies that were kept, with the storlets that need them"]
