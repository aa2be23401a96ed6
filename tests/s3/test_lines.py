"""The lines that start S3 and show its variables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from storlet_shell.embedded import control
from storlet_shell.embedded.control.s3 import OTHER_VARIABLES
from tests.support.keystone import KeystoneSwift
from tests.support.lines import Runner, base_environment, one_line

PROGRAM = """
import boto3
client = boto3.client("s3")
client.create_bucket(Bucket="made")
print([bucket["Name"] for bucket in client.list_buckets()["Buckets"]])
"""


@pytest.fixture
def alone(tmp_path: Path) -> Runner:
    """Run lines without an identity, with a data folder of their own."""
    return Runner({**base_environment(tmp_path), "STORLET_SHELL_DATA": str(tmp_path / "data")})


@pytest.mark.slow
def test_s3_is_started_on_request(alone: Runner) -> None:
    """Without --s3, three lines say so; with it, a program needs nothing but the environment."""
    try:
        assert alone("local", "start", "--json").json["s3_url"] is None
        assert alone("local", "status", "--json").json["s3_url"] is None
        assert "S3" not in alone("local", "status").text
        refused = alone("local", "env", "--s3")
        assert (refused.status, one_line(refused)) == (
            5,
            "the embedded Swift runs without S3; restart it: local stop, then local start --s3",
        )
        refused = alone("local", "start", "--s3")
        assert one_line(refused) == "a server without S3 is already running; stop it first: local stop"
        alone("local", "stop")

        url = alone("local", "start", "--s3", "--json").json["s3_url"]
        assert f"\nS3 URL: {url}\n" in alone("local", "status").text
        assert alone("local", "start").status == 0
        environ = alone("local", "env", "--s3", "--json").json
        assert environ.keys() == {
            "AWS_ACCESS_KEY_ID",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT_URL_S3",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
            "NO_PROXY",
            "no_proxy",
        }
        assert environ["AWS_SECRET_ACCESS_KEY"] not in alone("local", "status").text
        others = dict.fromkeys([*OTHER_VARIABLES, *environ], "another's") | {"http_proxy": "http://127.0.0.1:1"}
        lines = alone("local", "env", "--s3").text
        command = ["sh", "-c", 'eval "$1" && exec "$2" -c "$3"', "sh", lines, sys.executable, PROGRAM]
        shown = subprocess.run(command, env={**alone.environ, **others}, capture_output=True, text=True, check=True)
        assert shown.stdout == "['dependency', 'made', 'storlet', 'storletlog']\n"
        assert "runs without Keystone" in one_line(alone("local", "env", "--s3", "--user", "admin"))
    finally:
        alone("local", "stop")


@pytest.mark.slow
def test_key_is_good_for_one_run_of_the_server(tmp_path: Path) -> None:
    """Keystone's users have another one at each start, and none where S3 isn't asked for."""
    folder, keys = tmp_path / "data", []
    try:
        for _ in range(2):
            running, _started = control.start(folder, control.Settings(auth=control.KEYSTONE, s3=True))
            keys += [control.s3.environment(running, user.name)["AWS_SECRET_ACCESS_KEY"] for user in control.USERS]
            environ = control.s3.environment(running)
            stale = {**environ, "AWS_SECRET_ACCESS_KEY": keys[0]}
            assert _refusal(environ) == ""
            assert _refusal(stale) == ("" if stale == environ else "SignatureDoesNotMatch")
            control.stop(folder)
        assert len(set(keys)) == len(keys)
        assert {path.stat().st_mode & 0o077 for path in (folder / "keystone").iterdir()} == {0}
        keystone = KeystoneSwift(control.start(folder, control.Settings())[0])
        tester = keystone.ask("GET", "/v3/users?name=tester")["users"][0]["id"]
        assert keystone.ask("GET", f"/v3/users/{tester}/credentials/OS-EC2")["credentials"] == []
    finally:
        control.stop(folder)


def _refusal(environ: dict[str, str]) -> str:
    """Return the code with which a listing of all buckets is refused, or an empty text."""
    client = boto3.client(
        "s3",
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=environ["AWS_ENDPOINT_URL_S3"],
        region_name=environ["AWS_REGION"],
    )
    try:
        client.list_buckets()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    finally:
        client.close()
    return ""
