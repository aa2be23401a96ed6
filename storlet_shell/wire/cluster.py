"""Facts that a session has learned about a cluster, each requested once."""

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

CAPABILITIES = "capabilities"
"""Key of the facts from ``GET /info``."""

PROBES = "probes"
"""Key of the storage policies whose nodes run storlets."""


def policy_of(container: str) -> tuple[str, str]:
    """Return the key of a container's storage policy."""
    return "policy", container


def returned_as_is(container: str) -> tuple[str, str]:
    """Return the key of the fact that a container's nodes return objects without running storlets."""
    return "returned as is", container


def function_of(container: str, name: str) -> tuple[str, str, str]:
    """Return the key of the function that a deployed storlet was made from."""
    return "function", container, name


def deployment_of(container: str, name: str) -> tuple[str, str, str]:
    """Return the key of the code of a function that was deployed or compared, and when."""
    return "deployment", container, name


class Cluster:
    """Facts about a cluster by key; shared by the threads of a session."""

    def __init__(self) -> None:
        self._facts: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    def recall(self, key: Hashable, ask: Callable[[], _T]) -> _T:
        """Return a fact; if it is unknown, one thread asks for it while others wait.

        :param ask: returns the fact; its errors are raised and not remembered
        """
        with self._lock:
            if key not in self._facts:
                self._facts[key] = ask()
            fact: _T = self._facts[key]
            return fact

    def note(self, key: Hashable, fact: object) -> None:
        """Remember a fact."""
        with self._lock:
            self._facts[key] = fact

    def knows(self, key: Hashable) -> bool:
        """Tell whether a fact is known."""
        return key in self._facts

    def forget(self, *keys: Hashable) -> None:
        """Forget facts that may have changed."""
        with self._lock:
            for key in keys:
                self._facts.pop(key, None)

    def forget_changed(self, container: str, name: str) -> None:
        """Forget the facts about a container or an object that was stored or deleted.

        A new container of that name may have another storage policy; the object may be a storlet.

        :param name: empty for the container itself
        """
        if name:
            self.forget(function_of(container, name), deployment_of(container, name))
        else:
            self.forget(policy_of(container), returned_as_is(container))


def ask_capabilities(ask: Callable[[], Reply], pause: Callable[[int], None], attempts: int) -> Capabilities:
    """Return the cluster's ``GET /info``; empty if the cluster doesn't offer it.

    :param ask: sends the request once
    :param pause: waits before the next attempt; called with the number of attempts left
    :raises ConnectionFailedError: if no response arrives
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
