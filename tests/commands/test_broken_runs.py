"""A storlet that fails after it has begun to write, in every command that runs one."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.support.lines import Runner
from tests.support.storlets import STORLETS


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "get {c}/o --storlet later.py",
        "get {c}/o --storlet later.py --save {f}/x",
        "map --storlet later.py --input path:/{c}/o",
        "map --storlet later.py --input path:/{c}/o --save {f}/out --fail-fast -j 1",
        "map --storlet later.py --input path:/{c}/o --output path:/{c}/out/{path} --fail-fast",
        "pipe later.py --input path:/{c}/o",
        "pipe 'upper.py | later.py' --input path:/{c}/o --save {f}/out --fail-fast",
        "pipe 'later.py | upper.py' --input path:/{c}/o",
        "reduce --storlet later.py --input path:/{c}/o --output path:/{c}/sum",
        "copy {c}/o {c}/x --storlet later.py",
        "put {f}/file {c}/x --storlet later.py",
        "deploy later.py --with-invoke --input path:/{c}/o",
    ],
)
def test_storlet_that_fails_in_the_middle_is_6_everywhere(
    storlets: Runner, here: str, tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whatever command it runs, it is the storlet that failed, and the message says why."""
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "later.py").write_text(STORLETS["later.py"])
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line.replace("{c}", here).replace("{f}", str(tmp_path)))
    outcome = storlets(*words)
    assert outcome.status == 6
    assert "storlet later.py failed on " in outcome.err
    assert "ValueError: after the metadata" in outcome.err
