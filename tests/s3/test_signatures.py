"""A signature covers the storlet that it runs, or none runs; and it tells nobody the key."""

from __future__ import annotations

import threading
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from storlet_shell.embedded import control

from .conftest import S3Swift, error, headers

pytestmark = pytest.mark.slow

RUN = {"X-Run-Storlet": "upper.py"}


def presigned(s3_swift: S3Swift, method: str, path: str, sent: dict[str, str]) -> str:
    """Return a URL whose signature covers headers."""
    environ = control.s3.environment(s3_swift.running)
    key = Credentials(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"])
    request = AWSRequest(method, environ["AWS_ENDPOINT_URL_S3"] + path, headers=sent)
    S3SigV4QueryAuth(key, "s3", environ["AWS_DEFAULT_REGION"], expires=600).add_auth(request)
    return str(request.url)


def send(method: str, url: str, sent: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
    """Send a request without any other credentials; return status and body."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_presigned_url_without_a_storlet_runs_none(s3_swift: S3Swift, boto: Any, bucket: str) -> None:
    """Neither to read nor to store, however the header is spelled; the URL itself is good."""
    url = presigned(s3_swift, "GET", f"/{bucket}/o", {})
    assert send("GET", url, {}) == (200, b"text")
    extra = {"X-Storlet-Extra-Resources": f"/{bucket}/o"}
    for sent in (RUN, {"x-run-storlet": "upper.py"}, {**RUN, **extra}, extra, {"X-Storlet-Parameter-1": "a:b"}):
        status, body = send("GET", url, sent)
        assert (status, b"<Code>AccessDenied</Code>" in body) == (403, True), sent
        assert b"must be signed" in body
        assert b"TEXT" not in body
    assert send("GET", url, {"X_Run_Storlet": "upper.py"}) == (200, b"text")
    put = presigned(s3_swift, "PUT", f"/{bucket}/made", {})
    assert send("PUT", put, RUN, b"new")[0] == 403
    assert send("PUT", put, {}, b"new")[0] == 200
    assert boto.get_object(Bucket=bucket, Key="made")["Body"].read() == b"new"


def test_presigned_url_runs_the_storlet_that_it_is_signed_for(s3_swift: S3Swift, boto: Any, bucket: str) -> None:
    """And no other, with no parameter or input that the signature doesn't cover."""
    url = presigned(s3_swift, "GET", f"/{bucket}/o", RUN)
    assert send("GET", url, RUN) == (200, b"TEXT")
    for sent in ({}, {"X-Run-Storlet": "tell.py"}):
        status, body = send("GET", url, sent)
        assert (status, b"<Code>SignatureDoesNotMatch</Code>" in body) == (403, True)
    for extra in ({"X-Storlet-Extra-Resources": f"/{bucket}/o"}, {"X-Storlet-Parameter-1": "a:b"}):
        assert send("GET", url, {**RUN, **extra})[0] == 403
    put = presigned(s3_swift, "PUT", f"/{bucket}/made", RUN)
    assert send("PUT", put, RUN, b"new")[0] == 200
    assert boto.get_object(Bucket=bucket, Key="made")["Body"].read() == b"NEW"


def test_header_that_is_added_after_signing_is_refused(boto: Any, bucket: str) -> None:
    """Also where the signature is in a header of its own."""
    with headers(boto, event="before-send", X_Run_Storlet="upper.py"), pytest.raises(ClientError) as refused:
        boto.get_object(Bucket=bucket, Key="o")
    status, facts = error(refused)
    assert (status, facts["Code"], facts["HeadersNotSigned"]) == (403, "AccessDenied", "x-run-storlet")


def test_signature_version_2_runs_no_storlet(s3_swift: S3Swift, bucket: str) -> None:
    """It covers no such header, so it could be added to any URL."""
    old = s3_swift.boto(config=Config(signature_version="s3"))
    assert old.get_object(Bucket=bucket, Key="o")["Body"].read() == b"text"
    with headers(old, X_Run_Storlet="upper.py"), pytest.raises(ClientError) as refused:
        old.get_object(Bucket=bucket, Key="o")
    assert "signature version 4" in error(refused)[1]["Message"]
    url = old.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "o"})
    assert send("GET", url, {}) == (200, b"text")
    assert send("GET", url, RUN)[0] == 403
    old.close()


def test_wrong_key_is_refused_as_by_s3(s3_swift: S3Swift, bucket: str) -> None:
    """With a storlet as without one."""
    wrong = s3_swift.boto(aws_secret_access_key="wrong")
    with pytest.raises(ClientError) as refused:
        wrong.get_object(Bucket=bucket, Key="o")
    assert error(refused)[1]["Code"] == "SignatureDoesNotMatch"
    with headers(wrong, X_Run_Storlet="upper.py"), pytest.raises(ClientError) as refused:
        wrong.get_object(Bucket=bucket, Key="o")
    assert error(refused)[1]["Code"] == "SignatureDoesNotMatch"
    wrong.close()


@pytest.mark.parametrize("s3_swift", [control.KEYSTONE], indirect=True)
@pytest.mark.usefixtures("bucket")  # to create it, the proxy logs in to Keystone, which has no time limit
def test_slow_keystone_is_waited_for(s3_swift: S3Swift) -> None:
    """A user's first signature is accepted, even if Keystone takes longer than Swift's default of ten seconds."""
    secret_key = control.s3.environment(s3_swift.running, "outsider")["AWS_SECRET_ACCESS_KEY"]
    once = Config(retries={"max_attempts": 0})
    outsider = s3_swift.boto(aws_access_key_id="outsider", aws_secret_access_key=secret_key, config=once)
    keystone = keystone_process(s3_swift.running)
    keystone.suspend()
    resuming = threading.Timer(12, keystone.resume)
    resuming.start()
    try:
        assert outsider.list_buckets()["Buckets"] == []
    finally:
        resuming.join()
        outsider.close()


def keystone_process(running: control.Running) -> psutil.Process:
    """Return the process of a server's Keystone."""
    children = psutil.Process(running.pid).children()
    return next(child for child in children if any("keystone_process" in word for word in child.cmdline()))


def test_key_is_written_to_no_log(s3_swift: S3Swift, boto: Any, bucket: str) -> None:
    """Neither the server's nor Keystone's nor a storlet's, whatever is refused."""
    key = control.s3.environment(s3_swift.running)["AWS_SECRET_ACCESS_KEY"].encode()
    send("GET", presigned(s3_swift, "GET", f"/{bucket}/o", RUN), RUN)
    with headers(boto, X_Run_Storlet="raises.py"), pytest.raises(ClientError) as refused:
        boto.get_object(Bucket=bucket, Key="o")
    assert key not in str(refused.value.response).encode()
    folder = s3_swift.running.folder
    logs = [*folder.glob("log*"), *folder.glob("keystone/log*"), *folder.glob("storlets/**/*.jsonl")]
    assert logs
    assert not [log for log in logs if key in log.read_bytes()]
