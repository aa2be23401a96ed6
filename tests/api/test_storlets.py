"""Storlets by the methods of a store: deploying, listing, logs, and rights."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storlet_shell import Store
from storlet_shell.errors import NotFoundError, StorletFailedError, StorletShellError, UsageError
from tests.api.recording import Recording
from tests.support.jars import needs_jdk
from tests.support.lines import ROOT
from tests.support.storlets import STORLETS

LOUD = """
class Loud:
    def __init__(self, logger):
        self.logger = logger

    def __call__(self, in_files, out_files, params):
        import own_dependency
        out_files[0].set_metadata({})
        out_files[0].write(in_files[0].read() + own_dependency.END)
        self.logger.info("loud ran")
"""


@pytest.fixture
def name(store: Store) -> Iterator[str]:
    """Return the name of a module of the test's own; its storlet is undeployed at the end."""
    module = f"loud_{secrets.token_hex(4)}"
    yield module
    if any(row.name == f"{module}.py" for row in store.storlets()):
        store.undeploy(f"{module}.py")


@pytest.mark.slow
def test_storlet_is_deployed_from_a_file(store: Store, here: str, name: str, tmp_path: Path) -> None:
    """Its dependencies are uploaded, too; an unchanged storlet isn't, except by force."""
    (tmp_path / f"{name}.py").write_text(LOUD)
    (tmp_path / "own_dependency.py").write_text("END = b'!'\n")
    words = {"source": str(tmp_path / f"{name}.py"), "dependencies": [tmp_path / "own_dependency.py"]}
    deployed = store.deploy(**words)  # type: ignore[arg-type]
    assert (deployed.storlet.name, deployed.main, deployed.is_new) == (f"{name}.py", f"{name}.Loud", True)
    assert deployed.dependencies == ("own_dependency.py",)
    assert store.get(f"{here}/o", storlet=f"{name}.py").content == b"hello\nworld\n!"
    again = store.deploy(**words)  # type: ignore[arg-type]
    assert (again.is_new, again.is_changed) == (False, False)
    assert store.deploy(**words, force=True).is_changed  # type: ignore[arg-type]
    (row,) = [row for row in store.storlets() if row.name == f"{name}.py"]
    assert (row.language, row.dependencies) == ("python", ["own_dependency.py"])
    store.undeploy(f"{name}.py", with_dependencies=True)
    with pytest.raises(NotFoundError):
        store.undeploy(f"{name}.py")


@pytest.mark.slow
def test_standard_storlet_is_deployed_by_its_name(store: Store) -> None:
    """As the command does it; the list tells that it is this version."""
    assert store.deploy("std:checksum").storlet.name == "std_checksum.py"
    assert {row.name: row.current for row in store.standard_storlets()}["std:checksum"] is True
    with pytest.raises(UsageError, match="std:no isn't a standard storlet"):
        store.deploy("std:no")
    with pytest.raises(UsageError, match="name is for code passed as bytes"):
        store.deploy("std:grep", name="other")


def test_code_that_can_not_run_is_deployed_only_by_force(store: Store, name: str, observer: Recording) -> None:
    """The message spells the parameter, and the refusal becomes a warning."""
    code = LOUD.replace("import own_dependency", "own = own_dependency").encode()
    with pytest.raises(UsageError, match=r"\.py:7: undefined name own_dependency.* \(deploy it anyway: force=True\)"):
        store.deploy(code, name=f"{name}.Loud")
    assert store.deploy(code, name=f"{name}.Loud", force=True).is_new
    assert any("undefined name own_dependency" in warning for warning in observer.warnings)


def test_storlet_is_deployed_from_code(store: Store, here: str, name: str) -> None:
    """Named as a line names code that follows."""
    code = STORLETS["upper.py"].encode()
    assert store.deploy(code, name=f"{name}.Main").storlet.name == f"{name}.py"
    assert store.get(f"{here}/o", storlet=f"{name}.py").text == "HELLO\nWORLD\n"
    with pytest.raises(UsageError, match="Main"):
        store.deploy(b"class Other: pass", name=f"{name}.Main")
    with pytest.raises(UsageError, match="name is for code"):
        store.deploy("upper.py", name="upper.Main")


@pytest.mark.slow
@needs_jdk
def test_storlet_is_deployed_from_java(store: Store, here: str, tmp_path: Path) -> None:
    """From a file or from code; the same code is the same jar, so it isn't uploaded again."""
    name = f"J{secrets.token_hex(4)}"
    code = (ROOT / "examples" / "storlets" / "FirstLine.java").read_text().replace("FirstLine", name)
    (tmp_path / f"{name}.java").write_text(code)
    deployed = store.deploy(tmp_path / f"{name}.java")
    assert (deployed.storlet.name, deployed.main, deployed.is_new) == (f"{name}-1.0.jar", name, True)
    assert store.get(f"{here}/o", storlet=f"{name}-1.0.jar", params={"skip": 1}).text == "world\n"
    again = store.deploy(code.encode(), name=f"{name}.java")
    assert (again.is_new, again.is_changed) == (False, False)
    with pytest.raises(StorletFailedError, match="NumberFormatException"):
        store.get(f"{here}/o", storlet=f"{name}-1.0.jar", params={"skip": "x"})
    assert "at " + name + ".invoke(" in list(store.logs(f"{name}-1.0.jar"))[-1].text
    store.undeploy(f"{name}-1.0.jar")


def test_log_is_of_records(store: Store, here: str) -> None:
    """What each run wrote, when it ended and how; later than a moment, on demand."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    store.get(f"{here}/o", storlet="upper.py").close()
    transaction = store.get(f"{here}/o", storlet="upper.py").headers["X-Trans-Id"]
    with pytest.raises(StorletFailedError) as failure:
        store.get(f"{here}/o", storlet="raises.py")
    records = list(store.logs("upper.py", since=before))
    (record,) = [record for record in records if record.transaction_id == transaction]
    assert record.outcome == "ok"
    assert "upper ran" in record.text
    assert record.time is not None
    assert record.time >= before
    last = list(store.logs("raises.py"))[-1]
    assert last.transaction_id == failure.value.transaction_id
    assert "Traceback" in last.text
    assert list(store.logs("upper.py", since=datetime.now(UTC) + timedelta(hours=1))) == []
    with pytest.raises(NotFoundError):
        store.logs("never-ran.py")


def test_rights_are_granted_and_revoked(store: Store, here: str, observer: Recording) -> None:
    """To run a storlet, to read, to write; what is not there can't be revoked."""
    store.grant(here, "tester", storlet="upper.py")
    store.grant(here, ".r:*")
    store.grant(here, "test:other", right="write")
    headers = store.head(here).headers
    assert headers["X-Container-Read"] == ".r:storlets.tester_upper.py,.r:*"
    assert headers["X-Container-Write"] == "test:other"
    store.grant(here, ".r:*")
    store.revoke(here, "tester", storlet="upper.py")
    store.revoke(here, "test:other", right="write")
    headers = store.head(here).headers
    assert headers["X-Container-Read"] == ".r:*"
    assert "X-Container-Write" not in headers
    for storlet in ("upper.py", None):
        with pytest.raises(NotFoundError):
            store.revoke(here, "tester", storlet=storlet)
    with pytest.raises(StorletShellError):
        store.grant("no-such-container", ".r:*")
