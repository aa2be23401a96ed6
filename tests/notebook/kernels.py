"""A real kernel, used as front ends use it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

LOAD = "%load_ext storlet_shell"


@dataclass
class Ran:
    """What came of a cell.

    :param messages: what the kernel published meanwhile: type and content
    """

    status: str
    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the contents of one type of message."""
        return [content for name, content in self.messages if name == kind]

    @property
    def text(self) -> str:
        """The cell's value as text."""
        return "".join(content["data"]["text/plain"] for content in self.of("execute_result"))

    @property
    def error(self) -> str:
        """The name of the error; empty without an error."""
        return "".join(content["ename"] for content in self.of("error"))


class Kernel:
    """A kernel of its own; a context that ends it."""

    def __init__(self, environ: dict[str, str], folder: Path) -> None:
        self.manager, client = start_new_kernel(kernel_name="python3", env=environ, cwd=str(folder))
        assert isinstance(client, BlockingKernelClient)
        self.client = client

    def __call__(self, code: str, *, is_watched: bool = False, meanwhile: Callable[[], object] = lambda: None) -> Ran:
        """Run a cell.

        :param is_watched: whether the front end says that it takes input
        :param meanwhile: called a second after the cell was sent
        """
        # A kernel aborts what it receives for a moment after a failed cell, so that the rest of "run all" does not run.
        sent = self.client.execute(code, allow_stdin=is_watched, stop_on_error=False)
        if meanwhile.__name__ != "<lambda>":
            time.sleep(1)
            meanwhile()
        ran = Ran("")
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") != sent:
                continue
            ran.messages.append((message["msg_type"], message["content"]))
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        while (reply := self.client.get_shell_msg(timeout=120))["parent_header"].get("msg_id") != sent:
            continue  # of an earlier request, whose sender did not wait for it
        ran.status = reply["content"]["status"]
        return ran

    def complete(self, code: str) -> list[str]:
        """Return what the kernel offers at the end of a line."""
        return list(self.client.complete(code, len(code), reply=True, timeout=10)["content"]["matches"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
