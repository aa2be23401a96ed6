"""Deployed dependencies as values."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from storlet_shell.deployments.dependencies import find_dependency, list_dependencies, remove_dependencies
from storlet_shell.deployments.deploy import deploy
from storlet_shell.deployments.package import Dependency, read_package
from storlet_shell.deployments.undeploy import undeploy
from storlet_shell.errors import NotFoundError, StorletShellError
from storlet_shell.values import StorletName
from storlet_shell.wire.client import Client
from tests.support.observers import Notebook
from tests.support.storlets import STORLETS


@pytest.fixture
def needed(storlets: object, observed: Client, tmp_path: Path) -> tuple[str, Dependency]:
    """Deploy a storlet with a program as its dependency; return the names of both."""
    name = f"n{secrets.token_hex(4)}"
    (tmp_path / f"{name}.py").write_text(STORLETS["upper.py"])
    (tmp_path / f"{name}.sh").write_text("exit")
    (tmp_path / f"{name}.sh").chmod(0o755)
    package = read_package(str(tmp_path / f"{name}.py"), None, None).with_dependencies([str(tmp_path / f"{name}.sh")])
    deploy(observed, package)
    return package.storlet.name, package.dependencies[0]


@pytest.mark.slow
def test_dependency_is_described(observed: Client, needed: tuple[str, Dependency]) -> None:
    """The same in a list and alone, but for how its date is written."""
    storlet, dependency = needed
    alone = find_dependency(observed, dependency.name)
    (listed,) = [item for item in list_dependencies(observed) if item.name == dependency.name]
    assert listed == alone._replace(date=listed.date)
    assert (alone.bytes, alone.permissions, alone.version) == (4, 0o755, dependency.version)
    assert alone.needed_by == (storlet,)


@pytest.mark.slow
def test_needed_dependency_is_removed_by_force_alone(
    observed: Client, observer: Notebook, needed: tuple[str, Dependency]
) -> None:
    """And nothing is removed if one of several can't be."""
    storlet, dependency = needed
    with pytest.raises(StorletShellError, match=f"{storlet} needs dependency {dependency.name}"):
        remove_dependencies(observed, [dependency.name])
    with pytest.raises(NotFoundError, match="not-there"):
        remove_dependencies(observed, [dependency.name, "not-there"], force=True)
    assert observer.sent("DELETE") == []
    remove_dependencies(observed, [dependency.name], force=True)
    with pytest.raises(NotFoundError):
        find_dependency(observed, dependency.name)


@pytest.mark.slow
def test_dependency_of_no_storlet_is_removed(observed: Client, needed: tuple[str, Dependency]) -> None:
    """Undeployment leaves it, and then nothing needs it."""
    storlet, dependency = needed
    undeploy(observed, StorletName(storlet))
    assert find_dependency(observed, dependency.name).needed_by == ()
    remove_dependencies(observed, [dependency.name])
    assert dependency.name not in {item.name for item in list_dependencies(observed)}
