"""Results: saving, rendering, JSON, and constant memory for any size."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storlet_shell import results
from storlet_shell.errors import IncompleteBodyError, LocalFileError, StorletShellError, UsageError
from storlet_shell.results import Done, Planned, Rendering, Report, Response, Result, Table, Text
from storlet_shell.results.formats import FORMATS
from storlet_shell.results.reports import Listed, Named

MIB = 2**20


def response(*chunks: bytes, **headers: str) -> Response:
    """Make a response with a body."""
    return Response(200, {name.replace("_", "-"): value for name, value in headers.items()}, iter(chunks), subject="o")


def cut() -> Iterator[bytes]:
    """Yield a body that ends early."""
    yield b"first half"
    raise IncompleteBodyError("the body ended early")


def listed(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return [path.name for path in folder.iterdir()]


# --- save


def test_saved_body_is_the_file(tmp_path: Path) -> None:
    """The file holds the body, and nothing else is left in its folder."""
    assert response(b"one", b"", b"two").save(tmp_path / "f") == 6
    assert (tmp_path / "f").read_bytes() == b"onetwo"
    assert listed(tmp_path) == ["f"]


def test_body_appears_under_its_name_at_the_end_only(tmp_path: Path) -> None:
    """While it is written, the old file is whole, and the new one is not to be seen."""
    target = tmp_path / "f"
    target.write_bytes(b"old")
    seen: list[tuple[bytes, list[str]]] = []

    def chunks() -> Iterator[bytes]:
        yield b"new"
        seen.append((target.read_bytes(), listed(tmp_path)))

    Response(200, {}, chunks()).save(target)
    assert seen == [(b"old", ["f"])]
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("old", [None, b"old"], ids=["no file before", "a file before"])
def test_incomplete_body_changes_no_file(tmp_path: Path, old: bytes | None) -> None:
    """A body that is cut leaves neither a new file nor half of one, and the old one whole."""
    target = tmp_path / "f"
    if old is not None:
        target.write_bytes(old)
    with pytest.raises(IncompleteBodyError):
        Response(200, {}, cut()).save(target)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if old is None else [old])


def test_interrupted_save_changes_no_file(tmp_path: Path) -> None:
    """Ctrl-C in the middle leaves nothing behind."""

    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Response(200, {}, chunks()).save(tmp_path / "f")
    assert listed(tmp_path) == []


def test_save_through_a_symlink_keeps_the_link(tmp_path: Path) -> None:
    """Replace the target of the link, not the link."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    response(b"new").save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_save_through_a_dangling_symlink_makes_its_target(tmp_path: Path) -> None:
    """A link to a file that is not there yet leads to it."""
    (tmp_path / "link").symlink_to("real")
    response(b"new").save(tmp_path / "link")
    assert (tmp_path / "real").read_bytes() == b"new"


def test_save_through_a_circle_of_symlinks_is_refused(tmp_path: Path) -> None:
    """A link to itself is one line."""
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(LocalFileError):
        response(b"new").save(tmp_path / "link")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o444])
def test_save_keeps_the_mode_of_the_file_it_replaces(tmp_path: Path, mode: int) -> None:
    """A private file stays private, an executable one executable."""
    target = tmp_path / "f"
    target.touch()
    target.chmod(mode)
    response(b"new").save(target)
    assert stat.S_IMODE(target.stat().st_mode) == mode


def test_new_file_has_the_mode_of_the_umask(tmp_path: Path) -> None:
    """A new file is as any program would make it."""
    before = os.umask(0o027)
    try:
        response(b"new").save(tmp_path / "f")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640


def test_directory_is_no_target(tmp_path: Path) -> None:
    """A directory where a file is meant is said before anything is read."""
    read: list[bytes] = []
    body = (read.append(b"x") or b"x" for _ in range(1))
    with pytest.raises(UsageError, match="is a directory"):
        Response(200, {}, body).save(tmp_path)
    assert read == []


@pytest.mark.parametrize(
    "name",
    ["missing/f", "file/f", "x" * 300, "nul\x00f", "~no-such-user-here/f"],
    ids=["no folder", "a file for a folder", "too long a name", "NUL", "no such user"],
)
def test_target_that_can_not_be_is_one_line(tmp_path: Path, name: str) -> None:
    """Every kind of impossible name is an expected error."""
    (tmp_path / "file").touch()
    target = name if name.startswith("~") else f"{tmp_path}/{name}"
    with pytest.raises(StorletShellError) as caught:
        response(b"x").save(target)
    assert len(str(caught.value).splitlines()) == 1
    assert listed(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["x" * 255, "日" * 85, "😀" * 63], ids=["ASCII", "three bytes", "four bytes"])
def test_longest_names_can_be_saved(tmp_path: Path, name: str) -> None:
    """A name that the file system takes is taken; the temporary one is no longer than that."""
    response(b"x").save(tmp_path / name)
    assert listed(tmp_path) == [name]


def in_child(work: Callable[[], None]) -> str:
    """Run something in a forked process, which may give up rights; return what error of ours it ended with."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            work()
            os.write(writer, b"no error")
        except StorletShellError as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode())
        except BaseException as error:
            os.write(writer, f"unexpected {error!r}".encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


def as_nobody() -> None:
    """Be a user without rights, where the tests run as root."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def test_unwritable_folder_is_one_line(tmp_path: Path) -> None:
    """Where the user may not write, the message names the file and the reason."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    for parent in (tmp_path, *list(tmp_path.parents)[:3]):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)

    def save() -> None:
        as_nobody()
        response(b"x").save(folder / "f")

    said = in_child(save)
    assert said.startswith(f"LocalFileError: can't write {folder / 'f'}: Permission denied")


def test_full_disk_is_one_line_and_keeps_the_old_file(tmp_path: Path) -> None:
    """A write that fails half way leaves the old file, and no rest of the new one."""
    target = tmp_path / "f"
    target.write_bytes(b"old")

    def save() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        Response(200, {}, (b"x" * 65536 for _ in range(10))).save(target)

    assert in_child(save) == f"LocalFileError: can't write {target}: {os.strerror(errno.EFBIG)}"
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_full_device_is_one_line() -> None:
    """A device is written to directly, and its failure is said."""
    with pytest.raises(LocalFileError, match="No space left"):
        response(b"x" * MIB).save("/dev/full")


def test_device_stays_a_device() -> None:
    """Write to a file that isn't regular, and never replace it."""
    assert response(b"x" * 10).save("/dev/null") == 10
    assert Path("/dev/null").is_char_device()


def test_pipe_is_written_to(tmp_path: Path) -> None:
    """A named pipe passes the body on."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert response(b"through").save(pipe) == 7
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


# --- content


def test_content_can_be_read_again() -> None:
    """A notebook looks at a result as often as it likes, in every way."""
    result = response(b"a\n", b"b")
    assert result.content == result.content == b"a\nb"
    assert b"".join(result) == b"".join(result.iter_content(1)) == b"a\nb"
    assert result["content"] == b"a\nb"
    assert (result["status"], result["headers"]) == (200, {})


def test_content_that_was_read_can_be_saved(tmp_path: Path) -> None:
    """Reading first and saving then works."""
    result = response(b"abc")
    assert result.content == b"abc"
    assert result.save(tmp_path / "f") == 3


def test_content_that_ended_early_never_looks_whole(tmp_path: Path) -> None:
    """A second look at an incomplete body fails as the first did; it does not show what is left of it."""
    result = Response(200, {}, cut())
    for _ in range(2):
        with pytest.raises(StorletShellError):
            assert result.content is None
    with pytest.raises(StorletShellError):
        result.save(tmp_path / "f")
    assert listed(tmp_path) == []


def test_body_that_was_streamed_is_gone(tmp_path: Path) -> None:
    """What was passed on without being kept can't be read again, and says so instead of being empty."""
    result = response(b"abc", b"def")
    assert b"".join(result.iter_content()) == b"abcdef"
    with pytest.raises(StorletShellError):
        assert result.content is None
    with pytest.raises(StorletShellError):
        result.save(tmp_path / "f")


def test_body_that_was_begun_is_not_taken_for_whole() -> None:
    """After one chunk was taken, the rest is not the content."""
    result = response(b"abc", b"def")
    next(result.iter_content())
    with pytest.raises(StorletShellError):
        assert result.content is None


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_chunks_are_no_larger_than_asked_for(size: int) -> None:
    """A caller may choose the size of the pieces."""
    chunks = list(response(b"abc", b"", b"defgh").iter_content(size))
    assert b"".join(chunks) == b"abcdefgh"
    assert max(map(len, chunks)) <= size
    assert b"" not in chunks


def test_response_without_a_body_is_empty() -> None:
    """After a put there is nothing to read."""
    result = Response(201, {}, subject="o", summary="stored")
    assert (result.content, list(result), result.has_body) == (b"", [], False)
    assert list(result.render()) == ["stored"]
    with pytest.raises(KeyError):
        result["nothing"]


@pytest.mark.parametrize(
    ("kind", "raw", "text"),
    [
        ("text/plain; charset=latin-1", b"\xfc", "ü"),
        ('text/plain; charset="utf-8"', "ü".encode(), "ü"),
        ("text/plain", b"\xff", "�"),
        ("text/plain; charset=no-such-thing", "ü".encode(), "ü"),
    ],
)
def test_text_has_the_charset_of_its_type(kind: str, raw: bytes, text: str) -> None:
    """A charset that nobody knows is no reason to fail."""
    assert response(raw, Content_Type=kind).text == text


def test_json_of_a_body_is_parsed() -> None:
    """A storlet's JSON is one call away."""
    assert response(b'{"a": ', b"1}").json() == {"a": 1}


# --- JSON


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_response_is_one_json_document_for_any_bytes(chunks: list[bytes]) -> None:
    """Whatever the body holds, ``--json`` gives one document on one line, and the bytes are in it."""
    import base64

    whole = "".join(response(*chunks).json_pieces())
    assert "\n" not in whole
    read = json.loads(whole)
    content = read["content"].encode() if "content" in read else base64.b64decode(read["content_base64"])
    assert content == b"".join(chunks)
    assert read["status"] == 200


@pytest.mark.parametrize("text", ["日本語" * 100_000, "\U0001f600" * 50_000, '"\\\n\x00\x1f\u2028' * 50_000])
def test_large_text_is_one_json_document(text: str) -> None:
    """Characters that are cut by a chunk's border are whole again."""
    raw = text.encode()
    pieces = response(*(raw[at : at + 65536] for at in range(0, len(raw), 65536))).json_pieces()
    assert json.loads("".join(pieces))["content"] == text


@pytest.mark.parametrize("end", [b"\xff", b"\xe2\x82"])
def test_large_bytes_are_one_json_document(end: bytes) -> None:
    """A body that turns out not to be text at its very end is base64 as a whole."""
    import base64

    raw = b"x" * 300_001 + end
    read = json.loads("".join(response(raw).json_pieces()))
    assert base64.b64decode(read["content_base64"]) == raw


def test_response_without_a_body_is_json_without_content() -> None:
    """After a put there is a status and headers."""
    read = json.loads("".join(Response(201, {"ETag": "e"}, subject="o").json_pieces()))
    assert read == {"object": "o", "status": 201, "headers": {"ETag": "e"}}


RESULTS: list[Callable[[], Result]] = [
    lambda: Report({"a b": 1, "list": ["x"], "map": {"k": "v"}}),
    lambda: Done("done <b>&", {"a": 1}),
    lambda: Text("one\ntwo"),
    lambda: Table(("a", "b"), iter([("x", 1), (None, 2)])),
    lambda: Table(("a",), iter([])),
    lambda: response(b"x"),
    lambda: Response(201, {}, subject="o", summary="stored"),
    lambda: Planned(({"method": "GET", "url": "http://x", "headers": {"A": "b"}, "body": ""},)),
]
RESULT_NAMES = ["report", "done", "text", "table", "empty table", "response", "stored", "planned"]


@pytest.mark.parametrize("make", RESULTS, ids=RESULT_NAMES)
def test_every_result_shows_itself(make: Callable[[], Result]) -> None:
    """Each is lines without line ends, one line of JSON, and a MIME bundle whose HTML is escaped."""
    assert all("\n" not in line for line in make().render())
    document = "".join(make().json_pieces())
    assert isinstance(json.loads(document), dict)
    assert "\n" not in document
    bundle = make()._repr_mimebundle_()
    assert bundle["text/plain"] == "\n".join(make().render()) or isinstance(make(), Response)
    assert "<b>" not in bundle["text/html"]


def test_every_kind_of_result_is_tested() -> None:
    """A new kind of result is added to the tests above."""
    families = [kind for kind in (Result, Named, Listed) for kind in kind.__subclasses__()]
    kinds = {kind.__name__ for kind in families if kind.__name__ in vars(results)}
    assert {type(make()).__name__ for make in RESULTS} == kinds


def test_planned_requests_are_shown_as_they_go() -> None:
    """Method, URL and headers, an empty line between two requests, and the body in words."""
    first = {"method": "PUT", "url": "http://x/c/o", "headers": {"X-A": "1"}, "body": "3 bytes"}
    second = {"method": "GET", "url": "http://x/c", "headers": {}, "body": ""}
    assert list(Planned((first, second)).render()) == [
        "PUT http://x/c/o",
        "X-A: 1",
        "(3 bytes)",
        "",
        "GET http://x/c",
    ]


# --- as objects


@pytest.mark.parametrize(
    "make", [lambda: Report({"bytes": 5, "name": None}), lambda: Done("x", {"bytes": 5, "name": None})]
)
def test_facts_are_read_by_their_names(make: Callable[[], Named]) -> None:
    """As a mapping's, in their order; the result is true even without any."""
    made = make()
    assert (made["bytes"], len(made), list(made), "name" in made) == (5, 2, ["bytes", "name"], True)
    assert dict(made) == made.fields() == {"bytes": 5, "name": None}
    with pytest.raises(KeyError):
        made["size"]
    assert Done("x")


def test_text_is_a_sequence_of_its_lines() -> None:
    """By number and in slices, and as the text that it is."""
    text = Text("one\ntwo\nthree")
    assert (len(text), text[1], text[-2:], list(text)) == (3, "two", ["two", "three"], ["one", "two", "three"])
    assert str(text) == "one\ntwo\nthree"
    assert Text("")


def test_planned_requests_are_a_sequence() -> None:
    """Each is what would be sent."""
    request = {"method": "GET", "url": "http://x", "headers": {}, "body": ""}
    planned = Planned((request,))
    assert (len(planned), planned[0]["method"], list(planned)) == (1, "GET", [request])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_result_that_is_no_listing_is_a_frame_of_one_row(library: str) -> None:
    """Its columns are the names of its fields."""
    frame = Report({"account": "AUTH_x", "bytes": 5}).dataframe(library)
    assert list(frame.columns) == ["account", "bytes"]
    assert (frame.shape, frame["bytes"][0]) == ((1, 2), 5)


# --- memory


def peak_of(work: Callable[[], object]) -> int:
    """Return how many bytes something takes at most while it runs."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def drain(pieces: Iterator[str]) -> int:
    """Count pieces and forget them."""
    return sum(1 for _ in pieces)


def rows(count: int) -> Iterator[tuple[str, int]]:
    """Make rows one by one."""
    return ((f"name-{number:09}", number) for number in range(count))


@pytest.mark.parametrize("columns", [(), pytest.param(("bytes",), marks=pytest.mark.slow)], ids=["all", "one"])
@pytest.mark.parametrize("format", FORMATS)
def test_table_of_any_length_takes_the_same_memory(format: str, columns: tuple[str, ...]) -> None:
    """Five times the rows take no more memory, in any format."""
    rendering = Rendering(format, columns)
    few = peak_of(lambda: drain(Table(("name", "bytes"), rows(2_000)).pieces(rendering)))
    many = peak_of(lambda: drain(Table(("name", "bytes"), rows(10_000)).pieces(rendering)))
    assert many < 1.2 * few + 10_000


@pytest.mark.parametrize("kind", ["save", "JSON", "iter_content"])
def test_body_of_any_size_takes_little_memory(tmp_path: Path, kind: str) -> None:
    """Sixteen times the body take no more memory, where nobody asks for all of it."""

    def work(size: int) -> object:
        chunk = b"x" * 65536
        result = Response(200, {}, (chunk for _ in range(size // 65536)), subject="o")
        if kind == "save":
            return result.save(tmp_path / "f")
        return drain(result.json_pieces() if kind == "JSON" else map(str, map(len, result.iter_content())))

    assert peak_of(lambda: work(32 * MIB)) < 1.2 * peak_of(lambda: work(2 * MIB)) + 100_000
