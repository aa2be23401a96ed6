"""A Swift that answers S3 requests, with each kind of authentication, and boto3."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from storlet_shell.embedded import control
from tests.embedded.storlets import Client
from tests.support.keystone import KeystoneSwift
from tests.support.storlets import STORLETS

DEPLOYED = ("upper.py", "tell.py", "join.py", "raises.py", "later.py")


@dataclass(frozen=True)
class S3Swift:
    """A Swift that answers S3 requests.

    :param swift: a client of its own API, for the same account
    """

    running: control.Running
    swift: Client

    def boto(self, **changes: Any) -> Any:
        """Return boto3's client for S3, with the variables that ``local env --s3`` sets.

        :param changes: replacements for its options
        """
        environ = control.s3.environment(self.running)
        options = {
            "aws_access_key_id": environ["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": environ["AWS_SECRET_ACCESS_KEY"],
            "endpoint_url": environ["AWS_ENDPOINT_URL_S3"],
            "region_name": environ["AWS_DEFAULT_REGION"],
            **changes,
        }
        return boto3.client("s3", **options)


# Keystone comes first, so that pytest doesn't start a second one for a test that is for Keystone only.
@pytest.fixture(scope="session", params=[control.KEYSTONE, control.TEMPAUTH])
def s3_swift(request: pytest.FixtureRequest) -> Iterator[S3Swift]:
    """Run a Swift that answers S3 requests, with some storlets deployed."""
    settings = control.Settings(ephemeral=True, auth=request.param, s3=True)
    with control.join_or_start(Path(), settings) as lease:
        running = lease.running
        token = KeystoneSwift(running).token("tester") if request.param == control.KEYSTONE else ""
        swift = Client(running, token, running.account)
        for name in DEPLOYED:
            swift.deploy(name, STORLETS[name], main=f"{name.removesuffix('.py')}.Main")
        yield S3Swift(running, swift)
        swift.close()


@pytest.fixture
def boto(s3_swift: S3Swift) -> Iterator[Any]:
    """Return boto3's client, which sends each request once."""
    client = s3_swift.boto(config=Config(retries={"max_attempts": 0}))
    yield client
    client.close()


@pytest.fixture
def bucket(boto: Any) -> str:
    """Create a bucket with an object ``o``."""
    name = f"b-{secrets.token_hex(4)}"
    boto.create_bucket(Bucket=name)
    boto.put_object(Bucket=name, Key="o", Body=b"text", Metadata={"color": "red"})
    return name


@contextmanager
def headers(boto: Any, *, event: str = "before-sign", **sent: str) -> Iterator[None]:
    """Have boto3 send further headers with each request.

    :param event: ``before-sign``, so that they are signed, or ``before-send``
    :param sent: with ``_`` for ``-``
    """

    def add(request: Any, **_: Any) -> None:
        for name, value in sent.items():
            request.headers[name.replace("_", "-")] = value

    boto.meta.events.register(f"{event}.s3", add)
    try:
        yield
    finally:
        boto.meta.events.unregister(f"{event}.s3", add)


def error(refused: pytest.ExceptionInfo[ClientError]) -> tuple[int, dict[str, str]]:
    """Return the status of an S3 error, and its elements."""
    response: dict[str, Any] = refused.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]
