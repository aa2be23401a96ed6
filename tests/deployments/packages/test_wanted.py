"""What users want to be deployed along, and what they can't."""

from __future__ import annotations

from pathlib import Path

import pytest

from storlet_shell.deployments.packages.wanted import Wanted
from storlet_shell.errors import LocalFileError, NotFoundError, UsageError


def test_nothing_wanted_is_none() -> None:
    """A deployment without packages runs no pip."""
    assert Wanted.parse() is None


def test_packages_are_what_pip_reads(tmp_path: Path) -> None:
    """Names, versions, extras, conditions, paths; provided ones are names with a version at most."""
    file = tmp_path / "requirements.txt"
    file.write_text("\ufeff# comment\n\nhumanize\n")
    wheel = tmp_path / "a-1-py3-none-any.whl"
    wheel.touch()
    texts = ("humanize", "rich[jupyter]>=13,<15", "tomli; python_version < '3.11'", str(wheel))
    wanted = Wanted.parse(texts, [file], ["NumPy", "A_b==1.5"], "3.9", is_unpacked=True)
    assert wanted is not None
    assert (wanted.packages, wanted.files, wanted.python) == (texts, (file,), "3.9")
    assert wanted.provided == (("numpy", None), ("a-b", "1.5"))
    assert Wanted.parse(["a"], python="3") == Wanted.parse(["a"])


@pytest.mark.parametrize("text", ["", " ", "-e .", "--index-url=http://x", "a\n-r b"])
def test_options_of_pip_are_no_packages(text: str) -> None:
    """They belong to files of requirements, and are no way around ``--only-binary``."""
    with pytest.raises(UsageError, match=r"^a package must be a name, as in NAME or NAME==1\.2, not "):
        Wanted.parse([text])


def test_packages_are_no_folders(tmp_path: Path) -> None:
    """Only wheels are deployed, and none is built."""
    for text in (".", "./src", str(tmp_path), "~/src"):
        with pytest.raises(
            UsageError, match=rf"^{text}: a package must be a name or a wheel; build one of this folder"
        ):
            Wanted.parse([text])
    with pytest.raises(NotFoundError, match=r"^a-1-py3-none-any\.whl: no such wheel$"):
        Wanted.parse(["a-1-py3-none-any.whl"])


@pytest.mark.parametrize("text", ["", "numpy>=1", "-x", "a b", "a=="])
def test_provided_packages_have_one_version(text: str) -> None:
    """A range would say nothing about what the engine has."""
    with pytest.raises(UsageError, match=r"^a package that the engine has must be NAME or NAME==VERSION, not "):
        Wanted.parse(["a"], provided=[text])


def test_options_about_packages_need_one() -> None:
    """Alone, they would do nothing."""
    with pytest.raises(UsageError, match=r"^no package to deploy is named"):
        Wanted.parse(provided=["numpy"])
    with pytest.raises(UsageError, match=r"^no package to deploy is named"):
        Wanted.parse(is_unpacked=True)


def test_files_that_cant_be_read_are_refused(tmp_path: Path) -> None:
    """A missing one, a folder, and one that names nothing."""
    empty = tmp_path / "empty.txt"
    empty.write_text("# nothing\n  \n")
    with pytest.raises(NotFoundError, match=r"no\.txt: no such requirements file"):
        Wanted.parse(files=[tmp_path / "no.txt"])
    with pytest.raises(LocalFileError, match="can't be read: Is a directory"):
        Wanted.parse(files=[tmp_path])
    with pytest.raises(UsageError, match=r"empty\.txt: names no packages"):
        Wanted.parse(files=[empty])
