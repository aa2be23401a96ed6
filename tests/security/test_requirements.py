"""Requirements: bounded, and known to the lock file."""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.lines import ROOT


def requirements() -> Iterator[tuple[str, str]]:
    """Yield every requirement, with where it stands."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    texts = {"install_requires": setup["options"]["install_requires"], **setup["options.extras_require"]}
    for place, text in texts.items():
        yield from ((place, line) for line in text.splitlines() if line and not line.startswith("#"))
    for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]:
        yield "build-system", text
    for name in ("Makefile", ".ci/audit", ".ci/dist", ".ci/run"):
        for text in re.findall(r"install (?:-\S+ )*'([\w-]+[<>=][^']*)'", (ROOT / name).read_text()):
            yield name, text


@pytest.mark.parametrize(("place", "text"), list(requirements()))
def test_requirement_has_both_bounds(place: str, text: str) -> None:
    """A release that nobody has tried is not taken, nor one that lacks what is used."""
    kinds = {specifier.operator for specifier in Requirement(text).specifier}
    assert kinds & {">=", ">", "==", "~="}, f"{place}: {text} has no lower bound"
    assert kinds & {"<", "<=", "==", "~="}, f"{place}: {text} has no upper bound"


def test_all_places_are_read() -> None:
    """Each kind of place has some: a test over none of them would hold."""
    assert {place for place, _ in requirements()} >= {"install_requires", "embedded", "dev", "build-system", "Makefile"}


def test_lock_file_knows_every_requirement() -> None:
    """By name, with a version within the bounds."""
    lock = (ROOT / "requirements/lock.txt").read_text()
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))
    assert len(locked) > 100
    for place, text in requirements():
        wanted = Requirement(text)
        if place in ("build-system", "Makefile", ".ci/audit"):
            continue
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), text


def test_lock_file_names_no_place() -> None:
    """Neither where archives come from, nor a folder of somebody's machine."""
    lock = (ROOT / "requirements/lock.txt").read_text()
    assert "://" not in lock
    assert not re.findall(r"^-.*|\s@\s.*|.*/.*", lock, re.MULTILINE)


def test_threat_model_names_tests_that_are_there() -> None:
    """Each test that docs/security.md claims something by; ``::name`` goes on with the file before it."""
    named, file = 0, ""
    for path, test in re.findall(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`", (ROOT / "docs/security.md").read_text()):
        file = path or file
        if path or test:
            named += 1
            code = (ROOT / file).read_text()
            assert not test or f"def {test}(" in code, (file, test)
    assert named > 50
