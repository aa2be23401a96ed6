"""Run a storlet on this machine before it is deployed."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell import shelf
from storlet_shell.equality import typed_equality
from storlet_shell.errors import NotFoundError, StorletFailedError, UsageError
from storlet_shell.results.saving import temporarily
from storlet_shell.store.reading import get
from storlet_shell.storlets import trial
from storlet_shell.values import CHUNK_BYTES, ObjectPath, Parameter, StorletMain, expand
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import open_file

if TYPE_CHECKING:
    from typing import IO

    from storlet_shell.deployments.package import Package
    from storlet_shell.wire.client import Client

_OBJECT = re.compile(r"[^/.~][^/]*/.")
"""A path that could be a container and an object rather than a local file."""

_HIDDEN = "Storlet-"
"""Prefixes of metadata that the middleware hides from storlets."""


@typed_equality
class Input(NamedTuple):
    """The input of a trial run.

    :param metadata: as a storlet receives them
    """

    file: Path
    metadata: Mapping[str, str] = MappingProxyType({})


def _program(package: Package) -> trial.Program:
    """Return what runs a storlet on this machine."""
    if package.language == "python":
        return trial.PythonProgram(StorletMain.parse(package.main), package.code)
    from storlet_shell.java.trial import JavaProgram  # few storlets are in Java

    return JavaProgram(package.storlet.name, package.main, package.code)


def local_input(path: str) -> Input:
    """Use a local file as the input.

    :raises NotFoundError: if it doesn't exist
    """
    try:
        open_file(path).close()
    except NotFoundError as error:
        hint = f"; an object is written path:/{path}" if _OBJECT.match(path) else ""
        raise error.adding(hint) from None
    return Input(expand(path))


@contextmanager
def stream_input(stream: IO[bytes] | None) -> Iterator[Input]:
    """Read a stream, such as standard input, as the input: a temporary file that exists within this context.

    :param stream: None without a standard input
    :raises UsageError: without a stream
    """
    if stream is None:
        raise UsageError("-: standard input isn't available here; name a file")
    with temporarily(), tempfile.TemporaryDirectory(prefix="storlet-input-") as folder:
        file = Path(folder, "input")
        trial.copy_stream(iter(partial(stream.read, CHUNK_BYTES), b""), file)
        yield Input(file)


@contextmanager
def object_input(client: Client, path: ObjectPath) -> Iterator[Input]:
    """Fetch an object as the input: a temporary file that exists within this context.

    :raises NotFoundError: if it doesn't exist
    """
    with temporarily(), tempfile.TemporaryDirectory(prefix="storlet-input-") as folder:
        response = get(client, path)
        file = Path(folder, "input")
        trial.copy_stream(response.iter_content(), file)
        yield Input(file, _as_read(wire.decode_metadata(response.headers)))


def _as_read(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return an object's metadata as the middleware passes them to a storlet.

    UTF-8 is decoded as Latin-1, as in WSGI, and the metadata of deployments are hidden (storlets ``handlers/base.py:
    _get_user_metadata``).
    """
    return {
        name: value.encode("utf-8", "surrogateescape").decode("latin-1")
        for name, value in metadata.items()
        if not name.startswith(_HIDDEN)
    }


def try_out(package: Package, source: Input, parameters: Sequence[Parameter] = ()) -> trial.Trial:
    """Run a storlet on this machine, with its local dependencies next to it.

    :raises UsageError: if it is in Java, and no JDK is installed
    :raises StorletFailedError: if it fails
    """
    program = _program(package)
    files = [
        trial.BundledFile(dependency.name, dependency.content or b"", dependency.mode)
        for dependency in package.local_dependencies
    ]
    values = {parameter.key: parameter.value for parameter in parameters}
    with temporarily():
        try:
            return trial.run(
                program,
                source.file,
                values,
                input_metadata=source.metadata,
                dependencies=files,
                notes=package.notes,
            )
        except StorletFailedError as error:
            error.details = shelf.without_refusals(package.storlet.name, error.details)
            raise
