"""The public names: where they come from, and what importing them costs."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import pytest

import storlet_shell
from storlet_shell import errors, plugin

PROMISED = {
    "storlet_shell": """
        BatchOptions Deleted Deployed Entry Info Observer QueryOptions Record Reduced Response Row Rows Store Stored
        Storlet StorletShellError Table Transferred Trial Usage __version__ connect load_ipython_extension storlet
        unload_ipython_extension
    """,
    "storlet_shell.errors": """
        Action ConnectionFailedError EmbeddedError ExitStatus Hint IdentityError IncompleteBodyError LocalFileError
        NotDeployedError NotFoundError OverloadedError PartFailedError PluginError RefusedError ServiceError
        StorletFailedError StorletShellError UnknownCommandError UnreachedError UnrunError UsageError
    """,
    "storlet_shell.plugin": """
        Access Action Arg ByteRange Client ContainerName Crew Done Endpoint Executor Invocation Kind Location Metadatum
        ObjectPath Outcome Parameter Planned Report Request Response Result Scheduler Session StorletName Table Task
        Text Work command group list_entries
    """,
}
"""What other programs import, and so what stays; a new name is added here."""


@pytest.mark.parametrize("module", PROMISED)
def test_promise_is_kept(module: str) -> None:
    """Each name is there, is documented, and nothing else is promised."""
    imported = import_module(module)
    assert sorted(imported.__all__) == sorted(PROMISED[module].split())
    assert set(imported.__all__) <= set(dir(imported))
    for name in imported.__all__:
        assert inspect.getdoc(getattr(imported, name)), name


@pytest.mark.parametrize("module", [storlet_shell, plugin], ids=["storlet_shell", "plugin"])
def test_type_checkers_are_told_the_same(module: object) -> None:
    """What they read in a block of their own are the names that are imported when they are asked for."""
    tree = ast.parse(inspect.getsource(module))  # type: ignore[arg-type]
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    told = {
        alias.asname: node.module
        for block in blocks
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    assert told == {name: f"storlet_shell.{place}" for name, place in module._EXPORTS.items()}  # type: ignore[attr-defined]


def test_unknown_name_is_told_as_python_does() -> None:
    """So that ``hasattr`` and ``from … import`` work."""
    with pytest.raises(AttributeError, match="module 'storlet_shell' has no attribute 'conect'"):
        storlet_shell.conect  # noqa: B018
    with pytest.raises(AttributeError, match=r"module 'storlet_shell\.plugin' has no attribute 'comand'"):
        plugin.comand  # noqa: B018


def test_errors_are_all_promised() -> None:
    """Every class of the tree is there for who wants to catch it."""
    classes = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    kinds = {name for name in classes if issubclass(vars(errors)[name], errors.StorletShellError)}
    assert kinds <= set(errors.__all__)


@pytest.mark.parametrize(
    ("line", "absent"),
    [
        ("import storlet_shell", ["storlet_shell.*"]),
        (
            "from storlet_shell.plugin import Arg, Kind, Report, command",
            ["storlet_shell.batches.*", "storlet_shell.wire.client", "requests", "swiftclient", "stevedore"],
        ),
        ("from storlet_shell.plugin import Scheduler", ["storlet_shell.spec.*", "storlet_shell.wire.*"]),
    ],
)
def test_names_that_nobody_asks_for_cost_nothing(line: str, absent: list[str], tmp_path: Path) -> None:
    """Each is imported with what it needs, when it is asked for."""
    code = f"{line}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    modules = ast.literal_eval(done.stdout)
    for name in absent:
        prefix = name.removesuffix("*")
        assert [each for each in modules if each == name or (prefix != name and each.startswith(prefix))] in (
            [],
            ["storlet_shell.plugin"],
        )


@pytest.mark.slow
def test_program_is_type_checked(tmp_path: Path) -> None:
    """A checker sees the types of a program's names, and those that are misspelled."""
    program = tmp_path / "program.py"
    program.write_text(
        dedent(
            """
            from storlet_shell import Response, Store, connect
            from storlet_shell.errors import NotFoundError
            from storlet_shell.plugin import Report, Session, command

            @command("sizes", "Show sizes.")
            def sizes(session: Session) -> Report:
                return Report({})

            def read(store: Store) -> Response:
                entry = next(store.list("c", delimiter="/"))
                reveal_type(entry.bytes)
                reveal_type([row.content for row in store.imap("s.py", "c/*")])
                return store.get("c/o", storlet="s.py", params={"n": 1}, where="proxy")

            with connect("devel") as store:
                try:
                    reveal_type(read(store).content)
                except NotFoundError as error:
                    reveal_type(error.status)
                store.get("c/o", where="here")
            import storlet_shell
            storlet_shell.conect
            """
        )
    )
    words = ["--strict", "--cache-dir", str(tmp_path / "cache"), "--config-file", "", str(program)]
    done = subprocess.run([sys.executable, "-m", "mypy", *words], capture_output=True, text=True, check=False)
    lines = [line.split(": ", 1)[1] for line in done.stdout.splitlines() if line.startswith(str(program))]
    assert lines[:4] == [
        'note: Revealed type is "int | None"',
        'note: Revealed type is "list[bytes | None]"',
        'note: Revealed type is "bytes"',
        'note: Revealed type is "int | None"',
    ]
    assert "\n".join(line for line in lines[4:] if line.startswith("error")) == (
        """error: Argument "where" to "get" of "ObjectStore" has incompatible type "Literal['here']"; """
        """expected "Literal['auto', 'proxy', 'node']"  [arg-type]\n"""
        'error: Module has no attribute "conect"  [attr-defined]'
    )
