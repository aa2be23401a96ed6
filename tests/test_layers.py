"""The layers of the architecture, by the imports: none goes up, and there are no cycles."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

import storlet_shell

PACKAGE = Path(storlet_shell.__file__).parent

RANKS = tuple(
    {name.strip("`/") for name in re.findall(r"`[a-z_]+/?`", row.split("|")[2])}
    for row in (PACKAGE.parent / "docs" / "architecture.md").read_text().splitlines()
    if re.match(r"\| \d+ \|", row)
)
"""The layers, lowest first: modules and packages at the top, as the table of the architecture has them."""

EMBEDDED_USERS = {"session", "commands.local"}
"""Who may start and stop the embedded Swift, and so import ``embedded.control``."""

MOST_AT_TOP = 8
MOST_IN_FOLDER = 16

ONLY_IN = {
    "argcomplete": {"adapters.completion.tab"},
    "cmd2": {"adapters.script.runner", "adapters.shell.app", "adapters.shell.parsers", "adapters.shell.preferences"},
    "prompt_toolkit": {"adapters"},
    "rich": {"adapters"},
    "pygments": {"adapters.shell.lexer"},
    "wcwidth": {"adapters.terminal.widths"},
    "IPython": {"adapters.notebook.magics"},
    "anywidget": {"adapters.notebook.browse.widget"},
    "pandas": {"results.frames"},
    "pyarrow": {"results.frames", "results.page.binary"},
    "markdown_it": {"results.page.documents"},
    "polars": {"results.frames"},
    "xonsh": {"adapters.xonsh.xontrib"},
    "distributed": {"executors.dask"},
    "stevedore": {"plugins.drivers"},
    "bracex": {"patterns"},
    "PIL": {"shelf.thumbnail"},
    "sqlglot": {"select.statement.dialect", "select.statement.operators", "select.statement.query"},
    "pyflakes": {"storlets.checks.undefined"},
    "swiftclient": {"wire.transport"},
    "requests": {"wire.transport"},
    "urllib3": {"wire.transport"},
    "keystoneauth1": {"identity.keystone_login", "identity.program"},
    "openstack": {"identity.clouds"},
    "yaml": {"identity.clouds", "identity.new_cloud"},
    "swift": {"embedded"},
    "storlets": {"embedded", "storlets.trial_process"},
    "eventlet": {"embedded"},
    "platformdirs": {"adapters", "embedded", "java.compiler"},
}
"""Where a foreign package may be imported; all other modules do without it."""


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of every module, by its dotted name below the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__") or "__init__"] = ast.parse(path.read_bytes())
    return found


@cache
def nodes(tree: ast.Module) -> list[ast.AST]:
    """Return every node of a syntax tree."""
    return list(ast.walk(tree))


@cache
def imports(tree: ast.Module, *, at_run_time: bool = True) -> frozenset[str]:
    """Return the dotted names that a module imports, wherever in it; without those for type checkers only."""
    hidden = {
        id(node)
        for condition in nodes(tree)
        if at_run_time and isinstance(condition, ast.If) and "TYPE_CHECKING" in ast.unparse(condition.test)
        for statement in condition.body
        for node in ast.walk(statement)
    }
    names: set[str] = set()
    for node in nodes(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def inner(tree: ast.Module, *, at_run_time: bool = True) -> set[str]:
    """Return the modules of the package that a module imports."""
    found = set()
    for name in imports(tree, at_run_time=at_run_time):
        if name.startswith("storlet_shell."):
            rest = name.removeprefix("storlet_shell.")
            while rest and rest not in modules():
                rest = rest.rpartition(".")[0]
            found.add(rest or "__init__")
    return found - {"__init__"}


def rank(module: str) -> int:
    """Return a module's rank; that of the package's own two modules is above all others."""
    top = module.split(".")[0]
    return next((number for number, names in enumerate(RANKS) if top in names), len(RANKS))


def folder(module: str) -> str:
    """Return the folder that a module lies in; a module at the top stands for itself."""
    path = PACKAGE / module.replace(".", "/")
    return module if path.is_dir() or "." not in module else module.rpartition(".")[0]


def assert_no_circle(graph: dict[str, set[str]]) -> None:
    """Follow every arrow of a graph."""
    done: set[str] = set()

    def visit(node: str, path: tuple[str, ...]) -> None:
        assert node not in path, " -> ".join((*path, node))
        if node not in done:
            for name in sorted(graph.get(node, ())):
                visit(name, (*path, node))
            done.add(node)

    for node in graph:
        visit(node, ())


def within(module: str, places: set[str]) -> bool:
    """Tell whether a module is one of the places or in one of them."""
    return any(module == place or module.startswith(f"{place}.") for place in places)


def test_every_module_has_its_layer() -> None:
    """What lies at the top stands in the architecture's table, and the table names nothing else."""
    tops = [module.split(".")[0] for module in modules() if module not in ("__init__", "__main__")]
    assert sorted(set(tops)) == sorted(name for names in RANKS for name in names)


def test_nothing_imports_from_a_higher_layer() -> None:
    """A module imports from its own rank and lower ones, in functions and for type checkers too."""
    assert not {
        (module, name)
        for module, tree in modules().items()
        for name in inner(tree, at_run_time=False)
        if rank(name) > rank(module)
    }


def test_tree_is_small_at_each_level() -> None:
    """A stranger sees few things at a time; commands are a list that grows."""
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_AT_TOP
    for path in PACKAGE.rglob("__init__.py"):
        if path.parent.name != "commands":
            assert len(list(path.parent.glob("*.py"))) <= MOST_IN_FOLDER, path.parent


def test_files_are_named_for_what_they_hold() -> None:
    """No file repeats its folder's name, and none is called a word for anything."""
    for module in modules():
        *folders, name = module.split(".")
        assert name not in {*folders, "all", "common", "helpers", "utils"}, module


@pytest.mark.parametrize("module", [module for module in modules() if module.startswith("commands.")])
def test_commands_do_not_know_front_ends(module: str) -> None:
    """A command imports no front end, prints nothing, and reads neither ``sys`` nor the environment."""
    tree = modules()[module]
    names = imports(tree, at_run_time=False)
    assert not {name for name in names if name.startswith("storlet_shell.adapters")}
    assert not {name for name in names if name.split(".")[0] == "sys"}
    for node in nodes(tree):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("print", "input", "exit", "quit")
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in ("os.environ", "os.getenv", "os.environb")


@cache
def verbs() -> set[str]:
    """Return the modules that define a command."""
    return {
        module
        for module, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "command"
    }


def test_nothing_imports_a_verb() -> None:
    """What a verb shares with anything else lies below it; the registry finds verbs by their names."""
    assert len(verbs()) > 20
    users = {module: inner(tree, at_run_time=False) & verbs() for module, tree in modules().items()}
    assert not {module: names for module, names in users.items() if names}


def test_headers_are_asked_for_in_one_place() -> None:
    """Elsewhere, what a container or an object is comes from ``store.metadata``, as a value."""
    heads = {
        module
        for module, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Request"
        if node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == "HEAD"
    }
    assert heads == {"store.metadata"}


def test_embedded_swift_is_started_and_stopped_only() -> None:
    """Outside of its process, the embedded Swift is known by its control alone, and to two modules alone."""
    for module, tree in modules().items():
        used = {name for name in inner(tree, at_run_time=False) if name.startswith("embedded")}
        allowed = {"embedded", "embedded.control"} if module in EMBEDDED_USERS else set()
        assert module.startswith("embedded") or used <= allowed, module


def test_control_does_not_need_what_it_starts() -> None:
    """Starting and stopping imports neither swift nor storlets nor eventlet: they monkey-patch their process."""
    seen, open_modules = set(), {"embedded.control"}
    while open_modules:
        module = open_modules.pop()
        seen.add(module)
        tops = {name.split(".")[0] for name in imports(modules()[module])}
        assert not tops & {"swift", "storlets", "eventlet"}, module
        open_modules |= inner(modules()[module]) - seen


@pytest.mark.parametrize("package", ONLY_IN)
def test_foreign_package_is_imported_in_one_place(package: str) -> None:
    """What is heavy, or breaks its interfaces, has one door."""
    users = {
        module
        for module, tree in modules().items()
        if any(name == package or name.startswith(f"{package}.") for name in imports(tree))
    }
    assert {user for user in users if not within(user, ONLY_IN[package])} == set()


def test_core_imports_the_standard_library_only() -> None:
    """The lower layers and the registry start fast and fit everywhere."""
    core = {"equality", "text", "errors", "values", "results", "spec", "session", "wire.headers"}
    for module, tree in modules().items():
        foreign = {name.split(".")[0] for name in imports(tree)} - {"storlet_shell", *sys.stdlib_module_names}
        assert not within(module, core) or not foreign, module


def test_nothing_imports_in_a_circle() -> None:
    """Every module can be imported first; imports inside of functions and for type checkers count as well."""
    assert_no_circle({module: inner(tree, at_run_time=False) - {module} for module, tree in modules().items()})


def test_no_folders_import_in_a_circle() -> None:
    """Of two folders, one knows the other at most."""
    graph: dict[str, set[str]] = {}
    for module, tree in modules().items():
        others = {folder(name) for name in inner(tree, at_run_time=False)} - {folder(module)}
        graph.setdefault(folder(module), set()).update(others)
    assert_no_circle(graph)


def test_nothing_prints() -> None:
    """Results go through streams that a front end chooses; no module calls print."""
    printing = {
        module
        for module, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    }
    assert not printing


def test_modules_keep_no_state() -> None:
    """No module changes a global."""
    assert not [module for module, tree in modules().items() for node in nodes(tree) if isinstance(node, ast.Global)]


TRICKS = ("gc.", "signal.signal", "signal.setitimer", "os._exit", "os.dup2", "sys.modules", "sys.unraisablehook")
"""What a process does to itself, as code spells it."""

MAY_PLAY_TRICKS = {
    "adapters.startup": "each is a named function there, with its reason",
    "embedded": "a process of its own, that runs others' code",
    "storlets.trial_process": "a process of its own, that runs a storlet as the engine does",
    "storlets.running": "looks whether a name that a storlet lacks is a module; it changes nothing",
    "identity.clouds": "reads clouds.yaml by openstack.config without the rest of the SDK",
}
"""Where they may stand, and why."""


def test_process_tricks_stand_in_one_place() -> None:
    """Garbage collection, signals, sudden ends, hidden modules, the process's own memory."""
    users = set()
    for module, tree in modules().items():
        for node in nodes(tree):
            is_trick = isinstance(node, ast.Attribute) and ast.unparse(node).startswith(TRICKS)
            if is_trick or (isinstance(node, ast.Constant) and node.value == "/proc/self/mem"):
                users.add(module)
    assert "adapters.startup" in users
    assert not {user for user in users if not within(user, set(MAY_PLAY_TRICKS))}


CATCHES_ALL = {
    "adapters.execution": "the edge: a line ends here, whatever ended it",
    "adapters.completion.names": "Tab: the command that follows tells the error",
    "adapters.notebook.magics": "Tab in a notebook, the same",
    "adapters.notebook.browse.answers": "a widget waits for an answer, so an error is one",
}
"""Which adapters may catch what they do not know, and why."""


@pytest.mark.parametrize("module", [module for module in modules() if module.startswith("adapters")])
def test_front_ends_catch_in_one_place(module: str) -> None:
    """An error that nobody expects is caught at the edge only, and there once."""
    broad = [
        node
        for node in nodes(modules()[module])
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or {"Exception", "BaseException"} & {part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)}
        )
    ]
    assert not broad or module in CATCHES_ALL
    if module == "adapters.execution":
        assert len(broad) == 1
