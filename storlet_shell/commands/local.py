"""``local``: the embedded Swift."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from storlet_shell.commands.arguments import YES, number_option
from storlet_shell.embedded import control
from storlet_shell.errors import EmbeddedError, UsageError
from storlet_shell.identity.environment import VARIABLES
from storlet_shell.results import Done, Field, Report, Result
from storlet_shell.results.fields import epoch_time, facts
from storlet_shell.results.reports import Named
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import Action, group
from storlet_shell.text import counted

if TYPE_CHECKING:
    from storlet_shell.results.schemas.local import StartedSwift, SwiftStatus, WrittenInterface

_MIB = 2**20

_MOST_PROXIES = 16
_LAST_PORT = 65535

_NO_PROXY = ("no_proxy", "NO_PROXY")


class Environment(Named):
    """Variables of a terminal's environment.

    :param variables: those that are set, and their values
    :param others: the names of all variables that could hold another identity; those that aren't set are unset
    """

    def __init__(self, variables: Mapping[str, str], others: Iterable[str]) -> None:
        self.variables = variables
        self._others = others

    def fields(self) -> dict[str, Any]:
        """Return the variables."""
        return dict(self.variables)

    def render(self) -> Iterator[str]:
        """Yield lines for ``eval`` in a shell; variables of another identity would override or change this one."""
        yield "unset " + " ".join(name for name in self._others if name not in self.variables)
        for name, value in self.variables.items():
            yield f"export {name}={shlex.quote(value)}"


def status(session: Session) -> Result:
    """Show whether the embedded Swift runs, where, with which limits, and how much its data takes."""
    values = _status(control.status(_folder(session)))
    return Report(values, dict(facts(values, _FIELDS)))


def start(
    session: Session,
    auth: str | None = None,
    port: int | None = None,
    keystone_port: int | None = None,
    time_limit: int | None = None,
    memory_limit: int | None = None,
    proxies: int | None = None,
    isolation: str | None = None,
    s3: bool = False,
) -> Result:
    """Start the embedded Swift; it runs until it is stopped.

    With --auth keystone, a Keystone issues the tokens, as in a cloud. Its users are tester (project test),
    tester_member (test, limited to what access control lists allow), outsider (project other) and admin. tempauth has
    its own accounts: data that you store with one of the two can't be seen with the other.

    With --s3, boto3, aws, and other S3 clients can use the same objects: local env --s3 shows how.

    By default, each run of a Java storlet has a JVM of its own. With --isolation account, a JVM serves one user's runs
    of a storlet, one after another. Small runs that follow each other immediately are several times as fast that way,
    but a run can see what earlier runs have left in the JVM's memory.

    :raises EmbeddedError: when it can't be started, or runs with other limits
    """
    folder = _own_folder(session)
    if keystone_port and auth == control.TEMPAUTH:
        raise UsageError("--keystone-port goes with --auth keystone")
    settings = control.Settings(
        port,
        time_limit or 40,
        (memory_limit or 512) * _MIB,
        auth=control.KEYSTONE if keystone_port else auth,
        identity_port=keystone_port,
        proxies=proxies or 1,
        isolation=isolation or control.ISOLATION_LEVELS[0],
        s3=s3,
    )
    started = _start(session, folder, settings)
    if not started.facts["started"]:
        _require_limits(control.status(folder), time_limit, memory_limit, isolation)
    return started


def stop(session: Session) -> Result:
    """Stop the embedded Swift; its data is kept.

    :raises EmbeddedError: when it can't be stopped
    """
    folder = _own_folder(session)
    session.close()
    session.adopt_local(adopt=False)
    stopped = control.stop(folder)
    message = "the embedded Swift is stopped; its data is kept" if stopped else "the embedded Swift was not running"
    return Done(message, {"stopped": stopped})


def reset(session: Session, yes: bool = False) -> Result:
    """Stop the embedded Swift and delete all its data.

    :raises EmbeddedError: when it can't be stopped
    :raises RefusedError: when the answer is no
    """
    folder = _own_folder(session)
    session.confirm(f"Delete every container and object of the embedded Swift in {folder}?", yes=yes)
    session.close()
    control.reset(folder, stop_first=True)
    return Done(f"the embedded Swift's data is deleted: {folder}", {"deleted": str(folder)})


def env(session: Session, user: str | None = None, s3: bool = False) -> Result:
    """Show the environment that makes other programs use the embedded Swift.

    Log a terminal in with eval "$(storlet-shell local env)". With --s3, the variables are those of S3 clients.

    :raises EmbeddedError: when it isn't running, or not with --s3
    """
    return _environment(session, _own_folder(session), user, s3=s3)


def java_api(session: Session, file: str) -> Result:  # noqa: ARG001  the same for every session
    """Write the Java interface of storlets as a jar, for compiling storlets; an existing file is replaced.

    It works without the embedded Swift. The interface is compiled when it is first needed, by the JDK of this machine.

    :raises UsageError: when no JDK is installed
    :raises LocalFileError: when the file can't be written
    """
    from storlet_shell.java.compiler import interface_jar  # with it come zipfile and tempfile, which others don't need
    from storlet_shell.results.saving import replacing

    content = interface_jar().read_bytes()
    with replacing(file) as target:
        target.write(content)
    values: WrittenInterface = {"file": file, "bytes": len(content)}
    return Done(f"{file}: the Java interface of storlets, {counted(len(content), 'byte')}", values)


local = group(
    "local",
    "Start, stop, show or empty the embedded Swift, or log a terminal in to it.",
    Action(
        "status",
        "Show whether it runs, and where.",
        run=status,
        default=True,
        examples=["local  # show whether the embedded Swift runs"],
    ),
    Action(
        "start",
        "Start it.",
        Arg("--auth", choices=(control.TEMPAUTH, control.KEYSTONE), help="token issuer (default: as last time)"),
        number_option("--port", metavar="PORT", help="port (default: as last time, or a free one)", maximum=_LAST_PORT),
        number_option(
            "--keystone-port",
            metavar="PORT",
            help="port of Keystone (default: as last time, or a free one)",
            maximum=_LAST_PORT,
        ),
        number_option("--time-limit", metavar="SECONDS", help="time limit of a storlet's run (default: 40)"),
        number_option("--memory-limit", metavar="MIB", help="memory limit of a storlet's process (default: 512)"),
        number_option(
            "--proxies",
            metavar="COUNT",
            help="number of proxy servers, each on its own port (default: 1)",
            maximum=_MOST_PROXIES,
        ),
        Arg(
            "--isolation",
            choices=control.ISOLATION_LEVELS,
            help="what a JVM for Java storlets serves: one run, or one user's runs of a storlet (default: run)",
        ),
        Arg("--s3", action="store_true", help="answer S3 requests, too"),
        run=start,
        examples=[
            "local start  # start it, or join a running one",
            "local start --time-limit 40 --memory-limit 512  # with limits for storlets",
            "local start --s3  # for boto3, aws, and other S3 clients, too",
        ],
    ),
    Action("stop", "Stop it; its data is kept.", run=stop, examples=["local stop  # stop it and keep its data"]),
    Action(
        "reset",
        "Stop it and delete all its data.",
        YES,
        run=reset,
        examples=["local reset -y  # delete its data without asking"],
    ),
    Action(
        "env",
        "Show the environment that logs a terminal in to it.",
        Arg("--user", choices=[user.name for user in control.USERS], help="user of its Keystone (default: tester)"),
        Arg("--s3", action="store_true", help="show the variables of boto3, aws, and other S3 clients instead"),
        run=env,
        examples=[
            'eval "$(storlet-shell local env)"  # log your terminal in to it',
            'eval "$(storlet-shell local env --s3)"  # let S3 clients use it',
        ],
    ),
    Action(
        "java-api",
        "Write the Java interface of storlets as a jar, for compiling storlets.",
        Arg("file", kind=Kind.FILE, metavar="FILE", help="jar to write"),
        run=java_api,
        examples=["local java-api storlet-api.jar  # for javac or an editor; deploy FILE.java doesn't need it"],
    ),
    text="""Start, stop, show or empty the embedded Swift: a real Swift with real storlets, on this machine only.

    Once started, it runs until it is stopped, and its data stays until it is reset. Use it from any storlet-shell with
    --local, or for a whole terminal with STORLET_SHELL_LOCAL=1. Other programs find it after
    eval "$(storlet-shell local env)".""",
    category="Session",
)


def _folder(session: Session) -> Path:
    return session.leased_folder or control.data_folder(session.local_folder)


def _own_folder(session: Session) -> Path:
    """Return the data folder of a server that outlives this session.

    :raises UsageError: when the session has a temporary server
    """
    if session.options.ephemeral:
        raise UsageError("the embedded Swift of this session is temporary (--ephemeral) and ends with it")
    return _folder(session)


def _start(session: Session, folder: Path, settings: control.Settings) -> Done:
    if settings.auth == control.KEYSTONE and control.find(folder) is None:
        session.surroundings.warn("starting Keystone as well; this takes a while, longest the first time")
    running, started = control.start(folder, settings)
    use = "this session uses it" if session.adopt_local(adopt=True) else "use it with --local"
    values: StartedSwift = {
        "started": started,
        "auth": running.auth,
        "auth_url": running.auth_url,
        "storage_url": running.storage_url,
        "storage_urls": list(running.storage_urls),
        "s3_url": running.s3_url,
        "user": running.user,
        "pid": running.pid,
    }
    verb = "started" if started else "already runs"
    return Done(f"the embedded Swift {verb}: {running.auth_url}, user {running.user}; {use}", values)


def _environment(session: Session, folder: Path, user: str | None, *, s3: bool) -> Environment:
    running = control.find(folder)
    if running is None:
        raise EmbeddedError("the embedded Swift isn't running; start it: local start")
    if user and running.auth != control.KEYSTONE:
        raise UsageError(
            f"--user: the embedded Swift runs without Keystone, as {running.user} only; see: help local start"
        )
    past = _past_proxies(session.surroundings.environ, urlsplit(running.auth_url).hostname or "")
    if not s3:
        return Environment({**control.environment(running, user), **past}, VARIABLES)
    if not running.s3:
        raise EmbeddedError("the embedded Swift runs without S3; restart it: local stop, then local start --s3")
    return Environment({**control.s3.environment(running, user), **past}, control.s3.OTHER_VARIABLES)


def _past_proxies(environ: Mapping[str, str], host: str) -> dict[str, str]:
    """Return no_proxy and NO_PROXY with the host added."""
    variables = {}
    for name, other in (_NO_PROXY, _NO_PROXY[::-1]):
        hosts = environ.get(name) or environ.get(other, "")
        names = [host_name.strip() for host_name in hosts.split(",") if host_name.strip()]
        variables[name] = hosts if "*" in names or host in names else ",".join([*names, host])
    return variables


def _require_limits(
    status: control.Status, time_limit: int | None, memory_limit: int | None, isolation: str | None
) -> None:
    """Check that a running server has the requested limits; it keeps those that it was started with."""
    if isolation not in (None, status.isolation):
        raise EmbeddedError(
            f"the embedded Swift already runs with --isolation {status.isolation}; stop it first: local stop"
        )
    limits = status.time_limit, status.memory_limit // _MIB
    if limits != (time_limit or limits[0], memory_limit or limits[1]):
        raise EmbeddedError(
            f"the embedded Swift already runs with limits of {limits[0]} s and {limits[1]} MiB; stop it first: "
            "local stop"
        )


def _status(status: control.Status) -> SwiftStatus:
    running = status.running
    return {
        "running": running is not None,
        "auth": running.auth if running else None,
        "auth_url": running.auth_url if running else None,
        "storage_url": running.storage_url if running else None,
        "storage_urls": list(running.storage_urls) if running else [],
        "s3_url": running.s3_url if running else None,
        "user": running.user if running else None,
        "pid": running.pid if running else None,
        "started_at": epoch_time(running.started) if running else None,
        "is_lasting": status.lasting if running else None,
        "time_limit_seconds": status.time_limit if running else None,
        "memory_limit_bytes": status.memory_limit if running else None,
        "isolation": status.isolation if running else None,
        "sandbox": status.sandbox or None,
        "versions": status.versions,
        "folder": str(status.folder),
        "used_bytes": status.used_bytes,
        "free_bytes": status.free_bytes,
    }


def _if_not_none(spell: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: "" if value is None else spell(value)


_FIELDS = (
    Field("running"),
    Field("auth", "authentication"),
    Field("auth_url", "auth URL"),
    Field("storage_url", "storage URL"),
    Field("storage_urls", "further proxies", lambda urls: ", ".join(urls[1:])),
    Field("s3_url", "S3 URL"),
    Field("user"),
    Field("pid", "process"),
    Field("started_at", "since"),
    Field("is_lasting", "runs until", _if_not_none(lambda lasting: "stopped" if lasting else "nobody uses it")),
    Field("time_limit_seconds", "time limit", _if_not_none("{} s".format)),
    Field(
        "memory_limit_bytes",
        "memory limit",
        _if_not_none(lambda count: f"{count // _MIB} MiB for each process of a storlet"),
    ),
    Field("isolation", "Java storlets", _if_not_none("a JVM per {}".format)),
    Field("sandbox"),
    Field("versions", spell=lambda versions: ", ".join(f"{name} {version}" for name, version in versions.items())),
    Field("folder", "data"),
    Field("used_bytes", "used", lambda count: f"{count / _MIB:.1f} MiB"),
    Field("free_bytes", "free", lambda count: f"{count / _MIB:.0f} MiB"),
)
"""What people read, in this order."""
