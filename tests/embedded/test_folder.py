"""Where data folders can be, and the errors where they can't."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

import storlet_shell
from storlet_shell.embedded import control
from storlet_shell.embedded.control import Settings
from storlet_shell.embedded.control import folder as places
from storlet_shell.errors import EmbeddedError
from tests.support.folders import little_recursion, nested

from .conftest import connect, ended

SOURCES = Path(storlet_shell.__file__).parents[1]

START = """
import sys
from pathlib import Path
from storlet_shell.embedded import control
from storlet_shell.errors import EmbeddedError, UsageError
try:
    with control.join_or_start(Path(sys.argv[1]), control.Settings()) as lease:
        print("started")
except (EmbeddedError, UsageError) as error:
    print(error)
"""

FILL = """
import json, os, sys
from pathlib import Path
import swiftclient
from storlet_shell.embedded import control

def fill(running):
    connection = swiftclient.Connection(running.auth_url, running.user, running.key, retries=0)
    connection.put_container("objects")
    stored, refused = {}, []
    while not refused:
        body, name = os.urandom(2**20), f"object{len(stored)}"
        try:
            connection.put_object("objects", name, body)
            stored[name] = body
        except swiftclient.ClientException as error:
            refused.append([error.http_status, error.http_response_content.decode()])
    try:
        connection.put_object("objects", "chunked", iter([os.urandom(2**20)] * 60))
    except swiftclient.ClientException as error:
        refused.append([error.http_status, ""])
    whole = all(connection.get_object("objects", name)[1] == body for name, body in stored.items())
    listed = [entry["name"] for entry in connection.get_container("objects")[1]]
    connection.delete_object("objects", "object0")
    connection.delete_object("objects", "object1")
    connection.put_object("objects", "again", b"there is room again")
    return refused, whole, sorted(listed) == sorted(stored), len(stored)

folder = Path(sys.argv[1])
try:
    print(json.dumps(fill(control.start(folder, control.Settings())[0])))
finally:
    control.stop(folder)
"""


def run_on(kind: str, place: Path, script: str) -> str:
    """Run a script on a new file system that only it sees, and return what it says.

    :param kind: ``mount``'s words for the file system
    """
    command = ["unshare", *([] if os.geteuid() == 0 else ["-Ur"]), "-m", "sh", "-ec"]
    shell = f'mount {kind} none "$1" && exec "$2" -c "$3" "$1/data"'
    place.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    arguments = [*command, shell, "sh", str(place), sys.executable, script]
    return subprocess.run(arguments, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def test_the_platform_says_where_data_lies(tmp_path: Path) -> None:
    """Unless the user says so."""
    assert control.data_folder().is_relative_to(platformdirs.user_data_path("storlet-shell"))
    assert control.data_folder(tmp_path) == tmp_path
    assert control.data_folder(Path("~/x")) == Path.home() / "x"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["with blanks", "100% %(here)s größe a#b;c $HOME 'once' \"twice\"", "x" * 200, "line\nbreak"],
)
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    """No spelling of a path collides with configuration files or Unix sockets."""
    with (
        control.join_or_start(tmp_path / name, Settings()) as lease,
        connect(lease.running) as connection,
    ):
        connection.put_object("objects", "o", b"content")
        assert connection.get_object("objects", "o")[1] == b"content"


@pytest.mark.parametrize("words", [("-m", "storlet_shell_user"), ("user/storlet_shell_user.py",)])
def test_the_users_folder_is_not_passed_on(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Python puts it on the path: a user's modules would be the server's, and his files storlets' to read."""
    folder = tmp_path / "user"
    folder.mkdir()
    script = "import sys; from storlet_shell.embedded import control; print(control._environment()['PYTHONPATH'])"
    (folder / "storlet_shell_user.py").write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    told = subprocess.run(
        [sys.executable, *words],
        cwd=folder if words[0] == "-m" else tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    passed = told.stdout.strip().split(os.pathsep)
    assert str(SOURCES) in passed
    assert str(folder) not in passed


@pytest.mark.slow
def test_a_full_disk_refuses_uploads_with_a_reason_and_loses_nothing(tmp_path: Path) -> None:
    """Uploads end in 507 or 503, whole objects stay readable and listed, deleting makes room."""
    refused, whole, listed, number = json.loads(run_on("-t tmpfs -o size=48m", tmp_path / "disk", FILL))
    assert refused[0][0] == 507
    assert refused[0][1].startswith("The disk of the embedded Swift is full: ")
    assert refused[1][0] in (503, 507)
    assert whole
    assert listed
    assert number > 20


def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    """One clear line."""
    said = run_on("-t tmpfs -o size=2m", tmp_path / "disk", START)
    assert said == f"the disk of {tmp_path}/disk/data is full: less than 32 MiB are free"


def test_a_file_system_without_extended_attributes(tmp_path: Path) -> None:
    """One clear line that says what to do."""
    said = run_on("-t ramfs", tmp_path / "disk", START)
    assert said.startswith(f"the file system of {tmp_path}/disk/data lacks extended attributes (user.*)")
    assert "use a folder on another one" in said


def test_a_read_only_file_system(tmp_path: Path) -> None:
    """One clear line."""
    said = run_on("-t tmpfs -o ro", tmp_path / "disk", START)
    assert said == f"the data folder {tmp_path}/disk/data can't be used: Read-only file system; use another one"


def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    """Refuse a data folder, new or old, that another user owns."""
    if os.geteuid() == 0:
        folder = tmp_path
        os.chown(folder, 65534, 65534)
    else:
        folder = Path("/usr")
    with pytest.raises(EmbeddedError, match=r"belongs to another user|Permission denied"):
        control.join_or_start(folder, Settings())
    if os.geteuid() == 0:
        (folder / "storlet-shell").touch()
        with pytest.raises(EmbeddedError, match="belongs to another user"):
            control.join_or_start(folder, Settings())


def test_a_folder_with_something_else_in_it(tmp_path: Path) -> None:
    """Leave it unchanged."""
    (tmp_path / "precious").touch()
    with pytest.raises(EmbeddedError, match="holds something else"):
        control.join_or_start(tmp_path, Settings())
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_a_file_in_the_folder_s_place(tmp_path: Path) -> None:
    """One clear line."""
    (tmp_path / "data").touch()
    for path in (tmp_path / "data", tmp_path / "data" / "below"):
        with pytest.raises(EmbeddedError, match=r"can't be used: (File exists|Not a directory)"):
            control.join_or_start(path, Settings())


@pytest.mark.slow
def test_damaged_files(folder: Path) -> None:
    """Credentials that make no sense are named; a damaged state of an ended server is in nobody's way."""
    control.start(folder, Settings())
    (folder / "state.json").write_text("{")
    with pytest.raises(EmbeddedError, match=r"state\.json is damaged"):
        control.find(folder)
    (folder / "state.json").unlink()
    pid = server_of(folder)
    os.kill(pid, signal.SIGKILL)
    assert ended(pid)
    (folder / "state.json").write_text("[]")
    control.start(folder, Settings())
    control.stop(folder)
    for damaged in ("", '{"key": 1}'):
        (folder / "credentials.json").write_text(damaged)
        with pytest.raises(EmbeddedError, match=r"credentials\.json is damaged; .*local reset"):
            control.start(folder, Settings())
    control.reset(folder)
    assert control.start(folder, Settings())[1]


def server_of(folder: Path) -> int:
    """Return the process that works in a folder."""
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if path.readlink() == folder:
                return int(path.parent.name)
        except OSError:
            continue
    raise AssertionError(folder)


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    """Without swift and storlets, a start tells what to install."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "python"], check=True)
    packages = tmp_path / "packages"
    packages.mkdir()
    for package in (Path(platformdirs.__file__).parent, Path(storlet_shell.__file__).parent):
        (packages / package.name).symlink_to(package)
    said = subprocess.run(
        [tmp_path / "python/bin/python", "-c", START, tmp_path / "data"],
        env={"PYTHONPATH": str(packages)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    assert said == "swift is not installed; run: pip install 'storlet-shell[embedded]'"
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_the_log_is_bounded_and_the_last_one_kept(folder: Path) -> None:
    """A start begins a new log and keeps the last one."""
    control.start(folder, Settings())
    control.stop(folder)
    (folder / "log").write_text("the last run's\n")
    control.start(folder, Settings())
    assert (folder / "log.1").read_text() == "the last run's\n"
    assert (folder / "log").stat().st_size < 10000


def test_data_folder_may_be_nested_deeper_than_python_recurses(tmp_path: Path) -> None:
    """A storlet may have left it so: what it takes can be told, and it can be deleted."""
    data = tmp_path / "data"
    places.claim(data)
    with nested(data / "top", 300) as deepest, little_recursion():
        (deepest / "file").write_bytes(bytes(100_000))
        assert places.used_bytes(data) >= 100_000
        places.remove(data)
        assert not data.exists()
