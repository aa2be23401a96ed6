"""Review a storlet's code before it is deployed or tried: refuse what can't run, and note what may fail."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from storlet_shell.errors import Action, Hint, UsageError
from storlet_shell.storlets import contract
from storlet_shell.storlets.checks.advice import advise
from storlet_shell.storlets.checks.calls import check_calls
from storlet_shell.storlets.checks.finding import Finding
from storlet_shell.storlets.checks.imports import Import, find_imports, judge
from storlet_shell.storlets.checks.undefined import find_undefined
from storlet_shell.storlets.functions.signature import MAIN_CLASS
from storlet_shell.storlets.origins import Piece, pieces
from storlet_shell.storlets.source import StorletSource, decode
from storlet_shell.values import StorletMain

if TYPE_CHECKING:
    from storlet_shell.deployments.package import Dependency, Package


def review(package: Package, *, force: bool = False) -> Package:
    """Return a package with its imports, and with notes about its code before those about its dependencies.

    :param force: only note what can't run
    :raises UsageError: if the code can't run: the message names the first problem, and the details name the others
    """
    if package.language != "python":
        return package
    source = StorletSource.parse(package.code, package.label)
    modules = {contract.module_of(dependency.name) for dependency in package.dependencies}
    bundled = modules | {contract.module_of(package.storlet.name)} | _packaged(package)
    imports = find_imports(source.tree, bundled)
    findings = [*_findings(source, StorletMain.parse(package.main).class_name), *judge(imports, bundled)]
    findings.sort(key=lambda finding: finding.line)
    is_function = StorletMain.parse(package.main).class_name == MAIN_CLASS
    origins = list(pieces(decode(package.code))) if is_function else []
    place = partial(_place, package.label, origins)
    fatal = [f"{place(finding.line)}: {finding.text}" for finding in findings if finding.is_fatal]
    if fatal and not force:
        raise UsageError(fatal[0], hint=Hint(Action.DEPLOY_ANYWAY), details="\n".join(fatal[1:]))
    notes = [f"{place(finding.line)}: {finding.text}" for finding in findings]
    notes += [note for dependency in package.local_dependencies for note in _notes_of_module(dependency, bundled)]
    return package._replace(notes=(*notes, *package.notes), imports=_by_module(imports))


def _packaged(package: Package) -> frozenset[str]:
    return package.archive.modules if package.archive else frozenset()


def _place(label: str, origins: list[Piece], line: int) -> str:
    """Return the file and line of the author's own code; only the file for a function's collected imports."""
    if not origins:
        return f"{label}:{line}"
    piece = next((piece for piece in origins if piece.first <= line <= piece.last), None)
    return f"{piece.file}:{piece.line + line - piece.first}" if piece else label


def _findings(source: StorletSource, main: str) -> Iterator[Finding]:
    yield from check_calls(source.tree, main)
    yield from find_undefined(source.tree)
    node = source.class_of(main)
    if node is not None:
        yield from (Finding(line, text) for line, text in advise(node))


def _notes_of_module(dependency: Dependency, bundled: set[str]) -> Iterator[str]:
    """Yield notes about what a local dependency imports."""
    if not dependency.name.endswith(".py") or not dependency.content or not dependency.content.strip():
        return
    try:
        source = StorletSource.parse(dependency.content, dependency.name)
    except UsageError as error:
        yield str(error)
        return
    for finding in judge(find_imports(source.tree, bundled), bundled):
        yield f"{source.label}:{finding.line}: {finding.text}"


def _by_module(imports: list[Import]) -> dict[str, str]:
    return dict(sorted({found.module: found.origin for found in imports}.items()))
