"""Identities at a real Keystone: every way to log in, and everything that can be wrong."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path

import pytest

from storlet_shell.errors import ExitStatus
from storlet_shell.session import Session, Surroundings
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.keystone import KeystoneSwift
from tests.support.lines import Runner, base_environment, one_line

ECHO = b"""class Echo:
    def __init__(self, logger):
        pass

    def __call__(self, in_files, out_files, params):
        out_files[0].set_metadata({})
        out_files[0].write(in_files[0].read())
"""


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    """Run lines without an identity."""
    return Runner(base_environment(tmp_path))


def cloud(keystone: KeystoneSwift, folder: Path, **changes: object) -> dict[str, str]:
    """Write a clouds.yaml with the documented user, its password in secure.yaml; return the variables for it."""
    who = keystone.environment()
    auth = {name[3:].lower(): who[name] for name in who if "USER" in name or "PROJECT" in name}
    clouds = {"devel": {"auth": {"auth_url": keystone.auth_url, **auth}, **changes}}
    (folder / "clouds.yaml").write_text(json.dumps({"clouds": clouds}))
    (folder / "secure.yaml").write_text(json.dumps({"clouds": {"devel": {"auth": {"password": who["OS_PASSWORD"]}}}}))
    files = {"OS_CLIENT_CONFIG_FILE": "clouds.yaml", "OS_CLIENT_SECURE_FILE": "secure.yaml"}
    return {name: str(folder / file) for name, file in files.items()}


def application_credential(keystone: KeystoneSwift, run: Runner) -> dict[str, str]:
    """Make an application credential of the documented user, and return the variables for it."""
    user = run("whoami", "--json", environ=keystone.environment()).json["user_id"]
    body = {"application_credential": {"name": f"app-{secrets.token_hex(4)}"}}
    token = keystone.token("tester")
    path = f"/v3/users/{user}/application_credentials"
    made = keystone.ask("POST", path, body, X_Auth_Token=token)["application_credential"]
    return {
        "OS_AUTH_TYPE": "v3applicationcredential",
        "OS_AUTH_URL": keystone.auth_url,
        "OS_APPLICATION_CREDENTIAL_ID": made["id"],
        "OS_APPLICATION_CREDENTIAL_SECRET": made["secret"],
    }


@pytest.mark.slow
def test_whoami_shows_what_keystone_says(keystone_swift: KeystoneSwift, run: Runner) -> None:
    """User, project and their domains, roles, how long, where; the password is not among it."""
    who = keystone_swift.environment()
    outcome = run("whoami", "--json", environ=who)
    facts = outcome.json
    assert facts["account"] == keystone_swift.running.account
    assert (facts["user"], facts["user_domain"]) == ("tester", "default")
    assert (facts["project"], facts["project_domain"]) == ("test", "default")
    assert "swiftoperator" in facts["roles"]
    assert (facts["region"], facts["interface"]) == ("RegionOne", "public")
    assert facts["storage_url"] == keystone_swift.running.storage_url
    assert time.strptime(facts["token_expires_at"], "%Y-%m-%dT%H:%M:%SZ")
    assert "OS_AUTH_URL, OS_USERNAME, OS_PASSWORD" in facts["source"]
    assert who["OS_PASSWORD"] not in outcome.text


def test_cloud_logs_in(keystone_swift: KeystoneSwift, run: Runner, tmp_path: Path) -> None:
    """By option and by variable; the source names cloud and files."""
    files = cloud(keystone_swift, tmp_path, region_name="RegionOne")
    for words, environ in ((["--os-cloud", "devel"], files), ([], {**files, "OS_CLOUD": "devel"})):
        outcome = run(*words, "whoami", "--json", environ=environ)
        assert outcome.status == 0, outcome.err
        assert outcome.json["account"] == keystone_swift.running.account
        assert outcome.json["source"] == f"cloud devel of {tmp_path}/clouds.yaml and {tmp_path}/secure.yaml"


def test_application_credential_logs_in_and_is_refused(keystone_swift: KeystoneSwift, run: Runner) -> None:
    """Its id and secret suffice."""
    who = application_credential(keystone_swift, run)
    facts = run("whoami", "--json", environ=who).json
    assert (facts["user"], facts["account"]) == ("tester", keystone_swift.running.account)
    refused = run("whoami", environ={**who, "OS_APPLICATION_CREDENTIAL_SECRET": "wrong"})
    assert refused.status == ExitStatus.IDENTITY
    name = who["OS_APPLICATION_CREDENTIAL_ID"]
    assert f"the application credential {name} is unknown or has expired" in one_line(refused)


def test_token_logs_in_for_another_token(keystone_swift: KeystoneSwift, run: Runner) -> None:
    """A token in the place of the password, at Keystone or straight at the store."""
    who = keystone_swift.environment(OS_USERNAME="", OS_PASSWORD="", OS_TOKEN=keystone_swift.token("tester"))
    assert run("whoami", "--json", environ=who).json["account"] == keystone_swift.running.account
    pair = {"OS_STORAGE_URL": keystone_swift.running.storage_url, "OS_AUTH_TOKEN": who["OS_TOKEN"]}
    facts = run("whoami", "--json", environ=pair).json
    assert (facts["user"], facts["account"]) == (None, keystone_swift.running.account)


@pytest.mark.parametrize("changes", [{"OS_TOKEN": "nonsense"}, {"OS_TOKEN": "gAAAAAB" + "x" * 150}])
def test_token_that_is_none_is_refused(keystone_swift: KeystoneSwift, run: Runner, changes: dict[str, str]) -> None:
    """Keystone answers 404, which must not be taken for a server that is none."""
    refused = run("whoami", environ=keystone_swift.environment(OS_USERNAME="", OS_PASSWORD="", **changes))
    assert refused.status == ExitStatus.IDENTITY
    assert "the token has expired, was revoked" in one_line(refused)


def test_revoked_token_is_refused(keystone_swift: KeystoneSwift, run: Runner) -> None:
    """At Keystone at once."""
    token = keystone_swift.token("tester")
    keystone_swift.revoke(token)
    refused = run("whoami", environ=keystone_swift.environment(OS_USERNAME="", OS_PASSWORD="", OS_TOKEN=token))
    assert refused.status == ExitStatus.IDENTITY
    assert "login refused by" in one_line(refused)
    pair = {"OS_STORAGE_URL": keystone_swift.running.storage_url, "OS_AUTH_TOKEN": token}
    refused = run("whoami", environ=pair)
    assert refused.status == ExitStatus.IDENTITY
    assert "it has expired or was revoked" in one_line(refused)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OS_PASSWORD", "wr0ng-one", "check the user tester of domain default, the password, and the access to"),
        ("OS_USERNAME", "nobody", "check the user nobody of domain default"),
        ("OS_USER_DOMAIN_NAME", "elsewhere", "check the user tester of domain elsewhere"),
        ("OS_PROJECT_NAME", "nothing", "access to project nothing of domain default"),
        ("OS_PROJECT_DOMAIN_NAME", "elsewhere", "access to project test of domain elsewhere"),
        ("OS_REGION_NAME", "RegionTwo", "no public object store in region RegionTwo; available: RegionOne (admin)"),
        ("OS_INTERFACE", "private", "no private object store in any region; available: RegionOne (admin)"),
    ],
)
def test_wrong_part_of_an_identity_is_named(
    keystone_swift: KeystoneSwift, run: Runner, name: str, value: str, said: str
) -> None:
    """Keystone tells nobody which part is wrong; so all that may be is said, but the password."""
    refused = run("whoami", environ=keystone_swift.environment(**{name: value}))
    assert refused.status == ExitStatus.IDENTITY
    line = one_line(refused)
    assert said in line
    assert "wr0ng-one" not in line


@pytest.mark.parametrize("ending", ["", "/", "/v3", "/v3/", "/v2.0"])
def test_url_of_keystone_may_end_in_any_way(keystone_swift: KeystoneSwift, run: Runner, ending: str) -> None:
    """Accept the URL as people write it in their files."""
    url = keystone_swift.auth_url.removesuffix("/v3") + ending
    assert run("whoami", environ=keystone_swift.environment(OS_AUTH_URL=url)).status == 0


def test_further_auth_type_is_keystoneauths_own(keystone_swift: KeystoneSwift, run: Runner) -> None:
    """Loaded by its name: this one takes a passcode, and Keystone knows none of this user's."""
    who = keystone_swift.environment(OS_AUTH_TYPE="v3totp", OS_PASSWORD="", OS_PASSCODE="123456")
    refused = run("whoami", environ=who)
    assert refused.status == ExitStatus.IDENTITY
    assert "check the user tester of domain default" in one_line(refused)
    missing = run("whoami", environ={**who, "OS_AUTH_TYPE": "v3oidcpassword", "OS_DISCOVERY_ENDPOINT": "http://x"})
    assert "auth type v3oidcpassword requires OS_IDENTITY_PROVIDER, OS_PROTOCOL" in one_line(missing)
    unknown = run("whoami", environ={**who, "OS_AUTH_TYPE": "v3tots"})
    assert "unknown auth type v3tots; did you mean v3totp" in one_line(unknown)


@pytest.mark.slow
def test_many_commands_are_one_login(keystone_swift: KeystoneSwift, run: Runner) -> None:
    """Keystone's own log is the witness."""
    before = keystone_swift.logins()
    assert run("-f", "-", stdin=b"ls --json\n" * 20, environ=keystone_swift.environment()).status == 0
    assert keystone_swift.logins() == before + 1


def test_user_without_the_account_learns_who_it_is(keystone_swift: KeystoneSwift, run: Runner) -> None:
    """The message contains the ids that a grant needs."""
    outcome = run("whoami", "--json", environ=keystone_swift.environment("tester_member"))
    told = outcome.json
    assert (outcome.status, told["user"], told["roles"]) == (0, "tester_member", ["reader"])
    assert told["storlets_enabled"] is None
    text = run("whoami", environ=keystone_swift.environment("tester_member")).text
    assert "enabled for storlets: not known; the account: permission denied" in text


def test_prompt_names_the_project(keystone_swift: KeystoneSwift) -> None:
    """An account is called by an id there, which tells people nothing."""
    with Session(Surroundings(keystone_swift.environment())) as session:
        assert session.where == keystone_swift.running.auth_url.split("/")[2]
        session.client.send(Request("HEAD")).close()
        assert session.where.endswith(":test")


def test_token_that_was_revoked_in_a_session_is_renewed(keystone_swift: KeystoneSwift) -> None:
    """The token is revoked before the store has cached it."""
    with Session(Surroundings(keystone_swift.environment())) as session:
        client: Client = session.client
        token = client.login.token()
        keystone_swift.revoke(token)
        client.send(Request("HEAD")).close()
        assert client.login.token() != token


@pytest.mark.slow
def test_batch_goes_to_every_region(keystone_swift: KeystoneSwift, run: Runner) -> None:
    """Where several regions are one cluster, a batch can be spread over them."""
    who = keystone_swift.environment()
    services = keystone_swift.ask("GET", "/v3/services?type=object-store")["services"]
    keystone_swift.ask("POST", "/v3/regions", {"region": {"id": "RegionTwo"}})
    endpoint = {
        "service_id": services[0]["id"],
        "interface": "public",
        "region_id": "RegionTwo",
        "url": keystone_swift.running.storage_url.replace(keystone_swift.running.account, "AUTH_%(project_id)s"),
    }
    made = keystone_swift.ask("POST", "/v3/endpoints", {"endpoint": endpoint})["endpoint"]
    try:
        for words in (["mkdir", "regions"], ["deploy", "echo.Echo"]):
            assert run(*words, stdin=ECHO, environ=who).status == 0
        for name in "abcd":
            assert run("upload", f"regions/{name}", stdin=b"text", environ=who).status == 0
        line = ["map", "--storlet", "echo.py", "--input", "path:/regions/*", "--endpoint", "regions", "--json"]
        outcome = run(*line, "--scheduler", "round-robin", environ=who)
        assert outcome.status == 0, outcome.err
        assert {row["endpoint"] for row in outcome.json["rows"]} == {"RegionOne", "RegionTwo"}
    finally:
        keystone_swift.ask("DELETE", f"/v3/endpoints/{made['id']}")
        keystone_swift.ask("DELETE", "/v3/regions/RegionTwo")
