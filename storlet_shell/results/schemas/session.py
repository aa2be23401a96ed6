"""Results of ``whoami``, ``plugins``, ``help``, and ``vars``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from storlet_shell.results.schemas.shared import Time


class Identity(TypedDict):
    """The identity that requests are made with; null or missing where its kind has no such thing."""

    source: Annotated[str, "where it was found: variables, a cloud of clouds.yaml, the embedded Swift"]
    auth_url: NotRequired[Annotated[str, "identity service"]]
    user: NotRequired[Annotated[str | None, "user name"]]
    user_id: NotRequired[str]
    user_domain: NotRequired[str]
    project: NotRequired[str]
    project_id: NotRequired[str]
    project_domain: NotRequired[str]
    roles: NotRequired[list[str]]
    token_expires_at: NotRequired[Time]
    region: NotRequired[Annotated[str | None, "region of the catalog; null for any"]]
    interface: NotRequired[Annotated[str, "interface of the catalog"]]
    account: Annotated[str, "name of the account"]
    storage_url: Annotated[str, "URL of the account"]
    storlets_enabled: Annotated[bool | None, "null if this user may not know"]


class AddedCloud(TypedDict):
    """A cloud that was added to clouds.yaml."""

    cloud: Annotated[str, "its name"]
    file: Annotated[str, "the clouds.yaml"]
    secure_file: Annotated[str, "the secure.yaml, which has its password"]
    storage_url: Annotated[str, "URL of the account"]
    used: Annotated[bool, "whether the following lines of the session use it"]


class Plugin(TypedDict):
    """A command, a scheduler or an executor."""

    kind: Literal["command", "scheduler", "executor"]
    name: str
    package: str
    version: Annotated[str, "of the package"]
    problem: Annotated[str | None, "why it can't be used; null if it can"]


class CommandSummary(TypedDict):
    """A command."""

    name: str
    category: str
    summary: str


class CommandList(TypedDict):
    """The commands."""

    commands: list[CommandSummary]
    unusable: Annotated[list[str], "plug-ins that can't be used, and why"]


class CommandHelp(TypedDict):
    """How to use a command."""

    name: str
    category: str
    summary: str
    aliases: list[str]
    text: Annotated[str, "help for people"]
    result: Annotated[dict[str, Any] | None, "JSON Schema of its results, by its actions; null for a plug-in's command"]


class Page(TypedDict):
    """Text for people."""

    text: str


class Variable(TypedDict):
    """A variable."""

    name: str
    type: Annotated[str, "class of its value"]
    value: Annotated[Any, "text, a number, a truth value, or an object of these; null for anything else"]
    description: Annotated[str, "a short description of the value"]


class SetVariable(TypedDict):
    """A variable that was set or deleted."""

    name: str
    value: Annotated[dict[str, str] | None, "parameters of a storlet; null if the variable was deleted"]
