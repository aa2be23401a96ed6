"""A run that reads nothing from one of several inputs fails, unless the request allows it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from storlet_shell.embedded import control

from .storlets import Client, storlet

ALLOWED = {"X-Storlet-Shell-Allow-Unread": "True"}
EXTRA = "X-Storlet-Extra-Resources"
LARGE = b"x" * 1_000_000


@pytest.fixture(scope="module")
def inputs(strict: control.Running) -> Iterator[Client]:
    """Store a small, a large, an empty, and a static large object, and a storlet that runs any code."""
    client = Client(strict)
    client.request("PUT", "/c")
    for name, body in (("o", b"first"), ("small", b"small\n"), ("large", LARGE), ("empty", b"")):
        assert client.request("PUT", f"/c/{name}", body=body).status == 201
    manifest = b'[{"path": "/c/small"}, {"path": "/c/large"}]'
    assert client.request("PUT", "/c/manifest?multipart-manifest=put", body=manifest).status == 201
    client.deploy("reads.py", storlet("exec(params['code'], {**globals(), **locals()})"))
    yield client
    client.close()


READS = {
    "the first": ("out.set_metadata({}); out.write(source.read())", "in_files[1]"),
    "none": ("out.set_metadata({}); out.write(b'x')", "in_files[0] and in_files[1]"),
    "the second": ("out.set_metadata({}); out.write(in_files[1].read())", "in_files[0]"),
    "the second's metadata": ("out.set_metadata({}); source.read(); in_files[1].get_metadata()", "in_files[1]"),
    "zero bytes": ("out.set_metadata({}); source.read(); in_files[1].read(0)", "in_files[1]"),
    "the first, closing both": (
        "out.set_metadata({}); source.read(); source.close(); in_files[1].close(); out.close(); time.sleep(0.1)",
        "in_files[1]",
    ),
    "both": ("out.set_metadata({}); [out.write(file.read()) for file in in_files]", ""),
    "a byte of both": ("out.set_metadata({}); [out.write(file.read(1)) for file in in_files]", ""),
    "a byte of both by descriptor": ("out.set_metadata({}); [os.read(file.fileno(), 1) for file in in_files]", ""),
    "a line of both, closing": (
        "out.set_metadata({}); [(out.write(file.readline(9)), file.close()) for file in in_files]; out.close()",
        "",
    ),
    "both, the second by a program": (
        "out.set_metadata({}); source.read(); __import__('subprocess').run('cat', stdin=in_files[1])",
        "",
    ),
}


def reading(case: str) -> dict[str, str]:
    """Return the headers that have the storlet read in one of these ways."""
    return {"X-Storlet-Parameter-1": f"code:{quote(READS[case][0], safe='')}"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("o", "manifest"),
        *(
            pytest.param(first, second, marks=pytest.mark.slow)
            for first in ("o", "large")
            for second in ("small", "large")
        ),
    ],
)
@pytest.mark.parametrize("case", READS)
def test_an_input_of_which_nothing_is_read_fails_the_run(inputs: Client, case: str, first: str, second: str) -> None:
    """However large inputs are, and whether they are closed; each unread one is named."""
    unread, headers = READS[case][1], {**reading(case), EXTRA: f"/c/{second}"}
    answer = inputs.run("reads.py", f"/c/{first}", headers)
    if not unread:
        assert (answer.status, answer.whole) == (200, True)
    elif answer.status == 200:  # its answer had begun
        assert not answer.whole
        assert f"unread: it read nothing of {unread}" in inputs.log("reads.py", answer.headers["X-Trans-Id"])
    else:
        assert (answer.status, answer.failure) == (500, "unread")
        assert f"it read nothing of {unread}, " in answer.text
    allowed = inputs.run("reads.py", f"/c/{first}", {**headers, **ALLOWED})
    assert (allowed.status, allowed.whole) == (200, True)


def test_an_empty_input_need_not_be_read(inputs: Client) -> None:
    """It has nothing that could be missed."""
    for first in ("o", "empty"):
        answer = inputs.run("reads.py", f"/c/{first}", {**reading("the first"), EXTRA: "/c/empty,/c/empty"})
        assert (answer.status, answer.whole) == (200, True)


def test_a_run_of_one_input_may_leave_it_unread(inputs: Client) -> None:
    """A storlet may answer by metadata or parameters alone."""
    for where in ({}, {"X-Storlet-Run-On-Proxy": ""}):
        assert inputs.run("reads.py", "/c/large", {**reading("none"), **where}).status == 200


@pytest.mark.parametrize("method", ["PUT", "COPY", "PUT of a copy"])
def test_nothing_is_stored_of_a_run_that_leaves_an_input_unread(inputs: Client, method: str) -> None:
    """The verdict comes before the object; with permission, it is stored."""
    headers = {"X-Run-Storlet": "reads.py", EXTRA: "/c/small", **reading("the first")}
    path, body = "/c/made", b"body" if method == "PUT" else None
    if method == "COPY":
        path, headers = "/c/o", {**headers, "Destination": "c/made"}
    elif method == "PUT of a copy":
        headers = {**headers, "X-Copy-From": "c/o"}
    inputs.request("DELETE", "/c/made")
    answer = inputs.request(method.split()[0], path, headers, body)
    assert answer.status in (500, 503)
    assert answer.failure == "unread"
    assert inputs.request("HEAD", "/c/made").status == 404
    assert inputs.request(method.split()[0], path, {**headers, **ALLOWED}, body).status == 201
    assert inputs.request("HEAD", "/c/made").status == 200


@pytest.mark.slow
def test_an_unread_input_of_fragments_is_named(inputs: Client) -> None:
    """Its pieces come from several servers, and take a while to be given up; a copy says why it failed all the same."""
    assert inputs.request("PUT", "/ec", {"X-Storage-Policy": "ec21"}).status in (201, 202)
    for number in range(3):
        assert inputs.request("PUT", f"/ec/parts/{number}", body=LARGE[:100_000]).status == 201
    assert inputs.request("PUT", "/ec/whole", {"X-Object-Manifest": "ec/parts/"}, b"").status == 201
    headers = {"X-Run-Storlet": "reads.py", EXTRA: "/ec/whole", "X-Storlet-Run-On-Proxy": "", **reading("the first")}
    for _ in range(8):
        answer = inputs.request("COPY", "/c/o", {**headers, "Destination": "c/made"})
        assert (answer.status, answer.failure) == (500, "unread")


def test_the_body_of_a_put_must_be_read_too(inputs: Client) -> None:
    """It is the first input; what is left of a large one doesn't get into the connection's next request."""
    headers = {"X-Run-Storlet": "reads.py", EXTRA: "/c/small", **reading("the second")}
    answer = inputs.request("PUT", "/c/made", headers, LARGE)
    assert answer.failure == "unread"
    assert "in_files[0]" in answer.text
    assert inputs.request("PUT", "/c/made", headers, b"").status == 201
