"""The program that runs a storlet in a JVM (``runner/``): its options, orders, and answers.

It reads orders from descriptor 4, and writes answers to descriptor 3. Both are lists of texts: their number, then the
length and the UTF-8 bytes of each; numbers have four bytes, in big-endian order.

It answers ``loaded`` once it has tried to load the storlet, unless the JVM ends before that. It answers each order with
``opened`` once it has opened the paths in it, then with ``done``; or with ``failed`` and the class, the message and the
stack trace of what the storlet has thrown, after which it ends. After ``done`` it answers ``idle`` if it is reusable;
otherwise, or if threads are left, it ends. If ``System.exit`` is called, it answers ``exiting``, with the stack, before
it ends.

Standard library only: worker processes import this.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence

MAIN = "org.storletshell.runner.Runner"
"""The program's main class; its argument is the storlet's main class, followed by :data:`REUSABLE` or nothing."""

REUSABLE = "reusable"
"""The argument that lets the program take more than one order."""

ANSWERS = 3
"""The descriptor of its answers."""

ORDERS = 4
"""The descriptor of its orders; not standard input, which programs that a storlet starts may read as well."""

OPTIONS = (
    # Small, and quick to start; by default, a JVM reserves gigabytes of address space.
    *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xms16m"),
    *("-XX:CompressedClassSpaceSize=64m", "-XX:ReservedCodeCacheSize=32m", "-Xss1m"),
    # No files of its own, and nothing that others could attach to.
    *("-XX:-UsePerfData", "-XX:+DisableAttachMechanism", "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=/dev/null"),
    "-XX:-OmitStackTraceInFastThrow",
    "-Xrs",  # signals end it, as they do other programs
    "-Dfile.encoding=UTF-8",
)
"""Options of its JVM, in addition to ``-Xmx``."""

_MOST_TEXTS, _LONGEST_TEXT = 8, 1 << 20
_NUMBER = struct.Struct(">I")


def order(
    log: str,
    metadata: str,
    body: str,
    inputs: Sequence[tuple[str, Mapping[str, str]]],
    parameters: Mapping[str, str],
) -> list[str]:
    """Return the texts of an order (``Run.java``).

    :param log: the path of the log, which also gets what the storlet prints
    :param metadata: the path of a pipe for the result's metadata
    :param body: the path of a pipe for the result's bytes
    :param inputs: the path and the metadata of each input
    """
    texts = [log, metadata, body, str(len(inputs))]
    for path, pairs in inputs:
        texts += [path, str(len(pairs)), *_flat(pairs)]
    return [*texts, *_flat(parameters)]


def encode(texts: Sequence[str]) -> bytes:
    """Encode an order; what can't be encoded, such as a lone surrogate, is replaced."""
    encoded = [text.encode(errors="replace") for text in texts]
    parts = (part for text in encoded for part in (_NUMBER.pack(len(text)), text))
    return b"".join((_NUMBER.pack(len(encoded)), *parts))


def decode(read: Callable[[int], bytes]) -> list[str]:
    """Read an answer: an event and its details.

    :param read: returns up to the given number of bytes; none at the end
    :raises EOFError: at the end
    :raises ValueError: if it is malformed
    """
    count = _number(read, _MOST_TEXTS)
    return [_exactly(read, _number(read, _LONGEST_TEXT)).decode(errors="replace") for _ in range(count)]


def _flat(pairs: Mapping[str, str]) -> Iterator[str]:
    for name, value in pairs.items():
        yield from (name, value)


def _number(read: Callable[[int], bytes], maximum: int) -> int:
    (number,) = _NUMBER.unpack(_exactly(read, _NUMBER.size))
    if number > maximum:
        raise ValueError(f"{number} is more than {maximum}")
    return int(number)


def _exactly(read: Callable[[int], bytes], count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = read(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data
