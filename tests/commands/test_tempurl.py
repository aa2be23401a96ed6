"""``tempurl``: signed links, tried without a token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import storlet_shell
from storlet_shell.commands.arguments.durations import parse_duration
from storlet_shell.errors import NotFoundError, UsageError
from storlet_shell.transfers.tempurls import Signed, sign
from storlet_shell.values import Location
from storlet_shell.wire.client import Client
from tests.support.lines import Runner, one_line
from tests.support.responder import Responder, ok

KEY = "X-Account-Meta-Temp-Url-Key"


@pytest.fixture
def unsigned(run: Runner, container: str) -> Iterator[str]:
    """Create a container with an object in an account without a key; no key remains."""
    run("post", "path:/", "--remove", "Temp-URL-Key")
    assert run("upload", f"{container}/a b?ü", stdin=b"text").status == 0
    yield container
    run("post", "path:/", "--remove", "Temp-URL-Key")


def fetch(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    """Send a request without a token."""
    try:
        with urlopen(Request(url, body, method=method), timeout=60) as reply:
            return reply.status, reply.read()
    except HTTPError as error:
        return error.code, b""


def test_link_reads_only_its_object_by_its_method(run: Runner, unsigned: str) -> None:
    """The account has got a key, which a note says once; the link works for GET, and for nothing else."""
    made = run("tempurl", f"{unsigned}/a b?ü")
    assert made.status == 0
    assert "has a key for temporary URLs now" in made.err
    url = made.text.strip()
    assert fetch(url) == (200, b"text")
    assert fetch(url, "PUT", b"other")[0] == 401
    assert fetch(url.replace("%C3%BC", "u"))[0] == 401
    assert "has a key" not in run("tempurl", f"{unsigned}/a b?ü").err


def test_pattern_is_a_link_for_each_match(run: Runner, unsigned: str) -> None:
    """An object of that very name is meant by its name; without a match, no key is set."""
    for name in ("b1.csv", "b2.csv"):
        assert run("upload", f"{unsigned}/{name}", stdin=name.encode()).status == 0
    missed = run("tempurl", f"{unsigned}/b?.txt")
    assert (missed.status, missed.out, KEY in run("stat", "--json").json["headers"]) == (4, b"", False)
    made = run("tempurl", f"{unsigned}/b[1-9].csv")
    assert [fetch(url) for url in made.text.splitlines()] == [(200, b"b1.csv"), (200, b"b2.csv")]
    rows = run("tempurl", f"{unsigned}/b[1-9].csv", "--json").json["rows"]
    assert [row["location"] for row in rows] == [f"path:/{unsigned}/b1.csv", f"path:/{unsigned}/b2.csv"]
    assert run("upload", f"{unsigned}/b[1-9].csv", stdin=b"itself").status == 0
    assert fetch(run("tempurl", f"{unsigned}/b[1-9].csv").text.strip()) == (200, b"itself")


@pytest.mark.slow
def test_pattern_is_a_name_where_it_may_be_one(run: Runner, unsigned: str) -> None:
    """An upload creates its object; a prefix that begins no name is refused if it is a pattern."""
    made = run("tempurl", f"{unsigned}/new[1].csv", "--method", "PUT", "-y")
    assert fetch(made.text.strip(), "PUT", b"new")[0] == 201
    assert [row["name"] for row in run("ls", unsigned, "--json").json["rows"]] == ["a b?ü", "new[1].csv"]
    refused = run("tempurl", f"{unsigned}/x*", "--prefix")
    assert (refused.status, "drop --prefix" in one_line(refused)) == (2, True)


def test_end_of_a_link_is_noted(run_scripted: Runner, responder: Responder) -> None:
    """On standard error, as in JSON."""
    responder.info = {"tempurl": {}}
    responder.on("HEAD", "*", ok(X_Account_Meta_Temp_Url_Key="k"))
    made = run_scripted("tempurl", "c/o", "--json")
    assert one_line(made) == f"note: valid until {made.json['expires_at']}"


@pytest.mark.slow
def test_link_can_let_others_upload(run: Runner, unsigned: str) -> None:
    """The object needn't exist."""
    made = run("tempurl", f"{unsigned}/new", "--method", "PUT", "--expires", "2d", "-y", "--json").json
    assert fetch(made["url"], "PUT", b"new")[0] == 201
    assert run("get", f"{unsigned}/new").out == b"new"
    expires = time.time() + 2 * 86_400
    assert made["expires_at"] <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["a ", ""])
def test_prefix_allows_all_names_that_start_with_it(run: Runner, unsigned: str, prefix: str) -> None:
    """The rest of a name goes in front of the query string."""
    url, query = run("tempurl", f"{unsigned}/{prefix}", "--prefix").text.strip().split("?")
    rest = "a b?ü".removeprefix(prefix).replace("?", "%3F").replace("ü", "%C3%BC").replace(" ", "%20")
    assert fetch(f"{url}{rest}?{query}") == (200, b"text")
    if prefix:
        assert fetch(f"{url.removesuffix('a%20')}other?{query}")[0] == 401


@pytest.mark.slow
def test_containers_own_key_is_used_if_the_account_has_none(run: Runner, unsigned: str) -> None:
    """The account stays without one."""
    assert run("post", unsigned, "-m", "Temp-URL-Key=own").status == 0
    made = run("tempurl", f"{unsigned}/a b?ü")
    assert "has a key" not in made.err
    assert fetch(made.text.strip()) == (200, b"text")
    assert KEY not in run("stat", "--json").json["headers"]


def test_expired_link_is_refused(unsigned: str, real_client: Client, run: Runner) -> None:
    """By the server."""
    run("post", "path:/", "-m", "Temp-URL-Key=known")
    past = Signed(Location(unsigned, "a b?ü"), "GET", int(time.time()) - 1)
    assert fetch(sign(real_client, past, "known"))[0] == 401


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["c"], 2, "c/OBJECT"),
        (["path:/"], 2, "must have the format"),
        (["c/o", "--expires", "0"], 2, "1h30m"),
        (["c/o", "--expires", "1x"], 2, "'1x'"),
        (["c/o", "--method", "PATCH"], 2, "PATCH"),
        (["no-such-container/o"], 4, "no-such-container"),
    ],
)
def test_bad_input_is_refused_in_one_line(run: Runner, words: list[str], status: int, reason: str) -> None:
    """No key is set either."""
    outcome = run("tempurl", *words)
    assert (outcome.status, outcome.out) == (status, b"")
    assert reason in one_line(outcome)


@pytest.mark.parametrize(
    ("info", "status", "reason"),
    [
        ({"swift": {}}, 1, "doesn't offer temporary URLs"),
        ({"tempurl": {"methods": ["HEAD"]}}, 2, "can't be for GET, only for HEAD"),
    ],
)
def test_cluster_that_would_refuse_it_is_told(
    run_scripted: Runner, responder: Responder, info: dict[str, object], status: int, reason: str
) -> None:
    """Before anything is sent to the account."""
    responder.info = info
    outcome = run_scripted("tempurl", "c/o")
    assert outcome.status == status
    assert reason in one_line(outcome)


@pytest.mark.parametrize(("digests", "start"), [(["sha512", "sha1"], "sha512%3A"), (["sha1"], ""), (None, "")])
def test_digest_is_one_that_the_cluster_takes(
    run_scripted: Runner, responder: Responder, digests: list[str] | None, start: str
) -> None:
    """SHA-1 if it names none: then it is an old one."""
    responder.info = {"tempurl": {"allowed_digests": digests} if digests else {}}
    responder.on("HEAD", "*", ok(X_Account_Meta_Temp_Url_Key="k"))
    signature = run_scripted("tempurl", "c/o").text.partition("temp_url_sig=")[2].partition("&")[0]
    assert signature.startswith(start)
    assert len(signature) == (101 if start else 40)


@pytest.mark.slow
def test_program_gets_the_link(unsigned: str, run: Runner) -> None:
    """Without a key, it says so rather than set one."""
    with storlet_shell.connect(environ=run.environ) as store:
        with pytest.raises(NotFoundError, match="has no key"):
            store.temporary_url(f"{unsigned}/a b?ü")
        run("post", "path:/", "-m", "Temp-URL-Key=known")
        assert fetch(store.temporary_url(f"{unsigned}/a b?ü", expires=60)) == (200, b"text")


@pytest.mark.parametrize(("text", "seconds"), [("45", 45), ("45s", 45), ("1h30m", 5400), ("2w", 1_209_600)])
def test_durations(text: str, seconds: int) -> None:
    """Numbers with units, or seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1h30", "1.5h", "-1h", "1 h", "0", "0h", "٣h"])
def test_no_durations(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(UsageError, match="duration"):
        parse_duration(text)
