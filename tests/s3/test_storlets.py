"""Storlets that run in S3 requests."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.embedded.storlets import storlet

from .conftest import S3Swift, error, headers

pytestmark = pytest.mark.slow

PART = 5 * 2**20
"""The smallest size of a part that isn't the last."""


def read(boto: Any, bucket: str, key: str = "o", **options: Any) -> bytes:
    """Return an object's content."""
    return bytes(boto.get_object(Bucket=bucket, Key=key, **options)["Body"].read())


def keys(boto: Any, bucket: str) -> list[str]:
    """Return the names of the objects in a bucket."""
    return [entry["Key"] for entry in boto.list_objects_v2(Bucket=bucket).get("Contents", ())]


def test_both_apis_have_the_same_objects(s3_swift: S3Swift, boto: Any, bucket: str) -> None:
    """Buckets are containers, keys are names, and metadata of either API are the other's."""
    seen = s3_swift.swift.request("GET", f"/{bucket}/o")
    assert (seen.body, seen.headers["X-Object-Meta-Color"]) == (b"text", "red")
    s3_swift.swift.put(f"/{bucket}/p/q", b"more", {"X-Object-Meta-Size": "big"})
    assert keys(boto, bucket) == ["o", "p/q"]
    got = boto.get_object(Bucket=bucket, Key="p/q")
    assert (got["Body"].read(), got["Metadata"]) == (b"more", {"size": "big"})
    for key in ("o", "p/q"):
        boto.delete_object(Bucket=bucket, Key=key)
    boto.delete_bucket(Bucket=bucket)
    assert s3_swift.swift.request("HEAD", f"/{bucket}").status == 404


def test_get_returns_the_result(boto: Any, bucket: str) -> None:
    """With the storlet's metadata, and without the ETag of the source."""
    with headers(boto, X_Run_Storlet="upper.py"):
        got = boto.get_object(Bucket=bucket, Key="o")
    assert (got["Body"].read(), got["Metadata"]) == (b"TEXT", {"color": "red"})
    assert "ETag" not in got
    assert read(boto, bucket) == b"text"


def test_parameters_and_further_inputs_are_passed(boto: Any, bucket: str) -> None:
    """By the headers that storlets have always had."""
    sent = {"X_Storlet_Parameter_1": "word:fog", "X_Storlet_Parameter_2": "a%3Ab"}
    with headers(boto, X_Run_Storlet="tell.py", **sent):
        assert read(boto, bucket) == b'{"a": "b", "word": "fog"}'
    boto.put_object(Bucket=bucket, Key="p", Body=b"more")
    with headers(boto, X_Run_Storlet="join.py", X_Storlet_Extra_Resources=f"/{bucket}/p"):
        assert read(boto, bucket) == b"[text][more]"
    with headers(boto, X_Run_Storlet="upper.py", X_Storlet_Range="bytes=1-2"):
        assert read(boto, bucket) == b"EX"


def test_put_stores_the_result(boto: Any, bucket: str) -> None:
    """Checksums are those of what is sent, whichever the client chooses."""
    digest = base64.b64encode(hashlib.md5(b"new").digest()).decode()
    for options in ({}, {"ContentMD5": digest}, {"ChecksumAlgorithm": "SHA256"}):
        with headers(boto, X_Run_Storlet="upper.py"):
            boto.put_object(Bucket=bucket, Key="made", Body=b"new", Metadata={"size": "big"}, **options)
        got = boto.get_object(Bucket=bucket, Key="made")
        assert (got["Body"].read(), got["Metadata"]) == (b"NEW", {"size": "big"})
        boto.delete_object(Bucket=bucket, Key="made")


@pytest.mark.parametrize("checksum", [{"ContentMD5": "XUFAKrxLKna5cZ2REBfFkg=="}, {"ChecksumCRC32": "AAAAAA=="}])
def test_damaged_upload_is_not_stored(boto: Any, bucket: str, checksum: dict[str, str]) -> None:
    """Its checksum is wrong, and the error is S3's own, with a storlet as without one."""
    for sent in ({}, {"X_Run_Storlet": "upper.py"}):
        with headers(boto, **sent), pytest.raises(ClientError) as refused:
            boto.put_object(Bucket=bucket, Key="made", Body=b"new", **checksum)
        assert error(refused)[1]["Code"] == "BadDigest"
    assert keys(boto, bucket) == ["o"]


def test_storlet_is_deployed_by_a_put(s3_swift: S3Swift, boto: Any, bucket: str) -> None:
    """Into the bucket of storlets, with the metadata that say what it is."""
    code = storlet("out.set_metadata({})\nout.write(source.read()[::-1])")
    told = {"Language": "python", "Interface-Version": "1.0", "Object-Metadata": "no", "Main": "backward.S"}
    metadata = {f"Storlet-{name}": value for name, value in told.items()}
    boto.put_object(Bucket="storlet", Key="backward.py", Body=code.encode(), Metadata=metadata)
    with headers(boto, X_Run_Storlet="backward.py"):
        assert read(boto, bucket) == b"txet"
    boto.delete_object(Bucket="storlet", Key="backward.py")


@pytest.mark.parametrize("operation", ["get", "put", "copy"])
def test_failure_is_an_s3_error_that_says_what_failed(
    s3_swift: S3Swift, boto: Any, bucket: str, operation: str
) -> None:
    """The storlet's own error is in the message, and nothing is stored; boto3 doesn't try it again."""
    name = f"fails-{bucket}.py"
    s3_swift.swift.deploy(name, storlet("source.read()\nraise ValueError('on purpose \\x1b <&>')"))
    patient = s3_swift.boto(config=Config(retries={"max_attempts": 4}))
    calls = {
        "get": lambda: patient.get_object(Bucket=bucket, Key="o"),
        "put": lambda: patient.put_object(Bucket=bucket, Key="made", Body=b"x"),
        "copy": lambda: patient.copy_object(Bucket=bucket, Key="made", CopySource=f"{bucket}/o"),
    }
    with headers(patient, X_Run_Storlet=name), pytest.raises(ClientError) as refused:
        calls[operation]()
    status, facts = error(refused)
    assert (status, facts["Code"], facts["Storlet"], facts["Failure"]) == (400, "StorletFailed", name, "raised")
    assert facts["Message"] == f"Storlet {name} failed (raised): ValueError: on purpose \\x1b <&>"
    assert keys(boto, bucket) == ["o"]
    assert s3_swift.swift.log(name).count("--- ") == 1
    patient.close()


def test_body_that_breaks_off_is_noticed(boto: Any, bucket: str) -> None:
    """A storlet that fails after its first bytes doesn't end normally for the client."""
    with headers(boto, X_Run_Storlet="later.py"):
        body = boto.get_object(Bucket=bucket, Key="o")["Body"]
    with pytest.raises(BotoCoreError):
        body.read()


def test_storlet_that_is_not_there_is_named(boto: Any, bucket: str) -> None:
    """It isn't the signature's fault."""
    with headers(boto, X_Run_Storlet="none.py"), pytest.raises(ClientError) as refused:
        read(boto, bucket)
    status, facts = error(refused)
    assert (status, facts["Code"]) == (403, "AccessDenied")
    assert "the storlet does not exist or you are not authorized to run the storlet" in facts["Message"]


def test_missing_object_is_missing(boto: Any, bucket: str) -> None:
    """To read or to copy, with a storlet as without one."""
    with headers(boto, X_Run_Storlet="upper.py"):
        with pytest.raises(ClientError) as refused:
            read(boto, bucket, "none")
        assert error(refused)[1]["Code"] == "NoSuchKey"
        with pytest.raises(ClientError) as refused:
            boto.copy_object(Bucket=bucket, Key="made", CopySource=f"{bucket}/none")
        assert error(refused)[0] == 404
    assert keys(boto, bucket) == ["o"]


def test_failed_head_has_a_length(boto: Any, bucket: str) -> None:
    """It announces 0, with either kind of authentication, so that clients don't expect chunks."""
    for failing in (lambda: boto.head_bucket(Bucket="missing"), lambda: boto.head_object(Bucket=bucket, Key="missing")):
        with pytest.raises(ClientError) as refused:
            failing()
        response = refused.value.response["ResponseMetadata"]
        assert (response["HTTPStatusCode"], response["HTTPHeaders"].get("content-length")) == (404, "0")


def test_copy_stores_the_result(boto: Any, bucket: str) -> None:
    """With the metadata that the storlet sets."""
    with headers(boto, X_Run_Storlet="upper.py"):
        boto.copy_object(Bucket=bucket, Key="made", CopySource=f"{bucket}/o")
    got = boto.get_object(Bucket=bucket, Key="made")
    assert (got["Body"].read(), got["Metadata"]) == (b"TEXT", {"color": "red"})


def test_operation_without_a_storlet_refuses_one(boto: Any, bucket: str) -> None:
    """Rather than ignore it, or run it over something else."""
    refusals: list[pytest.ExceptionInfo[ClientError]] = []
    upload = boto.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    part = {"Bucket": bucket, "Key": "large", "UploadId": upload, "PartNumber": 1}
    calls = [
        lambda: boto.create_multipart_upload(Bucket=bucket, Key="large"),
        lambda: boto.upload_part(Body=b"x", **part),
        lambda: boto.upload_part_copy(CopySource=f"{bucket}/o", **part),
        lambda: boto.list_parts(Bucket=bucket, Key="large", UploadId=upload),
        lambda: boto.get_object(Bucket=bucket, Key="o", PartNumber=1),
        lambda: boto.copy_object(Bucket=bucket, Key="p", CopySource=f"{bucket}/o", MetadataDirective="REPLACE"),
        lambda: boto.list_objects_v2(Bucket=bucket),
        lambda: boto.delete_object(Bucket=bucket, Key="o"),
        lambda: boto.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "o"}]}),
        lambda: boto.get_object_acl(Bucket=bucket, Key="o"),
    ]
    for call in calls:
        with headers(boto, X_Run_Storlet="upper.py"), pytest.raises(ClientError) as refused:
            call()
        refusals.append(refused)
    assert {(status, facts["Code"]) for status, facts in map(error, refusals)} == {(400, "InvalidRequest")}
    assert all("storlet" in error(refused)[1]["Message"] for refused in refusals)
    with headers(boto, X_Run_Storlet="upper.py"), pytest.raises(ClientError) as refused:
        boto.head_object(Bucket=bucket, Key="o")  # its error has no body
    assert error(refused)[0] == 400
    assert boto.list_parts(Bucket=bucket, Key="large", UploadId=upload).get("Parts", []) == []
    boto.abort_multipart_upload(Bucket=bucket, Key="large", UploadId=upload)
    assert keys(boto, bucket) == ["o"]


@pytest.mark.parametrize("sent", [{}, {"X_Run_Storlet": "upper.py"}], ids=["plain", "storlet"])
def test_unknown_operation_changes_nothing(boto: Any, bucket: str, sent: dict[str, str]) -> None:
    """It isn't taken for GetObject, PutObject, or DeleteBucket."""
    name = {"Bucket": bucket, "Key": "o"}
    empty = f"{bucket}-empty"
    boto.create_bucket(Bucket=empty)
    calls = [
        lambda: boto.get_object_attributes(ObjectAttributes=["ETag"], **name),
        lambda: boto.put_object_retention(Retention={"Mode": "GOVERNANCE"}, **name),
        lambda: boto.put_object_legal_hold(LegalHold={"Status": "ON"}, **name),
        lambda: boto.rename_object(RenameSource="p", **name),
        lambda: boto.put_object(Body=b"more", WriteOffsetBytes=4, **name),
        lambda: boto.delete_bucket_lifecycle(Bucket=empty),
        lambda: boto.delete_bucket_analytics_configuration(Bucket=empty, Id="x"),
    ]
    for call in calls:
        with headers(boto, **sent), pytest.raises(ClientError) as refused:
            call()
        assert (error(refused)[0], error(refused)[1]["Code"]) == (501, "NotImplemented")
    assert read(boto, bucket) == b"text"
    boto.head_bucket(Bucket=empty)


def test_empty_parameter_of_a_known_operation_is_accepted(boto: Any, bucket: str) -> None:
    """For example, one that overrides a response header."""
    assert read(boto, bucket, ResponseContentLanguage="") == b"text"
    assert boto.list_objects_v2(Bucket=bucket, Prefix="", Delimiter="")["KeyCount"] == 1


def test_version_is_read_through_a_storlet(boto: Any, bucket: str) -> None:
    """By its ID, where S3 keeps versions; copying it by its ID is refused, since Swift would restore it."""
    boto.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = boto.put_object(Bucket=bucket, Key="v", Body=b"first")["VersionId"]
    boto.put_object(Bucket=bucket, Key="v", Body=b"second")
    source = {"Bucket": bucket, "Key": "v", "VersionId": first}
    with headers(boto, X_Run_Storlet="upper.py"):
        assert read(boto, bucket, "v") == b"SECOND"
        assert read(boto, bucket, "v", VersionId=first) == b"FIRST"
        with pytest.raises(ClientError) as refused:
            boto.copy_object(Bucket=bucket, Key="v", CopySource=source)
    assert "version" in error(refused)[1]["Message"]
    assert read(boto, bucket, "v") == b"second"


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"X_Run_Storlet": ""}, "X-Run-Storlet must name a storlet"),
        ({"X_Storlet_Parameter_1": "a:b"}, "X-Run-Storlet must name a storlet"),
        ({"X_Run_Storlet": "upper.py", "X_Storlet_Parameter_1": "a"}, "X-Storlet-Parameter-1 must have the form"),
    ],
)
def test_header_without_sense_is_refused(boto: Any, bucket: str, sent: dict[str, str], message: str) -> None:
    """In one clear line, rather than as an internal error."""
    with headers(boto, **sent), pytest.raises(ClientError) as refused:
        read(boto, bucket)
    status, facts = error(refused)
    assert (status, facts["Code"], message in facts["Message"]) == (400, "InvalidRequest", True)


def test_names_keep_their_letters(boto: Any, bucket: str) -> None:
    """Keys of any letters, and underscores in the names of metadata, which WSGI wouldn't tell from hyphens."""
    key, metadata = "gr\u00fcn \u65e5%", {"a_b": "c", "a-b": "d"}
    with headers(boto, X_Run_Storlet="upper.py"):
        boto.put_object(Bucket=bucket, Key=key, Body=b"x", Metadata=metadata)
        boto.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
        for name in (key, "copy"):
            got = boto.get_object(Bucket=bucket, Key=name)
            assert (got["Body"].read(), got["Metadata"]) == (b"X", metadata)
    assert keys(boto, bucket) == ["copy", key, "o"]


def test_range_is_refused_with_the_reason(boto: Any, bucket: str) -> None:
    """The header for storlets is another one."""
    with headers(boto, X_Run_Storlet="upper.py"), pytest.raises(ClientError) as refused:
        read(boto, bucket, Range="bytes=0-1")
    assert error(refused)[1]["Message"] == "Storlet execution with range header is not supported"


@pytest.mark.parametrize(
    ("selection", "body"), [("0-1", b"TE"), ("1-", b"EXT"), ("-1", b"T"), ("2-100", b"XT")], ids=str
)
def test_storlet_reads_only_the_range(boto: Any, bucket: str, selection: str, body: bytes) -> None:
    """In every form of a range."""
    with headers(boto, X_Run_Storlet="upper.py", X_Storlet_Range=f"bytes={selection}"):
        assert read(boto, bucket) == body


@pytest.mark.parametrize(
    ("selection", "status", "code"),
    [
        ("bytes=3-2", 400, "InvalidRequest"),
        ("bytes=", 400, "InvalidRequest"),
        ("lines", 400, "InvalidRequest"),
        ("bytes=4-", 416, "InvalidRange"),
        ("bytes=4-5", 416, "InvalidRange"),
    ],
)
def test_range_that_selects_nothing_is_refused(boto: Any, bucket: str, selection: str, status: int, code: str) -> None:
    """It isn't an internal error, which clients would retry."""
    with headers(boto, X_Run_Storlet="upper.py", X_Storlet_Range=selection), pytest.raises(ClientError) as refused:
        read(boto, bucket)
    assert (error(refused)[0], error(refused)[1]["Code"]) == (status, code)


def test_range_is_not_ignored_by_an_upload_or_a_copy(boto: Any, bucket: str) -> None:
    """They are refused, because they would store more than the range."""
    calls = [
        lambda: boto.put_object(Bucket=bucket, Key="part", Body=b"text"),
        lambda: boto.copy_object(Bucket=bucket, Key="part", CopySource=f"{bucket}/o"),
    ]
    for call in calls:
        with (
            headers(boto, X_Run_Storlet="upper.py", X_Storlet_Range="bytes=0-1"),
            pytest.raises(ClientError) as refused,
        ):
            call()
        assert "X-Storlet-Range" in error(refused)[1]["Message"]
    assert keys(boto, bucket) == ["o"]


def test_multipart_object_is_run_over_as_a_whole(boto: Any, bucket: str) -> None:
    """Once it is complete: to read it, and to copy it."""
    upload = boto.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    parts = []
    for number, body in enumerate((b"a" * PART, b"b"), 1):
        stored = boto.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": stored["ETag"]})
    boto.complete_multipart_upload(Bucket=bucket, Key="large", UploadId=upload, MultipartUpload={"Parts": parts})
    with headers(boto, X_Run_Storlet="upper.py"):
        assert read(boto, bucket, "large") == b"A" * PART + b"B"
        boto.copy_object(Bucket=bucket, Key="made", CopySource=f"{bucket}/large")
    assert read(boto, bucket, "made") == b"A" * PART + b"B"
    boto.delete_object(Bucket=bucket, Key="large")


def test_large_upload_by_boto3_itself_is_refused(boto: Any, bucket: str) -> None:
    """It would become several requests, and the storlet would see none of them as a whole."""
    body = io.BytesIO(b"x" * (9 * 2**20))
    with headers(boto, X_Run_Storlet="upper.py"), pytest.raises(Exception, match="complete a multipart upload without"):
        boto.upload_fileobj(body, bucket, "made")
    assert keys(boto, bucket) == ["o"]
