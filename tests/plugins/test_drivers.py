"""Schedulers and executors of other packages: loaded by name, or skipped with the reason in ``plugins``."""

from __future__ import annotations

from typing import Any

import pytest

from storlet_shell import schedulers
from storlet_shell.batches import executor as executors
from storlet_shell.batches.executor import Executor
from storlet_shell.errors import UsageError
from storlet_shell.plugins import drivers
from storlet_shell.schedulers.base import Scheduler
from storlet_shell.spec.registry import Registry
from tests.support.lines import ROOT, Runner
from tests.support.site import PLUGIN, Site

LAST = """
from storlet_shell.schedulers.base import Scheduler

class Driver(Scheduler):
    def choose(self, endpoints):
        return endpoints[-1]
"""
BROKEN = {
    "raises": ("raise RuntimeError('two\\nlines')", "bad_raises:Driver can't be loaded: RuntimeError: two lines"),
    "exits": ("import sys; sys.exit(3)", "bad_exits:Driver can't be loaded: SystemExit: 3"),
    "asserts": ("assert False, 'never'", "bad_asserts:Driver can't be loaded: AssertionError: never"),
    "interrupts": ("raise KeyboardInterrupt", "bad_interrupts:Driver can't be loaded: KeyboardInterrupt"),
    "absent": ("", "AttributeError"),
    "abstract": (LAST.replace("def choose", "def chosen"), "Can't instantiate abstract class Driver"),
    "other": ("class Driver: pass", "bad_other:Driver isn't a Scheduler but a Driver"),
    "number": ("Driver = 1", "TypeError: 'int' object is not callable"),
    "fails": (LAST + "    def __init__(self):\n        raise OSError('no')\n", "OSError: no"),
    "wants": (LAST + "    def __init__(self, more):\n        pass\n", "TypeError"),
    "random": (LAST, "the name random is taken"),
}
"""What drivers do wrong, by their names: their source, and what is said of them."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, storlets: Runner) -> Site:
    """Return a folder with every broken driver, a good one, a good command and one with its name."""
    made = Site(tmp_path_factory.mktemp("drivers"), storlets)
    for name, (source, _) in BROKEN.items():
        made.install(f"bad_{name}", source, "schedulers", **{name: f"bad_{name}:Driver"})
    made.install("good_driver", f"print('loud')\n{LAST}", "schedulers", last="good_driver:Driver")
    made.plugin("good_plugin")
    made.install("thief", PLUGIN.format(name="greet", aliases=()), greet="thief:greet")
    return made


@pytest.fixture(scope="module")
def listed(site: Site) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the rows of ``plugins`` by kind, name and package."""
    outcome = site("plugins", "--json")
    assert outcome.status == 0
    return {(row["kind"], row["name"], row["package"]): row for row in outcome.json["rows"]}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_driver_is_listed_with_its_reason(listed: dict[tuple[str, str, str], dict[str, Any]], name: str) -> None:
    """Beside its package and version."""
    row = listed["scheduler", name, f"bad_{name}"]
    assert row["version"] == "1.0"
    assert BROKEN[name][1] in row["problem"]


def test_all_that_is_installed_is_listed(listed: dict[tuple[str, str, str], dict[str, Any]]) -> None:
    """What is built in, and what others add."""
    own = {(kind, name) for (kind, name, package), row in listed.items() if package == "storlet-shell"}
    assert {("command", name) for name in Registry().builtin_names()} < own
    assert {("executor", "threads"), ("executor", "dask"), ("scheduler", "memory"), ("scheduler", "random")} < own
    assert {row["problem"] for (_, _, package), row in listed.items() if package == "storlet-shell"} == {None}
    assert listed["scheduler", "last", "good_driver"]["problem"] is None
    assert listed["command", "greet", "good_plugin"]["problem"] is None
    assert listed["command", "greet", "thief"]["problem"] == "the name greet is taken"


@pytest.mark.parametrize("name", ["raises", "exits", "interrupts", "abstract"])
def test_line_that_names_a_broken_driver_fails(site: Site, name: str) -> None:
    """In one line, before anything is run."""
    outcome = site("map", "--storlet", "upper.py", "--input", "path:/nowhere/*", "--scheduler", name)
    assert outcome.status == 1
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"storlet-shell: the scheduler {name} (bad_{name} 1.0) can't be used: ")
    assert BROKEN[name][1] in line


@pytest.mark.parametrize(
    ("namespace", "kind"),
    [(schedulers.NAMESPACE, Scheduler), (executors.NAMESPACE, Executor)],
    ids=["schedulers", "executors"],
)
def test_unknown_name_lists_those_there_are(namespace: str, kind: type) -> None:
    """All of them, and each can be loaded."""
    with pytest.raises(UsageError) as caught:
        drivers.load(namespace, "xyzzy", kind)
    assert str(caught.value).endswith(f"available: {', '.join(drivers.names(namespace))}")
    for name in drivers.names(namespace):
        assert isinstance(drivers.load(namespace, name, kind), kind)


def test_stale_cache_of_stevedore_is_not_believed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver is found although stevedore has looked before it was installed."""
    from stevedore import ExtensionManager

    monkeypatch.setitem(ExtensionManager.ENTRY_POINT_CACHE, schedulers.NAMESPACE, [])
    assert isinstance(drivers.load(schedulers.NAMESPACE, "random", Scheduler), Scheduler)  # type: ignore[type-abstract]


def test_namespaces_are_those_of_setup_cfg() -> None:
    """Built-in drivers come from the namespaces that others add to."""
    text = (ROOT / "setup.cfg").read_text()
    for namespace in (schedulers.NAMESPACE, executors.NAMESPACE):
        assert f"\n{namespace} =\n" in text
