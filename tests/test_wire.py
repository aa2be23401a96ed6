"""What each command sends, word for word: the files in ``tests/wire`` are a contract that a review sees change.

Lines are run one after the other against the real Swift, through a relay that keeps the requests. ``make wire`` writes
the files anew.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from storlet_shell.embedded import control
from storlet_shell.spec.registry import Registry
from tests.support.lines import Runner, base_environment
from tests.support.relay import Relay, Sent
from tests.support.storlets import STORLETS

DRAWN = {
    "transaction=[0-9a-zA-Z-]+": "transaction=TRANSACTION",
    "(temp-url-key: )[0-9a-zA-Z_-]{43}": r"\1KEY",
    "/slo/[0-9a-f]+/": "/slo/UPLOAD/",
    "(storlet-shell-scratch-)[0-9a-f]+": r"\1RUN",
    "storlet_frames:[0-9a-f]{16}": "storlet_frames:NONCE",
    "(RUN/[0-9]+-[0-9]+)-[0-9a-f]+": r"\1",
}
"""What is another at each run, and what stands for it."""

LOGIN = "/auth/v1.0"
FOLDER = Path(__file__).parent / "wire"
COMMANDS = Registry().builtin_names()


class Line(NamedTuple):
    """A line of the contract, run where the files ``FILES`` are, after those above it.

    :param status: the exit status that it must have
    :param is_told: whether what it sends is in a file; only a line that prepares others isn't
    """

    words: str
    status: int = 0
    stdin: bytes = b""
    is_told: bool = True


FILES = {
    "upper.py": STORLETS["upper.py"],
    "raises.py": STORLETS["raises.py"],
    "join.py": STORLETS["join.py"],
    "more.py": "MORE = 1\n",
    "text.txt": "hello\nworld\n",
}

LINES = [
    Line("help mkdir"),
    Line("vars"),
    Line("local status"),
    Line("whoami"),
    Line("login wire"),
    Line("enable"),
    Line("mkdir wire"),
    Line("deploy upper.py -d more.py"),
    Line("deploy upper.py"),
    Line("deploy join.py"),
    Line("dependencies"),
    Line("dependencies show more.py"),
    Line("dependencies rm -y more.py"),
    Line("deploy raises.py -d more.py"),
    Line("storlets"),
    Line("storlets show raises.py"),
    Line("storlets std"),
    Line("upload wire/o", stdin=b"hello\nworld\n"),
    Line("put text.txt wire/put"),
    Line("put - 'wire/pipe ü' --content-type text/x-wire", stdin=b"piped"),
    Line("put text.txt wire/run --storlet upper.py -p 'key=v:ü %' --expect-bytes 12"),
    Line("put text.txt wire/run --storlet join.py --extra path:/wire/o"),
    Line("get wire/o"),
    Line("get wire/o --range 0-3 -H 'X-Newest: true'"),
    Line("get wire/o --storlet upper.py -p 'key=v:ü %' -p other="),
    Line("get wire/o --storlet upper.py --range=-3 --generate-log"),
    Line("get wire/o --storlet upper.py --extra 'path:/wire/pipe ü' --extra path:/wire/put --allow-unread"),
    Line("get wire/o --storlet raises.py", 6),
    Line("get wire/o --storlet missing.py", 4),
    Line("get wire/missing", 4),
    Line("copy wire/o wire/copy"),
    Line("copy wire/o wire/copy --verb PUT --range 6-"),
    Line("copy wire/o wire/copy --from-account AUTH_local"),
    Line("copy wire/o 'wire/copy ü' --storlet upper.py -p k=v --range 0-4 --expect-bytes 5"),
    Line("copy wire/o wire/copy --storlet join.py --on-node --extra path:/wire/put"),
    Line("copy wire/missing wire/copy", 4),
    Line("acl grant wire Alice --storlet upper.py"),
    Line("acl grant wire project:user --read"),
    Line("acl list wire"),
    Line("acl revoke wire alice --storlet upper.py"),
    Line("acl revoke wire project:user --read"),
    Line("info"),
    Line("stat"),
    Line("stat wire"),
    Line("stat wire/o"),
    Line("post wire/o -m colour=grün --remove size -H X-Delete-After:3600"),
    Line("post wire -m colour=green"),
    Line("edit 'wire/pipe ü'"),
    Line("edit upper.py"),
    Line("tempurl wire/o"),
    Line("tempurl wire/o --method PUT"),
    Line("upload text.txt wire/folder/"),
    Line("upload text.txt wire/large --segment-size 6"),
    Line("download wire/folder/ down"),
    Line("sync down path:/wire/sync"),
    Line("sync down path:/wire/sync"),
    Line("sync path:/wire/sync down --delete"),
    Line("rm -r -y wire/sync/", is_told=False),
    Line("map --storlet upper.py --input 'path:/wire/{o,put}' -j 1 --ordered"),
    Line("map --storlet upper.py --input 'path:/wire/{o,put}' --output path:/wire/made/{name} -j 1"),
    Line("reduce --storlet join.py --input 'path:/wire/{copy,o,put}' --fan-in 2 --output path:/wire/reduced -j 1"),
    Line("pipe 'upper.py | upper.py' --input path:/wire/o"),
    Line("select 'SELECT * FROM o' wire/put", 4),
    Line("deploy std:select", is_told=False),
    Line("select 'SELECT hello, count(*) FROM o GROUP BY hello' 'wire/{o,put}' -j 1"),
    Line("select 'SELECT * FROM o WHERE hello > 1' 'wire/{o,put}' --on-proxy --delimiter ';' --strict -j 1"),
    Line("undeploy -y std_select.py", is_told=False),
    Line("plugins"),
    Line("logs raises.py"),
    Line("ls"),
    Line("ls -l wire/c"),
    Line("ls 'wire/{o,p}*'"),
    Line("cat wire/o"),
    Line("cat wire/put 'wire/[o]'"),
    Line("du"),
    Line("du wire"),
    Line("stat 'wire/pu?'"),
    Line("cp wire/o wire/cp"),
    Line("cp wire/cp 'wire/[o]' wire/folder/ -j 1"),
    Line("mv wire/cp wire/mv"),
    Line("mv wire/mv wire/o", 1),
    Line("mv --force wire/large wire/mv"),
    Line("rm -y wire/o wire/put"),
    Line("rm -y -r wire"),
    Line("undeploy -y upper.py"),
    Line("undeploy -y join.py"),
    Line("undeploy -y raises.py --with-dependencies"),
]
"""One or more lines for each command; a command that sends nothing has one as well."""


@pytest.fixture(scope="module")
def alone() -> Iterator[control.Running]:
    """Run a Swift of these lines' own: what others leave in theirs changes what is sent."""
    with control.join_or_start(Path(), control.Settings(ephemeral=True)) as lease:
        yield lease.running


@pytest.fixture(scope="module")
def sent(alone: control.Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run every line; return what each command sent, as its file tells it."""
    folder = tmp_path_factory.mktemp("wire")
    for name, content in FILES.items():
        (folder / name).write_text(content)
        os.utime(folder / name, (0, 1.5))
    told: dict[str, list[str]] = {}
    with Relay(urlsplit(alone.auth_url).port or 0) as relay, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        identity = {"ST_AUTH": f"http://127.0.0.1:{relay.port}/auth/v1.0", "ST_USER": alone.user, "ST_KEY": alone.key}
        environ = {
            **base_environment(folder),
            **identity,
            "STORLET_SHELL_DATA": str(folder / "data"),
            "EDITOR": "sed -i s/piped/PIPED/",
        }
        run = Runner(environ)
        for line in LINES:
            words = shlex.split(line.words)
            outcome = run(*words, stdin=line.stdin)
            assert outcome.status == line.status, f"{line.words}: {outcome.err}"
            requests = relay.take()
            if not line.is_told:
                continue
            hidden = {f"127.0.0.1:{relay.port}": "HOST", alone.key: "KEY"}
            lines = tell_all(requests, hidden, words[0])
            told.setdefault(words[0], []).append(f"# {line.words}\n\n{lines or '(nothing)'}\n")
    return {name: "\n\n".join(lines) for name, lines in told.items()}


def tell_all(requests: list[Sent], hidden: dict[str, str], command: str) -> str:
    """Tell a line's requests in their order; those of further connections after them, in any order."""
    logins = [request for request in requests if request.target == LOGIN]
    others = [request for request in requests if request.target != LOGIN]
    main = [request for request in others if request.connection == others[0].connection]
    told = [tell(request, hidden, command) for request in (*logins, *main)]
    further = sorted(tell(request, hidden, command) for request in others if request not in main)
    return "\n\n".join([*told, *(["(over further connections, in any order)", *further] if further else [])])


def tell(request: Sent, hidden: dict[str, str], command: str) -> str:
    """Tell a request as it was sent, without what differs from run to run; the login in full for ``whoami`` only."""
    if request.target == LOGIN and command != "whoami":
        return "(login)"
    head = [f"{request.method} {request.target}", *(f"{name}: {value}".rstrip() for name, value in request.headers)]
    text = "\n".join([*head, *([f"({request.body})"] if request.body else [])])
    for value, name in {**hidden, request.header("X-Auth-Token"): "TOKEN"}.items():
        text = text.replace(value, name) if value else text
    for pattern, name in DRAWN.items():
        text = re.sub(pattern, name, text)
    return text


def test_every_command_has_its_file() -> None:
    """A new command is added to the lines above, and its file is written by ``make wire``; none stays behind."""
    assert {shlex.split(line.words)[0] for line in LINES} == set(COMMANDS)
    assert {path.stem for path in FOLDER.glob("*.txt")} <= set(COMMANDS)


@pytest.fixture
def contract(request: pytest.FixtureRequest) -> Path:
    """Return a command's file, rewritten if ``UPDATE_WIRE`` is set."""
    path = FOLDER / f"{request.param}.txt"
    if os.environ.get("UPDATE_WIRE"):
        path.write_text(request.getfixturevalue("sent")[request.param])
    return path


@pytest.mark.parametrize("contract", COMMANDS, indirect=True)
def test_command_sends_what_its_file_says(sent: dict[str, str], contract: Path) -> None:
    """Methods, paths, headers and their order; if they are meant to change: ``make wire``."""
    assert sent[contract.stem] == contract.read_text()


@pytest.mark.slow
def test_keystone_is_asked_once(request: pytest.FixtureRequest) -> None:
    """Two commands of one session cost one request to Keystone, which is told in ``keystone/login.txt``."""
    keystone, run = request.getfixturevalue("keystone_swift"), request.getfixturevalue("run_keystone")
    with Relay(keystone.running.identity_port) as relay:
        environ = {"OS_AUTH_URL": f"http://127.0.0.1:{relay.port}/v3"}
        assert run("-f", "-", stdin=b"whoami\nls\n", environ=environ).status == 0
        told = "\n\n".join(tell(each, {f"127.0.0.1:{relay.port}": "HOST"}, "whoami") for each in relay.take())
    path = FOLDER / "keystone" / "login.txt"
    if os.environ.get("UPDATE_WIRE"):
        path.write_text(f"{told}\n")
    assert f"{told}\n" == path.read_text()
