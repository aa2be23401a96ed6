"""Files are written only inside the folder that the user named."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from storlet_shell.batches.templates import Template
from storlet_shell.errors import LocalFileError, UsageError
from storlet_shell.results import saving
from storlet_shell.results.saving import make_folder_below, replacing_below
from storlet_shell.values import ObjectPath
from tests.support.lines import Outcome, Runner

LEADING_OUT = ["../out", "a/../../out", "..", "/out", "//out", "a//out", "./out", "a/./out", ""]
HARMLESS = ["~/out", "~x/out", "..out", "...", "C:\\out", "\\\\host\\out", "..\\out", "con", "-rf", "a\nb", "b/~"]
Save = Callable[[Runner, str, str], Outcome]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is the present one, in another one where nothing is to appear."""
    folder = tmp_path / "outer" / "here"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def files(folder: Path) -> set[str]:
    """Return the files below a folder, links among them."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or path.is_file()}


def written(folder: Path, name: str) -> None:
    """Write a file below a folder."""
    with replacing_below(os.fspath(folder), name) as file:
        file.write(b"x")


@pytest.mark.parametrize("name", [*LEADING_OUT, "a\0b"])
def test_name_that_leads_out_is_refused(here: Path, name: str) -> None:
    """Whatever has let it through before: nothing is made, not even a folder."""
    with pytest.raises(LocalFileError):
        written(here, name)
    if name:
        with pytest.raises(LocalFileError):
            make_folder_below(os.fspath(here), name)
    assert list(here.parent.rglob("*")) == [here]


@pytest.mark.parametrize("name", HARMLESS)
@pytest.mark.parametrize("folder", ["", "made"])
def test_other_names_are_files_of_the_folder(here: Path, folder: str, name: str) -> None:
    """A tilde is no home, a backslash no separator, a drive no drive."""
    with replacing_below(folder, name) as file:
        file.write(b"x")
    assert files(here.parent) == {str(Path("here", folder, name))}


def test_long_name_is_one_line(here: Path) -> None:
    """As a file's name; many folders of legal names are as good as one."""
    with pytest.raises(LocalFileError, match="File name too long"):
        written(here, "n" * 1024)
    written(here, "/".join(["n" * 100] * 10) + "/end")
    assert len(files(here)) == 1


@pytest.mark.parametrize("name", ["link", "link/x", "a/link", "a/link/x", "a/link/b/x"])
@pytest.mark.parametrize("target", ["outside", "missing", "file"])
def test_planted_link_is_not_followed(here: Path, name: str, target: str) -> None:
    """In the place of the file, or of a folder on the way, to what is there or not."""
    (here.parent / "outside").mkdir()
    (here.parent / "file").write_bytes(b"old")
    link = here / name[: name.index("link") + 4]
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(here.parent / target)
    with pytest.raises(LocalFileError, match="is a link"):
        written(here, name)
    assert (here.parent / "file").read_bytes() == b"old"
    assert files(here.parent) == {"file", str(link.relative_to(here.parent))}


def test_pipe_in_the_place_of_the_file_is_refused(here: Path) -> None:
    """Nobody waits for who would read it."""
    os.mkfifo(here / "pipe")
    with pytest.raises(LocalFileError, match="no file"):
        written(here, "pipe")


def test_directory_in_the_place_of_the_file_is_refused(here: Path) -> None:
    """With the path in the message."""
    (here / "a/b").mkdir(parents=True)
    with pytest.raises(UsageError, match="here/a/b: it is a directory"):
        written(here, "a/b")


@pytest.mark.parametrize("when", ["before the file is made", "before it has its name"])
def test_swapped_folder_leads_nowhere(here: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """The file lands in the folder that was there, wherever it is now, and never behind the link."""
    outside = here.parent / "outside"
    (here / "a").mkdir()
    outside.mkdir()
    (outside / "x").write_bytes(b"old")

    def swap() -> None:
        (here / "a").rename(here / "moved")
        (here / "a").symlink_to(outside)

    if when == "before the file is made":
        entered = saving._entered
        monkeypatch.setattr(saving, "_entered", lambda *given: (entered(*given), swap())[0])
        written(here, "a/x")
    else:
        with replacing_below(os.fspath(here), "a/x") as file:
            file.write(b"x")
            swap()
    assert (outside / "x").read_bytes() == b"old"
    assert (here / "moved/x").read_bytes() == b"x"


def test_link_that_takes_the_file_s_place_is_replaced(here: Path) -> None:
    """What it points to stays as it is."""
    (here.parent / "file").write_bytes(b"old")
    with replacing_below(os.fspath(here), "x") as file:
        file.write(b"new")
        (here / "x").symlink_to(here.parent / "file")
    assert (here.parent / "file").read_bytes() == b"old"
    assert not (here / "x").is_symlink()


def test_somebody_who_swaps_without_end_gets_nothing(here: Path) -> None:
    """A folder and a link take turns under one name while files are written through it."""
    outside, stop = here.parent / "outside", threading.Event()
    outside.mkdir()

    def swap() -> None:
        while not stop.is_set():
            with suppress(OSError):  # the other thread makes a folder as well
                (here / "a").rename(here / f"a{os.urandom(8).hex()}")
                (here / "a").symlink_to(outside)
            with suppress(OSError):
                (here / "a").unlink()

    thread = threading.Thread(target=swap)
    thread.start()
    outcomes = set()
    try:
        for number in range(500):
            try:
                written(here, f"a/{number}")
                outcomes.add("written")
            except LocalFileError:
                outcomes.add("refused")
    finally:
        stop.set()
        thread.join()
    assert list(outside.iterdir()) == []
    assert outcomes <= {"written", "refused"}


def save_by_download(run: Runner, container: str, folder: str) -> Outcome:
    """Download a container."""
    return run("download", container, *([folder] if folder else []))


def save_by_map(run: Runner, container: str, folder: str) -> Outcome:
    """Run a storlet over a container."""
    place = str(Path(folder, "{path}"))
    return run("map", "--storlet", "upper.py", "--input", f"path:/{container}/**", "--save", place)


@pytest.fixture(params=[save_by_download, save_by_map])
def save(request: pytest.FixtureRequest) -> Save:
    """Return a way in which objects become files."""
    chosen: Save = request.param
    return chosen


@pytest.fixture
def home(here: Path) -> Path:
    """Return a home folder next to the current folder."""
    home = here.parent / "home"
    home.mkdir()
    return home


@pytest.fixture(scope="module")
def hostile(storlets: Runner) -> str:
    """Fill a container with every kind of name; return its name."""
    assert storlets("mkdir", "hostile").status == 0
    for name in (*filter(None, LEADING_OUT), *HARMLESS):
        assert storlets("upload", f"path:/hostile/{name}", stdin=b"x").status == 0
    return "hostile"


@pytest.mark.parametrize("folder", ["", "to"])
def test_objects_stay_in_the_folder(
    storlets: Runner, hostile: str, here: Path, home: Path, save: Save, folder: str
) -> None:
    """By download and by map; the harmless ones are files there."""
    run = Runner({**storlets.environ, "HOME": str(home)})
    outcome = save(run, hostile, folder)
    assert outcome.status in (1, 6), outcome.err
    assert files(here.parent) == {str(Path("here", folder, name)) for name in HARMLESS}
    assert list(home.iterdir()) == []


def test_links_in_the_folder_are_not_followed(
    storlets: Runner, container: str, here: Path, home: Path, save: Save
) -> None:
    """By download and by map; the folder itself may be reached through one."""
    for name in ("way/x", "file", "good"):
        assert storlets("upload", f"path:/{container}/{name}", stdin=b"x").status == 0
    (here / "real").mkdir()
    (here / "to").symlink_to(here / "real")
    (here / "real/way").symlink_to(home)
    (here / "real/file").symlink_to(home / "file")
    outcome = save(storlets, container, str(here / "to"))
    assert outcome.status in (1, 6)
    assert list(home.iterdir()) == []
    assert (here / "real/good").read_bytes().lower() == b"x"
    assert (outcome.err + outcome.text).count("is a link") >= 2


@pytest.mark.parametrize(
    "text", ["to", "to/{name}", "{path}", "{container}/{dir}/{stem}{suffix}", "pre-{path}", "/a/{name}"]
)
@pytest.mark.parametrize("name", [*filter(None, LEADING_OUT), *HARMLESS])
def test_template_leads_nowhere_else(here: Path, text: str, name: str) -> None:
    """What a template makes of a name is refused, or a file in the folder that the template's own text names."""
    template = Template.parse_files(text)
    try:
        made = template.file(ObjectPath("c", name))
    except UsageError:
        return
    parts = made.split("/")
    assert {"", ".", ".."}.isdisjoint(parts)
    assert template.fill(ObjectPath("c", name)) == template.folder + made
