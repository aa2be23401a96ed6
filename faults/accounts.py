"""Two accounts on one embedded server: storlets and requests of one must not read the other's data.

Both have a storlet, a dependency and an object with the same names. One of them has a secret in each of these, in the
logs of its runs, and in a run that is always in progress.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import quote

from faults.bad import SEARCH, Bad, reaching
from faults.count import EVERY, Count
from faults.plant import Plant, ended, is_clear
from storlet_shell.embedded.control import KEYSTONE, Settings
from tests.embedded.storlets import PROXY, Client, storlet
from tests.support.keystone import KeystoneSwift

_SECRET = "what is nobody's but the tester's"
_OWNER, _OTHER = "tester", "outsider"
_SAYS = storlet(
    """
    self.logger.info(part.WORDS)
    out.set_metadata({})
    out.write(part.WORDS.encode() + b"|" + source.read())
    """,
    "import part",
)
_LASTS = storlet(f"""
open("held", "w").write({_SECRET!r})
out.set_metadata({{}})
out.write(b"begun" * 200_000)
time.sleep(600)
""")
_HELD = "__import__('glob').glob('/proc/[0-9]*/root/tmp/**/held', recursive=True)"


class _Ask(NamedTuple):
    """A request by the other user that must be refused, or answered without the secret.

    :param needs: the dependencies that the other user's storlet ``mine.py`` declares
    :param at_owner: send it to the owner's account rather than the other user's own
    """

    method: str
    path: str
    headers: dict[str, str]
    needs: str = ""
    at_owner: bool = False


class _World(NamedTuple):
    """The server and its two users."""

    plant: Plant
    owner: Client
    other: Client

    @property
    def account(self) -> str:
        """The owner."""
        return self.plant.running.account


def counts() -> Iterator[Count]:
    """Yield a row for each way to try."""
    with _world() as world:
        rows = {way: Count(f"another account's: {way}") for way in ("on disk", "by requests", "by the same names")}
        bad = [Bad("", storlet(SEARCH.format(secret=_SECRET)), (0,), b"[]"), *_on_disk(world)]
        for hostile in bad[::EVERY]:
            for options in ([], ["--on-proxy"]):
                _run(world, hostile, options, rows["on disk"])
        for ask in list(_asks(world))[::EVERY]:
            _send(world, ask, rows["by requests"])
        for where_to in ({}, PROXY):
            _same(world, where_to, rows["by the same names"])
        yield from rows.values()
        last = Count("the server of these two accounts", tried=1, survived=int(world.plant.is_alive))
        last.processes = world.plant.kill()
        yield last


@contextmanager
def _world() -> Iterator[_World]:
    """Prepare the two accounts, and keep a run of the owner's in progress within this context."""
    with Plant(Settings(auth=KEYSTONE, time_limit=600)) as plant:
        keystone = KeystoneSwift(plant.running)
        (project,) = keystone.ask("GET", "/v3/projects?name=other")["projects"]
        owner = Client(plant.running, keystone.token(_OWNER))
        other = Client(plant.running, keystone.token(_OTHER), f"AUTH_{project['id']}")
        enabled = ended(plant.shell("enable", user=_OTHER))
        assert enabled is not None, "it hangs"
        assert enabled.status == 0, enabled.err
        for client, words in ((owner, _SECRET), (other, "mine")):
            client.request("PUT", "/c")
            client.put("/c/o", words.encode())
            client.depend("part.py", f"WORDS = {words!r}\n", "0644")
            client.deploy("says.py", _SAYS, dependencies="part.py")
        owner.put("/c/secret", _SECRET.encode())
        owner.deploy("lasts.py", _LASTS)
        for options in ({}, PROXY):
            answer = owner.run("says.py", "/c/o", {"X-Storlet-Generate-Log": "", **options})
            assert answer.body == f"{_SECRET}|{_SECRET}".encode(), answer
        connection = owner.connect()
        connection.request(
            "GET", f"{owner.account}/c/o", headers={"X-Auth-Token": owner.token, "X-Run-Storlet": "lasts.py"}
        )
        assert connection.getresponse().read(5) == b"begun"
        yield _World(plant, owner, other)
        for closable in (connection, owner, other):
            closable.close()


def _on_disk(world: _World) -> Iterator[Bad]:
    """Yield storlets that open every file containing the secret by name, and list the folders of these files."""
    data = world.plant.data
    files = sorted(path for path in data.rglob("*") if path.is_file() and _SECRET.encode() in path.read_bytes())
    kinds = {"storlets/code", "storlets/journal", "devices"}
    assert kinds <= {str(kind) for path in files for kind in path.relative_to(data).parents}, files
    yield reaching("", [f"open({str(path)!r}).read()" for path in files])
    yield reaching("", [f"os.listdir({str(path)!r})" for path in sorted({file.parent for file in files})])
    code = sorted({path.parent.name for path in files if "code" in path.parts})
    yield reaching("", [f"os.listdir(params['storlet_execution_path'] + '/../{name}')" for name in code])
    yield reaching("", [f"open(next(iter({_HELD}), '/nothing')).read()", f"os.listdir({str(data / 'keystone')!r})"])


def _asks(world: _World) -> Iterator[_Ask]:
    """Yield requests that name things of the owner's."""
    account = world.account
    run = {"X-Run-Storlet": "mine.py"}
    for up in ("..", "../..", "%2e%2e", "%2e%2e/%2e%2e"):
        yield _Ask("GET", "/c/o", {"X-Run-Storlet": f"{up}/{account}/storlet/says.py"})
        yield _Ask("GET", "/c/o", {**run, **PROXY, "X-Storlet-Extra-Resources": f"/{up}/{account}/c/secret"})
        yield _Ask("GET", "/c/o", run, needs=f"{up}/{account}/dependency/part.py")
        yield _Ask("GET", f"/{up}/{account}/c/secret", run)
        yield _Ask("PUT", "/c/made", {"X-Copy-From": f"/{up}/{account}/c/secret", "Content-Length": "0"})
    yield _Ask("GET", "/c/o", {"X-Run-Storlet": "lasts.py"})
    copied = {"X-Copy-From": "/c/secret", "X-Copy-From-Account": account, "Content-Length": "0"}
    for headers in (copied, {**copied, **run}):
        yield _Ask("PUT", "/c/made", headers)
    for name in ("c/secret", "storlet/says.py", "dependency/part.py", "storletlog/says.py.log"):
        for headers in ({}, {"X-Run-Storlet": "says.py"}, {"X-Run-Storlet": "says.py", **PROXY}):
            yield _Ask("GET", f"/{name}", headers, at_owner=True)
    for query in ("?storlet-log=says.py", "?format=json", "/storletlog", "/storlet", "/dependency"):
        yield _Ask("GET", query, {}, at_owner=True)
    yield _Ask("GET", "?storlet-log=" + quote(f"../{account}/says.py", safe=""), {})
    yield _Ask("GET", "?storlet-log=lasts.py", {})


def _run(world: _World, bad: Bad, options: list[str], row: Count) -> None:
    """Run a storlet as the other user with a one-shot line."""
    world.other.deploy("bad.py", bad.code)
    row.tried += 1
    outcome = ended(world.plant.shell("get", "path:/c/o", "--storlet", "bad.py", *options, user=_OTHER))
    if outcome is None:
        row.hung += 1
        row.notes.append(f"it hangs: {bad.code}")
    elif is_clear(outcome) and outcome.status == 0 and outcome.out.strip(b".") == bad.answer:
        row.survived += 1
    else:
        row.lost += 1
        row.notes.append(f"{outcome.status} {outcome.out[-300:]!r} {outcome.err[-300:]}: {bad.code}")


def _send(world: _World, ask: _Ask, row: Count) -> None:
    """Send a request with the other user's token."""
    row.tried += 1
    other = world.other
    other.deploy(
        "mine.py", storlet("out.set_metadata({})\nfor each in in_files: out.write(each.read())"), dependencies=ask.needs
    )
    sender = Client(world.plant.running, other.token, world.account) if ask.at_owner else other
    answer = sender.request(ask.method, ask.path, ask.headers)
    if sender is not other:
        sender.close()
    copied = other.request("GET", "/c/made")
    other.request("DELETE", "/c/made")
    if any(_SECRET.encode() in reply.body or _SECRET in str(reply.headers) for reply in (answer, copied)):
        row.lost += 1
        row.notes.append(f"{ask} tells it: {answer}")
    elif answer.status < 400 and not answer.body.startswith(b"mine"):
        row.notes.append(f"{ask} is answered: {answer}")
    else:
        row.survived += 1


def _same(world: _World, options: dict[str, str], row: Count) -> None:
    """Run the same names in both accounts in turns: each must get its own result and its own logs."""
    for client, words, foreign in ((world.owner, _SECRET, "mine"), (world.other, "mine", _SECRET)) * 2:
        row.tried += 1
        answer, log = client.run("says.py", "/c/o", options), client.log("says.py")
        if answer.body == f"{words}|{words}".encode() and words in log and foreign not in log:
            row.survived += 1
        else:
            row.lost += 1
            row.notes.append(f"{client.account} gets {answer}, and its log is {log}")
        client.depend("part.py", f"WORDS = {words!r}\n", "0644")
