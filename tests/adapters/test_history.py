"""What the interactive shell keeps of the lines that were typed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storlet_shell.adapters.history import ShellHistory, startup_file


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Name a history file in a folder that is not there yet."""
    return {"STORLET_SHELL_HISTORY": str(tmp_path / "new" / "history"), "OS_PASSWORD": "sesame", "ST_KEY": "x"}


def test_lines_are_kept_from_shell_to_shell(environ: dict[str, str]) -> None:
    """Each line is in the file at once, whole, for the owner alone; repetitions are kept once."""
    history = ShellHistory(environ)
    for line in ("ls", "upload c/o <<E\n a\nE", "ls", "ls"):
        history.append_string(line)
    place = Path(environ["STORLET_SHELL_HISTORY"])
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert list(ShellHistory(environ).load_history_strings()) == ["ls", "upload c/o <<E\n a\nE", "ls"]


@pytest.mark.parametrize("line", [" ls", "", "\n", "get c/o -p password=sesame", "a" * 70_000])
def test_some_lines_are_not_kept(environ: dict[str, str], line: str) -> None:
    """A leading space, a secret of the environment, and enormous lines stay out."""
    history = ShellHistory(environ)
    history.append_string(line)
    assert history.get_strings() == []
    assert not Path(environ["STORLET_SHELL_HISTORY"]).exists()


def test_a_place_that_can_not_be_written_is_told_once(tmp_path: Path) -> None:
    """A file in the folder's place costs one line, and typing goes on."""
    (tmp_path / "file").touch()
    told: list[str] = []
    history = ShellHistory({"STORLET_SHELL_HISTORY": str(tmp_path / "file" / "history")}, told.append)
    for line in ("ls", "whoami"):
        history.append_string(line)
    assert len(told) == 1
    assert told[0].startswith(f"history is not kept: {tmp_path}/file/history: ")
    assert history.get_strings() == ["ls", "whoami"]


def test_a_directory_in_its_place_is_told_once(tmp_path: Path) -> None:
    """So does a directory."""
    told: list[str] = []
    history = ShellHistory({"STORLET_SHELL_HISTORY": str(tmp_path)}, told.append)
    assert list(history.load_history_strings()) == []
    history.append_string("ls")
    assert told == [f"history is not kept: {tmp_path}: Is a directory"]


def test_a_large_file_is_shortened(environ: dict[str, str]) -> None:
    """Of a file over a mebibyte, the last thousand lines stay."""
    history = ShellHistory(environ)
    history.append_string("ls")
    with Path(environ["STORLET_SHELL_HISTORY"]).open("a") as file:
        file.writelines(f"\n# then\n+get c/{number} {'a' * 400}\n" for number in range(3000))
    history.shorten()
    kept = list(ShellHistory(environ).load_history_strings())
    assert len(kept) == 1000
    assert kept[0].startswith("get c/2999")
    assert kept[-1].startswith("get c/2000")
    assert Path(environ["STORLET_SHELL_HISTORY"]).stat().st_mode & 0o777 == 0o600


def test_clearing_forgets_everything(environ: dict[str, str]) -> None:
    """A cleared history is gone from memory and from the file."""
    history = ShellHistory(environ)
    history.append_string("ls")
    history.clear()
    assert history.get_strings() == []
    assert not Path(environ["STORLET_SHELL_HISTORY"]).exists()


def test_the_places_are_the_platforms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a variable the files are in the platform's folders, and nowhere for a user without a home."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert startup_file({}) == tmp_path / "storlet-shell" / "startup"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert startup_file({}) == Path(os.devnull)
