"""Validate what storlets' processes report to the server.

A storlet can write to its process's channel, and to that of its warm parent while it is imported. So a report is
trusted about that storlet only, and nonsense counts as that storlet's failure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from storlet_shell.embedded.engine.failures import Failure, ended

_LONGEST_MESSAGE = 1000
_LONGEST_TRACEBACK = 32 * 1024
_LARGEST_TASK = 2**53

# The kinds of failure that a process can report; ``engine``: the kernel refused to start it; ``timeout``: a Java class
# takes too long to load.
_KINDS = frozenset(("raised", "exited", "memory", "timeout", "engine"))

# Characters that would end a header, start a new line in a log, or can't be encoded as UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Hello:
    """A child is ready for its invocation."""


@dataclass(frozen=True)
class Loaded:
    """A warm parent has imported its storlet."""


@dataclass(frozen=True)
class Done:
    """An invocation succeeded."""


@dataclass(frozen=True)
class Idle:
    """A child that has succeeded can run another invocation."""


@dataclass(frozen=True)
class Reaped:
    """A child of a warm parent has exited.

    :ivar status: its exit status, or the negated signal that killed it
    """

    task: int
    status: int


Report = Hello | Loaded | Done | Idle | Reaped | Failure

NONSENSE = Failure("exited", "its process sent the server a message that makes no sense")


def parse(data: bytes) -> Report:
    """Parse a packet; return a :class:`Failure` if it reports one or is nonsense."""
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        return NONSENSE
    event = message.get("event") if isinstance(message, dict) else None
    if event == "hello":
        return Hello()
    if event == "loaded":
        return Loaded()
    if event == "done":
        return Done()
    if event == "idle":
        return Idle()
    if event == "reaped" and _is_number(message.get("task"), 1, _LARGEST_TASK) and _is_status(message.get("status")):
        return Reaped(message["task"], message["status"])
    if event == "ended" and _is_status(message.get("status")):
        return ended(message["status"])
    if event == "failed" and isinstance(message.get("kind"), str) and message["kind"] in _KINDS:
        return _failure(message)
    return NONSENSE


def _failure(message: dict[str, Any]) -> Failure:
    line = " ".join(_text(message, "message").split())[:_LONGEST_MESSAGE] or "its process gave no reason"
    traceback = _text(message, "traceback")[-_LONGEST_TRACEBACK:]
    return Failure(message["kind"], _UNPRINTABLE.sub(_escape, line), _SURROGATE.sub(_escape, traceback))


def _text(message: dict[str, Any], name: str) -> str:
    text = message.get(name)
    return text if isinstance(text, str) else ""


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _is_status(status: object) -> bool:
    return _is_number(status, -64, 255)


def _is_number(value: object, minimum: int, maximum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum
