"""``get``, ``put``, ``upload``, ``copy``, and ``rm`` without a storlet on the real Swift."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from pathlib import Path

import pytest

from tests.commands.names import EVERYDAY, NAMES
from tests.support.lines import Runner, one_line
from tests.support.variants import fast_and_slow

every_name = pytest.mark.parametrize(
    "name",
    fast_and_slow(EVERYDAY, [name for name in NAMES if name not in EVERYDAY]),
    ids=lambda name: repr(name)[1:20],
)
CONTENT = bytes(range(256)) * 10


@every_name
def test_name_survives_every_command(run: Runner, container: str, name: str) -> None:
    """An object of any legal name is stored, listed, read, copied and deleted under exactly that name."""
    path = f"path:/{container}/{name}"
    stored = run("put", "-", path, stdin=CONTENT)  # a file would keep its name below one that ends with a slash
    assert (stored.status, stored.err) == (0, "")
    assert [row["name"] for row in run("ls", container, "--json").json["rows"]] == [name]
    assert run("get", "--input", path).out == CONTENT
    assert run("copy", path, f"{container}/{name[:-1]}2").status == 0
    assert run("get", f"path:/{container}/{name[:-1]}2").out == CONTENT
    assert run("rm", "-y", path, f"path:/{container}/{name[:-1]}2").status == 0
    assert run("ls", container).out == b""


@pytest.mark.parametrize("container_name", ["with space", "per%cent", "grün", "a?b#c", "..", "path:x", "new\nline"])
def test_container_of_any_name_can_be_used(run: Runner, container_name: str) -> None:
    """Containers have the same freedom, but for the slash."""
    path = f"path:/{container_name}"
    assert run("mkdir", path).status == 0
    assert run("upload", f"{path}/o", stdin=b"x").status == 0
    assert run("get", f"{path}/o").out == b"x"
    assert container_name in [row["name"] for row in run("ls", "--json").json["rows"]]
    assert run("rm", "-y", f"{path}/o", path).status == 0


@pytest.mark.parametrize("size", fast_and_slow([0, 1, 65536], [65535, 65537, 3_000_000]))
def test_put_and_get_are_byte_exact(run: Runner, container: str, tmp_path: Path, size: int) -> None:
    """Whatever the size, what comes back is what was sent, from a file and from standard input."""
    content = os.urandom(size)
    (tmp_path / "f").write_bytes(content)
    assert run("put", str(tmp_path / "f"), f"{container}/file").status == 0
    assert run("put", "-", f"{container}/stdin", stdin=content).status == 0
    assert run("upload", f"{container}/upload", stdin=content).status == 0
    for name in ("file", "stdin", "upload"):
        assert run("get", f"{container}/{name}").out == content


def test_upload_is_text_unless_the_name_says_otherwise(run: Runner, container: str) -> None:
    """The content type is guessed from the name, and can be given."""
    for words, kind in [
        (["plain"], "text/plain; charset=utf-8"),
        (["a.json"], "application/json"),
        (["a.json", "--content-type", "text/x-own"], "text/x-own"),
    ]:
        assert run("uploadfile", f"{container}/{words[0]}", *words[1:], stdin=b"x").status == 0
        assert run("get", f"{container}/{words[0]}", "--json").json["headers"]["Content-Type"] == kind


def test_put_guesses_the_content_type(run: Runner, container: str, tmp_path: Path) -> None:
    """An unknown name is binary."""
    (tmp_path / "f").write_bytes(b"x")
    for words, kind in [
        (["o"], "application/octet-stream"),
        (["o.csv"], "text/csv"),
        (["o", "--content-type", "a/b"], "a/b"),
    ]:
        assert run("put", str(tmp_path / "f"), f"{container}/{words[0]}", *words[1:]).status == 0
        assert run("get", f"{container}/{words[0]}", "--json").json["headers"]["Content-Type"] == kind


def test_put_by_options_is_put_by_position(run: Runner, container: str, tmp_path: Path) -> None:
    """Old notebooks spell everything as options."""
    (tmp_path / "f").write_bytes(b"x")
    outcome = run("put", "--input", str(tmp_path / "f"), "--output", f"path:/{container}/o")
    assert (outcome.status, outcome.text) == (0, f"path:/{container}/o: stored (HTTP 201)\n")
    assert run("copy", "--input", f"path:/{container}/o", "--output", f"path:{container}/o2").status == 0
    assert run("get", "--input", f"path:{container}/o2").out == b"x"


@pytest.mark.parametrize(
    "words",
    [
        ["get"],
        ["get", "c/o", "--input", "path:/c/o"],
        ["get", "--input", "c/o"],
        ["get", "c"],
        ["get", "c/o", "c/p"],
        ["put", "f"],
        ["put"],
        ["put", "--output", "c/o", "--input", "f"],
        ["put", "f", "c/o", "--output", "path:/c/o"],
        ["put", "f", "c"],
        ["copy", "c/o"],
        ["copy", "c/o", "c"],
        ["copy", "--input", "c/o", "--output", "path:/c/o"],
        ["upload"],
        ["upload", "c"],
        ["rm"],
        ["rm", "/"],
        ["rm", "c/o", "path:"],
        ["mkdir"],
        ["mkdir", "a/b"],
        ["mkdir", ""],
        ["mkdir", "c" * 257],
        ["get", "c/" + "o" * 1025],
        ["get", "c/o", "-p", "a=b"],
        ["get", "c/o", "--on-proxy"],
        ["get", "c/o", "--storlet", "a.py", "--range", "0-1", "--on-node"],
        ["get", "c/o", "--storlet", "a/b.py"],
        ["get", "c/o", "--storlet", "a.py", "-p", "a:b=c"],
        ["get", "c/o", "--storlet", "a.py", "-p", "storlet_x=1"],
        ["get", "c/o", "--storlet", "a.py", "-p", "a=b\nc"],
        ["get", "c/o", "--storlet", "a.py", "--range", "1-2,3-4"],
        ["get", "c/o", "--storlet", "a.py", "-i", "nothing"],
        ["get", "c/o", "-o", "result"],
        ["put", "-", "c/o", "--storlet", "a.py", "--range", "0-1"],
        ["storlets", "-c", "a/b"],
        ["undeploy", "a/b"],
        ["logs"],
        ["logs", "a.py", "-n", "0"],
        ["logs", "a.py", "-n", "many"],
        ["logs", "a.py", "--since", "yesterday"],
        ["logs", "a.py", "--since", "999999999w"],
        ["local", "explode"],
        ["ls", "a", "b"],
    ],
    ids=" ".join,
)
def test_wrong_line_is_one_line_and_sends_nothing(run_scripted: Runner, responder: object, words: list[str]) -> None:
    """Each mistake ends with 2 and one line, before anybody logs in."""
    outcome = run_scripted(*words)
    assert outcome.status == 2, outcome.err
    assert one_line(outcome)
    assert outcome.out == b""
    assert responder.logins == responder.requests == []  # type: ignore[attr-defined]


# --- what is not there


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["get", "{c}/none"], "path:/{c}/none: not found (HTTP 404) (transaction"),
        (
            ["get", "no-container/o"],
            "path:/no-container/o: not found (HTTP 404); container no-container doesn't exist, either",
        ),
        (["copy", "{c}/none", "{c}/o"], "path:/{c}/none: not found"),
        (
            ["copy", "{c}/there", "no-container/o"],
            "container no-container doesn't exist (create it: mkdir no-container)",
        ),
        (["put", "-", "no-container/o"], "container no-container doesn't exist (create it: mkdir no-container)"),
        (["upload", "no-container/o"], "container no-container doesn't exist (create it: mkdir no-container)"),
        (["put", "/no/such/file", "{c}/o"], "no local file /no/such/file"),
        (["ls", "no-container"], "container no-container: not found"),
        (["rm", "-y", "{c}/none"], "path:/{c}/none: not found"),
        (["rm", "-y", "no-container"], "container no-container: not found"),
        (["undeploy", "-y", "none.py"], "storlet none.py isn't deployed"),
        (["logs", "none.py"], "storlet none.py isn't deployed"),
        (["get", "{c}/there", "--storlet", "none.py"], "storlet none.py isn't deployed"),
        (["put", "-", "{c}/o", "--storlet", "none.py"], "storlet none.py isn't deployed"),
        (["copy", "{c}/there", "{c}/o", "--storlet", "none.py"], "storlet none.py isn't deployed"),
        (["get", "{c}/there", "--storlet", "none.py", "--extra", "path:/{c}/extra"], "path:/{c}/extra: not found"),
        (["deploy", "/no/such/file.py"], "no local file /no/such/file.py"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_missing_thing_is_one_line_and_4(run: Runner, container: str, words: list[str], said: str) -> None:
    """What is not there is named as the user spelled it, with what to do next."""
    assert run("upload", f"{container}/there", stdin=b"x").status == 0
    outcome = run(*[word.replace("{c}", container) for word in words], stdin=b"x")
    assert outcome.status == 4, outcome.err
    assert one_line(outcome).startswith(said.replace("{c}", container))
    assert outcome.out == b""
    assert [row["name"] for row in run("ls", container, "--json").json["rows"]] == ["there"]


def test_error_is_one_json_document(run: Runner, container: str) -> None:
    """With --json, a machine reads what went wrong from standard output, and people from standard error."""
    outcome = run("get", f"{container}/none", "--json")
    assert outcome.status == 4
    assert outcome.json["error"] == "NotFoundError"
    assert outcome.json["exit_status"] == 4
    assert outcome.json["transaction"].startswith("tx")
    assert one_line(outcome)


def test_error_document_tells_what_to_do(run: Runner) -> None:
    """Subject, status and hint are data; the message is the line that people see."""
    outcome = run("upload", "no-container/o", "--json", stdin=b"x")
    assert outcome.json["message"] == "container no-container doesn't exist (create it: mkdir no-container)"
    assert (outcome.json["subject"], outcome.json["status"]) == ("no-container", 404)
    hint = {"action": "make_container", "arguments": ["no-container"], "text": "mkdir no-container"}
    assert outcome.json["hint"] == hint


# --- local files


def test_directory_is_no_file(run: Runner, container: str, tmp_path: Path) -> None:
    """Where a file is meant, a directory is a usage error, for reading and for saving."""
    run("upload", f"{container}/o", stdin=b"x")
    for words in (["put", str(tmp_path), f"{container}/o"], ["get", f"{container}/o", "--save", str(tmp_path)]):
        outcome = run(*words)
        assert outcome.status == 2
        assert "is a directory" in one_line(outcome)


def test_unreadable_file_is_one_line(run: Runner, container: str, tmp_path: Path) -> None:
    """A file that this user may not read is named with the reason; tried without root's rights."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"x")
    secret.chmod(0)
    ended = run.without_root("put", str(secret), f"{container}/o")
    assert (ended.returncode, ended.stderr) == (1, f"storlet-shell: can't read {secret}: Permission denied\n")


def test_pipe_can_be_uploaded(run: Runner, container: str) -> None:
    """What has no length, like a process's output, is sent as it comes."""
    reader, writer = os.pipe()
    os.write(writer, b"through a pipe")
    os.close(writer)
    assert run("put", f"/dev/fd/{reader}", f"{container}/o").status == 0
    os.close(reader)
    assert run("get", f"{container}/o").out == b"through a pipe"


def test_save_writes_the_file_and_says_so(run: Runner, container: str, tmp_path: Path) -> None:
    """Data go to the file, one line about it to standard output."""
    run("upload", f"{container}/o", stdin=CONTENT)
    target = tmp_path / "f"
    outcome = run("get", f"{container}/o", "--save", str(target))
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.text == f"{target}: {len(CONTENT)} bytes from path:/{container}/o\n"
    assert target.read_bytes() == CONTENT


def test_save_replaces_an_existing_file_at_success_only(run: Runner, container: str, tmp_path: Path) -> None:
    """A failing get leaves what was there; a good one replaces it and keeps its mode."""
    run("upload", f"{container}/o", stdin=b"new")
    target = tmp_path / "f"
    target.write_bytes(b"old")
    target.chmod(0o600)
    assert run("get", f"{container}/none", "--save", str(target)).status == 4
    assert target.read_bytes() == b"old"
    assert run("get", f"{container}/o", "--save", str(target)).status == 0
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"new", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("target", ["no/such/folder/f", "~no-such-user-here/f", "x" * 300])
def test_save_to_an_impossible_place_is_one_line(run: Runner, container: str, tmp_path: Path, target: str) -> None:
    """The reason is the file system's, the status 1."""
    run("upload", f"{container}/o", stdin=b"x")
    outcome = run("get", f"{container}/o", "--save", target if target[0] == "~" else f"{tmp_path}/{target}")
    assert outcome.status == 1
    assert one_line(outcome)


@pytest.mark.parametrize("home", ["~/f"])
def test_home_is_expanded_where_no_shell_has(run: Runner, container: str, home: str) -> None:
    """A command file has no shell in front of it."""
    run("upload", f"{container}/o", stdin=b"x")
    assert run("get", f"{container}/o", "--save", home).status == 0
    assert run("put", home, f"{container}/o2").status == 0


# --- copies


def test_copy_keeps_what_belongs_to_the_object(run: Runner, container: str) -> None:
    """A plain copy keeps the bytes and the content type."""
    run("upload", f"{container}/o", "--content-type", "a/b", stdin=CONTENT)
    outcome = run("copy", f"{container}/o", f"{container}/o2")
    assert outcome.text == f"path:/{container}/o2: created from path:/{container}/o (HTTP 201)\n"
    read = run("get", f"{container}/o2", "--json").json
    assert read["headers"]["Content-Type"] == "a/b"
    assert read["headers"]["Etag"] == hashlib.md5(CONTENT).hexdigest()


def test_copy_onto_itself_keeps_the_object(run: Runner, container: str) -> None:
    """Source and target may be one."""
    run("upload", f"{container}/o", stdin=CONTENT)
    assert run("copy", f"{container}/o", f"{container}/o").status == 0
    assert run("get", f"{container}/o").out == CONTENT


# --- deletion


def test_rm_deletes_objects_then_the_container(run: Runner, container: str) -> None:
    """Several targets go in one line; a container must be empty."""
    for name in ("a", "b"):
        run("upload", f"{container}/{name}", stdin=b"x")
    refused = run("rm", "-y", container)
    assert refused.status == 1
    assert "isn't empty" in one_line(refused)
    outcome = run("rm", "-y", f"{container}/a", f"{container}/b", container)
    assert (outcome.status, outcome.text) == (
        0,
        f"deleted path:/{container}/a, path:/{container}/b, container {container}\n",
    )


@pytest.mark.slow
def test_rm_asks_on_a_terminal(run: Runner, container: str) -> None:
    """A terminal is asked; no answer, and any but yes, leaves everything as it is."""
    import pexpect

    run("upload", f"{container}/o", stdin=b"x")
    for answer, status in (("n", 7), ("", 7), ("y", 0)):
        child = pexpect.spawn(
            sys.executable,
            ["-m", "storlet_shell", "rm", f"{container}/o"],
            env=run.environ,
            timeout=20,
            encoding="utf-8",
        )
        child.expect(f"Delete path:/{container}/o\\? \\[y/N\\] ")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == status
        assert (run("ls", container).out == b"") == (status == 0)
