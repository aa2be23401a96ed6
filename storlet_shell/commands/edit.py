"""``edit``: change a text object, or the code of a storlet, in an editor."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from storlet_shell.commands.arguments import DRY_RUN
from storlet_shell.deployments.deploy import redeploy
from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.requests import plan, read_request
from storlet_shell.transfers.editing import Original, check_unchanged, fetch, store
from storlet_shell.values import ObjectPath, StorletName
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.results.schemas.changes import EditedText

_PYTHON, _JAR = ".py", ".jar"


def parse_target(text: str) -> ObjectPath | StorletName:
    """Parse the name of a storlet, or the path of an object, which has a slash."""
    return ObjectPath.parse_position(text) if "/" in text else StorletName.parse(text)


@command(
    "edit",
    "Edit a text object, or the code of a storlet.",
    Arg("target", type=parse_target, kind=Kind.OBJECT, metavar="STORLET|CONTAINER/OBJECT"),
    Arg("--force", action="store_true", help="deploy even code that can't run"),
    DRY_RUN,
    examples=(
        "edit warm.py  # the code of a storlet; checks it and deploys it",
        "edit weather/today.csv  # a text object",
        "edit weather/today.csv --dry-run  # show the request that reads it",
    ),
)
def edit(session: Session, target: ObjectPath | StorletName, force: bool = False, dry_run: bool = False) -> Result:
    """Edit a text object, or the code of a storlet, in $VISUAL, $EDITOR, or vi.

    An object keeps its content type and metadata. The code of a storlet is checked as by deploy, and redeployed with
    the same main class, dependencies and packages. If you don't change the text, nothing is stored. If someone else
    changes the object in the meantime, or storing it fails, your text is kept in a file that the message names.

    :raises NotFoundError: when the object doesn't exist, or the storlet isn't deployed
    :raises UsageError: when it isn't text, or the code can't run
    """
    client = session.client
    path = ObjectPath(client.storlet_container, target.name) if isinstance(target, StorletName) else target
    if dry_run:
        return plan(client, read_request(path))
    if isinstance(target, StorletName) and target.name.endswith(_JAR):
        raise UsageError("a jar can't be edited; change its source, and deploy that", subject=target.name)
    if isinstance(target, StorletName) and not target.name.endswith(_PYTHON):
        raise UsageError("only a storlet FILE.py can be edited; an object is CONTAINER/OBJECT", subject=target.name)
    original = fetch(client, path)
    if path.container == client.storlet_container and original.info.headers.get(wire.LANGUAGE) == "python":
        original = original._replace(content=original.content.rstrip(b"\n") + b"\n")  # deployments add line ends

        def save(text: bytes) -> str:
            check_unchanged(client, original)
            deployed = redeploy(client, StorletName.parse(path.name), original.info, text, force=force)
            return f"redeployed {deployed.storlet} (main {deployed.main})"
    else:

        def save(text: bytes) -> str:
            return f"{store(client, original, text).path}: stored"

    text, message = _edited(session, original, save)
    facts: EditedText = {"object": str(path), "changed": bool(message), "bytes": len(text)}
    return Done(message or f"{path}: unchanged; nothing was stored", facts)


def _edited(session: Session, original: Original, save: Callable[[bytes], str]) -> tuple[bytes, str]:
    """Let the user edit a text, and save it if it has changed; keep it in a file if that fails.

    :returns: the text, and what was done, which is empty if the text hasn't changed
    """
    folder = Path(tempfile.mkdtemp(prefix="storlet-shell-"))  # nobody else may enter it
    file = folder / _file_name(original.path)
    try:
        file.write_bytes(original.content)
        session.surroundings.edit(file)
        text = file.read_bytes()
        message = save(text) if text != original.content else ""
    except BaseException as error:
        if not _is_changed(file, original):
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if isinstance(error, StorletShellError):
            raise error.adding(f"; your text is in {file}") from error
        session.surroundings.warn(f"your text is in {file}")
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return text, message


def _file_name(path: ObjectPath) -> str:
    """Return a name that shows an editor what the text is."""
    name = PurePosixPath(path.name).name
    return name if name.isprintable() and name not in ("", "..") and len(name.encode()) < 200 else "text"


def _is_changed(file: Path, original: Original) -> bool:
    with suppress(OSError):
        return file.read_bytes() != original.content
    return False
