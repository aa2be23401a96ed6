"""What a session has learned of a cluster, so that it is asked once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from storlet_shell.errors import ConnectionFailedError, IncompleteBodyError, StorletShellError
from storlet_shell.wire.statuses import PASSING

if TYPE_CHECKING:
    from storlet_shell.wire.transport import Reply

_T = TypeVar("_T")
Capabilities = dict[str, dict[str, Any]]

CAPABILITIES = "what GET /info says"

PROBES = "on which storage policies' nodes storlets run"


def policy_of(container: str) -> tuple[str, str]:
    """Return the subject that is a container's storage policy."""
    return "policy", container


def returned_as_is(container: str) -> tuple[str, str]:
    """Return the subject that a container's nodes have returned an object as it is, without running a storlet."""
    return "returned as it is", container


class Cluster:
    """Facts by their subjects; the threads of a session share it."""

    def __init__(self) -> None:
        self._facts: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    def recall(self, subject: Hashable, ask: Callable[[], _T]) -> _T:
        """Return what is known of a subject; if nothing is, one thread asks, and others wait for its answer.

        :param ask: returns the fact; an error from it is raised, and not remembered
        """
        with self._lock:
            if subject not in self._facts:
                self._facts[subject] = ask()
            fact: _T = self._facts[subject]
            return fact

    def note(self, subject: Hashable, fact: object) -> None:
        """Remember something."""
        with self._lock:
            self._facts[subject] = fact

    def knows(self, subject: Hashable) -> bool:
        """Tell whether anything is known of a subject."""
        return subject in self._facts

    def forget(self, *subjects: Hashable) -> None:
        """Forget what may have changed."""
        with self._lock:
            for subject in subjects:
                self._facts.pop(subject, None)

    def forget_container(self, container: str) -> None:
        """Forget a container that comes or goes: another one of its name may have another storage policy."""
        self.forget(policy_of(container), returned_as_is(container))


def ask_capabilities(ask: Callable[[], Reply], pause: Callable[[int], None], attempts: int) -> Capabilities:
    """Return what ``GET /info`` says; empty when the cluster doesn't tell.

    :param ask: sends the request once
    :param pause: waits before the next attempt; called with the number of those left
    :raises ConnectionFailedError: when no answer comes
    """
    for attempts_left in reversed(range(attempts)):
        try:
            reply = ask()
            text = reply.read()
            if reply.status in PASSING and attempts_left:
                pause(attempts_left)
                continue
            sections = json.loads(text) if reply.status == 200 else {}
            return {name: section for name, section in sections.items() if isinstance(section, dict)}
        except (ConnectionFailedError, IncompleteBodyError):
            if not attempts_left:
                raise
            pause(attempts_left)
        except (StorletShellError, ValueError, AttributeError, RecursionError):
            break
    return {}
