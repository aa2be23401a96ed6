"""``deploy`` and ``undeploy``: results, errors, and warnings."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from storlet_shell.deployments.deploy import Deployed, deploy, deployment_requests
from storlet_shell.deployments.deployed import list_storlets
from storlet_shell.deployments.package import Package, read_package
from storlet_shell.deployments.undeploy import plan_undeployment, undeploy
from storlet_shell.errors import Action, Hint, NotFoundError
from storlet_shell.values import StorletName
from storlet_shell.wire.client import Client
from tests.support.observers import Notebook
from tests.support.responder import Answer, Responder, html, ok
from tests.support.storlets import STORLETS


@pytest.fixture
def package(storlets: object, tmp_path: Path) -> Package:
    """Return a storlet of a new name with a local dependency, on an account that is enabled."""
    name = f"f{secrets.token_hex(4)}"
    (tmp_path / f"{name}.py").write_text(STORLETS["upper.py"])
    (tmp_path / f"{name}_a.py").write_text("A = 1")
    return read_package(str(tmp_path / f"{name}.py"), None, None).with_dependencies([str(tmp_path / f"{name}_a.py")])


@pytest.mark.slow
def test_deployment_tells_what_it_has_led_to(observed: Client, package: Package) -> None:
    """The first and the next; and the storlet is listed with its description."""
    first, second = deploy(observed, package), deploy(observed, package)
    names = package.description.dependencies
    assert first == Deployed(package.storlet, package.main, "storlet", names, len(package.code), is_new=True)
    assert second == first._replace(is_new=False)
    listed = {storlet.name: storlet.description for storlet in list_storlets(observed)}
    assert listed[package.storlet.name] == package.description


def test_same_deployment_sends_nothing_unless_forced(observed: Client, observer: Notebook, package: Package) -> None:
    """Whatever differs is sent: the code, the description, or a dependency."""
    deploy(observed, package)
    observer.requests.clear()
    same = deploy(observed, package, force=False)
    assert (same.is_changed, observer.sent("PUT")) == (False, [])
    assert deploy(observed, package).is_changed
    code = package._replace(code=package.code + b"# new\n")
    version = package.with_language_version("3.11")
    (dependency,) = package.dependencies
    other = package._replace(dependencies=(dependency._replace(content=b"A = 2"),))
    for changed in (code, version, other):
        assert deploy(observed, changed, force=False).is_changed
        assert not deploy(observed, changed, force=False).is_changed


def test_findings_are_told_and_do_not_hinder(observed: Client, observer: Notebook, package: Package) -> None:
    """What will not work in the code is a warning for each finding."""
    deploy(observed, package._replace(notes=("first", "second")))
    assert observer.warnings == ["warning: first", "warning: second"]


@pytest.mark.parametrize(
    ("container", "refused", "is_enabling"),
    [(None, "/dependency/more.py", True), (None, "/storlet/upper.py", True), ("other", "/other/upper.py", False)],
)
def test_refused_upload_tells_which_container_is_absent(
    client: Client, responder: Responder, tmp_path: Path, container: str | None, refused: str, is_enabling: bool
) -> None:
    """By the upload that got a 404: the containers of storlets come with the account's enabling, others by mkdir."""
    for name in ("upper.py", "more.py"):
        (tmp_path / name).write_text(STORLETS["upper.py"])
    package = read_package(str(tmp_path / "upper.py"), None, None).with_dependencies([str(tmp_path / "more.py")])
    for request in deployment_requests(client, package, container):
        responder.on("HEAD", request.path, html(404))
        responder.on("PUT", request.path, html(404) if request.path == refused else ok(status=201))
        responder.on("DELETE", request.path, Answer(204))
    with pytest.raises(NotFoundError) as raised:
        deploy(client, package, container)
    error, name = raised.value, refused.split("/")[1]
    hint = Hint(Action.ENABLE_ACCOUNT) if is_enabling else Hint(Action.MAKE_CONTAINER, (name,))
    assert (error.subject, error.hint, error.status) == (name, hint, 404)
    assert error.message.startswith(f"container {name} ")


@pytest.mark.slow
def test_undeployment_tells_what_went_and_what_stays(observed: Client, observer: Notebook, package: Package) -> None:
    """With its dependencies, those that another storlet needs excepted; the plan of it deletes nothing."""
    (shared,) = package.dependencies
    name = package.storlet.name.replace(".py", "_own.txt")
    own = shared._replace(name=name)
    stem = package.storlet.name.removesuffix(".py")
    other = package._replace(storlet=StorletName(f"{stem}_other.py"), main=f"{stem}_other.Main")
    deploy(observed, package._replace(dependencies=(shared, own)))
    deploy(observed, other)
    plan = plan_undeployment(observed, package.storlet, with_dependencies=True)
    assert (plan.dependencies, dict(plan.kept)) == ((name,), {shared.name: [other.storlet.name]})
    assert observer.sent("DELETE") == []
    assert undeploy(observed, package.storlet, with_dependencies=True) == plan
    assert observer.sent("DELETE") == [f"storlet/{package.storlet}", f"dependency/{name}"]
    assert observer.warnings == [f"dependency {shared.name} stays: {other.storlet} needs it"]
    for with_dependencies in (False, True):
        with pytest.raises(NotFoundError, match=f"storlet {package.storlet} isn't deployed"):
            undeploy(observed, package.storlet, with_dependencies=with_dependencies)
