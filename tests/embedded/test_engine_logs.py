"""Whatever a storlet logs can be read."""

from __future__ import annotations

import itertools
import re

import pytest

from .storlets import PROXY, Client, storlet

WHERE = pytest.mark.parametrize("where", [{}, PROXY], ids=["node", "proxy"])
WRITES = "self.logger.info('first'); self.logger.debug('second'); print('printed'); print('wrong', file=sys.stderr); "


@pytest.mark.slow
@WHERE
@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("out.set_metadata({})", "ok"),
        ("raise ValueError('boom')", "raised: ValueError: boom"),
        ("os._exit(1)", "exited"),
        ("os.kill(os.getpid(), 9)", "killed"),
        ("time.sleep(9)", "timeout"),
    ],
)
def test_each_invocation_leaves_its_log(client: Client, where: dict[str, str], end: str, outcome: str) -> None:
    """A header line says what was asked and what became of it; the storlet's own lines follow, after success too."""
    client.deploy("logs.py", storlet(WRITES + end))
    transaction = client.run("logs.py", "/c/o", where).headers["X-Trans-Id"]
    header, _, text = client.log("logs.py", transaction).partition("\n")
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    request = re.escape(f"GET {client.account}/c/o")
    assert re.fullmatch(rf"--- {time} {transaction} {request}: {re.escape(outcome)}.* \(\d+\.\d+ s\)", header)
    assert text.startswith("logs.S INFO: first\nlogs.S DEBUG: second\nprinted\nwrong\n")


def test_a_traceback_shows_the_storlet_only(client: Client) -> None:
    """Its frames carry the storlet's file name and lines; the engine's own are not there."""
    client.deploy("trace.py", storlet("def inner():\n    raise KeyError('k')\ninner()"))
    transaction = client.run("trace.py", "/c/o").headers["X-Trans-Id"]
    text = client.log("trace.py", transaction)
    assert re.findall(r'File "([^"]*)", line (\d+)', text) == [("trace.py", "9"), ("trace.py", "8")]
    assert text.endswith("KeyError: 'k'\n")


def test_what_breaks_upstream_breaks_here(client: Client) -> None:
    """``logger.exception`` raises, as in upstream's logger."""
    client.deploy("exception.py", storlet("self.logger.exception('x')"))
    assert "NotImplementedError" in client.run("exception.py", "/c/o").text


@WHERE
def test_a_log_object_is_stored_when_it_is_asked_for(client: Client, where: dict[str, str]) -> None:
    """``X-Storlet-Generate-Log`` stores the log in upstream's place, before the answer ends."""
    for end, expected in (("out.set_metadata({})", "logs.S INFO: first\n"), ("raise ValueError('boom')", "boom")):
        client.deploy("logs.py", storlet(WRITES + end))
        client.run("logs.py", "/c/o", {**where, "X-Storlet-Generate-Log": "True"})
        stored = client.request("GET", "/storletlog/logs.py.log")
        assert (stored.status, expected in stored.text) == (200, True)


def test_logs_are_for_those_who_may_list_the_account(client: Client) -> None:
    """Nobody else gets them; a storlet that never ran has none."""
    client.deploy("logs.py", storlet(WRITES + "out.set_metadata({})"))
    client.run("logs.py", "/c/o")
    for token, status in (("", 401), ("AUTH_tkwrong", 401)):
        answer = client.request("GET", "?storlet-log=logs.py", {"X-Auth-Token": token})
        assert answer.status == status
        assert "first" not in answer.text
    assert client.request("GET", "?storlet-log=never.py").status == 404


@pytest.mark.slow
def test_a_storlet_that_logs_much_leaves_the_end_of_it(client: Client) -> None:
    """Logs are bounded, each and all together."""
    client.deploy("much.py", storlet("for n in range(20000): print('line', n)\nout.set_metadata({})"))
    for _ in range(8):
        client.run("much.py", "/c/o")
    text = client.log("much.py")
    assert "line 19999\n" in text
    assert "bytes omitted" in text
    assert len(text) < 300_000


@pytest.mark.slow
def test_only_the_last_invocations_are_kept(client: Client) -> None:
    """Fifty of them, the newest last."""
    client.deploy("often.py", storlet("print(params['n'], 'times'); out.set_metadata({})"))
    for number in range(110):
        client.run("often.py", "/c/o", n=str(number))
    assert re.findall(r"^(\d+) times", client.log("often.py"), re.M) == [str(number) for number in range(60, 110)]


def test_half_a_record_hides_no_other(client: Client) -> None:
    """What a full disk or a killed server has left of one is passed over; the next one begins on a line of its own."""
    client.deploy("half.py", storlet("self.logger.info('whole'); out.set_metadata({})"))
    assert client.run("half.py", "/c/o").status == 200
    (journal,) = (client.running.folder / "storlets/journal").glob("*/half.py.jsonl")
    with journal.open("a") as file:
        file.write('{"time": 1795321, "tran')
    assert client.run("half.py", "/c/o").status == 200
    assert client.request("GET", "?storlet-log=half.py").text.count("INFO: whole") == 2


TEXTS = {
    "surrogates": r"'a\udcff\ud800b'",
    "controls": r"'a\r\n\x00\x1b[31m\x85\u2028b'",
    "many controls": r"'a' + '\x01' * 100_000 + 'b'",
    "many surrogates": r"'a' + '\udc80' * 100_000 + 'b'",
    "many of four bytes": r"'a' + chr(0x10ffff) * 100_000 + 'b'",
    "much": "'a' + 'x' * 1_000_000 + 'b'",
}
WAYS = {
    "raised": ("raise ValueError({text})", "", "raised"),
    "as a name": ("raise type('E', (Exception,), {{'__module__': {text}}})", "", "raised"),
    "exited": ("sys.exit({text})", "", "exited"),
    "imported": ("pass", "raise ValueError({text})", "raised"),
    "printed": ("print({text}); raise ValueError('end')", "", "raised"),
    "printed as it is imported": ("pass", "print({text}); raise ValueError('end')", "raised"),
    "logged": ("self.logger.info({text}); raise ValueError('end')", "", "raised"),
}


QUICK = {("raised", "surrogates"), ("exited", "controls"), ("imported", "many controls")}


@pytest.mark.parametrize(
    ("way", "text"),
    [
        pytest.param(way, text, marks=[] if (way, text) in QUICK else [pytest.mark.slow])
        for way, text in itertools.product(WAYS, TEXTS)
    ],
)
def test_whatever_a_storlet_says_is_told_and_kept(client: Client, way: str, text: str) -> None:
    """No text of a storlet's keeps the answer or the log from being written, or makes the log's header two lines."""
    call, top, kind = (part.format(text=TEXTS[text]) for part in WAYS[way])
    client.deploy("says.py", storlet(call, top))
    for where in ({}, PROXY, {"X-Storlet-Generate-Log": "True"}):
        answer = client.run("says.py", "/c/o", where)
        assert (answer.failure, answer.body.count(b"\n")) == (kind, 1), answer
        log = client.log("says.py", answer.headers["X-Trans-Id"])
        assert re.match(r"--- .* GET .*: " + kind + r": .* \(\d+\.\d+ s\)\n", log), log[:300]


def test_damaged_line_of_a_log_is_passed_over(client: Client) -> None:
    """A kill or a full disk may leave anything in the file; what is whole in it is shown."""
    client.deploy("damaged.py", storlet(WRITES + "out.set_metadata({})"))
    client.run("damaged.py", "/c/o")
    path = next(client.running.folder.glob("storlets/journal/*/damaged.py.jsonl"))
    with path.open("ab") as file:
        file.write(b'\n{"time": 1}\n[1, {}\n{"time": "x", "transaction": {}}\n\xff\xfe{}\n' + b'{"a":' * 5000 + b"1}\n")
    client.run("damaged.py", "/c/o")
    assert client.log("damaged.py").count(": ok (") == 2
