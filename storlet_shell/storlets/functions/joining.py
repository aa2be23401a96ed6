"""Join modules into one source, for code that is deployed as one file."""

from __future__ import annotations

import ast
import importlib.resources
from functools import cache
from types import ModuleType

from storlet_shell.storlets.parsing import parse_code


@cache
def join_modules(package: ModuleType, modules: tuple[str, ...] = ()) -> str:
    """Return a package's modules as one text: their imports first, without those of storlet_shell.

    :param modules: the modules in the order of their copies, whose global names must differ; those in folders of the
        package with a slash. Empty for those that the package's ``MODULES`` names
    """
    imports: dict[str, None] = {}  # in their order, each once
    bodies = []
    for module in modules or package.MODULES:
        text = (importlib.resources.files(package) / f"{module}.py").read_text("utf-8")
        statements = [node for node in parse_code(text).body if isinstance(node, ast.Import | ast.ImportFrom)]
        for node in statements:
            is_own = isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                ("storlet_shell", "__future__")
            )
            if not is_own:
                imports.update(dict.fromkeys(map(ast.unparse, _by_name(node))))
        bodies.append("\n".join(text.splitlines()[statements[-1].end_lineno :]).strip("\n"))
    ordered = sorted(imports, key=lambda text: (text.startswith("from"), text))
    return "\n".join([*ordered, "", "\n\n\n".join(bodies), ""])


def _by_name(node: ast.Import | ast.ImportFrom) -> list[ast.Import | ast.ImportFrom]:
    """Split an import into those of one name, so that no name is bound twice."""
    if isinstance(node, ast.Import):
        return [ast.Import([alias]) for alias in node.names]
    return [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]
