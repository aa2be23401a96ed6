"""The history of the interactive shell."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from storlet_shell.adapters.shell.history import ShellHistory, startup_file


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


@pytest.mark.parametrize(
    "line",
    [
        "!export OS_PASSWORD=abc",
        "!export OS_PASSWORD='abc' OS_USERNAME=me",
        "! ST_KEY=abc swift list",
        "!export AWS_SECRET_ACCESS_KEY=abc",
        "!KEY = abc",
        "!read -r DB_PASSWD <<<abc; export DB_PASSWD=abc",
        "post c -H 'X-Service-Token: abc'",
        "get c/o -H X-Storage-Token:abc",
        "get c/o -H Authorization:abc",
        "!curl -H 'authorization: Bearer abc' http://h",
        "!curl -H 'Cookie: session=abc' http://h",
        "!curl -H 'X-Subject-Token: abc' http://h",
        "!curl -H 'X-Storage-Pass: abc' http://h",
        "!curl 'http://h/v1/AUTH_a/c/o?temp_url_sig=abc&temp_url_expires=1'",
        "!curl 'https://b.s3.example/o?X-Amz-Signature=abc'",
        "!curl 'https://b.blob.example/o?sv=1&sig=abc'",
        "!curl -u me:abc http://h",
        "!curl --user=me:abc http://h",
        "!wget http://me:abc@h/o",
        "!git clone https://:abc@h/o",
        "!openstack --os-password abc token issue",
        "!openstack --password abc token issue",
        "!swift -U test:tester -K abc list",
        "!swift --key abc list",
        "!tool --api-key=abc",
        "!tool --client-secret abc",
        "!tool --access_token abc",
        "!sshpass -p abc ssh h",
        "!swift tempurl GET 3600 /v1/AUTH_a/c/o abc",
        "!docker login -u me -p abc h",
        "!mysql -pabc -u me",
        "!redis-cli -a abc",
        "!openssl enc -k abc -in f",
        "!export MYPASS=abc",
        "!export GITHUB_PAT=abc",
        "!echo AUTH_tk0123456789abcdef0123456789abcdef",
        "!echo gAAAAABexampleexampleexampleexampleexample",
        "!echo eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        "!aws configure set x AKIAIOSFODNN7EXAMPLE",
        "upload c/key <<E\n-----BEGIN RSA PRIVATE KEY-----\nabc\nE",
        'upload c/auth.json <<E\n{"auth": {"password": "abc"}}\nE',
        "upload c/clouds.yaml <<E\nauth:\n  password: abc\nE",
        "get c/o --storlet s.py -p password=abc",
        "get c/o --storlet s.py -p api_key=abc",
        "get c/o --storlet s.py -p token=abc",
        "post c -m secret=abc",
    ],
)
def test_lines_that_hold_a_secret_are_not_kept(environ: dict[str, str], line: str) -> None:
    """Whatever it is the secret of, and whatever runs the line."""
    history = ShellHistory(environ)
    history.append_string(line)
    assert history.get_strings() == []
    assert not Path(environ["STORLET_SHELL_HISTORY"]).exists()


@pytest.mark.parametrize(
    "line",
    [
        "post c -m password-policy=abc",
        "put token.py c/secret/token.py",
        "deploy token.py",
        "ls c/keys/ -l",
        "get c/o --storlet s.py -p key=name -p max_tokens=5 -p sort_key=a",
        "get path:/c/password.txt --save password.txt",
        "local start --keystone-port 5000",
        "grant c --user demo:tester --storlet s.py",
        "!curl http://h:8080/info",
        "!curl http://h/path@2:3",
        "map --storlet s.py --input 'path:/c/2026/10/*' --output 'path:/out/{dir}/{stem}.csv'",
    ],
)
def test_lines_that_only_look_so_are_kept(environ: dict[str, str], line: str) -> None:
    """A name alone is no secret."""
    assert ShellHistory(environ).keeps(line)


@pytest.mark.parametrize("mode", [0o644, 0o666, 0o640, 0o700])
@pytest.mark.parametrize("is_link", [False, True])
def test_file_that_others_can_read_is_hidden(environ: dict[str, str], mode: int, is_link: bool) -> None:
    """As soon as the shell starts, and before a line is added."""
    place = Path(environ["STORLET_SHELL_HISTORY"])
    place.parent.mkdir()
    file = place.with_name("file") if is_link else place
    file.write_text("\n# then\n+ls\n")
    file.chmod(mode)
    if is_link:
        place.symlink_to(file)
    history = ShellHistory(environ)
    assert list(history.load_history_strings()) == ["ls"]
    assert file.stat().st_mode & 0o077 == 0
    file.chmod(mode)
    history.append_string("whoami")
    assert file.stat().st_mode & 0o077 == 0


def test_device_in_its_place_keeps_its_mode(environ: dict[str, str]) -> None:
    """``/dev/null`` keeps no history, and is everybody's."""
    history = ShellHistory({"STORLET_SHELL_HISTORY": os.devnull})
    history.append_string("ls")
    assert list(history.load_history_strings()) == []
    assert Path(os.devnull).stat().st_mode & 0o777 == 0o666


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


@pytest.mark.parametrize("piece", ["-", "--", "X-", "swift ", "curl a", "token ", "KEY", "eyJ", "://:", "a:@", " "])
def test_long_lines_are_judged_at_once(environ: dict[str, str], piece: str) -> None:
    """The time does not grow with the square of the length."""
    line = "ls " + piece * (60_000 // len(piece))
    started = time.process_time()
    ShellHistory(environ).keeps(line)
    assert time.process_time() - started < 5
