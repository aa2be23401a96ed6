"""Framed bodies in any pieces, whole, cut anywhere, and from any hostile server."""

from __future__ import annotations

import itertools
import json
import struct
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storlet_shell.errors import IncompleteBodyError
from storlet_shell.wire.frames import LIMIT, Frames

pytestmark = pytest.mark.slow

PARTS = st.lists(st.binary(max_size=30) | st.just(None), max_size=6)
"""Data frames in their order; None stands for a heartbeat."""
CUTS = st.lists(st.integers(0, 400), max_size=6)


def frame(kind: bytes, payload: bytes) -> bytes:
    """Return a frame."""
    return kind + struct.pack(">I", len(payload)) + payload


def body(parts: list[bytes | None], metadata: dict[str, object]) -> bytes:
    """Return a whole framed body, without its first line."""
    data = b"".join(part or b"" for part in parts)
    frames = [frame(b"B", bytes(50)) if part is None else frame(b"D", part) for part in parts]
    end = {"metadata": metadata, "length": len(data), "crc32": zlib.crc32(data)}
    return b"".join([*frames, frame(b"E", json.dumps(end).encode())])


def pieces(text: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Yield a text in pieces, some of which may be empty."""
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    return (text[start:end] for start, end in itertools.pairwise(places))


def read(text: bytes, cuts: list[int]) -> tuple[bytes, Frames]:
    """Parse a body to its end; return the data and the parser."""
    frames = Frames()
    data = b"".join(part for piece in pieces(text, cuts) for part in frames.feed(piece))
    frames.finish()
    return data, frames


@given(PARTS, CUTS, st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.none(), max_size=3))
def test_data_and_metadata_come_out_however_they_arrive(
    parts: list[bytes | None], cuts: list[int], metadata: dict[str, object]
) -> None:
    """Values that aren't text become text, and None is left out, as in the headers of a plain result."""
    data, frames = read(body(parts, metadata), cuts)
    assert data == b"".join(part or b"" for part in parts)
    assert frames.metadata == {key: str(value) for key, value in metadata.items() if value is not None}


@given(PARTS, CUTS, st.data())
def test_no_part_of_a_body_passes_for_the_whole(
    parts: list[bytes | None], cuts: list[int], data: st.DataObject
) -> None:
    """Wherever it is cut, and whatever follows its end."""
    whole = body(parts, {})
    for text in (
        whole[: data.draw(st.integers(0, len(whole) - 1))],
        whole + data.draw(st.binary(min_size=1, max_size=9)),
    ):
        with pytest.raises(IncompleteBodyError):
            read(text, cuts)


@given(PARTS.filter(any), CUTS, st.integers(0, 7), st.data())
def test_changed_byte_is_noticed(parts: list[bytes | None], cuts: list[int], bit: int, data: st.DataObject) -> None:
    """One changed bit anywhere in the data."""
    text = bytearray(body([b"".join(part or b"" for part in parts)], {}))
    length = int.from_bytes(text[1:5], "big")
    text[data.draw(st.integers(5, 4 + length))] ^= 1 << bit
    with pytest.raises(IncompleteBodyError, match="checksum"):
        read(bytes(text), cuts)


@given(st.binary(max_size=60), CUTS)
def test_any_bytes_end_in_one_kind_of_error(text: bytes, cuts: list[int]) -> None:
    """Nothing else is raised, and no random bytes are a whole body."""
    with pytest.raises(IncompleteBodyError):
        read(text, cuts)


@pytest.mark.parametrize("payload", [b"[" * 100000, b"[]", b"3", b"{}", b'{"metadata": 3}', b"\xff", b""])
def test_end_that_says_nothing_is_damage(payload: bytes) -> None:
    """Deep, of another type, incomplete, or no JSON at all."""
    with pytest.raises(IncompleteBodyError):
        read(frame(b"E", payload), [])


def test_failure_says_what_it_can() -> None:
    """A report without texts is still a failure."""
    for payload in (b"{}", b"not JSON"):
        _, frames = read(frame(b"X", payload), [])
        assert frames.failure is not None
        assert frames.failure.error == frames.failure.traceback == ""


def test_memory_is_constant() -> None:
    """A frame that is too long is refused by its header; data and heartbeats are passed on as they come."""
    for kind in (b"D", b"B", b"E", b"X"):
        with pytest.raises(IncompleteBodyError, match="no frame"):
            list(Frames().feed(kind + struct.pack(">I", LIMIT + 1)))
    frames, chunk = Frames(), bytes(65536)
    tracemalloc.start()
    try:
        for kind in (b"D", b"B"):
            list(frames.feed(kind + struct.pack(">I", LIMIT)))
            for _ in range(LIMIT // len(chunk)):
                for _ in frames.feed(chunk):
                    pass
        assert tracemalloc.get_traced_memory()[1] < 4 * len(chunk)
    finally:
        tracemalloc.stop()
